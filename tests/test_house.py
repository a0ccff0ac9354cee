"""The rules of the house: imports point one way, heavy libraries load late, nothing stays undocumented."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import racemate

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "racemate"
SOURCES = sorted(PACKAGE.rglob("*.py"))

# A part imports only from parts on lines above its own, or from its own line.
ORDER = [
    {"errors", "units", "expressions", "provenance"},
    {"library"},
    {"regimen"},
    {"people"},
    {"scenario"},
    {"model"},
    {"engine"},
    {"pharmacokinetics"},
    {"targets"},
    {"systems"},
    {"effects"},
    {"adaptation"},
    {"simulation", "simulate", "result"},
    {"trials"},
    {"claims"},
    {"interchange"},
    {"report"},
    {"server"},
    {"cli", "__main__"},
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
# What a one-patient run passes through; what these load at import time is paid by every run.
WARM = "errors units library regimen people model engine pharmacokinetics simulate result cli".split()
HEAVY = set("pydantic pint xarray pandas matplotlib rich scipy lark pyarrow h5netcdf libsbml".split())


def part(path: Path) -> str:
    """The top-level part of the house a file belongs to ('' for the package itself)."""
    inside = path.relative_to(PACKAGE)
    if len(inside.parts) > 1:
        return inside.parts[0]
    return "" if inside.stem == "__init__" else inside.stem


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports(tree: ast.AST, *, top_level_only: bool = False) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import that runs; those under TYPE_CHECKING never do."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import; write the whole name"
            yield node.lineno, node.module or ""
            if node.module == "racemate":
                yield from ((node.lineno, f"racemate.{alias.name}") for alias in node.names)
        elif is_type_checking(node):
            continue
        elif not (top_level_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)):
            yield from imports(node, top_level_only=top_level_only)


def tree(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def short(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def test_every_part_has_its_place_in_the_order() -> None:
    parts = {part(path) for path in SOURCES} - {""}
    assert parts <= set(RANK), f"give {sorted(parts - set(RANK))} a place in the import order"


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_imports_point_one_way(path: Path) -> None:
    own = RANK.get(part(path), len(ORDER))
    for line, name in imports(tree(path)):
        if name.startswith("racemate."):
            target = name.split(".")[1]
            if target in RANK:
                assert RANK[target] <= own, f"{short(path)}:{line} imports {name}, which stands after '{part(path)}'"


def modules() -> dict[str, Path]:
    """Dotted module name -> file."""
    names = {".".join(("racemate", *path.relative_to(PACKAGE).with_suffix("").parts)): path for path in SOURCES}
    return {name.removesuffix(".__init__"): path for name, path in names.items()}


def loaded_with(name: str, known: dict[str, Path]) -> dict[str, str]:
    """Every module that importing ``name`` loads through top-level imports -> who imports it."""
    reached, todo = {name: name}, [name]
    while todo:
        current = todo.pop()
        found = (
            {imported for _, imported in imports(tree(known[current]), top_level_only=True)}
            if current in known
            else set()
        )
        parents = {one.rpartition(".")[0] for one in found | {current} if one.startswith("racemate.")}
        for one in (found | parents) - set(reached):
            reached[one] = current
            todo.append(one)
    return reached


@pytest.mark.parametrize("part", WARM)
def test_the_warm_path_imports_heavy_libraries_late(part: str) -> None:
    known = modules()
    if f"racemate.{part}" not in known:
        pytest.fail(f"racemate.{part} is part of every run and does not exist")
    for name, importer in loaded_with(f"racemate.{part}", known).items():
        assert name.split(".")[0] not in HEAVY, f"{importer} imports {name} at the top: move it into the function"


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_files_stay_under_500_lines(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 500, f"{short(path)} has {lines} lines: split it by what it talks about"


def modules_after(code: str) -> set[str]:
    """The top-level modules a fresh interpreter holds after running a line."""
    code += "; import sys; print(*{m.split('.')[0] for m in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_racemate_loads_no_heavy_module() -> None:
    loaded = modules_after("import racemate")
    assert "racemate" in loaded
    assert not loaded & (HEAVY | {"numpy", "llvmlite", "typer"})


def test_a_patient_and_a_population_need_numpy_only() -> None:
    loaded = modules_after("import racemate; racemate.Population(n=3).covariates")
    assert "numpy" in loaded
    assert not loaded & (HEAVY | {"llvmlite", "typer"})


@pytest.mark.parametrize("name", [n for n in racemate.__all__ if n != "__version__"])
def test_every_public_name_is_there(name: str) -> None:
    assert callable(getattr(racemate, name)), f"racemate.{name} is shadowed"
    assert name in dir(racemate)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'fentanyl'"):
        getattr(racemate, "fentanyl")  # noqa: B009 - mypy would refuse the plain form


def requirements() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"core": project["dependencies"], **project["optional-dependencies"]}
    return {group: [re.split(r"[<>=!~\[; ]", text)[0] for text in texts] for group, texts in groups.items()}


def test_every_dependency_has_its_line() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    lines = re.findall(r"^- `([^`]+)`: \S.*$", page, re.MULTILINE)
    assert len(lines) == len(set(lines)), "a dependency is listed twice"
    declared = {name for names in requirements().values() for name in names} | {"hatchling"}
    assert declared == set(lines)


def test_everything_imported_is_declared() -> None:
    shipped = {"python-libsbml": "libsbml", "libroadrunner": "roadrunner", "scikit-sundae": "sksundae"}
    declared = {shipped.get(name, name) for names in requirements().values() for name in names}
    declared |= {"pydantic_core", "typing_extensions"}  # parts of pydantic, which asks for them by name
    used = {name.split(".")[0] for path in SOURCES for _, name in imports(tree(path))}
    assert used - set(sys.stdlib_module_names) - {"racemate"} <= declared


VISITED = "LICENSE CITATION.cff CHANGELOG.md CONTRIBUTING.md README.md Makefile .ci/run src/racemate/py.typed"


@pytest.mark.parametrize("name", VISITED.split())
def test_what_a_visitor_looks_for_is_there(name: str) -> None:
    assert (ROOT / name).is_file()


def test_the_citation_names_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {racemate.__version__}\n" in citation


def test_ci_calls_make_test() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_door_keeps_its_name_when_its_module_is_imported() -> None:
    import_module("racemate.simulate")  # binds the submodule to the package

    assert callable(racemate.simulate)
