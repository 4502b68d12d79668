/* The kernels of one instruction set: what includes this defines LANES and has switched the set on. */
#include "arrays.h"
#include "cartpole.h"
#include "point.h"

#define KERNELS(name)                                                                                                \
    {                                                                                                                \
        name, LANES, packed_size, pack, act, point_episodes, cartpole_episodes, elementary, moments,                  \
        squared_distance, shifted, weighted, standardized                                                                           \
    }
