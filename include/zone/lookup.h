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
#include "zone/nsec3.h"
#include "zone/set.h"

/* The processor decides how a bucket's tags are compared at once. */
#ifdef __SSE2__
#include "zone/tags_x86.h"
#else
#include "zone/tags_any.h"
#endif

/* A name that is looked up: folded, with where its labels start and the hashes of all its suffixes. */
struct lookup_name {
    uint8_t octets; /* of the whole name */
    uint8_t labels;
    uint8_t starts[NAME_MAX_LABELS + 1]; /* of the labels, first to last, and of the root label */
    uint8_t folded[NAME_MAX_OCTETS + 1 + NAME_PADDING];
    uint64_t hashes[NAME_MAX_LABELS + 1];  /* hashes[d] is that of the last d labels */
    uint8_t nsec3_labels;                  /* what follows is of the last so many labels; 0: of none */
    uint8_t nsec3_hash[NSEC3_HASH_OCTETS]; /* in the zone that the name was found to be in */
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

/* Where the labels of `wire` start; octets of the whole name, 0 when it isn't one. */
static inline size_t lookup_take_labels(struct lookup_name *name, const uint8_t *wire, size_t octets)
{
    size_t limit = octets < NAME_MAX_OCTETS ? octets : NAME_MAX_OCTETS;
    unsigned labels = 0;
    for (size_t at = 0; at < limit; labels++) {
        uint8_t label = wire[at];
        name->starts[labels] = (uint8_t)at;
        if ((uint8_t)(label - 1) >= NAME_MAX_LABEL) {
            name->labels = (uint8_t)labels;
            name->octets = (uint8_t)(at + 1);
            return label == 0 ? at + 1 : 0;
        }
        at += 1 + (size_t)label;
    }
    return 0;
}

/* Copies the name folded. What follows it is copied along, as far as it is there: a short name then takes no
 * more thought than one of sixteen octets, which is what there must be at `wire`. */
static inline void lookup_take_folded(struct lookup_name *name, const uint8_t *wire, size_t octets)
{
    name_fold_sixteen(name->folded, wire);
    for (size_t at = 16; at + 16 <= octets; at += 16)
        name_fold_sixteen(name->folded + at, wire + at);
    if (octets > 16)
        name_fold_sixteen(name->folded + octets - 16, wire + octets - 16);
}

/* Takes the hashes of all suffixes, when labels and folded octets are there. */
void lookup_take_hashes(struct lookup_name *name);

/* Takes in the name that begins at `wire`, if it lies whole and uncompressed within `octets`: its octets,
 * else 0. */
static inline size_t lookup_name_take(struct lookup_name *name, const uint8_t *wire, size_t octets)
{
    size_t taken = lookup_take_labels(name, wire, octets);
    name->nsec3_labels = 0;
    if (taken == 0)
        return 0;
    if (octets < 16)
        name_fold_short(name->folded, wire, taken);
    else
        lookup_take_folded(name, wire, taken);
    lookup_take_hashes(name);
    return taken;
}

/* The last `labels` labels of it, folded. */
static inline const uint8_t *lookup_name_suffix(const struct lookup_name *name, unsigned labels)
{
    return name->folded + name->starts[name->labels - labels];
}

/* lookup_zone() where it isn't the first slot that one comes to. */
const struct zone_image *lookup_zone_farther(const struct zone_set *set, const struct lookup_name *name,
                                             unsigned labels);

/* Whether the slot holds the zone whose apex is the name's last `labels` labels. A name ends in its root
 * label, so that what is the same up to there is the same name. */
static inline bool lookup_is_zone(const struct zone_set_slot *slot, const struct lookup_name *name,
                                  unsigned labels)
{
    size_t start = name->starts[name->labels - labels];
    return slot->image != NULL && slot->hash == name->hashes[labels] &&
           name_same_octets(slot->image->header->apex, name->folded + start, name->octets - start);
}

/* The zone with the longest apex, of at most `labels` labels, that the name is at or below; NULL when there
 * is none. */
static inline const struct zone_image *lookup_zone(const struct zone_set *set, const struct lookup_name *name,
                                                   unsigned labels)
{
    if (set == NULL)
        return NULL;
    unsigned deepest = labels < set->deepest ? labels : set->deepest;
    const struct zone_set_slot *slot = &set->slots[name->hashes[deepest] & set->mask];
    return lookup_is_zone(slot, name, deepest) ? slot->image : lookup_zone_farther(set, name, deepest);
}

/* --- in the index
 * ----------------------------------------------------------------------------------------------- */

static inline const struct image_bucket *lookup_bucket_of(const struct zone_image *image, uint64_t hash)
{
    const struct image_bucket *buckets = image_at(image->bytes, image->header->index);
    return &buckets[image_bucket_of(hash, image->header->bucket_count)];
}

/* The bucket that the name belongs to, asked for but not looked at. */
static inline const struct image_bucket *lookup_bucket(const struct zone_image *image,
                                                       const struct lookup_name *name)
{
    const struct image_bucket *bucket = lookup_bucket_of(image, name->hashes[name->labels]);
    __builtin_prefetch(bucket);
    return bucket;
}

/* What lookup_guess() gives when the bucket alone shows that nothing owns the name. */
extern const struct image_node lookup_nobody;

/* The bucket holds none: unless others were passed on there is none. On the way down from the apex the first
 * child is then what is asked for next. */
static inline const struct image_node *lookup_guess_none(const struct zone_image *image,
                                                         const struct image_bucket *bucket,
                                                         const struct lookup_name *name)
{
    unsigned child = image->header->apex_labels + 1U;
    if (child < name->labels)
        __builtin_prefetch(lookup_bucket_of(image, name->hashes[child]));
    return bucket->passed_on == 0 ? &lookup_nobody : NULL;
}

/* The node that the bucket's tags promise for the name, asked for but not looked at; NULL when they promise
 * none. */
static inline const struct image_node *lookup_guess(const struct zone_image *image,
                                                    const struct image_bucket *bucket,
                                                    const struct lookup_name *name)
{
    tags_slots slots = tags_find(bucket, image_tag_of(name->hashes[name->labels]));
    if (slots == 0)
        return lookup_guess_none(image, bucket, name);
    image_ref ref = bucket->nodes[tags_slot(slots)];
    if (ref == 0)
        return NULL;
    const uint8_t *node = image_at(image->bytes, ref);
    __builtin_prefetch(node);
    __builtin_prefetch(node + 64);
    return (const struct image_node *)(const void *)node;
}

/* Whether the node owns the `octets` of `relative` (folded, without the apex). */
static inline bool lookup_owns(const struct image_node *node, const uint8_t *relative, size_t octets)
{
    return node->owner_octets == octets && name_same_octets(node_owner(node), relative, octets);
}

static inline void lookup_found(struct lookup *found, enum lookup_outcome outcome,
                                const struct image_node *node, unsigned labels)
{
    found->outcome = outcome;
    found->node = node;
    found->encloser = node;
    found->labels = (uint8_t)labels;
    found->encloser_labels = (uint8_t)labels;
}

static inline void lookup_found_name(struct lookup *found, const struct image_node *node, unsigned labels)
{
    lookup_found(found, (node->flags & NODE_CUT) != 0 ? LOOKUP_CUT : LOOKUP_EXACT, node, labels);
}

/* lookup_find() where the guess was wrong. */
void lookup_find_unguessed(struct lookup *found, const struct zone_image *image,
                           const struct lookup_name *name, const struct image_node *guess);

/* Looks the name up in the zone that lookup_zone() found for it. `guess` is what lookup_guess() gave, or
 * NULL. */
static inline void lookup_find(struct lookup *found, const struct zone_image *image,
                               const struct lookup_name *name, const struct image_node *guess)
{
    if (guess != NULL && lookup_owns(guess, name->folded, (size_t)name->octets - image->header->apex_octets))
        lookup_found_name(found, guess, name->labels);
    else
        lookup_find_unguessed(found, image, name, guess);
}

/* --- in the orders of negative proofs
 * --------------------------------------------------------------------------- */

/* The node that covers or owns the name in the canonical order of NSEC owners. The image has IMAGE_NSEC. */
const struct image_node *lookup_nsec(const struct zone_image *image, const struct lookup_name *name,
                                     unsigned labels);

/* The same for the name "*" below the name's last `labels` labels. */
const struct image_node *lookup_nsec_wildcard(const struct zone_image *image, const struct lookup_name *name,
                                              unsigned labels);

/* What lookup_nsec3() would hash, so that it is hashed beforehand along with others'. */
struct nsec3_name lookup_nsec3_name(const struct zone_image *image, struct lookup_name *name,
                                    unsigned labels);

/* The NSEC3 node that covers or matches the hash of the name's last `labels` labels. The image has
 * IMAGE_NSEC3. */
const struct image_node *lookup_nsec3(const struct zone_image *image, struct lookup_name *name,
                                      unsigned labels);

/* The node that owns the name's last `labels` labels, or NULL. */
const struct image_node *lookup_node(const struct zone_image *image, const struct lookup_name *name,
                                     unsigned labels);

#endif
