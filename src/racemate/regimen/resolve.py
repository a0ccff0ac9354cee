"""From words of time to doses: when each step starts, how long it lasts, how often it is repeated."""

from __future__ import annotations

import math
from collections.abc import Iterable

from racemate.errors import RacemateError
from racemate.regimen.syntax import Amount, Dose, Item, Mode, Rule, Step, minutes

MOST_REPEATS = 1_000_000


class WrongStep(RacemateError):
    """A step that makes no sense; `clause` names the words that are wrong, `place` the step."""

    def __init__(self, clause: str, what: str, fix: str | None = None) -> None:
        super().__init__(what, fix=fix)
        self.clause = clause
        self.place: tuple[int, int] = (0, 0)


def resolve(items: Iterable[Item]) -> tuple[tuple[Dose, ...], tuple[Rule, ...]]:
    """The doses of a regimen in order of time (ties in the order written), and its rules.

    Raises
    ------
    WrongStep
        At the first step that makes no sense.
    """
    doses: list[Dose] = []
    rules: list[Rule] = []
    for i, item in enumerate(items):
        end: float | None = 0.0
        for j, step in enumerate(item.steps):
            try:
                if step.when is not None:
                    rules.append(_rule(step))
                    end = None
                    continue
                dose = _dose(step, end, first=j == 0)
            except WrongStep as error:
                error.place = (i, j)
                error.where = f"item {i + 1}, step {j + 1}: {step}"
                raise
            doses.append(dose)
            end = dose.end
    return tuple(sorted(doses, key=lambda dose: dose.time)), tuple(rules)


def _dose(step: Step, end: float | None, *, first: bool) -> Dose:
    if step.amount is None:
        assert step.at is not None
        return Dose("", "", None, None, step.at.minutes, 0.0, "bolus", reset=True, label=str(step))
    start = _start(step, end, first=first)
    mode, duration = _course(step, start)
    interval, count = _repeats(step, start)
    amount, rate = _given(step, mode, duration)
    return Dose(
        step.product, step.route, amount, rate, start, duration, mode, interval, count,
        step.steady_state, step.reset, step.compartment, str(step),
    )  # fmt: skip


def _start(step: Step, end: float | None, *, first: bool) -> float:
    """The time of the first dose: as said, or after what came before has ended."""
    if step.at is not None:
        if step.after is not None:
            raise WrongStep("after", "'at' and 'after' both say when", "keep one")
        if step.then and end is not None and step.at.minutes < end:
            what = f"'then' at {step.at}, but what comes before ends at {minutes(end)}"
            raise WrongStep("at", what, "start it later")
        return step.at.minutes
    if first:
        if step.after is not None:
            return _later(step)
        return 0.0
    if end is None:
        raise WrongStep("", "'then' follows a rule, whose end is not known beforehand", "give a time: 'at 2 h'")
    if step.after is not None:
        return end + _later(step)
    return end + (step.every.minutes if step.every is not None else 0.0)


def _later(step: Step) -> float:
    assert step.after is not None
    if step.after.minutes < 0:
        raise WrongStep("after", "a delay cannot be negative", "write 'at -30 min' for a time before zero")
    return step.after.minutes


def _course(step: Step, start: float) -> tuple[Mode, float]:
    """How one dose goes in, and for how long."""
    assert step.amount is not None
    patch = step.route == "transdermal"
    if step.modelled:
        if step.amount.is_rate or step.over or step.lasting:
            raise WrongStep("modelled", f"the {step.modelled} is modelled, but another is given", "give an amount only")
        return ("modelled-rate" if step.modelled == "rate" else "modelled-duration"), 0.0
    if step.over is not None:
        if step.amount.is_rate or patch:
            raise WrongStep("over", "'over' belongs to an amount that is infused", "write 'for' and a time")
        return "infusion", step.over.minutes
    if not (step.amount.is_rate or patch):
        if step.lasting is not None:
            raise WrongStep("lasting", "'for' belongs to a rate or a repeat", "write 'over' and a time")
        if step.during is not None and step.every is None:
            raise WrongStep("during", "an amount is given over a time", f"write 'over {step.during}'")
        return "bolus", 0.0
    mode: Mode = "patch" if patch else "infusion"
    if step.lasting is not None:
        end = start + step.lasting.minutes
        if step.until is not None and step.every is None and not math.isclose(end, step.until.minutes, abs_tol=1e-12):
            raise WrongStep("until", f"'for {step.lasting}' and 'until {step.until}' disagree", "keep one")
        return mode, step.lasting.minutes
    if step.until is not None and step.every is None:
        if step.until.minutes <= start:
            raise WrongStep("until", f"it ends at {step.until}, before it starts at {minutes(start)}", "end it later")
        return mode, step.until.minutes - start
    if step.steady_state and step.every is None and not patch:
        return "constant", 0.0
    what = "a patch" if patch else "a rate"
    raise WrongStep("amount", f"{what} needs to know how long", "add 'for' and a time, as in 'for 8 h'")


def _repeats(step: Step, start: float) -> tuple[float, int]:
    """The interval and the number of doses; every way to say the number must agree."""
    if step.every is None:
        single = not step.amount or step.amount.is_rate or step.route == "transdermal"
        if step.count is not None and step.count != 1:
            raise WrongStep("count", f"x {step.count}, but how often?", "add 'every' and a time, as in 'every 4 h'")
        if step.during is not None:
            raise WrongStep("during", "'for' is said twice", "add 'every' and a time, or keep one")
        if step.until is not None and not single:
            raise WrongStep("until", "'until' belongs to a rate or a repeat", "add 'every' and a time: 'every 4 h'")
        return _single(step)
    interval = step.every.minutes
    said = {"count": step.count} if step.count is not None else {}
    if step.until is not None:
        if step.until.minutes <= start:
            raise WrongStep("until", f"it ends at {step.until}, before it starts at {minutes(start)}", "end it later")
        said["until"] = _fits(step.until.minutes - start, interval)
    if step.during is not None:
        said["during"] = _fits(step.during.minutes, interval)
    if not said:
        if step.steady_state:
            return interval, 1
        fix = "add 'x 6' (every dose counts) or 'until 24 h'"
        if step.lasting is not None and step.lasting.minutes > interval:
            fix = f"say how long each lasts, too: 'for {step.every} every {step.every} for {step.lasting}'"
        raise WrongStep("every", "how many doses, or until when?", fix)
    (clause, count), *others = said.items()
    for other, n in others:
        if n != count:
            words = {"count": f"'x {step.count}'", "until": f"'until {step.until}'", "during": f"'for {step.during}'"}
            what = f"{words[clause]} and {words[other]} disagree: {words[other]} is {n} doses"
            raise WrongStep(other, what, "keep one")
    if count > MOST_REPEATS:
        raise WrongStep(clause, f"{count} doses are more than the most, {MOST_REPEATS}", "give fewer, or an infusion")
    return (interval, count) if count > 1 or step.steady_state else (0.0, 1)


def _single(step: Step) -> tuple[float, int]:
    if step.steady_state and not (step.amount and step.amount.is_rate):
        raise WrongStep("steady_state", "steady state of which interval?", "add 'every' and a time, as in 'every 4 h'")
    if step.steady_state and step.lasting is not None:
        raise WrongStep("steady_state", "steady state of which interval?", "add 'every', or leave out 'for'")
    return 0.0, 1


def _fits(span: float, interval: float) -> int:
    """How many doses start in a span, the first at its begin, none at its end."""
    return max(1, math.ceil(span / interval * (1 - 1e-12)))


def _given(step: Step, mode: Mode, duration: float) -> tuple[Amount | None, Amount | None]:
    """The amount of one dose and, where a rate was written, the rate."""
    assert step.amount is not None
    if not step.amount.is_rate:
        return step.amount, None
    return (None if mode == "constant" else step.amount.times(duration)), step.amount


def _rule(step: Step) -> Rule:
    assert step.when is not None
    for clause in ("at", "until", "during", "modelled", "reset", "compartment"):
        if getattr(step, clause):
            raise WrongStep(clause, "a rule has no such words", "a rule is: 'when ..., after ..., then every ... x n'")
    if step.steady_state:
        raise WrongStep("steady_state", "a rule has no steady state", "leave it out")
    if (step.every is None) != (step.count is None):
        clause = "every" if step.every is not None else "count"
        raise WrongStep(clause, "a rule repeats every so often and so many times", "write 'then every 150 s x 2'")
    if step.count is not None and step.count > MOST_REPEATS:
        raise WrongStep("count", f"{step.count} doses are more than the most, {MOST_REPEATS}", "give fewer")
    mode, duration = _course(step, 0.0)
    amount, rate = _given(step, mode, duration)
    when = step.when
    return Rule(
        step.product, step.route, amount, rate, duration, mode, when.output, when.comparison, when.threshold, when.unit,
        when.first_time, _later(step) if step.after else 0.0, step.every.minutes if step.every else 0.0,
        step.count or 0, str(step),
    )  # fmt: skip
