/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/nsec3.h"

#include <nettle/sha1.h>

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
