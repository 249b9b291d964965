/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Watching a heart: a number in shared memory that its owner moves on as long as it is alive. Pure: what was
 * read and the time in, a judgement out.
 *
 * Only time during which the watcher itself was awake counts. When both processes were frozen together (a
 * container paused, a virtual machine saved), each finds the other's heart unmoved for all that time, and
 * must not kill it for that.
 *
 * A heart that has been still for a moment proves little on a busy machine: its owner may be waiting for a
 * processor. So in doubt the watcher looks at what the owner's thread does (base/signs.h), and is quick only
 * where there is no other explanation:
 *
 *     stopped, by a signal or a tracer ------------> hung
 *     running, and has got a processor meanwhile --> hung: it runs in circles
 *     asleep when it should long have woken up ----> hung, but timers of virtual machines may be late
 *     running without a processor, or on a disk ---> wait on, at most for HEART_STILL_MS
 */
#ifndef HITHER_BASE_HEART_H
#define HITHER_BASE_HEART_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

#define HEART_BEAT_MS    10  /* how often hearts beat, and are looked at */
#define HEART_NAP_MS     25  /* the most that one look counts for: later means that the watcher was held up */
#define HEART_DOUBT_MS   40  /* still for so long: time to look at the thread */
#define HEART_CIRCLES_MS 30  /* of processor time in doubt: a turn of a worker's loop takes a few at most */
#define HEART_ASLEEP_MS  250 /* a worker waits for nothing, unless its timer is late */
#define HEART_STILL_MS                                                                                       \
    1000 /* a heart that doesn't move for so long belongs to the dead, whatever the signs */

/* What a thread does. */
struct heart_signs {
    char state;     /* as in proc(5): R, S, D, T, t, ...; 0: unknown */
    int64_t cpu_ns; /* that it has run in all its life */
};

struct heart {
    int64_t beat;     /* as read last */
    struct mono seen; /* when it moved last, or watching began anew */
    struct mono look; /* the last one */
    bool doubted;     /* signs were looked at since it moved */
    int64_t doubt_cpu_ns;
    struct heart_signs last;
};

enum heart_owner {
    HEART_OF_WORKER, /* never computes or waits for long */
    HEART_OF_MAIN,   /* may: reads a configuration, or publishes a million zones */
};

/* Begins to watch, as if the heart had just moved. */
struct heart heart_watch(int64_t beat, struct mono now);

/* A look at the heart, which now stands at `beat`: milliseconds, as far as the watcher can vouch for them,
 * that it hasn't moved. */
int64_t heart_still_ms(struct heart *heart, int64_t beat, struct mono now);

/* The judgement on a heart that has been still for `still_ms`, at least HEART_DOUBT_MS, after a fresh look at
 * the signs. */
bool heart_is_hung(struct heart *heart, enum heart_owner owner, int64_t still_ms, struct heart_signs signs);

#endif
