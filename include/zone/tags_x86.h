/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The slots of an index bucket that have a tag, by SSE2, which every x86-64 has: one bit for each slot. The
 * same as zone/tags_any.h.
 */
#ifndef HITHER_ZONE_TAGS_X86_H
#define HITHER_ZONE_TAGS_X86_H

#include "zone/format.h"

#include <emmintrin.h>

typedef unsigned tags_slots;

static inline tags_slots tags_find(const struct image_bucket *bucket, uint16_t tag)
{
    const __m128i wanted = _mm_set1_epi16((short)tag);
    uint32_t two;
    _Static_assert(BUCKET_SLOTS == 10, "eight and two");
    memcpy(&two, bucket->tags + 8, sizeof two);
    __m128i first = _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *)(const void *)bucket->tags), wanted);
    __m128i last = _mm_cmpeq_epi16(_mm_cvtsi32_si128((int)two), wanted);
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(first, last)) & ((1U << BUCKET_SLOTS) - 1);
}

/* The first of them; there is one. */
static inline unsigned tags_slot(tags_slots slots)
{
    return (unsigned)__builtin_ctz(slots);
}

#endif
