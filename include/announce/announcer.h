/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The route's owner: compares, for each neighbour and each prefix, what should be announced with what was
 * sent last, and mends the difference; after every verdict, reconnect, reload and refresh the same way.
 * Nothing is announced before the first good verdict, and nothing on a verdict that isn't fresh.
 *
 *     verdict, drain, reload --> desired state --(differs from)--> sent state --> announce/bgp_peer
 *
 * RFCs: 4271, 4724 2 (End-of-RIB alone; graceful restart never), 5882 (BFD), 8326 (GRACEFUL_SHUTDOWN), 9003.
 */
#ifndef HITHER_ANNOUNCE_ANNOUNCER_H
#define HITHER_ANNOUNCE_ANNOUNCER_H

#include "announce/backend.h"
#include "announce/route.h"
#include "base/clock.h"
#include "base/shared.h"
#include "config.h"
#include "health/verdict.h"

#include <jansson.h>
#include <uv.h>

struct announcer;

typedef void (*announcer_callback)(void *arg);

/* Copies what it needs of `settings` and starts the sessions, or goes on with those that another program has
 * left in `heritage` (NULL: none). NULL when memory is short. */
struct announcer *announcer_new(uv_loop_t *loop, const struct settings *settings, const json_t *heritage);

/* Descriptors in the heritage, at most: of BGP, of BFD and its listeners, and of another backend. */
#define ANNOUNCER_HERITAGE_FDS (2 * SETTINGS_MAX_NEIGHBORS + 2 + BACKEND_HERITAGE_FDS)

/* Leaves sessions and routes to another program: sockets go into `fds`. Says a last word to BFD's neighbours,
 * so call it right before. NULL, and `why`, when something is under way: try again in a moment. */
json_t *announcer_hand_over(struct announcer *announcer, int *fds, size_t *count, char *why,
                            size_t why_octets);

/* Nothing was handed over after all, and nobody will try again. */
void announcer_keep(struct announcer *announcer);

/* `changed` is called whenever the state of a route or session changes, for whoever shows it. */
void announcer_watch(struct announcer *announcer, announcer_callback changed, void *arg);

/* What health says now. Prefixes that the report doesn't name keep what they had. A verdict that isn't
 * repeated within a few intervals lapses, and the route with it. */
void announcer_set_verdict(struct announcer *announcer, struct mono now, const struct verdict_report *report);

/* Whether the server is there to answer, by its hearts. While it isn't, BFD is spoken only with neighbours
 * that are known to have no route of ours any more. */
void announcer_set_server(struct announcer *announcer, bool answers);

/* Marks all routes with GRACEFUL_SHUTDOWN, waits settings.announce.drain_wait_ms, withdraws, and calls `done`
 * once every neighbour's withdrawals have left. The sessions stay, so that announcer_resume() is quick; who
 * wants to leave calls announcer_stop() when queries have stopped. `reason` (may be NULL) is told to
 * neighbours and in the status. Called again while draining: `done` is replaced, and called for the same end.
 */
void announcer_drain(struct announcer *announcer, const char *reason, announcer_callback done, void *arg);

/* Takes a drain back; `done` of a drain under way isn't called. */
void announcer_resume(struct announcer *announcer);

/* Other settings. A neighbour that didn't change keeps its session. 0 or -ENOMEM, and then nothing changed.
 */
int announcer_reload(struct announcer *announcer, const struct settings *settings);

/* Cease (administrative shutdown, with the reason of the drain if any), closes all sessions and frees
 * everything; then calls `done` (may be NULL). */
void announcer_stop(struct announcer *announcer, announcer_callback done, void *arg);

/* Of the PoP as a whole: the most present state of all prefixes (UP before DEGRADED before DRAINING ...);
 * without any prefix, what its state would be. */
enum route_state announcer_route_state(const struct announcer *announcer);

/* Whether a drain is under way or done. */
bool announcer_is_drained(const struct announcer *announcer);

/* Whether some router was told of the prefix; true where no session of ours would know. */
bool announcer_is_heard(const struct announcer *announcer, const struct settings_prefix *prefix);

/* State of each prefix and of each neighbour's session. New reference, or NULL when memory is short. */
json_t *announcer_status(const struct announcer *announcer, struct mono now);

#endif
