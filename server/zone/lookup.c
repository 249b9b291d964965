/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/lookup.h"

#include "zone/nsec3.h"
#include "zone/order.h"

#include <string.h>

const struct image_node lookup_nobody = {.owner_octets = UINT8_MAX};

static __attribute__((noinline)) void take_hashes_of_long(struct lookup_name *name)
{
    uint64_t hash = NAME_HASH_ROOT;
    uint64_t *at = name->hashes;
    for (unsigned i = name->labels; i-- > 0;) {
        hash = name_hash_label(hash, name->folded + name->starts[i]);
        *++at = hash;
    }
}

/* Labels are seldom long. */
void lookup_take_hashes(struct lookup_name *name)
{
    const uint8_t *start = name->starts + name->labels;
    uint64_t hash = NAME_HASH_ROOT;
    uint64_t *at = name->hashes;
    *at = hash;
    while (start > name->starts) {
        const uint8_t *label = name->folded + *--start;
        if (label[0] >= 16) {
            take_hashes_of_long(name);
            return;
        }
        hash = name_hash_short_label(hash, label);
        *++at = hash;
    }
}

static const struct zone_image *zone_at(const struct zone_set *set, const struct lookup_name *name,
                                        unsigned labels)
{
    size_t at = name->hashes[labels] & set->mask;
    for (; set->slots[at].image != NULL; at = (at + 1) & set->mask) {
        if (lookup_is_zone(&set->slots[at], name, labels))
            return set->slots[at].image;
    }
    return NULL;
}

const struct zone_image *lookup_zone_farther(const struct zone_set *set, const struct lookup_name *name,
                                             unsigned labels)
{
    for (;; labels--) {
        const struct zone_image *image = set->depths[labels] ? zone_at(set, name, labels) : NULL;
        if (image != NULL || labels == 0)
            return image;
    }
}

/* Whom one looks for in the index: the owner of `octets` at `relative` (folded, without the apex), or the
 * wildcard right below it. */
struct wanted {
    uint64_t hash;
    const uint8_t *relative;
    size_t octets;
    bool wildcard;
};

static inline bool is_wanted(const struct image_node *node, const struct wanted *wanted)
{
    if (!wanted->wildcard)
        return lookup_owns(node, wanted->relative, wanted->octets);
    return (node->flags & NODE_WILDCARD) != 0 && node->owner_octets == 2 + wanted->octets &&
           name_same_octets(node_owner(node) + 2, wanted->relative, wanted->octets);
}

static inline const struct image_node *bucket_find(const uint8_t *image, const struct image_bucket *bucket,
                                                   const struct wanted *wanted)
{
    for (tags_slots slots = tags_find(bucket, image_tag_of(wanted->hash)); slots != 0; slots &= slots - 1) {
        image_ref ref = bucket->nodes[tags_slot(slots)];
        const struct image_node *node = image_at(image, ref);
        if (ref != 0 && is_wanted(node, wanted))
            return node;
    }
    return NULL;
}

static inline const struct image_node *index_find(const struct zone_image *image, const struct wanted wanted)
{
    const struct image_bucket *bucket = lookup_bucket_of(image, wanted.hash);
    for (;;) {
        const struct image_node *node = bucket_find(image->bytes, bucket, &wanted);
        if (node != NULL || bucket->passed_on == 0)
            return node;
        const struct image_bucket *buckets = image_at(image->bytes, image->header->index);
        bucket = bucket + 1 < buckets + image->header->bucket_count ? bucket + 1 : buckets;
    }
}

/* Octets of the name from `suffix` to the apex. */
static inline size_t relative_octets(const struct zone_image *image, const struct lookup_name *name,
                                     const uint8_t *suffix)
{
    return (size_t)name->octets - image->header->apex_octets - (size_t)(suffix - name->folded);
}

static __attribute__((noinline)) const struct image_node *find_farther(const struct zone_image *image,
                                                                       const struct wanted *wanted)
{
    return index_find(image, *wanted);
}

/* Nearly always it is in the first slot that has its tag. These two aren't merged into the walk down: that
 * would have to keep too much at hand. */
static __attribute__((noinline)) const struct image_node *
find_below_apex(const struct zone_image *image, const struct lookup_name *name, unsigned labels)
{
    const uint8_t *relative = lookup_name_suffix(name, labels);
    const struct wanted wanted = {name->hashes[labels], relative, relative_octets(image, name, relative),
                                  false};
    const struct image_bucket *bucket = lookup_bucket_of(image, wanted.hash);
    tags_slots slots = tags_find(bucket, image_tag_of(wanted.hash));
    if (slots == 0 && bucket->passed_on == 0)
        return NULL;
    if (slots != 0) {
        image_ref ref = bucket->nodes[tags_slot(slots)];
        const struct image_node *node = image_at(image->bytes, ref);
        if (ref != 0 && is_wanted(node, &wanted))
            return node;
    }
    return find_farther(image, &wanted);
}

static __attribute__((noinline)) const struct image_node *
find_wildcard(const struct zone_image *image, const struct lookup_name *name, unsigned labels)
{
    static const uint8_t asterisk[2 + NAME_PADDING] = {1, '*'};
    const uint8_t *relative = lookup_name_suffix(name, labels);
    const struct wanted wanted = {name_hash_label(name->hashes[labels], asterisk), relative,
                                  relative_octets(image, name, relative), true};
    return index_find(image, wanted);
}

const struct image_node *lookup_node(const struct zone_image *image, const struct lookup_name *name,
                                     unsigned labels)
{
    if (labels == image->header->apex_labels)
        return image_at(image->bytes, image->header->apex_node);
    return find_below_apex(image, name, labels);
}

static inline void below_encloser(struct lookup *found, const struct zone_image *image,
                                  const struct lookup_name *name, const struct image_node *encloser,
                                  unsigned labels)
{
    lookup_found(found, LOOKUP_ABSENT, encloser, labels);
    found->node = NULL;
    if ((encloser->flags & NODE_WILDCARD_BELOW) == 0)
        return;
    found->node = find_wildcard(image, name, labels);
    if (found->node != NULL)
        found->outcome = LOOKUP_WILDCARD;
}

/* The name isn't in the index: what is, on the way down to it? */
static inline void find_enclosed(struct lookup *found, const struct zone_image *image,
                                 const struct lookup_name *name)
{
    unsigned labels = image->header->apex_labels;
    const struct image_node *node = image_at(image->bytes, image->header->apex_node);
    for (;;) {
        if ((node->flags & (NODE_CUT | NODE_DNAME)) != 0) {
            lookup_found(found, (node->flags & NODE_CUT) != 0 ? LOOKUP_CUT : LOOKUP_DNAME, node, labels);
            return;
        }
        if (labels + 1U >= name->labels)
            break;
        const struct image_node *child = find_below_apex(image, name, labels + 1);
        if (child == NULL)
            break;
        node = child;
        labels++;
    }
    below_encloser(found, image, name, node, labels);
}

void lookup_find_unguessed(struct lookup *found, const struct zone_image *image,
                           const struct lookup_name *name, const struct image_node *guess)
{
    /* The apex is known without the index, whatever that says. */
    bool absent = guess == &lookup_nobody && name->labels > image->header->apex_labels;
    const struct image_node *node = absent ? NULL : lookup_node(image, name, name->labels);
    if (node != NULL)
        lookup_found_name(found, node, name->labels);
    else
        find_enclosed(found, image, name);
}

/* --- the orders of negative proofs
 * ------------------------------------------------------------------------------ */

const struct image_node *lookup_nsec(const struct zone_image *image, const struct lookup_name *name,
                                     unsigned labels)
{
    const uint8_t *relative = lookup_name_suffix(name, labels);
    return order_find_nsec(image->bytes, relative, relative_octets(image, name, relative));
}

const struct image_node *lookup_nsec_wildcard(const struct zone_image *image, const struct lookup_name *name,
                                              unsigned labels)
{
    uint8_t wildcard[2 + NAME_MAX_OCTETS] = {1, '*'};
    const uint8_t *relative = lookup_name_suffix(name, labels);
    size_t octets = relative_octets(image, name, relative);
    memcpy(wildcard + 2, relative, octets);
    return order_find_nsec(image->bytes, wildcard, 2 + octets);
}

struct nsec3_name lookup_nsec3_name(const struct zone_image *image, struct lookup_name *name, unsigned labels)
{
    const struct image_header *header = image->header;
    size_t start = name->starts[name->labels - labels];
    name->nsec3_labels = (uint8_t)labels;
    return (struct nsec3_name){
        .name = name->folded + start,
        .octets = name->octets - start,
        .salt = header->nsec3_salt,
        .salt_octets = header->nsec3_salt_octets,
        .iterations = header->nsec3_iterations,
        .hash = name->nsec3_hash,
    };
}

const struct image_node *lookup_nsec3(const struct zone_image *image, struct lookup_name *name,
                                      unsigned labels)
{
    if (name->nsec3_labels != labels) {
        const struct nsec3_name hashed = lookup_nsec3_name(image, name, labels);
        nsec3_hash_all(&hashed, 1);
    }
    const struct image_nsec3 *order = image_at(image->bytes, image->header->nsec3_order);
    const struct image_nsec3 *found = order_find_nsec3(order, image->header->nsec3_count, name->nsec3_hash);
    return image_at(image->bytes, found->node);
}
