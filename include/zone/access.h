/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who may have something: lists of prefixes and keys, made from the configuration, shared by reference and
 * immutable. Of allow-transfer, allow-query and limits.exempt.
 *
 * RFCs: 8945 (keys).
 */
#ifndef HITHER_ZONE_ACCESS_H
#define HITHER_ZONE_ACCESS_H

#include "wire/name.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* One way to be let in: whatever is named here has to fit. */
struct zone_grant {
    uint8_t family;     /* AF_INET, AF_INET6, or 0: whatever the address */
    uint8_t bits;       /* of the prefix */
    uint8_t octets[16]; /* of the prefix, network order, host bits zero */
    bool keyed;
    uint8_t key[NAME_MAX_OCTETS]; /* folded name of the key that must have signed, when `keyed` */
};

struct zone_access {
    atomic_uint references;
    size_t count;
    struct zone_grant grants[];
};

/* Room for so many, zeroed. One reference. NULL when memory is short. */
struct zone_access *zone_access_new(size_t count);

/* NULL stays NULL in both. */
struct zone_access *zone_access_hold(struct zone_access *access);
void zone_access_release(struct zone_access *access);

/* Whether one of the grants fits a client at this address (NULL: unknown). `key` is the folded name of the
 * key that its query was signed with (and verified), or NULL. */
bool zone_grants_allow(const struct zone_grant *grants, size_t count, const struct sockaddr *client,
                       const uint8_t *key);

/* The same for a list; NULL allows nobody. */
bool zone_access_allows(const struct zone_access *access, const struct sockaddr *client, const uint8_t *key);

/* Makes `grant` that of one address. */
void zone_grant_address(struct zone_grant *grant, const struct sockaddr *address);

#endif
