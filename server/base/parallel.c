/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

struct parallel {
    parallel_part run;
    void *arg;
    size_t parts;
    atomic_size_t next;
};

static void *parallel_draw(void *arg)
{
    struct parallel *all = arg;
    size_t part;
    while ((part = atomic_fetch_add_explicit(&all->next, 1, memory_order_relaxed)) < all->parts)
        all->run(part, all->arg);
    return NULL;
}

static size_t parallel_cores(void)
{
    cpu_set_t ours;
    if (sched_getaffinity(0, sizeof ours, &ours) < 0)
        return 1;
    size_t cores = (size_t)CPU_COUNT(&ours);
    return cores < PARALLEL_MOST ? cores : PARALLEL_MOST;
}

/* Signals are for the main thread, and a thread is born with its maker's mask. */
static size_t helpers_start(pthread_t *helpers, size_t count, struct parallel *all)
{
    sigset_t every;
    sigset_t before;
    size_t started = 0;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    while (started < count && pthread_create(&helpers[started], NULL, parallel_draw, all) == 0)
        started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

void parallel_run(size_t parts, parallel_part run, void *arg)
{
    struct parallel all = {.run = run, .arg = arg, .parts = parts};
    pthread_t helpers[PARALLEL_MOST];
    size_t threads = parts > 1 ? parallel_cores() : 1;
    threads = threads < parts ? threads : parts;
    size_t started = threads > 1 ? helpers_start(helpers, threads - 1, &all) : 0;
    (void)parallel_draw(&all);
    for (size_t i = 0; i < started; i++)
        pthread_join(helpers[i], NULL);
}
