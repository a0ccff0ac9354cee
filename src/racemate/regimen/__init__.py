"""What was given: the dosing language, its doses, and NONMEM-style records of the same.

>>> from racemate.regimen import parse
>>> dose, = parse("ketamine 0.5 mg/kg iv over 40 min").doses
>>> str(dose.amount), dose.route, dose.time, dose.duration, dose.mode
('0.5 mg/kg', 'iv', 0.0, 40.0, 'infusion')
"""

from __future__ import annotations

from racemate.regimen.regimen import Regimen, format, parse
from racemate.regimen.syntax import ROUTES, Amount, Catalogue, Dose, Item, Rule, Span, Step

__all__ = ["ROUTES", "Amount", "Catalogue", "Dose", "Item", "Regimen", "Rule", "Span", "Step", "format", "parse"]
