"""tanh, exp, sin, cos and log of + - * /, comparisons and bit operations alone: the same bits on every processor.

Those of NumPy and of C libraries differ from one processor to the next. These specify the compiled ones
(``source/elementary.h``; log has none): the same operations in the same order, of which no product may be fused with a
sum. All take float64 arrays of any shape. They are within 2.5 units of the last place of the result; sin and cos up to
2**20 radians.
"""

import math
from typing import Any

import numpy as np

_FACTORS = [1.0 / math.factorial(n) for n in range(18)]  # of Taylor series
# exp(r) - 1 = r + r^2 sum_i (even_i + r odd_i) r^(2 i). These make the greatest relative error, 5e-19, the
# least for r in (-0.243, 0.451). Pairs (odd, even), high powers first.
_PAIRS = [
    np.array([[float.fromhex(odd)], [float.fromhex(even)]])
    for odd, even in (
        ("0x0p+0", "0x1.3b4caccd237cbp-29"),
        ("0x1.ad7069d2bd19dp-26", "0x1.27def056969fep-22"),
        ("0x1.71de977d0ced1p-19", "0x1.a01a02261d254p-16"),
        ("0x1.a01a018b0ff2ap-13", "0x1.6c16c16c23b40p-10"),
        ("0x1.1111111112eecp-7", "0x1.5555555555529p-5"),
        ("0x1.5555555555552p-3", "0x1.0000000000000p-1"),
    )
]
# Added to a number below 2**51, this leaves the nearest integer in the last bits of the sum.
_MAGIC = np.array(1.5 * 2.0**52)
_ONE = np.array(1023 << 52)  # bits of 1.0
_SHIFT = np.array(52)
# Leading parts have 33 bits, so that an integer of up to 20 bits times one of them is exact.
_INVERSE_LN2 = np.array(float.fromhex("0x1.71547652b82fep+0"))
_LN2 = np.array(float.fromhex("0x1.62e42fef00000p-1")), np.array(float.fromhex("0x1.473de6af278edp-34"))
_LN2_HIGH, _LN2_LOW = map(float, _LN2)
_TWO_BY_PI = np.array(float.fromhex("0x1.45f306dc9c883p-1"))
_HALF_PI = tuple(
    np.array(float.fromhex(part)) for part in ("0x1.921fb54400000p+0", "0x1.0b4611a600000p-34", "0x1.3198a2e037073p-69")
)
_TURN = 2 * math.pi
_FAR = 2.0**20  # beyond this, angles are reduced by the rounded turn first: off by at most their own rounding
_OFFSET = np.array(5 / 32)
_LIMIT, _LEAST, _LARGEST = np.array(20.0), np.array(-760.0), np.array(720.0)
_HALF, _UNIT, _TWO = np.array(0.5), np.array(1.0), np.array(2.0)
_SINE = [np.array(_FACTORS[n] if n % 4 == 1 else -_FACTORS[n]) for n in (17, 15, 13, 11, 9, 7, 5, 3)]
_COSINE = [np.array(_FACTORS[n] if n % 4 == 0 else -_FACTORS[n]) for n in (16, 14, 12, 10, 8, 6, 4)]
_LOGARITHM = [2.0 / n for n in range(25, 1, -2)]  # 2 artanh(s) = 2 s + s sum_n 2 / n s^(n - 1)
_ROOT = math.sqrt(0.5)


def tanh(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """t / (t + 2) with the sign of x, where t = exp(2 |x|) - 1."""
    y = np.minimum(np.abs(x), _LIMIT)
    np.add(y, y, out=y)
    scaled, rest = _reduced(y)
    power = _power(scaled)
    np.multiply(rest, power, out=rest)
    np.subtract(power, _UNIT, out=power)
    np.add(rest, power, out=rest)
    np.add(rest, _TWO, out=power)
    np.divide(rest, power, out=rest)
    found: np.ndarray = np.copysign(rest, x, out=out)
    return found


def exp(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """2^k (1 + t), in two factors, so that results below 2**-1022 are rounded once."""
    scaled, rest = _reduced(np.minimum(np.maximum(x, _LEAST), _LARGEST))
    whole = scaled - _MAGIC
    half = whole * _HALF + _MAGIC
    rest = (rest + _UNIT) * _power(half.copy())
    found: np.ndarray = np.multiply(rest, _power((whole - (half - _MAGIC)) + _MAGIC), out=out)
    return found


def sin(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Sine of angles in radians."""
    quadrant, sine, cosine = _quarter(x)
    return _signed(np.where(quadrant & 1, cosine, sine), quadrant, out)


def cos(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Cosine of angles in radians."""
    quadrant, sine, cosine = _quarter(x)
    return _signed(np.where(quadrant & 1, sine, cosine), quadrant + 1, out)


def log(x: np.ndarray) -> np.ndarray:
    """Natural logarithm; -inf at 0 and nan below."""
    regular = (x > 0) & (x < np.inf)
    part, power = np.frexp(np.where(regular, x, 1.0))
    low = part < _ROOT
    found: np.ndarray = _logarithm(np.where(low, part + part, part), power - low)
    return np.where(regular, found, np.where(x == 0, -np.inf, np.where(x > 0, x, np.nan)))


def log_of(x: float) -> float:
    """``log`` of one number above 0 and below infinity, the same bits."""
    part, power = math.frexp(x)
    low = part < _ROOT
    found: float = _logarithm(part + part if low else part, power - low)
    return found


def _logarithm(part: Any, power: Any) -> Any:
    """log(2^power part) for part in [sqrt(1/2), sqrt(2)).

    log(1 + f) = 2 artanh(s) = f - (h - s (h + r)) with s = f / (2 + f), h = f^2 / 2 and r the series of 2 artanh(s) / s
    without its first term, 2.
    """
    f = part - 1.0
    s = f / (2.0 + f)
    square = s * s
    series = square * _LOGARITHM[0]
    for factor in _LOGARITHM[1:]:
        series = (series + factor) * square
    half = 0.5 * f * f
    return power * _LN2_HIGH - ((half - (s * (half + series) + power * _LN2_LOW)) - f)


def _reduced(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """k + MAGIC and exp(r) - 1, where y = k ln 2 + r."""
    scaled = y * _INVERSE_LN2
    np.subtract(scaled, _OFFSET, out=scaled)  # the range that gives tanh its least error
    np.add(scaled, _MAGIC, out=scaled)
    whole = scaled - _MAGIC
    part = whole * _LN2[0]
    r = np.subtract(y, part, out=part)
    np.multiply(whole, _LN2[1], out=whole)
    np.subtract(r, whole, out=r)
    square = np.multiply(r, r, out=whole)
    odd, even = _series(_PAIRS, np.ravel(square))
    rest = np.multiply(odd.reshape(r.shape), r)
    np.add(even.reshape(r.shape), rest, out=rest)
    np.multiply(rest, square, out=rest)
    return scaled, np.add(rest, r, out=rest)


def _power(scaled: np.ndarray) -> np.ndarray:
    """2^k of k + MAGIC, whose memory it takes."""
    bits = scaled.view(np.int64)
    np.left_shift(bits, _SHIFT, out=bits)
    np.add(bits, _ONE, out=bits)
    return scaled


def _quarter(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """k, whose last two bits are the quadrant, and sine and cosine of r, where x = k pi / 2 + r."""
    far = np.abs(x) > _FAR
    if np.any(far):
        x = np.where(far, np.fmod(x, _TURN), x)  # fmod is exact
    scaled = x * _TWO_BY_PI + _MAGIC
    whole = scaled - _MAGIC
    r = ((x - whole * _HALF_PI[0]) - whole * _HALF_PI[1]) - whole * _HALF_PI[2]
    square = r * r
    sine = r + (r * square) * _series(_SINE, square)
    cosine = (_UNIT - square * _HALF) + (square * square) * _series(_COSINE, square)
    return scaled.view(np.int64), sine, cosine


def _signed(values: np.ndarray, quadrant: np.ndarray, out: np.ndarray | None) -> np.ndarray:
    """Negative in the last two quadrants."""
    found = (values.view(np.int64) ^ ((quadrant & 2) << 62)).view(np.float64)
    if out is None:
        return found
    out[...] = found
    return out


def _series(factors: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    """Polynomial, factors of high powers first."""
    total: np.ndarray = x * factors[0]
    for factor in factors[1:-1]:
        np.add(total, factor, out=total)
        np.multiply(total, x, out=total)
    total += factors[-1]
    return total
