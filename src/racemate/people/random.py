"""Random numbers that belong to a person, not to a run.

Every number is a hash of its key (seed, patient, variable, occasion). So a patient is the same whatever the
batch, the order or the worker, and a new drug or variable reshuffles nobody. The hash is SplitMix64 (Steele, Lea,
Flood 2014, doi:10.1145/2660193.2660195), a chain of it for the key's parts and its counter mode over the patients.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from racemate.errors import RacemateError

Floats = NDArray[np.float64]
_Words = NDArray[np.uint64]

_MASK = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15
_MIX1, _MIX2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_BLOCK = 16384  # patients at a time: the temporaries stay in the cache


def uniform(seed: int, patient: ArrayLike, variable: str, occasion: ArrayLike = 0) -> Floats:
    """Uniform numbers strictly between 0 and 1.

    Parameters
    ----------
    seed : int
        Seed of the whole run, 0 to 2**64 - 1.
    patient : int or array of int
        Index of the person in the population (0, 1, ...).
    variable : str
        What is drawn, e.g. ``"body.height"`` or ``"esketamine.CL"``.
    occasion : int or array of int
        Occasion (visit, period, draw); broadcast against ``patient``.

    Returns
    -------
    ndarray of float64
        With the broadcast shape of ``patient`` and ``occasion``.

    Examples
    --------
    >>> uniform(1, [0, 1, 4711], "body.height").round(4)
    array([...])
    >>> bool(uniform(1, 4711, "body.height") == uniform(1, range(5000), "body.height")[4711])
    True
    """
    patients, occasions = _index("patient", patient), _index("occasion", occasion)
    if occasions.ndim == 0:
        return _uniform(_stream(seed, variable, int(occasions)), patients)
    patients, occasions = np.broadcast_arrays(patients, occasions)
    out = np.empty(patients.shape)
    for each in np.unique(occasions):
        chosen = occasions == each
        out[chosen] = _uniform(_stream(seed, variable, int(each)), patients[chosen])
    return out


def normal(seed: int, patient: ArrayLike, variable: str, occasion: ArrayLike = 0) -> Floats:
    """Standard normal numbers; parameters and shape as :func:`uniform`.

    The inverse distribution function of the uniform number of the same key, so a patient's rank in a
    variable is the same on every scale.

    Examples
    --------
    >>> bool(normal(1, 7, "esketamine.CL") == normal(1, [3, 7], "esketamine.CL")[1])
    True
    """
    return normal_quantile(uniform(seed, patient, variable, occasion))


def normal_quantile(probability: ArrayLike) -> Floats:
    """Inverse of the standard normal distribution, relative error about 1e-16.

    Algorithm AS 241 (PPND16) of Wichura 1988, doi:10.2307/2347330. Probabilities must lie strictly between 0 and 1.

    Examples
    --------
    >>> normal_quantile([0.025, 0.5, 0.975]).round(6)
    array([-1.959964,  0.      ,  1.959964])
    """
    p = np.asarray(probability, dtype=np.float64)
    flat = np.ascontiguousarray(p).reshape(-1)
    if not np.all((flat > 0.0) & (flat < 1.0)):
        raise RacemateError("a probability must lie strictly between 0 and 1")
    out = np.empty(flat.shape)
    for start in range(0, flat.size, _BLOCK):
        out[start : start + _BLOCK] = _quantile(flat[start : start + _BLOCK])
    return out.reshape(p.shape)


def _index(name: str, value: ArrayLike) -> NDArray[np.integer[Any]]:
    array = np.asarray(value)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise RacemateError(f"{name} must be whole numbers, not {array.dtype}")
    if array.size and array.min() < 0:
        raise RacemateError(f"{name} must not be negative, but one is {array.min()}")
    return array.astype(np.int64)


def _mix(word: int) -> int:
    word = ((word ^ (word >> 30)) * _MIX1) & _MASK
    word = ((word ^ (word >> 27)) * _MIX2) & _MASK
    return word ^ (word >> 31)


@lru_cache(maxsize=4096)
def _stream(seed: int, variable: str, occasion: int) -> int:
    """The start of the patients' counter for one seed, variable and occasion."""
    if not hasattr(seed, "__index__") or not 0 <= seed <= _MASK:
        raise RacemateError(f"seed {seed} is out of range", fix="a whole number from 0 to 2**64 - 1")
    seed = int(seed)
    name = int.from_bytes(blake2b(variable.encode(), digest_size=8).digest(), "little")
    word = _mix((seed + _GAMMA) & _MASK)
    word = _mix((word ^ name) & _MASK)
    return _mix((word + _GAMMA * (occasion + 1)) & _MASK)


def _uniform(stream: int, patients: NDArray[np.integer[Any]]) -> Floats:
    """52 of the 64 hashed bits, centred in their interval: never 0 and never 1."""
    flat = patients.reshape(-1).astype(np.uint64)
    out = np.empty(flat.shape)
    for start in range(0, flat.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        words = _hash(stream, flat[block])
        out[block] = ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    return out.reshape(patients.shape)


def _hash(stream: int, counter: _Words) -> _Words:
    word = (counter + np.uint64(1)) * np.uint64(_GAMMA) + np.uint64(stream)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(_MIX1)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(_MIX2)
    return word ^ (word >> np.uint64(31))


# Coefficients of AS 241, highest power first: |p - 1/2| <= 0.425, then the near and the far tail.
_CENTRE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_NEAR = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0),
)  # fmt: skip
_FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
     0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
     0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0),
)  # fmt: skip
_Ratio = tuple[tuple[float, ...], tuple[float, ...]]


def _ratio(coefficients: _Ratio, x: Floats) -> Floats:
    above, below = (np.full_like(x, powers[0]) for powers in coefficients)
    for a, b in zip(coefficients[0][1:], coefficients[1][1:], strict=True):
        above *= x
        above += a
        below *= x
        below += b
    return above / below


def _quantile(p: Floats) -> Floats:
    q = p - 0.5
    centre = np.abs(q) <= 0.425
    out = np.empty_like(p)
    inner = q[centre]
    out[centre] = inner * _ratio(_CENTRE, 0.180625 - inner * inner)
    outer = p[~centre]
    if outer.size:
        r = np.sqrt(-np.log(np.minimum(outer, 1.0 - outer)))
        tail = np.where(r <= 5.0, _ratio(_NEAR, r - 1.6), _ratio(_FAR, r - 5.0))
        out[~centre] = np.copysign(tail, outer - 0.5)
    return out
