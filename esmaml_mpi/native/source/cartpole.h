/* Whole episodes of cart-poles with a biased angle sensor, as in tasks/cartpole_sensor_bias.py. */
#ifndef CARTPOLE_H
#define CARTPOLE_H

#include "network.h"

#define GRAVITY 9.8
#define POLE 0.1
#define HALF_LENGTH 0.5
#define SECONDS 0.02
#define TOTAL (1.0 + POLE)
#define POLE_MOMENT (POLE * HALF_LENGTH)

/* position, velocity, true angle, angular velocity */
struct poles {
    vector state[4], bias, returns, steps, sums[4], squares[4];
    pattern running;
    int used;
};

INLINE void observe(const struct poles *poles, int velocities, vector *x, const int groups) {
    vector seen[4] = {poles->state[0], poles->state[1], poles->state[2] + poles->bias, poles->state[3]};
    if (velocities)
        for (int i = 0; i < 4; i++) x[i * groups] = seen[i];
    else
        x[0] = seen[0], x[groups] = seen[2];
}

INLINE void tally(struct poles *poles, const vector *x, int observed, const int groups) {
    for (int i = 0; i < observed; i++) {
        vector seen = x[i * groups];
        poles->sums[i] = choose(poles->running, poles->sums[i] + seen, poles->sums[i]);
        poles->squares[i] = choose(poles->running, poles->squares[i] + seen * seen, poles->squares[i]);
    }
}

/* One step of those that run. */
INLINE void swing(const struct cartpole *cartpole, struct poles *poles, vector action) {
    vector velocity = poles->state[1], angle = poles->state[2], spin = poles->state[3], sine, cosine;
    vector force = at_most(all(1.0), at_least(all(-1.0), action)) * cartpole->force;
    sine_cosine(angle, &sine, &cosine);
    vector push = (force + spin * POLE_MOMENT * spin * sine) / TOTAL;
    vector angular = (sine * GRAVITY - cosine * push) / ((4.0 / 3.0 - cosine * POLE * cosine / TOTAL) * HALF_LENGTH);
    vector linear = push - angular * POLE_MOMENT * cosine / TOTAL;
    vector change[4] = {velocity, linear, spin, angular};
    pattern finite = poles->running;
    for (int i = 0; i < 4; i++) {
        poles->state[i] = choose(poles->running, poles->state[i] + change[i] * SECONDS, poles->state[i]);
        finite &= less(magnitude(poles->state[i]), all(INFINITY));
    }
    pattern up = finite & less(magnitude(poles->state[0]), all(cartpole->position_limit)) &
                 less(magnitude(poles->state[2]), all(cartpole->angle_limit));
    vector reward = choose(up, all(1.0), choose(finite, all(0.0), all(NAN)));
    poles->returns = choose(poles->running, poles->returns + reward, poles->returns);
    poles->steps = choose(poles->running, poles->steps + 1.0, poles->steps);
    poles->running = up;
}

INLINE void cartpole_groups(const struct policies *policies, const struct cartpole *cartpole, ptrdiff_t group,
                            const vector *packed, vector *scratch, const int groups) {
    const struct network *network = &policies->network;
    size_t size = size_of(network), wide = widest(network) * MOST_GROUPS;
    ptrdiff_t batch = policies->batch;
    const int observed = cartpole->velocities ? 4 : 2;
    vector *first = scratch, *second = scratch + wide, x[4 * MOST_GROUPS];
    struct poles poles[MOST_GROUPS];
    for (int g = 0; g < groups; g++) {
        ptrdiff_t column = (group + g) * LANES;
        int used = poles[g].used = lanes_used(batch, group + g);
        for (int i = 0; i < 4; i++) {
            poles[g].state[i] = cartpole->start.at ? lanes_of(cartpole->start, i, column, used) : all(0.0);
            poles[g].sums[i] = poles[g].squares[i] = all(0.0);
        }
        poles[g].bias = lanes_of(cartpole->bias, 0, column, used);
        poles[g].returns = poles[g].steps = all(0.0);
        poles[g].running = ones(~(uint64_t)0);
    }
    for (ptrdiff_t t = 0; t < cartpole->horizon; t++) {
        pattern running = ones(0);
        for (int g = 0; g < groups; g++) {
            running |= poles[g].running;
            observe(&poles[g], cartpole->velocities, x + g, groups);
            tally(&poles[g], x + g, observed, groups);
        }
        if (!any(running)) break;
        const vector *actions = outputs_of(network, packed, (ptrdiff_t)size, x, 4, first, second, groups);
        for (int g = 0; g < groups; g++) swing(cartpole, &poles[g], actions[g]);
    }
    for (int g = 0; g < groups; g++) {
        ptrdiff_t column = (group + g) * LANES;
        double steps[LANES];
        scatter(cartpole->returns + column, poles[g].returns, poles[g].used);
        store(steps, poles[g].steps);
        for (int l = 0; l < poles[g].used; l++) cartpole->lengths[column + l] = (int64_t)steps[l];
        for (int i = 0; i < observed; i++) {
            scatter(cartpole->sums + i * batch + column, poles[g].sums[i], poles[g].used);
            scatter(cartpole->sums + (observed + i) * batch + column, poles[g].squares[i], poles[g].used);
        }
    }
}

/* Groups from one on, whose policies are packed. */
INLINE void some_poles(const struct policies *policies, const struct cartpole *cartpole, ptrdiff_t group, ptrdiff_t stop,
                       const vector *packed, vector *scratch) {
    size_t size = size_of(&policies->network);
    for (; group + 2 <= stop; group += 2, packed += 2 * size)
        cartpole_groups(policies, cartpole, group, packed, scratch, 2);
    if (group < stop) cartpole_groups(policies, cartpole, group, packed, scratch, 1);
}

EPISODES(cartpole_episodes, cartpole, some_poles)

#endif
