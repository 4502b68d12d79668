/* Standard normals as NumPy's Generator(Philox(key, counter)) draws them, several times faster. */
#ifndef NORMALS_H
#define NORMALS_H

#include <stddef.h>
#include <stdint.h>

/* What NumPy's distributions draw from; numpy/random/bitgen.h has it. */
struct bit_source {
    void *state;
    uint64_t (*next_uint64)(void *state);
    uint32_t (*next_uint32)(void *state);
    double (*next_double)(void *state);
    uint64_t (*next_raw)(void *state);
};

typedef double (*drawing)(struct bit_source *source);

/* The 256 layers of NumPy's ziggurat. A word's lowest 8 bits choose a layer, the next is the sign, then come 3 unused and
   52 bits; where these are below `inside` of the layer, `width` times them is the normal. */
struct layers {
    double width[256];
    uint64_t inside[256];
};

/* Learns the layers from numpy, the function random_standard_normal of NumPy's; 0 where they are not what they were. */
int learn_layers(drawing numpy, struct layers *layers);

/* The first normals of a stream, in rows that lie `apart` numbers from each other; numpy draws those few that the layers
   do not give at once, and its tails get last bits that do not depend on the C library. */
void draw_normals(const struct layers *layers, drawing numpy, const uint64_t key[2], const uint64_t counter[4],
                  double *out, size_t rows, size_t columns, ptrdiff_t apart);

#endif
