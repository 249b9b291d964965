/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/order.h"

#include "zone/nsec3.h"

#define NARROW_ABOVE 1024 /* entries: fewer are bisected in no more time */
#define NARROW_TURNS 8

static inline uint64_t first_eight(const uint8_t *octets)
{
    uint64_t v;
    memcpy(&v, octets, sizeof v);
    return __builtin_bswap64(v);
}

static inline uint8_t *put_octet(uint8_t *at, uint8_t octet)
{
    if (octet > 1) {
        *at = octet;
        return at + 1;
    }
    at[0] = 1;
    at[1] = (uint8_t)(octet + 1);
    return at + 2;
}

size_t order_key(uint8_t key[ORDER_KEY_MOST], const uint8_t *owner, size_t octets)
{
    uint8_t starts[NAME_MAX_LABELS];
    unsigned labels = 0;
    uint8_t *at = key;
    for (size_t start = 0; start < octets; start += 1U + owner[start])
        starts[labels++] = (uint8_t)start;
    while (labels > 0) {
        const uint8_t *label = owner + starts[--labels];
        for (unsigned i = 1; i <= label[0]; i++)
            at = put_octet(at, label[i]);
        *at++ = 0;
    }
    memset(at, 0, IMAGE_NSEC_KEY_OCTETS);
    return (size_t)(at - key);
}

/* --- NSEC
 * ------------------------------------------------------------------------------------------------------- */

/* A name on its way through the search. */
struct wanted {
    uint64_t first;
    size_t octets;
    uint8_t key[ORDER_KEY_MOST];
};

/* Whether the node comes behind the name: the entries' keys were the same. */
static __attribute__((noinline)) bool node_is_behind(const struct image_node *node,
                                                     const struct wanted *wanted)
{
    uint8_t key[ORDER_KEY_MOST];
    size_t octets = order_key(key, node_owner(node), node->owner_octets);
    size_t shorter = octets < wanted->octets ? octets : wanted->octets;
    int order = memcmp(key, wanted->key, shorter);
    return order != 0 ? order > 0 : octets > wanted->octets;
}

static inline bool nsec_is_behind(const uint8_t *image, const struct image_nsec *entry,
                                  const struct wanted *wanted)
{
    uint64_t first = first_eight(entry->key);
    if (first != wanted->first)
        return first > wanted->first;
    return node_is_behind(image_at(image, entry->node), wanted);
}

const struct image_node *order_find_nsec(const uint8_t *image, const uint8_t *owner, size_t octets)
{
    const struct image_header *header = (const struct image_header *)(const void *)image;
    const struct image_nsec *order = image_at(image, header->nsec_order);
    struct wanted wanted;
    wanted.octets = order_key(wanted.key, owner, octets);
    wanted.first = first_eight(wanted.key);
    uint32_t low = 0;
    uint32_t high = header->nsec_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (nsec_is_behind(image, &order[middle], &wanted))
            high = middle;
        else
            low = middle + 1;
    }
    return image_at(image, order[low > 0 ? low - 1 : 0].node);
}

/* --- NSEC3
 * ------------------------------------------------------------------------------------------------------ */

/* The part of an order in which the search's end lies: from `low` to `high`, and the numbers there. */
struct range {
    uint32_t low;
    uint32_t high;
    uint64_t first_low;
    uint64_t first_high;
};

/* Makes the range end, or begin, at the entry `at`. */
static inline void range_cut(struct range *range, const struct image_nsec3 *order, uint32_t at,
                             uint64_t wanted)
{
    if (at <= range->low || at >= range->high)
        return;
    uint64_t first = first_eight(order[at].hash);
    if (first > wanted) {
        range->high = at;
        range->first_high = first;
    } else if (first < wanted) {
        range->low = at;
        range->first_low = first;
    }
}

/* Hashes are spread evenly: among n the right place is seldom farther than the root of n from where the
 * number says. So a large order takes a few cache misses rather than one for each bisection. */
static void range_narrow(struct range *range, const struct image_nsec3 *order, uint64_t wanted)
{
    for (unsigned turn = 0; turn < NARROW_TURNS && range->high - range->low > NARROW_ABOVE; turn++) {
        uint64_t span = range->high - range->low;
        uint64_t part = (wanted - range->first_low) >> 32;
        uint64_t whole = ((range->first_high - range->first_low) >> 32) + 1;
        uint64_t about = range->low + part * span / whole;
        uint64_t far = UINT64_C(2) << (64 - __builtin_clzll(span)) / 2;
        range_cut(range, order, (uint32_t)(about > far ? about - far : 0), wanted);
        range_cut(range, order, (uint32_t)(about + far < UINT32_MAX ? about + far : UINT32_MAX), wanted);
    }
}

static inline bool nsec3_is_behind(const struct image_nsec3 *entry, uint64_t first, const uint8_t *hash)
{
    uint64_t entry_first = first_eight(entry->hash);
    if (entry_first != first)
        return entry_first > first;
    return memcmp(entry->hash, hash, NSEC3_HASH_OCTETS) > 0;
}

const struct image_nsec3 *order_find_nsec3(const struct image_nsec3 *order, uint32_t count,
                                           const uint8_t *hash)
{
    uint64_t first = first_eight(hash);
    struct range range = {0, count, 0, UINT64_MAX};
    range_narrow(&range, order, first);
    uint32_t low = range.low;
    uint32_t high = range.high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (nsec3_is_behind(&order[middle], first, hash))
            high = middle;
        else
            low = middle + 1;
    }
    return &order[low > 0 ? low - 1 : count - 1];
}
