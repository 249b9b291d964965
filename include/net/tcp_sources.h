/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How many connections each prefix of clients has, and how quickly it makes new ones, over all workers. What
 * is open is counted in two rows of counters, each found by another part of the same SipHash; a prefix has as
 * many as the lesser of its two says. So the memory is fixed, nothing is ever thrown out, and a prefix is
 * taken for another's only when it shares both counters with large ones. New ones are a leaky bucket
 * (base/bucket.h).
 *
 * RFCs: 7766 6.2.2 (limits for each client), 9210 4.
 */
#ifndef HITHER_NET_TCP_SOURCES_H
#define HITHER_NET_TCP_SOURCES_H

#include "answer/context.h"
#include "base/bucket.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define TCP_SOURCES_BITS 14 /* counters of a row: 2^ so many */

/* Zeroed; `buckets` set by the owner. Written by all workers. */
struct tcp_sources {
    struct bucket_table *buckets;
    _Atomic uint32_t open[2][1U << TCP_SOURCES_BITS];
};

/* Whether the client may have one more connection; then it is counted, and `key` is what it is counted by
 * until tcp_sources_leave(): 0 for those that aren't counted. */
bool tcp_sources_enter(struct tcp_sources *sources, const struct limit_policy *limit,
                       const struct sockaddr *client, uint64_t now_ms, uint64_t *key);

void tcp_sources_leave(struct tcp_sources *sources, uint64_t key);

#endif
