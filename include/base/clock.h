/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Monotonic time as a type of its own, so that milliseconds, nanoseconds and wall time can't mix.
 * Everything that decides by time takes a `struct mono` as an argument and never asks the clock itself:
 * so scenarios replay in virtual time. Only event loops call mono_now().
 */
#ifndef HITHER_BASE_CLOCK_H
#define HITHER_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* A point on CLOCK_MONOTONIC. Zero means "never" to everything that stores one. */
struct mono {
    int64_t ns;
};

struct mono mono_now(void);

static inline struct mono mono_add_ms(struct mono t, int64_t ms)
{
    return (struct mono){t.ns + ms * 1000000};
}

/* Milliseconds from `from` to `to`, rounded down; negative when `to` is earlier. */
static inline int64_t mono_ms_between(struct mono from, struct mono to)
{
    return (to.ns - from.ns) / 1000000;
}

static inline bool mono_reached(struct mono now, struct mono deadline)
{
    return deadline.ns != 0 && now.ns >= deadline.ns;
}

#endif
