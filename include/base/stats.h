/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Counters of one worker. Written by that worker alone with relaxed stores, so counting costs no more than an
 * addition; whoever reads sums over the workers. What can be counted once for a batch is; no clock is asked
 * for a query, and for one batch in SAMPLE_EVERY alone.
 */
#ifndef HITHER_BASE_STATS_H
#define HITHER_BASE_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATS_RCODES 24   /* 0-23 as RFC 6895 assigns them; BADVERS is 16, BADCOOKIE 23 */
#define STATS_TYPES  260  /* 0-257 by number, then 258: others */
#define STATS_ZONES  1024 /* zones with a counter of their own; 0 is for all others */
#define STATS_SIZES  17   /* up to 2^i octets each: 65536 is the last */
#define STATS_SPANS  22   /* up to 2^i * 1024 ns each: the last but one is 1.07 s, then whatever is longer */
#define SAMPLE_EVERY 16   /* of so many batches one is timed, and the sizes of its answers looked at */

typedef _Atomic uint64_t stat_counter;

enum stats_transport {
    STATS_UDP,
    STATS_TCP,
    STATS_TRANSPORTS,
};

/* How many fell into each power of two, and what they come to. */
struct stats_sizes {
    stat_counter octets;
    stat_counter counts[STATS_SIZES + 1]; /* none is in the last, which has no end */
};

struct stats_spans {
    stat_counter ns;
    stat_counter counts[STATS_SPANS];
};

struct worker_stats {
    /* What came, dropped or not; by the query walk, not by the sockets. The second index: whether the client
     * has an IPv6 address. */
    stat_counter queries[STATS_TRANSPORTS][2];
    stat_counter answers;
    stat_counter dropped_short;     /* shorter than a header */
    stat_counter dropped_response;  /* QR was set */
    stat_counter dropped_limit;     /* by rate limiting */
    stat_counter dropped_refused;   /* REFUSED, where the operator keeps that to himself */
    stat_counter dropped_queue;     /* by the kernel: the socket's queue was full */
    stat_counter limited_truncated; /* answered with TC, by rate limiting */
    stat_counter limited_badcookie; /* answered with a cookie, by rate limiting */
    stat_counter truncated;
    stat_counter cookies_client; /* queries with a client's cookie alone */
    stat_counter cookies_both;   /* with a server's as well, good or bad */
    stat_counter octets_in; /* on the wire, by the sockets: with the length fields of TCP, and transfers */
    stat_counter octets_out;
    stat_counter send_failed;
    stat_counter tcp_accepted;
    stat_counter tcp_refused; /* for want of room */
    stat_counter tcp_limited; /* too many from one prefix */
    stat_counter tcp_idle_closed;
    stat_counter tcp_open; /* connections now */
    stat_counter cpu_ns;   /* that the thread has run */
    stat_counter lag_ns;   /* the most that the loop was late in the last half minute to minute */
    struct stats_sizes sizes[STATS_TRANSPORTS]; /* of answers; samples, like the next */
    struct stats_spans spans[STATS_TRANSPORTS]; /* from taking a query to handing its answer over */
    stat_counter rcodes[STATS_RCODES];
    stat_counter types[STATS_TYPES];
    stat_counter zones[STATS_ZONES];    /* queries by zone_image.counter */
    unsigned batches[STATS_TRANSPORTS]; /* the worker's own: which one is a sample */
} __attribute__((aligned(64)));

/* Of the server's main thread. */
struct server_stats {
    stat_counter reloads_done;
    stat_counter reloads_refused; /* wholly or in part */
    stat_counter reload_ns;       /* that all of them took */
    stat_counter last_reload_ns;
    stat_counter last_reload_unix_s; /* 0: none yet */
    stat_counter log_dropped;      /* queries that weren't logged, or not sent to dnstap, for want of room */
    stat_counter last_reload_good; /* 1: nothing was refused */
};

static inline void stat_add(stat_counter *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline void stat_set(stat_counter *counter, uint64_t n)
{
    atomic_store_explicit(counter, n, memory_order_relaxed);
}

static inline uint64_t stat_read(const stat_counter *counter)
{
    return atomic_load_explicit((stat_counter *)(uintptr_t)counter, memory_order_relaxed);
}

static inline uint64_t stats_queries(const struct worker_stats *stats, enum stats_transport transport)
{
    return stat_read(&stats->queries[transport][0]) + stat_read(&stats->queries[transport][1]);
}

/* The smallest power of two that holds `n`. */
static inline unsigned stats_power(uint64_t n)
{
    return n > 1 ? 64U - (unsigned)__builtin_clzll(n - 1) : 0;
}

/* Whether the batch that begins is one of those that are looked at more closely. */
static inline bool stats_is_sample(struct worker_stats *stats, enum stats_transport transport)
{
    return stats->batches[transport]++ % SAMPLE_EVERY == 0;
}

/* A message of at most 65536 octets; 0: none was sent. */
static inline void stats_size(struct stats_sizes *sizes, size_t octets)
{
    if (octets == 0)
        return;
    stat_add(&sizes->counts[stats_power(octets)], 1);
    stat_add(&sizes->octets, octets);
}

/* `count` queries took `ns` each. */
static inline void stats_span(struct stats_spans *spans, int64_t ns, uint64_t count)
{
    uint64_t span = ns > 0 ? (uint64_t)ns : 0;
    unsigned power = stats_power((span + 1023) / 1024);
    stat_add(&spans->counts[power < STATS_SPANS ? power : STATS_SPANS - 1], count);
    stat_add(&spans->ns, span * count);
}

#endif
