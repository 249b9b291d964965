/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/limit.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdlib.h>

#define BURST_NS   UINT64_C(1000000000) /* what a bucket gives at once: a second's worth */
#define TELL_MS    60000
#define SECOND_NS  UINT64_C(1000000000)
#define LEAST_RATE 2

struct limiter *limiter_new(struct bucket_table *buckets)
{
    struct limiter *limiter = calloc(1, sizeof *limiter);
    if (limiter == NULL)
        return NULL;
    limiter->buckets = buckets;
    randombytes_buf(&limiter->multiplier, sizeof limiter->multiplier);
    randombytes_buf(&limiter->random, sizeof limiter->random);
    limiter->multiplier |= 1;
    return limiter;
}

void limiter_free(struct limiter *limiter)
{
    free(limiter);
}

/* A worker gives at least one answer from its cell, or the buckets would see everybody. */
void limit_policy_set_rate(struct limit_policy *limit, uint32_t octets, unsigned workers)
{
    uint32_t units = octets / 2 / (workers > 0 ? workers : 1) >> LIMIT_UNIT_BITS;
    limit->rate_octets = octets;
    limit->free_units = 0;
    if (octets == 0)
        return;
    limit->free_units = units < 1 ? 1 : units > LIMIT_FREE_MOST ? LIMIT_FREE_MOST : units;
    limit->octet_ns = SECOND_NS / (octets < LEAST_RATE ? 1 : octets / 2);
}

bool limit_is_exempt(const struct limit_policy *limit, const struct sockaddr *client)
{
    return zone_access_allows(limit->own, client, NULL) || zone_access_allows(limit->exempt, client, NULL);
}

static bool has_good_cookie(const struct query *query, const struct answer_policy *policy, uint32_t now_s)
{
    const struct edns *edns = &query->edns;
    return edns->cookie_octets > COOKIE_CLIENT_OCTETS &&
           cookie_holds(&policy->cookies, now_s, edns->cookie, edns->cookie + COOKIE_CLIENT_OCTETS,
                        (size_t)edns->cookie_octets - COOKIE_CLIENT_OCTETS, query->message->client);
}

/* Once in a while, for the operator who wonders. */
static void tell(struct limiter *limiter, const struct limit_policy *limit, const struct sockaddr *client)
{
    char text[INET6_ADDRSTRLEN] = "";
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)client;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)client;
    bool v4 = client->sa_family == AF_INET;
    if (limiter->told_ms != 0 && limiter->now_ms - limiter->told_ms < TELL_MS)
        return;
    limiter->told_ms = limiter->now_ms;
    (void)inet_ntop(client->sa_family, v4 ? (const void *)&in4->sin_addr : (const void *)&in6->sin6_addr,
                    text, sizeof text);
    log_warn("answers over UDP to the prefix of %s, and perhaps others, are limited to %u octets a second",
             text, limit->rate_octets);
}

/* Chance, so that nobody can time a flood such that only its own queries slip. */
static enum limit_verdict slip(struct limiter *limiter, const struct limit_policy *limit,
                               const struct query *query)
{
    limiter->random = limiter->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    if (limit->slip == 0 || (limiter->random >> 33) % limit->slip != 0)
        return LIMIT_DROP;
    return query->edns.cookie_octets > 0 ? LIMIT_BADCOOKIE : LIMIT_TRUNCATE;
}

enum limit_verdict limit_look_closely(struct limiter *limiter, const struct query *query,
                                      const struct answer_policy *policy, uint32_t now_s, uint64_t key,
                                      struct limit_account *account)
{
    const struct sockaddr *client = query->message->client;
    uint64_t now_ns = limiter->now_ms * 1000000;
    if (has_good_cookie(query, policy, now_s) || limit_is_exempt(&policy->limit, client))
        return LIMIT_PASS;
    struct bucket *bucket = bucket_find(limiter->buckets, key, now_ns);
    if (bucket_has_room(bucket, now_ns, BURST_NS)) {
        account->bucket = bucket;
        return LIMIT_PASS;
    }
    tell(limiter, &policy->limit, client);
    return slip(limiter, &policy->limit, query);
}

bool limit_refuses_cookie(struct query *query, const struct answer_policy *policy, uint32_t now_s)
{
    if (query->edns.cookie_octets == 0 || query->transport != ANSWER_UDP ||
        has_good_cookie(query, policy, now_s))
        return false;
    query->rcode = RCODE_BADCOOKIE;
    return true;
}

bool limit_shows_zone(const struct query *query, const struct zone_set *set, const struct zone_image *image)
{
    const struct zone_access *access = zone_set_access(set, image);
    const uint8_t *key = query->tsig != NULL ? query->tsig->key->name : NULL;
    return access == NULL || query->message->probe ||
           zone_access_allows(access, query->message->client, key) ||
           zone_access_allows(answer_policy_current()->limit.own, query->message->client, NULL);
}
