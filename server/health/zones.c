/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/zones.h"

#include <stdatomic.h>
#include <string.h>

#define SLICE_LOOKS 4096  /* entries looked at for one slice */
#define SCAN_LOOKS  16384 /* entries looked at in one step of a walk: well under a millisecond */

static uint32_t zones_load(const _Atomic uint32_t *from)
{
    return atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)from, memory_order_acquire);
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

/* The apex, if it is a name. It is copied before it is judged: the other side could change it in between. */
static bool zones_copy_name(const struct shared_zone *zone, uint8_t name[NAME_MAX_OCTETS])
{
    memcpy(name, zone->apex, NAME_MAX_OCTETS);
    __asm__ volatile("" ::"r"(name) : "memory"); /* the copy is what gets judged */
    return name_check(name, NAME_MAX_OCTETS) != 0;
}

int zones_read_slice(const struct shared_up *up, size_t *cursor, uint8_t (*names)[NAME_MAX_OCTETS], int most)
{
    uint32_t sequence = zones_load(&up->zone_sequence);
    size_t count = zones_count(up);
    size_t at = *cursor < count ? *cursor : 0;
    int found = 0;
    if ((sequence & 1) != 0)
        return -1;
    size_t looked = 0;
    for (; looked < count && looked < SLICE_LOOKS && found < most; looked++) {
        const struct shared_zone *zone = &up->zones[at];
        uint32_t state = zones_state(zone);
        if ((state == SHARED_ZONE_SERVED || state == SHARED_ZONE_STALE) &&
            zones_copy_name(zone, names[found]))
            found++;
        at = at + 1 < count ? at + 1 : 0;
    }
    if (!zones_held_still(up, sequence))
        return -1;
    /* Gone all the way round: begin with another one next time, for TCP asks only the first. */
    *cursor = looked == count ? at + 1 : at;
    return found;
}

static void zones_scan_entry(struct zones_scan *scan, const struct shared_zone *zone)
{
    uint8_t name[NAME_MAX_OCTETS];
    uint32_t state = zones_state(zone);
    scan->served_so_far += state == SHARED_ZONE_SERVED || state == SHARED_ZONE_STALE;
    if (state != SHARED_ZONE_FAILED)
        return;
    if (scan->failed_so_far++ == 0 && zones_copy_name(zone, name))
        (void)name_to_text(name, scan->first_so_far);
}

static void zones_scan_restart(struct zones_scan *scan, uint32_t sequence)
{
    scan->sequence = sequence;
    scan->complete = false;
    scan->at = scan->failed_so_far = scan->served_so_far = 0;
    scan->first_so_far[0] = '\0';
}

bool zones_scan_step(struct zones_scan *scan, const struct shared_up *up)
{
    uint32_t sequence = zones_load(&up->zone_sequence);
    if ((sequence & 1) != 0)
        return false;
    if (sequence != scan->sequence)
        zones_scan_restart(scan, sequence);
    if (scan->complete)
        return false;
    scan->total = zones_count(up);
    for (size_t looked = 0; looked < SCAN_LOOKS && scan->at < scan->total; looked++)
        zones_scan_entry(scan, &up->zones[scan->at++]);
    if (!zones_held_still(up, sequence)) {
        zones_scan_restart(scan, sequence);
        return false;
    }
    if (scan->at < scan->total)
        return false;
    scan->complete = true;
    scan->failed = scan->failed_so_far;
    scan->served = scan->served_so_far;
    memcpy(scan->first_failed, scan->first_so_far, sizeof scan->first_failed);
    return true;
}
