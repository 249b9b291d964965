/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What answering needs beside the zones: the policy that all workers read, and each worker's own counters.
 */
#ifndef HITHER_ANSWER_CONTEXT_H
#define HITHER_ANSWER_CONTEXT_H

#include "answer/cookie.h"
#include "answer/query.h"
#include "answer/tap.h"
#include "base/stats.h"
#include "resolve/settings.h"
#include "wire/tsig.h"
#include "zone/access.h"

#include <stdint.h>

/* How much unproven clients get (answer/limit.h), and how many connections (net/tcp_sources.h). */
struct limit_policy {
    uint32_t rate_octets; /* a second, to a prefix; 0: no limit */
    uint32_t free_units;  /* of that, what a worker gives a cell of prefixes in a tick; 0: no limit */
    uint64_t octet_ns;    /* how long a bucket owes for an octet */
    uint32_t ipv4_mask;   /* of the prefixes that are taken together */
    uint64_t ipv6_mask;
    unsigned slip;              /* one answer in so many that are too much is given cut short; 0: none */
    uint32_t tcp_connections;   /* at a time from a prefix; 0: no limit */
    uint32_t tcp_accept_ns;     /* how long a prefix owes for a new connection; 0: no limit */
    bool drop_refused;          /* over UDP, REFUSED is kept to ourselves */
    struct zone_access *exempt; /* prefixes without limits; a reference; NULL: none */
    struct zone_access *own;    /* this host's addresses: never limited, and shown every zone; a reference */
};

/* Immutable once published; swapped whole at reload and freed when every worker has passed a quiescent state.
 */
struct answer_policy {
    char identity[256]; /* NSID, id.server, hostname.bind */
    uint8_t identity_octets;
    uint16_t udp_octets;     /* the largest UDP answer (RFC 9715): 1232 */
    uint32_t tcp_idle_100ms; /* for edns-tcp-keepalive (RFC 7828), in units of 100 ms; 0: say nothing */
    struct tsig_keys keys;
    struct cookie_secrets cookies;
    struct limit_policy limit;
    struct tap_rules taps;
    struct resolve_allow allow; /* who may ask for names that aren't ours */
    uint32_t stale_s;           /* how long past its end an answer is still given */
    uint32_t client_misses;     /* searches that one client may wait for */
    bool cookies_required; /* over UDP a client that sends a cookie must have one of ours: else BADCOOKIE */
};

/* Publishes a copy of `policy`, with references on its lists, for all workers. Called by the server's main
 * thread, which must not be inside a read side. 0, or -ENOMEM. */
int answer_policy_publish(const struct answer_policy *policy);

/* The policy in force, never NULL; for a thread registered with QSBR, valid until its next quiescent state.
 */
const struct answer_policy *answer_policy_current(void);

struct limiter;
struct desk;

struct answer_context {
    struct worker_stats *stats; /* this worker's own */
    struct tap *tap;            /* this worker's own; NULL: nothing is picked out */
    struct limiter *limiter;    /* NULL: nothing is limited */
    uint64_t now_ms;            /* monotonic; the owner keeps both fresh, once in each turn of its loop */
    uint32_t now_s;             /* Unix time */
    struct desk *desk;          /* where names that aren't ours are asked for; NULL: nowhere */
};

/* Picks out, of a batch that was answered, what the policy wants to see again. */
static inline void answer_tap(const struct answer_context *context, enum answer_transport transport,
                              const struct answer_message *messages, size_t count)
{
    const struct tap_rules *rules = &answer_policy_current()->taps;
    if (context->tap != NULL && tap_is_on(rules))
        tap_take(context->tap, rules, transport, messages, count);
}

#endif
