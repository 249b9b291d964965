/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/heart.h"

#define HEART_NS_PER_MS 1000000

struct heart heart_watch(int64_t beat, struct mono now)
{
    return (struct heart){.beat = beat, .seen = now, .look = now};
}

int64_t heart_still_ms(struct heart *heart, int64_t beat, struct mono now)
{
    int64_t napped_ms = mono_ms_between(heart->look, now);
    if (beat != heart->beat)
        *heart = heart_watch(beat, now);
    else if (napped_ms > HEART_NAP_MS)
        heart->seen = mono_add_ms(heart->seen, napped_ms - HEART_NAP_MS);
    heart->look = now;
    return mono_ms_between(heart->seen, now);
}

/* `same`: as at the last look, without having run in between. */
static bool heart_signs_are_bad(const struct heart *heart, enum heart_owner owner, int64_t still_ms,
                                struct heart_signs signs, bool same)
{
    switch (signs.state) {
    case 'T':
    case 't':
        return same;
    case 'R':
        return owner == HEART_OF_WORKER &&
               signs.cpu_ns - heart->doubt_cpu_ns >= (int64_t)HEART_CIRCLES_MS * HEART_NS_PER_MS;
    case 'S':
        return owner == HEART_OF_WORKER && same && still_ms >= HEART_ASLEEP_MS;
    default:
        return false;
    }
}

bool heart_is_hung(struct heart *heart, enum heart_owner owner, int64_t still_ms, struct heart_signs signs)
{
    bool same = heart->doubted && signs.state == heart->last.state && signs.cpu_ns == heart->last.cpu_ns;
    if (!heart->doubted)
        heart->doubt_cpu_ns = signs.cpu_ns;
    heart->doubted = true;
    heart->last = signs;
    return still_ms >= HEART_STILL_MS || heart_signs_are_bad(heart, owner, still_ms, signs, same);
}
