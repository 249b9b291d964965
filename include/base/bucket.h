/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Leaky buckets by key, for all workers together: how much a client prefix has been given of late. A bucket
 * is one number, the time at which what was given will be paid for; giving moves it on, and whoever is paid
 * up less than a burst ahead of now may have more (the generic cell rate algorithm). So nothing runs when
 * nobody asks, and all time comes in as an argument.
 *
 * The table has a fixed size. A key finds its set of places by SipHash with a secret of this process, so
 * nobody outside can aim at a place; when all places of the set are taken, the bucket that owes least makes
 * room. Writers race with plain atomic loads and stores: what that loses is a few answers.
 */
#ifndef HITHER_BASE_BUCKET_H
#define HITHER_BASE_BUCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BUCKET_SETS 4096
#define BUCKET_WAYS 4 /* of a set: a cache line */

struct bucket {
    _Atomic uint64_t key; /* 0: free */
    _Atomic uint64_t paid_ns;
};

struct bucket_table;

/* NULL when memory is short. */
struct bucket_table *bucket_table_new(void);

void bucket_table_free(struct bucket_table *table);

/* SipHash of `key` with the table's secret. */
uint64_t bucket_hash(const struct bucket_table *table, uint64_t key);

/* The bucket of `key` (not 0), which may be a new one. */
struct bucket *bucket_find(struct bucket_table *table, uint64_t key, uint64_t now_ns);

/* Whether it owes less than `burst_ns`. */
static inline bool bucket_has_room(const struct bucket *bucket, uint64_t now_ns, uint64_t burst_ns)
{
    uint64_t paid_ns =
        atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&bucket->paid_ns, memory_order_relaxed);
    return paid_ns < now_ns + burst_ns;
}

/* Lets it owe `cost_ns` more. */
static inline void bucket_charge(struct bucket *bucket, uint64_t now_ns, uint64_t cost_ns)
{
    uint64_t paid_ns = atomic_load_explicit(&bucket->paid_ns, memory_order_relaxed);
    uint64_t next_ns;
    do
        next_ns = (paid_ns > now_ns ? paid_ns : now_ns) + cost_ns;
    while (!atomic_compare_exchange_weak_explicit(&bucket->paid_ns, &paid_ns, next_ns, memory_order_relaxed,
                                                  memory_order_relaxed));
}

#endif
