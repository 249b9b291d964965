/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/access.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct zone_access *zone_access_new(size_t count)
{
    struct zone_access *access = calloc(1, sizeof *access + count * sizeof access->grants[0]);
    if (access == NULL)
        return NULL;
    atomic_init(&access->references, 1);
    access->count = count;
    return access;
}

struct zone_access *zone_access_hold(struct zone_access *access)
{
    if (access != NULL)
        atomic_fetch_add_explicit(&access->references, 1, memory_order_relaxed);
    return access;
}

void zone_access_release(struct zone_access *access)
{
    if (access != NULL && atomic_fetch_sub_explicit(&access->references, 1, memory_order_acq_rel) == 1)
        free(access);
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

bool zone_grants_allow(const struct zone_grant *grants, size_t count, const struct sockaddr *client,
                       const uint8_t *key)
{
    for (size_t i = 0; i < count; i++) {
        if (fits(&grants[i], client, key))
            return true;
    }
    return false;
}

bool zone_access_allows(const struct zone_access *access, const struct sockaddr *client, const uint8_t *key)
{
    return access != NULL && zone_grants_allow(access->grants, access->count, client, key);
}

void zone_grant_address(struct zone_grant *grant, const struct sockaddr *address)
{
    uint8_t family = 0;
    const uint8_t *octets = address_octets(address, &family);
    *grant = (struct zone_grant){.family = family, .bits = family == AF_INET ? 32 : 128};
    if (octets != NULL)
        memcpy(grant->octets, octets, grant->bits / 8U);
}
