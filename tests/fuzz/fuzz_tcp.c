/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The bytes of a TCP stream, cut in any way and answered to a peer that takes the answers when it likes. Each
 * step is an octet that says how many octets arrive and whether the peer reads, and then those octets. What
 * comes out must be the answers to the messages that went in, framed and in order, however all that was cut.
 */
#include "../unit/support/zones.h"
#include "answer/context.h"
#include "base/flight.h"
#include "net/tcp_connection.h"
#include "zone/set.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#define STEP_OCTETS  0x3f /* how many arrive */
#define STEP_MANY    0x40 /* sixteen times as many */
#define STEP_READS   0x80 /* the peer takes what is there */
#define OUT_OCTETS   (32 * 1024 * 1024)
#define TURNS_MOST   100000
#define SOCKET_ROOM  4608 /* little, so that answers have to wait */
#define STREAM_MOST  65536
#define ANSWERS_MOST 8192

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets);

static struct worker_stats stats;
static struct answer_context context = {.stats = &stats};
static struct flight flight;
static struct tcp_shared shared = {.context = &context, .flight = &flight};
static uint8_t out[OUT_OCTETS];
static size_t out_octets;
static uint8_t in[STREAM_MOST];
static size_t in_octets;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct zone_image *image;
    const struct answer_policy policy = {.identity = "fuzz", .identity_octets = 4, .udp_octets = 1232};
    if (sodium_init() < 0)
        abort();
    image = zones_compile_file("example.", "example.zone");
    zones_publish(&image, 1);
    if (answer_policy_publish(&policy) < 0)
        abort();
    urcu_qsbr_register_thread();
    return 0;
}

static void peer_reads(int peer)
{
    ssize_t got = 1;
    while (got > 0 && out_octets < OUT_OCTETS) {
        got = recv(peer, out + out_octets, OUT_OCTETS - out_octets, MSG_DONTWAIT);
        out_octets += got > 0 ? (size_t)got : 0;
    }
}

/* False when the connection is over. */
static bool turn(struct tcp_connection *c)
{
    enum tcp_state state;
    int events;
    tcp_connection_turn(c);
    urcu_qsbr_quiescent_state();
    if (shared.staged != 0)
        abort();
    return tcp_connection_next(c, &state, &events);
}

/* One step; false when the connection is over. */
static bool step(struct tcp_connection *c, int peer, struct reader *data)
{
    uint8_t how = reader_u8(data);
    size_t octets = (size_t)(how & STEP_OCTETS) * ((how & STEP_MANY) != 0 ? 16 : 1);
    if (octets > reader_left(data))
        octets = reader_left(data);
    const uint8_t *bytes = reader_bytes(data, octets);
    if (octets > 0 && in_octets + octets <= STREAM_MOST) {
        ssize_t sent = send(peer, bytes, octets, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            memcpy(in + in_octets, bytes, (size_t)sent);
            in_octets += (size_t)sent;
        }
    }
    if ((how & STEP_READS) != 0)
        peer_reads(peer);
    return turn(c);
}

/* Lengths of the answers to what went in, told one by one. */
static size_t expect(size_t lengths[ANSWERS_MOST])
{
    static uint8_t response[TCP_FRAME_MESSAGE_OCTETS];
    struct reader stream = reader_of(in, in_octets);
    struct tcp_frame frame;
    size_t count = 0;
    while (count < ANSWERS_MOST && tcp_frame_next(&stream, &frame) == TCP_FRAME_MESSAGE) {
        struct sockaddr_in client = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        struct answer_message m = {.query = frame.message,
                                   .query_octets = frame.octets,
                                   .client = (struct sockaddr *)&client,
                                   .response = response,
                                   .response_capacity = sizeof response};
        answer_batch(&context, ANSWER_TCP, &m, 1);
        if (m.response_octets > 0)
            lengths[count++] = m.response_octets;
        size_t more = 1;
        while (m.stream != NULL && count < ANSWERS_MOST && more > 0) {
            more = answer_stream_next(m.stream, response, sizeof response);
            if (more > 0)
                lengths[count++] = more;
        }
        if (m.stream != NULL)
            answer_stream_close(m.stream);
    }
    return count;
}

/* `whole`: the connection ended in good order, so that nothing may be missing. */
static void judge(bool whole)
{
    static size_t lengths[ANSWERS_MOST];
    size_t count = expect(lengths);
    struct reader stream = reader_of(out, out_octets);
    size_t seen = 0;
    while (reader_left(&stream) > 0 && seen < count) {
        uint16_t octets = reader_u16(&stream);
        const uint8_t *answer = reader_bytes(&stream, octets);
        if (answer == NULL && !whole)
            return;
        if (answer == NULL || octets != lengths[seen] || (answer[2] & 0x80) == 0)
            abort();
        seen++;
    }
    if (reader_left(&stream) > 0 || (whole && seen != count))
        abort();
}

static void talk(struct tcp_connection *c, int peer, struct reader data)
{
    bool open = true;
    while (open && reader_left(&data) > 0)
        open = step(c, peer, &data);
    (void)shutdown(peer, SHUT_WR);
    for (int turns = 0; open; turns++) {
        peer_reads(peer);
        open = turn(c);
        if (turns > TURNS_MOST)
            abort();
    }
    peer_reads(peer);
    judge(!c->broken);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
    struct tcp_connection c = {.shared = &shared};
    const int room = SOCKET_ROOM;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
        abort();
    (void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    c.fd = ends[0];
    c.client.in4.sin_family = AF_INET;
    c.client.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in_octets = out_octets = 0;
    talk(&c, ends[1], reader_of(data, octets));
    tcp_connection_release(&c);
    if (shared.kept_octets != 0)
        abort();
    close(ends[0]);
    close(ends[1]);
    return 0;
}
