"""The words under a picture: who, what, which models, which sources."""

from __future__ import annotations

from collections.abc import Sequence

from racemate.interchange.citations import NOTICE, citations
from racemate.result import Result

MOST_SOURCES = 8


def people_text(result: Result) -> str:
    """The patient, or how many of whom."""
    people = result.scenario.people
    return str(people) if result.n == 1 else f"{result.n} patients ({getattr(people, 'spec', people)})"


def caption(results: Sequence[Result], individuals: int = 0) -> str:
    """Patient, models, short citations, version and the scope of it all, in one paragraph.

    Parameters
    ----------
    individuals : int
        How many single patients a picture of a population also draws.
    """
    first = results[0]
    models = dict(pair for r in results for pair in r.models.items())
    by_model: dict[str, list[str]] = {}
    for drug, model in models.items():
        by_model.setdefault(model, []).append(drug)
    kinetics = "; ".join(f"{', '.join(drugs)}: {model}" for model, drugs in by_model.items())
    keys = [key for r in results for key in r.references]
    cited = list(dict.fromkeys(citations([k for k in keys if ":" not in k], full=False).values()))
    more = f" and {len(cited) - MOST_SOURCES} more" if len(cited) > MOST_SOURCES else ""
    shown = ", ".join(cited[:MOST_SOURCES]) + more
    parts = [people_text(first)]
    if first.n > 1:
        single = f"; thin lines: {min(individuals, first.n)} single patients" if individuals else ""
        parts.append(f"Thick lines: median; bands: 25-75 and 5-95 % of patients{single}")
    if kinetics:
        parts.append(f"Kinetics: {kinetics}")
    if shown:
        parts.append(f"Sources: {shown}")
    return ". ".join(parts) + f". racemate {first.version}. {NOTICE}"
