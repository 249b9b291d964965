/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Datagrams in, datagrams out: the two ends of the query walk over UDP (RFC 1035 4.2.1). A readable socket is
 * emptied in batches: recvmmsg() -> answer_batch() -> sendmmsg(). Answers never fragment (RFC 9715): the
 * sockets ignore what path MTU discovery says, and what doesn't fit the path is lost, not split.
 *
 * One `struct udp` for each worker; it is used by that worker's thread alone.
 */
#ifndef HITHER_NET_UDP_H
#define HITHER_NET_UDP_H

#include "answer/context.h"
#include "base/flight.h"

#include <uv.h>

#define UDP_QUERY_OCTETS                                                                                     \
    FLIGHT_QUERY_OCTETS          /* what is longer is cut, and then judged like any broken message */
#define UDP_RESPONSE_OCTETS 4096 /* the most that any configuration may allow */
#define UDP_TURN_BATCHES    8    /* per readable socket and turn of the loop, so that others get theirs */

struct udp;

/* NULL when memory is short. `loop`, `context` and `flight`, where the queries are received, outlive it. */
struct udp *udp_new(uv_loop_t *loop, struct answer_context *context, struct flight *flight);

/* Answers on `fd`, a bound nonblocking socket that stays the caller's; `lane`: all that comes is of the
 * self-check (net/lane.h). 0 or -errno. */
int udp_listen(struct udp *udp, int fd, bool lane);

/* Counts what the kernel dropped because a queue was full: one system call for each socket. */
void udp_look(const struct udp *udp);

/* Stops, and frees `udp` once the loop has closed its handles. */
void udp_close(struct udp *udp);

#endif
