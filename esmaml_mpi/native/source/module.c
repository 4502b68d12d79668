/* The kernels as a Python module: checks what it is given, and lets other threads run while a kernel does.

Arrays come as buffers of doubles (shape and strides checked here). All functions take the place of an instruction set
in names() first. Policies are given as (shape, parameters, mean, std): shape is int64 [hidden, output, widths...]. */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "kernels.h"
#include "normals.h"

#define MOST_BUFFERS 10

/* Buffers of one call, released together. */
struct held {
    Py_buffer buffers[MOST_BUFFERS];
    int count;
};

static void release(struct held *held) {
    while (held->count) PyBuffer_Release(&held->buffers[--held->count]);
}

static Py_buffer *hold(struct held *held, PyObject *object, int flags, const char *format, const char *what) {
    Py_buffer *buffer = &held->buffers[held->count];
    if (PyObject_GetBuffer(object, buffer, flags | PyBUF_FORMAT) < 0) return NULL;
    held->count++;
    if (strcmp(buffer->format, format) && !(*format == 'l' && !strcmp(buffer->format, "q"))) {
        PyErr_Format(PyExc_TypeError, "%s: items of format %s are wanted, not %s", what, format, buffer->format);
        return NULL;
    }
    return buffer;
}

static int wrong(const char *what, const char *wanted) {
    PyErr_Format(PyExc_ValueError, "%s: %s is wanted", what, wanted);
    return 0;
}

/* An array (rows, columns) of any strides; a vector (rows) gives all columns the same; None is no array. */
static int matrix_of(struct held *held, PyObject *object, Py_ssize_t rows, Py_ssize_t columns, const char *what,
                     struct matrix *found) {
    *found = (struct matrix){NULL, 0, 0};
    if (object == Py_None) return 1;
    Py_buffer *buffer = hold(held, object, PyBUF_STRIDES, "d", what);
    if (!buffer) return 0;
    if (buffer->ndim < 1 || buffer->ndim > 2 || buffer->shape[0] < rows) return wrong(what, "an array of these rows");
    if (buffer->ndim == 2 && buffer->shape[1] != columns && buffer->shape[1] != 1)
        return wrong(what, "an array of these columns");
    found->at = buffer->buf;
    found->row = buffer->strides[0] / (Py_ssize_t)sizeof(double);
    found->column = buffer->ndim == 2 && buffer->shape[1] == columns ? buffer->strides[1] / (Py_ssize_t)sizeof(double) : 0;
    for (int i = 0; i < buffer->ndim; i++)
        if (buffer->strides[i] % (Py_ssize_t)sizeof(double)) return wrong(what, "an array of whole numbers as strides");
    return 1;
}

/* A contiguous array of so many items; written to where flags say so. */
static void *items_of(struct held *held, PyObject *object, size_t count, int flags, const char *format, const char *what) {
    Py_buffer *buffer = hold(held, object, PyBUF_C_CONTIGUOUS | flags, format, what);
    if (!buffer) return NULL;
    if ((size_t)buffer->len != count * (size_t)buffer->itemsize) {
        wrong(what, "an array of another size");
        return NULL;
    }
    return buffer->buf;
}

static const struct kernels *set_at(PyObject *place) {
    const struct kernels *kernels = kernels_at((int)PyLong_AsLong(place));
    if (!kernels && !PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "no such instruction set here");
    return kernels;
}

static int network_of(struct held *held, PyObject *object, struct network *network) {
    Py_buffer *buffer = hold(held, object, PyBUF_C_CONTIGUOUS, "l", "shape");
    if (!buffer) return 0;
    const int64_t *words = buffer->buf;
    Py_ssize_t count = buffer->len / (Py_ssize_t)sizeof *words;
    if (count < 4 || words[0] < IDENTITY || words[0] > TANH || words[1] < IDENTITY || words[1] > TANH)
        return wrong("shape", "[hidden, output, widths...]");
    for (Py_ssize_t i = 2; i < count; i++)
        if (words[i] < 1 || words[i] > MOST_UNITS) return wrong("shape", "layers of at least one unit");
    *network = (struct network){(int)count - 3, words + 2, (enum squash)words[0], (enum squash)words[1]};
    return 1;
}

/* Of four arguments; the batch is that of the parameters. */
static int policies_of(struct held *held, PyObject *const *arguments, struct policies *policies) {
    struct network *network = &policies->network;
    if (!network_of(held, arguments[0], network)) return 0;
    Py_ssize_t size = 0, inputs = network->widths[0];
    for (int i = 0; i < network->layers; i++) size += (network->widths[i] + 1) * network->widths[i + 1];
    Py_buffer *buffer = hold(held, arguments[1], PyBUF_STRIDES, "d", "parameters");
    if (!buffer) return 0;
    held->count--;
    policies->batch = buffer->ndim == 2 ? buffer->shape[1] : 0;
    PyBuffer_Release(buffer);
    if (policies->batch < 1) return wrong("parameters", "an array (d, B)");
    if (arguments[2] == Py_None || arguments[3] == Py_None) return wrong("mean and std", "an array each");
    return matrix_of(held, arguments[1], size, policies->batch, "parameters", &policies->parameters) &&
           matrix_of(held, arguments[2], inputs, policies->batch, "mean", &policies->mean) &&
           matrix_of(held, arguments[3], inputs, policies->batch, "std", &policies->std);
}

/* Around so many operations: other threads run, unless it takes but a few microseconds, as a change of threads does. */
static PyThreadState *begun(size_t operations) { return operations > 100000 ? PyEval_SaveThread() : NULL; }

static void ended(PyThreadState *others) {
    if (others) PyEval_RestoreThread(others);
}

static PyObject *finished(struct held *held, int done) {
    release(held);
    if (done) Py_RETURN_NONE;
    return PyErr_Occurred() ? NULL : PyErr_NoMemory();
}

static int counted(Py_ssize_t found, Py_ssize_t wanted) {
    if (found != wanted) PyErr_Format(PyExc_TypeError, "%zd arguments are wanted, not %zd", wanted, found);
    return found == wanted;
}

static PyObject *names(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    PyObject *list = PyList_New(0);
    for (int i = 0; list && kernels_at(i); i++) {
        PyObject *name = PyUnicode_FromString(kernels_at(i)->name);
        if (!name || PyList_Append(list, name) < 0) Py_CLEAR(list);
        Py_XDECREF(name);
    }
    return list;
}

/* (set, shape, batch) -> numbers that packed policies take, and how many of them share a vector. */
static PyObject *packed_size(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    struct policies policies = {0};
    if (!counted(count, 3)) return NULL;
    const struct kernels *kernels = set_at(arguments[0]);
    policies.batch = PyLong_AsSsize_t(arguments[2]);
    if (!kernels || PyErr_Occurred() || !network_of(&held, arguments[1], &policies.network)) return finished(&held, 0);
    PyObject *found = Py_BuildValue("ni", (Py_ssize_t)kernels->packed_size(&policies), kernels->lanes);
    release(&held);
    return found;
}

/* Packed policies: aligned numbers of the size that packed_size tells. */
static double *packed_of(struct held *held, PyObject *object, const struct kernels *kernels,
                         const struct policies *policies, int flags) {
    double *packed = items_of(held, object, kernels->packed_size(policies), flags, "d", "packed");
    if (packed && (uintptr_t)packed % (sizeof(double) * (size_t)kernels->lanes)) {
        wrong("packed", "an aligned array");
        return NULL;
    }
    return packed;
}

/* (set, shape, parameters, mean, std, packed) */
static PyObject *pack(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    struct policies policies;
    if (!counted(count, 6)) return NULL;
    const struct kernels *kernels = set_at(arguments[0]);
    if (!kernels || !policies_of(&held, arguments + 1, &policies)) return finished(&held, 0);
    double *packed = packed_of(&held, arguments[5], kernels, &policies, PyBUF_WRITABLE);
    if (!packed) return finished(&held, 0);
    Py_BEGIN_ALLOW_THREADS
    kernels->pack(&policies, packed);
    Py_END_ALLOW_THREADS
    return finished(&held, 1);
}

/* (set, shape, packed, observations, actions) */
static PyObject *act(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    struct policies policies = {0};
    struct matrix observations;
    const struct network *network = &policies.network;
    if (!counted(count, 5)) return NULL;
    const struct kernels *kernels = set_at(arguments[0]);
    if (!kernels || !network_of(&held, arguments[1], &policies.network)) return finished(&held, 0);
    Py_buffer *buffer = hold(&held, arguments[4], PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE, "d", "actions");
    if (!buffer) return finished(&held, 0);
    if (buffer->ndim != 2 || buffer->shape[0] != network->widths[network->layers] || buffer->shape[1] < 1)
        return finished(&held, wrong("actions", "an array (m, B)"));
    policies.batch = buffer->shape[1];
    double *actions = buffer->buf, *packed = packed_of(&held, arguments[2], kernels, &policies, 0);
    if (!packed || !matrix_of(&held, arguments[3], network->widths[0], policies.batch, "observations", &observations))
        return finished(&held, 0);
    if (!observations.at) return finished(&held, wrong("observations", "an array (n, B)"));
    PyThreadState *others = begun(kernels->packed_size(&policies));
    int done = kernels->act(&policies, packed, observations, actions);
    ended(others);
    return finished(&held, done);
}

/* A user's: one step of B episodes. Acts on the state, which is the user's own, by actions (m, B), which may be written
   over, and writes the observations (n, B) that follow. */
typedef void (*stepping)(void *state, int64_t batch, double *actions, double *observations);

/* All steps of a path (horizon + 1, n, B) whose first observations are there, and their sums. 0: memory is out. */
static int stepped(const struct kernels *kernels, const struct policies *policies, const double *packed, stepping step,
                   void *state, double *path, ptrdiff_t horizon, double *sums) {
    const struct network *network = &policies->network;
    ptrdiff_t row = network->widths[0] * policies->batch;
    double *actions = malloc((size_t)(network->widths[network->layers] * policies->batch) * sizeof *actions);
    int done = actions != NULL;
    for (ptrdiff_t t = 0; done && t < horizon; t++) {
        struct matrix observations = {path + t * row, policies->batch, 1};
        done = kernels->act(policies, packed, observations, actions);
        if (done) step(state, policies->batch, actions, path + (t + 1) * row);
    }
    if (done) kernels->moments(path, horizon, row, sums);
    free(actions);
    return done;
}

/* (set, shape, packed, address of a stepping function, state, path (H + 1, n, B), sums (2n, B)) */
static PyObject *path(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    struct policies policies = {0};
    stepping step;
    if (!counted(count, 7)) return NULL;
    const struct kernels *kernels = set_at(arguments[0]);
    if (!kernels || !network_of(&held, arguments[1], &policies.network)) return finished(&held, 0);
    void *address = PyLong_AsVoidPtr(arguments[3]);
    if (PyErr_Occurred()) return finished(&held, 0);
    if (!address) return finished(&held, wrong("step", "the address of a function"));
    memcpy(&step, &address, sizeof step);
    Py_buffer *path = hold(&held, arguments[5], PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE, "d", "path");
    if (!path) return finished(&held, 0);
    if (path->ndim != 3 || path->shape[0] < 2 || path->shape[1] != policies.network.widths[0] || path->shape[2] < 1)
        return finished(&held, wrong("path", "an array (horizon + 1, n, B)"));
    policies.batch = path->shape[2];
    double *packed = packed_of(&held, arguments[2], kernels, &policies, 0);
    Py_buffer *state = packed ? hold(&held, arguments[4], PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE, "d", "state") : NULL;
    size_t sizes = 2 * (size_t)(path->shape[1] * path->shape[2]);
    double *sums = state ? items_of(&held, arguments[6], sizes, PyBUF_WRITABLE, "d", "sums") : NULL;
    if (!sums) return finished(&held, 0);
    int done;
    Py_BEGIN_ALLOW_THREADS
    done = stepped(kernels, &policies, packed, step, state->buf, path->buf, path->shape[0] - 1, sums);
    Py_END_ALLOW_THREADS
    return finished(&held, done);
}

/* What both of the following have in common: (set, shape, parameters, mean, std, action limit, position limit, start or
   None, .., sums (4, B)) */
static const struct kernels *point_of(struct held *held, PyObject *const *arguments, PyObject *sums,
                                      struct policies *policies, struct point *point) {
    const struct kernels *kernels = set_at(arguments[0]);
    if (!kernels || !policies_of(held, arguments + 1, policies)) return NULL;
    const struct network *network = &policies->network;
    if (network->widths[0] != 2 || network->widths[network->layers] != 2) {
        wrong("shape", "two observations and two actions");
        return NULL;
    }
    point->action_limit = PyFloat_AsDouble(arguments[5]), point->position_limit = PyFloat_AsDouble(arguments[6]);
    if (PyErr_Occurred() || !matrix_of(held, arguments[7], 2, policies->batch, "start", &point->start)) return NULL;
    point->sums = items_of(held, sums, 4 * (size_t)policies->batch, PyBUF_WRITABLE, "d", "sums");
    return point->sums ? kernels : NULL;
}

/* (as point_of, path (H + 1, 2, B), sums) */
static PyObject *point(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    struct policies policies;
    struct point point = {0};
    if (!counted(count, 10)) return NULL;
    const struct kernels *kernels = point_of(&held, arguments, arguments[9], &policies, &point);
    Py_buffer *path = kernels ? hold(&held, arguments[8], PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE, "d", "path") : NULL;
    if (!path) return finished(&held, 0);
    if (path->ndim != 3 || path->shape[0] < 2 || path->shape[1] != 2 || path->shape[2] != policies.batch)
        return finished(&held, wrong("path", "an array (horizon + 1, 2, B)"));
    point.horizon = path->shape[0] - 1, point.path = path->buf;
    int done;
    Py_BEGIN_ALLOW_THREADS
    done = kernels->point(&policies, &point);
    Py_END_ALLOW_THREADS
    return finished(&held, done);
}

/* (as point_of, (price, limit, horizon), goal (2, B), returns (B,), sums) */
static PyObject *priced(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    struct policies policies;
    struct point point = {0};
    int price, done;
    Py_ssize_t horizon;
    if (!counted(count, 12)) return NULL;
    const struct kernels *kernels = point_of(&held, arguments, arguments[11], &policies, &point);
    if (!kernels || !PyArg_ParseTuple(arguments[8], "idn", &price, &point.limit, &horizon)) return finished(&held, 0);
    if (price < BOWL || price > DISTANCE || horizon < 1) return finished(&held, wrong("price", "0 to 2, and a step"));
    point.price = (enum price)price, point.horizon = horizon;
    if (arguments[9] == Py_None) return finished(&held, wrong("goal", "an array"));
    if (!matrix_of(&held, arguments[9], 2, policies.batch, "goal", &point.goal)) return finished(&held, 0);
    point.returns = items_of(&held, arguments[10], (size_t)policies.batch, PyBUF_WRITABLE, "d", "returns");
    if (!point.returns) return finished(&held, 0);
    Py_BEGIN_ALLOW_THREADS
    done = kernels->point(&policies, &point);
    Py_END_ALLOW_THREADS
    return finished(&held, done);
}

/* (set, shape, parameters, mean, std, (force, position limit, angle limit, velocities, horizon), bias, start or None,
    returns, lengths, sums) */
static PyObject *cartpole(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    struct policies policies;
    struct cartpole cartpole;
    Py_ssize_t horizon;
    if (!counted(count, 11)) return NULL;
    const struct kernels *kernels = set_at(arguments[0]);
    if (!kernels || !policies_of(&held, arguments + 1, &policies)) return finished(&held, 0);
    if (!PyArg_ParseTuple(arguments[5], "dddpn", &cartpole.force, &cartpole.position_limit, &cartpole.angle_limit,
                          &cartpole.velocities, &horizon))
        return finished(&held, 0);
    cartpole.horizon = horizon;
    const struct network *network = &policies.network;
    size_t observed = cartpole.velocities ? 4 : 2, batch = (size_t)policies.batch;
    if (network->widths[0] != (int64_t)observed || network->widths[network->layers] != 1)
        return finished(&held, wrong("shape", "two or four observations and one action"));
    if (arguments[6] == Py_None) return finished(&held, wrong("bias", "an array"));
    if (!matrix_of(&held, arguments[6], 1, policies.batch, "bias", &cartpole.bias) ||
        !matrix_of(&held, arguments[7], 4, policies.batch, "start", &cartpole.start))
        return finished(&held, 0);
    cartpole.returns = items_of(&held, arguments[8], batch, PyBUF_WRITABLE, "d", "returns");
    cartpole.lengths = cartpole.returns ? items_of(&held, arguments[9], batch, PyBUF_WRITABLE, "l", "lengths") : NULL;
    cartpole.sums = cartpole.lengths ? items_of(&held, arguments[10], 2 * observed * batch, PyBUF_WRITABLE, "d", "sums") : NULL;
    if (!cartpole.sums) return finished(&held, 0);
    int done;
    Py_BEGIN_ALLOW_THREADS
    done = kernels->cartpole(&policies, &cartpole);
    Py_END_ALLOW_THREADS
    return finished(&held, done);
}

/* (set, function, x, out) */
static PyObject *elementary(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    if (!counted(count, 4)) return NULL;
    const struct kernels *kernels = set_at(arguments[0]);
    long function = kernels ? PyLong_AsLong(arguments[1]) : -1;
    if (!kernels || PyErr_Occurred()) return NULL;
    if (function < 0 || function > 3) return finished(&held, wrong("function", "0 to 3"));
    Py_buffer *x = hold(&held, arguments[2], PyBUF_C_CONTIGUOUS, "d", "x");
    if (!x) return finished(&held, 0);
    size_t size = (size_t)x->len / sizeof(double);
    const double *from = x->buf;
    double *to = items_of(&held, arguments[3], size, PyBUF_WRITABLE, "d", "out");
    if (!to) return finished(&held, 0);
    Py_BEGIN_ALLOW_THREADS
    kernels->elementary((int)function, from, to, size);
    Py_END_ALLOW_THREADS
    return finished(&held, 1);
}

/* (set, seen (steps, n, B), sums (2n, B)) */
static PyObject *moments(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    if (!counted(count, 3)) return NULL;
    const struct kernels *kernels = set_at(arguments[0]);
    if (!kernels) return NULL;
    Py_buffer *seen = hold(&held, arguments[1], PyBUF_C_CONTIGUOUS, "d", "seen");
    if (!seen) return finished(&held, 0);
    if (seen->ndim != 3 || seen->shape[0] < 1) return finished(&held, wrong("seen", "an array (steps, n, B)"));
    Py_ssize_t steps = seen->shape[0], columns = seen->shape[1] * seen->shape[2];
    const double *from = seen->buf;
    double *sums = items_of(&held, arguments[2], 2 * (size_t)columns, PyBUF_WRITABLE, "d", "sums");
    if (!sums) return finished(&held, 0);
    Py_BEGIN_ALLOW_THREADS
    kernels->moments(from, steps, columns, sums);
    Py_END_ALLOW_THREADS
    return finished(&held, 1);
}

/* (set, path (steps, 2, B), goal (2, B) or (2, 1), out (steps, B)) */
static PyObject *squared_distance(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    struct matrix goal;
    if (!counted(count, 4)) return NULL;
    const struct kernels *kernels = set_at(arguments[0]);
    if (!kernels) return NULL;
    Py_buffer *path = hold(&held, arguments[1], PyBUF_C_CONTIGUOUS, "d", "path");
    if (!path) return finished(&held, 0);
    if (path->ndim != 3 || path->shape[1] != 2) return finished(&held, wrong("path", "an array (steps, 2, B)"));
    Py_ssize_t steps = path->shape[0], batch = path->shape[2];
    const double *from = path->buf;
    if (arguments[2] == Py_None || !matrix_of(&held, arguments[2], 2, batch, "goal", &goal))
        return finished(&held, PyErr_Occurred() ? 0 : wrong("goal", "an array (2, B)"));
    double *out = items_of(&held, arguments[3], (size_t)steps * (size_t)batch, PyBUF_WRITABLE, "d", "out");
    if (!out) return finished(&held, 0);
    Py_BEGIN_ALLOW_THREADS
    kernels->squared_distance(from, steps, batch, goal, out);
    Py_END_ALLOW_THREADS
    return finished(&held, 1);
}

/* (set, centre (..), directions (.., K), factor, out (.., Q), first, step): columns first, first + step, .. of out */
static PyObject *shifted(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    if (!counted(count, 7)) return NULL;
    const struct kernels *kernels = set_at(arguments[0]);
    double factor = kernels ? PyFloat_AsDouble(arguments[3]) : 0.0;
    Py_ssize_t first = kernels ? PyLong_AsSsize_t(arguments[5]) : 0, step = kernels ? PyLong_AsSsize_t(arguments[6]) : 0;
    if (!kernels || PyErr_Occurred()) return NULL;
    Py_buffer *centre = hold(&held, arguments[1], PyBUF_C_CONTIGUOUS, "d", "centre");
    Py_buffer *directions = centre ? hold(&held, arguments[2], PyBUF_C_CONTIGUOUS, "d", "directions") : NULL;
    Py_buffer *out = directions ? hold(&held, arguments[4], PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE, "d", "out") : NULL;
    if (!out) return finished(&held, 0);
    if (directions->ndim != centre->ndim + 1 || out->ndim != centre->ndim + 1)
        return finished(&held, wrong("directions and out", "one dimension more than of the centre"));
    for (int i = 0; i < centre->ndim; i++)
        if (directions->shape[i] != centre->shape[i] || out->shape[i] != centre->shape[i])
            return finished(&held, wrong("directions and out", "the shape of the centre"));
    Py_ssize_t rows = centre->len / (Py_ssize_t)sizeof(double), columns = directions->shape[centre->ndim];
    Py_ssize_t apart = out->shape[centre->ndim];
    if (first < 0 || step < 1 || first >= apart || columns > (apart - first + step - 1) / step)
        return finished(&held, wrong("out", "room for every direction"));
    const double *from = centre->buf, *steps = directions->buf;
    double *to = (double *)out->buf + first;
    PyThreadState *others = begun((size_t)rows * (size_t)columns);
    kernels->shifted(from, rows, steps, columns, factor, to, apart, step);
    ended(others);
    return finished(&held, 1);
}

/* (set, x (.., columns, K), weights (columns, K), out (.., columns)): sums over the last axis of x times weights */
static PyObject *weighted(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    if (!counted(count, 4)) return NULL;
    const struct kernels *kernels = set_at(arguments[0]);
    Py_buffer *x = kernels ? hold(&held, arguments[1], PyBUF_C_CONTIGUOUS, "d", "x") : NULL;
    Py_buffer *weights = x ? hold(&held, arguments[2], PyBUF_C_CONTIGUOUS, "d", "weights") : NULL;
    if (!weights) return finished(&held, 0);
    const Py_ssize_t item = sizeof(double);
    Py_ssize_t terms = weights->ndim ? weights->shape[weights->ndim - 1] : 0;
    Py_ssize_t rows = terms > 0 ? weights->len / item / terms : 0;
    if (rows < 1 || x->len % weights->len || x->ndim < 1 || x->shape[x->ndim - 1] != terms)
        return finished(&held, wrong("x", "an array whose last axes are those of the weights"));
    Py_ssize_t sets = x->len / weights->len;
    const double *from = x->buf, *by = weights->buf;
    double *out = items_of(&held, arguments[3], (size_t)(sets * rows), PyBUF_WRITABLE, "d", "out");
    if (!out) return finished(&held, 0);
    PyThreadState *others = begun((size_t)x->len / sizeof(double));
    kernels->weighted(from, sets, rows, terms, by, out);
    ended(others);
    return finished(&held, 1);
}

/* (set, values (.., K), pivot (..) or None, equal, out (.., K), out of the pivot (..) or None, signal (..) of bytes) */
static PyObject *standardized(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    double *out_pivot = NULL;
    const double *pivot = NULL;
    if (!counted(count, 7)) return NULL;
    const struct kernels *kernels = set_at(arguments[0]);
    double equal = kernels ? PyFloat_AsDouble(arguments[3]) : 0.0;
    if (!kernels || PyErr_Occurred()) return NULL;
    Py_buffer *values = hold(&held, arguments[1], PyBUF_C_CONTIGUOUS, "d", "values");
    if (!values) return finished(&held, 0);
    Py_ssize_t terms = values->ndim ? values->shape[values->ndim - 1] : 0;
    if (terms < 1) return finished(&held, wrong("values", "an array (.., K)"));
    size_t size = (size_t)values->len / sizeof(double), rows = size / (size_t)terms;
    if (arguments[2] != Py_None) {
        pivot = items_of(&held, arguments[2], rows, 0, "d", "pivot");
        out_pivot = pivot ? items_of(&held, arguments[5], rows, PyBUF_WRITABLE, "d", "out") : NULL;
        if (!out_pivot) return finished(&held, 0);
    }
    double *out = items_of(&held, arguments[4], size, PyBUF_WRITABLE, "d", "out");
    uint8_t *signal = out ? items_of(&held, arguments[6], rows, PyBUF_WRITABLE, "B", "signal") : NULL;
    if (!signal) return finished(&held, 0);
    PyThreadState *others = begun(2 * size);
    int done = kernels->standardized(values->buf, pivot, (ptrdiff_t)rows, terms, equal, out, out_pivot, signal);
    ended(others);
    return finished(&held, done);
}

/* Functions come as the numbers that ctypes gives for them. */
static drawing drawing_at(PyObject *address) {
    drawing found;
    void *pointer = PyLong_AsVoidPtr(address);
    memcpy(&found, &pointer, sizeof found);
    return found;
}

/* (random_standard_normal of NumPy's) -> the layers of its ziggurat as bytes, or None where they cannot be learnt. */
static PyObject *learn(PyObject *self, PyObject *address) {
    (void)self;
    struct layers layers;
    drawing numpy = drawing_at(address);
    if (!numpy || PyErr_Occurred()) return PyErr_Occurred() ? NULL : (wrong("address", "a function"), NULL);
    if (!learn_layers(numpy, &layers)) Py_RETURN_NONE;
    return PyBytes_FromStringAndSize((const char *)&layers, sizeof layers);
}

#define KEY_WORDS 6 /* of a stream: two of the key and four of the counter, the least significant first */

/* (layers, random_standard_normal of NumPy's, out (rows, K, columns) with its columns side by side, keys of K streams):
   rows and columns of each stream. */
static PyObject *normals(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    struct held held = {.count = 0};
    if (!counted(count, 4)) return NULL;
    drawing numpy = drawing_at(arguments[1]);
    if (PyErr_Occurred()) return NULL;
    const struct layers *layers = items_of(&held, arguments[0], sizeof *layers, 0, "B", "layers");
    Py_buffer *out = layers ? hold(&held, arguments[2], PyBUF_STRIDES | PyBUF_WRITABLE, "d", "out") : NULL;
    if (!out) return finished(&held, 0);
    const Py_ssize_t item = sizeof(double);
    if (out->ndim != 3 || (out->shape[2] > 1 && out->strides[2] != item) || out->strides[0] % item || out->strides[1] % item)
        return finished(&held, wrong("out", "an array (rows, streams, columns) whose columns lie side by side"));
    size_t rows = (size_t)out->shape[0], streams = (size_t)out->shape[1], columns = (size_t)out->shape[2];
    const char *keys = items_of(&held, arguments[3], streams * KEY_WORDS * sizeof(uint64_t), 0, "B", "keys");
    if (!keys) return finished(&held, 0);
    double *to = out->buf;
    ptrdiff_t apart = out->strides[0] / item, next = out->strides[1] / item;
    PyThreadState *others = begun(rows * streams * columns * 10);
    for (size_t k = 0; k < streams; k++, to += next) {
        uint64_t words[KEY_WORDS];
        memcpy(words, keys + k * sizeof words, sizeof words);
        draw_normals(layers, numpy, words, words + 2, to, rows, columns, apart);
    }
    ended(others);
    return finished(&held, 1);
}

#define KEPT (64 << 20)  /* bytes that stay with the process */
#define MAPPED (16 << 20) /* smallest array with pages of its own */

/* Arrays of some megabytes are freed and made again all the time, and the system's fresh pages cost as much as what is
   done with them: glibc is told to keep them. */
static PyObject *keep_memory(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, MAPPED);
    mallopt(M_TRIM_THRESHOLD, KEPT);
#endif
    Py_RETURN_NONE;
}

#define FUNCTION(name) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL}

static PyMethodDef methods[] = {
    {"names", names, METH_NOARGS, "Instruction sets of this processor, best first."},
    {"keep_memory", keep_memory, METH_NOARGS, NULL},
    FUNCTION(packed_size), FUNCTION(pack),    FUNCTION(act),     FUNCTION(point),
    FUNCTION(cartpole),    FUNCTION(elementary), FUNCTION(moments), FUNCTION(squared_distance),
    FUNCTION(path),        FUNCTION(shifted),     FUNCTION(normals), FUNCTION(priced), FUNCTION(weighted), FUNCTION(standardized),
    {"learn", learn, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_kernels", "Compiled kernels; native/door.py is what calls them.", 0, methods, slots,
    NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__kernels(void) { return PyModuleDef_Init(&module); }
