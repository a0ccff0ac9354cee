"""The command line: what a person types, what they get, and what is said when it makes no sense."""

from __future__ import annotations

import csv
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from racemate.cli import run
from racemate.errors import RacemateError
from racemate.interchange.files import check_writable

KETAMINE = "ketamine 0.5 mg/kg iv over 40 min"
SHORT = ["--until", "1 h", "--output", "arterial.ketamine"]


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    """What a command prints on stdout and stderr; its exit code is checked."""
    found = run(list(arguments))
    out, err = capsys.readouterr()
    assert found == code, err
    assert "Traceback" not in out + err
    return out, err


def wrong(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one message of a wrong input: exit code 2, nothing on stdout."""
    out, err = said(capsys, *arguments, code=2)
    assert out == "" and err.startswith("error: ")
    return err


# -- what one gets ----------------------------------------------------------------------------------
def test_a_simulation_prints_the_peak_a_plot_and_what_was_assumed(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = said(capsys, "simulate", KETAMINE, "--patient", "male, 70 kg", "--until", "4 h")
    line = next(line for line in out.splitlines() if line.startswith("arterial.ketamine"))
    assert line.split()[1:4] == ["298", "40", "min"] and line.endswith("ng/mL")
    assert "Concentration (ng/mL)" in out and "━" in out
    assert "assumed, not given: age" in out
    assert "\x1b" not in out and err == "", "no colours where no terminal is"


def test_json_alone_is_on_stdout_and_has_the_documented_keys(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = said(capsys, "simulate", KETAMINE, *SHORT, "--every", "10 min", "--json")
    result = json.loads(out)
    assert {"scenario", "units", "time", "outputs", "summary", "sources", "warnings", "version"} <= set(result)
    assert result["units"] == {"time": "min", "arterial.ketamine": "ng/mL"}
    assert len(result["time"]) == len(result["outputs"]["arterial.ketamine"]) == 7
    assert result["summary"]["arterial.ketamine"]["TMAX"] == 40
    assert any("simons2022" in key for key in result["sources"]["references"])
    assert err == ""


def test_molar_shows_nanomoles(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(capsys, "simulate", KETAMINE, *SHORT, "--json")
    mass = json.loads(out)["summary"]["arterial.ketamine"]["CMAX"]
    out, _ = said(capsys, "simulate", KETAMINE, *SHORT, "--json", "--molar")
    molar = json.loads(out)["summary"]["arterial.ketamine"]["CMAX"]
    assert molar == pytest.approx(mass / 237.7 * 1000, rel=1e-3)


def test_setting_a_number_changes_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    def end(*more: str) -> float:
        out, _ = said(
            capsys, "simulate", "esketamine 20 mg iv", "--until", "2 h", "-o", "arterial.s-ketamine", "--json", *more
        )
        return float(json.loads(out)["summary"]["arterial.s-ketamine"]["CLST"])

    key = "esketamine.kinetics.simons-2022.disposition.s-ketamine.CL"
    assert end("--set", f"{key}=3 L/min") < end() < end("--set", f"{key}=0.5 L/min")


def test_a_population_shows_its_spread_and_does_not_depend_on_the_threads(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["simulate", KETAMINE, *SHORT, "--population", "12", "--seed", "3"]
    out, _ = said(capsys, *arguments)
    assert "median (5-95 % of patients)" in out
    one, _ = said(capsys, *arguments, "--json")
    two, _ = said(capsys, *arguments, "--json", "--jobs", "2")
    assert json.loads(one)["outputs"] == json.loads(two)["outputs"]
    assert len(json.loads(one)["outputs"]["arterial.ketamine"]) == 12


def test_every_form_of_file_is_written_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {form: tmp_path / f"r.{form}" for form in ("csv", "parquet", "netcdf")} | {"plot": tmp_path / "r.png"}
    options = [word for form, path in files.items() for word in (f"--{form}", str(path))]
    _, err = said(capsys, "simulate", KETAMINE, *SHORT, "--every", "10 min", *options)
    assert err.count("wrote ") == 4
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in files.values()), "nothing else is left"
    rows = list(csv.DictReader(files["csv"].read_text().splitlines()))
    assert rows[0].keys() == {"id", "time", "name", "value", "unit"} and len(rows) == 7
    assert files["plot"].read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["svg", "html"])
def test_pictures_carry_regimen_units_and_sources(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"picture.{kind}"
    said(capsys, "simulate", KETAMINE, *SHORT, "--plot", str(path))
    text = path.read_text(encoding="utf-8")
    for word in (KETAMINE, "ng/mL", "Simons et al. 2022", "Not for the care of patients"):
        assert word in text
    if kind == "html":
        assert "http://" not in text.replace("http://www.w3.org", "") and "<script src" not in text, "stands alone"


def test_a_scenario_file_is_the_same_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(f'regimen = "{KETAMINE}"\nuntil = "1 h"\noutputs = ["arterial.ketamine"]\n')
    from_file, _ = said(capsys, "run", str(file), "--json")
    typed, _ = said(capsys, "simulate", KETAMINE, *SHORT, "--json")
    assert from_file == typed


def test_two_regimens_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "both.svg"
    out, _ = said(capsys, "compare", "esketamine 10 mg iv", "esketamine 20 mg iv", "-o", "arterial.s-ketamine",
                  "--until", "1 h", "--plot", str(path))  # fmt: skip
    assert "peak, AUC ratio" in out and "2, 2" in out, "a linear drug: twice the dose, twice the curve"
    assert path.exists()


def test_what_is_known_can_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert "esketamine" in said(capsys, "drugs")[0]
    assert "simons-2022" in said(capsys, "drugs", "Spravato")[0]
    assert "nmda" in said(capsys, "targets")[0]
    assert "µmol/L" in said(capsys, "targets", "mu")[0]
    assert "effect-site.s-ketamine.free" in said(capsys, "outputs", KETAMINE)[0]
    out, _ = said(capsys, "sources", KETAMINE)
    assert "assumed (" in out and "doi:" in out
    assert "llvmlite" in said(capsys, "doctor")[0]


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_equations_are_written_down(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(capsys, "equations", "esketamine 10 mg iv", "-o", "arterial.s-ketamine", "--format", form)
    assert "\\frac{d}{dt} A_{\\text{s-ketamine, central}}" in out and "simons2022" in out
    assert out.count("{") == out.count("}") and out.count("\\left(") == out.count("\\right)")


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version")[0].startswith("racemate ")
    out, _ = said(capsys, "--help")
    assert out.count("Not for the care of patients") == 1
    for command in "simulate run compare drugs targets outputs sources equations answer doctor".split():
        assert command in out


# -- what makes no sense ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["ketamin 5 mg iv"], "did you mean 'ketamine'"),
        (["ketamine 5 mgg iv"], "did you mean 'mg'"),
        (["ketamine 5 mg ivv"], "did you mean 'iv'"),
        ([KETAMINE, "-o", "arterial.ketamin"], "did you mean 'arterial.ketamine'"),
        (["ketamine -5 mg iv"], "-"),
        (["ketamine 5 mg iv every 1 min x 1000000000"], "x"),
        ([KETAMINE, "--patient", "900 kg"], "kg"),
        ([KETAMINE, "--until", "-1 h"], "end"),
        ([KETAMINE, "--until", "soon"], "cannot read 'soon' as a time"),
        ([KETAMINE, "--every", "0 min"], "positive spacing"),
        ([KETAMINE, "--population", "many"], "whole number"),
        ([KETAMINE, "--population", "0"], "out of range"),
        ([KETAMINE, "--set", "nonsense"], "write it like"),
        ([KETAMINE, "--set", "s-ketamine.CLL=1 L/min"], "fix:"),
        ([KETAMINE, "--model", "ketamine=otto"], "fix:"),
        ([KETAMINE, "--seed", "-1"], "--seed"),
        ([KETAMINE, "--no-such-option"], "No such option"),
        ([KETAMINE, "--plot", "picture.bmp"], "end it with .png"),
        ([KETAMINE, "--json", "--csv", "-"], "same place"),
        ([""], "fix:"),
    ],
)
def test_a_wrong_simulation_is_one_message(arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert hint in wrong(capsys, "simulate", *arguments)


def test_places_where_nothing_can_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "this is a folder" in wrong(capsys, "simulate", KETAMINE, "--csv", str(tmp_path))
    assert "create the folder" in wrong(capsys, "simulate", KETAMINE, "--csv", str(tmp_path / "no" / "r.csv"))
    assert "cannot write" in wrong(capsys, "simulate", KETAMINE, "--plot", "/proc/r.png") or not Path("/proc").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    child = os.fork()
    if child == 0:  # root may write anywhere, so the child becomes somebody else
        code = 1
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            check_writable(tmp_path / "r.csv")
        except RacemateError as error:
            code = 0 if "no permission" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_scenario_files_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "scenario.toml"
    assert "check the name" in wrong(capsys, "run", str(file))
    assert "this is a folder" in wrong(capsys, "run", str(tmp_path))
    file.write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in wrong(capsys, "run", str(file))
    file.write_text("regimen = ")
    assert "not a TOML file" in wrong(capsys, "run", str(file))
    file.write_text('regimn = "ketamine 5 mg iv"')
    assert "did you mean 'regimen'" in wrong(capsys, "run", str(file))
    file.write_text('regimen = "ketamine 5 mg iv"\nseed = "one"')
    assert "'seed' cannot be 'one'" in wrong(capsys, "run", str(file))
    file.write_text('regimen = "ketamin 5 mg iv"')
    assert str(file) in wrong(capsys, "run", str(file))


def test_names_that_are_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean 'fentanyl'" in wrong(capsys, "drugs", "fentanil")
    assert "unknown target" in wrong(capsys, "targets", "my")
    assert "unknown format" in wrong(capsys, "equations", KETAMINE, "--format", "word")
    assert "No such command" in wrong(capsys, "simulat")


def test_what_was_there_stays_when_the_work_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "r.csv"
    old.write_text("before")
    wrong(capsys, "simulate", KETAMINE, "-o", "no.such", "--csv", str(old))
    assert old.read_text() == "before"


def test_the_whole_process() -> None:
    command = [sys.executable, "-m", "racemate", "simulate", "ketamin 5 mg iv"]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 2 and found.stdout == "" and found.stderr.startswith("error: unknown drug 'ketamin'")


def test_a_reader_who_stops_reading_is_no_error() -> None:
    command = f"'{sys.executable}' -m racemate simulate '{KETAMINE}' --csv - | head -1"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert found.stdout == "id,time,name,value,unit\n" and found.stderr == ""


def examples() -> list[str]:
    """Every command line that docs/cli.md shows."""
    page = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
    return [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("racemate ")]


@pytest.mark.parametrize("line", examples())
def test_the_examples_of_the_manual_run(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    said(capsys, *shlex.split(line)[1:])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("simons-2022.disposition.s-ketamine.CL", "-1"),
        ("esketamine.kinetics.simons-2022.parameters.VK1", "0"),
        ("esketamine.substances.s-ketamine.fraction_unbound", "2"),
        ("esketamine.binding.mu.s-ketamine.Ki", "-5 umol/L"),
    ],
)
def test_a_setting_no_body_can_have_is_refused(name: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "ketamine 5 mg iv", "--set", f"{name}={value}"]) == 2
    assert "cannot set" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["ketamine 1e9 mg iv"],
        ["fentanyl 100 mg iv"],
        ["ketamine 500 mg/kg iv"],
        ["arketamine 1e9 mg oral"],
        ["ketamine 10 mg iv at 5 h", "--until", "1 h"],
    ],
)
def test_absurd_doses_and_ends_before_the_first_dose_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["simulate", *words]) == 2
    assert "fix:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["drugs", "morphine"], ["sources", "morphine 10 mg iv"], ["simulate", "morphine 10 mg iv"]]
)
def test_a_reader_who_leaves_is_no_failure(words: list[str]) -> None:
    racemate = [sys.executable, "-c", "from racemate.cli import main; main()", *words]
    with subprocess.Popen(racemate, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.parametrize("options", [[], ["--json"], ["--csv", "/dev/full"]])
def test_a_full_disk_is_one_message(options: list[str]) -> None:
    command = [sys.executable, "-c", "from racemate.cli import main; main()", "simulate", "morphine 10 mg iv", *options]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "no space left" in done.stderr.lower()
    assert "Traceback" not in done.stderr
