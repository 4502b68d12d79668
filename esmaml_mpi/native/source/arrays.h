/* Functions of whole arrays: elementary ones, sums over steps, distances. */
#ifndef ARRAYS_H
#define ARRAYS_H

#include "network.h"

enum function { TANGENT, EXPONENTIAL, SINE, COSINE };

INLINE vector applied(const enum function function, vector x) {
    vector sine, cosine;
    if (function == TANGENT) return hyperbolic_tangent(x);
    if (function == EXPONENTIAL) return exponential(x);
    sine_cosine(x, &sine, &cosine);
    return function == SINE ? sine : cosine;
}

INLINE void apply(const enum function function, const double *x, double *out, size_t count) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) store(out + i, applied(function, load(x + i)));
    if (i < count) scatter(out + i, applied(function, gather(x + i, 1, (int)(count - i))), (int)(count - i));
}

static void elementary(int function, const double *x, double *out, size_t count) {
    switch (function) {
    case TANGENT: apply(TANGENT, x, out, count); break;
    case EXPONENTIAL: apply(EXPONENTIAL, x, out, count); break;
    case SINE: apply(SINE, x, out, count); break;
    default: apply(COSINE, x, out, count);
    }
}

static void moments(const double *seen, ptrdiff_t steps, ptrdiff_t columns, double *sums) {
    for (ptrdiff_t c = 0; c < columns; c += LANES) {
        int used = columns - c < LANES ? (int)(columns - c) : LANES;
        vector sum = all(0.0), squares = all(0.0);
        for (ptrdiff_t t = 0; t < steps; t++) {
            vector x = gather(seen + t * columns + c, 1, used);
            sum = t ? sum + x : x;
            squares = t ? squares + x * x : x * x;
        }
        scatter(sums + c, sum, used);
        scatter(sums + columns + c, squares, used);
    }
}

static void squared_distance(const double *path, ptrdiff_t steps, ptrdiff_t batch, struct matrix goal, double *out) {
    for (ptrdiff_t c = 0; c < batch; c += LANES) {
        int used = batch - c < LANES ? (int)(batch - c) : LANES;
        vector goal_x = lanes_of(goal, 0, c, used), goal_y = lanes_of(goal, 1, c, used);
        for (ptrdiff_t t = 0; t < steps; t++) {
            vector x = gather(path + 2 * t * batch + c, 1, used) - goal_x;
            vector y = gather(path + (2 * t + 1) * batch + c, 1, used) - goal_y;
            scatter(out + t * batch + c, x * x + y * y, used);
        }
    }
}

/* Row r of out, from its start on every `step` numbers: centre[r] + factor * directions[r]. */
static void shifted(const double *centre, ptrdiff_t rows, const double *directions, ptrdiff_t count, double factor,
                    double *out, ptrdiff_t apart, ptrdiff_t step) {
    for (ptrdiff_t r = 0; r < rows; r++, directions += count, out += apart) {
        if (step == 1)
            for (ptrdiff_t k = 0; k < count; k++) out[k] = directions[k] * factor + centre[r];
        else
            for (ptrdiff_t k = 0; k < count; k++) out[k * step] = directions[k] * factor + centre[r];
    }
}

#define PAIRED 128 /* products that are summed without halving them */

/* Sum of products in the order in which NumPy adds along the last axis: eight sums side by side, then in pairs; halves of
   many numbers one after the other. */
static double paired_sum(const double *x, const double *weights, ptrdiff_t count) {
    if (count > PAIRED) {
        ptrdiff_t half = count / 2 / 8 * 8;
        return paired_sum(x, weights, half) + paired_sum(x + half, weights + half, count - half);
    }
    ptrdiff_t i = 8;
    double sum = -0.0;
    if (count < 8)
        i = 0;
    else {
        vector sums[8 / LANES];
        double s[8];
        for (int j = 0; j < 8 / LANES; j++) sums[j] = load(x + j * LANES) * load(weights + j * LANES);
        for (; i + 8 <= count; i += 8)
            for (int j = 0; j < 8 / LANES; j++) sums[j] += load(x + i + j * LANES) * load(weights + i + j * LANES);
        for (int j = 0; j < 8 / LANES; j++) store(s + j * LANES, sums[j]);
        sum = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    }
    for (; i < count; i++) sum += x[i] * weights[i];
    return sum;
}

/* out[r] of so many sets of rows: the sum of row r of x (sets * rows, count), times row r % rows of weights. */
static void weighted(const double *x, ptrdiff_t sets, ptrdiff_t rows, ptrdiff_t count, const double *weights, double *out) {
    for (ptrdiff_t s = 0; s < sets; s++)
        for (ptrdiff_t r = 0; r < rows; r++, x += count) *out++ = paired_sum(x, weights + r * count, count) + 0.0;
}

/* Rows of `count` values and perhaps a pivot, less their mean and over their standard deviation, as in
   estimators/rewards.py; zeros without a signal. 0: memory is out. */
static int standardized(const double *values, const double *pivot, ptrdiff_t rows, ptrdiff_t count, double equal,
                        double *out, double *out_pivot, uint8_t *signal) {
    ptrdiff_t all = count + (pivot != NULL);
    double *row = malloc(2 * (size_t)all * sizeof *row), *ones = row + all;
    if (!row) return 0;
    for (ptrdiff_t i = 0; i < all; i++) ones[i] = 1.0;
    for (ptrdiff_t r = 0; r < rows; r++, values += count, out += count) {
        double largest = 0.0;
        memcpy(row, values, (size_t)count * sizeof *row);
        if (pivot) row[count] = pivot[r];
        for (ptrdiff_t i = 0; i < all; i++) largest = fabs(row[i]) > largest ? fabs(row[i]) : largest;
        double mean = (paired_sum(row, ones, all) + 0.0) / (double)all;
        for (ptrdiff_t i = 0; i < all; i++) row[i] -= mean;
        double spread = sqrt((paired_sum(row, row, all) + 0.0) / (double)all);
        signal[r] = spread > equal * largest; /* not where one is nan */
        for (ptrdiff_t i = 0; i < count; i++) out[i] = signal[r] ? row[i] / spread : 0.0;
        if (pivot) out_pivot[r] = signal[r] ? row[count] / spread : 0.0;
    }
    free(row);
    return 1;
}

#endif
