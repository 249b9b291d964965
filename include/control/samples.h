/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The counters that the page's graphs are made of, now and as they were: one sample each SAMPLES_EVERY_MS, so
 * that whoever opens the page at three in the morning sees at once what the last minutes were like. Taken by
 * the main thread, read by the HTTP thread.
 */
#ifndef HITHER_CONTROL_SAMPLES_H
#define HITHER_CONTROL_SAMPLES_H

#include "base/stats.h"
#include "control/http.h"

#include <jansson.h>
#include <stdint.h>

#define SAMPLES_EVERY_MS 2000
#define SAMPLES_KEPT     150 /* five minutes */

/* Sums over all workers since the server began. */
struct sample {
    int64_t unix_ms;
    uint64_t queries[STATS_TRANSPORTS];
    uint64_t answers;
    uint64_t dropped;
    uint64_t limited; /* over the limit of their prefix: dropped, or answered cut short */
    uint64_t refused; /* dropped */
    uint64_t truncated;
    uint64_t rcodes[STATS_RCODES];
    uint64_t spans[STATS_SPANS];
};

struct samples;

/* NULL when memory is short. */
struct samples *samples_new(void);
void samples_free(struct samples *samples);

/* Keeps what the counters say now; the oldest goes. */
void samples_take(struct samples *samples, const struct http_sources *sources);

struct sample sample_now(const struct http_sources *sources);

/* "counters" of /status. New reference. */
json_t *sample_as_json(const struct sample *sample);

/* {"every_ms", "samples": [{"unix_ms", "counters"}]}, the oldest first. New reference. */
json_t *samples_as_json(struct samples *samples);

#endif
