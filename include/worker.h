/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The workers of the server process: one thread for each, with its own loop, its own sockets and its own
 * counters. They share nothing that is written: zones and policy are read under liburcu's QSBR, in which a
 * worker is online only while it is inside a batch, so a worker that waits never holds up a reload.
 */
#ifndef HITHER_WORKER_H
#define HITHER_WORKER_H

#include "answer/tap.h"
#include "base/shared.h"
#include "base/stats.h"
#include "resolve/keep.h"

#include <stddef.h>

struct desk_figures;
struct resolver;
struct workers;

/* Starts `count` workers on the sockets that `down` lists; their hearts beat in `up`. 0; or -errno, and none
 * runs. `down` and `up` outlive them. With a `resolver`, which may be NULL, they share out `cache_octets` for
 * answers; it is stopped before they are. */
int workers_start(struct workers **workers, size_t count, const struct shared_down *down,
                  struct shared_up *up, struct resolver *resolver, size_t cache_octets);

/* Each worker's counters, to be read at any time until workers_stop(). */
const struct worker_stats *const *workers_stats(const struct workers *workers);

/* What the `i`th worker picked out, for one reader; NULL when there is no such worker. */
struct tap *workers_tap(const struct workers *workers, size_t i);

/* And what their desks did; NULLs where there is no resolver. */
const struct desk_figures *const *workers_desks(const struct workers *workers);

/* The desks themselves, for desk_send(), until workers_stop(). */
struct desk *const *workers_each_desk(const struct workers *workers);

/* Queries that all workers have taken together. */
uint64_t workers_queries(const struct workers *workers);

/* Tells the announcer what they have done so far. */
void workers_publish(const struct workers *workers, struct shared_up *up);

/* Has them close their connections and end, waits, and frees everything. NULL is allowed. With `keep`, which
 * may be NULL, what their caches have is kept for the next server. */
void workers_stop(struct workers *workers, const struct keep *keep);

/* Descriptors that so many workers want when all their connections are taken. */
size_t workers_descriptors(size_t workers);

#endif
