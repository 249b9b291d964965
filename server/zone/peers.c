/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/peers.h"

#include <stdlib.h>

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

bool zone_peers_allow(const struct zone_peers *peers, const struct sockaddr *client, const uint8_t *key)
{
    return peers != NULL && zone_grants_allow(peers->grants, peers->grant_count, client, key);
}
