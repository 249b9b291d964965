/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Tells the servers that the configuration names when a zone has a new serial, so that they come for it at
 * once and not only when their refresh timer runs out.
 *
 *     a set was published -> zones with targets whose serial is another than last time -> a queue
 *     -> UDP, again after 1, 2, 4, 8 and 16 seconds until it is answered
 *
 * It goes out from a service address where there is one, because that is the address that secondaries know
 * their primary by. With anycast the answer may so reach another PoP, which drops it; the message was heard
 * all the same, and what isn't answered isn't an error.
 *
 * RFCs: 1996, 8945 (signed where the configuration names a key).
 */
#ifndef HITHER_ZONE_NOTIFY_H
#define HITHER_ZONE_NOTIFY_H

#include "config.h"
#include "zone/set.h"

#include <uv.h>

struct notifier;

/* On the loop's thread, as everything here. NULL when memory is short. */
struct notifier *notifier_new(uv_loop_t *loop);

/* Tells of every zone of `set` (or NULL: none) that is new or has another serial than at the last call. Keys
 * and source addresses are taken from `settings`. `set` is needed for the call alone. */
void notifier_update(struct notifier *notifier, const struct zone_set *set, const struct settings *settings);

/* Gives up what is under way; freed once the loop has closed its handles. */
void notifier_close(struct notifier *notifier);

#endif
