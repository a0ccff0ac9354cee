"""exp, log, power and random numbers in vector code, the same bits on every machine with fused multiply-add.

``exp``: x = k ln 2 + r, a polynomial in r, and 2^k put into the exponent. ``log``: fdlibm's reduction and polynomial
(https://www.netlib.org/fdlibm/e_log.c). Both stay within two units in the last place. ``uniform``: the finaliser of
SplitMix64 (Steele, Lea and Flood 2014, https://doi.org/10.1145/2660193.2660195) of key and draw.
"""

from __future__ import annotations

import math

from racemate.engine.builder import Builder, Value

LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
#: Adding this leaves the nearest whole number in the low bits of a double.
ROUNDER = 6755399441055744.0
#: A double below this has lost leading digits.
SMALLEST_NORMAL = 2.0**-1022
_LOG_EVEN = (3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01)
_LOG_ODD = (6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01, 1.479819860511658591e-01)


#: SplitMix64: the increment for a draw, and shifts and factors of its finaliser.
STREAM, FINALISER, LAST_SHIFT = 0x9E3779B97F4A7C15, ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)), 31
#: Another odd factor, so that neighbouring keys do not share draws.
KEY = 0xD1342543DE82EF95


def define(k: Builder) -> None:
    """Write the functions ``exp``, ``log``, ``power`` and ``uniform`` into a module."""
    v = k.vector
    with k.function("exp", [v], v, attributes="alwaysinline") as (x,):
        k.give(_exp(k, x))
    with k.function("log", [v], v, attributes="alwaysinline") as (x,):
        k.give(_log(k, x))
    with k.function("power", [v, v], v, attributes="alwaysinline") as (x, n):
        at_zero = k.select(n.equals(0.0), k.numbers(1.0), k.numbers(0.0))
        # A base that is not positive takes the other branch, whatever its logarithm came to.
        k.give(k.select(x > 0.0, _exp(k, n * _positive_log(k, x)), at_zero))
    with k.function("uniform", [v, v], v) as (key, draw):
        k.give(_uniform(k, key, draw))


def _uniform(k: Builder, key: Value, draw: Value) -> Value:
    """``((hash >> 12) + 1/2) 2^-52``, above 0 and below 1."""
    bits = _whole(k, key) * signed(KEY) + _whole(k, draw) * signed(STREAM)
    for shift, factor in FINALISER:
        bits = (bits ^ bits.shifted_down(shift)) * signed(factor)
    bits = bits ^ bits.shifted_down(LAST_SHIFT)
    # The top 52 bits under the exponent of one give 1 to 2.
    between = k.bits(bits.shifted_down(12) | k.constant(0x3FF0000000000000, k.integers), k.vector)
    return between - (1.0 - 2.0**-53)


def _whole(k: Builder, x: Value) -> Value:
    """A whole number below 2^52 as an integer: adding 2^52 leaves it in the low bits."""
    return k.bits(x + 2.0**52, k.integers) & k.constant(2**52 - 1, k.integers)


def signed(x: int) -> int:
    """64 bits as a signed number."""
    return x - 2**64 if x >= 2**63 else x


def _exp(k: Builder, x: Value) -> Value:
    # Comparisons are written so that not-a-number falls through unchanged.
    x = k.select(x < -708.5, k.numbers(-708.5), x)
    x = k.select(x > 710.0, k.numbers(710.0), x)
    shifted = k.fma(x, k.numbers(1 / math.log(2)), k.numbers(ROUNDER))
    whole = shifted - ROUNDER
    r = k.fma(whole, k.numbers(-LN2_HIGH), x)
    r = k.fma(whole, k.numbers(-LN2_LOW), r)
    polynomial = _estrin(k, r, [1 / math.factorial(n) for n in range(13)])
    # 2^k as 2 * 2^(k-1), so that k = 1024 overflows to infinity and k = -1022 to zero.
    power_of_two = k.bits((k.bits(shifted, k.integers) + 1022) << 52, k.vector)
    return polynomial * power_of_two * 2.0


def _estrin(k: Builder, x: Value, coefficients: list[float]) -> Value:
    """A polynomial evaluated as a balanced tree, for short chains of dependent operations."""
    terms = [k.numbers(c) for c in coefficients]
    while len(terms) > 1:
        pairs = [k.fma(b, x, a) for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[len(pairs) * 2 :]
        x = x * x
    return terms[0]


def _positive_log(k: Builder, x: Value) -> Value:
    """The logarithm of a positive number."""
    return k.select(x < math.inf, _finite_log(k, x), x)


def _finite_log(k: Builder, x: Value) -> Value:
    """The logarithm of a positive finite number."""
    # A number below the smallest normal one has no exponent of its own.
    small = x < SMALLEST_NORMAL
    x = k.select(small, x * 2.0**54, x)
    offset = k.select(small, k.numbers(ROUNDER + 54.0), k.numbers(ROUNDER))
    bits = k.bits(x, k.integers) + ((0x3FF00000 - 0x3FE6A09E) << 32)
    exponent = (bits >> 52) - 0x3FF
    mantissa = k.bits((bits & k.constant(0x000FFFFFFFFFFFFF, k.integers)) + 0x3FE6A09E00000000, k.vector)
    n = k.bits(exponent + 0x4338000000000000, k.vector) - offset
    f = mantissa - 1.0
    s = f / (f + 2.0)
    z = s * s
    w = z * z
    even, odd = _horner(k, w, _LOG_EVEN), _horner(k, w, _LOG_ODD)
    r = k.fma(z, odd, w * even)
    half = f * f * 0.5
    low = k.fma(s, half + r, n * LN2_LOW)
    return k.fma(n, k.numbers(LN2_HIGH), f - (half - low))


def _horner(k: Builder, x: Value, coefficients: tuple[float, ...]) -> Value:
    result = k.numbers(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = k.fma(result, x, k.numbers(c))
    return result


def _log(k: Builder, x: Value) -> Value:
    at_zero = k.select(x.equals(0.0), k.numbers(-math.inf), k.numbers(math.nan))
    return k.select(x > 0.0, _positive_log(k, x), at_zero)
