/* Some simulations side by side: a vector of LANES doubles, one for each, that never mix.

What includes this defines LANES, and has switched on the instruction set that they need. A product is never fused with
a sum (-ffp-contract=off), so that every lane's bits are those of the NumPy specification at any LANES. */
#ifndef LANES_H
#define LANES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if LANES == 1

#define INLINE static inline
typedef double vector;
typedef uint64_t pattern;

INLINE pattern bits(vector v) { pattern b; memcpy(&b, &v, sizeof b); return b; }
INLINE vector value(pattern b) { vector v; memcpy(&v, &b, sizeof v); return v; }
INLINE vector all(double x) { return x; }
INLINE vector load(const double *from) { return *from; }
INLINE void store(double *to, vector v) { *to = v; }
/* All ones where a < b, and nothing where not or where one is nan. */
INLINE pattern less(vector a, vector b) { return a < b ? ~(pattern)0 : 0; }

#else

#define INLINE static inline __attribute__((always_inline))
typedef double vector __attribute__((vector_size(8 * LANES)));
typedef uint64_t pattern __attribute__((vector_size(8 * LANES)));
typedef double loose __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

INLINE pattern bits(vector v) { return (pattern)v; }
INLINE vector value(pattern b) { return (vector)b; }
INLINE vector all(double x) { return x - (vector){0}; } /* -0 as well */
INLINE vector load(const double *from) { return *(const loose *)from; }
INLINE void store(double *to, vector v) { *(loose *)to = v; }
INLINE pattern less(vector a, vector b) { return (pattern)(a < b); }

#endif

INLINE vector choose(pattern mask, vector yes, vector no) {
    return value((mask & bits(yes)) | (~mask & bits(no)));
}

/* x, or the limit where x is beyond it; nan stays nan. Limits are never the other zero, of which processors differ. */
#if defined(X86_INTRINSICS) && LANES == 8
INLINE vector at_least(vector limit, vector x) { return (vector)_mm512_max_pd((__m512d)limit, (__m512d)x); }
INLINE vector at_most(vector limit, vector x) { return (vector)_mm512_min_pd((__m512d)limit, (__m512d)x); }
#elif defined(X86_INTRINSICS) && LANES == 4
INLINE vector at_least(vector limit, vector x) { return (vector)_mm256_max_pd((__m256d)limit, (__m256d)x); }
INLINE vector at_most(vector limit, vector x) { return (vector)_mm256_min_pd((__m256d)limit, (__m256d)x); }
#elif defined(X86_INTRINSICS) && LANES == 2
INLINE vector at_least(vector limit, vector x) { return (vector)_mm_max_pd((__m128d)limit, (__m128d)x); }
INLINE vector at_most(vector limit, vector x) { return (vector)_mm_min_pd((__m128d)limit, (__m128d)x); }
#else
INLINE vector at_least(vector limit, vector x) { return choose(less(x, limit), limit, x); }
INLINE vector at_most(vector limit, vector x) { return choose(less(limit, x), limit, x); }
#endif

/* Rounded correctly, as every processor does. */
INLINE vector root(vector x) {
    double lanes[LANES];
    memcpy(lanes, &x, sizeof lanes);
    for (int l = 0; l < LANES; l++) lanes[l] = sqrt(lanes[l]);
    memcpy(&x, lanes, sizeof x);
    return x;
}

INLINE pattern ones(uint64_t word) { return word + (pattern){0}; }

INLINE vector magnitude(vector x) { return value(bits(x) & ones(~((uint64_t)1 << 63))); }

INLINE vector with_sign_of(vector x, vector size) { return value(bits(size) | (bits(x) & ones((uint64_t)1 << 63))); }

/* Whether any lane's mask is set. */
INLINE int any(pattern mask) {
    uint64_t words[LANES], found = 0;
    memcpy(words, &mask, sizeof words);
    for (int l = 0; l < LANES; l++) found |= words[l];
    return found != 0;
}

/* The first `count` lanes from or to memory, `step` numbers apart; further lanes repeat the last. */
INLINE vector gather(const double *from, ptrdiff_t step, int count) {
    double lanes[LANES];
    if (step == 1 && count == LANES) return load(from);
    for (int l = 0; l < LANES; l++) lanes[l] = from[step * (l < count ? l : count - 1)];
    return load(lanes);
}

INLINE void scatter(double *to, vector v, int count) {
    if (count == LANES) {
        store(to, v);
        return;
    }
    double lanes[LANES];
    store(lanes, v);
    memcpy(to, lanes, sizeof *lanes * (size_t)count);
}

#endif
