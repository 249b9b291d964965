/* SPDX-License-Identifier: BSD-2-Clause
 *
 * SHA-1 (RFC 3174) of several messages at once, one in each lane of vector registers: as many instructions as
 * one takes by itself. Each message is one block, with its padding and length already in it. Built for the
 * widths that processors have, and chosen when the program runs on one.
 */
#ifndef HITHER_ZONE_SHA1_LANES_H
#define HITHER_ZONE_SHA1_LANES_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_OCTETS       20
#define SHA1_BLOCK_OCTETS 64
#define SHA1_LANES_MOST   8

struct sha1_lanes {
    void (*run)(uint8_t (*digests)[SHA1_OCTETS], const uint8_t (*blocks)[SHA1_BLOCK_OCTETS]);
    size_t count;
};

/* What this processor has. */
struct sha1_lanes sha1_lanes_here(void);

void sha1_four(uint8_t (*digests)[SHA1_OCTETS], const uint8_t (*blocks)[SHA1_BLOCK_OCTETS]);
void sha1_eight(uint8_t (*digests)[SHA1_OCTETS], const uint8_t (*blocks)[SHA1_BLOCK_OCTETS]);

#endif
