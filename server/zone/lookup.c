/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/lookup.h"

#include "zone/nsec3.h"

#include <string.h>

void lookup_name_set(struct lookup_name *name, const uint8_t *wire, size_t octets)
{
    unsigned labels = 0;
    name_fold(name->folded, wire, octets);
    memset(name->folded + octets, 0, NAME_PADDING);
    for (size_t at = 0; name->folded[at] != 0; at += 1 + (size_t)name->folded[at])
        name->starts[labels++] = (uint8_t)at;
    name->starts[labels] = (uint8_t)(octets - 1);
    name->octets = (uint8_t)octets;
    name->labels = (uint8_t)labels;
    uint64_t hash = NAME_HASH_ROOT;
    name->hashes[0] = hash;
    for (unsigned d = 1; d <= labels; d++) {
        hash = name_hash_label(hash, name->folded + name->starts[labels - d]);
        name->hashes[d] = hash;
    }
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
            memcmp(slot->image->header->apex, suffix, octets) == 0)
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

void lookup_prefetch_node(const struct zone_image *image, const struct lookup_name *name)
{
    uint64_t hash = name->hashes[name->labels];
    const struct image_bucket *bucket = bucket_of(image, hash);
    uint16_t tag = image_tag_of(hash);
    for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
        if (bucket->tags[i] != tag)
            continue;
        const uint8_t *node = image_at(image->bytes, bucket->nodes[i]);
        __builtin_prefetch(node);
        __builtin_prefetch(node + 64);
        return;
    }
}

/* Whether the node owns the `octets` of `relative` (folded, without the apex). */
static inline bool owns(const struct image_node *node, const uint8_t *relative, size_t octets)
{
    return node->owner_octets == octets && memcmp(node_owner(node), relative, octets) == 0;
}

static const struct image_node *index_find(const struct zone_image *image, uint64_t hash,
                                           const uint8_t *relative, size_t octets)
{
    const struct image_bucket *buckets = image_at(image->bytes, image->header->index);
    const struct image_bucket *end = buckets + image->header->bucket_count;
    const struct image_bucket *bucket = bucket_of(image, hash);
    uint16_t tag = image_tag_of(hash);
    for (;;) {
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            if (bucket->tags[i] != tag || bucket->nodes[i] == 0)
                continue;
            const struct image_node *node = image_at(image->bytes, bucket->nodes[i]);
            if (owns(node, relative, octets))
                return node;
        }
        if (bucket->passed_on == 0)
            return NULL;
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

static struct lookup found_at(enum lookup_outcome outcome, const struct image_node *node, unsigned labels)
{
    return (struct lookup){outcome, node, node, (uint8_t)labels, (uint8_t)labels};
}

static struct lookup below_encloser(const struct zone_image *image, const struct lookup_name *name,
                                    const struct image_node *encloser, unsigned labels)
{
    struct lookup found = {LOOKUP_ABSENT, NULL, encloser, 0, (uint8_t)labels};
    if ((encloser->flags & NODE_WILDCARD_BELOW) == 0)
        return found;
    uint8_t relative[2 + NAME_MAX_OCTETS + NAME_PADDING] = {1, '*'};
    const uint8_t *suffix = lookup_name_suffix(name, labels);
    size_t octets = (size_t)name->octets - image->header->apex_octets - (size_t)(suffix - name->folded);
    uint64_t hash = name_hash_label(name->hashes[labels], relative);
    memcpy(relative + 2, suffix, octets);
    found.node = index_find(image, hash, relative, 2 + octets);
    if (found.node != NULL)
        found.outcome = LOOKUP_WILDCARD;
    return found;
}

/* The name isn't in the index: what is, on the way down to it? */
static struct lookup find_enclosed(const struct zone_image *image, const struct lookup_name *name)
{
    unsigned labels = image->header->apex_labels;
    const struct image_node *node = image_at(image->bytes, image->header->apex_node);
    for (;;) {
        if ((node->flags & NODE_CUT) != 0)
            return found_at(LOOKUP_CUT, node, labels);
        if ((node->flags & NODE_DNAME) != 0)
            return found_at(LOOKUP_DNAME, node, labels);
        if (labels + 1U >= name->labels)
            break;
        const struct image_node *child = lookup_node(image, name, labels + 1);
        if (child == NULL)
            break;
        node = child;
        labels++;
    }
    return below_encloser(image, name, node, labels);
}

struct lookup lookup_find(const struct zone_image *image, const struct lookup_name *name)
{
    const struct image_node *node = lookup_node(image, name, name->labels);
    if (node == NULL)
        return find_enclosed(image, name);
    return found_at((node->flags & NODE_CUT) != 0 ? LOOKUP_CUT : LOOKUP_EXACT, node, name->labels);
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
