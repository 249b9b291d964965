/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What answering needs beside the zones: the policy that all workers read, and each worker's own counters.
 */
#ifndef HITHER_ANSWER_CONTEXT_H
#define HITHER_ANSWER_CONTEXT_H

#include "answer/cookie.h"
#include "answer/query.h"
#include "base/stats.h"
#include "wire/tsig.h"

#include <stdint.h>

/* Immutable once published; swapped whole at reload and freed when every worker has passed a quiescent state.
 */
struct answer_policy {
    char identity[256]; /* NSID, id.server, hostname.bind */
    uint8_t identity_octets;
    uint16_t udp_octets;     /* the largest UDP answer (RFC 9715): 1232 */
    uint32_t tcp_idle_100ms; /* for edns-tcp-keepalive (RFC 7828), in units of 100 ms; 0: say nothing */
    struct tsig_keys keys;
    struct cookie_secrets cookies;
    bool cookies_required; /* over UDP a client that sends a cookie must have one of ours: else BADCOOKIE */
};

/* Publishes a copy of `policy` for all workers. Called by the server's main thread, which must not be inside
 * a read side. 0, or -ENOMEM. */
int answer_policy_publish(const struct answer_policy *policy);

/* The policy in force, never NULL; for a thread registered with QSBR, valid until its next quiescent state.
 */
const struct answer_policy *answer_policy_current(void);

struct answer_context {
    struct worker_stats *stats; /* this worker's own */
    uint32_t now_s;             /* Unix time; the owner keeps it fresh, once in each turn of its loop */
};

#endif
