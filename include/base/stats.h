/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Counters of one worker. Written by that worker alone with relaxed stores, so counting costs no more than an
 * addition; whoever reads sums over the workers.
 */
#ifndef HITHER_BASE_STATS_H
#define HITHER_BASE_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#define STATS_RCODES 24  /* 0-23 as RFC 6895 assigns them; BADVERS is 16, BADCOOKIE 23 */
#define STATS_TYPES  260 /* 0-257 by number, then 258: others */

typedef _Atomic uint64_t stat_counter;

struct worker_stats {
    stat_counter queries_udp; /* what came, dropped or not; by the query walk, not by the sockets */
    stat_counter queries_tcp;
    stat_counter answers;
    stat_counter dropped_short;    /* shorter than a header */
    stat_counter dropped_response; /* QR was set */
    stat_counter dropped_limit;    /* by rate limiting */
    stat_counter truncated;
    stat_counter octets_in; /* on the wire, by the sockets: with the length fields of TCP, and transfers */
    stat_counter octets_out;
    stat_counter send_failed;
    stat_counter tcp_accepted;
    stat_counter tcp_refused; /* over a limit */
    stat_counter tcp_idle_closed;
    stat_counter rcodes[STATS_RCODES];
    stat_counter types[STATS_TYPES];
} __attribute__((aligned(64)));

static inline void stat_add(stat_counter *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline uint64_t stat_read(const stat_counter *counter)
{
    return atomic_load_explicit((stat_counter *)(uintptr_t)counter, memory_order_relaxed);
}

#endif
