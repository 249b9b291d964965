/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/digest_lanes.h"

struct digest_lanes digest_lanes_here(void)
{
    if (__builtin_cpu_supports("avx512f"))
        return (struct digest_lanes){digest_eight, 8};
    if (__builtin_cpu_supports("avx2"))
        return (struct digest_lanes){digest_four, 4};
    return (struct digest_lanes){0};
}
