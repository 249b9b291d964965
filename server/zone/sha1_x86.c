/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/sha1_lanes.h"

struct sha1_lanes sha1_lanes_here(void)
{
    if (__builtin_cpu_supports("avx2"))
        return (struct sha1_lanes){sha1_eight, 8};
    return (struct sha1_lanes){sha1_four, 4};
}
