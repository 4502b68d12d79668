/* See normals.h. */
#include "normals.h"

#include <math.h>
#include <string.h>

#ifdef __SIZEOF_INT128__

#define WORDS 64 /* made at once */
#define ROUNDS 10
#define FACTOR_0 UINT64_C(0xD2E7470EE14C6C93)
#define FACTOR_1 UINT64_C(0xCA5A826395121157)
#define WEYL_0 UINT64_C(0x9E3779B97F4A7C15)
#define WEYL_1 UINT64_C(0xBB67AE8584CAA73B)
#define START 3.6541528853610087963519472518 /* these as in tails.py and elementary.py */
#define SCALE 0.27366123732975827203338247596
#define NEAR 1e-12
#define ROOT 0.70710678118654757
#define LN2_HIGH 0x1.62e42fefp-1
#define LN2_LOW 0x1.473de6af278edp-34
#define LAYER(word) ((word) & 255)
#define SIGN(word) (((word) >> 8) << 63)
#define REST(word) (((word) >> 9) & ((UINT64_C(1) << 52) - 1))

__extension__ typedef unsigned __int128 wide;

struct stream {
    uint64_t key[2], counter[4], words[WORDS];
    size_t used, made; /* of the words */
    uint64_t word; /* the last one that NumPy asked for as such */
    double uniform[2]; /* the last ones that it asked for, the older first */
};

/* A block of Philox4x64-10 (Salmon et al. 2011). */
static inline void block(const uint64_t key[2], const uint64_t counter[4], uint64_t out[4]) {
    uint64_t a = counter[0], b = counter[1], c = counter[2], d = counter[3], k = key[0], l = key[1];
    for (int round = 0; round < ROUNDS; round++, k += WEYL_0, l += WEYL_1) {
        wide first = (wide)FACTOR_0 * a, second = (wide)FACTOR_1 * c;
        a = (uint64_t)(second >> 64) ^ b ^ k, b = (uint64_t)second;
        c = (uint64_t)(first >> 64) ^ d ^ l, d = (uint64_t)first;
    }
    out[0] = a, out[1] = b, out[2] = c, out[3] = d;
}

/* At least as many words as are wanted, if there is room. Like NumPy's, a stream begins at the block behind its counter. */
static void refill(struct stream *stream, size_t wanted) {
    stream->made = wanted < WORDS ? (wanted + 3) / 4 * 4 : WORDS;
    for (size_t i = 0; i < stream->made; i += 4) {
        for (int j = 0; j < 4; j++)
            if (++stream->counter[j]) break;
        block(stream->key, stream->counter, stream->words + i);
    }
    stream->used = 0;
}

static inline uint64_t next(struct stream *stream) {
    if (stream->used == stream->made) refill(stream, 1);
    return stream->words[stream->used++];
}

static uint64_t next_uint64(void *state) {
    struct stream *stream = state;
    return stream->word = next(stream);
}

static uint32_t next_uint32(void *state) { return (uint32_t)next_uint64(state); } /* normals ask for none */

static double next_double(void *state) {
    struct stream *stream = state;
    stream->uniform[0] = stream->uniform[1];
    return stream->uniform[1] = (double)(next(stream) >> 11) * 0x1p-53;
}

static struct stream stream_at(const uint64_t key[2], const uint64_t counter[4]) {
    struct stream stream = {{key[0], key[1]}, {counter[0], counter[1], counter[2], counter[3]}, {0}, 0, 0, 0, {0}};
    return stream;
}

static inline double at_once(const struct layers *layers, uint64_t word) {
    double size = (double)(int64_t)REST(word) * layers->width[LAYER(word)];
    uint64_t bits;
    memcpy(&bits, &size, sizeof bits);
    bits ^= SIGN(word);
    memcpy(&size, &bits, sizeof bits);
    return size;
}

static inline int inside(const struct layers *layers, uint64_t word) { return REST(word) < layers->inside[LAYER(word)]; }

/* log(x) for 0 < x < infinity: log_of in elementary.py. */
static double logarithm(double x) {
    int power;
    double part = frexp(x, &power);
    if (part < ROOT) part += part, power--;
    double f = part - 1.0, s = f / (2.0 + f), square = s * s, series = square * (2.0 / 25), half = 0.5 * f * f;
    for (int n = 23; n > 1; n -= 2) series = (series + 2.0 / n) * square;
    return power * LN2_HIGH - ((half - (s * (half + series) + power * LN2_LOW)) - f);
}

/* A number of NumPy's, of the tail if it is beyond START; see tails.py. */
static double with_own_logarithm(double number, const struct stream *stream) {
    if (!(fabs(number) > START)) return number;
    double size = START + -logarithm(1.0 - stream->uniform[0]) * SCALE;
    double found = stream->word >> 17 & 1 ? -size : size;
    return fabs(found - number) < NEAR ? found : number;
}

/* `left`: how many numbers of the stream are wanted from here on. */
static void draw_row(struct stream *stream, const struct layers *layers, drawing numpy, double *out, size_t count,
                     size_t left) {
    struct bit_source source = {stream, next_uint64, next_uint32, next_double, next_uint64};
    size_t i = 0;
    while (i < count) {
        if (stream->used == stream->made) refill(stream, left - i);
        for (; i < count && stream->used < stream->made && inside(layers, stream->words[stream->used]); i++)
            out[i] = at_once(layers, stream->words[stream->used++]);
        if (i < count && stream->used < stream->made) out[i++] = with_own_logarithm(numpy(&source), stream);
    }
}

void draw_normals(const struct layers *layers, drawing numpy, const uint64_t key[2], const uint64_t counter[4],
                  double *out, size_t rows, size_t columns, ptrdiff_t apart) {
    struct stream stream = stream_at(key, counter);
    for (size_t row = 0; row < rows; row++, out += apart)
        draw_row(&stream, layers, numpy, out, columns, (rows - row) * columns);
}

/* What numpy makes of a word, and whether it asked for no other. Further words are those of any full stream. */
static double drawn_from(drawing numpy, uint64_t word, struct stream stream, int *alone) {
    struct bit_source source = {&stream, next_uint64, next_uint32, next_double, next_uint64};
    stream.words[0] = word;
    double found = numpy(&source);
    *alone = stream.used == 1;
    return found;
}

int learn_layers(drawing numpy, struct layers *layers) {
    static const uint64_t zeros[4];
    struct stream stream = stream_at(zeros, zeros), further;
    refill(&stream, WORDS);
    further = stream;
    int alone, given = 0;
    for (uint64_t layer = 0; layer < 256; layer++) {
        uint64_t low = 0, high = UINT64_C(1) << 52; /* numbers below low are inside, those from high on are not */
        while (low < high) {
            uint64_t middle = low + (high - low) / 2;
            drawn_from(numpy, layer | middle << 9, further, &alone);
            if (alone)
                low = middle + 1;
            else
                high = middle;
        }
        layers->inside[layer] = low;
        layers->width[layer] = low > 1 ? drawn_from(numpy, layer | UINT64_C(1) << 9, further, &alone) : 0.0;
    }
    for (int i = 0; i < 4096; i++) {
        uint64_t word = next(&stream);
        double found = drawn_from(numpy, word, further, &alone), ours = at_once(layers, word);
        if (alone != inside(layers, word) || (alone && memcmp(&found, &ours, sizeof found))) return 0;
        given += alone;
    }
    return given > 2048; /* nearly all */
}

#else /* without products of 128 bits */

void draw_normals(const struct layers *layers, drawing numpy, const uint64_t key[2], const uint64_t counter[4],
                  double *out, size_t rows, size_t columns, ptrdiff_t apart) {
    (void)layers, (void)numpy, (void)key, (void)counter, (void)out, (void)rows, (void)columns, (void)apart;
}

int learn_layers(drawing numpy, struct layers *layers) {
    (void)numpy, (void)layers;
    return 0;
}

#endif
