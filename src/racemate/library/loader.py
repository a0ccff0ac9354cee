"""Reading the library: files -> checked -> plain objects, kept as one cached binary."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from racemate.errors import RacemateError
from racemate.library import cache
from racemate.library.library import Library

if TYPE_CHECKING:
    from racemate.library.bibliography import Reference

FOLDER = Path(__file__).parent
_FOLDERS = ("drugs", "targets", "effects", "calibrations")
_loaded: dict[str, Library] = {}


def load(extra: Sequence[str | os.PathLike[str]] = ()) -> Library:
    """Load the library, and with it the user's own files.

    Parameters
    ----------
    extra : sequence of paths
        Drug files, or folders of them (either plain, or laid out as the library is: ``drugs/``, ``targets/``,
        ``effects/``, ``references.bib``). The folders of the environment variable ``RACEMATE_LIBRARY`` come first.

    Raises
    ------
    RacemateError
        If a file does not validate: with file, line, key, reason and the closest known name.

    Examples
    --------
    >>> library = load()
    >>> library.product("ketamine").composition[0].substance
    's-ketamine'
    """
    files = _files(extra)
    contents = {file: _read(path) for file, path in files.items()}
    key = _key(contents)
    if key not in _loaded:
        folder = cache.private_folder("library")
        name = f"library-{key}.pickle"
        library = _unpickle(cache.read(folder, name))
        if library is None:
            library = _build(contents)
            if cache.write(folder, name, pickle.dumps(library, protocol=5)):
                cache.prune(folder, "library-*.pickle")
        _loaded[key] = library
    return _loaded[key]


def check(extra: Sequence[str | os.PathLike[str]] = ()) -> list[RacemateError]:
    """Every problem of the library's files (an empty list when all is well), past any cache."""
    files = _files(extra)
    return assemble({file: _read(path) for file, path in files.items()})[1]


def _files(extra: Sequence[str | os.PathLike[str]]) -> dict[str, Path]:
    """Name shown in errors -> file, for all files that make up the library."""
    found = {f"library/{p.relative_to(FOLDER).as_posix()}": p for p in _folder(FOLDER)}
    own = [Path(p) for p in os.environ.get("RACEMATE_LIBRARY", "").split(os.pathsep) if p] + [Path(p) for p in extra]
    for path in own:
        if path.is_dir():
            found.update({str(p): p for p in [*_folder(path), *sorted(path.glob("*.toml"))]})
        elif path.is_file() and path.suffix == ".toml":
            found[str(path)] = path
        else:
            what = "is neither a folder nor a .toml file" if path.exists() else "does not exist"
            raise RacemateError(f"the library path {path} {what}", fix="name a drug file or a folder of drug files")
    return found


def _folder(folder: Path) -> Iterable[Path]:
    bibliography = folder / "references.bib"
    if bibliography.is_file():
        yield bibliography
    for name in _FOLDERS:
        yield from sorted((folder / name).glob("*.toml"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RacemateError(f"cannot read {path}: {error.strerror}", where=str(path)) from None


def _key(contents: Mapping[str, bytes]) -> str:
    """Files, our own code and versions in one hash: a cached library is used for exactly what it was built from."""
    from racemate import __version__

    key = hashlib.sha256(f"{__version__} {sys.version}".encode())
    code = {str(path.relative_to(FOLDER.parent)): _read(path) for path in _own_code()}
    for file, content in [*contents.items(), *code.items()]:
        key.update(f"\0{file}\0{len(content)}\0".encode())
        key.update(content)
    return key.hexdigest()[:32]


def _own_code() -> list[Path]:
    """The code that gives the cached objects their form (in a development checkout it changes under one version)."""
    beside = [FOLDER.parent / name for name in ("expressions.py", "provenance.py", "units.py")]
    return [p for p in [*sorted(FOLDER.glob("*.py")), *sorted(FOLDER.glob("schema/*.py")), *beside] if p.is_file()]


def _unpickle(content: bytes | None) -> Library | None:
    if content is None:
        return None
    try:
        library = pickle.loads(content)
    except Exception:  # any damage means: build it again
        return None
    return library if isinstance(library, Library) else None


def _build(contents: Mapping[str, bytes]) -> Library:
    library, problems = assemble(contents)
    if problems:
        first = problems[0]
        more = f" (the first of {len(problems)} problems in the library)" if len(problems) > 1 else ""
        raise RacemateError(first.what + more, where=first.where, fix=first.fix)
    return library


def assemble(contents: Mapping[str, bytes]) -> tuple[Library, list[RacemateError]]:
    """The library of the given files (name -> content) as far as it can be read, and everything wrong with it."""
    from racemate.library import checks
    from racemate.library.problems import place

    problems: list[RacemateError] = []
    texts = {file: _text(content, file, problems) for file, content in contents.items()}
    references = _references(texts, problems)
    drugs, targets, effects = _entries(texts, references, problems)
    if problems:  # what refers to a broken file would only repeat its error
        return Library({}, {}, {}, references), problems
    library = Library(drugs, targets, effects, references)
    calibrations = [Path(f).stem for f in texts if _section(f) == "calibrations"]
    names = checks.Names(library.substances, targets, references, calibrations or None)

    def where(file: str, path: str) -> str:
        return place(file, path.split("."), texts.get(file, ""))

    for drug in drugs.values():
        problems += checks.check_drug(drug, names, where)
    for target in targets.values():
        problems += checks.check_target(target, names, where)
    for effect in effects.values():
        problems += checks.check_effect(effect, names, where)
    problems += checks.check_library(drugs.values(), where)
    return library, problems


def _text(content: bytes, file: str, problems: list[RacemateError]) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.append(RacemateError("the file is not UTF-8 text", where=f"{file}, byte {error.start}"))
        return ""


def _references(texts: Mapping[str, str], problems: list[RacemateError]) -> dict[str, Reference]:
    from racemate.library.bibliography import read_bibliography

    references: dict[str, Reference] = {}
    for file, text in texts.items():
        if file.endswith(".bib"):
            try:
                _merge(references, read_bibliography(text, file), file, problems)
            except RacemateError as error:
                problems.append(error)
    return references


def _entries(texts: Mapping[str, str], references: dict[str, Reference], problems: list[RacemateError]) -> Any:
    from racemate.library.schema import DrugEntry, EffectEntry, TargetEntry

    kinds = {"drugs": DrugEntry, "targets": TargetEntry, "effects": EffectEntry}
    built: dict[str, dict[str, Any]] = {name: {} for name in kinds}
    owner: dict[str, str] = {}
    for file, text in texts.items():
        section = _section(file)
        if section not in kinds or not file.endswith(".toml"):
            continue
        entry = _entry(file, text, kinds[section], problems)
        if entry is None:
            continue
        if entry.id in owner:
            what = f"'{entry.id}' is already the name of {owner[entry.id]}"
            problems.append(RacemateError(what, where=f"{file}, id", fix="choose another id"))
            continue
        if entry.id != Path(file).stem:
            fix = f"name the file {entry.id}.toml, or write id = '{Path(file).stem}'"
            problems.append(
                RacemateError(f"the id '{entry.id}' is not the name of the file", where=f"{file}, id", fix=fix)
            )
        owner[entry.id] = file
        if section == "drugs":
            _own_references(entry, file, references, problems)
        built[section][entry.id] = entry.build(file)
    return tuple(built[name] for name in kinds)


def _entry(file: str, text: str, schema: Any, problems: list[RacemateError]) -> Any:
    import tomllib

    from pydantic import ValidationError

    from racemate.library.problems import explain

    try:
        return schema.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        fix = "a duplicate key or table, a missing quote or bracket, or an inline table over two lines"
        problems.append(RacemateError(f"this is not TOML: {error}", where=file, fix=fix))
    except ValidationError as error:
        problems.extend(explain(error, file, text))
    return None


def _own_references(entry: Any, file: str, references: dict[str, Reference], problems: list[RacemateError]) -> None:
    """``[references.KEY]`` tables: a user's drug file may bring its sources along."""
    from racemate.library.bibliography import make_reference

    for key, given in entry.references.items():
        fields = {name: str(value) for name, value in given.items()}
        try:
            made = make_reference(fields.pop("type", "article"), key, fields, f"{file}, references.{key}")
            _merge(references, {key: made}, file, problems)
        except RacemateError as error:
            problems.append(error)


def _merge(
    references: dict[str, Reference], found: Mapping[str, Reference], file: str, problems: list[RacemateError]
) -> None:
    for key, reference in found.items():
        if not references.setdefault(key, reference).same_paper(reference):
            what = f"reference '{key}' already means {references[key].cite()}"
            problems.append(RacemateError(what, where=f"{file}, {key}", fix="choose another key"))


def _section(file: str) -> str:
    """What kind of file it is, by its folder; a file of a user's plain folder is a drug."""
    folder = Path(file).parent.name
    return folder if folder in _FOLDERS else "drugs"
