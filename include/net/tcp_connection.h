/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One connection: bytes in, messages, answers, bytes out. net/tcp accepts, counts and ends connections; this
 * is what happens while they live.
 */
#ifndef HITHER_NET_TCP_CONNECTION_H
#define HITHER_NET_TCP_CONNECTION_H

#include "answer/context.h"
#include "answer/deferred.h"
#include "config.h"
#include "net/tcp_frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum tcp_state {
    TCP_STATE_IDLE,
    TCP_STATE_READING,
    TCP_STATE_WRITING,
};
#define TCP_STATES 3

/* The most that one recv() takes, and that is staged before it is sent: two of the largest messages. */
#define TCP_SCRATCH_OCTETS (2 * (TCP_FRAME_PREFIX_OCTETS + TCP_FRAME_MESSAGE_OCTETS))

/* What the connections of one worker share. `late` is told of each answer that came later, or won't. */
struct tcp_shared {
    void (*late)(struct answer_deferred *deferred, const uint8_t *response, size_t octets);
    struct answer_context *context;
    struct flight *flight;
    long kept_octets; /* in all connections' own buffers */
    size_t staged;    /* octets in `out`; 0 between turns */
    uint8_t in[TCP_SCRATCH_OCTETS];
    uint8_t out[TCP_SCRATCH_OCTETS];
};

/* Octets [at, end) of `bytes` wait. Without any, no memory is held. */
struct tcp_kept {
    uint8_t *bytes;
    size_t at;
    size_t end;
    size_t capacity;
};

struct tcp_connection {
    uv_poll_t poll;
    struct tcp *owner;
    struct tcp_shared *shared;
    struct tcp_connection *older; /* in the list of its state */
    struct tcp_connection *newer;
    uint64_t source;   /* what it is counted by (net/tcp_sources.h) */
    uint64_t since_ms; /* in its state, or since the last progress there, by the loop's clock */
    struct answer_stream *stream;
    struct answer_deferred *deferred; /* answers that come later: the newest of them */
    struct tcp_kept input;
    struct tcp_kept output;
    union settings_address client;
    int fd;
    int events;     /* what is polled for */
    uint8_t state;  /* enum tcp_state */
    bool listed;    /* in the list of its state */
    bool peer_done; /* it has closed its side: what is owed is sent, then we leave too */
    bool broken;    /* nothing more can be done for it */
    bool probe;     /* it came over a lane (net/lane.h) */
    bool waiting;   /* `input` holds a whole message */
    bool progress;  /* in this turn a message was answered or octets were taken */
};

/* Does what can be done without waiting: sends, then answers, then reads. On a thread that is QSBR-online. */
void tcp_connection_turn(struct tcp_connection *c);

/* What the connection waits for after a turn; false when it is over. `events` are libuv's. */
bool tcp_connection_next(const struct tcp_connection *c, enum tcp_state *state, int *events);

/* Sends an answer that took its time. */
void tcp_connection_send_late(struct tcp_connection *c, const uint8_t *response, size_t octets);

/* Gives back its buffers and its stream. */
void tcp_connection_release(struct tcp_connection *c);

#endif
