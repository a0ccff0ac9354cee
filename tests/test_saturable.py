"""An enzyme that saturates, alone and beside a linear clearance, and a delay that belongs to one kinetic model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import lambertw

from racemate import simulate

DRUG = """
id = "saturol"
label = "Saturol"

[products.saturol]
label = "Saturol"
states = "base"
salt_factor = { value = 1, unit = "1", kind = "assumed", source = "doe2001" }
composition = [{ substance = "saturol", fraction = 1 }]

[substances.saturol]
label = "Saturol"
molar_mass = { value = 250, unit = "g/mol", kind = "measured", source = "doe2001" }
fraction_unbound = { value = 1, unit = "1", kind = "measured", source = "doe2001" }

[kinetics.alone]
label = "saturable"
source = "doe2001"
site = "venous"
population = "nobody"
default = true
routes = ["iv"]
substances = ["saturol"]

[kinetics.alone.disposition.saturol]
V1 = { value = 20, unit = "L", kind = "assumed", source = "doe2001" }
Vmax = { value = 2, unit = "mg/min", kind = "assumed", source = "doe2001" }
Km = { value = 1.5, unit = "mg/L", kind = "assumed", source = "doe2001" }

[kinetics.parallel]
label = "saturable beside linear"
source = "doe2001"
site = "venous"
population = "nobody"
routes = ["iv"]
substances = ["saturol"]

[kinetics.parallel.disposition.saturol]
V1 = { value = 20, unit = "L", kind = "assumed", source = "doe2001" }
CL = { value = 0.1, unit = "L/min", kind = "assumed", source = "doe2001" }
Vmax = { value = 8, unit = "umol/min", kind = "assumed", source = "doe2001" }
Km = { value = 6, unit = "umol/L", kind = "assumed", source = "doe2001" }

[kinetics.parallel.effect_site.saturol]
ke0 = { value = 0.5, unit = "1/min", kind = "assumed", source = "doe2001" }

[effect_site.saturol]
ke0 = { value = 0.05, unit = "1/min", kind = "assumed", source = "doe2001" }

[references.doe2001]
type = "misc"
author = "Doe, J."
title = "Saturol"
year = 2001
note = "made up for a test"
"""


@pytest.fixture(autouse=True)
def own_drug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "saturol.toml").write_text(DRUG)
    monkeypatch.setenv("RACEMATE_LIBRARY", str(tmp_path))


def course(
    regimen: str, model: str, output: str = "venous.saturol", until: str = "4 h"
) -> tuple[np.ndarray, np.ndarray]:
    result = simulate(regimen, outputs=(output,), until=until, every="2 min", model={"saturol": model}, rtol=1e-10)
    return np.asarray(result.time), np.asarray(result.values[output][0]) / 1000  # ng/mL to mg/L


@pytest.mark.parametrize("dose", [3.0, 30.0, 300.0])
def test_a_bolus_of_a_saturable_drug_follows_the_lambert_function(dose: float) -> None:
    """C = Km W(C0/Km exp((C0 - Vmax t/V)/Km)); Schnell and Mendoza 1997."""
    time, found = course(f"saturol {dose:g} mg iv", "alone")
    v, vmax, km = 20.0, 2.0, 1.5
    start = dose / v
    exact = km * lambertw(start / km * np.exp((start - vmax / v * time) / km)).real
    assert np.allclose(found[1:], exact[1:], rtol=1e-7)


def independent(time: np.ndarray, clearance: float, ke0: float) -> np.ndarray:
    """Plasma and effect site of 100 mg in 20 L, 2 mg/min at most and half of it at 1.5 mg/L, by SciPy."""

    def slope(_: float, c: np.ndarray) -> list[float]:
        return [-(clearance + 2 / (1.5 + c[0])) * c[0] / 20, ke0 * (c[0] - c[1])]

    solved = solve_ivp(slope, (0, time[-1]), [5.0, 0.0], t_eval=time, rtol=1e-11, atol=1e-13)
    return np.asarray(solved.y)


def test_side_by_side_both_eliminate() -> None:
    """8 umol/min of 250 g/mol are 2 mg/min; 0.1 L/min more is cleared in proportion."""
    time, found = course("saturol 100 mg iv", "parallel")
    assert np.allclose(found[1:], independent(time, 0.1, 1.0)[0, 1:], rtol=1e-7)


@pytest.mark.parametrize(("model", "clearance", "ke0"), [("parallel", 0.1, 0.5), ("alone", 0.0, 0.05)])
def test_the_delay_of_a_model_comes_before_the_delay_of_its_drug(model: str, clearance: float, ke0: float) -> None:
    time, found = course("saturol 100 mg iv", model, "effect-site.saturol")
    assert np.allclose(found[1:], independent(time, clearance, ke0)[1, 1:], rtol=1e-6)
