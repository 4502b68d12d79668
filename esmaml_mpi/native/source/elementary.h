/* tanh, exp, sin and cos as in elementary.py, operation by operation. */
#ifndef ELEMENTARY_H
#define ELEMENTARY_H

#include "lanes.h"

#define MAGIC 0x1.8p52
#define ONE_BITS ((uint64_t)1023 << 52)
#define INVERSE_LN2 0x1.71547652b82fep+0
#define LN2_HIGH 0x1.62e42fef00000p-1
#define LN2_LOW 0x1.473de6af278edp-34
#define TWO_BY_PI 0x1.45f306dc9c883p-1
#define HALF_PI_HIGH 0x1.921fb54400000p+0
#define HALF_PI_MIDDLE 0x1.0b4611a600000p-34
#define HALF_PI_LOW 0x1.3198a2e037073p-69
#define TURN 0x1.921fb54442d18p+2
#define FAR 0x1p20

/* 1 / n! */
#define F3 (1.0 / 6)
#define F4 (1.0 / 24)
#define F5 (1.0 / 120)
#define F6 (1.0 / 720)
#define F7 (1.0 / 5040)
#define F8 (1.0 / 40320)
#define F9 (1.0 / 362880)
#define F10 (1.0 / 3628800)
#define F11 (1.0 / 39916800)
#define F12 (1.0 / 479001600)
#define F13 (1.0 / 6227020800)
#define F14 (1.0 / 87178291200)
#define F15 (1.0 / 1307674368000)
#define F16 (1.0 / 20922789888000)
#define F17 (1.0 / 355687428096000)

/* Factors of r^n in exp(r) - 1. */
#define E3 0x1.5555555555552p-3
#define E4 0x1.5555555555529p-5
#define E5 0x1.1111111112eecp-7
#define E6 0x1.6c16c16c23b40p-10
#define E7 0x1.a01a018b0ff2ap-13
#define E8 0x1.a01a02261d254p-16
#define E9 0x1.71de977d0ced1p-19
#define E10 0x1.27def056969fep-22
#define E11 0x1.ad7069d2bd19dp-26
#define E12 0x1.3b4caccd237cbp-29

/* 2^k of k + MAGIC. */
INLINE vector power(vector scaled) { return value((bits(scaled) << 52) + ones(ONE_BITS)); }

/* exp(r) - 1, and k + MAGIC, where y = k ln 2 + r. */
INLINE vector reduced(vector y, vector *scaled) {
    *scaled = (y * INVERSE_LN2 - 0.15625) + MAGIC;
    vector whole = *scaled - MAGIC;
    vector r = (y - whole * LN2_HIGH) - whole * LN2_LOW;
    vector w = r * r;
    vector odd = (((w * E11 + E9) * w + E7) * w + E5) * w + E3;
    vector even = ((((w * E12 + E10) * w + E8) * w + E6) * w + E4) * w + 0.5;
    return (even + odd * r) * w + r;
}

INLINE vector hyperbolic_tangent(vector x) {
    vector y = at_most(all(20.0), magnitude(x)), scaled;
    vector rest = reduced(y + y, &scaled), s = power(scaled);
    vector t = rest * s + (s - 1.0);
    return with_sign_of(x, t / (t + 2.0));
}

INLINE vector exponential(vector x) {
    vector scaled, rest = reduced(at_most(all(720.0), at_least(all(-760.0), x)), &scaled);
    vector whole = scaled - MAGIC, half = whole * 0.5 + MAGIC;
    return ((rest + 1.0) * power(half)) * power((whole - (half - MAGIC)) + MAGIC);
}

/* The turn is taken off angles that are far out; fmod is exact. */
static inline vector brought_near(vector x) {
    double lanes[LANES];
    store(lanes, x);
    for (int l = 0; l < LANES; l++)
        if (fabs(lanes[l]) > FAR) lanes[l] = fmod(lanes[l], TURN);
    return load(lanes);
}

INLINE vector signed_by(vector x, pattern quadrant) { return value(bits(x) ^ ((quadrant & ones(2)) << 62)); }

INLINE void sine_cosine(vector x, vector *sine, vector *cosine) {
    if (any(less(all(FAR), magnitude(x)))) x = brought_near(x);
    vector scaled = x * TWO_BY_PI + MAGIC, whole = scaled - MAGIC;
    vector r = ((x - whole * HALF_PI_HIGH) - whole * HALF_PI_MIDDLE) - whole * HALF_PI_LOW;
    vector w = r * r;
    vector s = ((((((w * F17 - F15) * w + F13) * w - F11) * w + F9) * w - F7) * w + F5) * w - F3;
    vector c = (((((w * F16 - F14) * w + F12) * w - F10) * w + F8) * w - F6) * w + F4;
    s = r + (r * w) * s;
    c = (1.0 - w * 0.5) + (w * w) * c;
    pattern quadrant = bits(scaled), swapped = ones(0) - (quadrant & ones(1));
    *sine = signed_by(choose(swapped, c, s), quadrant);
    *cosine = signed_by(choose(swapped, s, c), quadrant + ones(1));
}

#endif
