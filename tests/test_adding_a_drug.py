"""docs/adding-a-drug.md is true: the drug it writes down is added by its one file, and simulated."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from racemate.errors import RacemateError
from racemate.simulate import simulate

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "adding-a-drug.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def own_drugs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "drugs").mkdir()
    (tmp_path / "drugs" / "alfentanil.toml").write_text(block("toml"))
    (tmp_path / "references.bib").write_text(block("bibtex"))
    monkeypatch.setenv("RACEMATE_LIBRARY", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("own_drugs")
def test_a_drug_is_added_by_one_file() -> None:
    outputs = ("arterial.alfentanil", "effect-site.alfentanil", "occupancy.mu.alfentanil", "activation.mu")
    result = simulate("alfentanil 30 ug/kg iv", until="24 h", every="1 min", outputs=outputs)
    time, concentration = result.time, result["arterial.alfentanil"][0]
    dose, clearance = 30 * 70, 0.1988623  # ug, L/min
    assert np.trapezoid(concentration, time) == pytest.approx(dose / clearance, rel=0.02)
    assert 0 < result["activation.mu"].max() < result["occupancy.mu.alfentanil"].max() < 1


@pytest.mark.usefixtures("own_drugs")
def test_a_new_drug_competes_with_the_old_ones() -> None:
    alone = simulate("alfentanil 30 ug/kg iv", until="30 min", outputs=("occupancy.mu.alfentanil",))
    both = simulate("alfentanil 30 ug/kg iv; naloxone 0.4 mg iv", until="30 min", outputs=("occupancy.mu.alfentanil",))
    name = "occupancy.mu.alfentanil"
    assert both[name][0, -1] < alone[name][0, -1]


def test_a_broken_file_says_where_and_what_would_be_right(own_drugs: Path) -> None:
    file = own_drugs / "drugs" / "alfentanil.toml"
    file.write_text(file.read_text().replace("Q3 =", "QQ3 ="))
    with pytest.raises(RacemateError) as error:
        simulate("alfentanil 30 ug/kg iv", until="30 min")
    assert "alfentanil.toml" in str(error.value)
    assert "QQ3" in str(error.value)
    assert "Q3" in str(error.value)
