"""The commands that say what a curve comes to: non-compartmental analysis and half-times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from racemate.cli import options as o
from racemate.errors import RacemateError

if TYPE_CHECKING:
    from racemate.result.nca import Noncompartmental


def nca(
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
) -> None:
    """Analyse concentrations without a model: peak, areas, terminal half-life, clearance, under CDISC names.

    racemate nca "morphine 10 mg oral" --until "24 h"

    racemate nca "fentanyl 100 ug iv" --until "24 h" --population 500 --csv nca.csv
    """
    if json and csv == "-":
        raise RacemateError("both --json and --csv - print to the same place", fix="write one of them to a file")
    if csv is not None and csv != "-":
        from racemate.interchange.files import check_writable

        check_writable(csv)
    from racemate.cli.runs import scenario_of, simulated

    scenario = scenario_of(regimen, patient, until, every, output, set_, model, population, seed, jobs, molar)
    if not scenario.outputs:  # the receptors would only take time
        from racemate.library import load
        from racemate.simulation.assemble import SITES, assemble, default_outputs

        names = default_outputs(assemble(scenario, load()))
        scenario = scenario.with_(outputs=tuple(n for n in names if n.partition(".")[0] in SITES))
    result = simulated(scenario)
    found = result.nca()
    if not found:
        raise RacemateError("no concentration among the outputs", where="--output", fix="such as arterial.morphine")
    if csv == "-":
        print(found.to_dataframe().to_csv(index=False), end="")
        return
    if csv is not None:
        from racemate.interchange.files import replacing

        with replacing(csv) as place:
            found.to_dataframe().to_csv(place, index=False)
    if json:
        from json import dumps

        print(dumps(found.to_dict(), indent=2))
        return
    from racemate.report.style import Style
    from racemate.report.table import heading, remarks

    style = Style.of()
    print(heading(result, style), "", _table(found), sep="\n")
    if text := remarks(result, style):
        print("\n" + text)


def half_time(
    drug: Annotated[str, typer.Argument(metavar="DRUG", help="A drug.", autocompletion=o.complete_drug)],
    after: Annotated[list[str] | None, typer.Option("--after", metavar="TIME", help="Length of the infusion.")] = None,
    patient: o.PatientText = None,
    model: Annotated[str | None, typer.Option("--model", metavar="NAME", help="Kinetic model to use.")] = None,
) -> None:
    """Tell the context-sensitive half-times: until half is gone after an infusion that held plasma constant.

    racemate half-time fentanyl --after "1 h" --after "8 h"
    """
    from racemate.report.style import Style, table
    from racemate.report.words import duration
    from racemate.simulation.half_time import context_sensitive_half_time

    times = after or ["10 min", "30 min", "1 h", "2 h", "4 h", "8 h"]
    columns = [
        context_sensitive_half_time(drug, times, site=site, patient=patient, model=model)
        for site in ("plasma", "effect-site")
    ]
    style = Style.of()
    rows = [[t, *(duration(float(c[i])) for c in columns)] for i, t in enumerate(times)]
    print(style.plain(table(["infusion", "plasma", "effect site"], rows, style, right=(1, 2))))


def _table(found: Noncompartmental) -> str:
    from racemate.report.style import Style, table
    from racemate.report.words import figure, unit_text
    from racemate.result.nca import LABELS

    style, single = Style.of(), len(found.ids) == 1
    rows = []
    for profile in found.profiles:
        for i, parameter in enumerate(profile.values):
            s = profile.statistic(parameter)
            told = figure(s.median) if single else f"{figure(s.median)} ({figure(s.p5)}-{figure(s.p95)})"
            name = profile.name if i == 0 else ""
            rows.append([name, parameter, told, unit_text(profile.units[parameter]), LABELS[parameter]])
    text = table(["output", "CDISC", "value", "unit", "what it is"], rows, style, right=(2,))
    return style.plain(text if single else text + "\n" + style.paint("median (5-95 % of patients)", "dim"))
