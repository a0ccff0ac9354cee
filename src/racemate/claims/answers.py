"""``answer("is ketamine an opioid?")``: a question in free text, an answer that was computed."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from racemate.claims.receptors import (
    NMDA_WITH_MG,
    NMDA_WITHOUT_MG,
    Estimate,
    Exposure,
    Occupancy,
    exposure,
    occupancies,
    used_sources,
)
from racemate.errors import RacemateError
from racemate.library import load

OPIOID = "is ketamine an opioid?"
SUBJECT = {"opioid", "opiate", "mu", "kappa", "delta", "morphine-like"}
# A question with any other word asks something else ("does ketamine treat opioid addiction?"), and gets no answer.
FILLERS = set(
    "is it a an as at does do on the to or not and like act acts bind binds work works actually really truly "
    "just also drug receptor receptors nmda what how kind of".split()
)
DOSES = {
    "ketamine 0.3 mg/kg, 15 min": "ketamine 0.3 mg/kg iv over 15 min",
    "ketamine 0.5 mg/kg, 40 min": "ketamine 0.5 mg/kg iv over 40 min",
    "ketamine 2 mg/kg, bolus": "ketamine 2 mg/kg iv",
    "morphine 10 mg, bolus": "morphine 10 mg iv",
    "fentanyl 2 ug/kg, bolus": "fentanyl 2 ug/kg iv",
}
WORKED = "ketamine 185 ng/mL (venous peak reported)"
TONE_SOURCES = ("williams2018", "jelen2025", "yoon2019", "yoon2025")
Cells = list[list[str]]


@dataclass(frozen=True)
class Answer:
    """A computed answer: a table, three sentences, and what they rest on.

    Attributes
    ----------
    question : str
    rows : tuple of Occupancy
        One a dose and target.
    exposures : tuple of Exposure
    sentences : tuple of str
    sources : tuple of str
        Full references.
    draws : int
    """

    question: str
    rows: tuple[Occupancy, ...]
    exposures: tuple[Exposure, ...]
    sentences: tuple[str, ...]
    sources: tuple[str, ...]
    draws: int

    def cells(self) -> tuple[list[str], Cells]:
        """The table: its head, and a row a dose and target."""
        head = ["dose", "target", "free / Ki", "occupied %", "activation %"]
        body = [
            [r.dose, r.target, _range(r.over_ki, 1), _range(r.occupancy, 100), _activation(r.activation)]
            for r in self.rows
        ]
        return head, body

    @property
    def table(self) -> list[dict[str, str]]:
        """The table as one mapping of column to text for each row."""
        head, body = self.cells()
        return [dict(zip(head, row, strict=True)) for row in body]

    def to_markdown(self) -> str:
        """The answer as a page."""
        head, body = self.cells()
        table = [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body]]
        parts = [f"# {self.question.capitalize()}", *self.sentences, "\n".join(table), _EXPLAINED, "## Sources"]
        return "\n\n".join([*parts, "\n".join(f"- {s}" for s in self.sources)]) + "\n"

    def __str__(self) -> str:
        head, body = self.cells()
        widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in [head, *body]]
        previous = ""
        for i, row in enumerate(body, start=1):  # each dose is named once
            if row[0] == previous:
                lines[i] = " " * widths[0] + lines[i][widths[0] :]
            previous = row[0]
        sources = [f"  {s}" for s in self.sources]
        return "\n".join([*lines, "", _EXPLAINED, "", *self.sentences, "", "Sources:", *sources])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def plot(self, path: str | Path) -> Path:
        """Draw the answer: occupancy of each target, with the spread of the constants, on a logarithmic axis."""
        from racemate.claims.picture import draw

        return draw(self, Path(path))


_EXPLAINED = (
    "Value with the preferred constants (range over draws of their published ranges: Ki, unbound fraction, brain "
    "partition, efficacy; 5-95 %, widened where needed to hold the value).\n"
    "The dose is given to a typical man of 70 kg, and what people differ in is not in the ranges. Unbound drug in the "
    "receptor biophase at its peak, equilibrium, all ligands and metabolites competing.\n"
    "The intrinsic efficacies behind the activations are assumed, not measured in one system; agonist Ki are those of "
    "the high-affinity state, which overstates the occupancy of opioids in the living brain."
)


def questions() -> list[str]:
    """The questions that can be answered."""
    return [OPIOID]


def answer(question: str, *, draws: int = 500, seed: int = 1) -> Answer:
    """Answer a question asked in free text.

    Parameters
    ----------
    question : str
        Such as ``"is ketamine an opioid?"``.
    draws : int
        Draws of the uncertain constants.

    Raises
    ------
    RacemateError
        For a question that is not known; the known ones are listed.

    Examples
    --------
    >>> found = answer("is ketamine an opioid?", draws=50)
    >>> len(found.sentences)
    3
    """
    if not 10 <= draws <= 1_000_000:
        raise RacemateError(f"{draws} draws", fix="between 10 and 1 000 000 draws")
    recognise(question)
    exposures = [exposure(label, regimen) for label, regimen in DOSES.items()]
    exposures.insert(2, _worked())
    rows = [row for item in exposures for row in occupancies(item, draws, seed)]
    references = load().references
    keys = dict.fromkeys([*used_sources(exposures), *(k for k in TONE_SOURCES if k in references)])
    cited = tuple(references[k].cite(full=True) for k in keys if k in references)
    return Answer(OPIOID, tuple(rows), tuple(exposures), _sentences(rows), cited, draws)


def recognise(question: str) -> str:
    """The known question that a free text asks.

    Examples
    --------
    >>> recognise("Is ketamine actually an opioid")
    'is ketamine an opioid?'
    >>> recognise("is ketamin an opiod?")
    'is ketamine an opioid?'
    """
    words = {w for w in (w.strip("?!.,;:\"'()").lower() for w in question.split()) if w}
    known = {"ketamine"} | SUBJECT | FILLERS
    # At 0.9 a slip of the pen still matches, another drug (esketamine, norketamine) does not.
    meant = {w: difflib.get_close_matches(w, known, n=1, cutoff=0.9) for w in words}
    heard = {match[0] for match in meant.values() if match}
    if all(meant.values()) and "ketamine" in heard and heard & SUBJECT:
        return OPIOID
    raise RacemateError(f"no answer to '{question}' yet", fix="known questions: " + "; ".join(questions()))


def _worked() -> Exposure:
    """The reported venous peak of 0.5 mg/kg over 40 min, half of it each enantiomer."""
    mass = load().substances["s-ketamine"].molar_mass.value
    half = 185.0 / 2 / mass * 1e3
    return Exposure(WORKED, {"s-ketamine": half, "r-ketamine": half})


def _range(e: Estimate, scale: float) -> str:
    return f"{_short(e.central * scale)} ({_short(e.low * scale)}-{_short(e.high * scale)})"


def _short(x: float) -> str:
    """Two digits, never in powers of ten.

    Examples
    --------
    >>> _short(0.0123), _short(99.6), _short(0)
    ('0.012', '100', '0')
    """
    return f"{x:.0f}" if x >= 99.5 or x == 0 else f"{x:.2g}"


def _activation(e: Estimate | None) -> str:
    if e is None:
        return ""
    return _range(e, 100) if e.high > 0 else "0 (assumed)"


def _sentences(rows: list[Occupancy]) -> tuple[str, ...]:
    at = {(r.dose, r.target): r for r in rows}
    low, high, morphine, fentanyl = (k for k in DOSES if k != "ketamine 0.3 mg/kg, 15 min")
    nmda, free = at[low, NMDA_WITH_MG].occupancy, at[low, NMDA_WITHOUT_MG].occupancy
    mu_low, mu_high = (_range(at[dose, "mu"].occupancy, 100) for dose in (low, high))
    first = (
        f"At the peak of 0.5 mg/kg over 40 min ketamine blocks {_range(nmda, 100)} % of NMDA channels "
        f"({_short(100 * free.central)} % without magnesium) and occupies {mu_low} % of mu opioid receptors, "
        f"which a bolus of 2 mg/kg raises to {mu_high} %."
    )
    active = {dose: _activation(at[dose, "mu"].activation) for dose in (low, high, morphine, fentanyl)}
    second = (
        f"Times an intrinsic efficacy, which had to be assumed for each drug, this is {active[low]} % and "
        f"{active[high]} % of full mu activation "
        f"for these two, against {active[morphine]} % for morphine 10 mg and {active[fentanyl]} % for fentanyl "
        "2 ug/kg: in these numbers ketamine is first an NMDA blocker, which binds mu receptors weakly, "
        "and less weakly at anaesthetic doses."
    )
    third = (
        "Binding is not clinical effect: whether the body's own opioids must be at work for ketamine to lift "
        "depression is open (naltrexone blocked or lessened the effect in Williams 2018 and Jelen 2025, not in "
        "Yoon 2019 and 2025), and these numbers do not settle it."
    )
    return first, second, third
