/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Streams in, streams out: the two ends of the query walk over TCP (RFC 7766, RFC 9210).
 *
 *     accept -> recv -> tcp_frame -> answer_batch() -> staged answers -> send
 *
 * Reading and staging use one buffer of the worker, so an idle connection costs a few hundred octets. A
 * connection has memory of its own only for a message that is partly here, for messages that wait until the
 * peer has taken earlier answers, and for answers that it hasn't taken; nothing is read from a peer that
 * doesn't take its answers. Each connection is in one of three states, and each state has a limit in time:
 *
 *     idle     nothing is owed by either side          TCP_IDLE_MS
 *     reading  a message has begun and isn't whole     TCP_MESSAGE_MS from its first octet
 *     writing  answers wait for the peer               TCP_STALL_MS from the last octet taken
 *
 * When all places are taken, the connection that was idle longest makes room for a new one.
 *
 * One `struct tcp` for each worker; it is used by that worker's thread alone.
 */
#ifndef HITHER_NET_TCP_H
#define HITHER_NET_TCP_H

#include "answer/context.h"
#include "base/flight.h"
#include "net/tcp_sources.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define TCP_IDLE_MS     10000
#define TCP_MESSAGE_MS  5000
#define TCP_STALL_MS    10000
#define TCP_SWEEP_MS    250
#define TCP_CONNECTIONS 20000 /* per worker; fewer when descriptors are short */
#define TCP_UNSENT_OCTETS                                                                                    \
    65536 /* in the kernel, per connection: it takes more as these go, so we see the peer's pace */
#define TCP_TURN_QUERIES    64 /* per connection and turn of the loop, so that others get theirs */
#define TCP_TURN_ACCEPTS    64
#define TCP_TELL_MS         60000
#define TCP_ACCEPT_PAUSE_MS 100                 /* when the system is out of descriptors or memory */
#define TCP_KEPT_OCTETS     (64 * 1024 * 1024L) /* in all connections' own buffers, per worker */

struct tcp;

/* At most `connections` at a time. `sources` are all workers'. NULL when memory is short. `loop`, `context`,
 * `flight` and `sources` outlive it. */
struct tcp *tcp_new(uv_loop_t *loop, struct answer_context *context, struct flight *flight,
                    struct tcp_sources *sources, unsigned connections);

/* Accepts on `fd`, a listening nonblocking socket that stays the caller's; `lane`: all that comes is of the
 * self-check (net/lane.h). 0 or -errno. */
int tcp_listen(struct tcp *tcp, int fd, bool lane);

/* Stops, closes all connections, and frees `tcp` once the loop has closed its handles. */
void tcp_close(struct tcp *tcp);

#endif
