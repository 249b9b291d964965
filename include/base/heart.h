/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Watching a heart: a number in shared memory that its owner moves on as long as it is alive. Pure: what was
 * read and the time in, a judgement out.
 *
 * Only time during which the watcher itself was awake counts. When both processes were frozen together (a
 * container paused, a virtual machine saved), each finds the other's heart unmoved for all that time, and
 * must not kill it for that.
 */
#ifndef HITHER_BASE_HEART_H
#define HITHER_BASE_HEART_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

#define HEART_BEAT_MS  25   /* how often hearts beat, and are looked at */
#define HEART_STILL_MS 1000 /* a heart that doesn't move for so long belongs to the dead */
#define HEART_NAP_MS   200  /* a look so late means that the watcher itself was held up */

struct heart {
    int64_t beat;     /* as read last */
    struct mono seen; /* when it moved last, or watching began anew */
    struct mono look; /* the last one */
};

/* Begins to watch, as if the heart had just moved. */
struct heart heart_watch(int64_t beat, struct mono now);

/* A look at the heart, which now stands at `beat`: milliseconds, as far as the watcher can vouch for them,
 * that it hasn't moved. */
int64_t heart_still_ms(struct heart *heart, int64_t beat, struct mono now);

#endif
