/* 8 lanes on processors of the x86 family that have AVX-512. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#pragma GCC target("avx512f")
#endif

#define X86_INTRINSICS
#define LANES 8
#include "set.h"

const struct kernels kernels_avx512 = KERNELS("avx512");

#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int nothing; /* a file may not be empty */
#endif
