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

/* {"serving": bool, "workers": n, "slowest_beat_ms": age of the oldest heart, "queries": n,
 *  "zones": {"count": n, "served": n, "stale": n, "failed": n, "loading": n}}. New reference. */
json_t *report_server(const struct shared_up *up, struct mono now);

/* An array of {"name", "state", "serial", "names", "octets", "loaded_unix_s", "digest"}, at most `most` of
 * them. New reference. */
json_t *report_zones(const struct shared_up *up, size_t most);

#endif
