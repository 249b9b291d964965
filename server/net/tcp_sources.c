/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/tcp_sources.h"

#include "answer/limit.h"

#define BURST_NS UINT64_C(1000000000) /* a second's worth at once */
#define TCP_KEY  (UINT64_C(1) << 63)  /* apart from the buckets of answers: no prefix in use begins so */

static _Atomic uint32_t *counter(struct tcp_sources *sources, unsigned row, uint64_t hash)
{
    return &sources->open[row][hash >> (row * TCP_SOURCES_BITS) & ((1U << TCP_SOURCES_BITS) - 1)];
}

static uint32_t open_now(struct tcp_sources *sources, uint64_t hash)
{
    uint32_t first = atomic_load_explicit(counter(sources, 0, hash), memory_order_relaxed);
    uint32_t second = atomic_load_explicit(counter(sources, 1, hash), memory_order_relaxed);
    return first < second ? first : second;
}

static bool too_quick(struct tcp_sources *sources, const struct limit_policy *limit, uint64_t key,
                      uint64_t now_ms)
{
    uint64_t now_ns = now_ms * 1000000;
    if (limit->tcp_accept_ns == 0)
        return false;
    struct bucket *bucket = bucket_find(sources->buckets, key, now_ns);
    if (!bucket_has_room(bucket, now_ns, BURST_NS))
        return true;
    bucket_charge(bucket, now_ns, limit->tcp_accept_ns);
    return false;
}

bool tcp_sources_enter(struct tcp_sources *sources, const struct limit_policy *limit,
                       const struct sockaddr *client, uint64_t now_ms, uint64_t *key)
{
    *key = 0;
    if ((limit->tcp_connections == 0 && limit->tcp_accept_ns == 0) || limit_is_exempt(limit, client))
        return true;
    uint64_t prefix = limit_key(limit, client) ^ TCP_KEY;
    uint64_t hash = bucket_hash(sources->buckets, prefix);
    if (limit->tcp_connections > 0 && open_now(sources, hash) >= limit->tcp_connections)
        return false;
    if (too_quick(sources, limit, prefix, now_ms))
        return false;
    for (unsigned row = 0; row < 2; row++)
        (void)atomic_fetch_add_explicit(counter(sources, row, hash), 1, memory_order_relaxed);
    *key = prefix;
    return true;
}

void tcp_sources_leave(struct tcp_sources *sources, uint64_t key)
{
    if (key == 0)
        return;
    uint64_t hash = bucket_hash(sources->buckets, key);
    for (unsigned row = 0; row < 2; row++)
        (void)atomic_fetch_sub_explicit(counter(sources, row, hash), 1, memory_order_relaxed);
}
