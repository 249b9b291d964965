/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The other PoPs as their heartbeats tell of them. Pure: messages and time in, counts out.
 *
 *     fleet_table_take()    a message that was found to be signed
 *     fleet_table_count()   what it means for one route
 *
 * How old what we know of a PoP may be is told by its echo alone: it names a message of ours, and what came
 * with it was written after that one was sent. A PoP that can't hear us therefore counts as one that we can't
 * hear; and a recording proves nothing.
 */
#ifndef HITHER_HEALTH_FLEET_TABLE_H
#define HITHER_HEALTH_FLEET_TABLE_H

#include "base/clock.h"
#include "health/heartbeat.h"

#define FLEET_MEMBERS_MOST 512
#define FLEET_SENT_MOST    1024   /* messages of ours of which the time is remembered */
#define FLEET_MEMORY_MS    600000 /* a PoP that was silent for so long is no part of the fleet any more */
#define FLEET_NOWHERE      UINT32_MAX

/* Another PoP. Everything from `proven_boot` on is of the last message that proved its age. */
struct fleet_member {
    char identity[HEARTBEAT_IDENTITY_MOST + 1];
    uint64_t rank;    /* who goes first when several want to: a digest of the identity */
    uint32_t origin;  /* which of the configured peers it sends from; FLEET_NOWHERE: none of them */
    uint64_t boot;    /* of the newest message */
    uint32_t counter; /* of the same; this is what we echo */
    struct mono heard;
    bool asks;   /* the newest message asks for a route */
    bool owed;   /* an answer at once, because it asks anew */
    bool proven; /* there was a message that proved its age */
    uint64_t proven_boot;
    uint32_t proven_counter;
    uint32_t echoed;   /* our message that it had heard */
    struct mono as_of; /* when we sent that one: what follows is no older */
    uint8_t scope_count;
    struct heartbeat_scope scopes[HEARTBEAT_SCOPES_MOST];
    uint8_t zones_digest[HEARTBEAT_DIGEST_OCTETS];
    uint32_t zone_count;
    uint16_t known;
    bool by_choice;
};

struct fleet_table {
    uint64_t boot; /* ours */
    char identity[HEARTBEAT_IDENTITY_MOST + 1];
    uint64_t rank;
    bool by_choice;                    /* if we ask, it is for an operator: the ill go first */
    uint32_t counter;                  /* of our newest message */
    int64_t fresh_ms;                  /* older knowledge is none */
    struct mono sent[FLEET_SENT_MOST]; /* when, by counter */
    struct mono namesake;              /* when another PoP used our identity last; zero: never */
    size_t count;
    struct fleet_member members[FLEET_MEMBERS_MOST];
};

/* What is known of one route at the others. */
struct fleet_count {
    size_t size;    /* PoPs that have the route and were heard within FLEET_MEMORY_MS, and ourselves */
    size_t staying; /* they announce it and don't ask */
    size_t well;    /* of those: they can answer */
    size_t asking;
    size_t asking_well; /* of those: by choice, and so they can answer */
    size_t first;       /* of those that ask: they go before us */
    size_t first_well;
    const struct fleet_member *rival; /* one of the first; NULL: none */
    const struct fleet_member *gone;  /* one that has withdrawn; NULL: none is known */
};

/* Who we are, into a table of zeros. `boot` is random. */
void fleet_table_init(struct fleet_table *table, const char *identity, uint64_t boot);

/* Our next message is sent now: its counter. */
uint32_t fleet_table_send(struct fleet_table *table, struct mono now);

/* A message has come from peer `origin`. False when it told nothing new: our own, a repetition, an old one.
 */
bool fleet_table_take(struct fleet_table *table, struct mono now, const struct heartbeat *message,
                      uint32_t origin);

/* Whether what we know of it is fresh. */
bool fleet_member_is_fresh(const struct fleet_table *table, const struct fleet_member *member,
                           struct mono now);

/* What the member said of the route; false when it has no such route. */
bool fleet_member_state(const struct fleet_member *member, uint64_t key, enum heartbeat_state *state);

/* Only PoPs that had heard our message `since` count as staying (0: any fresh one). */
struct fleet_count fleet_table_count(const struct fleet_table *table, struct mono now, uint64_t key,
                                     uint32_t since);

/* Echoes for a message to peer `to` (FLEET_NOWHERE: to all): those that live there, then others by turns. */
void fleet_table_echo(const struct fleet_table *table, uint32_t to, struct heartbeat *message);

/* Members that are heard at the moment. */
size_t fleet_table_known(const struct fleet_table *table, struct mono now);

#endif
