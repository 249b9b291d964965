/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether a message may be answered, and how: what stands between parsing and looking anything up. Two things
 * are asked of a client over UDP, whose address may be forged: the cookie where the operator requires it, and
 * moderation (response rate limiting).
 *
 * What is limited is what a victim of forged queries suffers: octets of answers, a second, to a prefix of
 * clients. So there is one number, which holds for whatever is asked, small answers are cheap, and no choice
 * of names or types gets around it. Two steps decide:
 *
 *     cell      a few octets for each of many groups of prefixes, each worker's own: half of the rate, shared
 *               out among the workers, is given here each second, at the price of some twenty instructions
 *     bucket    base/bucket, for one prefix, of all workers: what goes beyond that is given from the other
 *               half of the rate, with a second's worth at once
 *
 * Prefixes that share a cell with a flood are only looked at more closely; each has a bucket of its own. A
 * client with a good server cookie (or key) is answered whatever its neighbours do, and so is one over TCP.
 * Of what is too much, one in `slip` is answered all the same, so that a real client in a flooded prefix gets
 * through: with BADCOOKIE and a cookie to whoever sends cookies, else with TC, either not much larger than
 * the query.
 *
 * RFCs: 7873 5.2 (cookies).
 */
#ifndef HITHER_ANSWER_LIMIT_H
#define HITHER_ANSWER_LIMIT_H

#include "answer/context.h"
#include "answer/parse.h"
#include "base/bucket.h"
#include "zone/set.h"

#include <netinet/in.h>

#define LIMIT_CELL_BITS 14 /* 64 KiB of them: they stay in a worker's second-level cache */
#define LIMIT_CELLS     (1U << LIMIT_CELL_BITS)
#define LIMIT_TICK_BITS 10 /* a tick is 1024 ms */
#define LIMIT_UNIT_BITS 4  /* octets are counted by 16 */
#define LIMIT_COUNT     0xfffffU
#define LIMIT_FREE_MOST 0x7ffffU

enum limit_verdict {
    LIMIT_PASS,
    LIMIT_DROP,
    LIMIT_TRUNCATE,  /* answer with TC, so that it comes back over TCP */
    LIMIT_BADCOOKIE, /* it sends cookies: answer with a good one */
};

/* One for each worker. */
struct limiter {
    struct bucket_table *buckets; /* of all of them */
    uint64_t multiplier;          /* secret, odd: chooses the cell */
    uint64_t random;              /* chooses who slips */
    uint64_t now_ms;              /* monotonic */
    uint64_t told_ms;             /* when the log said last that somebody is limited */
    uint32_t tick;                /* in the place that cells have it at */
    uint32_t cells[LIMIT_CELLS];  /* tick << 20 | units given in it */
};

/* What an answer is charged to; neither: nothing. */
struct limit_account {
    uint32_t *cell;
    struct bucket *bucket;
};

/* NULL when memory is short. `buckets` outlive it. */
struct limiter *limiter_new(struct bucket_table *buckets);

void limiter_free(struct limiter *limiter);

/* What `octets` a second to each prefix come to for each of `workers`. 0: no limit. */
void limit_policy_set_rate(struct limit_policy *limit, uint32_t octets, unsigned workers);

/* The prefix that the client is of, in one number that isn't 0. */
static inline uint64_t limit_key(const struct limit_policy *limit, const struct sockaddr *client)
{
    if (client->sa_family == AF_INET) {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)client;
        return UINT64_C(1) << 32 | (ntohl(in4->sin_addr.s_addr) & limit->ipv4_mask);
    }
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)client;
    uint64_t high;
    __builtin_memcpy(&high, &in6->sin6_addr, sizeof high);
    high = __builtin_bswap64(high) & limit->ipv6_mask;
    return high != 0 ? high : 1;
}

/* Whether the client is one of ours, or of the operator's exceptions. */
bool limit_is_exempt(const struct limit_policy *limit, const struct sockaddr *client);

/* For whoever finds its cell's share used up. */
enum limit_verdict limit_look_closely(struct limiter *limiter, const struct query *query,
                                      const struct answer_policy *policy, uint32_t now_s, uint64_t key,
                                      struct limit_account *account);

/* At the beginning of a batch. */
static inline void limit_begin(struct limiter *limiter, uint64_t now_ms)
{
    limiter->now_ms = now_ms;
    limiter->tick = (uint32_t)(now_ms >> LIMIT_TICK_BITS) << 20;
}

/* Judges a message over UDP. */
static inline enum limit_verdict limit_admit(struct limiter *limiter, const struct query *query,
                                             const struct answer_policy *policy, uint32_t now_s,
                                             struct limit_account *account)
{
    const struct limit_policy *limit = &policy->limit;
    uint64_t key = limit_key(limit, query->message->client);
    uint32_t *cell = &limiter->cells[key * limiter->multiplier >> (64 - LIMIT_CELL_BITS)];
    uint32_t given = *cell ^ limiter->tick;
    if (given > LIMIT_COUNT) {
        /* Another second. What was given beyond the last one's share counts for this one. */
        uint32_t count = *cell & LIMIT_COUNT;
        given = count > limit->free_units ? count - limit->free_units : 0;
        *cell = limiter->tick | given;
    }
    if (given >= limit->free_units)
        return limit_look_closely(limiter, query, policy, now_s, key, account);
    account->cell = cell;
    return LIMIT_PASS;
}

static inline void limit_charge(const struct limiter *limiter, const struct limit_policy *limit,
                                const struct limit_account *account, size_t octets)
{
    if (account->cell != NULL)
        *account->cell += (uint32_t)(octets >> LIMIT_UNIT_BITS) + 1;
    else if (account->bucket != NULL)
        bucket_charge(account->bucket, limiter->now_ms * 1000000, octets * limit->octet_ns);
}

/* Whether the client's cookie has to be one of ours and isn't: then the query's rcode is set. */
bool limit_refuses_cookie(struct query *query, const struct answer_policy *policy, uint32_t now_s);

/* Whether this client may ask the zone of `image`, in a set that is restricted. This host always may, or its
 * checks of itself would fail. */
bool limit_shows_zone(const struct query *query, const struct zone_set *set, const struct zone_image *image);

#endif
