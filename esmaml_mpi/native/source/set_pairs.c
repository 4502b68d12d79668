/* Two lanes: SSE2, which every 64-bit processor of the x86 family has, or NEON, which every 64-bit ARM has. */
#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#define X86_INTRINSICS
#define SET "sse2"
#elif defined(__GNUC__) && defined(__aarch64__)
#define SET "neon"
#endif

#if defined(SET)
#define LANES 2
#include "set.h"

const struct kernels kernels_pairs = KERNELS(SET);
#else
typedef int nothing; /* a file may not be empty */
#endif
