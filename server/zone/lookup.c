/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/lookup.h"

#include "zone/nsec3.h"

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

size_t lookup_name_take(struct lookup_name *name, const uint8_t *wire, size_t octets)
{
    size_t taken = take_labels(name, wire, octets);
    if (taken == 0)
        return 0;
    name_fold(name->folded, wire, taken);
    uint64_t hash = NAME_HASH_ROOT;
    name->hashes[0] = hash;
    for (unsigned d = 1; d <= name->labels; d++) {
        hash = name_hash_label(hash, name->folded + name->starts[name->labels - d]);
        name->hashes[d] = hash;
    }
    return taken;
}

static const struct zone_image *zone_at(const struct zone_set *set, const struct lookup_name *name,
                                        unsigned labels)
{
    uint64_t hash = name->hashes[labels];
    const uint8_t *suffix = lookup_name_suffix(name, labels);
    size_t octets = name->octets - (size_t)(suffix - name->folded);
    for (size_t at = hash & set->mask; set->slots[at].image != NULL; at = (at + 1) & set->mask) {
        const struct zone_set_slot *slot = &set->slots[at];
        if (slot->hash == hash && slot->image->header->apex_octets == octets &&
            name_same_octets(slot->image->header->apex, suffix, octets))
            return slot->image;
    }
    return NULL;
}

const struct zone_image *lookup_zone(const struct zone_set *set, const struct lookup_name *name,
                                     unsigned labels)
{
    if (set == NULL)
        return NULL;
    unsigned from = labels < set->deepest ? labels : set->deepest;
    for (unsigned d = from + 1; d-- > 0;) {
        if (!set->depths[d])
            continue;
        const struct zone_image *image = zone_at(set, name, d);
        if (image != NULL)
            return image;
    }
    return NULL;
}

static inline const struct image_bucket *bucket_of(const struct zone_image *image, uint64_t hash)
{
    const struct image_bucket *buckets = image_at(image->bytes, image->header->index);
    return &buckets[image_bucket_of(hash, image->header->bucket_count)];
}

void lookup_prefetch_bucket(const struct zone_image *image, const struct lookup_name *name)
{
    __builtin_prefetch(bucket_of(image, name->hashes[name->labels]));
}

/* The slots among four whose tags are the one that `wanted` repeats: the top bit of their sixteen. The lowest
 * that is set is right; one above it may be wrong, which costs a comparison of names. */
static inline uint64_t slots_with(uint64_t tags, uint64_t wanted)
{
    uint64_t differs = tags ^ wanted;
    return (differs - 0x0001000100010001) & ~differs & 0x8000800080008000;
}

static inline uint64_t tags_of(const struct image_bucket *bucket, unsigned from)
{
    uint64_t tags;
    memcpy(&tags, &bucket->tags[from], sizeof tags);
    return tags;
}

const struct image_node *lookup_guess(const struct zone_image *image, const struct lookup_name *name)
{
    uint64_t hash = name->hashes[name->labels];
    const struct image_bucket *bucket = bucket_of(image, hash);
    uint64_t wanted = image_tag_of(hash) * 0x0001000100010001ULL;
    for (unsigned from = 0; from < BUCKET_SLOTS; from += 4) {
        uint64_t slots = slots_with(tags_of(bucket, from), wanted);
        if (slots == 0)
            continue;
        unsigned slot = from + (unsigned)__builtin_ctzll(slots) / 16;
        if (slot >= BUCKET_SLOTS || bucket->nodes[slot] == 0)
            return NULL;
        const uint8_t *node = image_at(image->bytes, bucket->nodes[slot]);
        __builtin_prefetch(node);
        __builtin_prefetch(node + 64);
        return (const struct image_node *)(const void *)node;
    }
    return NULL;
}

/* Whether the node owns the `octets` of `relative` (folded, without the apex). */
static inline bool owns(const struct image_node *node, const uint8_t *relative, size_t octets)
{
    return node->owner_octets == octets && name_same_octets(node_owner(node), relative, octets);
}

static inline const struct image_node *bucket_find(const uint8_t *image, const struct image_bucket *bucket,
                                                   uint64_t wanted, const uint8_t *relative, size_t octets)
{
    for (unsigned from = 0; from < BUCKET_SLOTS; from += 4) {
        uint64_t slots = slots_with(tags_of(bucket, from), wanted);
        for (; slots != 0; slots &= slots - 1) {
            unsigned slot = from + (unsigned)__builtin_ctzll(slots) / 16;
            if (slot >= BUCKET_SLOTS || bucket->nodes[slot] == 0)
                break;
            const struct image_node *node = image_at(image, bucket->nodes[slot]);
            if (owns(node, relative, octets))
                return node;
        }
    }
    return NULL;
}

static const struct image_node *index_find(const struct zone_image *image, uint64_t hash,
                                           const uint8_t *relative, size_t octets)
{
    const struct image_bucket *buckets = image_at(image->bytes, image->header->index);
    const struct image_bucket *end = buckets + image->header->bucket_count;
    const struct image_bucket *bucket = bucket_of(image, hash);
    uint64_t wanted = image_tag_of(hash) * 0x0001000100010001ULL;
    for (;;) {
        const struct image_node *node = bucket_find(image->bytes, bucket, wanted, relative, octets);
        if (node != NULL || bucket->passed_on == 0)
            return node;
        bucket = bucket + 1 < end ? bucket + 1 : buckets;
    }
}

const struct image_node *lookup_node(const struct zone_image *image, const struct lookup_name *name,
                                     unsigned labels)
{
    const uint8_t *relative = lookup_name_suffix(name, labels);
    size_t apex_at = (size_t)name->octets - image->header->apex_octets;
    if (labels == image->header->apex_labels)
        return image_at(image->bytes, image->header->apex_node);
    return index_find(image, name->hashes[labels], relative, apex_at - (size_t)(relative - name->folded));
}

static void found_at(struct lookup *found, enum lookup_outcome outcome, const struct image_node *node,
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
    size_t octets = (size_t)name->octets - image->header->apex_octets - (size_t)(suffix - name->folded);
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

void lookup_find(struct lookup *found, const struct zone_image *image, const struct lookup_name *name,
                 const struct image_node *guess)
{
    const struct image_node *node = guess;
    if (guess == NULL || !owns(guess, name->folded, (size_t)name->octets - image->header->apex_octets))
        node = lookup_node(image, name, name->labels);
    if (node == NULL)
        find_enclosed(found, image, name);
    else
        found_at(found, (node->flags & NODE_CUT) != 0 ? LOOKUP_CUT : LOOKUP_EXACT, node, name->labels);
}

/* --- the orders of negative proofs
 * ---------------------------------------------------------------------------- */

/* The node's owner, whole and folded. */
static void whole_owner(const struct zone_image *image, const struct image_node *node,
                        uint8_t owner[NAME_MAX_OCTETS + 1])
{
    memcpy(owner, node_owner(node), node->owner_octets);
    memcpy(owner + node->owner_octets, image->header->apex, image->header->apex_octets);
}

static const struct image_node *nsec_at_or_before(const struct zone_image *image, const uint8_t *name)
{
    const image_ref *order = image_at(image->bytes, image->header->nsec_order);
    uint32_t low = 0;
    uint32_t high = image->header->nsec_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint8_t owner[NAME_MAX_OCTETS + 1];
        whole_owner(image, image_at(image->bytes, order[middle]), owner);
        if (name_compare(owner, name) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return image_at(image->bytes, order[low > 0 ? low - 1 : 0]);
}

const struct image_node *lookup_nsec(const struct zone_image *image, const struct lookup_name *name,
                                     unsigned labels)
{
    return nsec_at_or_before(image, lookup_name_suffix(name, labels));
}

const struct image_node *lookup_nsec_wildcard(const struct zone_image *image, const struct lookup_name *name,
                                              unsigned labels)
{
    uint8_t wildcard[2 + NAME_MAX_OCTETS] = {1, '*'};
    const uint8_t *suffix = lookup_name_suffix(name, labels);
    memcpy(wildcard + 2, suffix, name->octets - (size_t)(suffix - name->folded));
    return nsec_at_or_before(image, wildcard);
}

const struct image_node *lookup_nsec3(const struct zone_image *image, const struct lookup_name *name,
                                      unsigned labels)
{
    const struct image_header *header = image->header;
    const struct image_nsec3 *order = image_at(image->bytes, header->nsec3_order);
    const uint8_t *suffix = lookup_name_suffix(name, labels);
    uint8_t hash[NSEC3_HASH_OCTETS];
    nsec3_hash(hash, suffix, name->octets - (size_t)(suffix - name->folded), header->nsec3_salt,
               header->nsec3_salt_octets, header->nsec3_iterations);
    uint32_t low = 0;
    uint32_t high = header->nsec3_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(order[middle].hash, hash, sizeof hash) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return image_at(image->bytes, order[low > 0 ? low - 1 : header->nsec3_count - 1].node);
}
