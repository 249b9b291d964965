/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a reload came to, told to others: the zone table in shared memory, and JSON for the control socket.
 */
#ifndef HITHER_ZONE_REPORT_H
#define HITHER_ZONE_REPORT_H

#include "base/shared.h"
#include "zone/job.h"
#include "zone/reload.h"

#include <stddef.h>

/* All zones in canonical order; `sources` says which prefixes are whose own. */
struct zone_table {
    struct zone_state *const *states;
    size_t count;
    const struct zone_sources *sources;
    const struct shared_prefix *prefixes; /* of announce.prefixes, at most SETTINGS_MAX_PREFIXES */
    size_t prefix_count;
};

/* Replaces the zone table (under its sequence lock) by this one, at most SHARED_MAX_ZONES of it. */
void zone_report_table(struct shared_up *up, const struct zone_table *table);

/* The report as a JSON object, with the zones that are not merely kept (the first ones) and the findings; to
 * be freed. NULL when memory is short. */
char *zone_report_json(const struct zone_report *report, const struct zone_job *jobs, size_t job_count);

#endif
