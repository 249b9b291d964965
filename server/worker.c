/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker.h"

#include "answer/context.h"
#include "answer/limit.h"
#include "base/clock.h"
#include "base/heart.h"
#include "base/log.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "resolve/desk.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <urcu/urcu-qsbr.h>
#include <uv.h>

#define WORKER_LOOK_BEATS        100  /* a second */
#define WORKER_LAG_BEATS         3000 /* half a minute */
#define WORKER_SPARE_DESCRIPTORS 256  /* for zone files, HTTP and what else isn't a client */

struct worker {
    struct worker_stats stats;
    struct tap tap;
    struct answer_context context;
    uv_loop_t loop;
    uv_timer_t beat;
    uv_async_t stop;
    struct udp *udp;
    struct tcp *tcp;
    struct shared_up *up;
    _Atomic int64_t *heart;
    struct mono beat_at;
    uint64_t lag_worst; /* in this half minute, and in the one before; nanoseconds */
    uint64_t lag_before;
    pthread_t thread;
    unsigned beats;
    unsigned index;
    const struct keep *keep; /* where the cache goes at the end; NULL: nowhere */
};

/* What a worker's desk is made from; without a resolver there is none. */
struct worker_resolving {
    struct resolver *resolver;
    size_t cache_octets;
    uint64_t secret[2];
};

struct workers {
    struct bucket_table *buckets;
    struct tcp_sources *sources;
    struct worker_resolving resolving;
    size_t count;
    struct worker *list[SETTINGS_MAX_WORKERS];
    const struct worker_stats *stats[SETTINGS_MAX_WORKERS];
    const struct desk_figures *desks[SETTINGS_MAX_WORKERS];
    struct desk *each[SETTINGS_MAX_WORKERS];
};

/* How late this beat is: the worst of this half minute and of the one before is told. */
static void worker_note_lag(struct worker *w, struct mono now)
{
    int64_t lag_ns = now.ns - mono_add_ms(w->beat_at, HEART_BEAT_MS).ns;
    uint64_t lag = w->beat_at.ns != 0 && lag_ns > 0 ? (uint64_t)lag_ns : 0;
    w->beat_at = now;
    if (w->beats % WORKER_LAG_BEATS == 0) {
        w->lag_before = w->lag_worst;
        w->lag_worst = 0;
    }
    if (lag > w->lag_worst)
        w->lag_worst = lag;
    stat_set(&w->stats.lag_ns, w->lag_worst > w->lag_before ? w->lag_worst : w->lag_before);
}

/* What would cost too much at each beat. */
static void worker_look(struct worker *w)
{
    struct timespec cpu;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) == 0)
        stat_set(&w->stats.cpu_ns, (uint64_t)cpu.tv_sec * 1000000000 + (uint64_t)cpu.tv_nsec);
    udp_look(w->udp);
}

static void worker_beat(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    struct mono now = mono_now();
    atomic_store_explicit(w->heart, now.ns, memory_order_relaxed);
    w->context.now_s = (uint32_t)time(NULL);
    worker_note_lag(w, now);
    if (w->beats++ % WORKER_LOOK_BEATS == 0)
        worker_look(w);
}

static void worker_on_stop(uv_async_t *stop)
{
    struct worker *w = stop->data;
    if (w->context.desk != NULL && w->keep != NULL)
        keep_save(w->keep, w->index, desk_cache(w->context.desk));
    if (w->context.desk != NULL)
        desk_close(w->context.desk);
    w->context.desk = NULL;
    if (w->udp != NULL)
        udp_close(w->udp);
    if (w->tcp != NULL)
        tcp_close(w->tcp);
    w->udp = NULL;
    w->tcp = NULL;
    uv_close((uv_handle_t *)&w->beat, NULL);
    uv_close((uv_handle_t *)&w->stop, NULL);
}

/* Its own sockets, of those that `down` lists. */
static int worker_listen(struct worker *w, const struct shared_down *down)
{
    uint32_t count = down->socket_count < SHARED_MAX_SOCKETS ? down->socket_count : SHARED_MAX_SOCKETS;
    int error = 0;
    for (uint32_t i = 0; error == 0 && i < count; i++) {
        const struct shared_socket *s = &down->sockets[i];
        if (s->worker != w->index)
            continue;
        error = s->transport == SHARED_UDP ? udp_listen(w->udp, s->fd, s->lane == 1)
                                           : tcp_listen(w->tcp, s->fd, s->lane == 1);
    }
    return error;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    char name[16];
    (void)snprintf(name, sizeof name, "worker-%u", w->index);
    (void)pthread_setname_np(pthread_self(), name);
    atomic_store_explicit(&w->up->worker_tid[w->index], gettid(), memory_order_relaxed);
    urcu_qsbr_register_thread();
    urcu_qsbr_thread_offline();
    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    urcu_qsbr_unregister_thread();
    return NULL;
}

/* All signals are for the main thread, and a thread is born with its maker's mask. */
static int worker_spawn(struct worker *w)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = -pthread_create(&w->thread, NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

size_t workers_descriptors(size_t workers)
{
    return workers * TCP_CONNECTIONS + WORKER_SPARE_DESCRIPTORS;
}

static unsigned worker_connections(size_t workers)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= WORKER_SPARE_DESCRIPTORS)
        return 1;
    rlim_t each = (limit.rlim_cur - WORKER_SPARE_DESCRIPTORS) / workers;
    return each < TCP_CONNECTIONS ? (unsigned)each : TCP_CONNECTIONS;
}

/* Runs the loop to its end, so that everything on it is freed. */
static void worker_free(struct worker *w)
{
    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&w->loop) < 0)
        log_error("worker %u left something open", w->index);
    limiter_free(w->context.limiter);
    free(w);
}

/* True when there is one, or is to be none. */
static bool worker_open_desk(struct worker *w, const struct worker_resolving *resolving)
{
    if (resolving->resolver == NULL)
        return true;
    w->context.desk =
        desk_new(&w->loop, &w->context, resolving->resolver, resolving->cache_octets, resolving->secret);
    return w->context.desk != NULL;
}

/* Made on the main thread, so that whatever is wrong is known before anything runs. */
static int worker_new(struct worker **made, unsigned index, size_t workers, const struct workers *all,
                      const struct shared_down *down, struct shared_up *up)
{
    struct worker *w = NULL;
    /* Its counters fill cache lines of their own (base/stats.h). */
    if (posix_memalign((void **)&w, _Alignof(struct worker), sizeof *w) != 0)
        return -ENOMEM;
    /* The ring stays untouched, and takes no memory, until something is picked out. */
    memset(w, 0, offsetof(struct worker, tap) + offsetof(struct tap, ring));
    memset((char *)w + offsetof(struct worker, context), 0, sizeof *w - offsetof(struct worker, context));
    int error = uv_loop_init(&w->loop);
    if (error < 0) {
        free(w);
        return error;
    }
    w->index = index;
    w->up = up;
    w->heart = &up->worker_beat_ns[index];
    w->context.stats = &w->stats;
    w->context.tap = &w->tap;
    (void)uv_timer_init(&w->loop, &w->beat);
    (void)uv_async_init(&w->loop, &w->stop, worker_on_stop);
    w->beat.data = w->stop.data = w;
    w->context.limiter = limiter_new(all->buckets);
    w->udp = udp_new(&w->loop, &w->context, &up->flights[index]);
    w->tcp = tcp_new(&w->loop, &w->context, &up->flights[index], all->sources, worker_connections(workers));
    bool whole = w->context.limiter != NULL && w->udp != NULL && w->tcp != NULL &&
                 worker_open_desk(w, &all->resolving);
    error = whole ? worker_listen(w, down) : -ENOMEM;
    if (error == 0)
        error = uv_timer_start(&w->beat, worker_beat, 0, HEART_BEAT_MS);
    if (error < 0) {
        worker_on_stop(&w->stop);
        worker_free(w);
        return error;
    }
    *made = w;
    return 0;
}

static int worker_start(struct workers *workers, size_t count, const struct shared_down *down,
                        struct shared_up *up)
{
    size_t index = workers->count;
    struct worker *w = NULL;
    int error = worker_new(&w, (unsigned)index, count, workers, down, up);
    if (error < 0)
        return error;
    atomic_store_explicit(w->heart, mono_now().ns, memory_order_relaxed);
    error = worker_spawn(w);
    if (error < 0) {
        worker_on_stop(&w->stop);
        worker_free(w);
        return error;
    }
    workers->stats[index] = &w->stats;
    workers->desks[index] = w->context.desk != NULL ? desk_figures(w->context.desk) : NULL;
    workers->each[index] = w->context.desk;
    workers->list[workers->count++] = w;
    return 0;
}

/* What limits clients, whichever worker they meet. */
static bool workers_share(struct workers *all)
{
    all->buckets = bucket_table_new();
    all->sources = calloc(1, sizeof *all->sources);
    if (all->buckets == NULL || all->sources == NULL)
        return false;
    all->sources->buckets = all->buckets;
    return true;
}

int workers_start(struct workers **workers, size_t count, const struct shared_down *down,
                  struct shared_up *up, struct resolver *resolver, size_t cache_octets)
{
    struct workers *all = calloc(1, sizeof *all);
    int error = all != NULL && workers_share(all) ? 0 : -ENOMEM;
    if (error == 0) {
        all->resolving =
            (struct worker_resolving){.resolver = resolver, .cache_octets = cache_octets / count};
        randombytes_buf(all->resolving.secret, sizeof all->resolving.secret);
    }
    while (error == 0 && all->count < count)
        error = worker_start(all, count, down, up);
    if (error < 0) {
        workers_stop(all, NULL);
        return error;
    }
    atomic_store_explicit(&up->worker_count, (uint32_t)count, memory_order_release);
    *workers = all;
    return 0;
}

const struct worker_stats *const *workers_stats(const struct workers *workers)
{
    return workers->stats;
}

struct tap *workers_tap(const struct workers *workers, size_t i)
{
    return i < workers->count ? &workers->list[i]->tap : NULL;
}

const struct desk_figures *const *workers_desks(const struct workers *workers)
{
    return workers->desks;
}

struct desk *const *workers_each_desk(const struct workers *workers)
{
    return workers->each;
}

uint64_t workers_queries(const struct workers *workers)
{
    uint64_t queries = 0;
    for (size_t i = 0; i < workers->count; i++)
        queries += stats_queries(workers->stats[i], STATS_UDP) + stats_queries(workers->stats[i], STATS_TCP);
    return queries;
}

void workers_publish(const struct workers *workers, struct shared_up *up)
{
    uint64_t good = 0;
    uint64_t answers = 0;
    for (size_t i = 0; i < workers->count; i++) {
        const struct worker_stats *stats = workers->stats[i];
        good += stat_read(&stats->rcodes[0]) + stat_read(&stats->rcodes[3]) -
                stat_read(&stats->limited_truncated);
        answers += stat_read(&stats->answers);
        atomic_store_explicit(&up->worker_queries[i],
                              stats_queries(stats, STATS_UDP) + stats_queries(stats, STATS_TCP),
                              memory_order_relaxed);
    }
    atomic_store_explicit(&up->good_answers, good, memory_order_relaxed);
    atomic_store_explicit(&up->answers, answers, memory_order_relaxed);
    atomic_store_explicit(&up->queries, workers_queries(workers), memory_order_relaxed);
}

void workers_stop(struct workers *workers, const struct keep *keep)
{
    if (workers == NULL)
        return;
    for (size_t i = 0; i < workers->count; i++) {
        workers->list[i]->keep = keep;
        (void)uv_async_send(&workers->list[i]->stop);
    }
    for (size_t i = 0; i < workers->count; i++) {
        pthread_join(workers->list[i]->thread, NULL);
        worker_free(workers->list[i]);
    }
    free(workers->sources);
    bucket_table_free(workers->buckets);
    free(workers);
}
