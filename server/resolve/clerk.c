/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/clerk.h"

#include "base/log.h"

#include <inttypes.h>
#include <ldns/ldns.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A command under way, with one errand, or one for each worker. */
struct clerk_job {
    struct clerk_job *next;
    struct clerk *clerk;
    uint32_t id;
    bool silent; /* nobody waits for a reply */
    uint32_t walk;
    size_t pending;
    size_t count;
    struct errand errands[];
};

/* How far a dump is, between two requests for more. */
struct clerk_walk {
    uint32_t number; /* 0: none */
    struct errand errand;
};

struct clerk {
    struct clerk_setup setup;
    uv_async_t handed;
    struct clerk_job *jobs;
    struct clerk_walk walks[CLERK_WALKS];
    uint32_t last_walk;
    pthread_mutex_t lock; /* for what follows */
    struct errand *done;
    bool closed;
};

/* --- jobs
 * ------------------------------------------------------------------------------------------------------- */

/* On a worker's thread. */
static void clerk_take_back(struct errand *errand)
{
    struct clerk *clerk = ((struct clerk_job *)errand->owner)->clerk;
    pthread_mutex_lock(&clerk->lock);
    errand->next = clerk->done;
    clerk->done = errand;
    if (!clerk->closed)
        (void)uv_async_send(&clerk->handed);
    pthread_mutex_unlock(&clerk->lock);
}

static struct clerk_job *job_begin(struct clerk *clerk, uint32_t id, size_t count, const struct errand *like)
{
    struct clerk_job *job = calloc(1, sizeof *job + count * sizeof job->errands[0]);
    if (job == NULL)
        return NULL;
    job->clerk = clerk;
    job->id = id;
    job->count = job->pending = count;
    for (size_t i = 0; i < count; i++) {
        job->errands[i] = *like;
        job->errands[i].owner = job;
        job->errands[i].done = clerk_take_back;
    }
    job->next = clerk->jobs;
    clerk->jobs = job;
    return job;
}

static void job_free(struct clerk_job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        json_decref(job->errands[i].told);
        free(job->errands[i].loaded);
    }
    free(job);
}

static void job_end(struct clerk_job *job)
{
    struct clerk_job **at = &job->clerk->jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    job_free(job);
}

static void clerk_reply(const struct clerk *clerk, uint32_t id, json_t *reply)
{
    clerk->setup.reply(clerk->setup.arg, id, reply);
}

static void clerk_refuse(const struct clerk *clerk, uint32_t id, const char *error)
{
    clerk_reply(clerk, id, json_pack("{s:b, s:s}", "ok", 0, "error", error));
}

/* --- telling
 * ---------------------------------------------------------------------------------------------------- */

/* Keeps what is left of a walk under a number. */
static uint32_t walk_keep(struct clerk *clerk, const struct errand *errand)
{
    struct clerk_walk *walk = &clerk->walks[++clerk->last_walk % CLERK_WALKS];
    if (clerk->last_walk == 0)
        clerk->last_walk++;
    walk->number = clerk->last_walk;
    walk->errand = *errand;
    walk->errand.told = NULL;
    return walk->number;
}

static void walk_send(struct clerk *clerk, uint32_t id, const struct errand *from)
{
    struct clerk_job *job = job_begin(clerk, id, 1, from);
    if (job == NULL) {
        clerk_refuse(clerk, id, "memory is short");
        return;
    }
    job->errands[0].told = json_array();
    job->errands[0].text_octets = 0;
    desk_send(clerk->setup.desks[from->worker], &job->errands[0]);
}

/* A worker has told what it has room for, or all: then the next one goes on. */
static void walk_step(struct clerk_job *job)
{
    struct clerk *clerk = job->clerk;
    struct errand *errand = &job->errands[0];
    if (errand->at == CACHE_END && errand->worker + 1 < clerk->setup.count) {
        errand->worker++;
        errand->at = 0;
        if (errand->text_octets < ERRAND_TEXT_OCTETS) {
            desk_send(clerk->setup.desks[errand->worker], errand);
            return;
        }
    }
    json_t *reply = json_pack("{s:b, s:O}", "ok", 1, "entries", errand->told);
    if (errand->at != CACHE_END && reply != NULL)
        (void)json_object_set_new(reply, "walk", json_integer(walk_keep(clerk, errand)));
    clerk_reply(clerk, job->id, reply);
    job_end(job);
}

static void walk_more(struct clerk *clerk, uint32_t id, json_int_t number)
{
    struct clerk_walk *walk = &clerk->walks[number > 0 ? number % CLERK_WALKS : 0];
    if (number <= 0 || walk->number != number) {
        clerk_refuse(clerk, id, "this dump isn't known any more: begin it anew");
        return;
    }
    walk->number = 0;
    walk_send(clerk, id, &walk->errand);
}

/* --- forgetting
 * ------------------------------------------------------------------------------------------------- */

static void flush_done(struct clerk_job *job)
{
    size_t flushed = 0;
    for (size_t i = 0; i < job->count; i++)
        flushed += job->errands[i].count;
    if (!job->silent)
        clerk_reply(job->clerk, job->id,
                    json_pack("{s:b, s:I, s:o}", "ok", 1, "flushed", (json_int_t)flushed, "message",
                              json_sprintf("%zu answers forgotten", flushed)));
    job_end(job);
}

static void flush_send(struct clerk *clerk, uint32_t id, const struct errand *like, bool silent)
{
    struct clerk_job *job = job_begin(clerk, id, clerk->setup.count, like);
    if (job == NULL) {
        if (!silent)
            clerk_refuse(clerk, id, "memory is short");
        return;
    }
    job->silent = silent;
    for (size_t i = 0; i < job->count; i++) {
        job->errands[i].worker = (unsigned)i;
        desk_send(clerk->setup.desks[i], &job->errands[i]);
    }
}

void clerk_forget(struct clerk *clerk, const char *name)
{
    struct errand errand = {.kind = ERRAND_FLUSH, .below = true};
    size_t octets = name_from_text(errand.name, name);
    if (octets == 0)
        return;
    name_fold(errand.name, errand.name, octets);
    flush_send(clerk, 0, &errand, true);
}

void clerk_take_kept(struct clerk *clerk, const struct keep *keep, uint32_t stale_s)
{
    for (unsigned i = 0; i < clerk->setup.count; i++) {
        const struct errand like = {.kind = ERRAND_LOAD, .worker = i, .stale_s = stale_s};
        size_t octets = 0;
        uint8_t *bytes = keep_take(keep, i, &octets);
        struct clerk_job *job = bytes != NULL ? job_begin(clerk, 0, 1, &like) : NULL;
        if (job == NULL) {
            free(bytes);
            continue;
        }
        job->silent = true;
        job->errands[0].loaded = bytes;
        job->errands[0].octets = octets;
        desk_send(clerk->setup.desks[i], &job->errands[0]);
        return; /* one file at a time: the main thread's heart has to beat */
    }
}

/* --- commands
 * --------------------------------------------------------------------------------------------------- */

/* NULL: `errand` is what is asked for; else why not. */
static const char *request_read(const json_t *request, const char *action, struct errand *errand)
{
    const char *name = json_string_value(json_object_get(request, "name"));
    const char *type = json_string_value(json_object_get(request, "type"));
    *errand = (struct errand){.kind = strcmp(action, "flush") == 0 ? ERRAND_FLUSH : ERRAND_TELL,
                              .any = strcmp(action, "dump") == 0,
                              .below = json_is_true(json_object_get(request, "suffix"))};
    size_t octets = name != NULL ? name_from_text(errand->name, name) : 0;
    if (octets == 0 && !errand->any)
        return "that isn't a name: write it as in a zone file, without spaces";
    name_fold(errand->name, errand->name, octets);
    if (type != NULL)
        errand->type = (uint16_t)ldns_get_rr_type_by_name(type);
    return type != NULL && errand->type == 0 ? "that isn't a type: write A, AAAA, MX or TYPE123" : NULL;
}

void clerk_command(struct clerk *clerk, uint32_t id, const char *request,
                   const struct settings_resolve *resolve)
{
    json_t *body = json_loads(request, JSON_REJECT_DUPLICATES, NULL);
    const char *action = json_string_value(json_object_get(body, "action"));
    struct errand errand = {0};
    bool known = action != NULL &&
                 (strcmp(action, "show") == 0 || strcmp(action, "flush") == 0 || strcmp(action, "dump") == 0);
    const char *wrong = known ? request_read(body, action, &errand) : "write cache show, flush or dump";
    if (action != NULL && strcmp(action, "more") == 0) {
        walk_more(clerk, id, json_integer_value(json_object_get(body, "walk")));
    } else if (wrong != NULL) {
        clerk_refuse(clerk, id, wrong);
    } else if (errand.kind == ERRAND_TELL) {
        walk_send(clerk, id, &errand);
    } else {
        /* First what libunbound knows, which forgets all or nothing: what is asked from now on is asked of
         * the world, and what was asked before isn't kept (desk.c). */
        (void)resolver_renew(clerk->setup.resolver, resolve, true);
        flush_send(clerk, id, &errand, false);
    }
    json_decref(body);
}

static void clerk_on_handed(uv_async_t *handed)
{
    struct clerk *clerk = handed->data;
    pthread_mutex_lock(&clerk->lock);
    struct errand *errand = clerk->done;
    clerk->done = NULL;
    pthread_mutex_unlock(&clerk->lock);
    struct errand *next = NULL;
    for (; errand != NULL; errand = next) {
        struct clerk_job *job = errand->owner;
        next = errand->next;
        if (errand->kind == ERRAND_TELL)
            walk_step(job);
        else if (--job->pending == 0)
            flush_done(job);
    }
}

struct clerk *clerk_new(uv_loop_t *loop, const struct clerk_setup *setup)
{
    struct clerk *clerk = calloc(1, sizeof *clerk);
    if (clerk == NULL)
        return NULL;
    clerk->setup = *setup;
    (void)pthread_mutex_init(&clerk->lock, NULL);
    (void)uv_async_init(loop, &clerk->handed, clerk_on_handed);
    clerk->handed.data = clerk;
    return clerk;
}

void clerk_close(struct clerk *clerk)
{
    pthread_mutex_lock(&clerk->lock);
    clerk->closed = true;
    pthread_mutex_unlock(&clerk->lock);
    uv_close((uv_handle_t *)&clerk->handed, NULL);
}

void clerk_free(struct clerk *clerk)
{
    if (clerk == NULL)
        return;
    struct clerk_job *next = NULL;
    for (struct clerk_job *job = clerk->jobs; job != NULL; job = next) {
        next = job->next;
        job_free(job);
    }
    pthread_mutex_destroy(&clerk->lock);
    free(clerk);
}
