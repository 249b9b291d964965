/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/peers.h"

#include <stdlib.h>
#include <string.h>

struct zone_peers *zone_peers_new(size_t grants, size_t targets)
{
    struct zone_peers *peers = calloc(1, sizeof *peers);
    if (peers == NULL)
        return NULL;
    atomic_init(&peers->references, 1);
    peers->grants = calloc(grants > 0 ? grants : 1, sizeof *peers->grants);
    peers->targets = calloc(targets > 0 ? targets : 1, sizeof *peers->targets);
    if (peers->grants == NULL || peers->targets == NULL) {
        zone_peers_release(peers);
        return NULL;
    }
    peers->grant_count = grants;
    peers->target_count = targets;
    return peers;
}

struct zone_peers *zone_peers_hold(struct zone_peers *peers)
{
    if (peers != NULL)
        atomic_fetch_add_explicit(&peers->references, 1, memory_order_relaxed);
    return peers;
}

void zone_peers_release(struct zone_peers *peers)
{
    if (peers == NULL || atomic_fetch_sub_explicit(&peers->references, 1, memory_order_acq_rel) != 1)
        return;
    free(peers->grants);
    free(peers->targets);
    free(peers);
}

/* The address without its port, and an IPv4 address that came in IPv6 dress as what it is. */
static const uint8_t *address_octets(const struct sockaddr *client, uint8_t *family)
{
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)client;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)client;
    *family = (uint8_t)client->sa_family;
    if (client->sa_family == AF_INET)
        return (const uint8_t *)&in4->sin_addr;
    if (client->sa_family != AF_INET6)
        return NULL;
    if (!IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        return in6->sin6_addr.s6_addr;
    *family = AF_INET;
    return in6->sin6_addr.s6_addr + 12;
}

static bool covers(const struct zone_grant *grant, const uint8_t *address)
{
    size_t whole = grant->bits / 8;
    unsigned rest = grant->bits % 8;
    uint8_t mask = (uint8_t)(0xff00U >> rest);
    return memcmp(grant->octets, address, whole) == 0 &&
           (rest == 0 || ((grant->octets[whole] ^ address[whole]) & mask) == 0);
}

static bool fits(const struct zone_grant *grant, const struct sockaddr *client, const uint8_t *key)
{
    if (grant->keyed && (key == NULL || !name_equal(grant->key, key)))
        return false;
    if (grant->family == 0)
        return grant->keyed;
    uint8_t family = 0;
    const uint8_t *address = client != NULL ? address_octets(client, &family) : NULL;
    return address != NULL && family == grant->family && covers(grant, address);
}

bool zone_peers_allow(const struct zone_peers *peers, const struct sockaddr *client, const uint8_t *key)
{
    for (size_t i = 0; peers != NULL && i < peers->grant_count; i++) {
        if (fits(&peers->grants[i], client, key))
            return true;
    }
    return false;
}
