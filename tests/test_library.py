"""The shipped library loads, every number says where it came from, and everything is found by its name."""

from __future__ import annotations

import pickle
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from library_example import DRUG, FILES
from racemate.errors import RacemateError
from racemate.library import Library, check, load
from racemate.library.checks import ROLES
from racemate.library.entries import ROUTES
from racemate.library.loader import FOLDER, assemble
from racemate.library.schema import drugs, numbers, sets
from racemate.provenance import KINDS, Number, Uncertainty
from racemate.regimen import ROUTES as WRITTEN_ROUTES
from racemate.regimen import Catalogue, parse
from racemate.units import parse_unit


@pytest.fixture(scope="module")
def example() -> Library:
    return assemble({name: text.encode() for name, text in FILES.items()})[0]


def test_every_shipped_file_holds_together() -> None:
    assert [str(p) for p in check()] == []


def test_every_shipped_file_is_in_the_library() -> None:
    library = load()
    for folder, loaded in (("drugs", library.drugs), ("targets", library.targets), ("effects", library.effects)):
        assert {p.stem for p in (FOLDER / folder).glob("*.toml")} == set(loaded)


def test_every_number_has_a_unit_a_kind_and_a_source_that_exists() -> None:
    library = load()
    calibrations = {p.stem for p in (FOLDER / "calibrations").glob("*.toml")}
    for key, number in library.numbers().items():
        assert number.key == key
        assert parse_unit(number.unit)
        assert number.kind in KINDS
        if number.kind == "calibrated":
            assert number.source.removeprefix("calibration:") in calibrations
        else:
            assert number.source in library.references


def test_no_two_numbers_share_a_key() -> None:
    keys = [value.key for value in load().values()]
    assert len(set(keys)) == len(keys)


def sources(table: Any) -> Iterator[str]:
    if isinstance(table, dict):
        yield from (v for k, v in table.items() if k == "source" and isinstance(v, str))
        for part in table.values():
            yield from sources(part)
    elif isinstance(table, list):
        for part in table:
            yield from sources(part)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("people/*.toml")), ids=lambda p: p.stem)
def test_the_sources_of_reference_people_exist(path: Path) -> None:
    assert set(sources(tomllib.loads(path.read_text(encoding="utf-8")))) <= set(load().references)


def test_every_article_can_be_found_and_cited() -> None:
    for reference in load().references.values():
        assert reference.doi or reference.pmid or reference.type != "article"
        assert str(reference.year) in reference.cite()
        assert reference.title.rstrip(".") in reference.cite(full=True)


def test_the_routes_of_the_library_are_those_of_the_dosing_language() -> None:
    assert set(ROUTES) == set(WRITTEN_ROUTES.values())


def test_every_product_can_be_written_in_the_dosing_language() -> None:
    library = load()
    names = Catalogue(**library.catalogue())
    for name, product in library.products.items():
        (dose,) = parse(f"{name} 1 mg iv", names).doses
        assert dose.product == product.name


def test_the_page_of_the_format_names_every_key_of_the_schema() -> None:
    page = (FOLDER.parents[2] / "docs" / "library-format.md").read_text(encoding="utf-8")
    page = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    words = set(re.findall(r"[\w-]+", " ".join(re.findall(r"`([^`]+)`", page))))
    tables = [t for module in (numbers, drugs, sets) for t in vars(module).values() if isinstance(t, type)]
    for table in tables:
        for name, field in getattr(table, "model_fields", {}).items():
            if name != "root":
                assert (field.alias or name) in words, f"{table.__name__}.{name} is not on the page"
    for group, roles in ROLES.items():
        assert {group, *roles} <= words
    assert set(ROUTES) <= words


def test_a_model_that_extends_another_says_only_what_differs() -> None:
    child = """
[kinetics.roe-2001-slow]
extends = "roe-2001"
label = "Roe 2001, slow tablet"
disposition.examplamine.V2 = { value = 30, unit = "L", kind = "estimated", source = "roe2001" }
"""
    files = FILES | {"library/drugs/examplamine.toml": DRUG + child}
    library, problems = assemble({name: text.encode() for name, text in files.items()})
    assert [str(p) for p in problems] == []
    drug = library.drugs["examplamine"]
    base, slow = drug.kinetics["roe-2001"], drug.kinetics["roe-2001-slow"]
    assert slow.label == "Roe 2001, slow tablet"
    assert not slow.default
    assert slow.routes == base.routes
    taken, own = slow.disposition["examplamine"].parameters, base.disposition["examplamine"].parameters
    assert (taken["V2"].value, taken["V2"].unit) == (30, "L")
    assert taken["CL"].value == own["CL"].value
    assert taken["CL"].key == "examplamine.kinetics.roe-2001-slow.disposition.examplamine.CL"


def test_counts_by_kind_cover_every_number() -> None:
    library = load()
    counts = library.counts_by_kind()
    assert list(counts) == list(KINDS)
    assert sum(counts.values()) == len(library.numbers())


def test_a_product_is_found_by_its_name_and_aliases_in_any_case(example: Library) -> None:
    assert {example.product(n).name for n in ("examplamine", "Examplamine", "examplar", "EXAMPLAR")} == {"examplamine"}
    with pytest.raises(RacemateError, match="did you mean 'examplamine'"):
        try:
            example.product("examplamin")
        except RacemateError as error:
            raise RacemateError(str(error)) from None


def test_a_number_is_found_by_a_unique_ending(example: Library) -> None:
    full = "examplamine.kinetics.roe-2001.disposition.examplamine.Q2"
    assert example.find_number(full) is example.find_number("Q2")
    assert example.find_number("examplamine.CL").value == 1.0  # a dot begins a part: not norexamplamine.CL
    with pytest.raises(RacemateError, match="'CL' names 2 numbers") as several:
        example.find_number("CL")
    assert "disposition.norexamplamine.CL" in str(several.value)
    with pytest.raises(RacemateError, match="unknown number") as unknown:
        example.find_number("examplamine.Kii")
    assert "examplamine.Ki" in str(unknown.value)


def test_a_covariance_names_both_random_effects_in_full(example: Library) -> None:
    (correlation,) = example.drugs["examplamine"].kinetics["roe-2001"].correlations
    stem = "examplamine.kinetics.roe-2001.disposition.examplamine"
    assert (correlation.a, correlation.b, correlation.source) == (f"{stem}.V1", f"{stem}.CL", "roe2001")


def test_the_model_of_a_substance_follows_the_route() -> None:
    library = load()
    assert library.model("s-ketamine", routes=["iv"]).name == "simons-2022"
    assert library.model("s-ketamine", routes=["intranasal"]).name == "perez-ruixo-2021"
    assert library.model("s-ketamine", routes=["intranasal", "iv"]).name == "perez-ruixo-2021"
    assert library.model("s-ketamine", "otto-2021").site == "venous"
    with pytest.raises(RacemateError, match="unknown kinetic model of s-ketamine 'simons'") as error:
        library.model("s-ketamine", "simons")
    assert "simons-2022" in str(error.value)
    with pytest.raises(RacemateError, match="no kinetic model of 's-ketamine' given transdermal"):
        library.model("s-ketamine", routes=["transdermal"])


@pytest.mark.parametrize("kind", ["substance", "target", "effect", "reference"])
def test_a_name_that_does_not_exist_is_told_with_the_closest_one(example: Library, kind: str) -> None:
    known = {"substance": "examplamine", "target": "mu", "effect": "sleep", "reference": "roe2001"}[kind]
    assert getattr(example, kind)(known)
    with pytest.raises(RacemateError, match="unknown") as error:
        getattr(example, kind)(known + "x")
    assert f"'{known}'" in str(error.value)


def test_effects_and_targets_keep_numbers_and_words_apart(example: Library) -> None:
    chosen = example.effect("sleep").default
    assert chosen.numbers["ligands"]["examplamine"]["c50"].unit == "ng/mL"
    assert example.effect("sleep").text["unit"] == "1"
    assert example.target("mu").text["signalling"] == "Gi/o"
    assert example.target("mu").numbers["half_time"].key == "mu.half_time"


def test_the_library_travels_between_processes(example: Library) -> None:
    assert pickle.loads(pickle.dumps(example)) == example
    assert pickle.loads(pickle.dumps(load())) == load()


def test_the_library_cannot_be_changed(example: Library) -> None:
    with pytest.raises(AttributeError):
        example.drugs["examplamine"].label = "another"  # type: ignore[misc]


@pytest.mark.parametrize("layout", ["file", "folder", "as the library", "environment"])
def test_a_drug_of_ones_own_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str) -> None:
    reference = """
[references.roe2001]
author = "Roe, J. and Doe, J. P."
title = "Examplamine"
journal = "J Ex"
year = 2001
pmid = 1
"""
    file = tmp_path / ("drugs/examplamine.toml" if layout == "as the library" else "examplamine.toml")
    file.parent.mkdir(exist_ok=True)
    file.write_text(DRUG + reference)
    if layout == "environment":
        monkeypatch.setenv("RACEMATE_LIBRARY", str(tmp_path))
        library = load()
    else:
        library = load([file if layout == "file" else tmp_path])
    assert library.product("examplamine").drug == "examplamine"
    assert library.references["roe2001"].cite() == "Roe and Doe 2001"
    assert "examplamine" in library.ligands("mu")
    assert "ketamine" in library.products


def test_a_paper_the_library_knows_may_be_cited_again_and_another_paper_may_not(tmp_path: Path) -> None:
    known = load().references["simons2022"]
    entry = (
        "@article{{simons2022, author = {{Simons, P.}}, title = {{Film}}, journal = {{J}}, year = 2022, doi = {{{}}}}}"
    )
    (tmp_path / "references.bib").write_text(entry.format(known.doi.upper()))
    assert load([tmp_path]).references["simons2022"] == known
    (tmp_path / "references.bib").write_text(entry.format("10.1000/another"))
    with pytest.raises(RacemateError, match="'simons2022' already means Simons"):
        load([tmp_path])


def test_a_file_of_ones_own_cannot_silently_replace_a_shipped_drug(tmp_path: Path) -> None:
    (tmp_path / "morphine.toml").write_text((FOLDER / "drugs" / "morphine.toml").read_text(encoding="utf-8"))
    with pytest.raises(RacemateError, match="'morphine' is already the name of"):
        load([tmp_path])


def test_an_edited_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "examplamine.toml"
    text = DRUG.replace('"roe2001"', '"simons2022"')
    file.write_text(text)
    assert load([file]).find_number("examplamine.Q2").value == 30.0
    file.write_text(text.replace('30.0, unit = "L/h"', '31.0, unit = "L/h"'))
    assert load([file]).find_number("examplamine.Q2").value == 31.0


@pytest.mark.parametrize(
    ("uncertainty", "low", "high"),
    [
        (None, 10.0, 10.0),
        (Uncertainty("range", 4.0, 30.0), 4.0, 30.0),
        (Uncertainty("CI90", 9.0, 11.0), 9.0, 11.0),
        (Uncertainty("SE", value=1.0), 8.224, 12.159),
        (Uncertainty("CV", value=0.1), 8.224, 12.159),
    ],
)
def test_the_range_of_a_number(uncertainty: Uncertainty | None, low: float, high: float) -> None:
    number = Number(10.0, "L", "estimated", "roe2001", uncertainty=uncertainty)
    assert number.range() == pytest.approx((low, high), abs=1e-3)


def test_an_uncertain_number_above_zero_stays_above_zero() -> None:
    assert Number(1.0, "uM", "measured", "roe2001", uncertainty=Uncertainty("SE", value=3.0)).range()[0] > 0
    below = Number(-1.0, "1", "measured", "roe2001", uncertainty=Uncertainty("SE", value=1.0))
    assert below.range() == pytest.approx((-2.96, 0.96), abs=1e-2)
