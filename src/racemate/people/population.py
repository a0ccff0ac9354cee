"""Many people: copies of one person, or adults drawn with their bodies, kidneys and genotypes."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from functools import cached_property
from operator import index
from typing import TYPE_CHECKING

from racemate.errors import RacemateError
from racemate.library.attributes import ancestries, conditions, kidney
from racemate.people import attributes, bodysize
from racemate.people.attributes import COVARIATE_OF, REFERENCE
from racemate.people.group import Group
from racemate.people.patient import Patient

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from racemate.people.sampling import People

    Floats = NDArray[np.float64]


class Population:
    """People to simulate, each the same whatever the size of the population, the order or the worker.

    Parameters
    ----------
    n : int
        How many.
    seed : int
        Seed of everything random about them.
    spec : str or Patient
        ``"adults"``, ``"women, 20-40 y, BMI 30-40, East Asian"``, ``"adults, 20 % opioid-tolerant"``: people drawn
        from a table of adults (``docs/people.md`` has all the words). A patient (or one in words): ``n`` people of
        that very body, who differ by what varies in the model.
    only : sequence of int, optional
        Take only these of the ``n`` (to replay some).

    Attributes
    ----------
    indices : ndarray of int64
        Each person's number in the whole population; the key of everything random about them.

    Examples
    --------
    >>> people = Population(n=1000, seed=1)
    >>> people
    Population(n=1000, seed=1, spec='adults, 20-90 y (US adults, 2009-2012)')
    >>> people.covariates["weight"].mean().round(0) > 70
    np.True_
    >>> people.patient(471) == Population(n=10**6, seed=1, only=[471]).patient(471)
    True
    """

    def __init__(
        self, n: int = 1000, seed: int = 1, spec: str | Patient = "adults", *, only: Sequence[int] | None = None
    ) -> None:
        self.n, self.seed = _whole("n", n, 1, 2**40), _whole("seed", seed, 0, 2**64 - 1)
        self.spec = (Group.parse(spec) or Patient.parse(spec)) if isinstance(spec, str) else Patient.of(spec)
        self.indices, self._everybody = self._chosen(only), only is None

    def _chosen(self, only: Sequence[int] | None) -> NDArray[np.int64]:
        import numpy as np

        if only is None:
            return np.arange(self.n, dtype=np.int64)
        chosen = np.array([_whole("index", i, 0, self.n - 1) for i in only], dtype=np.int64)
        if not chosen.size:
            raise RacemateError("nobody is chosen", fix="only=[4711]")
        return chosen

    def subset(self, only: Sequence[int]) -> Population:
        """The same people, only these (by their number in the whole population)."""
        return Population(self.n, self.seed, self._source, only=only)

    @property
    def _source(self) -> str | Patient:
        if isinstance(self.spec, Patient):
            return self.spec
        return str(self.spec).partition(" (")[0]

    @cached_property
    def covariates(self) -> dict[str, Floats]:
        """Arrays by covariate name, in the order of :attr:`indices`; names and units as a patient's.

        Examples
        --------
        >>> Population(3, spec="woman, 62 kg, 163 cm").covariates["ffm"].round(1)
        array([39.7, 39.7, 39.7])
        """
        import numpy as np

        if isinstance(self.spec, Patient):
            return {name: np.broadcast_to(value, (len(self),)) for name, value in self.spec.covariates.items()}
        return self._drawn.covariates

    @cached_property
    def _drawn(self) -> People:
        from racemate.people.sampling import draw

        assert isinstance(self.spec, Group)
        return draw(self.spec, self.seed, self.indices)

    def patient(self, number: int) -> Patient:
        """The person of that number in the whole population.

        Examples
        --------
        >>> print(Population(n=5000, seed=1).patient(4711))
        female, 48.3 y, 62.6 kg, 161.3 cm, eGFR ... mL/min...
        """
        number = _whole("index", number, 0, self.n - 1)
        if isinstance(self.spec, Patient):
            return self.spec
        drawn = self.subset([number])._drawn
        one = {name: float(column[0]) for name, column in drawn.covariates.items()}
        has = [c.id for c in conditions().values() if one[c.covariate]]
        return Patient(
            "female" if one["female"] else "male", one["age"], one["weight"], one["height"], one["egfr"],
            cyp2b6=("*1/*1", "*1/*6", "*6/*6")[int(one["cyp2b6_star6"])], cyp2d6=one["cyp2d6"],
            oprm1=("AA", "AG", "GG")[int(one["oprm1_g118"])], child_pugh=attributes.CHILD_PUGH[int(one["child_pugh"])],
            pregnant=bool(one["pregnant"]), opioid_tolerant=bool(one["opioid_tolerant"]), conditions=has,
            ancestry=drawn.ancestries[drawn.ancestry[0]] if drawn.ancestries else None,
        )  # fmt: skip

    def to_dict(self) -> dict[str, object]:
        """Plain values; ``Population(**values)`` is the same people.

        Examples
        --------
        >>> Population(n=100, seed=7, spec="men").to_dict()
        {'n': 100, 'seed': 7, 'spec': 'men, 20-90 y'}
        """
        values: dict[str, object] = {"n": self.n, "seed": self.seed, "spec": str(self._source)}
        return values if self._everybody else {**values, "only": self.indices.tolist()}

    @property
    def sources(self) -> tuple[str, ...]:
        """Keys of ``references.bib`` that the bodies, kidneys and genotypes rest on."""
        if isinstance(self.spec, Patient):
            return ()
        keys = set(self.spec.table.sources) | set(kidney().sources)
        for name in self._mix():
            keys |= set(ancestries()[name].sources)
        return tuple(sorted(keys))

    def _mix(self) -> list[str]:
        """The ancestries whose allele frequencies are used."""
        from racemate.people.sampling import ASSUMED_ANCESTRY

        assert isinstance(self.spec, Group)
        return [str(name) for name, _ in self.spec.choices_of("ancestry")] or [ASSUMED_ANCESTRY]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of a result should know: what was assumed, and where body-size formulas end.

        Examples
        --------
        >>> Population(n=3, spec="woman, 35 y, 62 kg, 163 cm, eGFR 90").notes
        ()
        """
        if isinstance(self.spec, Patient):
            return self.spec.notes
        female, bmi = self.covariates["female"] > 0, self.covariates["bmi"]
        tops = bodysize.JAMES_LARGEST_BMI
        held = int((bmi > tops["female"])[female].sum() + (bmi > tops["male"])[~female].sum())
        found = []
        for name in dict.fromkeys(ancestries()[str(n)].survey for n, _ in self.spec.choices_of("ancestry")):
            found.append(f"assumed: height and weight as in the group '{name}' of {self.spec.table.label}")
        if held:
            who = f"{held} of {len(self)}, who are too obese for the formula"
            found.append(f"lean body mass (James 1976) is held at its largest value in {who}")
        return tuple(found)

    def remarks(self, used: Container[str]) -> tuple[str, ...]:
        """What to say of a run whose models use these covariates: see :meth:`Patient.remarks`.

        Examples
        --------
        >>> Population(3, spec="adults, 10 % depression").remarks({"weight", "oprm1_g118"})
        ('assumed: genotypes at European frequencies', 'no model in this run knows of: depression')
        """
        if isinstance(self.spec, Patient):
            return self.spec.remarks(used)
        found = []
        drawn = [g for g in ("cyp2b6", "cyp2d6", "oprm1") if COVARIATE_OF[g] in used]
        if drawn and not self.spec.choices_of("ancestry"):
            found.append(f"assumed: genotypes at {ancestries()[self._mix()[0]].label} frequencies")
        idle = []
        for choice in self.spec.choices:
            condition = conditions().get(str(choice.value)) if choice.name == "condition" else None
            name = condition.covariate if condition else COVARIATE_OF.get(choice.name, "")
            about_kidney = condition is not None and condition.egfr is not None
            if name and name not in used and not about_kidney and choice.value != REFERENCE.get(choice.name):
                idle.append(attributes.say(choice.name, choice.value))
        if idle:
            found.append("no model in this run knows of: " + ", ".join(idle))
        return tuple(found)

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[Patient]:
        return (self.patient(int(number)) for number in self.indices)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Population):
            return NotImplemented
        same = (self.n, self.seed, self.spec) == (other.n, other.seed, other.spec)
        return same and self.indices.tolist() == other.indices.tolist()

    def __hash__(self) -> int:
        return hash((self.n, self.seed, str(self.spec), len(self)))

    def __str__(self) -> str:
        """Who they are in words; of one replayed, which and what it is like."""
        if isinstance(self.spec, Group) and len(self) == 1:
            return f"patient {self.indices[0] + 1} of {self.spec}: {self.patient(int(self.indices[0]))}"
        if not self._everybody:
            return f"patient{'s' * (len(self) > 1)} {', '.join(str(i + 1) for i in self.indices[:9])} of {self.spec}"
        return f"{self.n} of {self.spec}"

    def __repr__(self) -> str:
        only = "" if self._everybody else f", only=<{len(self)} of them>"
        return f"Population(n={self.n}, seed={self.seed}, spec='{self.spec}'{only})"


def _whole(name: str, value: object, low: int, high: int) -> int:
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise RacemateError(f"{name} must be a whole number, not {value!r}") from None
    if isinstance(value, bool) or not low <= number <= high:
        raise RacemateError(f"{name} {value} is out of range", fix=f"{low} to {high}")
    return number
