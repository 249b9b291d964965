/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/resolver.h"

#include "answer/edns.h"
#include "answer/parse.h"
#include "base/clock.h"
#include "base/log.h"
#include "resolve/recipe.h"
#include "resolve/resolved.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ANCHOR_MOST_OCTETS 65536

struct searcher {
    struct resolver *resolver;
    uv_loop_t loop;
    uv_async_t wake;
    struct engine *engine;
    struct resolve_task *working; /* in the engine */
    pthread_t thread;
    unsigned number;
    bool running;
    pthread_mutex_t lock; /* for what follows */
    struct resolve_task *first;
    struct resolve_task **last;
    char *recipe; /* to be begun anew with; NULL: to go on */
    bool stop;
};

struct resolver {
    struct searcher searchers[RESOLVER_ENGINES];
    struct resolver_figures figures;
    char *state_dir;
    char *recipe; /* of the first engine, as it is in force */
};

/* --- results
 * ---------------------------------------------------------------------------------------------------- */

static void inbox_put(struct resolve_inbox *inbox, struct resolve_task *task)
{
    task->next = NULL;
    pthread_mutex_lock(&inbox->lock);
    *inbox->last = task;
    inbox->last = &task->next;
    pthread_mutex_unlock(&inbox->lock);
    (void)uv_async_send(&inbox->arrived);
}

struct resolve_task *resolve_inbox_take(struct resolve_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    struct resolve_task *first = inbox->first;
    inbox->first = NULL;
    inbox->last = &inbox->first;
    pthread_mutex_unlock(&inbox->lock);
    return first;
}

static void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void count_answer(struct resolver_figures *figures, const struct resolve_task *task)
{
    static const int64_t below_ms[8] = {1, 5, 20, 50, 100, 500, 2000, INT64_MAX};
    unsigned i = 0;
    bool failed = task->rcode == RCODE_SERVFAIL;
    while (task->took_ns / 1000000 >= below_ms[i])
        i++;
    count(&figures->took_below_ms[i], 1);
    count(&figures->took_us, (uint64_t)task->took_ns / 1000);
    count(failed ? &figures->failed : &figures->answered, 1);
    if (!failed)
        count(task->trust == ENGINE_SECURE  ? &figures->secure
              : task->trust == ENGINE_BOGUS ? &figures->bogus
                                            : &figures->insecure,
              1);
    atomic_store_explicit(failed ? &figures->failed_ns : &figures->answered_ns, mono_now().ns,
                          memory_order_relaxed);
}

static void task_return(struct resolve_task *task)
{
    struct searcher *s = task->searcher;
    *(task->newer != NULL ? &task->newer->older : &s->working) = task->older;
    if (task->older != NULL)
        task->older->newer = task->newer;
    inbox_put(task->inbox, task);
}

static void task_answered(void *arg, const struct engine_answer *answer)
{
    struct resolve_task *task = arg;
    struct searcher *s = task->searcher;
    task->rcode = answer->rcode;
    task->trust = answer->trust;
    task->error = answer->trust == ENGINE_BOGUS ? resolved_why_bogus(answer->why_bogus) : EDNS_ERROR_NONE;
    task->took_ns = mono_now().ns - task->asked_ns;
    if (answer->rcode == RCODE_NOERROR && answer->octets > 0)
        task->packet = malloc(answer->octets);
    if (task->packet != NULL) {
        memcpy(task->packet, answer->packet, answer->octets);
        task->octets = answer->octets;
    } else if (task->rcode == RCODE_NOERROR) {
        task->rcode = RCODE_SERVFAIL;
    }
    count_answer(&s->resolver->figures, task);
    task_return(task);
}

/* --- a searcher's thread
 * ---------------------------------------------------------------------------------------- */

static void task_begin(struct searcher *s, struct resolve_task *task)
{
    task->searcher = s;
    task->newer = NULL;
    task->older = s->working;
    if (s->working != NULL)
        s->working->newer = task;
    s->working = task;
    if (engine_ask(s->engine, task->name, task->type, task->class, task_answered, task))
        return;
    task->rcode = RCODE_SERVFAIL;
    task_return(task);
}

/* Those at work begin anew in the new engine. */
static void searcher_renew(struct searcher *s, const char *recipe)
{
    char why[ENGINE_WHY_OCTETS];
    struct engine *engine = engine_new(&s->loop, recipe, why);
    if (engine == NULL) {
        log_error("resolve: %s; what was in force stays", why);
        return;
    }
    engine_close(s->engine);
    s->engine = engine;
    struct resolve_task *again = s->working;
    struct resolve_task *older = NULL;
    s->working = NULL;
    for (; again != NULL; again = older) {
        older = again->older;
        task_begin(s, again);
    }
}

static void searcher_end(struct searcher *s)
{
    engine_close(s->engine);
    s->engine = NULL;
    while (s->working != NULL) {
        s->working->rcode = RCODE_SERVFAIL;
        task_return(s->working);
    }
    uv_close((uv_handle_t *)&s->wake, NULL);
}

static void searcher_woken(uv_async_t *wake)
{
    struct searcher *s = wake->data;
    struct resolve_task *next = NULL;
    pthread_mutex_lock(&s->lock);
    struct resolve_task *first = s->first;
    char *recipe = s->recipe;
    bool stop = s->stop;
    s->first = NULL;
    s->last = &s->first;
    s->recipe = NULL;
    pthread_mutex_unlock(&s->lock);
    if (recipe != NULL && !stop)
        searcher_renew(s, recipe);
    free(recipe);
    for (struct resolve_task *task = first; task != NULL; task = next) {
        next = task->next;
        task_begin(s, task);
    }
    if (stop)
        searcher_end(s);
}

static void *searcher_main(void *arg)
{
    struct searcher *s = arg;
    char name[16];
    (void)snprintf(name, sizeof name, "searcher-%u", s->number);
    (void)pthread_setname_np(pthread_self(), name);
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* Signals are for the main thread. */
static int searcher_start(struct searcher *s)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&s->thread, NULL, searcher_main, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    s->running = error == 0;
    return error;
}

/* --- the trust anchor
 * ------------------------------------------------------------------------------------------- */

/* Copies a small file; what is at `to` already stays, for it may be the newer one (RFC 5011). */
static bool anchor_copy(const char *from, const char *to)
{
    char text[ANCHOR_MOST_OCTETS];
    if (access(to, F_OK) == 0)
        return access(to, R_OK | W_OK) == 0;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    ssize_t octets = in >= 0 ? read(in, text, sizeof text) : -1;
    int out = octets > 0 ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644) : -1;
    bool done = out >= 0 && write(out, text, (size_t)octets) == octets;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return done;
}

static bool anchor_prepare(const struct settings_resolve *resolve, const struct recipe_place *place,
                           char why[ENGINE_WHY_OCTETS])
{
    if (resolve->trust_anchor == NULL)
        return true;
    char *path = recipe_anchor_file(place);
    bool done = path != NULL && anchor_copy(resolve->trust_anchor, path);
    if (!done)
        (void)snprintf(why, ENGINE_WHY_OCTETS, "can't keep the trust anchor in %s: %s",
                       path != NULL ? path : "server.state-dir", strerror(errno));
    free(path);
    return done;
}

/* The recipe of one engine, with what it needs on disk. NULL, and `why` says it. */
static char *recipe_prepare(const struct resolver *r, const struct settings_resolve *resolve, unsigned number,
                            char why[ENGINE_WHY_OCTETS])
{
    const struct recipe_place place = {r->state_dir, number, RESOLVER_ENGINES, (int64_t)time(NULL)};
    if (!anchor_prepare(resolve, &place, why))
        return NULL;
    (void)snprintf(why, ENGINE_WHY_OCTETS, "memory is short");
    return recipe_write(resolve, &place);
}

/* --- from outside
 * ----------------------------------------------------------------------------------------------- */

static bool searcher_init(struct searcher *s, struct resolver *resolver, unsigned number,
                          const struct settings_resolve *resolve, char why[ENGINE_WHY_OCTETS])
{
    char *recipe = recipe_prepare(resolver, resolve, number, why);
    s->resolver = resolver;
    s->number = number;
    s->last = &s->first;
    (void)pthread_mutex_init(&s->lock, NULL);
    if (recipe == NULL || uv_loop_init(&s->loop) < 0) {
        free(recipe);
        return false;
    }
    (void)uv_async_init(&s->loop, &s->wake, searcher_woken);
    s->wake.data = s;
    s->engine = engine_new(&s->loop, recipe, why);
    if (number == 0)
        resolver->recipe = recipe;
    else
        free(recipe);
    if (s->engine != NULL && searcher_start(s) == 0)
        return true;
    searcher_end(s);
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&s->loop);
    return false;
}

struct resolver *resolver_new(const struct settings_resolve *resolve, const char *state_dir,
                              char why[ENGINE_WHY_OCTETS])
{
    struct resolver *r = calloc(1, sizeof *r);
    (void)snprintf(why, ENGINE_WHY_OCTETS, "memory is short");
    if (r != NULL)
        r->state_dir = strdup(state_dir);
    bool good = r != NULL && r->state_dir != NULL;
    for (unsigned i = 0; good && i < RESOLVER_ENGINES; i++)
        good = searcher_init(&r->searchers[i], r, i, resolve, why);
    if (good)
        return r;
    if (r != NULL) {
        resolver_stop(r);
        resolver_free(r);
    }
    return NULL;
}

void resolver_ask(struct resolver *resolver, struct resolve_task *task)
{
    struct searcher *s = &resolver->searchers[task->engine % RESOLVER_ENGINES];
    task->next = NULL;
    task->packet = NULL;
    task->octets = 0;
    task->trust = ENGINE_INSECURE;
    task->error = EDNS_ERROR_NONE;
    task->asked_ns = mono_now().ns;
    count(&resolver->figures.asked, 1);
    pthread_mutex_lock(&s->lock);
    bool stop = s->stop;
    if (!stop) {
        *s->last = task;
        s->last = &task->next;
        /* Under the lock: behind `stop` there is nobody to wake. */
        (void)uv_async_send(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
    if (!stop)
        return;
    task->rcode = RCODE_SERVFAIL;
    inbox_put(task->inbox, task);
}

static void searcher_hand(struct searcher *s, char *recipe)
{
    pthread_mutex_lock(&s->lock);
    free(s->recipe);
    s->recipe = recipe;
    if (!s->stop)
        (void)uv_async_send(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

bool resolver_renew(struct resolver *resolver, const struct settings_resolve *resolve, bool anyway)
{
    char why[ENGINE_WHY_OCTETS];
    char *recipe = recipe_prepare(resolver, resolve, 0, why);
    if (recipe != NULL && !anyway && strcmp(recipe, resolver->recipe) == 0) {
        free(recipe);
        return false;
    }
    for (unsigned i = 0; recipe != NULL && i < RESOLVER_ENGINES; i++) {
        char *own = recipe_prepare(resolver, resolve, i, why);
        if (own != NULL)
            searcher_hand(&resolver->searchers[i], own);
    }
    if (recipe == NULL) {
        log_error("resolve: %s; what was in force stays", why);
        return false;
    }
    free(resolver->recipe);
    resolver->recipe = recipe;
    return true;
}

void resolver_stop(struct resolver *resolver)
{
    for (unsigned i = 0; i < RESOLVER_ENGINES; i++) {
        struct searcher *s = &resolver->searchers[i];
        if (!s->running)
            continue;
        pthread_mutex_lock(&s->lock);
        s->stop = true;
        (void)uv_async_send(&s->wake);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->thread, NULL);
        if (uv_loop_close(&s->loop) < 0)
            log_error("searcher %u left something open", i);
        s->running = false;
    }
}

void resolver_free(struct resolver *resolver)
{
    for (unsigned i = 0; i < RESOLVER_ENGINES; i++) {
        free(resolver->searchers[i].recipe);
        if (resolver->searchers[i].resolver != NULL)
            pthread_mutex_destroy(&resolver->searchers[i].lock);
    }
    free(resolver->recipe);
    free(resolver->state_dir);
    free(resolver);
}

const struct resolver_figures *resolver_figures(const struct resolver *resolver)
{
    return &resolver->figures;
}
