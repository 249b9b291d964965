/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Records out of an image with their names spelt out: for whoever puts them where the pointers of the image
 * don't hold, be it far down a message, in a transfer, or beside the records of another image.
 *
 * RFCs: 1035 4.1.4, 3597 4.
 */
#ifndef HITHER_ZONE_EXPAND_H
#define HITHER_ZONE_EXPAND_H

#include "wire/writer.h"
#include "zone/format.h"

#include <stdbool.h>

#define RECORD_BEFORE_RDATA 12 /* of a record in an image: owner's pointer, type, class, TTL, length */

static inline uint16_t record_u16(const uint8_t *at)
{
    /* A set without signatures is stepped over by its octets, which the analyzer can't see from here. */
    return (uint16_t)(at[0] << 8 | at[1]); /* NOLINT(clang-analyzer-core.NullDereference) */
}

/* Octets of the record at `record` in an image, whose owner is a pointer. */
static inline size_t record_octets(const uint8_t *record)
{
    return RECORD_BEFORE_RDATA + (size_t)record_u16(record + 10);
}

/* Appends what follows the owner of the record at `at` octets into the records of `view`: type, class, TTL,
 * length, rdata. False when it doesn't fit or the image is broken. */
bool expand_record(struct writer *w, const struct image_header *header, const struct image_node *node,
                   const struct rrset_view *view, size_t at);

/* The node's whole owner with the case of the source into `name`; its octets. */
size_t expand_owner(uint8_t name[NAME_MAX_OCTETS], const struct image_header *header,
                    const struct image_node *node);

#endif
