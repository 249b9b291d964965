/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The searches under way for one desk, and the clients that wait for each. Bounded in every direction. Knows
 * no sockets and no threads: time comes in, and what is found goes out by the desk.
 */
#ifndef HITHER_RESOLVE_WAITING_H
#define HITHER_RESOLVE_WAITING_H

#include "answer/deferred.h"
#include "answer/query.h"
#include "resolve/cache.h"
#include "resolve/resolver.h"

#include <stdbool.h>
#include <stdint.h>

/* A client that waits. Freed with what it was told. */
struct waiter {
    struct answer_deferred deferred; /* first */
    struct waiter *next;
    enum answer_transport transport;
    uint16_t client_slot;
    uint32_t query_octets;
    uint32_t capacity;
    uint8_t query[];
};

struct search {
    struct resolve_task task; /* lent to the resolver while it searches */
    struct search *next;      /* with the same place in the table */
    struct search *older;     /* of all, by their beginning */
    struct search *newer;
    struct waiter *waiters;
    struct waiter **last;
    uint64_t hash;
    uint64_t since_ms;
    uint16_t suffix_slot;
    uint8_t flags;  /* enum cache_key_flag */
    bool has_stale; /* an answer past its end is there to be given */
};

#define WAITING_TABLE   4096
#define WAITING_CLIENTS 4096 /* counters; clients that share one share its limit */
#define WAITING_SUFFIX  1024

struct waiting {
    struct search *table[WAITING_TABLE];
    struct search *oldest;
    struct search *newest;
    uint32_t searches;
    uint32_t waiters;
    uint16_t by_client[WAITING_CLIENTS];
    uint16_t by_suffix[WAITING_SUFFIX];
    uint64_t secret; /* so that nobody can choose whom to share a counter with */
};

struct search *waiting_find(const struct waiting *waiting, const struct cache_key *key);

/* A new search, for names below the suffix of that hash. NULL when a bound is reached or memory is short. */
struct search *waiting_begin(struct waiting *waiting, const struct cache_key *key, uint64_t suffix_hash,
                             uint64_t now_ms);

/* Takes it out of the table; its waiters were told. */
void waiting_end(struct waiting *waiting, struct search *search);

/* Lets the sender of `message` wait. NULL when a bound is reached (`most` for this client) or memory is
 * short.
 */
struct waiter *waiting_add(struct waiting *waiting, struct search *search,
                           const struct answer_message *message, enum answer_transport transport,
                           uint32_t most);

/* The first of those that wait, which no longer does; NULL: nobody. */
struct waiter *waiting_take(struct waiting *waiting, struct search *search);

/* The key that the search is for; points into it. */
struct cache_key search_key(const struct search *search);

#endif
