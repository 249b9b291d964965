/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The HTTP side, for monitoring and eyes, in the server process on a thread of its own:
 *
 *     /metrics    Prometheus text (control/metrics.h)
 *     /healthz    200 while this PoP should get traffic, else 503; one line says why
 *     /status     JSON: this server's view, and the announcer's half as it last wrote it
 *     /history    JSON: the counters of the last five minutes
 *     /           one self-contained page that shows /status
 *
 * Only GET and HEAD. It reads counters and shared memory and nothing else, so it can't slow an answer down.
 */
#ifndef HITHER_CONTROL_HTTP_H
#define HITHER_CONTROL_HTTP_H

#include "base/clock.h"
#include "base/shared.h"
#include "base/stats.h"
#include "resolve/desk.h"

#include <stddef.h>

#define HTTP_MAX_CONNECTIONS 64
#define HTTP_IDLE_S          10

/* What is shown. Everything pointed to must live until http_stop(). */
struct http_sources {
    const char *identity;
    struct mono started;
    const struct shared_down *down;
    const struct shared_up *up;
    const struct worker_stats *const *workers; /* `worker_count` of them */
    size_t worker_count;
    const struct server_stats *server;       /* NULL: not counted */
    const struct resolver_figures *resolver; /* NULL: there is none, nor desks */
    const struct desk_figures *const *desks; /* `worker_count` of them */
};

struct http;

/* Listens at `address`. NULL, and `why` (of `why_octets`) says what is wrong. `sources` is copied. */
struct http *http_start(const union settings_address *address, const struct http_sources *sources, char *why,
                        size_t why_octets);

/* To be called each SAMPLES_EVERY_MS (control/samples.h) on the thread that started it: what /history tells.
 */
void http_sample(struct http *http);

/* Closes all connections and waits for the thread. NULL is allowed. */
void http_stop(struct http *http);

#endif
