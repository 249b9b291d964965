/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/samples.h"

#include "control/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct samples {
    pthread_mutex_t lock;
    uint64_t taken;
    struct sample ring[SAMPLES_KEPT];
};

struct samples *samples_new(void)
{
    struct samples *samples = calloc(1, sizeof *samples);
    if (samples != NULL)
        pthread_mutex_init(&samples->lock, NULL);
    return samples;
}

void samples_free(struct samples *samples)
{
    if (samples == NULL)
        return;
    pthread_mutex_destroy(&samples->lock);
    free(samples);
}

static void add_worker(struct sample *sample, const struct worker_stats *stats)
{
    for (size_t t = 0; t < STATS_TRANSPORTS; t++) {
        sample->queries[t] += stats_queries(stats, (enum stats_transport)t);
        for (size_t i = 0; i < STATS_SPANS; i++)
            sample->spans[i] += stat_read(&stats->spans[t].counts[i]);
    }
    sample->answers += stat_read(&stats->answers);
    sample->truncated += stat_read(&stats->truncated);
    sample->dropped += stat_read(&stats->dropped_short) + stat_read(&stats->dropped_response) +
                       stat_read(&stats->dropped_limit) + stat_read(&stats->dropped_refused) +
                       stat_read(&stats->dropped_queue);
    sample->limited += stat_read(&stats->dropped_limit) + stat_read(&stats->limited_truncated) +
                       stat_read(&stats->limited_badcookie);
    sample->refused += stat_read(&stats->dropped_refused);
    for (size_t i = 0; i < STATS_RCODES; i++)
        sample->rcodes[i] += stat_read(&stats->rcodes[i]);
}

struct sample sample_now(const struct http_sources *sources)
{
    struct timespec now;
    struct sample sample = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    sample.unix_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    for (size_t i = 0; i < sources->worker_count; i++)
        add_worker(&sample, sources->workers[i]);
    return sample;
}

void samples_take(struct samples *samples, const struct http_sources *sources)
{
    const struct sample sample = sample_now(sources);
    pthread_mutex_lock(&samples->lock);
    samples->ring[samples->taken++ % SAMPLES_KEPT] = sample;
    pthread_mutex_unlock(&samples->lock);
}

json_t *sample_as_json(const struct sample *sample)
{
    char name[16];
    json_t *rcodes = json_object();
    json_t *spans = json_array();
    for (unsigned i = 0; i < STATS_RCODES; i++) {
        if (sample->rcodes[i] > 0)
            (void)json_object_set_new(rcodes, metrics_rcode_name(i, name),
                                      json_integer((json_int_t)sample->rcodes[i]));
    }
    for (size_t i = 0; i < STATS_SPANS; i++)
        (void)json_array_append_new(spans, json_integer((json_int_t)sample->spans[i]));
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:{s:I, s:o}}", "queries_udp",
                     (json_int_t)sample->queries[STATS_UDP], "queries_tcp",
                     (json_int_t)sample->queries[STATS_TCP], "answers", (json_int_t)sample->answers,
                     "dropped", (json_int_t)sample->dropped, "limited", (json_int_t)sample->limited,
                     "refused_dropped", (json_int_t)sample->refused, "truncated",
                     (json_int_t)sample->truncated, "rcodes", rcodes, "latency", "unit_ns", (json_int_t)1024,
                     "counts", spans);
}

json_t *samples_as_json(struct samples *samples)
{
    json_t *list = json_array();
    pthread_mutex_lock(&samples->lock);
    uint64_t count = samples->taken < SAMPLES_KEPT ? samples->taken : SAMPLES_KEPT;
    for (uint64_t i = samples->taken - count; i < samples->taken; i++) {
        const struct sample *sample = &samples->ring[i % SAMPLES_KEPT];
        (void)json_array_append_new(list, json_pack("{s:I, s:o}", "unix_ms", (json_int_t)sample->unix_ms,
                                                    "counters", sample_as_json(sample)));
    }
    pthread_mutex_unlock(&samples->lock);
    return json_pack("{s:i, s:o}", "every_ms", SAMPLES_EVERY_MS, "samples", list);
}
