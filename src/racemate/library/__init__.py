"""What is known: drugs, targets and effects, one file a thing, every number with its source.

>>> from racemate.library import load
>>> load().substance("s-ketamine").molar_mass.unit
'g/mol'
"""

from racemate.library.bibliography import Reference
from racemate.library.entries import (
    ROUTES,
    Binding,
    Component,
    Correlation,
    Disposition,
    DoseRange,
    Drug,
    Effect,
    EffectSite,
    Formation,
    KineticModel,
    ParameterSet,
    Pathway,
    Portal,
    Product,
    SiteLink,
    Substance,
    Target,
    Value,
)
from racemate.library.library import Library
from racemate.library.loader import check, load

__all__ = [
    "ROUTES",
    "Binding",
    "Component",
    "Correlation",
    "Disposition",
    "DoseRange",
    "Drug",
    "Effect",
    "EffectSite",
    "Formation",
    "KineticModel",
    "Library",
    "ParameterSet",
    "Pathway",
    "Portal",
    "Product",
    "Reference",
    "SiteLink",
    "Substance",
    "Target",
    "Value",
    "check",
    "load",
]
