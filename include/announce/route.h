/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What should be announced: pure decisions, apart from whom it is sent to. One function says in which state a
 * prefix's route has to be, another what a route in that state looks like to a neighbour.
 */
#ifndef HITHER_ANNOUNCE_ROUTE_H
#define HITHER_ANNOUNCE_ROUTE_H

#include "announce/bgp_peer.h"
#include "announce/bgp_write.h"
#include "announce/next_hop.h"
#include "base/shared.h"
#include "health/verdict.h"

/* How far a drain has come. */
enum drain_phase {
    DRAIN_NONE,
    DRAIN_MARKED, /* announced with GRACEFUL_SHUTDOWN: other PoPs take over */
    DRAIN_WITHDRAWN,
};

/* `fresh`: whether the verdict was given, or repeated, within the last few intervals. */
enum route_state route_state_of(enum verdict verdict, bool fresh, enum drain_phase drain);

bool route_is_announced(enum route_state state);

/* Of several prefixes the state that says most about whether this PoP gets traffic. */
enum route_state route_state_more_present(enum route_state a, enum route_state b);

/* "init", "up", "degraded", "draining", "withdrawn". */
const char *route_state_name(enum route_state state);

/* What goes with a route in that state. One that isn't up is to be the others' second choice: also for
 * neighbours that don't know GRACEFUL_SHUTDOWN. */
struct settings_policy route_policy(const struct settings_policy *policy, enum route_state state);

/* Why a prefix can't be announced in a session although it should be; NULL: it can, with `route` filled in.
 */
const char *route_for_session(const struct bgp_session *session, const struct bgp_peer_settings *settings,
                              const struct next_hops *hops, const struct settings_policy *policy,
                              enum route_state state, uint8_t family, struct bgp_route *route);

#endif
