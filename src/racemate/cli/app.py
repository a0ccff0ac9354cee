"""The commands and their help. What a command does is imported when it runs."""

from __future__ import annotations

import typer

from racemate.cli import exposure, knowledge, runs

NOTICE = "For research and teaching. Not for the care of patients, and no advice for non-medical use."
HELP = f"""The pharmacology of ketamine and the opioids, made executable: say who is given what, and see what follows.

racemate simulate "ketamine 0.5 mg/kg iv over 40 min" --patient "female, 35 y, 62 kg, 163 cm"

{NOTICE}"""

app = typer.Typer(
    name="racemate",
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)

app.command("simulate")(runs.simulate)
app.command("run")(runs.run)
app.command("compare")(runs.compare)
app.command("nca")(exposure.nca)
app.command("half-time")(exposure.half_time)
app.command("drugs")(knowledge.drugs)
app.command("targets")(knowledge.targets)
app.command("outputs")(knowledge.outputs)
app.command("sources")(knowledge.sources)
app.command("equations")(knowledge.equations)
app.command("answer")(knowledge.answer)
app.command("doctor")(knowledge.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        from racemate import __version__

        print(f"racemate {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Options that stand before the command."""


top.__doc__ = None
