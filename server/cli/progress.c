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

#define BAR_CELLS 20

static uint64_t load(const _Atomic uint64_t *number)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)number, memory_order_relaxed);
}

/* "[######..............]  30 %, 12.0 MB/s, 3 s left" */
static void put_bar(char *text, size_t size, uint64_t done, uint64_t total, int64_t elapsed_ms)
{
    char bar[BAR_CELLS + 1];
    char left[32];
    double part = done < total ? (double)done / (double)total : 1;
    double rate = (double)done / (double)elapsed_ms; /* octets a millisecond */
    double left_s = done < total ? (double)(total - done) / rate / 1000 : 0;
    for (int i = 0; i < BAR_CELLS; i++)
        bar[i] = i < (int)(part * BAR_CELLS) ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    (void)snprintf(text, size, "[%s] %3.0f %%, %.1f MB/s, %s left", bar, 100.0 * part, rate / 1000,
                   show_span((int64_t)(left_s + 0.5), left));
}

/* Of several zones. */
static void put_zones(const struct zone_progress *progress, int64_t elapsed_ms, char *text, size_t size)
{
    char done[32];
    char total[32];
    char bar[120] = "";
    uint64_t octets = load(&progress->past_octets) + load(&progress->done_octets);
    if (octets > 0 && elapsed_ms > 0)
        put_bar(bar, sizeof bar, octets, load(&progress->all_octets), elapsed_ms);
    (void)snprintf(text, size, "%s of %s zones %s", show_count(load(&progress->zones_done), done),
                   show_count(load(&progress->zones_total), total), bar);
}

char *progress_to_text(const struct zone_progress *progress, int64_t elapsed_ms, char *text, size_t size)
{
    static const char *const stages[] = {"reading the files", "parsing", "checking", "compiling", "done"};
    uint32_t stage = atomic_load_explicit(&progress->stage, memory_order_relaxed);
    uint64_t done = load(&progress->done_octets);
    uint64_t total = load(&progress->total_octets);
    char count[32];
    char span[32];
    char bar[120];
    const char *name = stage <= ZONE_LOAD_DONE ? stages[stage] : "working";
    (void)show_count(load(&progress->records), count);
    if (load(&progress->zones_total) > 0) {
        put_zones(progress, elapsed_ms, text, size);
    } else if (stage != ZONE_LOAD_READ || total == 0 || done == 0 || elapsed_ms <= 0) {
        (void)snprintf(text, size, "%s, %s records, %s so far", name, count,
                       show_span(elapsed_ms / 1000, span));
    } else {
        put_bar(bar, sizeof bar, done, total, elapsed_ms);
        (void)snprintf(text, size, "%s %s, %s records", name, bar, count);
    }
    return text;
}

/* Work on a thread of its own, while this one shows how far it is. */
struct load_work {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended;
    void (*run)(struct load_work *work);
    const char *what; /* is worked on */
    const uint8_t *apex;
    const struct settings *settings;
    struct zone_load_summary *summary;
    struct findings *findings;
    struct zone_progress progress;
    struct zone_image *image;
};

static void load_one(struct load_work *work)
{
    work->image = zone_load(work->apex, work->what, NULL, work->findings, &work->progress);
}

static void check_all(struct load_work *work)
{
    (void)zone_load_check_all(work->settings, work->findings, work->summary, &work->progress);
}

static void *run_work(void *argument)
{
    struct load_work *work = argument;
    work->run(work);
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
    char text[200];
    bool shown = false;
    struct mono began = mono_now();
    struct timespec next = after_ms(PROGRESS_FIRST_MS);
    (void)pthread_mutex_lock(&work->lock);
    while (!work->has_ended) {
        if (pthread_cond_clockwait(&work->ended, &work->lock, CLOCK_MONOTONIC, &next) == 0)
            continue;
        (void)fprintf(
            stderr, "\r\033[K%s: %s", work->what,
            progress_to_text(&work->progress, mono_ms_between(began, mono_now()), text, sizeof text));
        shown = true;
        next = after_ms(PROGRESS_EVERY_MS);
    }
    (void)pthread_mutex_unlock(&work->lock);
    if (shown)
        (void)fprintf(stderr, "\r\033[K");
}

/* Shows nothing where nobody looks. */
static void work_and_show(struct load_work *work)
{
    pthread_t thread;
    (void)pthread_mutex_init(&work->lock, NULL);
    (void)pthread_cond_init(&work->ended, NULL);
    if (isatty(STDERR_FILENO) && pthread_create(&thread, NULL, run_work, work) == 0) {
        show_until_ended(work);
        (void)pthread_join(thread, NULL);
    } else {
        work->run(work);
    }
    (void)pthread_cond_destroy(&work->ended);
    (void)pthread_mutex_destroy(&work->lock);
}

struct zone_image *progress_load(const uint8_t *apex, const char *path, struct findings *findings)
{
    struct load_work work = {.run = load_one, .what = path, .apex = apex, .findings = findings};
    work_and_show(&work);
    return work.image;
}

void progress_check_all(const struct settings *settings, struct findings *findings,
                        struct zone_load_summary *summary)
{
    struct load_work work = {.run = check_all,
                             .what = settings->path,
                             .settings = settings,
                             .findings = findings,
                             .summary = summary};
    work_and_show(&work);
}
