/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hash of RFC 5155 5 (SHA-1 by nettle, of many names in zone/sha1_lanes), and its presentation in owner
 * names (base32hex, RFC 4648 7).
 */
#ifndef HITHER_ZONE_NSEC3_H
#define HITHER_ZONE_NSEC3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSEC3_HASH_OCTETS     20
#define NSEC3_LABEL_OCTETS    32
#define NSEC3_MOST_ITERATIONS 500 /* RFC 9276 asks for 0; beyond this a zone is refused */

/* H(`name`), a folded wire name of `octets`. */
void nsec3_hash(uint8_t hash[NSEC3_HASH_OCTETS], const uint8_t *name, size_t octets, const uint8_t *salt,
                size_t salt_octets, unsigned iterations);

/* A name to hash, and where its hash goes. */
struct nsec3_name {
    const uint8_t *name; /* folded */
    const uint8_t *salt;
    size_t octets;
    size_t salt_octets;
    unsigned iterations;
    uint8_t *hash; /* NSEC3_HASH_OCTETS */
};

/* nsec3_hash() of all of them, side by side. */
void nsec3_hash_all(const struct nsec3_name *names, size_t count);

/* The hash that the first label of an NSEC3 owner spells. False when it isn't one. */
bool nsec3_hash_of_owner(uint8_t hash[NSEC3_HASH_OCTETS], const uint8_t *owner);

#endif
