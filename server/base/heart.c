/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/heart.h"

struct heart heart_watch(int64_t beat, struct mono now)
{
    return (struct heart){beat, now, now};
}

int64_t heart_still_ms(struct heart *heart, int64_t beat, struct mono now)
{
    int64_t napped_ms = mono_ms_between(heart->look, now);
    if (beat != heart->beat) {
        heart->beat = beat;
        heart->seen = now;
    } else if (napped_ms > HEART_NAP_MS) {
        heart->seen = mono_add_ms(heart->seen, napped_ms);
    }
    heart->look = now;
    return mono_ms_between(heart->seen, now);
}
