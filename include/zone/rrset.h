/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One RRset of the records -> its bytes in the image: rendered once, as it stands in a message that asks for
 * its owner, with the names of rdata compressed where the RFCs allow that, and relocations and links for when
 * it stands elsewhere.
 *
 * RFCs: 1035 4.1.4 and 3597 4 (only the types of RFC 1035 are compressed), 2308 5 (TTL of negative answers).
 */
#ifndef HITHER_ZONE_RRSET_H
#define HITHER_ZONE_RRSET_H

#include "wire/writer.h"
#include "zone/format.h"
#include "zone/tree.h"

#define RRSET_GLUE_EACH 96  /* octets of glue that stand behind the NS of a cut, for each of them */
#define RRSET_MAX_NAMES 128 /* names in rdata that can be pointed to; later ones are written out */

/* What to render: the records of one type at `node` and the RRSIGs over them. */
struct rrset_source {
    const struct zone_tree *tree;
    const struct tree_node *node;
    uint32_t first; /* records first .. last - 1, all of one type */
    uint32_t last;
    uint32_t first_signature; /* the RRSIGs over that type: records, possibly none */
    uint32_t last_signature;
    uint32_t ttl_at_most; /* UINT32_MAX: as in the records */
};

/* Where in the image links must get their node's place, once that is known. */
struct rrset_patches {
    struct rrset_patch {
        size_t at;     /* offset of the image_ref in the image */
        uint32_t node; /* number in the tree */
    } * list;
    size_t count;
    size_t capacity;
};

/* Appends the RRset to `image`, aligned, and fills `entry`. False when memory is short (image->failed says
 * that the image is full). */
bool rrset_render(struct writer *image, const struct rrset_source *source, struct rrset_patches *patches,
                  struct image_entry *entry);

#endif
