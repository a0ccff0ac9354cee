"""The references: a small strict reader of the BibTeX subset we write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from racemate.errors import RacemateError, nearest, unknown

ENTRY_TYPES = ("article", "book", "incollection", "inproceedings", "misc", "online", "phdthesis", "techreport")
FIELDS = (
    "author", "title", "year", "journal", "volume", "number", "pages", "doi", "pmid", "pmcid", "url", "urldate", "note",
    "publisher", "booktitle", "edition", "editor", "institution", "school", "howpublished", "isbn", "month", "eprint",
    "archiveprefix", "address", "chapter", "series", "type", "version",
)  # fmt: skip
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_PREFIX = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reference:
    """A published source.

    Examples
    --------
    >>> paper = Reference("simons2022", "article", ("Simons P", "Olofsen E", "Dahan A"), 2022, "S-ketamine",
    ...                   journal="Anesthesiology", doi="10.1000/xyz")
    >>> paper.cite()
    'Simons et al. 2022'
    >>> paper.cite(full=True)
    'Simons P, Olofsen E, Dahan A. S-ketamine. Anesthesiology 2022. doi:10.1000/xyz'
    """

    key: str
    type: str
    authors: tuple[str, ...]
    year: int
    title: str
    journal: str = ""
    volume: str = ""
    pages: str = ""
    doi: str = ""
    pmid: str = ""
    url: str = ""
    note: str = ""

    def cite(self, *, full: bool = False) -> str:
        """``Author et al. year``, or with ``full`` everything a reader needs to find it."""
        return self._full() if full else f"{self._short_authors()} {self.year}"

    def same_paper(self, other: Reference) -> bool:
        """True when both are one paper: by DOI or PMID where both have it, else by first author and year.

        Examples
        --------
        >>> paper = Reference("roe2001", "article", ("Roe J",), 2001, "Title", pmid="7")
        >>> paper.same_paper(Reference("roe2001", "article", ("Roe J", "Doe J"), 2001, "The title", doi="10.1000/x"))
        True
        """
        for mine, theirs in ((self.doi.lower(), other.doi.lower()), (self.pmid, other.pmid)):
            if mine and theirs:
                return mine == theirs
        return self.year == other.year and self.authors[0].split()[0] == other.authors[0].split()[0]

    def _short_authors(self) -> str:
        families = [re.sub(r" [A-Z]{1,4}$", "", a) for a in self.authors]
        if len(families) == 2 and families[1] != "others":
            return f"{families[0]} and {families[1]}"
        return families[0] + (" et al." if len(families) > 1 else "")

    def _full(self) -> str:
        people = [a for a in self.authors if a != "others"]
        shown = ", ".join(people[:6]) + (" et al" if len(people) > 6 or "others" in self.authors else "")
        place = " ".join(x for x in (self.journal, str(self.year)) if x)
        if self.volume:
            place += f"; {self.volume}" + (f": {self.pages}" if self.pages else "")
        link = f"doi:{self.doi}" if self.doi else f"PMID {self.pmid}" if self.pmid else self.url
        return ". ".join(x for x in (shown, self.title.rstrip("."), place, link) if x)


def read_bibliography(text: str, name: str = "references.bib") -> dict[str, Reference]:
    """Read a bibliography; keys, DOIs and PMIDs must be unique, articles carry a DOI or a PMID.

    Parameters
    ----------
    text : str
        BibTeX: entries ``@type{key, field = {value}, ...}``; ``%`` starts a comment line.
    name : str
        File name for errors.

    Raises
    ------
    RacemateError
        With the file and line of the offending entry.

    Examples
    --------
    >>> text = "@article{a1, author={Roe, Jane and Doe, J. P.}, title={T}, journal={J}, year=2001, pmid=1}"
    >>> found = read_bibliography(text)
    >>> found["a1"].authors, found["a1"].cite()
    (('Roe J', 'Doe JP'), 'Roe and Doe 2001')
    """
    references: dict[str, Reference] = {}
    seen: dict[str, str] = {}
    for kind, key, fields, line in _entries(text, name):
        where = f"{name}, line {line}, {key}"
        if key in references:
            raise RacemateError(f"reference '{key}' is given twice", where=where, fix="delete one of the two")
        reference = make_reference(kind, key, fields, where)
        for identity in filter(None, (reference.doi.lower(), reference.pmid and "PMID " + reference.pmid)):
            if identity in seen:
                fix = f"use the key '{seen[identity]}' everywhere"
                raise RacemateError(
                    f"'{key}' and '{seen[identity]}' are the same paper ({identity})", where=where, fix=fix
                )
            seen[identity] = key
        references[key] = reference
    return references


def make_reference(kind: str, key: str, fields: Mapping[str, str], where: str) -> Reference:
    """One checked reference from its fields."""
    if kind not in ENTRY_TYPES:
        raise unknown("entry type", kind, ENTRY_TYPES, where=where)
    for field in fields:
        if field not in FIELDS:
            raise unknown("field", field, FIELDS, where=where)
    needed = ["author", "title", "year"] + (["journal"] if kind == "article" else [])
    for field in needed:
        if not fields.get(field):
            close = nearest(field, fields)
            fix = f"add {field} = {{...}}" + (f" (did you mean it by '{close}'?)" if close else "")
            raise RacemateError(f"reference '{key}' has no {field}", where=where, fix=fix)
    if not re.fullmatch(r"(1[89]|20)\d\d", fields["year"]):
        raise RacemateError(f"the year '{fields['year']}' is not a year", where=where, fix="write four digits")
    doi, pmid, url = _PREFIX.sub("", fields.get("doi", "")), fields.get("pmid", ""), fields.get("url", "")
    if doi and not _DOI.fullmatch(doi):
        raise RacemateError(f"'{doi}' is not a DOI", where=where, fix="write it like 10.1097/ALN.0000000000004050")
    if pmid and not pmid.isdigit():
        raise RacemateError(f"'{pmid}' is not a PubMed number", where=where, fix="write digits only")
    if kind == "article" and not (doi or pmid):
        raise RacemateError(
            f"article '{key}' has neither doi nor pmid", where=where, fix="add doi = {...} or pmid = {...}"
        )
    if not (doi or pmid or url or fields.get("isbn") or fields.get("note") or fields.get("publisher")):
        raise RacemateError(
            f"nobody can find '{key}'", where=where, fix="add a doi, pmid, url, isbn, publisher or note"
        )
    authors = tuple(_author(a) for a in re.split(r"\s+and\s+", fields["author"]))
    journal = fields.get("journal") or fields.get("booktitle") or fields.get("publisher") or ""
    return Reference(
        key, kind, authors, int(fields["year"]), fields["title"], journal, fields.get("volume", ""),
        fields.get("pages", "").replace("--", "-"), doi, pmid, url, fields.get("note", ""),
    )  # fmt: skip


def _author(text: str) -> str:
    """``Family, Given Names`` or ``Given Family`` or ``{Organisation}`` as ``Family GN``."""
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):
        return text[1:-1]
    text = text.replace("{", "").replace("}", "")
    family, comma, given = text.partition(",")
    if not comma:
        *first, family = text.split() or [""]
        if first and re.fullmatch(r"[A-Z]{1,4}", family):  # already "Family GN"
            return text
        given = " ".join(first)
    given = given.strip()
    letters = given if re.fullmatch(r"[A-Z]{1,4}", given) else "".join(w[0] for w in re.split(r"[\s.\-]+", given) if w)
    return f"{family.strip()} {letters.upper()}".strip()


def _entries(text: str, name: str) -> Iterator[tuple[str, str, dict[str, str], int]]:
    text = re.sub(r"^[ \t]*%.*$", "", text, flags=re.MULTILINE)
    place = 0
    while True:
        start = text.find("@", place)
        between = text[place : start if start >= 0 else len(text)]
        if between.strip():
            raise _broken(text, place + len(between) - len(between.lstrip()), name, "text between the entries")
        if start < 0:
            return
        head = re.compile(r"@(\w+)\s*\{\s*([^\s,{}]+)\s*,?").match(text, start)
        if not head:
            raise _broken(text, start, name, "an entry that does not begin like @article{key,")
        fields, place = _fields(text, head.end(), name, head.group(2))
        yield head.group(1).lower(), head.group(2), fields, text.count("\n", 0, start) + 1


def _fields(text: str, place: int, name: str, key: str) -> tuple[dict[str, str], int]:
    fields: dict[str, str] = {}
    field = re.compile(r"\s*(\w+)\s*=\s*")
    end = re.compile(r"\s*,?\s*\}")
    while not (closing := end.match(text, place)):
        match = field.match(text, place)
        if not match:
            raise _broken(text, place, name, f"cannot read the fields of '{key}'")
        if match.group(1).lower() in fields:
            raise _broken(text, place, name, f"'{key}' gives {match.group(1)} twice")
        value, place = _value(text, match.end(), name, key)
        fields[match.group(1).lower()] = value
        comma = re.compile(r"\s*,").match(text, place)
        if comma:
            place = comma.end()
        elif not end.match(text, place):
            raise _broken(text, place, name, f"a comma is missing in '{key}'")
    return fields, closing.end()


def _value(text: str, place: int, name: str, key: str) -> tuple[str, int]:
    opening = text[place : place + 1]
    if opening not in ("{", '"'):
        number = re.compile(r"\w+").match(text, place)
        if not number:
            raise _broken(text, place, name, f"a value is missing in '{key}'")
        return number.group(), number.end()
    depth, at = (1, place + 1) if opening == "{" else (0, place + 1)
    while at < len(text):
        character = text[at]
        depth += (character == "{") - (character == "}")
        if (opening == "{" and depth == 0) or (opening == '"' and depth == 0 and character == '"'):
            return _clean(text[place + 1 : at], whole=opening == "{"), at + 1
        at += 1
    raise _broken(text, place, name, f"a value of '{key}' is never closed")


def _clean(value: str, *, whole: bool) -> str:
    value = " ".join(value.split())
    if whole and value.startswith("{") and value.endswith("}") and "}" not in value[1:-1]:
        return value  # {{Organisation}}: the braces say that it is one name
    return value


def _broken(text: str, place: int, name: str, what: str) -> RacemateError:
    line = text.count("\n", 0, place) + 1
    return RacemateError(
        what, where=f"{name}, line {line}", fix="write @article{key, author = {...}, title = {...}, ...}"
    )
