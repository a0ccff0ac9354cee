"""A library file that does not hold together says which file and key, why, and what would be right."""
# ruff: noqa: E501 - one breakage a line

from __future__ import annotations

from pathlib import Path

import pytest

from library_example import DRUG, EFFECT, FILES
from racemate.errors import RacemateError
from racemate.library import check, load
from racemate.library.loader import assemble

D, T, E, B = "drugs/examplamine.toml", "targets/mu.toml", "effects/sleep.toml", "references.bib"
CL = 'CL = { value = 1.0, unit = "L/min"'
ROE = 'kind = "measured", source = "roe2001"'


def problems(**changed: str) -> list[RacemateError]:
    """What the example library's check says after files were replaced (keys are file names)."""
    files = {name: text.encode() for name, text in (FILES | changed).items()}
    return assemble(files)[1]


def test_the_example_holds_together() -> None:
    assert [str(p) for p in problems()] == []


# file, what is written, what it becomes, then what the error says of: the key, the reason, the fix
BROKEN = {
    "misspelt parameter": (D, "V2 =", "VV2 =", "disposition.examplamine.VV2", "unknown key 'VV2'", "did you mean 'V2'"),
    "misspelt table": (D, "[effect_site.", "[effectsite.", "effectsite", "unknown key", "'effect_site'"),
    "misspelt key of a number": (D, CL, 'CL = { value = 1.0, unti = "L/min"', "CL.unti", "unknown key", "'unit'"),
    "misspelt kind": (D, ROE, 'kind = "measurd", source = "roe2001"', "salt_factor.kind", "unknown kind", "'measured'"),
    "no unit": (D, CL, "CL = { value = 1.0", "CL", "'unit' is missing", "unit ="),
    "no source": (D, ROE, 'kind = "measured"', "salt_factor", "'source' is missing", "source ="),
    "bare number": (D, "Ki = {", "Ki = 3.0 # {", "binding.mu.examplamine.Ki", "3.0 is not enough", "value ="),
    "text for a number": (D, "value = 200.0", 'value = "200"', "molar_mass.value", "number is needed, not '200'", ""),
    "unknown unit": (D, 'unit = "L/kg"', 'unit = "litr/kg"', "V2.unit", "unknown unit 'litr'", ""),
    "volume in the unit of a clearance": (D, 'unit = "L/kg"', 'unit = "L/h"', "V2", "L/min", "L or L/kg"),
    "clearance in the unit of a volume": (D, 'unit = "L/h"', 'unit = "L"', "Q2", "a clearance cannot be in 'L'", "L/min"),
    "rate constant in minutes": (D, '0.2, unit = "1/min"', '0.2, unit = "min"', "ke0", "rate constant", "1/min"),
    "affinity per minute": (D, 'unit = "nmol/L"', 'unit = "1/min"', "Ki", "dissociation constant", "nmol/L"),
    "transit time in litres": (D, '20.0, unit = "min"', '20.0, unit = "L"', "MTT", "a time", "min"),
    "fraction above one": (D, "value = 0.5, unit = \"1\"", "value = 1.5, unit = \"1\"", "fraction_unbound", "1.5", "0 and 1"),
    "bioavailability above one": (D, "F = { value = 0.2", "F = { value = 1.2", "pathways.1.F", "above 1", "note"),
    "negative clearance": (D, "value = 30.0, unit = \"L/h\"", "value = -30.0, unit = \"L/h\"", "Q2", "impossible", "at least 0"),
    "infinite value": (D, "value = 200.0", "value = inf", "molar_mass.value", "finite", ""),
    "value outside its range": (D, "low = 20, high = 90", "low = 60, high = 90", "Ki", "outside its own range", "nmol/L"),
    "range upside down": (D, "low = 20, high = 90", "low = 90, high = 20", "Ki.uncertainty", "above high", "swap"),
    "range without an end": (D, "low = 20, high = 90", "low = 20", "Ki.uncertainty", "has low and high", ""),
    "CV in percent": (D, "cv = 0.2 ", "cv = 20 ", "CL.between_subject.cv", "less than or equal to 5", ""),
    "two spreads at once": (D, "cv = 0.2 ", "cv = 0.2, sd = 0.2 ", "CL.between_subject", "exactly one", "0.24"),
    "logit spread of a clearance": (D, "cv = 0.2 ", 'sd = 0.2, on = "logit" ', "CL", "between 0 and 1", ""),
    "dose range upside down": (D, "low = 1\n", "low = 100\n", "range.iv", "above high", "swap"),
    "unknown source": (D, "source = \"roe2001\"\nsite", "source = \"roe201\"\nsite", "roe-2001.source", "roe201", "'roe2001'"),
    "calibration without its kind": (D, ROE, 'kind = "measured", source = "calibration:x"', "salt_factor", "does not go", ""),
    "calibrated from a paper": (D, ROE, 'kind = "calibrated", source = "roe2001"', "salt_factor", "does not go with", "calibration:NAME"),
    "unknown name in a formula": (D, "weight/70", "wheight/70", "CL", "unknown name 'wheight'", "'weight'"),
    "formula without its end": (D, "(weight/70)^0.75", "(weight/70", "CL.covariates", "')' is missing", "^"),
    "unknown function": (D, "(weight/70)^0.75", "expp(weight)", "CL.covariates", "unknown function 'expp'", "'exp'"),
    "unknown route": (D, '["iv", "oral"]', '["iv", "orall"]', "routes.2", "unknown route 'orall'", "'oral'"),
    "route without absorption": (D, '["iv", "oral"]', '["iv", "oral", "im"]', "roe-2001", "'im' has no absorption", "add"),
    "absorption without its route": (D, '["iv", "oral"]', '["iv"]', "absorption.oral", "unknown route 'oral'", ""),
    "unknown sampling site": (D, 'site = "venous"', 'site = "venus"', "site", "unknown site 'venus'", "'venous'"),
    "unknown substance in a product": (D, '{ substance = "examplamine"', '{ substance = "exampamine"', "composition",
                                       "unknown substance 'exampamine'", "'examplamine'"),
    "composition that does not add up": (D, "fraction = 1.0", "fraction = 0.4", "products.examplamine", "0.4", "add up to 1"),
    "metabolite that does not exist": (D, 'to = "norexamplamine"', 'to = "norexamplamin"', "formation", "'norexamplamin'",
                                       "'norexamplamine'"),
    "substance without disposition": (D, "disposition.norexamplamine", "disposition.examplamin", "kinetics.roe-2001",
                                      "'norexamplamine' has no disposition", "add ["),
    "nothing eliminates": (D, 'CL = { value = 0.5, unit = "L/min", kind = "assumed", source = "roe2001" }', "", "norexamplamine",
                           "nothing eliminates", "CL"),
    "half a compartment": (D, 'Q2 = { value = 30.0, unit = "L/h", kind = "estimated", source = "roe2001" }', "", "examplamine",
                           "V2 and Q2 belong together", ""),
    "transit without its time": (D, "transit_compartments = 2\n", "", "formation.1", "belong together", ""),
    "dose in the unit of a concentration": (D, 'unit = "mg"\n', 'unit = "mg/L"\n', "range.iv.unit", "a dose cannot be in", "mg"),
    "free concentration not known": (D, "fraction_unbound = {", "# {", "binding.mu.examplamine", "not known", "fraction_unbound"),
    "no way in": (D, "pathways = [{", "pathways = [] #", "absorption.oral.examplamine.pathways", "at least 1 item", ""),
    "place that does not exist": (D, "pathways = [{", "pathways = [{ into = \"centre\",", "absorption.oral", "centre", "central"),
    "portal that does not exist": (D, "pathways = [{", "pathways = [{ into = \"portal\",", "absorption.oral", "no portal", "add ["),
    "correlation with nothing": (D, "b = \"disposition.examplamine.CL\"", "b = \"disposition.examplamine.CLX\"", "correlations",
                                 "random effect", "disposition.examplamine.CL"),
    "unknown target": (D, "[binding.mu.", "[binding.muu.", "binding.muu", "unknown target 'muu'", "'mu'"),
    "no default model": (D, "default = true", "default = false", "composition", "is the default", "default = true"),
    "capital letters in a name": (D, "[substances.norexamplamine]", "[substances.NorExamplamine]", "NorExamplamine",
                                  "is not a name", "lower-case"),
    "not the name of the file": (D, 'id = "examplamine"', 'id = "examplamin"', "id", "not the name of the file", "examplamine"),
    "broken TOML": (D, "[products.examplamine]", "[products.examplamine", "", "not TOML", ""),
    "key given twice": (D, "default = true", "default = true\ndefault = true", "", "not TOML", "duplicate key"),
    "bare number in a target": (T, "half_time = {", "half_time = 2 # {", "half_time", "2 is not enough", "value ="),
    "size of a dose in a clearance": (D, 'covariates = "(weight/70)^0.75"', 'covariates = "dose/70"', "disposition.examplamine.CL", "the size of a dose is not known here", "F, lag, duration"),
    "extends no model": (D, 'label = "Roe 2001"', 'label = "Roe 2001"\nextends = "roe-2000"', "kinetics", "unknown kinetic model to extend 'roe-2000'", ""),
    "target number of an unknown source": (T, '"roe2001"', '"doe2001"', "half_time.source", "unknown source", "roe2001"),
    "unknown ligand of an effect": (E, "ligands.examplamine", "ligands.exampleamine", "ligands.exampleamine", "unknown substance", "'examplamine'"),
    "effect of an unknown source": (E, 'source = "roe2001"\nsite', 'source = "ro2001"\nsite', "sets.roe.source", "ro2001", "roe2001"),
    "C50 in the unit of a dose": (E, '"ng/mL"', '"mg"', "ligands.examplamine.c50", "c50 cannot be in 'mg'", "mg/L"),
    "misspelt number of a ligand": (E, "c50 = {", "c5O = {", "ligands.examplamine.c5O", "unknown key", "'c50'"),
    "unknown site of a ligand": (E, 'site = "venous"\nc50', 'site = "vein"\nc50', "ligands.examplamine.site", "unknown site", "venous"),
    "effect without sets": (E, EFFECT, 'id = "sleep"\nlabel = "Sleep"', "", "'sets' is missing", "sets"),
    "no doi": (B, "doi = {10.1000/example.1}", "", "roe2001", "neither doi nor pmid", "doi"),
    "not a doi": (B, "10.1000/example.1", "example.1", "roe2001", "is not a DOI", "10."),
    "no author": (B, "author = {", "authors = {", "roe2001", "unknown field 'authors'", "'author'"),
    "not a year": (B, "year = {2001}", "year = {200l}", "roe2001", "is not a year", "four digits"),
    "unclosed value": (B, "{J Ex}", "{J Ex", "line", "", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_gives_file_key_reason_and_what_would_be_right(name: str) -> None:
    file, old, new, key, reason, fix = BROKEN[name]
    file = "library/" + file
    assert old in FILES[file]
    found = problems(**{file: FILES[file].replace(old, new, 1)})
    assert found
    right = [p for p in found if file in (p.where or "") and key in (p.where or "") and reason in p.what]
    assert any(fix in (p.fix or "") for p in right), "\n".join(map(str, found))


def test_the_line_of_the_mistake_is_named() -> None:
    broken = DRUG.replace("V2 =", "VV2 =")
    line = next(n for n, text in enumerate(broken.splitlines(), 1) if text.startswith("VV2"))
    (found,) = problems(**{"library/drugs/examplamine.toml": broken})
    assert f"line {line}," in str(found)


def test_two_drugs_cannot_share_a_product_name_or_a_substance() -> None:
    second = DRUG.replace("examplamine", "otheramine").replace("norotheramine", "norexamplamine")
    said = "\n".join(str(p) for p in problems(**{"library/drugs/otheramine.toml": second}))
    assert "'examplar' already means the product 'examplamine'" in said
    assert "'norexamplamine' is already in examplamine" in said


def test_one_paper_has_one_key() -> None:
    twice = FILES["library/references.bib"] + FILES["library/references.bib"].replace("{roe2001", "{roe2001b")
    said = "\n".join(str(p) for p in problems(**{"library/references.bib": twice}))
    assert "'roe2001b' and 'roe2001' are the same paper" in said
    again = FILES["library/references.bib"] * 2
    assert "'roe2001' is given twice" in str(problems(**{"library/references.bib": again})[0])


def test_two_defaults_for_one_route_are_refused() -> None:
    i, j = DRUG.index("[kinetics.roe-2001]"), DRUG.index("[effect_site")
    second = DRUG[i:j].replace("roe-2001", "doe-2002")
    said = "\n".join(str(p) for p in problems(**{"library/drugs/examplamine.toml": DRUG[:j] + second + DRUG[j:]}))
    assert "'examplamine' given iv has two default models: roe-2001 and doe-2002" in said
    parted = DRUG[:j].replace("default = true", 'default = ["iv"]') + second.replace(
        "default = true", 'default = ["oral"]'
    )
    assert problems(**{"library/drugs/examplamine.toml": parted + DRUG[j:]}) == []


def test_a_shared_random_effect_has_one_size() -> None:
    two_sizes = DRUG.replace("cv = 0.3 ", 'cv = 0.3, shared = "body" ').replace(
        "cv = 0.2 ", 'cv = 0.2, shared = "body" '
    )
    said = "\n".join(str(p) for p in problems(**{"library/drugs/examplamine.toml": two_sizes}))
    assert "the random effect 'body' has another size" in said


def test_no_more_metabolite_than_parent() -> None:
    i, j = DRUG.index("[[kinetics.roe-2001.formation]]"), DRUG.index("[kinetics.roe-2001.absorption")
    said = "\n".join(str(p) for p in problems(**{"library/drugs/examplamine.toml": DRUG[:j] + DRUG[i:j] + DRUG[j:]}))
    assert "1.2 of 'examplamine' becomes metabolites" in said


def test_calibrations_must_exist() -> None:
    calibrated = DRUG.replace(
        'kind = "measured", source = "roe2001"', 'kind = "calibrated", source = "calibration:link"', 1
    )
    files = {"library/drugs/examplamine.toml": calibrated, "library/calibrations/link.toml": "name = 'link'"}
    assert problems(**files) == []
    files["library/drugs/examplamine.toml"] = calibrated.replace("calibration:link", "calibration:lnk")
    assert "unknown calibration 'lnk'" in str(problems(**files)[0])


def test_a_file_that_is_not_text_is_told_so() -> None:
    found = assemble({"library/drugs/noise.toml": b"\xff\xfe\x00"})[1]
    assert "not UTF-8" in str(found[0])


def test_loading_a_broken_file_of_ones_own_is_one_error(tmp_path: Path) -> None:
    file = tmp_path / "examplamine.toml"
    file.write_text(DRUG.replace('"roe2001"', '"nobody1900"'))
    with pytest.raises(RacemateError) as error:
        load([file])
    assert "unknown source 'nobody1900'" in str(error.value)
    assert f"of {len(check([file]))} problems" in str(error.value)


@pytest.mark.parametrize("kind", ["missing", "text", "empty"])
def test_a_path_that_holds_no_library(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("notes.txt" if kind == "text" else "mine")
    if kind == "text":
        path.write_text("hello")
    elif kind == "empty":
        path.mkdir()
        assert load([path]).drugs == load().drugs
        return
    with pytest.raises(RacemateError, match=r"does not exist|neither a folder"):
        load([path])
