/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/digest.h"

#include "base/digest_lanes.h"

#include <sodium.h>

#define LEAVES_AT_ONCE 32

void digest_leaves(uint8_t (*digests)[DIGEST_OCTETS], const uint8_t *bytes, size_t octets)
{
    struct digest_lanes lanes = digest_lanes_here();
    while (lanes.count > 0 && octets >= lanes.count * DIGEST_LEAF_OCTETS) {
        lanes.run(digests, bytes);
        digests += lanes.count;
        bytes += lanes.count * DIGEST_LEAF_OCTETS;
        octets -= lanes.count * DIGEST_LEAF_OCTETS;
    }
    while (octets > 0) {
        size_t leaf = octets < DIGEST_LEAF_OCTETS ? octets : DIGEST_LEAF_OCTETS;
        crypto_generichash(*digests++, DIGEST_OCTETS, bytes, leaf, NULL, 0);
        bytes += leaf;
        octets -= leaf;
    }
}

void digest_root(uint8_t digest[DIGEST_OCTETS], const uint8_t (*leaves)[DIGEST_OCTETS], size_t count)
{
    crypto_generichash(digest, DIGEST_OCTETS, (const uint8_t *)leaves, count * DIGEST_OCTETS, NULL, 0);
}

void digest_tree(uint8_t digest[DIGEST_OCTETS], const uint8_t *bytes, size_t octets)
{
    crypto_generichash_state root;
    uint8_t leaves[LEAVES_AT_ONCE][DIGEST_OCTETS];
    crypto_generichash_init(&root, NULL, 0, DIGEST_OCTETS);
    while (octets > 0) {
        size_t some =
            octets < LEAVES_AT_ONCE * DIGEST_LEAF_OCTETS ? octets : LEAVES_AT_ONCE * DIGEST_LEAF_OCTETS;
        digest_leaves(leaves, bytes, some);
        crypto_generichash_update(&root, leaves[0], digest_leaf_count(some) * DIGEST_OCTETS);
        bytes += some;
        octets -= some;
    }
    crypto_generichash_final(&root, digest, DIGEST_OCTETS);
}
