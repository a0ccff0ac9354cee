"""The shape of the library's files, checked by pydantic and turned into plain objects.

Imported only when no cached library fits, inside the loader's function: the warm path never pays for pydantic.
"""

from racemate.library.schema.drugs import DrugEntry
from racemate.library.schema.sets import EffectEntry, TargetEntry

__all__ = ["DrugEntry", "EffectEntry", "TargetEntry"]
