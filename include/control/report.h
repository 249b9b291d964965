/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the server told through shared memory, as JSON: the zone half of `hither status`, `hither zones` and
 * /status. Used by both processes; trusts nothing in the memory that it reads.
 */
#ifndef HITHER_CONTROL_REPORT_H
#define HITHER_CONTROL_REPORT_H

#include "base/clock.h"
#include "base/shared.h"

#include <jansson.h>

/* "init", "up", "degraded", "draining", "withdrawn"; "unknown" for anything else. */
const char *report_route_state(uint32_t state);

/* "loading", "served", "failed", "stale"; "unknown" for anything else. */
const char *report_zone_state(uint32_t state);

/* Of all zones in the table. */
struct report_totals {
    uint64_t zones;
    uint64_t by_state[SHARED_ZONE_STALE + 1]; /* enum shared_zone_state; others aren't counted */
    uint64_t names;
    uint64_t image_octets;
};

/* Copies the first zones of the table, at most `most`, and sums all of them up; both from one untorn state of
 * the table. How many were copied; 0, with zeroed totals, when the writer would not hold still. `zones` may
 * be NULL when `most` is 0. The apexes are checked: one that isn't a name is the root. */
size_t report_copy_zones(const struct shared_up *up, struct shared_zone *zones, size_t most,
                         struct report_totals *totals);

/* Milliseconds since the oldest heart of main and workers beat; -1 when nothing beats yet. */
int64_t report_slowest_beat_ms(const struct shared_up *up, struct mono now);

/* Workers that the server says it has, never more than there can be. */
uint32_t report_worker_count(const struct shared_up *up);

/* The digest as hexadecimal digits into `text`. Returns `text`. */
char *report_digest(const struct shared_zone *zone,
                    char text[2 * sizeof(((struct shared_zone *)0)->digest) + 1]);

/* {"serving": bool, "workers": n, "slowest_beat_ms": age of the oldest heart, "queries": n,
 *  "zones": {"count": n, "served": n, "stale": n, "failed": n, "loading": n}}. New reference. */
json_t *report_server(const struct shared_up *up, struct mono now);

/* An array of {"name", "state", "serial", "names", "octets", "loaded_unix_s",
 * "signature_end_unix_s", "expires_unix_s" (0: never), "digest"}, at most `most` of
 * them. New reference. */
json_t *report_zones(const struct shared_up *up, size_t most);

#endif
