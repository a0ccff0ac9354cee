"""One Rodas5P step of all lanes, its dense output, and the choice of a first step."""

from __future__ import annotations

from racemate.engine import rodas
from racemate.engine.builder import POINTER, Builder, Value
from racemate.engine.formulas import Formulas
from racemate.engine.layout import Frame, Layout

ARGUMENTS = [POINTER, POINTER]


def write_stepping(k: Builder, layout: Layout, size: int, formulas: Formulas) -> None:
    """Write ``attempt`` (gives the error), ``dense``, ``look`` and ``begin``."""
    with k.function("attempt", ARGUMENTS, k.vector) as (task, work):
        k.give(_attempt(k, Frame(k, layout, task, work), size, formulas))
    with k.function("dense", ARGUMENTS) as (task, work):
        _dense(k, Frame(k, layout, task, work), size)
    with k.function("look", [*ARGUMENTS, k.vector]) as (task, work, s):
        _look(k, Frame(k, layout, task, work), size, formulas, s)
    with k.function("begin", ARGUMENTS) as (task, work):
        _begin(k, Frame(k, layout, task, work), size)


def _attempt(k: Builder, f: Frame, size: int, formulas: Formulas) -> Value:
    y, u, stages, t, h = f["y"], f["u"], f["stages"], f["t"][0], f["h"][0]
    per_h = 1.0 / h
    hoisted, inputs, spill = f["hoisted"].pointer, f["inputs"].pointer, f["spill"].pointer
    matrix, slope = f["matrix"], f["slope"]
    a = per_h * (1 / rodas.GAMMA)
    common = (f.task, f.work)
    k.call("linearise", *common, y.pointer, hoisted, inputs, t, stages.pointer, matrix.pointer, a, slope.pointer, spill)
    k.call("factorise", matrix.pointer)
    for s in range(rodas.STAGES):
        stage = stages.part(s * size)
        if s:
            _combine(k, f, size, s, per_h)
        if formulas.timed and rodas.TIME_WEIGHTS[s]:
            with k.loop(size) as i:
                stage[i] = k.fma(h * rodas.TIME_WEIGHTS[s], slope[i], stage[i])
        if s:
            now = k.fma(h, k.numbers(rodas.NODES[s]), t)
            k.call("rates", *common, u.pointer, hoisted, inputs, now, stage.pointer, spill)
        k.call("solve", matrix.pointer, stage.pointer)
    return _finish(k, f, size)


def _combine(k: Builder, f: Frame, size: int, s: int, per_h: Value) -> None:
    """The argument of stage s, and the part of its right-hand side that earlier stages give."""
    y, u, stages = f["y"], f["u"], f["stages"]
    weights = [per_h * c for c in rodas.C[s]]
    adds_one = s > 5  # these arguments are the one before plus the last stage
    with k.loop(size) as i:
        before = [stages[i + j * size] for j in range(s)]
        argument = u[i] + before[-1] if adds_one else y[i]
        if not adds_one:
            for c, value in zip(rodas.A[s], before, strict=True):
                argument = k.fma(k.numbers(c), value, argument)
        u[i] = argument
        total = weights[0] * before[0]
        for weight, value in zip(weights[1:], before[1:], strict=True):
            total = k.fma(weight, value, total)
        stages[i + s * size] = total


def _tolerance(k: Builder, f: Frame, rtol: Value, i: Value, value: Value) -> Value:
    return k.fma(rtol, value, f["absolute"][i])


def _finish(k: Builder, f: Frame, size: int) -> Value:
    """The new value; the root mean square of the error over its tolerance."""
    total, rtol = k.variable(k.numbers(0.0)), k.spread(f.given("rtol"))
    y, u, new, stages = f["y"], f["u"], f["new"], f["stages"]
    with k.loop(size) as i:
        error = stages[i + (rodas.STAGES - 1) * size]
        value = u[i] + error
        new[i] = value
        scaled = error / _tolerance(k, f, rtol, i, k.maximum(k.abs(y[i]), k.abs(value)))
        total.set(k.fma(scaled, scaled, total.get()))
    return k.sqrt(total.get() * (1.0 / size))


def _dense(k: Builder, f: Frame, size: int) -> None:
    stages, coefficients = f["stages"], f["dense"]
    with k.loop(size) as i:
        values = [stages[i + j * size] for j in range(rodas.STAGES)]
        for r, weights in enumerate(rodas.DENSE):
            total = values[0] * weights[0]
            for c, value in zip(weights[1:], values[1:], strict=True):
                total = k.fma(k.numbers(c), value, total)
            coefficients[i + r * size] = total


def interpolated(k: Builder, f: Frame, size: int, i: Value | int, s: Value) -> Value:
    """State ``i`` at the share ``s`` of the last step."""
    dense, rest = f["dense"], 1.0 - s
    inner = k.fma(s, dense[i + 2 * size], dense[i + size])
    inner = k.fma(s, inner, dense[i])
    return k.fma(s, k.fma(rest, inner, f["new"][i]), rest * f["y"][i])


def _look(k: Builder, f: Frame, size: int, formulas: Formulas, s: Value) -> None:
    """The states that formulas read: inside the step, or as they are now."""
    inside = f.flag("inside")
    for i in formulas.observed:
        f["seen"][i] = k.select(inside, interpolated(k, f, size, i, s), f["y"][i])


def _begin(k: Builder, f: Frame, size: int) -> None:
    """A first step for the lanes that arrived (Hairer, Norsett and Wanner I, section II.4)."""
    y, u, t, rtol = f["y"], f["u"], f["t"][0], k.spread(f.given("rtol"))
    f0, f1 = f["stages"], f["stages"].part(size)
    left = f["stop"][0] - t
    with k.loop(2 * size) as i:
        f0[i] = 0.0
    f.evaluate("rates", y, t, f0)
    sums = [k.variable(k.numbers(0.0)) for _ in range(3)]
    with k.loop(size) as i:
        # A state at zero counts with its usual size, which its absolute tolerance tells.
        height = k.maximum(k.abs(y[i]), f["absolute"][i] / (rtol * 1e-3))
        scale = _tolerance(k, f, rtol, i, k.abs(y[i]))
        for total, x in zip(sums, (height / scale, f0[i] / scale), strict=False):
            total.set(k.fma(x, x, total.get()))
    d0, d1 = (k.sqrt(total.get() * (1.0 / size)) for total in sums[:2])
    h0 = k.minimum(0.01 * d0 / k.maximum(d1, k.numbers(1e-15)), left * 0.01)
    with k.loop(size) as i:
        u[i] = k.fma(h0, f0[i], y[i])
    f.evaluate("rates", u, t + h0, f1)
    with k.loop(size) as i:
        x = (f1[i] - f0[i]) / _tolerance(k, f, rtol, i, k.abs(y[i]))
        sums[2].set(k.fma(x, x, sums[2].get()))
    d2 = k.sqrt(sums[2].get() * (1.0 / size)) / h0
    slowest = k.maximum(k.maximum(d1, d2), k.numbers(1e-15))
    h1 = k.call("power", 0.01 / slowest, k.numbers(1 / (rodas.ORDER + 1)), returns=k.vector)
    f["step"][0] = k.select(f.flag("arrived"), k.minimum(h0 * 100.0, h1), f["step"][0])
