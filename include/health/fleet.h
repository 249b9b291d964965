/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The last PoP standing: whether this PoP may take its route away when health says that it should. Pure:
 * verdicts, heartbeats and time in, a decision out, so that a fleet of hundreds replays in virtual time.
 *
 *     fleet_set_verdicts()  health's verdicts    fleet_guard()  what the announcer is to go by
 *     fleet_take()          a heartbeat came     fleet_begin(), fleet_write()  heartbeats to send
 *     fleet_judge()         time has passed        fleet_wish_drain()  an operator wants it to go
 *
 * A route is withdrawn for health only with at least `min-announcers` other PoPs known to be well, and only
 * while no more than a third of the fleet is without it (of two PoPs, one); else it stays, degraded, and a
 * route that was withdrawn comes back when what allowed it isn't known any more. Whoever is cut off from the
 * others stays. There is no consensus and no leader; this is why it holds all the same:
 *
 *     A PoP first asks: its heartbeats say so from then on, and it doesn't count as staying any more. It
 *     withdraws when enough others have said, each having heard that it asks, that they stay and don't ask.
 *     Of all PoPs that are out at one moment, take the one that asked last: every other one was asking or out
 *     by then, so none of them was among those that it heard were staying. So enough do stay.
 *
 * A lost or late message takes somebody out of those that are known to stay, and nothing else. When many ask
 * at once, those that come behind in a fixed order (the ill before the drained, then by a digest of the
 * identity) step back at the first word of the others. An operator's drain asks in the same words, so two of
 * them at the same moment, or one beside a failure, are as safe as two failures; it isn't tried again: it is
 * refused, and the operator is told in whose favour. A server process that is dead is treated no differently:
 * it is started again and may come back, and where nobody else is known to be up, an address without an
 * answer now is better than no address.
 */
#ifndef HITHER_HEALTH_FLEET_H
#define HITHER_HEALTH_FLEET_H

#include "base/clock.h"
#include "config.h"
#include "health/fleet_table.h"
#include "health/verdict.h"

#include <jansson.h>

#define FLEET_WHY_OCTETS 200

struct fleet;

enum fleet_decision {
    FLEET_IN,    /* health has nothing against the route: the guard has no say */
    FLEET_STAYS, /* it should go, and may not */
    FLEET_ASKS,  /* it is going to, as soon as enough others say that they stay */
    FLEET_OUT,   /* it may, and has */
};

/* A PoP called `identity`; `boot` is random. NULL when memory is short. */
struct fleet *fleet_new(const char *identity, uint64_t boot);

void fleet_free(struct fleet *fleet);

/* Whether there is one, and it is of a PoP with that identity. */
bool fleet_is_called(const struct fleet *fleet, const char *identity);

/* The fleet's settings and the prefixes that there are. Prefixes that stay keep their decision. */
void fleet_configure(struct fleet *fleet, struct mono now, const struct settings_fleet *settings,
                     const struct settings_announce *announce);

/* What the heartbeats say beside the decisions: a digest of the zones that are served, and how many. */
void fleet_set_zones(struct fleet *fleet, const uint8_t digest[HEARTBEAT_DIGEST_OCTETS], uint32_t count);

/* Whether the route stands at some router (prefix `i` of those configured; 0 when there is none). */
void fleet_set_heard(struct fleet *fleet, size_t i, bool heard);

/* Something has happened that makes a bad verdict likely: the others are asked beforehand, so that the round
 * trip to them isn't lost time. */
void fleet_set_doubt(struct fleet *fleet, bool doubt);

/* The operator takes the PoP away, or brings it back. */
void fleet_set_leaving(struct fleet *fleet, bool leaving);

/* These return true when a decision has changed, and so what fleet_guard() says. */
bool fleet_set_verdicts(struct fleet *fleet, struct mono now, const struct verdict_report *report);
bool fleet_take(struct fleet *fleet, struct mono now, const uint8_t *bytes, size_t octets, uint32_t origin);
bool fleet_judge(struct fleet *fleet, struct mono now);

/* The report with what the guard makes of it: a bad verdict that may not be acted on is a degraded one. */
struct verdict_report fleet_guard(const struct fleet *fleet, const struct verdict_report *report);

/* Why the guard keeps a route that health would take away, of the first such; NULL when it keeps none. */
const char *fleet_why(const struct fleet *fleet);

enum fleet_decision fleet_decision_of(const struct fleet *fleet, size_t i);

/* Whether anything is to be sent now, and then counts it as sent: FLEET_SEND_ANSWERS only to peers that
 * fleet_owes(). Never more often than each few milliseconds. */
enum fleet_send {
    FLEET_SEND_NOTHING,
    FLEET_SEND_ANSWERS,
    FLEET_SEND_ALL,
};
enum fleet_send fleet_begin(struct fleet *fleet, struct mono now);
bool fleet_owes(const struct fleet *fleet, uint32_t peer);

/* The message for that peer (FLEET_NOWHERE: for all of a group). `to` has room for HEARTBEAT_OCTETS. */
void fleet_write(struct fleet *fleet, struct mono now, uint32_t peer, struct writer *to);

/* All of it was sent. */
void fleet_end(struct fleet *fleet);

/* An operator's wish to take every route away. It is asked for until the others have answered, a round trip
 * or a second; granted, the heartbeats say that the PoP leaves, and fleet_set_leaving() has no say, until
 * fleet_wish_end(). Whoever changes a decision (above) may have settled it. */
enum fleet_wish {
    FLEET_WISH_NONE,
    FLEET_WISH_ASKS,
    FLEET_WISH_GRANTED,
    FLEET_WISH_REFUSED,
};
enum fleet_wish fleet_wish_drain(struct fleet *fleet, struct mono now);
enum fleet_wish fleet_wish_of(const struct fleet *fleet);
const char *fleet_wish_why(const struct fleet *fleet); /* of a refusal */
void fleet_wish_end(struct fleet *fleet);

/* {"size", "may_be_out", "min_announcers", "known", "namesake": bool,
 *  "guard": [{"prefix", "decision", "why"}],
 *  "pops": [{"identity", "state", "age_ms" (-1: never heard well), "zones": "same" | "different" | "unknown",
 *            "zone_count", "knows"}]}. New reference, or NULL when memory is short. */
json_t *fleet_status(const struct fleet *fleet, struct mono now);

#endif
