/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What rounds of probes say of each worker, where each can be asked by itself (net/lane.h): one that doesn't
 * answer, or answers badly what others answer well, is known by its number. That the probes do reach whom
 * they are meant for is seen in the workers' own counts of queries. Pure but for the reading of shared
 * memory.
 */
#ifndef HITHER_HEALTH_WORKERS_H
#define HITHER_HEALTH_WORKERS_H

#include "base/clock.h"
#include "base/shared.h"
#include "health/probe.h"

#include <jansson.h>

/* Zero-initialised is ready. */
struct health_workers {
    uint64_t asked; /* of the last round: 1 << the worker's number, here and below */
    uint64_t lost;
    uint64_t wrong;
    unsigned expected[SETTINGS_MAX_WORKERS]; /* answers that it has given, at least */
    uint64_t queries[SETTINGS_MAX_WORKERS];  /* by its own count, when the round began */
    int64_t taken[SETTINGS_MAX_WORKERS];     /* between the beginnings of the last two rounds; -1: unknown */
    unsigned stray_row;                      /* rounds in a row whose answers aren't in the counts */
    uint64_t strayed;                        /* whose answers others have given, it seems */
    struct mono began;
};

/* A round begins. The counts are true to HEART_BEAT_MS. */
void health_workers_begin(struct health_workers *workers, const struct shared_up *up, struct mono now);

/* A round is over. */
void health_workers_take(struct health_workers *workers, const struct probe_result *results, size_t count);

/* Each worker that was asked as one object. New reference, or NULL. */
json_t *health_workers_tell(const struct health_workers *workers, const struct shared_up *up,
                            struct mono now);

/* The numbers in `set`. New reference, or NULL. */
json_t *health_workers_list(uint64_t set);

#endif
