/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The servers that a zone is handed on to: who may transfer it, and who is told when it has changed. Made
 * from the configuration, shared by all zones of one entry, immutable while more than one holds it.
 *
 * RFCs: 1996 (NOTIFY), 5936 5 (who may transfer), 8945 (keys).
 */
#ifndef HITHER_ZONE_PEERS_H
#define HITHER_ZONE_PEERS_H

#include "zone/access.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* One to be told. */
struct zone_target {
    union {
        struct sockaddr sa;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    } address;
    bool keyed;
    uint8_t key[NAME_MAX_OCTETS]; /* folded name of the key to sign with, when `keyed` */
};

struct zone_peers {
    atomic_uint references;
    size_t grant_count;
    size_t target_count;
    struct zone_grant *grants;
    struct zone_target *targets;
};

/* Room for so many of each, zeroed. One reference. NULL when memory is short. */
struct zone_peers *zone_peers_new(size_t grants, size_t targets);

/* NULL stays NULL in both: a zone that is handed on to nobody. */
struct zone_peers *zone_peers_hold(struct zone_peers *peers);
void zone_peers_release(struct zone_peers *peers);

/* Whether a client at this address may transfer the zone. `key` is the folded name of the key that its query
 * was signed with (and verified), or NULL. Nobody may when `peers` is NULL. */
bool zone_peers_allow(const struct zone_peers *peers, const struct sockaddr *client, const uint8_t *key);

#endif
