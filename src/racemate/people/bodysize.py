"""Derived body sizes that covariate models need: one formula a function, for one person or for arrays.

Weights in kg, heights in cm; ``male`` is 1 for men and 0 for women.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Value = TypeVar("Value", float, "NDArray[np.float64]")

JAMES_LARGEST_BMI = {"male": 1e4 * 1.10 / 256, "female": 1e4 * 1.07 / 296}
"""Body mass index (kg/m2) at which James' lean mass stops rising with weight: 43 in men, 36 in women."""

COVARIATE_SOURCES = {"bsa": "mosteller1987", "lbm": "james1976", "ffm": "janmahasatian2005"}
"""Key of ``references.bib`` behind each derived covariate."""


def body_mass_index(weight: Value, height: Value) -> Value:
    """Quetelet's index, kg/m2.

    Examples
    --------
    >>> round(body_mass_index(70.0, 176.0), 1)
    22.6
    """
    return weight / (height / 100.0) ** 2


def surface_area(weight: Value, height: Value) -> Value:
    """Body surface area in m2: Mosteller 1987, doi:10.1056/NEJM198710223171717.

    Examples
    --------
    >>> round(surface_area(70.0, 176.0), 2)
    1.85
    """
    return _root(weight * height / 3600.0)


def surface_area_du_bois(weight: Value, height: Value) -> Value:
    """Body surface area in m2: Du Bois and Du Bois 1916, doi:10.1001/archinte.1916.00080130010002.

    Examples
    --------
    >>> round(surface_area_du_bois(70.0, 176.0), 2)
    1.86
    """
    area: Value = 0.007184 * weight**0.425 * height**0.725
    return area


def lean_body_mass_james(weight: Value, height: Value, male: Value) -> Value:
    """Lean body mass in kg as James 1976 wrote it (Research on Obesity, HMSO, London).

    A parabola in weight: it falls, and at last turns negative, beyond :data:`JAMES_LARGEST_BMI`.

    Examples
    --------
    >>> round(lean_body_mass_james(70.0, 176.0, 1.0), 1), round(lean_body_mass_james(60.0, 163.0, 0.0), 1)
    (56.8, 44.1)
    """
    slope, curve = _james(male)
    return slope * weight - curve * (weight / height) ** 2


def lean_body_mass(weight: Value, height: Value, male: Value) -> Value:
    """James' lean body mass (kg), held at its largest value for weights beyond the top of his parabola.

    So a heavier person of the same height never has less lean mass; models that use James were not built
    on such people, and a note says so (:attr:`racemate.people.Patient.notes`).

    Examples
    --------
    >>> lean_body_mass(250.0, 176.0, 1.0) == lean_body_mass(160.0, 176.0, 1.0)
    True
    """
    slope, curve = _james(male)
    return lean_body_mass_james(_smaller(weight, slope * height**2 / (2.0 * curve)), height, male)


def fat_free_mass(weight: Value, height: Value, male: Value) -> Value:
    """Fat-free mass in kg: Janmahasatian et al. 2005, doi:10.2165/00003088-200544100-00004.

    Examples
    --------
    >>> round(fat_free_mass(70.0, 176.0, 1.0), 1), round(fat_free_mass(60.0, 163.0, 0.0), 1)
    (56.1, 38.9)
    """
    index = body_mass_index(weight, height)
    return 9270.0 * weight / (8780.0 - 2100.0 * male + (244.0 - 28.0 * male) * index)


def covariates(female: Value, age: Value, weight: Value, height: Value, egfr: Value) -> dict[str, Value]:
    """What covariate models of drug files may name, in their units.

    ``weight`` kg, ``height`` cm, ``age`` years, ``female`` and ``male`` 0 or 1, ``bmi`` kg/m2, ``bsa`` m2, ``lbm``
    kg (James), ``ffm`` kg (Janmahasatian), ``egfr`` mL/min.
    """
    male = 1.0 - female
    return {
        "weight": weight,
        "height": height,
        "age": age,
        "female": female,
        "male": male,
        "bmi": body_mass_index(weight, height),
        "bsa": surface_area(weight, height),
        "lbm": lean_body_mass(weight, height, male),
        "ffm": fat_free_mass(weight, height, male),
        "egfr": egfr,
    }


def _james(male: Value) -> tuple[Value, Value]:
    return 1.07 + 0.03 * male, 148.0 - 20.0 * male


def _smaller(a: Value, b: Value) -> Value:
    first = a < b
    return first * a + (1 - first) * b


def _root(x: Value) -> Value:
    if isinstance(x, float):
        return math.sqrt(x)
    import numpy as np

    return np.sqrt(x)
