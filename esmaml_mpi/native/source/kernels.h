/* What every instruction set provides, and what it is given. Arrays are of doubles, strides count doubles. */
#ifndef KERNELS_H
#define KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* An array whose element (r, c) is at[r * row + c * column]; a column stride of 0 gives all columns the same. */
struct matrix {
    const double *at;
    ptrdiff_t row, column;
};

#define MOST_UNITS (1 << 24) /* of a layer */

enum squash { IDENTITY, RELU, TANH };

/* Layer i has widths[i] inputs and widths[i + 1] outputs. */
struct network {
    int layers;
    const int64_t *widths;
    enum squash hidden, output;
};

/* The policies of a batch: parameters (d, B), and what they subtract from observations and divide them by (n, B). */
struct policies {
    struct network network;
    struct matrix parameters, mean, std;
    ptrdiff_t batch;
};

/* What a step pays, of the squared distance to the goal after it: -limit + max(0, limit - squared), -squared, or minus
   its root. */
enum price { BOWL, SQUARED_DISTANCE, DISTANCE };

struct point {
    double action_limit, position_limit;
    struct matrix start; /* (2, B); no episode has one of its own where start.at is NULL */
    ptrdiff_t horizon;
    double *sums; /* (4, B): over the steps acted upon, of the observations and of their squares */
    double *path; /* (horizon + 1, 2, B), or NULL where steps are priced on the way: */
    enum price price;
    double limit;
    struct matrix goal; /* (2, B) */
    double *returns;    /* (B,) */
};

struct cartpole {
    double force, position_limit, angle_limit;
    int velocities; /* whether they are observed */
    struct matrix bias, start;
    ptrdiff_t horizon;
    double *returns, *sums; /* (B,), (2n, B) */
    int64_t *lengths;       /* (B,) */
};

/* Kernels of one instruction set. Those that return a number give 0 where memory is out. */
struct kernels {
    const char *name;
    int lanes;
    /* Numbers that packed policies take. */
    size_t (*packed_size)(const struct policies *policies);
    void (*pack)(const struct policies *policies, double *packed);
    /* Actions (m, B) of packed policies for observations (n, B). */
    int (*act)(const struct policies *policies, const double *packed, struct matrix observations, double *actions);
    /* Whole episodes. */
    int (*point)(const struct policies *policies, const struct point *point);
    int (*cartpole)(const struct policies *policies, const struct cartpole *cartpole);
    /* tanh, exp, sin or cos (0 to 3) of count numbers. */
    void (*elementary)(int function, const double *x, double *out, size_t count);
    /* Sums over steps (2, columns) of numbers (steps, columns) and of their squares. */
    void (*moments)(const double *seen, ptrdiff_t steps, ptrdiff_t columns, double *sums);
    /* Squared distance (steps, B) of a path (steps, 2, B) to goals (2, B). */
    void (*squared_distance)(const double *path, ptrdiff_t steps, ptrdiff_t batch, struct matrix goal, double *out);
    /* Of some rows, `apart` numbers from each other in out, every `step` numbers: centre + factor * directions. */
    void (*shifted)(const double *centre, ptrdiff_t rows, const double *directions, ptrdiff_t count, double factor,
                    double *out, ptrdiff_t apart, ptrdiff_t step);
    /* Sums (sets, rows) over the last axis of x (sets, rows, count) times weights (rows, count), as NumPy orders them. */
    void (*weighted)(const double *x, ptrdiff_t sets, ptrdiff_t rows, ptrdiff_t count, const double *weights, double *out);
    /* Rows of values, and of pivots if there are any, standardized; whether there is a signal in them. */
    int (*standardized)(const double *values, const double *pivot, ptrdiff_t rows, ptrdiff_t count, double equal,
                        double *out, double *out_pivot, uint8_t *signal);
};

/* The sets that this processor has, best first; NULL behind the last. */
const struct kernels *kernels_at(int place);

#endif
