/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/order.h"

#include "zone/nsec3.h"

#define APPROACHES 2

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

static inline bool nsec3_is_behind(const struct image_nsec3 *entry, uint64_t first, const uint8_t *hash)
{
    uint64_t entry_first = first_eight(entry->hash);
    if (entry_first != first)
        return entry_first > first;
    return memcmp(entry->hash, hash, NSEC3_HASH_OCTETS) > 0;
}

/* About where the hash belongs. Hashes are spread evenly: what the number says is seldom farther off than the
 * root of how many there are, and from there the difference to the number that one comes upon says it to the
 * root of that. So a large order takes two or three cache misses rather than one for each bisection. */
static inline uint32_t nsec3_about(const struct image_nsec3 *order, uint32_t count, uint64_t first)
{
    int64_t wanted = (int64_t)(first >> 33);
    int64_t at = wanted * count >> 31;
    for (unsigned turn = 0; turn < APPROACHES; turn++) {
        int64_t here = (int64_t)(first_eight(order[at].hash) >> 33);
        at += (wanted - here) * count >> 31;
        at = at < 0 ? 0 : at;
        at = at < count ? at : (int64_t)count - 1;
    }
    return (uint32_t)at;
}

const struct image_nsec3 *order_find_nsec3(const struct image_nsec3 *order, uint32_t count,
                                           const uint8_t *hash)
{
    uint64_t first = first_eight(hash);
    uint32_t about = nsec3_about(order, count, first);
    uint32_t low = about;
    uint32_t high = about;
    /* However they are spread: with ever longer steps to where it must lie between. */
    for (uint32_t step = 1; low > 0 && nsec3_is_behind(&order[low - 1], first, hash); step *= 2) {
        high = low - 1;
        low = low > step ? low - step : 0;
    }
    for (uint32_t step = 1; high < count && !nsec3_is_behind(&order[high], first, hash); step *= 2) {
        low = high + 1;
        high = count - high > step ? high + step : count;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (nsec3_is_behind(&order[middle], first, hash))
            high = middle;
        else
            low = middle + 1;
    }
    return &order[low > 0 ? low - 1 : count - 1];
}
