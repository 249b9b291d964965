/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The searching half of the resolver: a few threads, each with a loop and an engine. Questions come from the
 * workers' desks, answers go back to the desk's inbox, and nothing else is shared. So whatever a search costs
 * (validation, a file, a fault in libunbound) no worker waits for it.
 *
 *     desk -- resolver_ask() --> searcher: engine_ask() ... --> inbox -- uv_async --> desk
 *
 * A name that is refreshed before its end goes to another engine than the one that knows it still.
 */
#ifndef HITHER_RESOLVE_RESOLVER_H
#define HITHER_RESOLVE_RESOLVER_H

#include "resolve/engine.h"
#include "resolve/settings.h"
#include "wire/name.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#define RESOLVER_ENGINES 2

struct resolver;

/* A question on its way: the desk's, lent to the resolver until it is in the inbox again. */
struct resolve_task {
    struct resolve_task *next;
    struct resolve_task *older; /* of those that an engine works on */
    struct resolve_task *newer;
    struct resolve_inbox *inbox;
    void *searcher;
    uint8_t engine; /* which is to be asked */
    uint8_t name_octets;
    uint16_t type;
    uint16_t class;
    uint16_t rcode; /* from here on the answer; rcode not 0: there is no packet */
    enum engine_trust trust;
    int error;       /* enum edns_error, of an answer that is bogus */
    uint8_t *packet; /* from malloc; the desk frees it */
    size_t octets;
    int64_t asked_ns; /* monotonic */
    int64_t took_ns;
    uint8_t name[NAME_MAX_OCTETS + NAME_PADDING]; /* folded */
};

/* Where answered tasks wait for their desk. */
struct resolve_inbox {
    pthread_mutex_t lock;
    struct resolve_task *first;
    struct resolve_task **last;
    uv_async_t arrived; /* on the desk's loop */
};

/* Read by anyone at any time. */
struct resolver_figures {
    _Atomic uint64_t asked;
    _Atomic uint64_t answered;
    _Atomic uint64_t failed; /* SERVFAIL, timeouts */
    _Atomic uint64_t bogus;
    _Atomic uint64_t secure;
    _Atomic uint64_t insecure;
    _Atomic uint64_t took_us;          /* all searches together */
    _Atomic uint64_t took_below_ms[8]; /* 1, 5, 20, 50, 100, 500, 2000, more */
    _Atomic int64_t answered_ns;       /* when one was answered last, monotonic */
    _Atomic int64_t failed_ns;
};

/* Starts the engines. NULL, and `why` says it with the remedy. */
struct resolver *resolver_new(const struct settings_resolve *resolve, const char *state_dir,
                              char why[ENGINE_WHY_OCTETS]);

/* Lends the task, from any thread. It comes back in its inbox in any case. */
void resolver_ask(struct resolver *resolver, struct resolve_task *task);

/* New settings, or the old ones with nothing known any more: what is being searched is begun anew. When they
 * are the same and not `anyway`, nothing happens. Whether anything did. */
bool resolver_renew(struct resolver *resolver, const struct settings_resolve *resolve, bool anyway);

/* Ends the threads. What they were asked comes back as failed, and so does all that is asked from now on. */
void resolver_stop(struct resolver *resolver);

/* After resolver_stop(), when nobody asks any more. */
void resolver_free(struct resolver *resolver);

const struct resolver_figures *resolver_figures(const struct resolver *resolver);

/* Takes the list of what has arrived. */
struct resolve_task *resolve_inbox_take(struct resolve_inbox *inbox);

#endif
