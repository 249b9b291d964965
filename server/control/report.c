/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/report.h"

#include "wire/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPY_TRIES 100

/* atomic_load takes no pointer to const in C17. */
#define load(counter, order)                                                                                 \
    atomic_load_explicit((__typeof__(*(counter)) *)(uintptr_t)(counter), memory_order_##order)

const char *report_route_state(uint32_t state)
{
    static const char *const names[] = {"init", "up", "degraded", "draining", "withdrawn"};
    return state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

const char *report_zone_state(uint32_t state)
{
    static const char *const names[] = {"loading", "served", "failed", "stale"};
    return state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

uint32_t report_worker_count(const struct shared_up *up)
{
    uint32_t count = load(&up->worker_count, relaxed);
    return count < SETTINGS_MAX_WORKERS ? count : SETTINGS_MAX_WORKERS;
}

int64_t report_slowest_beat_ms(const struct shared_up *up, struct mono now)
{
    int64_t oldest_ns = load(&up->beat_ns, relaxed);
    uint32_t workers = report_worker_count(up);
    for (uint32_t i = 0; i < workers; i++) {
        int64_t beat_ns = load(&up->worker_beat_ns[i], relaxed);
        oldest_ns = beat_ns < oldest_ns ? beat_ns : oldest_ns;
    }
    if (oldest_ns <= 0 || oldest_ns > now.ns)
        return oldest_ns <= 0 ? -1 : 0;
    return mono_ms_between((struct mono){oldest_ns}, now);
}

static size_t copy_once(const struct shared_up *up, struct shared_zone *zones, size_t most,
                        struct report_totals *totals)
{
    uint32_t count = load(&up->zone_count, relaxed);
    size_t copied = 0;
    *totals = (struct report_totals){.zones = count < SHARED_MAX_ZONES ? count : SHARED_MAX_ZONES};
    for (uint64_t i = 0; i < totals->zones; i++) {
        const struct shared_zone *zone = &up->zones[i];
        uint32_t state = *(const volatile uint32_t *)&zone->state;
        if (state <= SHARED_ZONE_STALE)
            totals->by_state[state]++;
        totals->names += zone->names;
        totals->image_octets += zone->image_octets;
        if (zones != NULL && i < most)
            zones[copied++] = *zone;
    }
    return copied;
}

size_t report_copy_zones(const struct shared_up *up, struct shared_zone *zones, size_t most,
                         struct report_totals *totals)
{
    for (int tries = 0; tries < COPY_TRIES; tries++) {
        uint32_t before = load(&up->zone_sequence, acquire);
        if ((before & 1) != 0)
            continue;
        size_t copied = copy_once(up, zones, most, totals);
        atomic_thread_fence(memory_order_acquire);
        if (load(&up->zone_sequence, relaxed) != before)
            continue;
        for (size_t i = 0; zones != NULL && i < copied; i++) {
            if (name_check(zones[i].apex, sizeof zones[i].apex) == 0)
                zones[i].apex[0] = 0;
        }
        return copied;
    }
    *totals = (struct report_totals){0};
    return 0;
}

json_t *report_server(const struct shared_up *up, struct mono now)
{
    struct report_totals totals;
    (void)report_copy_zones(up, NULL, 0, &totals);
    return json_pack("{s:b, s:i, s:I, s:I, s:{s:I, s:I, s:I, s:I, s:I}}", "serving",
                     load(&up->serving, relaxed) == 1, "workers", (int)report_worker_count(up),
                     "slowest_beat_ms", (json_int_t)report_slowest_beat_ms(up, now), "queries",
                     (json_int_t)load(&up->queries, relaxed), "zones", "count", (json_int_t)totals.zones,
                     "served", (json_int_t)totals.by_state[SHARED_ZONE_SERVED], "stale",
                     (json_int_t)totals.by_state[SHARED_ZONE_STALE], "failed",
                     (json_int_t)totals.by_state[SHARED_ZONE_FAILED], "loading",
                     (json_int_t)totals.by_state[SHARED_ZONE_LOADING]);
}

char *report_digest(const struct shared_zone *zone,
                    char text[2 * sizeof(((struct shared_zone *)0)->digest) + 1])
{
    for (size_t i = 0; i < sizeof zone->digest; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", zone->digest[i]);
    return text;
}

static json_t *zone_as_json(const struct shared_zone *zone)
{
    char name[NAME_TEXT_MAX];
    char digest[2 * sizeof zone->digest + 1];
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "name", name_to_text(zone->apex, name),
                     "state", report_zone_state(zone->state), "serial", (json_int_t)zone->serial, "names",
                     (json_int_t)zone->names, "octets", (json_int_t)zone->image_octets, "loaded_unix_s",
                     (json_int_t)zone->loaded_unix_s, "signature_end_unix_s",
                     (json_int_t)zone->signature_end_unix_s, "expires_unix_s",
                     (json_int_t)zone->expires_unix_s, "digest", report_digest(zone, digest));
}

json_t *report_zones(const struct shared_up *up, size_t most)
{
    struct report_totals totals;
    json_t *list = json_array();
    (void)report_copy_zones(up, NULL, 0, &totals);
    if (most > totals.zones)
        most = (size_t)totals.zones;
    struct shared_zone *zones = most > 0 ? calloc(most, sizeof *zones) : NULL;
    size_t copied = zones != NULL ? report_copy_zones(up, zones, most, &totals) : 0;
    for (size_t i = 0; i < copied; i++)
        (void)json_array_append_new(list, zone_as_json(&zones[i]));
    free(zones);
    return list;
}
