/* Which instruction sets there are. */
#include "kernels.h"

extern const struct kernels kernels_avx512, kernels_avx2, kernels_pairs, kernels_plain;

const struct kernels *kernels_at(int place) {
    const struct kernels *found[5] = {NULL};
    int count = 0;
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) found[count++] = &kernels_avx512;
    if (__builtin_cpu_supports("avx2")) found[count++] = &kernels_avx2;
#endif
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__aarch64__))
    found[count++] = &kernels_pairs;
#endif
    found[count++] = &kernels_plain;
    return place >= 0 && place < count ? found[place] : NULL;
}
