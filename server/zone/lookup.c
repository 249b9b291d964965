/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/lookup.h"

#include "zone/nsec3.h"
#include "zone/order.h"

#include <string.h>

/* Where the labels of `wire` start; octets of the whole name, 0 when it isn't one. */
static size_t take_labels(struct lookup_name *name, const uint8_t *wire, size_t octets)
{
    size_t limit = octets < NAME_MAX_OCTETS ? octets : NAME_MAX_OCTETS;
    unsigned labels = 0;
    size_t at = 0;
    while (at < limit) {
        uint8_t label = wire[at];
        name->starts[labels] = (uint8_t)at;
        if (label == 0) {
            name->labels = (uint8_t)labels;
            name->octets = (uint8_t)(at + 1);
            return at + 1;
        }
        if (label > NAME_MAX_LABEL)
            return 0;
        at += 1 + (size_t)label;
        labels++;
    }
    return 0;
}

/* Copies the name folded. What follows it in a message is copied along, as far as it is there: a short name
 * then takes no more thought than one of sixteen octets. */
static inline void take_folded(struct lookup_name *name, const uint8_t *wire)
{
    size_t taken = name->octets;
    name_fold_sixteen(name->folded, wire);
    for (size_t at = 16; at + 16 <= taken; at += 16)
        name_fold_sixteen(name->folded + at, wire + at);
    if (taken > 16)
        name_fold_sixteen(name->folded + taken - 16, wire + taken - 16);
}

static inline void take_hashes(struct lookup_name *name)
{
    uint64_t hash = NAME_HASH_ROOT;
    name->hashes[0] = hash;
    const uint8_t *start = name->starts + name->labels;
    for (uint64_t *at = name->hashes + 1; start > name->starts; at++) {
        hash = name_hash_label(hash, name->folded + *--start);
        *at = hash;
    }
}

static __attribute__((noinline)) size_t take_at_the_end(struct lookup_name *name, const uint8_t *wire)
{
    name_fold(name->folded, wire, name->octets);
    take_hashes(name);
    return name->octets;
}

size_t lookup_name_take(struct lookup_name *name, const uint8_t *wire, size_t octets)
{
    size_t taken = take_labels(name, wire, octets);
    if (taken == 0)
        return 0;
    if (octets < 16)
        return take_at_the_end(name, wire);
    take_folded(name, wire);
    take_hashes(name);
    return taken;
}

/* The zone whose apex is the name's last `labels` labels. A name ends in its root label, so that what is the
 * same up to there is the same name. */
static inline const struct zone_image *zone_at(const struct zone_set *set, const struct lookup_name *name,
                                               unsigned labels)
{
    uint64_t hash = name->hashes[labels];
    const uint8_t *suffix = lookup_name_suffix(name, labels);
    size_t octets = name->octets - (size_t)(suffix - name->folded);
    for (size_t at = hash & set->mask; set->slots[at].image != NULL; at = (at + 1) & set->mask) {
        const struct zone_set_slot *slot = &set->slots[at];
        if (slot->hash == hash && name_same_octets(slot->image->header->apex, suffix, octets))
            return slot->image;
    }
    return NULL;
}

const struct zone_image *lookup_zone(const struct zone_set *set, const struct lookup_name *name,
                                     unsigned labels)
{
    if (set == NULL)
        return NULL;
    unsigned d = labels < set->deepest ? labels : set->deepest;
    for (;; d--) {
        const struct zone_image *image = set->depths[d] ? zone_at(set, name, d) : NULL;
        if (image != NULL || d == 0)
            return image;
    }
}

static inline const struct image_bucket *bucket_of(const struct zone_image *image, uint64_t hash)
{
    const struct image_bucket *buckets = image_at(image->bytes, image->header->index);
    return &buckets[image_bucket_of(hash, image->header->bucket_count)];
}

const struct image_bucket *lookup_bucket(const struct zone_image *image, const struct lookup_name *name)
{
    const struct image_bucket *bucket = bucket_of(image, name->hashes[name->labels]);
    __builtin_prefetch(bucket);
    return bucket;
}

typedef uint16_t tag_vector __attribute__((vector_size(16)));
typedef uint64_t word_vector __attribute__((vector_size(16)));

/* The bucket's slots whose tags are those of the hash, one bit each: 16 * (slot % 4) + 4 * (slot / 4), so
 * that the two parts of a bit's number add up to the slot. */
static inline uint64_t slots_with(const struct image_bucket *bucket, uint64_t hash)
{
    const uint64_t one_each = UINT64_C(0x0001000100010001);
    uint16_t tag = image_tag_of(hash);
    tag_vector first;
    _Static_assert(BUCKET_SLOTS == 10, "eight and two");
    memcpy(&first, bucket->tags, sizeof first);
    word_vector same = (word_vector)(first == tag);
    return (same[0] & one_each) | (same[1] & one_each << 4) | (uint64_t)(bucket->tags[8] == tag) << 8 |
           (uint64_t)(bucket->tags[9] == tag) << (16 + 8);
}

static inline unsigned slot_of(uint64_t slots)
{
    unsigned bit = (unsigned)__builtin_ctzll(slots);
    return bit / 16 + bit % 16;
}

const struct image_node *lookup_guess(const struct zone_image *image, const struct image_bucket *bucket,
                                      const struct lookup_name *name)
{
    uint64_t slots = slots_with(bucket, name->hashes[name->labels]);
    image_ref ref = slots != 0 ? bucket->nodes[slot_of(slots)] : 0;
    if (ref == 0)
        return NULL;
    const uint8_t *node = image_at(image->bytes, ref);
    __builtin_prefetch(node);
    __builtin_prefetch(node + 64);
    return (const struct image_node *)(const void *)node;
}

/* Whether the node owns the `octets` of `relative` (folded, without the apex). */
static inline bool owns(const struct image_node *node, const uint8_t *relative, size_t octets)
{
    return node->owner_octets == octets && name_same_octets(node_owner(node), relative, octets);
}

static inline const struct image_node *bucket_find(const uint8_t *image, const struct image_bucket *bucket,
                                                   uint64_t hash, const uint8_t *relative, size_t octets)
{
    for (uint64_t slots = slots_with(bucket, hash); slots != 0; slots &= slots - 1) {
        image_ref ref = bucket->nodes[slot_of(slots)];
        const struct image_node *node = image_at(image, ref);
        if (ref != 0 && owns(node, relative, octets))
            return node;
    }
    return NULL;
}

/* Octets of the name from `suffix` to the apex. */
static inline size_t relative_octets(const struct zone_image *image, const struct lookup_name *name,
                                     const uint8_t *suffix)
{
    return (size_t)name->octets - image->header->apex_octets - (size_t)(suffix - name->folded);
}

static const struct image_node *index_find(const struct zone_image *image, uint64_t hash,
                                           const uint8_t *relative, size_t octets)
{
    const struct image_bucket *buckets = image_at(image->bytes, image->header->index);
    const struct image_bucket *end = buckets + image->header->bucket_count;
    const struct image_bucket *bucket = bucket_of(image, hash);
    for (;;) {
        const struct image_node *node = bucket_find(image->bytes, bucket, hash, relative, octets);
        if (node != NULL || bucket->passed_on == 0)
            return node;
        bucket = bucket + 1 < end ? bucket + 1 : buckets;
    }
}

const struct image_node *lookup_node(const struct zone_image *image, const struct lookup_name *name,
                                     unsigned labels)
{
    const uint8_t *relative = lookup_name_suffix(name, labels);
    if (labels == image->header->apex_labels)
        return image_at(image->bytes, image->header->apex_node);
    return index_find(image, name->hashes[labels], relative, relative_octets(image, name, relative));
}

static inline void found_at(struct lookup *found, enum lookup_outcome outcome, const struct image_node *node,
                            unsigned labels)
{
    found->outcome = outcome;
    found->node = node;
    found->encloser = node;
    found->labels = (uint8_t)labels;
    found->encloser_labels = (uint8_t)labels;
}

static void below_encloser(struct lookup *found, const struct zone_image *image,
                           const struct lookup_name *name, const struct image_node *encloser, unsigned labels)
{
    uint8_t relative[2 + NAME_MAX_OCTETS + NAME_PADDING] = {1, '*'};
    found_at(found, LOOKUP_ABSENT, encloser, labels);
    found->node = NULL;
    if ((encloser->flags & NODE_WILDCARD_BELOW) == 0)
        return;
    const uint8_t *suffix = lookup_name_suffix(name, labels);
    size_t octets = relative_octets(image, name, suffix);
    uint64_t hash = name_hash_label(name->hashes[labels], relative);
    memcpy(relative + 2, suffix, octets);
    found->node = index_find(image, hash, relative, 2 + octets);
    if (found->node != NULL)
        found->outcome = LOOKUP_WILDCARD;
}

/* The name isn't in the index: what is, on the way down to it? */
static void find_enclosed(struct lookup *found, const struct zone_image *image,
                          const struct lookup_name *name)
{
    unsigned labels = image->header->apex_labels;
    const struct image_node *node = image_at(image->bytes, image->header->apex_node);
    for (;;) {
        if ((node->flags & (NODE_CUT | NODE_DNAME)) != 0) {
            found_at(found, (node->flags & NODE_CUT) != 0 ? LOOKUP_CUT : LOOKUP_DNAME, node, labels);
            return;
        }
        if (labels + 1U >= name->labels)
            break;
        const struct image_node *child = lookup_node(image, name, labels + 1);
        if (child == NULL)
            break;
        node = child;
        labels++;
    }
    below_encloser(found, image, name, node, labels);
}

static inline void found_name(struct lookup *found, const struct image_node *node, unsigned labels)
{
    found_at(found, (node->flags & NODE_CUT) != 0 ? LOOKUP_CUT : LOOKUP_EXACT, node, labels);
}

static __attribute__((noinline)) void find_unguessed(struct lookup *found, const struct zone_image *image,
                                                     const struct lookup_name *name)
{
    const struct image_node *node = lookup_node(image, name, name->labels);
    if (node != NULL)
        found_name(found, node, name->labels);
    else
        find_enclosed(found, image, name);
}

void lookup_find(struct lookup *found, const struct zone_image *image, const struct lookup_name *name,
                 const struct image_node *guess)
{
    if (guess != NULL && owns(guess, name->folded, (size_t)name->octets - image->header->apex_octets))
        found_name(found, guess, name->labels);
    else
        find_unguessed(found, image, name);
}

/* --- the orders of negative proofs
 * ---------------------------------------------------------------------------- */

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

const struct image_node *lookup_nsec3(const struct zone_image *image, const struct lookup_name *name,
                                      unsigned labels)
{
    const struct image_header *header = image->header;
    const uint8_t *suffix = lookup_name_suffix(name, labels);
    uint8_t hash[NSEC3_HASH_OCTETS];
    nsec3_hash(hash, suffix, name->octets - (size_t)(suffix - name->folded), header->nsec3_salt,
               header->nsec3_salt_octets, header->nsec3_iterations);
    const struct image_nsec3 *order = image_at(image->bytes, header->nsec3_order);
    return image_at(image->bytes, order_find_nsec3(order, header->nsec3_count, hash)->node);
}
