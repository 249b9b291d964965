/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/progress.h"

#include "base/clock.h"
#include "cli/show.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_FIRST_MS 100 /* shorter work shows nothing */
#define PROGRESS_EVERY_MS 200

char *progress_to_text(const struct zone_progress *progress, int64_t elapsed_ms, char *text, size_t size)
{
    static const char *const stages[] = {"reading the files", "parsing", "checking", "compiling", "done"};
    uint32_t stage = atomic_load_explicit(&progress->stage, memory_order_relaxed);
    uint64_t done = atomic_load_explicit(&progress->done_octets, memory_order_relaxed);
    uint64_t total = atomic_load_explicit(&progress->total_octets, memory_order_relaxed);
    uint64_t records = atomic_load_explicit(&progress->records, memory_order_relaxed);
    char count[32];
    char left[32];
    const char *name = stage <= ZONE_LOAD_DONE ? stages[stage] : "working";
    if (stage != ZONE_LOAD_READ || total == 0 || done == 0 || elapsed_ms <= 0) {
        (void)snprintf(text, size, "%s, %s records, %s so far", name, show_count(records, count),
                       show_span(elapsed_ms / 1000, left));
        return text;
    }
    double rate = (double)done / (double)elapsed_ms; /* octets a millisecond */
    double left_s = done < total ? (double)(total - done) / rate / 1000 : 0;
    (void)snprintf(text, size, "%s %3.0f %%, %.1f MB/s, %s records, %s left", name,
                   done < total ? 100.0 * (double)done / (double)total : 100.0, rate / 1000,
                   show_count(records, count), show_span((int64_t)(left_s + 0.5), left));
    return text;
}

struct load_work {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended;
    const uint8_t *apex;
    const char *path;
    struct findings *findings;
    struct zone_progress progress;
    struct zone_image *image;
};

static void *run_load(void *argument)
{
    struct load_work *work = argument;
    work->image = zone_load(work->apex, work->path, NULL, work->findings, &work->progress);
    (void)pthread_mutex_lock(&work->lock);
    work->has_ended = true;
    (void)pthread_cond_signal(&work->ended);
    (void)pthread_mutex_unlock(&work->lock);
    return NULL;
}

static struct timespec after_ms(int64_t ms)
{
    struct mono at = mono_add_ms(mono_now(), ms);
    return (struct timespec){.tv_sec = at.ns / 1000000000, .tv_nsec = at.ns % 1000000000};
}

static void show_until_ended(struct load_work *work)
{
    char text[160];
    bool shown = false;
    struct mono began = mono_now();
    struct timespec next = after_ms(PROGRESS_FIRST_MS);
    (void)pthread_mutex_lock(&work->lock);
    while (!work->has_ended) {
        if (pthread_cond_clockwait(&work->ended, &work->lock, CLOCK_MONOTONIC, &next) == 0)
            continue;
        (void)fprintf(
            stderr, "\r\033[K%s: %s", work->path,
            progress_to_text(&work->progress, mono_ms_between(began, mono_now()), text, sizeof text));
        shown = true;
        next = after_ms(PROGRESS_EVERY_MS);
    }
    (void)pthread_mutex_unlock(&work->lock);
    if (shown)
        (void)fprintf(stderr, "\r\033[K");
}

struct zone_image *progress_load(const uint8_t *apex, const char *path, struct findings *findings)
{
    struct load_work work = {.lock = PTHREAD_MUTEX_INITIALIZER,
                             .ended = PTHREAD_COND_INITIALIZER,
                             .apex = apex,
                             .path = path,
                             .findings = findings};
    pthread_t thread;
    if (!isatty(STDERR_FILENO) || pthread_create(&thread, NULL, run_load, &work) != 0)
        return zone_load(apex, path, NULL, findings, NULL);
    show_until_ended(&work);
    (void)pthread_join(thread, NULL);
    return work.image;
}
