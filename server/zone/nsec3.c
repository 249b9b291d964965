/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/nsec3.h"

#include "wire/writer.h"
#include "zone/sha1_lanes.h"

#include <nettle/sha1.h>

#define SHA1_PADDING 9 /* octets of a block that its end and its length take at least */

void nsec3_hash(uint8_t hash[NSEC3_HASH_OCTETS], const uint8_t *name, size_t octets, const uint8_t *salt,
                size_t salt_octets, unsigned iterations)
{
    struct sha1_ctx sha1;
    sha1_init(&sha1);
    sha1_update(&sha1, octets, name);
    sha1_update(&sha1, salt_octets, salt);
    sha1_digest(&sha1, NSEC3_HASH_OCTETS, hash);
    for (; iterations > 0; iterations--) {
        sha1_update(&sha1, NSEC3_HASH_OCTETS, hash);
        sha1_update(&sha1, salt_octets, salt);
        sha1_digest(&sha1, NSEC3_HASH_OCTETS, hash);
    }
}

static void hash_one(const struct nsec3_name *name)
{
    nsec3_hash(name->hash, name->name, name->octets, name->salt, name->salt_octets, name->iterations);
}

/* Whether what is hashed is one block: nearly always, where RFC 9276 is kept. */
static inline bool is_one_block(const struct nsec3_name *name)
{
    return name->iterations == 0 && name->octets + name->salt_octets <= SHA1_BLOCK_OCTETS - SHA1_PADDING;
}

static inline void block_fill(uint8_t block[SHA1_BLOCK_OCTETS], const struct nsec3_name *name)
{
    size_t octets = name->octets + name->salt_octets;
    memset(block, 0, SHA1_BLOCK_OCTETS);
    memcpy(block, name->name, name->octets);
    if (name->salt_octets > 0)
        memcpy(block + name->octets, name->salt, name->salt_octets);
    block[octets] = 0x80;
    octets_set_u16(block + SHA1_BLOCK_OCTETS - 2, (unsigned)octets * 8);
}

/* Hashes the names, each of one block and at most as many as there are lanes. All lanes cost what one costs;
 * for few names that is more than one after the other. */
static void hash_side_by_side(const struct sha1_lanes lanes, const struct nsec3_name *const *names,
                              size_t count)
{
    uint8_t blocks[SHA1_LANES_MOST][SHA1_BLOCK_OCTETS];
    uint8_t digests[SHA1_LANES_MOST][SHA1_OCTETS];
    if (count * 4 < lanes.count) {
        for (size_t i = 0; i < count; i++)
            hash_one(names[i]);
        return;
    }
    for (size_t i = 0; i < lanes.count; i++)
        block_fill(blocks[i], names[i < count ? i : 0]);
    lanes.run(digests, (const uint8_t(*)[SHA1_BLOCK_OCTETS])blocks);
    for (size_t i = 0; i < count; i++)
        memcpy(names[i]->hash, digests[i], NSEC3_HASH_OCTETS);
}

void nsec3_hash_all(const struct nsec3_name *names, size_t count)
{
    const struct sha1_lanes lanes = sha1_lanes_here();
    const struct nsec3_name *waiting[SHA1_LANES_MOST];
    size_t waits = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_one_block(&names[i])) {
            hash_one(&names[i]);
            continue;
        }
        waiting[waits++] = &names[i];
        if (waits == lanes.count) {
            hash_side_by_side(lanes, waiting, waits);
            waits = 0;
        }
    }
    if (waits > 0)
        hash_side_by_side(lanes, waiting, waits);
}

static int base32hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}

bool nsec3_hash_of_owner(uint8_t hash[NSEC3_HASH_OCTETS], const uint8_t *owner)
{
    uint32_t bits = 0;
    unsigned held = 0;
    unsigned at = 0;
    if (owner[0] != NSEC3_LABEL_OCTETS)
        return false;
    for (unsigned i = 1; i <= NSEC3_LABEL_OCTETS; i++) {
        int value = base32hex_value(owner[i]);
        if (value < 0)
            return false;
        bits = bits << 5 | (uint32_t)value;
        held += 5;
        if (held >= 8) {
            held -= 8;
            hash[at++] = (uint8_t)(bits >> held);
        }
    }
    return true;
}
