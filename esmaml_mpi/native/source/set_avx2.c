/* 4 lanes on processors of the x86 family that have AVX2. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif

#define X86_INTRINSICS
#define LANES 4
#include "set.h"

const struct kernels kernels_avx2 = KERNELS("avx2");

#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int nothing; /* a file may not be empty */
#endif
