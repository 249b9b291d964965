/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A name -> what the zone has there (RFC 1034 4.3.2 step 3), from the index of its image: the name itself in
 * one probe; if it isn't there, from the apex down to the closest encloser, meeting cuts and DNAMEs on the
 * way, then the wildcard. As empty non-terminals are in the index the first gap ends the walk (RFC 8020).
 *
 * RFCs: 1034 4.3.2, 4592 3.3, 6672 3.2, 8020.
 */
#ifndef HITHER_ZONE_LOOKUP_H
#define HITHER_ZONE_LOOKUP_H

#include "wire/name.h"
#include "zone/format.h"
#include "zone/set.h"

/* A name that is looked up: folded, with where its labels start and the hashes of all its suffixes. */
struct lookup_name {
    uint8_t octets; /* of the whole name */
    uint8_t labels;
    uint8_t starts[NAME_MAX_LABELS + 1]; /* of the labels, first to last, and of the root label */
    uint8_t folded[NAME_MAX_OCTETS + 1 + NAME_PADDING];
    uint64_t hashes[NAME_MAX_LABELS + 1]; /* hashes[d] is that of the last d labels */
};

enum lookup_outcome {
    LOOKUP_EXACT,    /* `node` owns the name (perhaps an empty non-terminal) */
    LOOKUP_WILDCARD, /* `node` is the wildcard that the name expands from */
    LOOKUP_CUT,      /* `node` is the delegation that the name is at or below */
    LOOKUP_DNAME,    /* `node` has the DNAME that the name is below */
    LOOKUP_ABSENT,   /* there is nothing, and no wildcard */
};

struct lookup {
    enum lookup_outcome outcome;
    const struct image_node *node; /* NULL when absent */
    const struct image_node
        *encloser;           /* the closest encloser that exists (RFC 4592 3.3.1); `node` itself when exact */
    uint8_t labels;          /* of `node` at a cut or DNAME */
    uint8_t encloser_labels; /* of the closest encloser */
};

/* Takes in the name that begins at `wire`, if it lies whole and uncompressed within `octets`: its octets,
 * else 0. */
size_t lookup_name_take(struct lookup_name *name, const uint8_t *wire, size_t octets);

/* The last `labels` labels of it, folded. */
static inline const uint8_t *lookup_name_suffix(const struct lookup_name *name, unsigned labels)
{
    return name->folded + name->starts[name->labels - labels];
}

/* The zone with the longest apex, of at most `labels` labels, that the name is at or below; NULL when there
 * is none. */
const struct zone_image *lookup_zone(const struct zone_set *set, const struct lookup_name *name,
                                     unsigned labels);

/* The bucket that the name belongs to, asked for but not looked at. */
const struct image_bucket *lookup_bucket(const struct zone_image *image, const struct lookup_name *name);

/* The node that the bucket's tags promise for the name, asked for but not looked at; NULL when they promise
 * none. */
const struct image_node *lookup_guess(const struct zone_image *image, const struct image_bucket *bucket,
                                      const struct lookup_name *name);

/* Looks the name up in the zone that lookup_zone() found for it. `guess` is what lookup_guess() gave, or
 * NULL. */
void lookup_find(struct lookup *found, const struct zone_image *image, const struct lookup_name *name,
                 const struct image_node *guess);

/* The node that covers or owns the name in the canonical order of NSEC owners. The image has IMAGE_NSEC. */
const struct image_node *lookup_nsec(const struct zone_image *image, const struct lookup_name *name,
                                     unsigned labels);

/* The same for the name "*" below the name's last `labels` labels. */
const struct image_node *lookup_nsec_wildcard(const struct zone_image *image, const struct lookup_name *name,
                                              unsigned labels);

/* The NSEC3 node that covers or matches the hash of the name's last `labels` labels. The image has
 * IMAGE_NSEC3. */
const struct image_node *lookup_nsec3(const struct zone_image *image, const struct lookup_name *name,
                                      unsigned labels);

/* The node that owns the name's last `labels` labels, or NULL. */
const struct image_node *lookup_node(const struct zone_image *image, const struct lookup_name *name,
                                     unsigned labels);

#endif
