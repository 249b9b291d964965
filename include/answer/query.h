/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The query walk in one call: bytes of a message in, bytes of its answer out. Knows no sockets: UDP, TCP,
 * tests, the fuzzer and the benchmark all come through here, and later AF_XDP. A batch goes through the
 * stages together, so that the memory which one message waits for is fetched while the others are worked on:
 *
 *     parse -> authenticate -> limit -> zone/set -> zone/lookup -> render
 *
 * No allocation, lock, clock or library call per query.
 */
#ifndef HITHER_ANSWER_QUERY_H
#define HITHER_ANSWER_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ANSWER_BATCH 32

enum answer_transport {
    ANSWER_UDP,
    ANSWER_TCP,
};

struct answer_deferred;
struct answer_stream;

/* One message of a batch. The caller owns every buffer; they need to live only for the call. */
struct answer_message {
    const uint8_t *query;
    size_t query_octets;
    const struct sockaddr *client;
    uint8_t *response;                /* must not overlap the query */
    size_t response_capacity;         /* octets: at least 1232; what the transport can carry at most */
    bool probe;                       /* of our own self-check (net/lane.h): counts for no limit */
    size_t response_octets;           /* out: 0 means that nothing is to be sent */
    struct answer_deferred *deferred; /* out: not NULL when the answer comes later (answer/deferred.h) */
    struct answer_stream *stream; /* out, TCP only: not NULL when more messages follow (a zone transfer) */
};

struct answer_context; /* one for each worker; see answer/context.h */

/* Answers `count` (at most ANSWER_BATCH) messages that came over `transport`. The calling thread is
 * registered with liburcu's QSBR and doesn't pass a quiescent state before the responses are copied out. */
void answer_batch(struct answer_context *context, enum answer_transport transport,
                  struct answer_message *messages, size_t count);

/* The next message of a stream into `response` of `capacity`: its octets, or 0 at the end. May be called from
 * later turns of the worker's loop: the stream holds what it reads. */
size_t answer_stream_next(struct answer_stream *stream, uint8_t *response, size_t capacity);

/* Ends the stream, whether all of it was sent or not. */
void answer_stream_close(struct answer_stream *stream);

#endif
