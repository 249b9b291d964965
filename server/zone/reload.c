/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A run is three steps, each in the pool, each ended on the loop: list the sources; the jobs, several threads
 * drawing from one list; publish. Only the run under way is touched by the pool, and only the loop starts
 * one, so the lock is for the list of jobs alone.
 */
#include "zone/reload.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/priority.h"
#include "base/stats.h"
#include "zone/cache.h"
#include "zone/good.h"
#include "zone/job.h"
#include "zone/report.h"
#include "zone/set.h"
#include "zone/source.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RELOAD_THREADS     3 /* of the pool's four: one is left for others */
#define RELOAD_PATIENCE_MS 5000
#define RELOAD_TEXT_OCTETS ((uint64_t)256 * 1024 * 1024) /* of zone text being loaded side by side */

struct waiter {
    struct waiter *next;
    zone_reload_done done;
    void *arg;
};

/* What was asked for: a copy of all that is needed of the settings. */
struct request {
    struct settings_zone *zones;
    size_t zone_count;
    struct shared_prefix prefixes[SETTINGS_MAX_PREFIXES];
    size_t prefix_count;
    char *config_path;
    char *state_dir;
    char *only; /* presentation form; NULL: all */
    enum zone_reload_mode mode;
    struct waiter *waiters; /* the last one first */
};

struct state_list {
    struct zone_state **list; /* canonical order of the apexes */
    size_t count;
};

struct zone_run {
    struct zone_reload *reload;
    struct request request;
    struct mono started;
    uv_work_t works[RELOAD_THREADS];
    _Atomic pid_t threads[RELOAD_THREADS]; /* that do them; 0: none */
    unsigned working;
    bool hurried;
    struct zone_sources sources;
    struct findings findings;
    bool sources_sound;
    uint8_t only_apex[NAME_MAX_OCTETS];
    char *good_dir; /* of a run back; else NULL */
    /* the list of jobs */
    pthread_mutex_t lock;
    pthread_cond_t freed;
    struct zone_job *jobs;
    size_t job_count;
    size_t next_job;
    uint64_t octets_loading;
    bool stopped; /* nobody wants the rest */
    /* the outcome */
    struct state_list states;
    struct zone_report report;
};

struct zone_reload {
    uv_loop_t *loop;
    struct shared_up *up;
    struct zone_run *run;     /* under way, or NULL */
    struct request *pending;  /* the one after it, or NULL */
    struct state_list states; /* what is being served; changed by the publishing step alone */
    struct zone_shelf *shelf; /* for a run in mode RECOVER; NULL: none, or not any more */
    bool closed;
};

/* --- requests */

static void request_free(struct request *request)
{
    for (size_t i = 0; i < request->zone_count; i++) {
        free(request->zones[i].name);
        free(request->zones[i].file);
        free(request->zones[i].directory);
        zone_peers_release(request->zones[i].peers);
        zone_access_release(request->zones[i].queries);
    }
    free(request->zones);
    free(request->config_path);
    free(request->state_dir);
    free(request->only);
    while (request->waiters != NULL) {
        struct waiter *next = request->waiters->next;
        free(request->waiters);
        request->waiters = next;
    }
    *request = (struct request){0};
}

static bool text_copy(char **to, const char *from)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL;
}

static bool zones_copy(struct request *request, const struct settings *settings)
{
    request->zones = calloc(settings->zone_count > 0 ? settings->zone_count : 1, sizeof *request->zones);
    if (request->zones == NULL)
        return false;
    for (size_t i = 0; i < settings->zone_count; i++) {
        const struct settings_zone *from = &settings->zones[i];
        struct settings_zone *to = &request->zones[i];
        request->zone_count = i + 1;
        to->line = from->line;
        to->prefixes = from->prefixes;
        to->peers = zone_peers_hold(from->peers);
        to->queries = zone_access_hold(from->queries);
        if (!text_copy(&to->name, from->name) || !text_copy(&to->file, from->file) ||
            !text_copy(&to->directory, from->directory))
            return false;
    }
    return true;
}

static void prefixes_copy(struct request *request, const struct settings_announce *announce)
{
    request->prefix_count = announce->prefix_count;
    for (size_t i = 0; i < announce->prefix_count; i++) {
        const struct settings_prefix *from = &announce->prefixes[i];
        struct shared_prefix *to = &request->prefixes[i];
        *to = (struct shared_prefix){.family = from->family, .bits = from->bits};
        memcpy(to->octets, from->octets, sizeof to->octets);
    }
}

/* Fills an empty request; false and empty again when memory is short. */
static bool request_make(struct request *request, const struct settings *settings, const char *only,
                         enum zone_reload_mode mode, zone_reload_done done, void *arg)
{
    request->mode = mode;
    prefixes_copy(request, &settings->announce);
    request->waiters = calloc(1, sizeof *request->waiters);
    if (request->waiters == NULL || !zones_copy(request, settings) ||
        !text_copy(&request->config_path, settings->path) ||
        !text_copy(&request->state_dir, settings->server.state_dir) || !text_copy(&request->only, only)) {
        request_free(request);
        return false;
    }
    request->waiters->done = done;
    request->waiters->arg = arg;
    return true;
}

/* The newer request stands for the older one too: all zones unless both mean the same one. */
static void request_merge(struct request *newer, struct request *older)
{
    struct waiter **end = &newer->waiters;
    while (*end != NULL)
        end = &(*end)->next;
    *end = older->waiters;
    older->waiters = NULL;
    if (newer->only != NULL && (older->only == NULL || strcasecmp(newer->only, older->only) != 0)) {
        free(newer->only);
        newer->only = NULL;
    }
    request_free(older);
}

/* --- the list of sources, in the pool */

static struct zone_state **state_find(const struct state_list *states, const uint8_t *apex)
{
    size_t low = 0;
    size_t high = states->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int difference = name_compare(states->list[middle]->apex, apex);
        if (difference == 0)
            return &states->list[middle];
        if (difference < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static uint64_t source_octets(const struct zone_source *source)
{
    struct stat st;
    return stat(source->path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

static void job_prepare(struct zone_run *run, const struct zone_source *source, bool may_save)
{
    struct zone_job *job = &run->jobs[run->job_count++];
    struct zone_state **old = state_find(&run->reload->states, source->apex);
    *job = (struct zone_job){
        .source = source,
        .old = old != NULL ? *old : NULL,
        .state_dir = run->request.state_dir,
        .shelf = run->request.mode == ZONE_RELOAD_RECOVER ? run->reload->shelf : NULL,
        .trust_cache = run->request.mode == ZONE_RELOAD_RECOVER,
        .good_dir = run->good_dir,
        .may_save = may_save,
        .now_unix_s = time(NULL),
        .octets = source_octets(source),
    };
}

/* Finds the one zone that was asked for. */
static const struct zone_source *only_source(struct zone_run *run)
{
    const struct zone_source *source = NULL;
    if (name_from_text(run->only_apex, run->request.only) > 0)
        source = zone_sources_find(&run->sources, run->only_apex);
    if (source == NULL)
        findings_add(&run->findings, FINDING_ERROR, run->request.config_path, 0,
                     "there is no zone \"%s\" in the configuration", run->request.only);
    return source;
}

static bool cache_prepare(struct zone_run *run)
{
    int error = zone_cache_prepare(run->request.state_dir);
    if (error != 0)
        findings_add(
            &run->findings, FINDING_WARNING, run->request.state_dir, 0,
            "compiled zones can't be kept here, so they will be compiled again at the next start: %s",
            strerror(-error));
    return error == 0;
}

static void list_sources(uv_work_t *work)
{
    struct zone_run *run = work->data;
    const struct request *request = &run->request;
    run->sources_sound = zone_sources_list(&run->sources, request->zones, request->zone_count,
                                           request->config_path, &run->findings);
    if (run->sources.count > SHARED_MAX_ZONES) {
        findings_add(&run->findings, FINDING_ERROR, request->config_path, 0, "there are more than %d zones",
                     SHARED_MAX_ZONES);
        return;
    }
    bool may_save = cache_prepare(run);
    if (request->mode == ZONE_RELOAD_BACK &&
        (run->good_dir = zone_good_directory(request->state_dir)) == NULL)
        return;
    run->jobs = calloc(run->sources.count > 0 ? run->sources.count : 1, sizeof *run->jobs);
    if (run->jobs == NULL) {
        findings_add(&run->findings, FINDING_ERROR, request->config_path, 0, "memory is short");
        return;
    }
    if (request->only != NULL) {
        const struct zone_source *source = only_source(run);
        if (source != NULL)
            job_prepare(run, source, may_save);
        return;
    }
    for (size_t i = 0; i < run->sources.count; i++)
        job_prepare(run, &run->sources.list[i], may_save);
}

/* --- the jobs, in the pool */

/* The next job, once it fits beside those under way; NULL when there is none left. */
static struct zone_job *job_take(struct zone_run *run)
{
    struct zone_job *job = NULL;
    pthread_mutex_lock(&run->lock);
    while (run->next_job < run->job_count && !run->stopped) {
        struct zone_job *next = &run->jobs[run->next_job];
        if (run->octets_loading == 0 || run->octets_loading + next->octets <= RELOAD_TEXT_OCTETS) {
            job = next;
            run->next_job++;
            run->octets_loading += next->octets;
            break;
        }
        pthread_cond_wait(&run->freed, &run->lock);
    }
    pthread_mutex_unlock(&run->lock);
    return job;
}

static void job_done(struct zone_run *run, const struct zone_job *job)
{
    pthread_mutex_lock(&run->lock);
    run->octets_loading -= job->octets;
    pthread_cond_broadcast(&run->freed);
    pthread_mutex_unlock(&run->lock);
}

static void run_jobs(uv_work_t *work)
{
    struct zone_run *run = work->data;
    struct zone_job *job;
    _Atomic pid_t *thread = &run->threads[work - run->works];
    atomic_store(thread, gettid());
    if (run->request.mode == ZONE_RELOAD_AGAIN)
        priority_of_loading_beside_answers();
    else
        priority_of_loading();
    while ((job = job_take(run)) != NULL) {
        zone_job_run(job);
        job_done(run, job);
    }
    atomic_store(thread, 0);
}

/* --- publishing, in the pool */

static void findings_move(struct findings *to, struct findings *from)
{
    for (size_t i = 0; i < from->count; i++)
        findings_add(to, from->list[i].level, from->list[i].file, from->list[i].line, "%s",
                     from->list[i].text);
    to->left_out += from->left_out;
    findings_free(from);
}

static void outcomes_count(struct zone_run *run)
{
    struct zone_report *report = &run->report;
    size_t *const counts[] = {[ZONE_KEPT] = &report->kept,
                              [ZONE_CACHED] = &report->cached,
                              [ZONE_LOADED] = &report->loaded,
                              [ZONE_STALE] = &report->stale,
                              [ZONE_FAILED] = &report->failed};
    for (size_t i = 0; i < run->job_count; i++)
        (*counts[run->jobs[i].outcome])++;
}

static bool states_room(struct state_list *states, size_t count)
{
    states->list = calloc(count > 0 ? count : 1, sizeof(struct zone_state *));
    return states->list != NULL;
}

/* The states after the run: of all jobs, or, when it was about one zone, the old ones with that zone's new.
 */
static bool states_merge(struct zone_run *run)
{
    const struct state_list *old = &run->reload->states;
    struct state_list *states = &run->states;
    bool one = run->request.only != NULL;
    size_t job = 0;
    if (!states_room(states, run->job_count + (one ? old->count : 0)))
        return false;
    for (size_t i = 0; one && i < old->count; i++) {
        while (job < run->job_count && name_compare(run->jobs[job].source->apex, old->list[i]->apex) < 0)
            states->list[states->count++] = run->jobs[job++].fresh;
        bool replaced = job < run->job_count && run->jobs[job].old == old->list[i];
        states->list[states->count++] = replaced ? run->jobs[job++].fresh : old->list[i];
    }
    while (job < run->job_count)
        states->list[states->count++] = run->jobs[job++].fresh;
    for (size_t i = 0; i < states->count; i++) {
        if (states->list[i] == NULL)
            return false;
    }
    return true;
}

/* Counters of queries for zones that have none yet, as long as there are any. One that a zone left behind
 * goes on for another zone: what reads them sees only how they grow. */
static void states_count_in(const struct state_list *states)
{
    bool taken[STATS_ZONES] = {true};
    unsigned next = 1;
    for (size_t i = 0; i < states->count; i++)
        taken[states->list[i]->counter] = true;
    for (size_t i = 0; i < states->count; i++) {
        struct zone_state *state = states->list[i];
        while (next < STATS_ZONES && taken[next])
            next++;
        if (state->counter == 0 && next < STATS_ZONES)
            state->counter = next++;
        if (state->image != NULL)
            zone_image_count_in(state->image, state->counter);
    }
}

/* Zones whose source is gone are handed on no more, and shown to the same as before. */
static void set_give(struct zone_set *set, const struct zone_sources *sources)
{
    const struct zone_set *before = zone_set_current();
    for (size_t i = 0; i < zone_set_count(set); i++) {
        const struct zone_image *image = zone_set_at(set, i);
        const struct zone_source *source = zone_sources_find(sources, zone_image_apex(image));
        if (source != NULL) {
            zone_set_give(set, image, source->peers);
            zone_set_restrict(set, image, source->queries);
        } else if (zone_set_count(before) > 0) {
            zone_set_restrict(set, image, zone_set_access(before, image));
        }
    }
}

static bool set_publish(const struct state_list *states, const struct zone_sources *sources)
{
    struct zone_image **images = calloc(states->count > 0 ? states->count : 1, sizeof(struct zone_image *));
    struct zone_set *set = NULL;
    size_t count = 0;
    if (images == NULL)
        return false;
    for (size_t i = 0; i < states->count; i++) {
        if (states->list[i]->image != NULL)
            images[count++] = states->list[i]->image;
    }
    set = zone_set_new(images, count);
    free(images);
    if (set == NULL)
        return false;
    set_give(set, sources);
    states_count_in(states);
    zone_set_publish(set);
    return true;
}

static void states_mark(const struct state_list *states, bool marked)
{
    for (size_t i = 0; i < states->count; i++)
        states->list[i]->marked = marked;
}

/* Forgets the old states that aren't among the new ones, and the cached images of zones that are gone. */
static void states_replace(struct zone_run *run)
{
    struct state_list *old = &run->reload->states;
    states_mark(old, false);
    states_mark(&run->states, true);
    for (size_t i = 0; i < old->count; i++) {
        struct zone_state *state = old->list[i];
        if (state->marked)
            continue;
        if (state_find(&run->states, state->apex) == NULL) {
            run->report.removed++;
            zone_cache_drop(run->request.state_dir, state->apex);
        }
        zone_state_free(state);
    }
    free(old->list);
    *old = run->states;
    run->states = (struct state_list){0};
    for (size_t i = 0; i < run->job_count; i++)
        run->jobs[i].taken = true;
}

static void states_count(struct zone_run *run)
{
    const struct state_list *states = &run->reload->states;
    for (size_t i = 0; i < states->count; i++) {
        if (states->list[i]->image == NULL)
            continue;
        run->report.zones++;
        run->report.records += zone_image_records(states->list[i]->image);
    }
}

/* Whether what the jobs made may take the place of what is being served. */
static bool run_may_publish(const struct zone_run *run)
{
    if (run->jobs == NULL || (run->request.only != NULL && run->job_count == 0))
        return false;
    /* A list that is known to be wrong must not take zones away. */
    if (!run->sources_sound && run->request.mode == ZONE_RELOAD_AGAIN && run->request.only == NULL)
        return false;
    return run->request.mode != ZONE_RELOAD_START || run->findings.errors == 0;
}

static void publish(uv_work_t *work)
{
    struct zone_run *run = work->data;
    struct zone_reload *reload = run->reload;
    for (size_t i = 0; i < run->job_count; i++)
        findings_move(&run->findings, &run->jobs[i].findings);
    outcomes_count(run);
    if (run_may_publish(run)) {
        if (states_merge(run) && set_publish(&run->states, &run->sources))
            run->report.published = true;
        else
            findings_add(&run->findings, FINDING_ERROR, run->request.config_path, 0,
                         "memory is short: the zones stay as they were");
    }
    if (run->report.published) {
        states_replace(run);
        if (reload->up != NULL)
            zone_report_table(reload->up, &(struct zone_table){
                                              .states = reload->states.list,
                                              .count = reload->states.count,
                                              .sources = &run->sources,
                                              .prefixes = run->request.prefixes,
                                              .prefix_count = run->request.prefix_count,
                                          });
    }
    states_count(run);
}

/* --- on the loop */

static void run_free(struct zone_run *run)
{
    for (size_t i = 0; i < run->job_count; i++)
        zone_job_free(&run->jobs[i]);
    free(run->jobs);
    free(run->good_dir);
    free(run->states.list);
    zone_sources_free(&run->sources);
    findings_free(&run->findings);
    request_free(&run->request);
    pthread_mutex_destroy(&run->lock);
    pthread_cond_destroy(&run->freed);
    free(run);
}

static void reload_free(struct zone_reload *reload)
{
    for (size_t i = 0; i < reload->states.count; i++)
        zone_state_free(reload->states.list[i]);
    free(reload->states.list);
    zone_shelf_free(reload->shelf);
    free(reload);
}

static void report_log(const struct zone_report *report)
{
    findings_log(report->findings);
    log_write(
        report->ok ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
        "zones: %zu served, of these %zu compiled, %zu from the cache, %zu unchanged, %zu stale; %zu failed, "
        "%zu removed; %llu records; %lld ms%s",
        report->zones, report->loaded, report->cached, report->kept, report->stale, report->failed,
        report->removed, (unsigned long long)report->records, (long long)report->took_ms,
        report->published ? "" : "; refused, nothing has changed");
}

static void waiters_tell(const struct waiter *waiter, const struct zone_report *report)
{
    /* The first to ask is the last in the list. */
    if (waiter == NULL)
        return;
    waiters_tell(waiter->next, report);
    if (waiter->done != NULL)
        waiter->done(report, waiter->arg);
}

static int run_start(struct zone_reload *reload, struct request *request);

static void run_start_pending(struct zone_reload *reload)
{
    struct request *pending = reload->pending;
    if (pending == NULL)
        return;
    reload->pending = NULL;
    if (run_start(reload, pending) != 0) {
        /* Whoever waits has to hear of it. */
        static const struct findings none;
        struct zone_report report = {.findings = &none, .json = "{\"ok\":false}"};
        log_error("memory is short: the reload that was waiting is dropped");
        waiters_tell(pending->waiters, &report);
    }
    request_free(pending);
    free(pending);
}

static void run_report(struct zone_run *run)
{
    struct zone_report *report = &run->report;
    report->findings = &run->findings;
    report->took_ms = mono_ms_between(run->started, mono_now());
    report->ok = report->published && run->findings.errors == 0 && report->stale == 0 && report->failed == 0;
    char *json = zone_report_json(report, run->jobs, run->job_count);
    report->json = json != NULL ? json : "{}";
    report_log(report);
    waiters_tell(run->request.waiters, report);
    free(json);
}

/* Lets go of a run whose work has ended, and of everything when no more is wanted. */
static void run_end(struct zone_run *run)
{
    struct zone_reload *reload = run->reload;
    if (run->request.mode == ZONE_RELOAD_RECOVER)
        zone_reload_inherit(reload, NULL);
    run_free(run);
    reload->run = NULL;
    if (reload->closed)
        reload_free(reload);
    else
        run_start_pending(reload);
}

static void published(uv_work_t *work, int status)
{
    struct zone_run *run = work->data;
    (void)status; /* nothing here is ever cancelled */
    if (!run->reload->closed)
        run_report(run);
    run_end(run);
}

static void jobs_ended(uv_work_t *work, int status)
{
    struct zone_run *run = work->data;
    (void)status;
    if (--run->working > 0)
        return;
    if (run->reload->closed)
        run_end(run);
    else
        uv_queue_work(run->reload->loop, &run->works[0], publish, published);
}

static void sources_listed(uv_work_t *work, int status)
{
    struct zone_run *run = work->data;
    (void)status;
    if (run->reload->closed) {
        run_end(run);
        return;
    }
    run->working = RELOAD_THREADS;
    for (unsigned i = 0; i < RELOAD_THREADS; i++)
        uv_queue_work(run->reload->loop, &run->works[i], run_jobs, jobs_ended);
}

/* Takes over what is in `request`, unless it fails. */
static int run_start(struct zone_reload *reload, struct request *request)
{
    struct zone_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return -ENOMEM;
    run->reload = reload;
    run->request = *request;
    *request = (struct request){0};
    run->started = mono_now();
    pthread_mutex_init(&run->lock, NULL);
    pthread_cond_init(&run->freed, NULL);
    for (unsigned i = 0; i < RELOAD_THREADS; i++)
        run->works[i].data = run;
    reload->run = run;
    uv_queue_work(reload->loop, &run->works[0], list_sources, sources_listed);
    return 0;
}

struct zone_reload *zone_reload_new(uv_loop_t *loop, struct shared_up *up)
{
    struct zone_reload *reload = calloc(1, sizeof *reload);
    if (reload != NULL) {
        reload->loop = loop;
        reload->up = up;
    }
    return reload;
}

void zone_reload_inherit(struct zone_reload *reload, struct zone_shelf *shelf)
{
    zone_shelf_free(reload->shelf);
    reload->shelf = shelf;
}

static int request_queue(struct zone_reload *reload, struct request *request)
{
    struct request *pending = malloc(sizeof *pending);
    if (pending == NULL)
        return -ENOMEM;
    if (reload->pending != NULL) {
        request_merge(request, reload->pending);
        free(reload->pending);
    }
    *pending = *request;
    *request = (struct request){0};
    reload->pending = pending;
    return 0;
}

int zone_reload_run(struct zone_reload *reload, const struct settings *settings, const char *only_zone,
                    enum zone_reload_mode mode, zone_reload_done done, void *arg)
{
    struct request request = {0};
    if (!request_make(&request, settings, only_zone, mode, done, arg))
        return -ENOMEM;
    int error = reload->run != NULL ? request_queue(reload, &request) : run_start(reload, &request);
    request_free(&request);
    return error;
}

bool zone_reload_is_running(const struct zone_reload *reload)
{
    return reload->run != NULL;
}

void zone_reload_hurry(struct zone_reload *reload, struct mono now)
{
    struct zone_run *run = reload->run;
    if (run == NULL || run->hurried || run->request.mode != ZONE_RELOAD_AGAIN ||
        mono_ms_between(run->started, now) < RELOAD_PATIENCE_MS)
        return;
    run->hurried = true;
    for (unsigned i = 0; i < RELOAD_THREADS; i++) {
        pid_t thread = atomic_load(&run->threads[i]);
        if (thread != 0)
            priority_of_loading_hurried(thread);
    }
}

void zone_reload_close(struct zone_reload *reload)
{
    reload->closed = true;
    if (reload->pending != NULL) {
        request_free(reload->pending);
        free(reload->pending);
        reload->pending = NULL;
    }
    if (reload->run == NULL) {
        reload_free(reload);
        return;
    }
    pthread_mutex_lock(&reload->run->lock);
    reload->run->stopped = true;
    pthread_cond_broadcast(&reload->run->freed);
    pthread_mutex_unlock(&reload->run->lock);
}
