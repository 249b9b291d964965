/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The slots of an index bucket that have a tag, with what compilers make of vectors on any processor: one bit
 * for each slot, 16 * (slot % 4) + 4 * (slot / 4), so that the two parts of a bit's number add up to the
 * slot.
 */
#ifndef HITHER_ZONE_TAGS_ANY_H
#define HITHER_ZONE_TAGS_ANY_H

#include "zone/format.h"

typedef uint64_t tags_slots;
typedef uint16_t tags_eight __attribute__((vector_size(16)));
typedef uint64_t tags_words __attribute__((vector_size(16)));

static inline tags_slots tags_find(const struct image_bucket *bucket, uint16_t tag)
{
    const uint64_t one_each = UINT64_C(0x0001000100010001);
    tags_eight first;
    _Static_assert(BUCKET_SLOTS == 10, "eight and two");
    memcpy(&first, bucket->tags, sizeof first);
    tags_words same = (tags_words)(first == tag);
    return (same[0] & one_each) | (same[1] & one_each << 4) | (uint64_t)(bucket->tags[8] == tag) << 8 |
           (uint64_t)(bucket->tags[9] == tag) << (16 + 8);
}

/* One of them; there is one. */
static inline unsigned tags_slot(tags_slots slots)
{
    unsigned bit = (unsigned)__builtin_ctzll(slots);
    return bit / 16 + bit % 16;
}

#endif
