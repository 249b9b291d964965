/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/tcp_connection.h"

#include "base/clock.h"
#include "net/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TCP_KEPT_FIRST_OCTETS 512

/* An answer with its prefix fits into `out` behind what is staged. */
static bool tcp_staging_has_room(const struct tcp_shared *shared)
{
    return TCP_SCRATCH_OCTETS - shared->staged >= TCP_FRAME_PREFIX_OCTETS + TCP_FRAME_MESSAGE_OCTETS;
}

static size_t tcp_kept_octets(const struct tcp_kept *kept)
{
    return kept->end - kept->at;
}

static void tcp_kept_drop(struct tcp_connection *c, struct tcp_kept *kept)
{
    c->shared->kept_octets -= (long)kept->capacity;
    free(kept->bytes);
    *kept = (struct tcp_kept){0};
}

/* Makes room for `octets` from `at` on, moving what waits to the front. False: no memory, or too much of it
 * is held by all connections together. */
static bool tcp_kept_reserve(struct tcp_connection *c, struct tcp_kept *kept, size_t octets)
{
    if (kept->bytes != NULL && kept->at > 0) {
        memmove(kept->bytes, kept->bytes + kept->at, tcp_kept_octets(kept));
        kept->end -= kept->at;
        kept->at = 0;
    }
    if (kept->bytes != NULL && octets <= kept->capacity)
        return true;
    if (c->shared->kept_octets + (long)(octets - kept->capacity) > TCP_KEPT_OCTETS)
        return false;
    uint8_t *bytes = realloc(kept->bytes, octets);
    if (bytes == NULL)
        return false;
    c->shared->kept_octets += (long)(octets - kept->capacity);
    kept->bytes = bytes;
    kept->capacity = octets;
    return true;
}

/* Keeps a copy of `bytes`; the buffer must be empty. */
static void tcp_kept_set(struct tcp_connection *c, struct tcp_kept *kept, const uint8_t *bytes, size_t octets)
{
    if (!tcp_kept_reserve(c, kept, octets)) {
        c->broken = true;
        return;
    }
    memcpy(kept->bytes, bytes, octets);
    kept->end = octets;
}

/* Octets that the kernel took; 0 when it takes none now. */
static size_t tcp_send(struct tcp_connection *c, const uint8_t *bytes, size_t octets)
{
    ssize_t sent = send(c->fd, bytes, octets, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
        c->progress = true;
        stat_add(&c->shared->context->stats->octets_out, (uint64_t)sent);
        return (size_t)sent;
    }
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        c->broken = true;
    return 0;
}

/* Sends what is staged; what isn't taken is kept. Afterwards the staging is empty. */
static void tcp_flush(struct tcp_connection *c)
{
    struct tcp_shared *shared = c->shared;
    size_t sent = shared->staged > 0 ? tcp_send(c, shared->out, shared->staged) : 0;
    if (!c->broken && sent < shared->staged)
        tcp_kept_set(c, &c->output, shared->out + sent, shared->staged - sent);
    shared->staged = 0;
}

/* Sends answers of earlier turns. */
static void tcp_send_kept(struct tcp_connection *c)
{
    if (c->output.bytes == NULL)
        return;
    c->output.at += tcp_send(c, c->output.bytes + c->output.at, tcp_kept_octets(&c->output));
    if (tcp_kept_octets(&c->output) == 0)
        tcp_kept_drop(c, &c->output);
}

/* Puts the prefix before the message of `octets` that was written behind it. */
static void tcp_stage(struct tcp_shared *shared, size_t octets)
{
    uint8_t *prefix = shared->out + shared->staged;
    prefix[0] = (uint8_t)(octets >> 8);
    prefix[1] = (uint8_t)octets;
    shared->staged += TCP_FRAME_PREFIX_OCTETS + octets;
}

static uint8_t *tcp_staging(struct tcp_shared *shared)
{
    return shared->out + shared->staged + TCP_FRAME_PREFIX_OCTETS;
}

static void tcp_defer(struct tcp_connection *c, struct answer_deferred *deferred)
{
    deferred->owner = c;
    deferred->send = c->shared->late;
    deferred->newer = NULL;
    deferred->older = c->deferred;
    if (c->deferred != NULL)
        c->deferred->newer = deferred;
    c->deferred = deferred;
}

static void tcp_answer(struct tcp_connection *c, const struct tcp_frame *frame)
{
    struct answer_message message = {
        .query = frame->message,
        .query_octets = frame->octets,
        .client = &c->client.sa,
        .response = tcp_staging(c->shared),
        .response_capacity = TCP_FRAME_MESSAGE_OCTETS,
        .probe = c->probe,
    };
    struct worker_stats *stats = c->shared->context->stats;
    bool sample = stats_is_sample(stats, STATS_TCP);
    struct mono began = sample ? mono_now() : (struct mono){0};
    flight_begin_tcp(c->shared->flight, &c->client, frame->message, frame->octets);
    answer_batch(c->shared->context, ANSWER_TCP, &message, 1);
    flight_end_tcp(c->shared->flight);
    answer_tap(c->shared->context, ANSWER_TCP, &message, 1);
    if (sample) {
        stats_span(&stats->spans[STATS_TCP], mono_now().ns - began.ns, 1);
        stats_size(&stats->sizes[STATS_TCP], message.response_octets);
    }
    c->stream = message.stream;
    c->progress = true;
    if (message.deferred != NULL)
        tcp_defer(c, message.deferred);
    if (message.response_octets > 0)
        tcp_stage(c->shared, message.response_octets);
}

/* Answers the whole messages at the front of `input`, which is left at the first octet that wasn't used: the
 * beginning of a partial message, or, when the turn is over or the peer doesn't take its answers, of a whole
 * one. `needed` is how long the buffer has to be for the next message. */
static void tcp_answer_all(struct tcp_connection *c, struct reader *input, size_t *needed)
{
    struct tcp_frame frame;
    struct reader ahead = *input;
    enum tcp_frame_result result = tcp_frame_next(&ahead, &frame);
    for (unsigned answered = 0; result == TCP_FRAME_MESSAGE && answered < TCP_TURN_QUERIES; answered++) {
        tcp_answer(c, &frame);
        *input = ahead;
        if (!tcp_staging_has_room(c->shared))
            tcp_flush(c);
        result = tcp_frame_next(&ahead, &frame);
        if (c->broken || c->stream != NULL || c->output.bytes != NULL)
            break;
    }
    tcp_flush(c);
    *needed = frame.needed;
    c->waiting = result == TCP_FRAME_MESSAGE;
    c->broken |= result == TCP_FRAME_BROKEN;
}

/* Octets received into `to`; 0 when there are none now or the peer is done or gone. */
static size_t tcp_receive(struct tcp_connection *c, uint8_t *to, size_t octets)
{
    ssize_t got = recv(c->fd, to, octets, MSG_DONTWAIT);
    if (got > 0) {
        stat_add(&c->shared->context->stats->octets_in, (uint64_t)got);
        return (size_t)got;
    }
    if (got == 0)
        c->peer_done = true;
    else if (errno != EAGAIN && errno != EINTR)
        c->broken = true;
    return 0;
}

/* Nothing is kept: reads into the buffer that all connections share, and keeps only what is left over. */
static void tcp_read_fresh(struct tcp_connection *c)
{
    size_t needed;
    struct reader input = reader_of(c->shared->in, tcp_receive(c, c->shared->in, TCP_SCRATCH_OCTETS));
    if (reader_left(&input) == 0)
        return;
    tcp_answer_all(c, &input, &needed);
    if (!c->broken && reader_left(&input) > 0)
        tcp_kept_set(c, &c->input, input.at, reader_left(&input));
}

/* Answers what is whole in the connection's own buffer. */
static void tcp_answer_kept(struct tcp_connection *c, size_t *needed)
{
    struct reader input = reader_of(c->input.bytes + c->input.at, tcp_kept_octets(&c->input));
    tcp_answer_all(c, &input, needed);
    c->input.at += reader_offset(&input);
    if (tcp_kept_octets(&c->input) == 0)
        tcp_kept_drop(c, &c->input);
}

/* A part of a message is kept: reads behind it. The buffer grows with what really comes, not with what the
 * prefix promises, and never by less than half, so a message that drips in isn't copied over and over. */
static void tcp_read_more(struct tcp_connection *c, size_t needed)
{
    size_t have = tcp_kept_octets(&c->input);
    size_t capacity = have < TCP_KEPT_FIRST_OCTETS ? TCP_KEPT_FIRST_OCTETS : have * 2;
    if (needed > TCP_FRAME_PREFIX_OCTETS && capacity > needed)
        capacity = needed;
    if (!tcp_kept_reserve(c, &c->input, capacity)) {
        c->broken = true;
        return;
    }
    c->input.end += tcp_receive(c, c->input.bytes + c->input.end, c->input.capacity - c->input.end);
}

static void tcp_read(struct tcp_connection *c)
{
    size_t needed = TCP_FRAME_PREFIX_OCTETS;
    if (c->input.bytes == NULL) {
        tcp_read_fresh(c);
        return;
    }
    tcp_answer_kept(c, &needed);
    if (c->broken || c->waiting || c->input.bytes == NULL || c->output.bytes != NULL || c->stream != NULL)
        return;
    tcp_read_more(c, needed);
    if (!c->broken)
        tcp_answer_kept(c, &needed);
}

/* One buffer full of a zone transfer. */
static void tcp_continue_stream(struct tcp_connection *c)
{
    while (c->stream != NULL && tcp_staging_has_room(c->shared)) {
        size_t octets = answer_stream_next(c->stream, tcp_staging(c->shared), TCP_FRAME_MESSAGE_OCTETS);
        if (octets > 0) {
            tcp_stage(c->shared, octets);
        } else {
            answer_stream_close(c->stream);
            c->stream = NULL;
        }
    }
    tcp_flush(c);
}

void tcp_connection_turn(struct tcp_connection *c)
{
    c->progress = false;
    tcp_send_kept(c);
    if (c->broken || c->output.bytes != NULL)
        return;
    if (c->stream != NULL)
        tcp_continue_stream(c);
    else
        tcp_read(c);
}

/* Behind what the peer hasn't taken yet, or at once. */
void tcp_connection_send_late(struct tcp_connection *c, const uint8_t *response, size_t octets)
{
    memcpy(tcp_staging(c->shared), response, octets);
    tcp_stage(c->shared, octets);
    c->progress = true;
    if (c->output.bytes == NULL) {
        tcp_flush(c);
        return;
    }
    size_t staged = c->shared->staged;
    c->shared->staged = 0;
    if (!tcp_kept_reserve(c, &c->output, tcp_kept_octets(&c->output) + staged)) {
        c->broken = true;
        return;
    }
    memcpy(c->output.bytes + c->output.end, c->shared->out, staged);
    c->output.end += staged;
}

bool tcp_connection_next(const struct tcp_connection *c, enum tcp_state *state, int *events)
{
    bool owed = c->output.bytes != NULL || c->stream != NULL;
    if (c->broken || (c->peer_done && !owed && !c->waiting && c->deferred == NULL))
        return false;
    if (owed)
        *state = TCP_STATE_WRITING;
    else
        *state = c->input.bytes != NULL ? TCP_STATE_READING : TCP_STATE_IDLE;
    if (c->peer_done && !owed && !c->waiting) {
        *events = 0; /* nothing but the answers that come later */
        return true;
    }
    /* A whole message that waits needs no more bytes: being writable calls for the next turn. */
    *events = owed || c->waiting ? UV_WRITABLE : UV_READABLE;
    return true;
}

void tcp_connection_release(struct tcp_connection *c)
{
    tcp_kept_drop(c, &c->input);
    tcp_kept_drop(c, &c->output);
    if (c->stream != NULL)
        answer_stream_close(c->stream);
    c->stream = NULL;
    for (struct answer_deferred *d = c->deferred; d != NULL; d = d->older)
        d->send = NULL; /* nobody is there to take it */
    c->deferred = NULL;
}
