"""The options that several commands share, and what completes them."""

from __future__ import annotations

from typing import Annotated

import typer

from racemate.errors import RacemateError


def complete_regimen(incomplete: str) -> list[str]:
    """Complete the last word of a dosing text: a drug at the start of an item, else a route."""
    from racemate.library import ROUTES, load

    head, _, word = incomplete.rpartition(" ")
    starts = not head or head.rstrip().endswith((";", ","))
    names = sorted({p.name for p in load().products.values()}) if starts else [*ROUTES, "over", "every", "then", "at"]
    return [f"{head} {name}" if head else name for name in names if name.startswith(word)]


def complete_output(incomplete: str) -> list[str]:
    """Names of outputs, of the drugs of the library."""
    from racemate.library import load

    library = load()
    names = [f"{site}.{s}" for site in ("arterial", "venous", "effect-site") for s in library.substances]
    names += [f"{word}.{t}" for word in ("occupancy", "activation") for t in library.targets] + list(library.effects)
    return [name for name in names if name.startswith(incomplete)]


def complete_model(incomplete: str) -> list[str]:
    """``drug=model`` for every kinetic model of the library."""
    from racemate.library import load

    pairs = [f"{d.id}={name}" for d in load().drugs.values() for name in d.kinetics]
    return [pair for pair in pairs if pair.startswith(incomplete)]


def complete_drug(incomplete: str) -> list[str]:
    """Names of drugs."""
    from racemate.library import load

    return [name for name in load().drugs if name.startswith(incomplete)]


def complete_target(incomplete: str) -> list[str]:
    """Names of targets."""
    from racemate.library import load

    return [name for name in load().targets if name.startswith(incomplete)]


SETTING = "'simons-2022.disposition.s-ketamine.CL=1.2 L/min'"
RegimenText = Annotated[
    str,
    typer.Argument(metavar="REGIMEN", help="What is given, in the dosing language.", autocompletion=complete_regimen),
]
PatientText = Annotated[
    str | None,
    typer.Option(
        "--patient", "-p", metavar="TEXT", help="To whom: 'female, 35 y, 62 kg'; with -n a group; a number replays."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Replace a number of the library: 'simons-2022.disposition.s-ketamine.CL=1.2 L/min'.",
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="DRUG=NAME", help="Kinetic model to use.", autocompletion=complete_model),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="End: '4 h', '3 days'.")]
Every = Annotated[str | None, typer.Option("--every", metavar="TIME", help="Spacing of the outputs: '1 min'.")]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output", "-o", metavar="NAME", help="What to compute: see 'outputs'.", autocompletion=complete_output
    ),
]
PopulationSize = Annotated[
    str | None, typer.Option("--population", "-n", metavar="N", help="So many patients who differ as people do.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the random numbers.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, max=1024, help="Threads; the result does not depend on it.")]
Molar = Annotated[bool, typer.Option("--molar", help="Concentrations in nmol/L instead of ng/mL.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
Csv = Annotated[str | None, typer.Option("--csv", metavar="FILE", help="Write a long table ('-' prints it).")]
Parquet = Annotated[str | None, typer.Option("--parquet", metavar="FILE", help="Write the long table as Parquet.")]
Netcdf = Annotated[str | None, typer.Option("--netcdf", metavar="FILE", help="Write labelled arrays as NetCDF.")]
Plot = Annotated[str | None, typer.Option("--plot", metavar="FILE", help="Draw: .png, .svg, .pdf or .html.")]


def pairs(texts: list[str] | None, option: str, example: str) -> dict[str, str]:
    """``KEY=VALUE`` texts as a mapping."""
    found: dict[str, str] = {}
    for text in texts or []:
        key, equals, value = text.partition("=")
        if not (equals and key.strip() and value.strip()):
            raise RacemateError(f"cannot read '{text}'", where=option, fix=f"write it like {option} {example}")
        if key.strip() in found:
            raise RacemateError(f"'{key.strip()}' is given twice", where=option)
        found[key.strip()] = value.strip()
    return found
