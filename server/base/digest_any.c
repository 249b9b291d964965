/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/digest_lanes.h"

struct digest_lanes digest_lanes_here(void)
{
    return (struct digest_lanes){0};
}
