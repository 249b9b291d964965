/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Has the server's large images kept beyond its end: after each publication they are put on the shelf in the
 * pool (zone/shelf.h), and their descriptors are sent to the announcer, in place of those before.
 *
 *     zone/reload --published--> keeper_update() --pool: zone_shelf_put()--> base/channel "images" --> guard
 */
#ifndef HITHER_KEEPER_H
#define HITHER_KEEPER_H

#include "zone/set.h"

#include <uv.h>

struct keeper;

/* `channel` is the server's end of it. NULL when memory is short. */
struct keeper *keeper_new(uv_loop_t *loop, int channel);

/* The images of `set` are to be kept, and no others. */
void keeper_update(struct keeper *keeper, const struct zone_set *set);

/* Freed when the work under way has ended, so the loop must run on until then. */
void keeper_close(struct keeper *keeper);

#endif
