/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a worker takes questions for names that aren't ours: it answers from its cache, or lets the client
 * wait and has the resolver search, once for all who ask the same.
 *
 *     desk_take() -> allowed? -> cache: fresh ------------------------------> answer
 *                                       none, or past its end -> search ..... answer, or what is past its end
 *
 * Bounds: searches at a time, those for names below one suffix, and those that one client waits for. Beyond
 * them SERVFAIL at once (or a stale answer), so that a flood of names that don't exist costs others nothing.
 *
 * RFCs: 2308 and 9520 (what isn't there, what failed), 4035 3.2 (AD, CD), 8767 (stale answers), 8914
 * (extended errors).
 */
#ifndef HITHER_RESOLVE_DESK_H
#define HITHER_RESOLVE_DESK_H

#include "answer/context.h"
#include "answer/parse.h"
#include "resolve/cache.h"
#include "resolve/errand.h"
#include "resolve/resolver.h"

#include <uv.h>

#define DESK_SEARCHES_MOST 4096 /* at a time */
#define DESK_SUFFIX_MOST   1024 /* of these for names below one suffix of two labels */
#define DESK_WAITERS_MOST  16384
#define DESK_STALE_MS      1800 /* the longest that a client waits while there is a stale answer (RFC 8767 5) */
#define DESK_WAIT_MS       8000 /* and in any case */
#define DESK_TICK_MS       100
#define DESK_STALE_TTL_S   30 /* of a stale answer (RFC 8767 4) */
#define DESK_RETRY_S       30 /* until a search that failed is tried again while a stale answer is there */

struct desk;

/* Of one worker, on its loop. NULL when memory is short. `secret` keys the cache's hash. */
struct desk *desk_new(uv_loop_t *loop, struct answer_context *context, struct resolver *resolver,
                      size_t cache_octets, const uint64_t secret[2]);

/* After the resolver was stopped: nobody gets an answer any more. Frees `desk` once its loop has closed its
 * handles. */
void desk_close(struct desk *desk);

/* Answers the question or defers it: then `message->deferred` is set. Writes no more than the message's
 * capacity. The octets of the answer; 0 when deferred. The query's rcode says what was answered. */
size_t desk_take(struct desk *desk, struct query *query, struct answer_message *message,
                 const struct answer_policy *policy);

struct desk_figures {
    stat_counter hits;
    stat_counter misses;
    stat_counter stale;
    stat_counter prefetches;
    stat_counter coalesced;
    stat_counter refused; /* by `allow` */
    stat_counter limited; /* by a bound */
    stat_counter entries;
    stat_counter octets;
    stat_counter evicted;
    stat_counter searches; /* under way */
};

/* To be read by anyone at any time. */
const struct desk_figures *desk_figures(const struct desk *desk);

/* Lends the errand, from any thread but not once the desk may be closed: it comes back by its done(). One
 * that the end overtakes doesn't, and is its sender's again when the desk's thread has ended. */
void desk_send(struct desk *desk, struct errand *errand);

/* The cache, for the desk's own thread. */
struct cache *desk_cache(struct desk *desk);

#endif
