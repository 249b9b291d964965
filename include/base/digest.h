/* SPDX-License-Identifier: BSD-2-Clause
 *
 * BLAKE2b-256 (RFC 7693) of much data, as a tree of two levels: so that several cores, and on each of them
 * several lanes of its vector unit, can work at it side by side.
 *
 *     data -> leaves of DIGEST_LEAF_OCTETS, the last one perhaps shorter -> BLAKE2b-256 of each leaf
 *          -> BLAKE2b-256 of the leaves' digests, one behind the other, is the digest
 *
 * It doesn't depend on who found it: any implementation of BLAKE2b gives the same.
 */
#ifndef HITHER_BASE_DIGEST_H
#define HITHER_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_OCTETS      32
#define DIGEST_LEAF_OCTETS ((size_t)64 * 1024)

static inline size_t digest_leaf_count(size_t octets)
{
    return (octets + DIGEST_LEAF_OCTETS - 1) / DIGEST_LEAF_OCTETS;
}

/* The digests of the leaves of `octets` of `bytes`: digest_leaf_count(octets) of them. */
void digest_leaves(uint8_t (*digests)[DIGEST_OCTETS], const uint8_t *bytes, size_t octets);

void digest_root(uint8_t digest[DIGEST_OCTETS], const uint8_t (*leaves)[DIGEST_OCTETS], size_t count);

/* Both in one, on the calling thread alone. */
void digest_tree(uint8_t digest[DIGEST_OCTETS], const uint8_t *bytes, size_t octets);

#endif
