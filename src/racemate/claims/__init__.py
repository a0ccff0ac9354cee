"""What people ask of these drugs, answered with numbers, their spread, and their sources."""

from racemate.claims.answers import Answer, answer, questions

__all__ = ["Answer", "answer", "questions"]
