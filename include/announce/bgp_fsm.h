/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The BGP-4 state machine (RFC 4271 8) of one neighbour: a table of state and event that gives actions. It
 * does no I/O, asks no clock and draws no random numbers: all of that comes in with the event, so a scenario
 * replays in virtual time and a fuzzer needs no socket.
 *
 * We only ever open the connection ourselves: there is no listener, so no collision and no passive state;
 * Active is the wait for the next attempt, as the RFC has it for a connection that failed after it was up.
 * What RFC 4271 calls AutomaticStart with DampPeerOscillations is our Idle with a timer that backs off.
 *
 * RFCs: 4271 8 and 10, 6608 (FSM error subcodes), 9687 (send hold timer), 9384 (BFD down), 8538 not: no
 * graceful restart.
 */
#ifndef HITHER_ANNOUNCE_BGP_FSM_H
#define HITHER_ANNOUNCE_BGP_FSM_H

#include "announce/bgp_message.h"
#include "announce/bgp_read.h"
#include "base/clock.h"

enum bgp_state {
    BGP_IDLE,
    BGP_CONNECT,
    BGP_ACTIVE,
    BGP_OPEN_SENT,
    BGP_OPEN_CONFIRM,
    BGP_ESTABLISHED,
};

/* The RFC's numbers in brackets. */
enum bgp_event_kind {
    BGP_EVENT_START,             /* [1, 3] by the operator, or the idle timer */
    BGP_EVENT_STOP,              /* [2, 8] `error` is the Cease to send */
    BGP_EVENT_CONNECT_RETRY,     /* [9] ConnectRetryTimer_Expires */
    BGP_EVENT_HOLD,              /* [10] HoldTimer_Expires */
    BGP_EVENT_KEEPALIVE_DUE,     /* [11] KeepaliveTimer_Expires */
    BGP_EVENT_CONNECTED,         /* [16, 17] */
    BGP_EVENT_CONNECTION_FAILED, /* [18] refused, reset, closed */
    BGP_EVENT_OPEN,              /* [19] whose content passed bgp_open_check() */
    BGP_EVENT_BAD_MESSAGE,       /* [21, 22, 28] `error` is the NOTIFICATION that is due */
    BGP_EVENT_NOTIFICATION,      /* [24, 25] */
    BGP_EVENT_KEEPALIVE,         /* [26] */
    BGP_EVENT_UPDATE,            /* [27] */
    BGP_EVENT_ROUTE_REFRESH,     /* RFC 2918 */
    BGP_EVENT_SEND_HOLD,         /* [29] SendHoldTimer_Expires, RFC 9687 */
    BGP_EVENT_SENT,              /* the peer's side took bytes of ours */
    BGP_EVENT_BFD_DOWN,          /* RFC 5882 4.2, 9384 */
};

struct bgp_event {
    enum bgp_event_kind kind;
    uint32_t random;               /* fresh with every event */
    const struct bgp_open *open;   /* BGP_EVENT_OPEN */
    const struct bgp_error *error; /* BGP_EVENT_STOP (or NULL: none), _BAD_MESSAGE, _NOTIFICATION */
};

/* What is to be done, in this order. */
struct bgp_actions {
    bool send_open;
    bool send_keepalive;
    bool send_notification; /* `error` of the actions */
    bool close;             /* after what was written has left */
    bool connect;           /* a new connection */
    bool up;                /* the session is established: send the routes */
    bool down;              /* it was established: what was sent is forgotten */
    struct bgp_error error;
};

struct bgp_session {
    enum bgp_state state;
    uint16_t hold_time_s;   /* configured; never below 3 */
    uint16_t agreed_hold_s; /* from OpenConfirm on */
    bool open_checked;      /* `peer` is the content of a checked OPEN of this connection */
    struct bgp_open peer;
    unsigned failures;     /* in a row, for backing off */
    bool protocol_failure; /* the last was more than an unreachable neighbour */
    struct mono since;     /* of the state */
    /* Deadlines; zero: not running. */
    struct mono idle_until;
    struct mono connect_retry_at;
    struct mono hold_at;
    struct mono keepalive_at;
    struct mono send_hold_at;
};

#define BGP_CONNECT_TIMEOUT_MS   5000  /* of one attempt */
#define BGP_OPEN_TIMEOUT_MS      30000 /* for the peer's OPEN */
#define BGP_RETRY_FIRST_MS       1000  /* then doubling */
#define BGP_RETRY_MAX_MS         60000 /* when the peer's bytes were wrong, or ours were to the peer */
#define BGP_RETRY_UNREACHABLE_MS 10000 /* when it just isn't there: it may be back any moment */
#define BGP_STABLE_MS            30000 /* established for so long forgives all failures */

/* `hold_time_s` below 3 is taken as 3. */
void bgp_fsm_init(struct bgp_session *session, uint16_t hold_time_s, struct mono now);

struct bgp_actions bgp_fsm_step(struct bgp_session *session, const struct bgp_event *event, struct mono now);

/* The earliest deadline; zero when no timer runs. */
struct mono bgp_fsm_deadline(const struct bgp_session *session);

/* Which timer has expired at `now`, as the event to step with (and to ask again after); false when none has.
 */
bool bgp_fsm_expired(const struct bgp_session *session, struct mono now, enum bgp_event_kind *kind);

/* The event for a message that bgp_read() gave, its OPEN judged by `demand`. `error` is room for the
 * NOTIFICATION that is due; the event points into `message` and `error`. */
struct bgp_event bgp_fsm_event_of(enum bgp_read_result result, const struct bgp_message *message,
                                  const struct bgp_demand *demand, struct bgp_error *error);

const char *bgp_state_name(enum bgp_state state);

#endif
