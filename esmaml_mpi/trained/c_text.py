"""The C of an exported policy, of which ``c_source.py`` makes a header and a source."""

from string import Template

HEADER = Template("""\
/* A policy of $inputs observations and $outputs actions, exported by esmaml_mpi.
 *
 * C99 with <math.h> alone: no memory is allocated, nothing is kept between calls, and calls may come from any thread.
$memory\
 * The arrays of a call must not overlap. Outputs have the bits of the simulation if no product is fused with a sum and
 * doubles are IEEE 754's: compile with -ffp-contract=off, without -ffast-math, and on 32-bit x86 with -msse2
 * -mfpmath=sse. Otherwise they differ in the last places. An observation that is not a number gives actions that are
 * none: check it before the call.
 */
#ifndef ${upper}_H
#define ${upper}_H

#define ${upper}_OBSERVATIONS $inputs
#define ${upper}_ACTIONS $outputs
#define ${upper}_STATE $state /* numbers that the policy remembers */
#define ${upper}_RATE $rate /* actions a second; 0: the policy has no clock */

#ifdef __cplusplus
extern "C" {
#endif

/* What the network gives on an observation as it is measured: it is normalised here. */
void ${name}_output(const double observation[$inputs], ${remembered}double output[$outputs]);

/* The action: that output, $meaning. */
void ${name}_action(const double observation[$inputs], ${remembered}double action[$outputs]);
$names
#ifdef __cplusplus
}
#endif

#endif
""")

NAMES = Template("""
/* What each $kind is, in order. */
extern const char *const ${name}_${kind}_names[$count];
""")

SOURCE = Template("""\
/* See $header. Layers hold weights by input, then by output; the first one has the normalisation in it. */
#include "$header"

#include <math.h>

$arrays
$tanh/* Sums over even inputs and over odd ones, then both and the bias: the order of the simulation. */
static void layer(const double *weights, const double *biases, int inputs, int outputs, const double *in, double *out) {
    for (int o = 0; o < outputs; o++) {
        double even = weights[o] * in[0], odd;
        for (int i = 2; i < inputs; i += 2) even += weights[i * outputs + o] * in[i];
        if (inputs > 1) {
            odd = weights[outputs + o] * in[1];
            for (int i = 3; i < inputs; i += 2) odd += weights[i * outputs + o] * in[i];
            even += odd;
        }
        out[o] = even + biases[o];
    }
}

$squashes
void ${name}_output(const double observation[$inputs], ${remembered}double output[$outputs]) {
$calls}

void ${name}_action(const double observation[$inputs], ${remembered}double action[$outputs]) {
    ${name}_output(observation, ${state_argument}action);
$action}
""")

MEMORY = Template("""\
 * The policy remembers: ``state``, ${upper}_STATE numbers, zeros at the start of an episode, is changed by each call.
 * After an observation that is not a number it is of no use until it is set back.
""")

# Of the inputs [x; h] of a cell the observation comes first. Weights of gates are halved, as sigmoid(y) is made of
# tanh(y / 2).
CELL_INPUTS = Template("""\
    double seen[$all];
    for (int i = 0; i < $inputs; i++) seen[i] = observation[i];
    for (int i = 0; i < $state; i++) seen[$inputs + i] = state[i];
""")

ELMAN = Template("""\
    layer(cell_weights_0, cell_biases_0, $all, $state, seen, state);
    squash_tanh(state, $state);
""")

GRU = Template("""\
    double gates[2 * $state], fresh[$state];
    layer(cell_weights_0, cell_biases_0, $all, 2 * $state, seen, gates);
    squash_tanh(gates, 2 * $state);
    for (int i = 0; i < 2 * $state; i++) gates[i] = gates[i] * 0.5 + 0.5;
    for (int i = 0; i < $state; i++) seen[$inputs + i] = gates[$state + i] * state[i];
    layer(cell_weights_1, cell_biases_1, $all, $state, seen, fresh);
    squash_tanh(fresh, $state);
    for (int i = 0; i < $state; i++) {
        double change = state[i] - fresh[i];
        change = change * gates[i];
        state[i] = change + fresh[i];
    }
""")

TANH = """\
static double hyperbolic_tangent(double x) {
    if (x != x) return x;
    double y = fabs(x);
    if (y > 20.0) y = 20.0;
    y += y;
    double scaled = (y * 0x1.71547652b82fep+0 - 0.15625) + 0x1.8p52;
    double whole = scaled - 0x1.8p52;
    double r = (y - whole * 0x1.62e42fef00000p-1) - whole * 0x1.473de6af278edp-34;
    double w = r * r;
    double odd = (((w * 0x1.ad7069d2bd19dp-26 + 0x1.71de977d0ced1p-19) * w + 0x1.a01a018b0ff2ap-13) * w
                  + 0x1.1111111112eecp-7) * w + 0x1.5555555555552p-3;
    double even = ((((w * 0x1.3b4caccd237cbp-29 + 0x1.27def056969fep-22) * w + 0x1.a01a02261d254p-16) * w
                    + 0x1.6c16c16c23b40p-10) * w + 0x1.5555555555529p-5) * w + 0.5;
    double rest = (even + odd * r) * w + r;
    double power = ldexp(1.0, (int)whole);
    double t = rest * power + (power - 1.0);
    return copysign(t / (t + 2.0), x);
}

"""

SQUASHES = {
    "tanh": """\
static void squash_tanh(double *values, int count) {
    for (int i = 0; i < count; i++) values[i] = hyperbolic_tangent(values[i]);
}
""",
    "relu": """\
static void squash_relu(double *values, int count) {
    for (int i = 0; i < count; i++) values[i] = values[i] < 0.0 ? 0.0 : values[i];
}
""",
}

SCALED = Template("""\
    for (int i = 0; i < $count; i++) {
        if (!action_scaled[i]) continue;
        double y = action[i] < -1.0 ? -1.0 : action[i] > 1.0 ? 1.0 : action[i];
        action[i] = action_low[i] + (y + 1.0) * (0.5 * (action_high[i] - action_low[i]));
    }
""")

CLIPPED = Template("""\
    for (int i = 0; i < $count; i++) {
        if (action[i] < action_low[i]) action[i] = action_low[i];
        if (action[i] > action_high[i]) action[i] = action_high[i];
    }
""")
