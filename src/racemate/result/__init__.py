"""What a simulation yields: curves with their units and sources, and what they come to."""

from racemate.result.result import DoseMark, Result, UsedNumber
from racemate.result.summary import Row, Statistic, Summary

__all__ = ["DoseMark", "Result", "Row", "Statistic", "Summary", "UsedNumber"]
