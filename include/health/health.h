/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The self-check, on the announcer's loop: rounds of probes through the real service sockets, the state of
 * the zones as the server tells it in shared memory, and what the guard knows of the server's process, joined
 * into one verdict for each announced prefix.
 *
 *     shared_up, guard --+
 *     health/probe ------+--> health/verdict --> callback --> announcer_set_verdict()
 *
 * A listen address counts for the prefix that it lies in; one that lies in none counts for all of its family.
 */
#ifndef HITHER_HEALTH_HEALTH_H
#define HITHER_HEALTH_HEALTH_H

#include "base/shared.h"
#include "config.h"
#include "health/verdict.h"

#include <jansson.h>
#include <uv.h>

struct health;

/* Called after every round and at every change between: so a caller that hears nothing for a few intervals
 * knows that the verdict isn't fresh. `why` is one line, valid during the call. */
typedef void (*health_callback)(void *arg, const struct verdict_report *report, const char *why);

/* Starts asking at once, and until the first good verdict often. Copies what it needs of `settings`. `up`
 * must stay mapped until health_stop(). `lanes`: the service sockets have lanes (net/lane.h). NULL when
 * memory is short. The callback is never called from inside. */
struct health *health_start(uv_loop_t *loop, const struct settings *settings, const struct shared_up *up,
                            bool lanes, health_callback callback, void *arg);

/* Other settings; prefixes that stay keep their memory. 0 or -ENOMEM, and then the old ones stay in force. */
int health_reload(struct health *health, const struct settings *settings);

/* The server's process is known to be dead or hung: bad at once for all prefixes, and no probe can change
 * that until health_server_back(). `why` is copied. Repeating it changes nothing. */
void health_server_gone(struct health *health, const char *why);

/* Looks at shared memory now, because something has changed there. */
void health_look(struct health *health);

/* It is running again: asks at once. The verdict turns good by probes alone. */
void health_server_back(struct health *health);

/* The last good zones are served, because newer ones failed: `why` in a line, which is copied; NULL: it is
 * the newest. It is SHARED trouble. */
void health_set_back(struct health *health, const char *why);

/* A digest of all zones that are served, the same wherever the same zones are; and how many they are. */
size_t health_zones(const struct health *health, uint8_t digest[16]);

/* The tree of checks, counts, windows and decisions. New reference, or NULL when memory is short. */
json_t *health_why(const struct health *health);

/* The operator's own checks, for the program that takes our place; and those taken over, before the loop
 * runs. New reference, or NULL. */
json_t *health_hand_over(const struct health *health);
void health_take_over(struct health *health, const json_t *heritage);

/* No callback comes any more. The memory is freed when the loop has closed what was open. */
void health_stop(struct health *health);

#endif
