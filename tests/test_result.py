"""Results: what a curve comes to, and files that hold all of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from racemate.errors import RacemateError
from racemate.interchange.files import replacing
from racemate.report.style import Style
from racemate.report.table import remarks, summary_table
from racemate.report.terminal import plot
from racemate.result import DoseMark, Result
from racemate.result.summary import area
from racemate.scenario import Scenario
from racemate.simulate import simulate

TIME = np.linspace(0.0, 240.0, 241)


def result(n: int = 1, failed: tuple[int, ...] = ()) -> Result:
    """Mono-exponential decay from 100 ng/mL with a half-life of an hour (patient k: k/10 more), and a dip to 40 %."""
    heights = 100.0 * (1 + 0.1 * np.arange(n))[:, None]
    curve = heights * np.exp2(-TIME / 60.0)[None, :]
    dip = np.repeat(1 - 0.6 * np.exp(-(((TIME - 30) / 20) ** 2))[None, :], n, axis=0)
    status = np.zeros(n, dtype=int)
    status[list(failed)] = 3
    curve[list(failed)] = np.nan
    return Result(
        scenario=Scenario.of("morphine 5 mg iv", until=240, population=n if n > 1 else None),
        time=TIME, values={"arterial.morphine": curve, "ventilation": dip},
        units={"arterial.morphine": "ng/mL", "ventilation": "1"},
        labels={"arterial.morphine": "arterial morphine"}, sources={"arterial.morphine": ("dehoogd2017",)},
        status=status, messages=dict.fromkeys(failed, "too many steps"),
        events=(DoseMark(0.0, 0.0, "morphine iv", "5 mg"),), version="0",
    )  # fmt: skip


def test_the_area_under_an_exponential_is_exact() -> None:
    row = result().summary()["arterial.morphine"]
    assert row.AUCLST.median == pytest.approx((100 - 100 / 16) / np.log(2), rel=1e-12)
    assert (row.CMAX.median, row.TMAX.median, row.area_unit) == (100, 0, "h*ng/mL")
    assert row.CLST.median == pytest.approx(100 / 16)


def test_what_falls_is_told_by_its_trough() -> None:
    row = result().summary()["ventilation"]
    assert row.falls and row.TMIN.median == 30 and row.CMIN.median == pytest.approx(0.4)
    assert "▼ 40" in summary_table(result(), Style())


@given(st.lists(st.floats(0.0, 1e6), min_size=2, max_size=30), st.floats(0.1, 10.0))
def test_twice_the_curve_is_twice_the_area(values: list[float], factor: float) -> None:
    t, v = np.arange(len(values), dtype=float), np.array([values])
    for log_down in (True, False):
        a, b = area(t, v, log_down=log_down), area(t, v * factor, log_down=log_down)
        np.testing.assert_allclose(b, a * factor, rtol=1e-6, atol=1e-12)
    assert area(t, v, log_down=True) <= area(t, v, log_down=False) * (1 + 1e-9), "an exponential hangs below its chord"


def test_a_failed_patient_is_reported_and_left_out() -> None:
    some = result(5, failed=(2,))
    summary = some.summary()
    assert (summary.patients, summary.failed) == (4, 1)
    assert summary["arterial.morphine"].CMAX.median == pytest.approx(np.median([100, 110, 130, 140]))
    assert "1 of 5 patients" in remarks(some, Style()) and "patient 3: too many steps" in remarks(some, Style())
    plain = json.loads(str(some.to_json()))
    assert plain["failed"] == {"3": "too many steps"} and plain["outputs"]["arterial.morphine"][2][0] is None


def test_all_patients_failed_is_still_a_result() -> None:
    none = result(2, failed=(0, 1))
    assert none.summary().patients == 0
    assert json.loads(str(none.to_json()))["summary"]["arterial.morphine"]["CMAX"]["median"] is None
    assert "2 of 2 patients" in remarks(none, Style())


def test_the_dataset_explains_itself() -> None:
    data = result(3).dataset
    assert data["arterial.morphine"].dims == ("patient", "time")
    assert data["arterial.morphine"].attrs == {
        "units": "ng/mL", "long_name": "arterial morphine", "sources": "dehoogd2017",
    }  # fmt: skip
    assert json.loads(data.attrs["scenario"])["regimen"] == "morphine 5 mg iv"


def test_files_hold_the_same_numbers(tmp_path: Path) -> None:
    import pandas as pd
    import xarray as xr

    some = result(3)
    frame = some.to_dataframe()
    assert list(frame.columns) == ["id", "time", "name", "value", "unit"] and len(frame) == 2 * 3 * TIME.size
    np.testing.assert_array_equal(pd.read_csv(some.to_csv(tmp_path / "r.csv"))["value"], frame["value"])
    np.testing.assert_array_equal(pd.read_parquet(some.to_parquet(tmp_path / "r.parquet"))["value"], frame["value"])
    with xr.open_dataset(some.to_netcdf(tmp_path / "r.nc"), engine="h5netcdf") as data:
        np.testing.assert_array_equal(data["arterial.morphine"], some["arterial.morphine"])
    back = json.loads(Path(some.to_json(tmp_path / "r.json")).read_text())
    np.testing.assert_array_equal(back["outputs"]["arterial.morphine"], some["arterial.morphine"])
    assert len(list(tmp_path.iterdir())) == 4


def test_a_scenario_from_a_result_is_the_same_scenario() -> None:
    some = result(3)
    assert Scenario.from_dict(json.loads(str(some.to_json()))["scenario"]).to_dict() == some.scenario.to_dict()


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    with pytest.raises(ZeroDivisionError), replacing(path) as place:
        place.write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with replacing(path) as place:
        place.write_text("whole")
    assert path.read_text() == "whole"
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_device_is_written_to_and_not_replaced() -> None:
    result().to_csv("/dev/null")
    assert Path("/dev/null").is_char_device()


def test_a_link_still_points_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    result().to_csv(tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink() and (tmp_path / "real.csv").is_file()


def test_unknown_outputs_and_shapes_that_do_not_fit() -> None:
    with pytest.raises(RacemateError, match="unknown output"):
        result()["arterial.morfine"]
    with pytest.raises(RacemateError, match="shape"):
        Result(result().scenario, TIME, {"x": np.zeros((1, 3))}, {"x": "1"})


@pytest.mark.parametrize("n", [1, 8])
def test_the_text_plot_fits_every_terminal(n: int) -> None:
    for style in (Style(), Style(width=60), Style(unicode=False), Style(color=True, width=140)):
        text = plot([result(n)], style)
        assert "Concentration" in text or "Arterial morphine" in text
        if not style.unicode:
            assert text.isascii()
        if not style.color:
            assert max(map(len, text.splitlines())) <= style.width


@pytest.mark.parametrize("n", [1, 8])
def test_figures_draw_concentrations_twice_and_the_doses_above(n: int) -> None:
    figure = result(n).plot()
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert "Arterial morphine, logarithmic" in titles
    scales = [ax.get_yscale() for ax in figure.axes]
    assert "log" in scales and scales.count("linear") >= 3
    assert "5 mg" in " ".join(t.get_text() for ax in figure.axes for t in ax.texts)


def test_a_bolus_peaks_at_its_start_and_breathing_has_a_lowest_value() -> None:
    found = simulate("fentanyl 100 ug iv", until="1 h", outputs=["arterial.fentanyl", "ventilation"]).summary()
    assert not found["arterial.fentanyl"].falls
    assert found["arterial.fentanyl"].TMAX.median == 0.0
    assert found["ventilation"].falls


def test_the_horizon_does_not_move_a_peak_or_an_area() -> None:
    """A bolus of remifentanil is over in an hour; looking longer must not flatten what it did."""
    names = ["ventilation", "arterial.remifentanil"]
    short, long = (simulate("remifentanil 1 ug/kg iv", until=t, outputs=names).summary() for t in ("1 h", "4 days"))
    assert long["ventilation"].CMIN.median == pytest.approx(short["ventilation"].CMIN.median, rel=0.02)
    assert long["arterial.remifentanil"].AUCLST.median == pytest.approx(
        short["arterial.remifentanil"].AUCLST.median, rel=0.03
    )


def test_the_numbers_of_a_run_are_those_it_used() -> None:
    own = {n.key: n.value for n in simulate("morphine 10 mg iv", until="1 h").numbers}
    name = next(k for k in own if k.endswith("fraction_unbound") and k.startswith("morphine"))
    changed = simulate("morphine 10 mg iv", until="1 h", set={name: "0.5"})
    assert {n.key: n.value for n in changed.numbers}[name] == 0.5 != own[name]


def test_what_a_user_sets_is_not_drawn_again() -> None:
    name = "morphine.substances.morphine.fraction_unbound"
    outputs = ["arterial.morphine", "arterial.morphine.free"]
    found = simulate(
        "morphine 10 mg iv",
        population=20,
        until="1 h",
        outputs=outputs,
        set={name: "0.5"},
        variability=False,
        uncertainty=True,
    )
    share = found["arterial.morphine.free"][:, 1:] / found["arterial.morphine"][:, 1:]
    assert np.allclose(share, 0.5, rtol=1e-9)


def test_a_strong_agonist_brings_its_caution_and_ketamine_does_not() -> None:
    assert any("overstated" in w for w in simulate("morphine 10 mg iv", until="1 h").warnings)
    assert not any("overstated" in w for w in simulate("ketamine 10 mg iv", until="1 h").warnings)
