/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/asked.h"

#include <string.h>

static bool asked_has(const struct zones_entry *zones, int count, const uint8_t *name)
{
    for (int i = 0; i < count; i++)
        if (name_equal(zones[i].name, name))
            return true;
    return false;
}

void asked_choose(struct asked *a, const struct shared_up *up)
{
    struct zones_entry slice[PROBE_ZONES_MOST];
    uint32_t sequence = zones_sequence(up);
    if (sequence != a->sequence)
        a->doubtful_count = 0; /* they may not be ours to serve any more */
    a->sequence = sequence;
    memcpy(a->zones, a->doubtful, (size_t)a->doubtful_count * sizeof a->zones[0]);
    a->count = a->doubtful_count;
    int found = zones_read_slice(up, &a->cursor, slice, PROBE_ZONES_MOST - a->count);
    for (int i = 0; i < found; i++)
        if (!asked_has(a->doubtful, a->doubtful_count, slice[i].name))
            a->zones[a->count++] = slice[i];
}

void asked_note(struct asked *a, uint64_t refused)
{
    a->doubtful_count = 0;
    for (int i = 0; i < a->count && a->doubtful_count < ASKED_DOUBTFUL_MOST; i++)
        if ((refused >> i & 1) != 0)
            a->doubtful[a->doubtful_count++] = a->zones[i];
}

bool asked_all_refused(const struct asked *a, uint64_t refused)
{
    return a->count > 0 && __builtin_popcountll(refused) >= a->count;
}

struct asked_effect asked_judge(const struct asked *a, uint64_t refused, size_t group, bool takes_common)
{
    struct asked_effect effect = {0};
    for (int i = 0; i < a->count; i++) {
        uint64_t prefixes = a->zones[i].prefixes;
        if ((refused >> i & 1) == 0)
            continue;
        effect.own |= group < ZONES_COMMON && (prefixes >> group & 1) != 0;
        effect.common |= takes_common && prefixes == 0;
    }
    return effect;
}
