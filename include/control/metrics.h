/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Everything that is counted, as text for Prometheus. Pure but for what it is given: atomics, shared memory,
 * and the announcer's half of /status.
 *
 *     metrics.c         workers, traffic, reloads, the process
 *     metrics_zones.c   zones: the first METRICS_MAX_ZONES with labels of their own
 *     metrics_route.c   the announcer's: prefixes, neighbours, BFD, checks, the fleet
 */
#ifndef HITHER_CONTROL_METRICS_H
#define HITHER_CONTROL_METRICS_H

#include "base/clock.h"
#include "base/stats.h"
#include "control/http.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define METRICS_MAX_ZONES 1000 /* with labels of their own; the others are only counted */

/* Of the process, where the host tells; below 0: unknown. */
struct metrics_process {
    int64_t resident_bytes;
    double cpu_seconds;
    double start_unix_s;
};

/* Sums the workers up. */
void metrics_sum(const struct http_sources *sources, struct worker_stats *sum);

/* "NOERROR", "RCODE17". Returns `text`. */
char *metrics_rcode_name(unsigned rcode, char text[16]);

/* "A", "TYPE1234"; "other" for STATS_TYPES - 2 (258) and above. Returns `text`. */
char *metrics_type_name(unsigned type, char text[16]);

/* Writes everything to `out`. `announcer` is its half of /status; NULL: there is none. */
void metrics_write(FILE *out, const struct http_sources *sources, const struct metrics_process *process,
                   const json_t *announcer, struct mono now);

/* The parts. */
void metrics_write_zones(FILE *out, const struct shared_up *up, const struct worker_stats *sum);
void metrics_write_resolve(FILE *out, const struct http_sources *sources);
void metrics_write_route(FILE *out, const json_t *announcer);

#endif
