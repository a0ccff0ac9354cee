"""The commands that tell what is known: drugs, targets, outputs, sources, equations, and the state of things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from racemate.cli import options as o

if TYPE_CHECKING:
    from racemate.library import DoseRange, Drug, Library
    from racemate.scenario import Scenario

DrugName = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="One drug, in full.", autocompletion=o.complete_drug)
]
TargetName = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="One target, in full.", autocompletion=o.complete_target)
]
Question = Annotated[str | None, typer.Argument(metavar="QUESTION", help="Such as 'is ketamine an opioid?'.")]
OptionalRegimen = Annotated[
    str | None, typer.Argument(metavar="[REGIMEN]", help="What is given.", autocompletion=o.complete_regimen)
]


def drugs(name: DrugName = None) -> None:
    """List the drugs, or tell all about one: products, routes, kinetic models, targets.

    racemate drugs esketamine
    """
    from racemate.library import load

    library = load()
    if name is not None:
        _drug(library.drugs[library.product(name).drug])
        return
    known = library.drugs.values()
    rows = [[d.id, d.label, ", ".join(sorted(_routes(library, d))), _models(library, d)] for d in known]
    _print(["drug", "label", "routes", "kinetic models"], rows)


def _parts(library: Library, drug: Drug) -> list[Drug]:
    """The drugs that hold the substances of a drug's products: racemic ketamine is made of two others."""
    names = {library.substances[c.substance].drug for p in drug.products.values() for c in p.composition}
    return [library.drugs[name] for name in sorted(names)]


def _routes(library: Library, drug: Drug) -> set[str]:
    each = [{r for k in part.kinetics.values() for r in k.routes} for part in _parts(library, drug)]
    return set.intersection(*each) if each else set()


def _models(library: Library, drug: Drug) -> str:
    if drug.kinetics:
        return ", ".join(drug.kinetics)
    return "those of " + " and ".join(part.id for part in _parts(library, drug))


def _drug(drug: Drug) -> None:
    from racemate.interchange.citations import citations

    print(f"{drug.label} ({drug.id})\n{drug.note}\n")
    if drug.products:
        rows = [[p.name, "; ".join(_range(x) for x in p.ranges.values())] for p in drug.products.values()]
        _print(["product", "doses the models were built on"], rows)
    if drug.kinetics:
        print()
        cited = citations([k.source for k in drug.kinetics.values()], full=False)
        rows = [[k.name, k.site, ", ".join(k.routes), cited[k.source], k.population] for k in drug.kinetics.values()]
        _print(["kinetic model", "site", "routes", "source", "people"], rows)
    binding = [b for substances in drug.binding.values() for b in substances.values()]
    if binding:
        print()
        rows = [[b.target, b.substance, *_constant(b)] for b in binding]
        _print(["target", "substance", "Ki", "range", "efficacy", "kind", "source"], rows)


def _range(limits: DoseRange) -> str:
    per = f"/{limits.per}" if limits.per else ""
    return f"{limits.route}: {limits.low:g}-{limits.high:g} {limits.unit}{per}"


def _constant(binding: Any) -> list[str]:
    from racemate.report.words import figure, unit_text

    number = binding.Ki
    low, high = number.range()
    spread = "" if low == high else f"{figure(low)}-{figure(high)}"
    efficacy = "" if binding.efficacy is None else figure(binding.efficacy.value)
    return [f"{figure(number.value)} {unit_text(number.unit)}", spread, efficacy, number.kind, number.source]


def targets(name: TargetName = None) -> None:
    """List the targets, or tell one's ligands with their constants.

    racemate targets mu
    """
    from racemate.library import load

    library = load()
    if name is None:
        rows = [[t.id, t.label, ", ".join(library.ligands(t.id))] for t in library.targets.values()]
        _print(["target", "label", "ligands"], rows)
        return
    target = library.target(name)
    print(f"{target.label} ({target.id})\n{target.note}\n")
    rows = [[substance, *_constant(b)] for substance, b in library.ligands(target.id).items()]
    _print(["substance", "Ki", "range", "efficacy", "kind", "source"], rows)


def outputs(regimen: OptionalRegimen = None, molar: o.Molar = False) -> None:
    """List what can be computed for a regimen.

    racemate outputs "fentanyl 100 ug iv"
    """
    from racemate.simulate import available_outputs

    text = regimen or "ketamine 0.5 mg/kg iv over 40 min"
    rows = [[name, label or "", unit] for name, unit, label in available_outputs(_scenario(text))]
    _print(["output", "what it is", "unit"], rows)


def sources(regimen: o.RegimenText, output: o.Outputs = None, model: o.Models = None) -> None:
    """Tell which numbers a simulation rests on, of which kind, and where they are published.

    racemate sources "morphine 5 mg iv"
    """
    from racemate.interchange.citations import citations
    from racemate.provenance import KINDS
    from racemate.report.words import figure, unit_text
    from racemate.simulate import composed, used_numbers

    numbers = used_numbers(composed(_scenario(regimen, output, model)))
    counts = {kind: sum(n.kind == kind for n in numbers) for kind in KINDS}
    total = max(1, len(numbers))
    shares = ", ".join(f"{count} {kind} ({100 * count / total:.0f} %)" for kind, count in counts.items())
    print(f"{len(numbers)} numbers: {shares}\n")
    ordered = sorted(numbers, key=lambda n: (KINDS.index(n.kind) if n.kind in KINDS else 9, n.key))
    rows = [[n.kind, n.key, f"{figure(n.value)} {unit_text(n.unit)}".strip(), n.source] for n in ordered]
    _print(["kind", "number", "value", "source"], rows)
    print()
    for key, text in sorted(citations(n.source for n in numbers).items()):
        print(f"{key}: {text}")


def equations(
    regimen: o.RegimenText,
    output: o.Outputs = None,
    model: o.Models = None,
    form: Annotated[str, typer.Option("--format", metavar="FORM", help="markdown, latex or sbml.")] = "markdown",
    stages: Annotated[int | None, typer.Option(metavar="N", help="SBML: write a delay as N stages.", min=1)] = None,
) -> None:
    """Write down the composed system: every differential equation, parameter and output.

    racemate equations "remifentanil 0.1 ug/kg/min iv for 30 min" --format latex

    As SBML it holds one patient's numbers and the doses, for any other simulator to run.
    """
    scenario = _scenario(regimen, output, model)
    if form == "sbml":
        _need_libsbml()
        from racemate.interchange.sbml import of_scenario

        print(of_scenario(scenario, stages))
        return
    from racemate.model.equations import render
    from racemate.simulate import composed

    print(render(composed(scenario), form))


def _need_libsbml() -> None:
    from importlib.util import find_spec

    from racemate.errors import RacemateError

    if find_spec("libsbml") is None:
        what = "writing SBML needs the package 'python-libsbml', which is not installed"
        raise RacemateError(what, fix="pip install 'racemate[interchange]'")


def answer(
    question: Question = None,
    listed: Annotated[bool, typer.Option("--list", help="List the questions that can be answered.")] = False,
    draws: Annotated[int, typer.Option("--draws", metavar="N", help="Draws of the uncertain constants.")] = 500,
    seed: o.Seed = 1,
    json: o.Json = False,
    plot: o.Plot = None,
) -> None:
    """Answer a question by computing it.

    racemate answer "is ketamine an opioid?"
    """
    from racemate import claims

    if listed or question is None:
        print("\n".join(claims.questions()))
        return
    if plot is not None:
        from racemate.interchange.files import check_writable

        check_writable(plot)
    found = claims.answer(question, draws=draws, seed=seed)
    if plot is not None:
        found.plot(plot)
    if json:
        from json import dumps

        print(dumps(found.to_dict(), indent=2))
        return
    print(found)
    if plot is not None:
        print(f"wrote {plot}")


def doctor() -> None:
    """Check this installation: versions, cache folder, library, compiled kernel."""
    from racemate.cli.checkup import checkup

    _print(["check", "", "found"], checkup())


def _scenario(regimen: str, output: list[str] | None = None, model: list[str] | None = None) -> Scenario:
    from racemate.scenario import Scenario

    return Scenario.of(regimen, outputs=output or (), model=o.pairs(model, "--model", "ketamine=otto-2021"))


def _print(head: list[str], rows: list[list[str]]) -> None:
    from racemate.report.style import Style, table

    style = Style.of()
    print(style.plain(table(head, rows, style)))
