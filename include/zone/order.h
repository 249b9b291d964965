/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The two orders of negative proofs in an image: which NSEC covers a name, which NSEC3 covers a hash. Both
 * are sorted arrays whose entries begin with eight octets to compare as one number, so that a search comes
 * near a node only where those are the same.
 *
 * A name's place in canonical order is kept as octets: its labels without the apex from the right, folded,
 * each closed by a 0. For that 0 to be less than any octet of a label, 0 is written as 1 1 and 1 as 1 2. Two
 * names then compare as their octets do, a parent before its children.
 *
 * RFCs: 4034 6.1 (canonical order), 5155 7 (order of hashes).
 */
#ifndef HITHER_ZONE_ORDER_H
#define HITHER_ZONE_ORDER_H

#include "wire/name.h"
#include "zone/format.h"

#define ORDER_KEY_MOST (2 * NAME_MAX_OCTETS + IMAGE_NSEC_KEY_OCTETS)

/* The octets that stand for an owner of `octets` without the apex, folded, and zeros up to
 * IMAGE_NSEC_KEY_OCTETS when they are fewer. How many, these zeros not counted. */
size_t order_key(uint8_t key[ORDER_KEY_MOST], const uint8_t *owner, size_t octets);

/* The node in the NSEC order that owns the name of `octets` without the apex, or comes before it. */
const struct image_node *order_find_nsec(const uint8_t *image, const uint8_t *owner, size_t octets);

/* The last of `count` entries at or before `hash`; before the first comes the last, as the chain is a ring.
 */
const struct image_nsec3 *order_find_nsec3(const struct image_nsec3 *order, uint32_t count,
                                           const uint8_t *hash);

#endif
