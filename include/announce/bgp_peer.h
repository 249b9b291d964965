/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One neighbour's session on the loop: sockets, buffers and timers around announce/bgp_fsm. Opens the TCP
 * connection, cuts what comes into messages, feeds the state machine and does what it says; the announcer
 * hands in finished messages and hears when the session comes and goes.
 *
 *     announcer --- bgp_peer_write() ---> bgp_peer --- TCP ---> router
 *     announcer <-- up, down, refresh --- bgp_peer <-- bgp_read, bgp_fsm --- TCP --- router
 *
 * A connection that ends with a NOTIFICATION lingers for a moment, half closed, so that the peer gets to read
 * it; the next one doesn't wait for that.
 *
 * RFCs: 4271, 5082 (TTL security), 2385 (MD5), 5482 (user timeout); next hops as announce/next_hop says.
 */
#ifndef HITHER_ANNOUNCE_BGP_PEER_H
#define HITHER_ANNOUNCE_BGP_PEER_H

#include "announce/bgp_fsm.h"
#include "announce/bgp_write.h"
#include "config.h"

#include <jansson.h>
#include <uv.h>

struct bgp_peer;

/* What a session is made of: when none of it changes, the session stays over a reload. */
struct bgp_peer_settings {
    char text[64]; /* as the neighbour is called in the configuration */
    union settings_address address;
    bool gateway;
    uint16_t port;
    uint32_t remote_as;
    uint32_t local_as;
    uint32_t router_id; /* network order; 0: chosen for each session */
    uint32_t spare_id;  /* network order; the identifier when the session's host has no IPv4 address */
    uint16_t hold_time_s;
    union settings_address local_address;
    char md5_password[81]; /* the kernel takes 80; empty: none */
    bool ttl_security;
    enum settings_role role;
};

struct bgp_peer_callbacks {
    void (*up)(void *arg);
    void (*down)(void *arg);                      /* what was sent is forgotten */
    void (*refresh)(void *arg, uint8_t families); /* asks for all routes of these again */
    void (*sent)(void *arg);                      /* the out buffer has room again, or is empty */
    void (*changed)(void *arg);                   /* the state of the session, for whoever shows it */
};

/* Settings of `neighbor` in `announce`. */
struct bgp_peer_settings bgp_peer_settings_of(const struct settings_announce *announce,
                                              const struct settings_neighbor *neighbor, const char *identity);

bool bgp_peer_settings_equal(const struct bgp_peer_settings *a, const struct bgp_peer_settings *b);

/* Makes a peer that does nothing yet. Copies the settings. NULL when memory is short. */
struct bgp_peer *bgp_peer_new(uv_loop_t *loop, const struct bgp_peer_settings *settings,
                              const struct bgp_peer_callbacks *callbacks, void *arg);

void bgp_peer_start(struct bgp_peer *peer);

/* Leaves an established session to another program: its socket goes into `fds`. NULL when bytes of ours wait
 * to be sent, or memory is short; JSON null when there is no session worth it. */
json_t *bgp_peer_hand_over(const struct bgp_peer *peer, int *fds, size_t *count);

/* In place of bgp_peer_start(): goes on with a session that was handed over to us. `up` isn't called. False,
 * and the peer isn't started, when it isn't one between the same two. */
bool bgp_peer_take_over(struct bgp_peer *peer, const json_t *heritage);

/* Ends the session with `cease` (NULL: none), closes everything and frees it; then calls `gone` (may be
 * NULL), and none of the callbacks any more. */
void bgp_peer_stop(struct bgp_peer *peer, const struct bgp_error *cease, void (*gone)(void *arg), void *arg);

/* Ends the session with `cease`, and opens it again. */
void bgp_peer_reset(struct bgp_peer *peer, const struct bgp_error *cease);

/* The neighbour is out of reach, says BFD: ends the session, and opens another after a pause. */
void bgp_peer_bfd_down(struct bgp_peer *peer, const char *why);

/* It is within reach again: doesn't wait any longer for the next attempt. */
void bgp_peer_hurry(struct bgp_peer *peer);

/* Queues one whole message. False when there is no room, or the session isn't established: try again at
 * `sent` or `up`. */
bool bgp_peer_write(struct bgp_peer *peer, const uint8_t *bytes, size_t octets);

/* Whether all that was queued has been handed to the kernel. */
bool bgp_peer_is_flushed(const struct bgp_peer *peer);

/* Whether the neighbour's host has acknowledged all that was queued. */
bool bgp_peer_is_acknowledged(const struct bgp_peer *peer);

const struct bgp_session *bgp_peer_session(const struct bgp_peer *peer);
const struct bgp_peer_settings *bgp_peer_settings(const struct bgp_peer *peer);

/* The session's own address, for announce/next_hop. Family 0 when there is none. */
const union settings_address *bgp_peer_local(const struct bgp_peer *peer);

/* Where the latest attempt to connect went. Family 0 before the first. */
const union settings_address *bgp_peer_remote(const struct bgp_peer *peer);

/* State, since when, last error, counts of messages, what was agreed. New reference or NULL. */
json_t *bgp_peer_status(const struct bgp_peer *peer, struct mono now);

#endif
