/* Networks of some simulations at once, each with its own weights, as in policies/mlp.py. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdlib.h>

#include "elementary.h"
#include "kernels.h"

/* Vectors of simulations that are stepped together: while one waits for its tanh, the other adds. */
#define MOST_GROUPS 2
#define MOST_LINEAR 4 /* of the policies that are nearly all tanh */
#define TILE 4 /* outputs that are summed at once */
#define MOST_FUSED 2
#define PACKED_BYTES 98304

INLINE size_t size_of(const struct network *network) {
    size_t size = 0;
    for (int i = 0; i < network->layers; i++) size += (size_t)((network->widths[i] + 1) * network->widths[i + 1]);
    return size;
}

INLINE size_t widest(const struct network *network) {
    int64_t widest = 0;
    for (int i = 0; i <= network->layers; i++)
        if (network->widths[i] > widest) widest = network->widths[i];
    return (size_t)widest;
}

/* Aligned vectors; *block is to be freed. */
static inline vector *vectors(size_t count, void **block) {
    *block = malloc((count + 1) * sizeof(vector));
    if (!*block) return NULL;
    return (vector *)(((uintptr_t)*block + sizeof(vector) - 1) / sizeof(vector) * sizeof(vector));
}

INLINE const double *element(struct matrix matrix, ptrdiff_t row, ptrdiff_t column) {
    return matrix.at + row * matrix.row + column * matrix.column;
}

INLINE vector lanes_of(struct matrix matrix, ptrdiff_t row, ptrdiff_t column, int count) {
    return gather(element(matrix, row, column), matrix.column, count);
}

/* Groups of a batch; of the last one perhaps not all lanes are used. */
INLINE ptrdiff_t groups_in(ptrdiff_t batch) { return (batch + LANES - 1) / LANES; }

INLINE int lanes_used(ptrdiff_t batch, ptrdiff_t group) {
    ptrdiff_t left = batch - group * LANES;
    return left < LANES ? (int)left : LANES;
}

/* One row of a matrix for groups from one on, into vectors that lie `apart` from each other. */
INLINE void pack_row(const struct policies *policies, struct matrix matrix, ptrdiff_t row, ptrdiff_t group,
                     ptrdiff_t groups, vector *to, size_t apart) {
    for (ptrdiff_t g = 0; g < groups; g++)
        to[(size_t)g * apart] = lanes_of(matrix, row, (group + g) * LANES, lanes_used(policies->batch, group + g));
}

/* Parameters (d) of the policies of some groups, with the observer folded into the first layer. */
static void pack_groups(const struct policies *policies, ptrdiff_t group, ptrdiff_t groups, vector *packed) {
    const struct network *network = &policies->network;
    size_t size = size_of(network);
    ptrdiff_t row = 0;
    for (int i = 0; i < network->layers; i++) {
        ptrdiff_t inputs = network->widths[i], outputs = network->widths[i + 1], biases = row + inputs * outputs;
        for (; row < biases + outputs; row++)
            pack_row(policies, policies->parameters, row, group, groups, packed + row, size);
        for (ptrdiff_t g = 0; g < groups; g++) {
            vector *bias = packed + (size_t)g * size + biases;
            for (ptrdiff_t o = 0; o < outputs; o++) bias[o] += 0.0; /* no -0 */
        }
    }
    ptrdiff_t inputs = network->widths[0], outputs = network->widths[1];
    for (ptrdiff_t g = 0; g < groups; g++) {
        vector *weights = packed + (size_t)g * size, *bias = weights + inputs * outputs, sum = all(0.0);
        ptrdiff_t column = (group + g) * LANES;
        int used = lanes_used(policies->batch, group + g);
        for (ptrdiff_t n = 0; n < inputs; n++) {
            vector std = lanes_of(policies->std, n, column, used);
            for (ptrdiff_t o = 0; o < outputs; o++) weights[n * outputs + o] /= std;
        }
        for (ptrdiff_t o = 0; o < outputs; o++) {
            for (ptrdiff_t n = 0; n < inputs; n++) {
                vector product = weights[n * outputs + o] * lanes_of(policies->mean, n, column, used);
                sum = n ? sum + product : product;
            }
            bias[o] -= sum;
        }
    }
}

/* `tile` outputs of a layer from output o on. Groups lie `apart` vectors from each other in w, side by side in x, z. */
INLINE void some_outputs(const vector *w, ptrdiff_t apart, const vector *x, vector *z, ptrdiff_t inputs,
                         ptrdiff_t outputs, ptrdiff_t o, int relu, const int groups, const int tile) {
    vector even[MOST_GROUPS][TILE], odd[MOST_GROUPS][TILE];
    const vector *row = w + o;
    for (int g = 0; g < groups; g++)
        for (int t = 0; t < tile; t++) even[g][t] = row[g * apart + t] * x[g];
    if (inputs > 1) {
        ptrdiff_t i = 2;
        row += outputs;
        for (int g = 0; g < groups; g++)
            for (int t = 0; t < tile; t++) odd[g][t] = row[g * apart + t] * x[groups + g];
        row += outputs;
        for (; i + 1 < inputs; i += 2, row += 2 * outputs)
            for (int g = 0; g < groups; g++)
                for (int t = 0; t < tile; t++) {
                    even[g][t] += row[g * apart + t] * x[i * groups + g];
                    odd[g][t] += row[g * apart + outputs + t] * x[(i + 1) * groups + g];
                }
        if (i < inputs)
            for (int g = 0; g < groups; g++)
                for (int t = 0; t < tile; t++) even[g][t] += row[g * apart + t] * x[i * groups + g];
        for (int g = 0; g < groups; g++)
            for (int t = 0; t < tile; t++) even[g][t] += odd[g][t];
    }
    for (int g = 0; g < groups; g++)
        for (int t = 0; t < tile; t++) {
            vector sum = even[g][t] + w[g * apart + inputs * outputs + o + t];
            z[(o + t) * groups + g] = relu ? at_least(all(0.0), sum) : sum;
        }
}

INLINE void layer(const vector *w, ptrdiff_t apart, const vector *x, vector *z, ptrdiff_t inputs, ptrdiff_t outputs,
                  enum squash squash, const int groups) {
    ptrdiff_t o = 0;
    const int relu = squash == RELU;
    if (inputs == 2) /* points, and faster where it is a constant */
        for (; o + TILE <= outputs; o += TILE) some_outputs(w, apart, x, z, 2, outputs, o, relu, groups, TILE);
    for (; o + TILE <= outputs; o += TILE) some_outputs(w, apart, x, z, inputs, outputs, o, relu, groups, TILE);
    for (; o + 2 <= outputs; o += 2) some_outputs(w, apart, x, z, inputs, outputs, o, relu, groups, 2);
    for (; o < outputs; o++) some_outputs(w, apart, x, z, inputs, outputs, o, relu, groups, 1);
    if (squash == TANH)
        for (ptrdiff_t j = 0; j < outputs * groups; j++) z[j] = hyperbolic_tangent(z[j]);
}

/* What unit w of a hidden layer with relu makes of its inputs. */
INLINE vector hidden_unit(const vector *w, const vector *x, const ptrdiff_t inputs, ptrdiff_t width, const int groups) {
    vector even = w[0] * x[0], odd = w[width] * x[groups];
    for (ptrdiff_t i = 2; i < inputs; i += 2) {
        even += w[i * width] * x[i * groups];
        odd += w[(i + 1) * width] * x[(i + 1) * groups];
    }
    return at_least(all(0.0), (even + odd) + w[inputs * width]);
}

/* A hidden layer with relu and the one behind it in one pass: a third faster than one after the other. The numbers of
   inputs, even, and of outputs are constants. */
INLINE void two_layers(const vector *w, ptrdiff_t apart, const vector *x, vector *z, const ptrdiff_t inputs,
                       ptrdiff_t width, const ptrdiff_t outputs, enum squash squash, const int groups) {
    vector even[MOST_GROUPS][MOST_FUSED], odd[MOST_GROUPS][MOST_FUSED];
    const vector *behind = w + (inputs + 1) * width;
    for (int g = 0; g < groups; g++) {
        const vector *own = w + g * apart, *out = behind + g * apart;
        vector first = hidden_unit(own, x + g, inputs, width, groups);
        vector second = hidden_unit(own + 1, x + g, inputs, width, groups);
        for (ptrdiff_t o = 0; o < outputs; o++) {
            even[g][o] = out[o] * first;
            odd[g][o] = out[outputs + o] * second;
        }
    }
    ptrdiff_t j = 2;
    for (; j + 1 < width; j += 2)
        for (int g = 0; g < groups; g++) {
            const vector *own = w + g * apart + j, *out = behind + g * apart + j * outputs;
            vector first = hidden_unit(own, x + g, inputs, width, groups);
            for (ptrdiff_t o = 0; o < outputs; o++) even[g][o] += out[o] * first;
            vector second = hidden_unit(own + 1, x + g, inputs, width, groups);
            for (ptrdiff_t o = 0; o < outputs; o++) odd[g][o] += out[outputs + o] * second;
        }
    for (int g = 0; g < groups; g++) {
        const vector *out = behind + g * apart;
        if (j < width) {
            vector last = hidden_unit(w + g * apart + j, x + g, inputs, width, groups);
            for (ptrdiff_t o = 0; o < outputs; o++) even[g][o] += out[j * outputs + o] * last;
        }
        for (ptrdiff_t o = 0; o < outputs; o++) {
            vector sum = (even[g][o] + odd[g][o]) + out[width * outputs + o];
            z[o * groups + g] = squash == RELU ? at_least(all(0.0), sum) : sum;
        }
    }
    if (squash == TANH)
        for (ptrdiff_t i = 0; i < outputs * groups; i++) z[i] = hyperbolic_tangent(z[i]);
}

/* Whether two_layers can be: for points and for poles, as a kernel has a copy for each. */
INLINE int fused(const struct network *network, ptrdiff_t inputs, ptrdiff_t outputs) {
    const int64_t *widths = network->widths;
    return network->layers == 2 && network->hidden == RELU && widths[0] == inputs && widths[1] > 1 && widths[2] == outputs;
}

/* What the networks make of inputs x (n, groups), where there is room for so many: a pointer into one of two scratch
   arrays. */
INLINE const vector *outputs_of(const struct network *network, const vector *w, ptrdiff_t apart, const vector *x,
                                const int room, vector *scratch, vector *other, const int groups) {
    if (fused(network, 2, 2)) {
        two_layers(w, apart, x, scratch, 2, network->widths[1], 2, network->output, groups);
        return scratch;
    }
    if (room >= 4 && fused(network, 4, 1)) {
        two_layers(w, apart, x, scratch, 4, network->widths[1], 1, network->output, groups);
        return scratch;
    }
    for (int i = 0; i < network->layers; i++) {
        ptrdiff_t inputs = network->widths[i], outputs = network->widths[i + 1];
        layer(w, apart, x, scratch, inputs, outputs, i + 1 < network->layers ? network->hidden : network->output, groups);
        vector *result = scratch;
        w += (inputs + 1) * outputs;
        scratch = other, other = result, x = result;
    }
    return x;
}

static size_t packed_size(const struct policies *policies) {
    return (size_t)groups_in(policies->batch) * size_of(&policies->network) * LANES;
}

static void pack(const struct policies *policies, double *packed) {
    pack_groups(policies, 0, groups_in(policies->batch), (vector *)packed);
}

/* Groups whose parameters are packed together: many, as rows are read faster than columns; few enough for the cache. */
INLINE ptrdiff_t groups_packed(const struct policies *policies) {
    size_t most = PACKED_BYTES / (size_of(&policies->network) * sizeof(vector)) / MOST_GROUPS * MOST_GROUPS;
    size_t all = (size_t)groups_in(policies->batch);
    return (ptrdiff_t)(most < MOST_GROUPS ? MOST_GROUPS : most > all ? all : most);
}

/* Whether there is but one layer, from two observations to two actions. */
INLINE int two_by_two(const struct network *network) {
    return network->layers == 1 && network->widths[0] == 2 && network->widths[1] == 2;
}

/* Such a layer, as `layer` does it. */
INLINE void two_actions(const vector *w, ptrdiff_t apart, const vector *x, vector *z, enum squash squash,
                        const int groups) {
    for (int g = 0; g < groups; g++, w += apart)
        for (int o = 0; o < 2; o++) {
            vector sum = (w[o] * x[g] + w[2 + o] * x[groups + g]) + w[4 + o];
            z[o * groups + g] = squash == RELU ? at_least(all(0.0), sum) : sum;
        }
    if (squash == TANH)
        for (int j = 0; j < 2 * groups; j++) z[j] = hyperbolic_tangent(z[j]);
}

/* Defines `name`, which runs episodes by `groups_of(policies, episodes, group, packed, scratch, groups)`, most groups at
   once where linear(network) says so. 0: memory is out. */
#define EPISODES(name, kind, groups_of)                                                                              \
    static int name(const struct policies *policies, const struct kind *kind) {                                      \
        void *block;                                                                                                 \
        size_t size = size_of(&policies->network), wide = widest(&policies->network);                                \
        ptrdiff_t groups = groups_in(policies->batch), at_once = groups_packed(policies);                            \
        vector *scratch = vectors((size_t)at_once * size + 2 * MOST_GROUPS * wide, &block);                          \
        if (!scratch) return 0;                                                                                      \
        vector *packed = scratch + 2 * MOST_GROUPS * wide;                                                           \
        for (ptrdiff_t start = 0; start < groups; start += at_once) {                                                \
            ptrdiff_t stop = start + at_once < groups ? start + at_once : groups;                                    \
            pack_groups(policies, start, stop - start, packed);                                                      \
            groups_of(policies, kind, start, stop, packed, scratch);                                                 \
        }                                                                                                            \
        free(block);                                                                                                 \
        return 1;                                                                                                    \
    }

INLINE void act_groups(const struct policies *policies, const vector *packed, struct matrix observations,
                       double *actions, ptrdiff_t group, vector *scratch, const int groups) {
    const struct network *network = &policies->network;
    size_t size = size_of(network), wide = widest(network) * MOST_GROUPS;
    ptrdiff_t batch = policies->batch;
    vector *x = scratch;
    for (ptrdiff_t n = 0; n < network->widths[0]; n++)
        for (int g = 0; g < groups; g++)
            x[n * groups + g] = lanes_of(observations, n, (group + g) * LANES, lanes_used(batch, group + g));
    const vector *z = outputs_of(network, packed + (size_t)group * size, (ptrdiff_t)size, x, MOST_UNITS,
                                 scratch + wide, scratch + 2 * wide, groups);
    for (ptrdiff_t m = 0; m < network->widths[network->layers]; m++)
        for (int g = 0; g < groups; g++)
            scatter(actions + m * batch + (group + g) * LANES, z[m * groups + g], lanes_used(batch, group + g));
}

static int act(const struct policies *policies, const double *packed, struct matrix observations, double *actions) {
    void *block;
    vector *scratch = vectors(3 * MOST_GROUPS * widest(&policies->network), &block);
    if (!scratch) return 0;
    ptrdiff_t group = 0, groups = groups_in(policies->batch);
    for (; group + 2 <= groups; group += 2)
        act_groups(policies, (const vector *)packed, observations, actions, group, scratch, 2);
    if (group < groups) act_groups(policies, (const vector *)packed, observations, actions, group, scratch, 1);
    free(block);
    return 1;
}

#endif
