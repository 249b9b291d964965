/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hash of RFC 5155 5 (SHA-1 by nettle), and its presentation in owner names (base32hex, RFC 4648 7).
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

/* The hash that the first label of an NSEC3 owner spells. False when it isn't one. */
bool nsec3_hash_of_owner(uint8_t hash[NSEC3_HASH_OCTETS], const uint8_t *owner);

#endif
