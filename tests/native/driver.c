/* Calls every kernel of every instruction set with arrays of just the size that it may touch, for a sanitizer or valgrind
   to watch; checks on the way that every set gives the bits of the plain one.
   Arguments: names of sets to leave out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "normals.h"

static uint64_t state = 88172645463325252u;

static double uniform(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (double)(state >> 11) / 9007199254740992.0;
}

/* Numbers, some of which are odd. */
static double *numbers(size_t count, int oddities) {
    static const double odd[] = {NAN, INFINITY, -INFINITY, 5e-324, -1e-310, 1e308, -1e308, 0.0, -0.0};
    double *found = malloc(count * sizeof *found);
    if (!found) exit(2);
    for (size_t i = 0; i < count; i++) {
        found[i] = 2.0 * uniform() - 1.0;
        if (oddities && uniform() < 0.05) found[i] = odd[(size_t)(uniform() * 9)];
    }
    return found;
}

static void *filled(size_t bytes) {
    void *found = malloc(bytes);
    if (!found) exit(2);
    memset(found, 0, bytes);
    return found;
}

static int equal(const double *found, const double *expected, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (memcmp(found + i, expected + i, sizeof *found) && !(isnan(found[i]) && isnan(expected[i]))) return 0;
    return 1;
}

/* What the plain set gave, and the first complaint. */
struct outcome {
    double *numbers;
    size_t count;
};

static int failures;

/* Keeps or compares `count` numbers, which it frees. */
static void take(struct outcome *outcome, double *found, size_t count, int first, const char *name, const char *what) {
    if (first) {
        *outcome = (struct outcome){found, count};
        return;
    }
    if (!equal(found, outcome->numbers, count)) {
        printf("%s differs from plain: %s\n", name, what);
        failures++;
    }
    free(found);
}

enum {
    ACTIONS, PATH, POINT_SUMS, PRICED, RETURNS, POLE_SUMS, ELEMENTARY, MOMENTS = ELEMENTARY + 4, DISTANCES, SHIFTED,
    WEIGHTED = SHIFTED + 2, STANDARDIZED, KINDS
};

static void run(const struct kernels *kernels, const struct policies *policies, const double *seen, double *start,
                int poles, struct outcome *outcomes, int first) {
    size_t batch = (size_t)policies->batch, horizon = 7;
    const int64_t *widths = policies->network.widths;
    size_t observed = (size_t)widths[0], acted = (size_t)widths[policies->network.layers];
    const char *name = kernels->name;
    struct matrix observations = {seen, policies->batch, 1};
    /* Packed numbers are read as vectors: aligned, and still with nothing of ours behind them. */
    size_t bytes = kernels->packed_size(policies) * sizeof(double), align = (size_t)kernels->lanes * sizeof(double);
    char *memory = malloc(bytes + align);
    if (!memory) exit(2);
    size_t skipped = (align - (size_t)((uintptr_t)memory % align)) % align;
    double *packed = (double *)(memory + skipped), *actions = filled(acted * batch * sizeof(double));
    kernels->pack(policies, packed);
    if (!kernels->act(policies, packed, observations, actions)) exit(2);
    take(&outcomes[ACTIONS], actions, acted * batch, first, name, "actions");
    free(memory);
    if (observed == 2 && acted == 2) {
        double *path = filled((horizon + 1) * 2 * batch * sizeof(double)), *sums = filled(4 * batch * sizeof(double));
        double *again = filled(4 * batch * sizeof(double)), *returns = filled(3 * batch * sizeof(double));
        struct point point = {.action_limit = 0.1, .position_limit = 0.3, .horizon = (ptrdiff_t)horizon,
                              .start = {batch % 2 ? start : NULL, policies->batch, 1}, .path = path, .sums = sums};
        if (!kernels->point(policies, &point)) exit(2);
        point.path = NULL, point.sums = again, point.limit = 0.05;
        point.goal = (struct matrix){start, policies->batch, batch > 3};
        for (int price = BOWL; price <= DISTANCE; price++) {
            point.price = (enum price)price, point.returns = returns + (size_t)price * batch;
            if (!kernels->point(policies, &point)) exit(2);
            if (!equal(again, sums, 4 * batch)) failures++;
        }
        free(again);
        take(&outcomes[PATH], path, (horizon + 1) * 2 * batch, first, name, "paths");
        take(&outcomes[POINT_SUMS], sums, 4 * batch, first, name, "sums of points");
        take(&outcomes[PRICED], returns, 3 * batch, first, name, "returns of points");
    }
    if (poles) {
        double *returns = filled(batch * sizeof(double)), *sums = filled(2 * observed * batch * sizeof(double));
        int64_t *lengths = filled(batch * sizeof(int64_t));
        struct cartpole cartpole = {10.0, 2.4, 3.0, observed == 4, {start, policies->batch, 1},
                                    {start, policies->batch, 1}, 40, returns, sums, lengths};
        if (!kernels->cartpole(policies, &cartpole)) exit(2);
        for (size_t b = 0; b < batch; b++)
            if (lengths[b] < 1 || lengths[b] > 40) failures++;
        free(lengths);
        take(&outcomes[RETURNS], returns, batch, first, name, "returns of poles");
        take(&outcomes[POLE_SUMS], sums, 2 * observed * batch, first, name, "sums of poles");
    }
    for (int function = 0; function < 4; function++) {
        double *out = filled(observed * batch * sizeof(double));
        kernels->elementary(function, seen, out, observed * batch);
        take(&outcomes[ELEMENTARY + function], out, observed * batch, first, name, "an elementary function");
    }
    for (ptrdiff_t step = 1; step < 3; step++) {
        double *points = filled(observed * batch * (size_t)step * sizeof(double));
        kernels->shifted(start, (ptrdiff_t)observed < 4 ? (ptrdiff_t)observed : 4, seen, policies->batch, 0.3, points,
                         policies->batch * step, step);
        take(&outcomes[SHIFTED + step - 1], points, observed * batch * (size_t)step, first, name, "points");
    }
    double *sums = filled(2 * batch * sizeof(double));
    kernels->moments(seen, (ptrdiff_t)observed, policies->batch, sums);
    take(&outcomes[MOMENTS], sums, 2 * batch, first, name, "sums over steps");
    double *weighted = filled(observed * sizeof(double)), *normal = filled((observed + 1) * batch * sizeof(double));
    uint8_t *signal = filled(batch > observed ? batch : observed);
    kernels->weighted(seen, (ptrdiff_t)observed, 1, policies->batch, start, weighted);
    take(&outcomes[WEIGHTED], weighted, observed, first, name, "weighted sums");
    if (!kernels->standardized(seen, start, policies->batch, (ptrdiff_t)observed, 1e-12, normal,
                               normal + observed * batch, signal) ||
        !kernels->standardized(seen, NULL, (ptrdiff_t)observed, policies->batch, 1e-12, normal, NULL, signal))
        exit(2);
    free(signal);
    take(&outcomes[STANDARDIZED], normal, (observed + 1) * batch, first, name, "standardized numbers");
    size_t steps = observed / 2;
    double *distances = filled((steps ? steps : 1) * batch * sizeof(double));
    struct matrix goal = {start, policies->batch, batch > 3};
    kernels->squared_distance(seen, (ptrdiff_t)steps, policies->batch, goal, distances);
    take(&outcomes[DISTANCES], distances, steps * batch, first, name, "distances");
}

/* In the place of NumPy's: half of all words make a number at once, others take a further word. */
static double halves(struct bit_source *source) {
    uint64_t word = source->next_uint64(source->state), rest = word >> 9 & ((UINT64_C(1) << 52) - 1);
    if (rest >= UINT64_C(7) << 49) return source->next_double(source->state);
    double size = (double)rest * (0x1p-52 * (double)(1 + (word & 255)));
    return word >> 8 & 1 ? -size : size;
}

static double thirds(struct bit_source *source) { return (double)source->next_uint64(source->state) / 3; }

static void draw(void) {
    static const uint64_t key[2] = {1, 2}, counter[4] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, 3};
    static const size_t counts[] = {0, 1, 63, 64, 65, 129, 1000};
    struct layers layers;
    double *all = filled(1000 * sizeof *all);
    if (learn_layers(thirds, &layers) || !learn_layers(halves, &layers)) failures++;
    draw_normals(&layers, halves, key, counter, all, 1, 1000, 0);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        double *some = filled(counts[i] * sizeof *some);
        draw_normals(&layers, halves, key, counter, some, counts[i], 1, 1);
        if (!equal(some, all, counts[i])) failures++;
        free(some);
    }
    free(all);
}

int main(int count, char **left_out) {
    static const int64_t batches[] = {1, 2, 3, 7, 8, 9, 16, 17, 40, 131};
    static const int64_t shapes[][6] = {{1, 2, 2}, {2, 2, 1, 2},       {2, 2, 9, 2}, {4, 2, 4, 1, 5, 2}, {1, 4, 1},
                                        {2, 4, 8, 1}, {3, 2, 3, 2, 1}, {2, 1, 3, 6}, {2, 9, 33, 3}};
    int calls = 0, sets = 0;
    draw();
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
            for (int oddities = 0; oddities < 2; oddities++) {
                int layers = (int)shapes[s][0], last = 0;
                const int64_t *widths = shapes[s] + 1;
                size_t size = 0, batch = (size_t)batches[b], observed = (size_t)widths[0];
                for (int i = 0; i < layers; i++) size += (size_t)((widths[i] + 1) * widths[i + 1]);
                double *parameters = numbers(size * batch, oddities), *seen = numbers(observed * batch, oddities);
                double *start = numbers(4 * batch, oddities), *mean = numbers(observed * batch, oddities);
                double *std = numbers(observed, 0);
                struct policies policies = {
                    {layers, widths, oddities ? RELU : TANH, s % 2 ? IDENTITY : TANH},
                    {parameters, batches[b], 1}, {mean, batches[b], 1}, {std, 1, 0}, batches[b]};
                struct outcome outcomes[KINDS] = {{NULL, 0}};
                int poles = (widths[0] == 2 || widths[0] == 4) && widths[layers] == 1;
                while (kernels_at(last + 1)) last++;
                sets = 0;
                for (int place = last; place >= 0; place--) {
                    int wanted = 1;
                    for (int i = 1; i < count; i++) wanted = wanted && strcmp(left_out[i], kernels_at(place)->name);
                    if (!wanted) continue;
                    run(kernels_at(place), &policies, seen, start, poles, outcomes, place == last);
                    calls++, sets++;
                }
                for (int kind = 0; kind < KINDS; kind++) free(outcomes[kind].numbers);
                free(parameters), free(seen), free(start), free(mean), free(std);
            }
    printf("%d instruction sets, %d cases, %d failures\n", sets, calls, failures);
    return failures != 0;
}
