/* Whole episodes of a point in the plane, as in tasks/point.py. */
#ifndef POINT_H
#define POINT_H

#include "network.h"

INLINE vector within(double limit, vector x) { return at_most(all(limit), at_least(all(-limit), x)); }

INLINE void point_groups(const struct policies *policies, const struct point *point, ptrdiff_t group, const vector *packed,
                         vector *scratch, const int groups) {
    const struct network *network = &policies->network;
    size_t size = size_of(network), wide = widest(network) * MOST_GROUPS;
    ptrdiff_t batch = policies->batch, column = group * LANES;
    vector *first = scratch, *second = scratch + wide;
    vector position[2 * MOST_GROUPS], sums[2 * MOST_GROUPS], squares[2 * MOST_GROUPS];
    int used[MOST_GROUPS];
    for (int g = 0; g < groups; g++) {
        used[g] = lanes_used(batch, group + g);
        for (int i = 0; i < 2; i++)
            position[i * groups + g] =
                point->start.at ? lanes_of(point->start, i, column + g * LANES, used[g]) : all(0.0);
    }
    double *row = point->path + column;
    for (ptrdiff_t t = 0; t < point->horizon; t++) {
        for (int i = 0; i < 2; i++, row += batch)
            for (int g = 0; g < groups; g++) {
                vector x = position[i * groups + g];
                scatter(row + g * LANES, x, used[g]);
                sums[i * groups + g] = t ? sums[i * groups + g] + x : x;
                squares[i * groups + g] = t ? squares[i * groups + g] + x * x : x * x;
            }
        const vector *actions = outputs_of(network, packed, (ptrdiff_t)size, position, 2, first, second, groups);
        for (int j = 0; j < 2 * groups; j++)
            position[j] = within(point->position_limit, position[j] + within(point->action_limit, actions[j]));
    }
    for (int i = 0; i < 2; i++, row += batch)
        for (int g = 0; g < groups; g++) {
            scatter(row + g * LANES, position[i * groups + g], used[g]);
            scatter(point->sums + i * batch + column + g * LANES, sums[i * groups + g], used[g]);
            scatter(point->sums + (2 + i) * batch + column + g * LANES, squares[i * groups + g], used[g]);
        }
}

static int point_episodes(const struct policies *policies, const struct point *point) {
    void *block;
    size_t size = size_of(&policies->network), wide = widest(&policies->network);
    ptrdiff_t groups = groups_in(policies->batch), at_once = groups_packed(policies);
    vector *scratch = vectors((size_t)at_once * size + 2 * MOST_GROUPS * wide, &block);
    if (!scratch) return 0;
    vector *packed = scratch + 2 * MOST_GROUPS * wide;
    for (ptrdiff_t start = 0; start < groups; start += at_once) {
        ptrdiff_t stop = start + at_once < groups ? start + at_once : groups, group = start;
        pack_groups(policies, start, stop - start, packed);
        for (; group + 2 <= stop; group += 2)
            point_groups(policies, point, group, packed + (size_t)(group - start) * size, scratch, 2);
        if (group < stop) point_groups(policies, point, group, packed + (size_t)(group - start) * size, scratch, 1);
    }
    free(block);
    return 1;
}

#endif
