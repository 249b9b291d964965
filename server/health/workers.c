/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/workers.h"

#include "base/heart.h"
#include "base/log.h"

#include <stdatomic.h>
#include <string.h>

#define STRAY_ROUNDS 3                   /* in a row, until it is said */
#define COUNTED_MS   (4 * HEART_BEAT_MS) /* answers are in the counts by then */

static bool has(uint64_t set, unsigned worker)
{
    return (set >> worker & 1) != 0;
}

static void workers_judge_strays(struct health_workers *w, struct mono now)
{
    uint64_t strayed = 0;
    for (unsigned i = 0; i < SETTINGS_MAX_WORKERS; i++)
        if (w->taken[i] >= 0 && w->taken[i] < (int64_t)w->expected[i])
            strayed |= UINT64_C(1) << i;
    if (w->began.ns == 0 || mono_ms_between(w->began, now) < COUNTED_MS)
        return;
    w->stray_row = strayed != 0 ? w->stray_row + 1 : 0;
    if (w->stray_row == STRAY_ROUNDS)
        log_warn("probes don't reach the workers they are meant for; one that doesn't answer may go unseen");
    w->strayed = w->stray_row >= STRAY_ROUNDS ? strayed : 0;
}

void health_workers_begin(struct health_workers *w, const struct shared_up *up, struct mono now)
{
    for (unsigned i = 0; i < SETTINGS_MAX_WORKERS; i++) {
        uint64_t queries =
            atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&up->worker_queries[i], memory_order_relaxed);
        w->taken[i] = queries >= w->queries[i] ? (int64_t)(queries - w->queries[i]) : -1;
        w->queries[i] = queries;
    }
    workers_judge_strays(w, now);
    w->began = now;
}

void health_workers_take(struct health_workers *w, const struct probe_result *results, size_t count)
{
    w->asked = w->lost = w->wrong = 0;
    memset(w->expected, 0, sizeof w->expected);
    for (size_t i = 0; i < count; i++) {
        const struct probe_result *result = &results[i];
        if (!result->steered)
            continue;
        w->asked |= result->workers;
        w->lost |= result->lost_workers;
        w->wrong |= result->wrong_workers;
        for (unsigned worker = 0; worker < SETTINGS_MAX_WORKERS; worker++)
            w->expected[worker] += has(result->workers & ~result->lost_workers, worker);
    }
}

static const char *worker_state(const struct health_workers *w, unsigned worker)
{
    if (has(w->lost, worker))
        return "doesn't answer";
    if (has(w->wrong, worker))
        return "answers badly what others answer well";
    return has(w->strayed, worker) ? "isn't met by its probes" : "answers well";
}

json_t *health_workers_tell(const struct health_workers *w, const struct shared_up *up, struct mono now)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < SETTINGS_MAX_WORKERS; i++) {
        int64_t beat =
            atomic_load_explicit((_Atomic int64_t *)(uintptr_t)&up->worker_beat_ns[i], memory_order_relaxed);
        if (!has(w->asked, i))
            continue;
        (void)json_array_append_new(
            list,
            json_pack("{s:i, s:b, s:s, s:I, s:I}", "worker", (int)i, "good", (int)!has(w->lost | w->wrong, i),
                      "state", worker_state(w, i), "taken", (json_int_t)w->taken[i], "heart_ms",
                      (json_int_t)(beat > 0 ? mono_ms_between((struct mono){beat}, now) : -1)));
    }
    return list;
}

json_t *health_workers_list(uint64_t set)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < SETTINGS_MAX_WORKERS; i++)
        if (has(set, i))
            (void)json_array_append_new(list, json_integer(i));
    return list;
}
