/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the announcer knows, for its own files alone: announcer.c, which keeps it, and announcer_heritage.c,
 * which hands it on to another program and takes it over.
 */
#ifndef HITHER_ANNOUNCE_ANNOUNCER_STATE_H
#define HITHER_ANNOUNCE_ANNOUNCER_STATE_H

#include "announce/announcer.h"
#include "announce/backend.h"
#include "announce/bfd_session.h"
#include "announce/bgp_peer.h"
#include "announce/next_hop.h"

#include <arpa/inet.h>

#define DIGEST_OCTETS 16
#define REASON_OCTETS 128 /* what older neighbours take of a shutdown communication (RFC 8203) */

struct prefix {
    struct settings_prefix is; /* its text isn't used */
    char text[INET6_ADDRSTRLEN + 4];
    enum verdict verdict;
    enum route_state state;
    struct mono since;
};

/* What a neighbour was told last of a prefix. */
struct sent {
    bool announced;
    uint8_t digest[DIGEST_OCTETS]; /* of the UPDATE that announced it */
};

struct neighbor {
    struct announcer *announcer;
    struct bgp_peer *peer;
    struct bgp_peer_settings settings;
    struct settings_policy policy;
    struct next_hops hops;
    bool up;
    bool leaving;                            /* for good */
    bool initial;                            /* End-of-RIB has not been sent in this session */
    uint8_t complained;                      /* set of enum bgp_family that the log knows we can't announce */
    struct sent sent[SETTINGS_MAX_PREFIXES]; /* by the announcer's index of prefixes */
    uint64_t announcements;
    uint64_t withdrawals;
    struct settings_bfd bfd;
    struct bfd_session *bfd_session; /* NULL: not asked for, or no BGP session yet that says where */
    struct mono withdrawing_since;   /* zero: the neighbour has nothing of ours that it shouldn't */
};

struct announcer {
    uv_loop_t *loop;
    uv_timer_t tick;
    uv_timer_t drain_timer;
    enum announce_backend backend;
    struct backend *other; /* when the route isn't announced by our own BGP */
    struct prefix prefixes[SETTINGS_MAX_PREFIXES];
    size_t prefix_count;
    enum verdict overall; /* stands for the PoP where no prefix is configured */
    struct neighbor *neighbors[SETTINGS_MAX_NEIGHBORS];
    size_t neighbor_count;
    struct bfd *bfd;
    bool server_gone;
    const json_t *heritage;      /* while it is being taken over */
    bool took_over;              /* the verdict of the program before us counts until it lapses */
    struct mono took_over_until; /* it doesn't lapse before, while health says that it has none yet */
    /* Age of the last report, in ticks rather than by the clock: a loop that was held up delays the reports
     * and this count alike, and being busy is no reason to withdraw. */
    int64_t verdict_age_ms;
    int64_t verdict_lapse_ms;
    int64_t tick_ms;
    unsigned ticks;
    enum drain_phase drain;
    uint32_t drain_wait_ms;
    struct mono flush_until;
    char reason[REASON_OCTETS];
    announcer_callback drained;
    void *drained_arg;
    announcer_callback changed;
    void *changed_arg;
    bool something_changed;
    unsigned neighbors_leaving;
    unsigned leaving; /* handles and neighbours that are still to close */
    bool stopping;
    announcer_callback stopped;
    void *stopped_arg;
};

/* Where the neighbour's routes are to lead, anew. */
void neighbor_find_next_hops(struct neighbor *n);

/* What is marked is withdrawn in `wait_ms`. */
void announcer_drain_goes_on(struct announcer *a, uint64_t wait_ms);

/* announcer_heritage.c: what another program has left. */

/* The verdicts, which stay in force for as long as ones that aren't repeated do, and the drain. */
void announcer_take_over_verdicts(struct announcer *a);

/* Goes on with a session and with what was sent in it; false: there is none. */
bool neighbor_take_over(struct neighbor *n);

#endif
