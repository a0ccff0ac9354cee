"""The commands that simulate: one scenario, a scenario file, two side by side."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from racemate.cli import options as o
from racemate.errors import RacemateError

if TYPE_CHECKING:
    from racemate.result import Result
    from racemate.scenario import Scenario


@dataclass(frozen=True)
class Wanted:
    """Where results go: checked before anything is computed."""

    json: bool = False
    csv: str | None = None
    parquet: str | None = None
    netcdf: str | None = None
    plot: str | None = None

    @property
    def files(self) -> dict[str, str]:
        """Form and path of every file asked for."""
        named = {"csv": self.csv, "parquet": self.parquet, "netcdf": self.netcdf, "plot": self.plot}
        return {form: path for form, path in named.items() if path is not None and not (form == "csv" and path == "-")}

    @property
    def quiet(self) -> bool:
        """Whether stdout is for data alone."""
        return self.json or self.csv == "-"

    def check(self) -> None:
        """Refuse what could not be written."""
        from racemate.interchange.files import check_writable

        if self.json and self.csv == "-":
            raise RacemateError("both --json and --csv - print to the same place", fix="write one of them to a file")
        seen: dict[Path, str] = {}
        for form, path in self.files.items():
            target = check_writable(path).resolve()
            if target in seen:
                raise RacemateError(f"--{form} and --{seen[target]} name the same file", where=path)
            seen[target] = form
            if form == "plot":
                from racemate.report.pictures import check_kind

                check_kind(path)
            else:
                from racemate.interchange.results import check_form

                check_form(form)

    def deliver(self, results: Sequence[Result], labels: Sequence[str] = ()) -> None:
        """Write the files and print the data asked for."""
        for form, path in self.files.items():
            if form == "plot":
                from racemate.report.pictures import save

                save(results, path, labels=labels)
            else:
                from racemate.interchange.results import write

                write(results[0], form, path)
            print(f"wrote {path}", file=sys.stderr)
        if self.json:
            print(results[0].to_json())
        elif self.csv == "-":
            from racemate.interchange.results import write_csv

            write_csv(results[0], sys.stdout)


def simulate(
    regimen: o.RegimenText,
    patient: o.PatientText = None,
    until: o.Until = None,
    every: o.Every = None,
    output: o.Outputs = None,
    set_: o.Settings = None,
    model: o.Models = None,
    population: o.PopulationSize = None,
    seed: o.Seed = 1,
    jobs: o.Jobs = 1,
    molar: o.Molar = False,
    json: o.Json = False,
    csv: o.Csv = None,
    parquet: o.Parquet = None,
    netcdf: o.Netcdf = None,
    plot: o.Plot = None,
) -> None:
    """Simulate a regimen in one patient or in many.

    racemate simulate "morphine 0.1 mg/kg iv, then 2 mg iv every 10 min x 6" --until "6 h"

    racemate simulate "ketamine 0.5 mg/kg iv over 40 min" --population 1000 --plot fan.png
    """
    wanted = Wanted(json, csv, parquet, netcdf, plot)
    wanted.check()
    scenario = scenario_of(regimen, patient, until, every, output, set_, model, population, seed, jobs, molar)
    _show(simulated(scenario), wanted)


def run(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A scenario file (TOML).")],
    jobs: o.Jobs = 1,
    json: o.Json = False,
    csv: o.Csv = None,
    parquet: o.Parquet = None,
    netcdf: o.Netcdf = None,
    plot: o.Plot = None,
) -> None:
    """Simulate a scenario file.

    The file holds what 'simulate' takes: regimen, patient, until, every, outputs, population, seed, molar, and the
    tables [set] and [model].

    racemate run scenario.toml --plot picture.html
    """
    wanted = Wanted(json, csv, parquet, netcdf, plot)
    wanted.check()
    from racemate.interchange.scenarios import read_scenario

    _show(simulated(read_scenario(file).with_(jobs=jobs)), wanted)


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A regimen or a scenario file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    patient: o.PatientText = None,
    until: o.Until = None,
    every: o.Every = None,
    output: o.Outputs = None,
    population: o.PopulationSize = None,
    seed: o.Seed = 1,
    jobs: o.Jobs = 1,
    molar: o.Molar = False,
    plot: o.Plot = None,
) -> None:
    """Simulate two regimens (or scenario files) in the same patients and show them side by side.

    racemate compare "ketamine 0.5 mg/kg iv over 40 min" "ketamine 0.5 mg/kg im" --plot both.png
    """
    wanted = Wanted(plot=plot)
    wanted.check()
    common = (patient, until, every, output, None, None, population, seed, jobs, molar)
    scenarios = [_either(text, common) for text in (a, b)]
    end = max(s.end for s in scenarios)
    results = [simulated(s.with_(until=end) if s.until is None else s) for s in scenarios]
    labels = [str(s.regimen) for s in scenarios]
    if labels[0] == labels[1]:
        labels = [a, b]
    from racemate.report.style import Style
    from racemate.report.table import comparison_table, remarks
    from racemate.report.terminal import plot as text_plot

    style = Style.of()
    print(comparison_table(results, labels, style), "", text_plot(results, style, ("A", "B")), sep="\n")
    for label, result in zip("AB", results, strict=True):
        if text := remarks(result, style):
            print(f"{label}:", text)
    wanted.deliver(results, labels)


def _either(text: str, common: tuple[Any, ...]) -> Scenario:
    """A scenario from a file, when the text is the name of one, else from a regimen."""
    if text.endswith(".toml") or Path(text).is_file():
        from racemate.interchange.scenarios import read_scenario

        return read_scenario(text)
    return scenario_of(text, *common)


def scenario_of(
    regimen: str, patient: str | None, until: str | None, every: str | None, output: list[str] | None,
    set_: list[str] | None, model: list[str] | None, population: str | None, seed: int, jobs: int, molar: bool,
) -> Scenario:  # fmt: skip
    """The scenario that a command line describes."""
    from racemate.scenario import Scenario

    return Scenario.of(
        regimen, patient=patient, population=population, until=until, every=every, outputs=output or (),
        set=o.pairs(set_, "--set", o.SETTING), model=o.pairs(model, "--model", "ketamine=otto-2021"),
        seed=seed, jobs=jobs, molar=molar,
    )  # fmt: skip


def simulated(scenario: Scenario) -> Result:
    """The result; a bar fills on a terminal while many patients are simulated."""
    from racemate.simulate import simulate as run_it

    if scenario.n < 200 or not sys.stderr.isatty():
        return run_it(scenario)
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"simulating {scenario.n} patients", total=scenario.n)
        return run_it(scenario, progress=lambda done, total: bar.update(task, completed=done, total=total))


def _show(result: Result, wanted: Wanted) -> None:
    if not wanted.quiet:
        from racemate.report.style import Style
        from racemate.report.table import heading, remarks, summary_table
        from racemate.report.terminal import plot

        style = Style.of()
        print(heading(result, style), "", summary_table(result, style), "", plot([result], style), sep="\n")
        if text := remarks(result, style):
            print("\n" + text)
    wanted.deliver([result])
