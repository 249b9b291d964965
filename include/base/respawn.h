/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How long to wait before a server that died is started again: not at all the first time, because every
 * moment costs answers; then longer and longer while it keeps dying, so that one poisonous datagram, say,
 * can't keep the host busy with starting. Pure.
 */
#ifndef HITHER_BASE_RESPAWN_H
#define HITHER_BASE_RESPAWN_H

#include "base/clock.h"

#include <stdint.h>

#define RESPAWN_FIRST_MS 100
#define RESPAWN_MOST_MS  10000
#define RESPAWN_CALM_MS  30000 /* a server that lived so long is forgiven what came before */

/* Zero-initialised is a clean start. */
struct respawn {
    unsigned row; /* deaths, each soon after its start */
};

/* A server that was started at `started` has died at `died`: milliseconds to wait. */
int64_t respawn_pause_ms(struct respawn *respawn, struct mono started, struct mono died);

#endif
