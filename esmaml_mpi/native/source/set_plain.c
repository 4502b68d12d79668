/* One lane: C that any compiler takes. */
#define LANES 1
#include "set.h"

const struct kernels kernels_plain = KERNELS("plain");
