/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/zones.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLICE_LOOKS 4096 /* entries looked at for one slice */
#define SCAN_LOOKS  8192 /* entries looked at in one step of a walk: well under a millisecond */
#define SEEN_LEAST  64
#define DAY_S       86400

static uint32_t zones_load(const _Atomic uint32_t *from)
{
    return atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)from, memory_order_acquire);
}

uint32_t zones_sequence(const struct shared_up *up)
{
    return zones_load(&up->zone_sequence);
}

static size_t zones_count(const struct shared_up *up)
{
    uint32_t count = zones_load(&up->zone_count);
    return count < SHARED_MAX_ZONES ? count : SHARED_MAX_ZONES;
}

/* Whether what was read since `sequence` was seen is whole. */
static bool zones_held_still(const struct shared_up *up, uint32_t sequence)
{
    atomic_thread_fence(memory_order_acquire);
    return zones_load(&up->zone_sequence) == sequence;
}

static uint32_t zones_state(const struct shared_zone *zone)
{
    return *(const volatile uint32_t *)&zone->state;
}

static uint64_t zones_prefixes(const struct shared_zone *zone)
{
    return *(const volatile uint64_t *)&zone->prefixes;
}

/* The apex, if it is a name. It is copied before it is judged: the other side could change it in between. */
static bool zones_copy_name(const struct shared_zone *zone, uint8_t name[NAME_MAX_OCTETS])
{
    memcpy(name, zone->apex, NAME_MAX_OCTETS);
    __asm__ volatile("" ::"r"(name) : "memory"); /* the copy is what gets judged */
    return name_check(name, NAME_MAX_OCTETS) != 0;
}

int zones_read_slice(const struct shared_up *up, size_t *cursor, struct zones_entry *zones, int most)
{
    uint32_t sequence = zones_sequence(up);
    size_t count = zones_count(up);
    size_t at = *cursor < count ? *cursor : 0;
    int found = 0;
    if ((sequence & 1) != 0)
        return -1;
    size_t looked = 0;
    for (; looked < count && looked < SLICE_LOOKS && found < most; looked++) {
        const struct shared_zone *zone = &up->zones[at];
        uint32_t state = zones_state(zone);
        zones[found].prefixes = zones_prefixes(zone);
        if ((state == SHARED_ZONE_SERVED || state == SHARED_ZONE_STALE) &&
            zones_copy_name(zone, zones[found].name))
            found++;
        at = at + 1 < count ? at + 1 : 0;
    }
    if (!zones_held_still(up, sequence))
        return -1;
    /* Gone all the way round: begin with another one next time, for TCP asks only the first. */
    *cursor = looked == count ? at + 1 : at;
    return found;
}

/* --- which zones have been served */

static uint64_t seen_hash(const uint8_t *name)
{
    uint64_t hash = NAME_HASH_ROOT;
    for (size_t i = 0; i < name_octets(name); i++)
        hash = name_hash_mix(hash, name[i]);
    return hash | 1; /* never 0 */
}

/* Where the hash is, or would be. */
static uint64_t *seen_slot(const struct zones_seen *seen, uint64_t hash)
{
    size_t at = (size_t)(hash >> 1) & (seen->size - 1);
    while (seen->slots[at] != 0 && seen->slots[at] != hash)
        at = (at + 1) & (seen->size - 1);
    return &seen->slots[at];
}

static bool seen_has(const struct zones_seen *seen, uint64_t hash)
{
    return seen->size > 0 && *seen_slot(seen, hash) == hash;
}

static bool seen_grow(struct zones_seen *seen)
{
    struct zones_seen next = {.size = seen->size > 0 ? 2 * seen->size : SEEN_LEAST, .count = seen->count};
    next.slots = calloc(next.size, sizeof *next.slots);
    if (next.slots == NULL)
        return false;
    for (size_t i = 0; i < seen->size; i++)
        if (seen->slots[i] != 0)
            *seen_slot(&next, seen->slots[i]) = seen->slots[i];
    free(seen->slots);
    *seen = next;
    return true;
}

/* One that finds no memory isn't remembered, so its failure will only degrade. */
static void seen_add(struct zones_seen *seen, uint64_t hash)
{
    if (2 * (seen->count + 1) > seen->size && !seen_grow(seen))
        return;
    uint64_t *slot = seen_slot(seen, hash);
    seen->count += *slot == 0;
    *slot = hash;
}

static void seen_free(struct zones_seen *seen)
{
    free(seen->slots);
    *seen = (struct zones_seen){0};
}

/* --- the walk */

static enum zones_trouble scan_trouble(struct zones_scan *scan, uint32_t state, uint64_t prefixes,
                                       const uint8_t *name)
{
    bool served = state == SHARED_ZONE_SERVED || state == SHARED_ZONE_STALE;
    bool lost = false;
    if (prefixes != 0) {
        uint64_t hash = seen_hash(name);
        lost = !served && seen_has(&scan->seen, hash);
        if (served || lost)
            seen_add(&scan->seen_so_far, hash);
    }
    if (state == SHARED_ZONE_FAILED)
        return lost ? ZONES_LOST : ZONES_FAILED;
    return state == SHARED_ZONE_STALE ? ZONES_STALE : ZONES_NO_TROUBLE;
}

static void group_count(struct zones_group *group, enum zones_trouble trouble, const uint8_t *name)
{
    group->total++;
    group->stale += trouble == ZONES_STALE;
    group->failed += trouble == ZONES_FAILED;
    group->lost += trouble == ZONES_LOST;
    if (trouble <= group->worst)
        return;
    group->worst = trouble;
    memcpy(group->first, name, name_octets(name));
}

static void scan_age(struct zones_summary *sum, const struct shared_zone *zone, uint32_t state,
                     const uint8_t *name)
{
    int64_t loaded = *(const volatile int64_t *)&zone->loaded_unix_s;
    if ((state != SHARED_ZONE_SERVED && state != SHARED_ZONE_STALE) || loaded <= 0 ||
        (sum->oldest_unix_s > 0 && loaded >= sum->oldest_unix_s))
        return;
    sum->oldest_unix_s = loaded;
    memcpy(sum->oldest, name, name_octets(name));
}

static void scan_signature(struct zones_summary *sum, const struct shared_zone *zone, uint32_t state,
                           const uint8_t *name)
{
    int64_t end = *(const volatile int64_t *)&zone->signature_end_unix_s;
    if ((state != SHARED_ZONE_SERVED && state != SHARED_ZONE_STALE) || end <= 0 ||
        (sum->signature_end_unix_s > 0 && end >= sum->signature_end_unix_s))
        return;
    sum->signature_end_unix_s = end;
    memcpy(sum->signed_zone, name, name_octets(name));
}

static void summary_add_digest(struct zones_summary *sum, const struct shared_zone *zone)
{
    uint64_t halves[2];
    memcpy(halves, zone->digest, sizeof halves);
    sum->digests[0] += halves[0];
    sum->digests[1] += halves[1];
}

static void scan_entry(struct zones_scan *scan, const struct shared_zone *zone)
{
    struct zones_summary *sum = &scan->so_far;
    uint8_t name[NAME_MAX_OCTETS];
    uint32_t state = zones_state(zone);
    uint64_t prefixes = zones_prefixes(zone);
    if (!zones_copy_name(zone, name))
        name[0] = 0;
    enum zones_trouble trouble = scan_trouble(scan, state, prefixes, name);
    if (state == SHARED_ZONE_SERVED || state == SHARED_ZONE_STALE) {
        sum->served++;
        summary_add_digest(sum, zone);
    }
    sum->failed += state == SHARED_ZONE_FAILED;
    sum->stale += state == SHARED_ZONE_STALE;
    scan_age(sum, zone, state, name);
    scan_signature(sum, zone, state, name);
    bool own = false;
    for (uint64_t left = prefixes; left != 0; left &= left - 1) {
        size_t i = (size_t)__builtin_ctzll(left);
        if (i >= sum->prefix_count)
            break;
        own = true;
        group_count(&sum->groups[i], trouble, name);
    }
    if (!own)
        group_count(&sum->groups[ZONES_COMMON], trouble, name);
}

static void scan_restart(struct zones_scan *scan, const struct shared_up *up, uint32_t sequence)
{
    uint32_t count = *(const volatile uint32_t *)&up->prefix_count;
    scan->sequence = sequence;
    scan->complete = false;
    scan->at = 0;
    memset(&scan->so_far, 0, sizeof scan->so_far);
    scan->so_far.prefix_count = count < SETTINGS_MAX_PREFIXES ? count : SETTINGS_MAX_PREFIXES;
    memcpy(scan->so_far.prefixes, up->prefixes, sizeof scan->so_far.prefixes);
    seen_free(&scan->seen_so_far);
}

static void scan_finish(struct zones_scan *scan)
{
    scan->complete = true;
    scan->last = scan->so_far;
    seen_free(&scan->seen);
    scan->seen = scan->seen_so_far;
    scan->seen_so_far = (struct zones_seen){0};
}

void zones_scan_again(struct zones_scan *scan)
{
    scan->sequence = 1; /* no table that can be read has an odd number */
    scan->complete = false;
}

bool zones_scan_step(struct zones_scan *scan, const struct shared_up *up)
{
    uint32_t sequence = zones_sequence(up);
    if ((sequence & 1) != 0)
        return false;
    if (sequence != scan->sequence)
        scan_restart(scan, up, sequence);
    if (scan->complete)
        return false;
    scan->so_far.total = zones_count(up);
    for (size_t looked = 0; looked < SCAN_LOOKS && scan->at < scan->so_far.total; looked++)
        scan_entry(scan, &up->zones[scan->at++]);
    if (!zones_held_still(up, sequence)) {
        zones_scan_again(scan);
        return false;
    }
    if (scan->at < scan->so_far.total)
        return false;
    scan_finish(scan);
    return true;
}

void zones_scan_free(struct zones_scan *scan)
{
    seen_free(&scan->seen);
    seen_free(&scan->seen_so_far);
}

/* --- what it means */

size_t zones_group_of(const struct zones_summary *summary, uint8_t family, uint8_t bits,
                      const uint8_t octets[16])
{
    for (size_t i = 0; i < summary->prefix_count; i++) {
        const struct shared_prefix *prefix = &summary->prefixes[i];
        if (prefix->family == family && prefix->bits == bits &&
            memcmp(prefix->octets, octets, sizeof prefix->octets) == 0)
            return summary->groups[i].total > 0 ? i : ZONES_COMMON;
    }
    return ZONES_COMMON;
}

static const char *group_why(const struct zones_group *group, char *why, size_t octets)
{
    static const char *const words[] = {
        [ZONES_NO_TROUBLE] = "is served",
        [ZONES_STALE] = "is served from an older text: the newest was refused",
        [ZONES_FAILED] = "can't be served, and never was",
        [ZONES_LOST] = "can't be served any more",
    };
    char name[NAME_TEXT_MAX];
    (void)snprintf(why, octets, "zone %s %s (of %zu: %zu lost, %zu failed, %zu stale)",
                   name_to_text(group->first, name), words[group->worst], group->total, group->lost,
                   group->failed, group->stale);
    return why;
}

const char *zones_first_failed(const struct zones_summary *summary, char name[NAME_TEXT_MAX])
{
    name[0] = '\0';
    for (size_t i = 0; i <= ZONES_COMMON && name[0] == '\0'; i++)
        if (summary->groups[i].worst >= ZONES_FAILED)
            (void)name_to_text(summary->groups[i].first, name);
    return name;
}

struct zones_effect zones_judge(const struct zones_summary *summary, size_t group, bool takes_common)
{
    char name[NAME_TEXT_MAX];
    struct zones_effect effect = {0};
    if (summary->total > 0 && summary->failed == summary->total) {
        effect.withdraws = true;
        (void)snprintf(effect.why, sizeof effect.why, "not one of %zu zones can be served: %s and all others",
                       summary->total, zones_first_failed(summary, name));
        return effect;
    }
    const struct zones_group *own = group < ZONES_COMMON ? &summary->groups[group] : NULL;
    const struct zones_group *common = takes_common ? &summary->groups[ZONES_COMMON] : NULL;
    const struct zones_group *worst = own != NULL ? own : common;
    if (own != NULL && common != NULL && common->worst > own->worst)
        worst = common;
    if (worst == NULL || worst->worst == ZONES_NO_TROUBLE)
        return effect;
    effect.withdraws = own != NULL && own->lost > 0;
    effect.degrades = true;
    effect.only_stale = worst->worst == ZONES_STALE;
    (void)group_why(effect.withdraws ? own : worst, effect.why, sizeof effect.why);
    return effect;
}

/* --- what the time means for them */

bool zones_is_past(struct zones_time now, int64_t limit_unix_s, bool before)
{
    bool by_wall = now.wall_unix_s > limit_unix_s;
    bool by_steady = now.steady_unix_s > limit_unix_s;
    int64_t apart_s = now.wall_unix_s - now.steady_unix_s;
    if (by_wall == by_steady)
        return by_wall;
    return before && apart_s <= DAY_S && apart_s >= -DAY_S;
}

bool zones_are_old(const struct zones_summary *summary, struct zones_time now, int64_t most_s, bool before)
{
    return most_s > 0 && summary->oldest_unix_s > 0 &&
           zones_is_past(now, summary->oldest_unix_s + most_s, before);
}

bool zones_signatures_end(const struct zones_summary *summary, struct zones_time now, int64_t ahead_s,
                          bool before)
{
    return ahead_s > 0 && summary->signature_end_unix_s > 0 &&
           zones_is_past(now, summary->signature_end_unix_s - ahead_s, before);
}

const char *zones_say_signature(const struct zones_summary *summary, int64_t wall_unix_s,
                                char text[ZONES_SIGNATURE_OCTETS])
{
    char name[NAME_TEXT_MAX];
    int64_t left_s = summary->signature_end_unix_s - wall_unix_s;
    int64_t span_min = (left_s < 0 ? -left_s : left_s) / 60;
    text[0] = '\0';
    if (summary->signature_end_unix_s > 0)
        (void)snprintf(text, ZONES_SIGNATURE_OCTETS,
                       "zone %s: a signature %s%" PRId64 " d %" PRId64 " h %" PRId64 " min%s",
                       name_to_text(summary->signed_zone, name), left_s < 0 ? "ended " : "ends in ",
                       span_min / 1440, span_min / 60 % 24, span_min % 60, left_s < 0 ? " ago" : "");
    return text;
}
