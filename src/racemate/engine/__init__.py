"""The engine: a system of equations in, trajectories of many patients out. It knows no pharmacology."""

from racemate.engine.compile import Kernel, compile_system, supports
from racemate.engine.problem import Batch, Kind, Schedule, Solution, Status

__all__ = ["Batch", "Kernel", "Kind", "Schedule", "Solution", "Status", "compile_system", "supports"]
