/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/udp.h"

#include "answer/deferred.h"
#include "base/clock.h"
#include "config.h"
#include "net/pktinfo.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/urcu-qsbr.h>

_Static_assert(FLIGHT_BATCH == ANSWER_BATCH, "a batch flies whole");

/* Everything that one batch needs beside its queries (base/flight.h), taken once: serving allocates nothing.
 */
struct udp_batch {
    struct mmsghdr in[ANSWER_BATCH];
    struct mmsghdr out[ANSWER_BATCH];
    struct iovec in_part[ANSWER_BATCH];
    struct iovec out_part[ANSWER_BATCH];
    struct answer_message messages[ANSWER_BATCH];
    struct pktinfo_room rooms[ANSWER_BATCH];
    uint8_t responses[ANSWER_BATCH][UDP_RESPONSE_OCTETS];
};

struct udp_socket {
    uv_poll_t poll;
    struct udp *udp;
    struct udp_socket *next;
    int fd;
    bool wildcard;
    bool lane;
};

struct udp {
    uv_loop_t *loop;
    struct answer_context *context;
    struct flight *flight;
    struct udp_socket *sockets;
    struct udp_batch batch;
};

struct udp *udp_new(uv_loop_t *loop, struct answer_context *context, struct flight *flight)
{
    struct udp *udp = calloc(1, sizeof *udp);
    if (udp == NULL)
        return NULL;
    udp->loop = loop;
    udp->context = context;
    udp->flight = flight;
    for (size_t i = 0; i < ANSWER_BATCH; i++) {
        struct udp_batch *b = &udp->batch;
        b->in_part[i] = (struct iovec){flight->udp[i], UDP_QUERY_OCTETS};
        b->in[i].msg_hdr.msg_iov = &b->in_part[i];
        b->in[i].msg_hdr.msg_iovlen = 1;
        b->in[i].msg_hdr.msg_name = &flight->udp_clients[i];
    }
    return udp;
}

/* The number of datagrams that were waiting; 0 when there are none. */
static size_t udp_receive(const struct udp_socket *s)
{
    struct udp_batch *b = &s->udp->batch;
    for (size_t i = 0; i < ANSWER_BATCH; i++) {
        b->in[i].msg_hdr.msg_namelen = sizeof(union settings_address);
        if (s->wildcard)
            pktinfo_expect(&b->in[i].msg_hdr, &b->rooms[i]);
        else
            b->in[i].msg_hdr.msg_controllen = 0;
    }
    int count = recvmmsg(s->fd, b->in, ANSWER_BATCH, MSG_DONTWAIT, NULL);
    return count > 0 ? (size_t)count : 0;
}

static void udp_answer(const struct udp_socket *s, size_t count)
{
    struct udp *udp = s->udp;
    struct udp_batch *b = &udp->batch;
    struct flight *flight = udp->flight;
    uint64_t octets = 0;
    for (size_t i = 0; i < count; i++) {
        flight->udp_octets[i] = (uint16_t)b->in[i].msg_len;
        b->messages[i] = (struct answer_message){
            .query = flight->udp[i],
            .query_octets = b->in[i].msg_len,
            .client = &flight->udp_clients[i].sa,
            .response = b->responses[i],
            .response_capacity = UDP_RESPONSE_OCTETS,
            .probe = s->lane,
        };
        octets += b->in[i].msg_len;
    }
    stat_add(&udp->context->stats->octets_in, octets);
    flight_begin_udp(flight, count);
    answer_batch(udp->context, ANSWER_UDP, b->messages, count);
}

/* An answer that took its time. */
static void udp_send_late(struct answer_deferred *deferred, const uint8_t *response, size_t octets)
{
    const struct udp_socket *s = deferred->owner;
    uint8_t *bytes = (uint8_t *)(uintptr_t)response; /* sendmsg() doesn't write */
    struct iovec part = {bytes, octets};
    const struct msghdr out = {
        .msg_name = &deferred->client,
        .msg_namelen = deferred->client.sa.sa_family == AF_INET ? sizeof deferred->client.in4
                                                                : sizeof deferred->client.in6,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = deferred->room_octets > 0 ? deferred->room : NULL,
        .msg_controllen = deferred->room_octets,
    };
    if (octets == 0)
        return;
    struct worker_stats *stats = s->udp->context->stats;
    stat_add(&stats->octets_out, octets);
    if (sendmsg(s->fd, &out, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        stat_add(&stats->send_failed, 1);
}

_Static_assert(sizeof(struct pktinfo_room) <= DEFERRED_ROOM_OCTETS, "where a datagram came to is kept");

/* Notes where the answer to the `i`th datagram has to go, and from which of our addresses. */
static void udp_defer(struct udp_socket *s, size_t i, struct answer_deferred *deferred)
{
    struct msghdr from = {0};
    if (s->wildcard)
        pktinfo_answer_from(&s->udp->batch.in[i].msg_hdr, &from);
    if (from.msg_controllen > 0)
        memcpy(deferred->room, from.msg_control, from.msg_controllen);
    deferred->room_octets = from.msg_controllen;
    deferred->owner = s;
    deferred->send = udp_send_late;
}

/* Lines up what is to be sent; the number of answers. */
static unsigned udp_collect(struct udp_socket *s, size_t count)
{
    struct udp_batch *b = &s->udp->batch;
    unsigned answers = 0;
    uint64_t octets = 0;
    for (size_t i = 0; i < count; i++) {
        const struct answer_message *m = &b->messages[i];
        if (m->response_octets == 0) {
            if (m->deferred != NULL)
                udp_defer(s, i, m->deferred);
            continue;
        }
        b->out_part[answers] = (struct iovec){m->response, m->response_octets};
        struct msghdr *out = &b->out[answers].msg_hdr;
        *out = (struct msghdr){
            .msg_name = &s->udp->flight->udp_clients[i],
            .msg_namelen = b->in[i].msg_hdr.msg_namelen,
            .msg_iov = &b->out_part[answers],
            .msg_iovlen = 1,
        };
        if (s->wildcard)
            pktinfo_answer_from(&b->in[i].msg_hdr, out);
        octets += m->response_octets;
        answers++;
    }
    stat_add(&s->udp->context->stats->octets_out, octets);
    return answers;
}

/* A datagram that the kernel won't take (no route, port 0, a firewall's word) is skipped, so that it doesn't
 * hold up its neighbours; when the send buffer is full, the rest is dropped as the network would. */
static void udp_send(const struct udp_socket *s, unsigned answers)
{
    struct udp_batch *b = &s->udp->batch;
    stat_counter *failed = &s->udp->context->stats->send_failed;
    unsigned at = 0;
    while (at < answers) {
        int sent = sendmmsg(s->fd, b->out + at, answers - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            at += (unsigned)sent;
        } else if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)) {
            stat_add(failed, answers - at);
            return;
        } else if (sent == 0 || errno != EINTR) {
            stat_add(failed, 1);
            at++;
        }
    }
}

static void udp_note_sample(const struct udp_socket *s, size_t count, struct mono began)
{
    struct worker_stats *stats = s->udp->context->stats;
    stats_span(&stats->spans[STATS_UDP], mono_now().ns - began.ns, count);
    for (size_t i = 0; i < count; i++)
        stats_size(&stats->sizes[STATS_UDP], s->udp->batch.messages[i].response_octets);
}

/* Answers what was received. */
static void udp_serve(struct udp_socket *s, size_t count)
{
    bool sample = stats_is_sample(s->udp->context->stats, STATS_UDP);
    struct mono began = sample ? mono_now() : (struct mono){0};
    udp_answer(s, count);
    udp_send(s, udp_collect(s, count));
    flight_end_udp(s->udp->flight);
    answer_tap(s->udp->context, ANSWER_UDP, s->udp->batch.messages, count);
    if (sample)
        udp_note_sample(s, count, began);
}

static void udp_readable(uv_poll_t *poll, int status, int events)
{
    struct udp_socket *s = poll->data;
    size_t count = ANSWER_BATCH;
    (void)events;

    s->udp->context->now_ms = uv_now(s->udp->loop);
    urcu_qsbr_thread_online();
    for (int turn = 0; turn < UDP_TURN_BATCHES && count == ANSWER_BATCH; turn++) {
        count = udp_receive(s);
        if (count == 0)
            break;
        udp_serve(s, count);
        urcu_qsbr_quiescent_state();
    }
    urcu_qsbr_thread_offline();
    /* libuv stops polling when a socket is in error; receiving has cleared that. */
    if (status < 0)
        (void)uv_poll_start(poll, UV_READABLE, udp_readable);
}

void udp_look(const struct udp *udp)
{
    uint64_t dropped = 0;
    for (const struct udp_socket *s = udp->sockets; s != NULL; s = s->next) {
        uint32_t info[SK_MEMINFO_VARS];
        socklen_t octets = sizeof info;
        if (getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &octets) == 0 && octets == sizeof info)
            dropped += info[SK_MEMINFO_DROPS];
    }
    stat_set(&udp->context->stats->dropped_queue, dropped);
}

int udp_listen(struct udp *udp, int fd, bool lane)
{
    union settings_address bound;
    socklen_t octets = sizeof bound;
    struct udp_socket *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    if (getsockname(fd, &bound.sa, &octets) < 0) {
        free(s);
        return -errno;
    }
    int error = uv_poll_init(udp->loop, &s->poll, fd);
    if (error < 0) {
        free(s);
        return error;
    }
    s->udp = udp;
    s->fd = fd;
    s->lane = lane;
    s->wildcard = pktinfo_is_needed(&bound.sa);
    s->poll.data = s;
    s->next = udp->sockets;
    udp->sockets = s;
    return uv_poll_start(&s->poll, UV_READABLE, udp_readable);
}

static void udp_closed(uv_handle_t *handle)
{
    struct udp_socket *s = handle->data;
    struct udp *udp = s->udp;
    struct udp_socket **at = &udp->sockets;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    free(s);
    if (udp->sockets == NULL)
        free(udp);
}

void udp_close(struct udp *udp)
{
    if (udp->sockets == NULL) {
        free(udp);
        return;
    }
    for (struct udp_socket *s = udp->sockets; s != NULL; s = s->next)
        uv_close((uv_handle_t *)&s->poll, udp_closed);
}
