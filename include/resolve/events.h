/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libunbound's pluggable event base (unbound-event.h) on a libuv loop: its descriptors are in an epoll set of
 * their own, which the loop watches as one descriptor, and its timeouts are the loop's timers. So a socket
 * for every question to a name server costs two calls of the kernel and no handle of libuv.
 *
 *     uv_poll on the set -> epoll_wait() -> an event's callback        uv_timer -> the same callback
 *
 * For the loop's own thread. An event may delete itself or others from its callback.
 */
#ifndef HITHER_RESOLVE_EVENTS_H
#define HITHER_RESOLVE_EVENTS_H

#include <uv.h>

struct events;
struct ub_event_base;

/* NULL when memory or descriptors are short. `loop` outlives it. */
struct events *events_new(uv_loop_t *loop);

/* What libunbound is given; lives as long as `events`. */
struct ub_event_base *events_base(struct events *events);

/* Frees `events` once the loop has closed its handles. All that libunbound made on it is gone by then. */
void events_close(struct events *events);

#endif
