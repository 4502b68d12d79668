/* Whole episodes of a point in the plane, as in tasks/point.py. */
#ifndef POINT_H
#define POINT_H

#include "network.h"

INLINE vector within(double limit, vector x) { return at_most(all(limit), at_least(all(-limit), x)); }

INLINE vector price_of(const struct point *point, vector x, vector y) {
    vector squared = x * x + y * y;
    switch (point->price) {
    case BOWL: return at_least(all(0.0), point->limit - squared) - point->limit;
    case DISTANCE: squared = root(squared); /* and its negative */ /* fallthrough */
    default: return value(bits(squared) ^ ones((uint64_t)1 << 63));
    }
}

INLINE void point_groups(const struct policies *policies, const struct point *point, ptrdiff_t group, const vector *packed,
                         vector *scratch, const int linear, const int groups) {
    const struct network *network = &policies->network;
    size_t size = size_of(network), wide = widest(network) * MOST_GROUPS;
    ptrdiff_t batch = policies->batch, column = group * LANES;
    vector *first = scratch, *second = scratch + wide;
    vector position[2 * MOST_LINEAR], sums[2 * MOST_LINEAR], squares[2 * MOST_LINEAR], goal[2 * MOST_LINEAR];
    vector returns[MOST_LINEAR], chosen[2 * MOST_LINEAR];
    int used[MOST_LINEAR];
    double *row = point->path ? point->path + column : NULL;
    for (int g = 0; g < groups; g++) {
        used[g] = lanes_used(batch, group + g);
        for (int i = 0; i < 2; i++) {
            position[i * groups + g] =
                point->start.at ? lanes_of(point->start, i, column + g * LANES, used[g]) : all(0.0);
            goal[i * groups + g] = row ? all(0.0) : lanes_of(point->goal, i, column + g * LANES, used[g]);
            sums[i * groups + g] = squares[i * groups + g] = returns[g] = all(-0.0); /* -0 + x is x, -0 as well */
        }
    }
    for (ptrdiff_t t = 0; t < point->horizon; t++) {
        for (int j = 0; j < 2 * groups; j++) {
            vector x = position[j];
            if (row) scatter(row + (j / groups) * batch + (j % groups) * LANES, x, used[j % groups]);
            sums[j] += x;
            squares[j] += x * x;
        }
        const vector *actions = chosen;
        if (linear)
            two_actions(packed, (ptrdiff_t)size, position, chosen, network->output, groups);
        else
            actions = outputs_of(network, packed, (ptrdiff_t)size, position, 2, first, second, groups);
        for (int j = 0; j < 2 * groups; j++)
            position[j] = within(point->position_limit, position[j] + within(point->action_limit, actions[j]));
        if (row)
            row += 2 * batch;
        else
            for (int g = 0; g < groups; g++)
                returns[g] += price_of(point, position[g] - goal[g], position[groups + g] - goal[groups + g]);
    }
    for (int g = 0; g < groups; g++) {
        for (int i = 0; i < 2; i++) {
            if (row) scatter(row + i * batch + g * LANES, position[i * groups + g], used[g]);
            scatter(point->sums + i * batch + column + g * LANES, sums[i * groups + g], used[g]);
            scatter(point->sums + (2 + i) * batch + column + g * LANES, squares[i * groups + g], used[g]);
        }
        if (!row) scatter(point->returns + column + g * LANES, returns[g], used[g]);
    }
}

/* Groups from one on, whose policies are packed. */
INLINE void points(const struct policies *policies, const struct point *point, ptrdiff_t group, ptrdiff_t stop,
                   const vector *packed, vector *scratch) {
    size_t size = size_of(&policies->network);
    if (two_by_two(&policies->network)) {
        for (; group + 4 <= stop; group += 4, packed += 4 * size) point_groups(policies, point, group, packed, scratch, 1, 4);
        for (; group + 2 <= stop; group += 2, packed += 2 * size) point_groups(policies, point, group, packed, scratch, 1, 2);
        if (group < stop) point_groups(policies, point, group, packed, scratch, 1, 1);
        return;
    }
    for (; group + 2 <= stop; group += 2, packed += 2 * size) point_groups(policies, point, group, packed, scratch, 0, 2);
    if (group < stop) point_groups(policies, point, group, packed, scratch, 0, 1);
}

EPISODES(point_episodes, point, points)

#endif
