/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/probe.h"

#include "health/probe_socket.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_OCTETS 4096 /* more than any answer to our questions has */
#define TCP_LENGTH    2

enum ask_state {
    ASK_UNUSED,
    ASK_OPEN,
    ASK_CLOSING, /* until libuv has let go of the handle */
};

/* The questions to one address over one transport. */
struct ask {
    struct probe *probe;
    size_t address;
    enum probe_transport transport;
    bool whole;      /* asks for all zones of the round, else for one of them */
    unsigned worker; /* that is asked, where there are lanes */
    enum ask_state state;
    bool done;
    int fd; /* UDP: ours to close once the handle is */
    union {
        uv_handle_t handle;
        uv_poll_t poll;
        uv_tcp_t tcp;
    };
    uv_connect_t connect;
    uv_write_t write;
    unsigned count;
    unsigned good;
    bool answered[PROBE_ZONES_MOST];
    struct probe_question questions[PROBE_ZONES_MOST];
    unsigned first;       /* the zone of the first question */
    uint64_t refused;     /* zones */
    uint64_t well;        /* zones answered well */
    const char *zone_why; /* of the first of them */
    unsigned zone_bad;    /* its question */
    const char *why;      /* the first that was bad */
    unsigned bad;         /* which */
    uint8_t sent[TCP_LENGTH + PROBE_QUERY_OCTETS];
    uint8_t received[TCP_LENGTH + ANSWER_OCTETS];
    size_t received_octets;
};

struct probe {
    uv_loop_t *loop;
    uv_timer_t timer;
    char identity[256];
    probe_callback callback;
    void *arg;
    union settings_address addresses[SETTINGS_MAX_ADDRESSES];
    size_t address_count;
    size_t ask_count; /* the same number for each address, those over TCP last */
    size_t each;      /* of one address */
    unsigned workers; /* with lanes to them; 0: there are no lanes */
    unsigned row;     /* the worker that the first ask of each address goes to */
    uint64_t rounds;
    unsigned turn; /* which zone the sockets that ask for one begin with */
    struct ask *asks;
    unsigned running; /* asks that aren't done */
    bool is_running;
    bool is_ending; /* all is known, and the sockets are being closed */
    bool asked_twice;
    bool freeing;
    unsigned open_handles;
    uint32_t timeout_ms;
};

union settings_address probe_address_of(const union settings_address *listen)
{
    union settings_address to = *listen;
    if (to.sa.sa_family == AF_INET && to.in4.sin_addr.s_addr == htonl(INADDR_ANY))
        to.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (to.sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&to.in6.sin6_addr))
        to.in6.sin6_addr = in6addr_loopback;
    return to;
}

/* --- the end of asks and rounds ----------------------------------------------------------------------------
 */

static void probe_handle_closed(struct probe *probe)
{
    if (--probe->open_handles > 0 || !probe->freeing)
        return;
    free(probe->asks);
    free(probe);
}

static void probe_report_when_closed(struct probe *probe);

static void on_ask_closed(uv_handle_t *handle)
{
    struct ask *ask = handle->data;
    ask->state = ASK_UNUSED;
    if (ask->fd >= 0)
        close(ask->fd);
    ask->fd = -1;
    probe_report_when_closed(ask->probe);
    probe_handle_closed(ask->probe);
}

static void ask_close(struct ask *ask)
{
    if (ask->state != ASK_OPEN)
        return;
    ask->state = ASK_CLOSING;
    /* A connection that ends in the usual way would keep its port for a minute. */
    if (ask->transport == PROBE_UDP || uv_tcp_close_reset(&ask->tcp, on_ask_closed) != 0)
        uv_close(&ask->handle, on_ask_closed);
}

static bool ask_is_reached(const struct ask *ask)
{
    unsigned answered = 0;
    for (unsigned i = 0; i < ask->count; i++)
        answered += ask->answered[i];
    return ask->why == NULL && ask->count > 0 && answered == ask->count;
}

/* Adds what came of the ask to what came of its address and transport. What is worst gives the reason: no
 * answer of ours before one without the zone's data. `well` are the zones that some ask had a good answer
 * for.
 */
static void ask_join(struct ask *ask, uint64_t well, struct probe_result *result)
{
    bool reached = ask_is_reached(ask);
    bool good = reached && ask->good == ask->count;
    bool tells = !good && (result->why == NULL || (!reached && result->reached));
    while (!reached && ask->why == NULL && ask->bad < ask->count && ask->answered[ask->bad])
        ask->bad++;
    unsigned told = reached ? ask->zone_bad : ask->bad < ask->count ? ask->bad : 0;
    if (tells && reached)
        result->why = ask->zone_why;
    else if (tells)
        result->why = ask->why != NULL ? ask->why : "no answer in time";
    if (tells) {
        memcpy(result->name, ask->questions[told].name, NAME_MAX_OCTETS);
        result->worker = ask->worker;
    }
    if (ask->probe->workers > 0) {
        uint64_t worker = UINT64_C(1) << ask->worker;
        result->workers |= worker;
        result->lost_workers |= reached ? 0 : worker;
        result->wrong_workers |= (ask->refused & well) != 0 ? worker : 0;
    }
    result->asked += ask->count;
    result->answered += ask->good;
    result->good &= good;
    result->reached &= reached;
    result->refused |= ask->probe->workers > 0 ? ask->refused & ~well : ask->refused;
}

/* The round is over once its sockets are gone, so that the next one finds all places free. */
static void probe_report_when_closed(struct probe *probe)
{
    struct probe_result results[SETTINGS_MAX_ADDRESSES * 2];
    if (!probe->is_ending || probe->freeing)
        return;
    for (size_t i = 0; i < probe->ask_count; i++)
        if (probe->asks[i].state != ASK_UNUSED)
            return;
    uint64_t well = 0;
    bool good = true;
    for (size_t i = 0; i < 2 * probe->address_count; i++)
        results[i] = (struct probe_result){.address = i / 2,
                                           .transport = i % 2 == 0 ? PROBE_UDP : PROBE_TCP,
                                           .good = true,
                                           .reached = true,
                                           .steered = probe->workers > 0};
    for (size_t i = 0; i < probe->ask_count; i++)
        well |= probe->asks[i].well;
    for (size_t i = 0; i < probe->ask_count; i++) {
        struct ask *ask = &probe->asks[i];
        struct probe_result *result = &results[2 * ask->address + (ask->transport == PROBE_TCP)];
        ask_join(ask, well, result);
        good &= result->good;
    }
    if (good && probe->workers > 0)
        probe->row = (probe->row + (unsigned)(probe->each / 2)) % probe->workers;
    probe->is_running = probe->is_ending = false;
    probe->callback(probe->arg, results, 2 * probe->address_count);
}

static void probe_finish_round(struct probe *probe)
{
    uv_timer_stop(&probe->timer);
    probe->is_ending = true;
    for (size_t i = 0; i < probe->ask_count; i++)
        ask_close(&probe->asks[i]);
    probe_report_when_closed(probe);
}

static void on_round_timer(uv_timer_t *timer);

/* All that this ask can know is known. */
static void ask_finish(struct ask *ask)
{
    struct probe *probe = ask->probe;
    if (ask->done)
        return;
    ask->done = true;
    ask_close(ask);
    /* The end of the round is the timer's, so that no callback comes from inside probe_round(). */
    if (--probe->running == 0)
        uv_timer_start(&probe->timer, on_round_timer, 0, 0);
}

static void ask_fail(struct ask *ask, const char *why)
{
    if (ask->why == NULL)
        ask->why = why;
    ask_finish(ask);
}

static void ask_note_refusal(struct ask *ask, unsigned i, const char *why)
{
    ask->refused |= UINT64_C(1) << (ask->first + i);
    if (ask->zone_why != NULL)
        return;
    ask->zone_why = why;
    ask->zone_bad = i;
}

/* One message. Over UDP others may still follow; over TCP there is but one. */
static void ask_judge(struct ask *ask, const uint8_t *bytes, size_t octets)
{
    for (unsigned i = 0; i < ask->count; i++) {
        const char *why = NULL;
        if (ask->answered[i])
            continue;
        enum probe_outcome outcome =
            probe_judge_answer(&ask->questions[i], ask->probe->identity, bytes, octets, &why);
        if (outcome == PROBE_IGNORE)
            continue;
        ask->answered[i] = true;
        ask->good += outcome == PROBE_GOOD;
        if (outcome == PROBE_GOOD)
            ask->well |= UINT64_C(1) << (ask->first + i);
        if (outcome == PROBE_REFUSED)
            ask_note_refusal(ask, i, why);
        if (outcome == PROBE_BAD) {
            ask->bad = i;
            ask_fail(ask, why);
        } else if (ask_is_reached(ask)) {
            ask_finish(ask);
        }
        return;
    }
    if (ask->transport == PROBE_TCP)
        ask_fail(ask, "the answer's id isn't ours");
}

static size_t ask_write_query(struct ask *ask, unsigned i, uint8_t *to, size_t size)
{
    struct writer w = writer_to(to, size);
    probe_write_query(&w, &ask->questions[i]);
    return w.failed ? 0 : writer_offset(&w);
}

/* --- UDP
 * ------------------------------------------------------------------------------------------------------ */

static void ask_send_datagrams(struct ask *ask)
{
    for (unsigned i = 0; i < ask->count && !ask->done; i++) {
        if (ask->answered[i])
            continue;
        size_t octets = ask_write_query(ask, i, ask->sent, sizeof ask->sent);
        if (send(ask->fd, ask->sent, octets, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
            ask_fail(ask, probe_socket_error(errno, "can't send to the address"));
    }
}

static void on_datagrams(uv_poll_t *poll, int status, int events)
{
    struct ask *ask = poll->data;
    (void)events;
    /* Bounded: no more than was asked, twice, can be of interest. */
    for (int i = 0; i < 2 * PROBE_ZONES_MOST && !ask->done; i++) {
        ssize_t octets = recv(ask->fd, ask->received, sizeof ask->received, MSG_DONTWAIT);
        if (octets >= 0)
            ask_judge(ask, ask->received, (size_t)octets);
        else if (errno == EAGAIN || errno == EINTR)
            break;
        else
            ask_fail(ask, probe_socket_error(errno, "can't receive from the address"));
    }
    /* An error has stopped the poll. Which one it was, recv() has told, as a rule. */
    if (status < 0 && !ask->done)
        ask_fail(ask, "can't read from the socket");
}

static int ask_socket(const struct ask *ask, int type)
{
    return probe_socket_open(&ask->probe->addresses[ask->address], type, ask->worker, ask->probe->workers);
}

static void ask_start_udp(struct ask *ask)
{
    ask->fd = ask_socket(ask, SOCK_DGRAM);
    int error = errno;
    if (ask->fd < 0 || uv_poll_init(ask->probe->loop, &ask->poll, ask->fd) != 0) {
        if (ask->fd >= 0)
            close(ask->fd);
        ask->fd = -1;
        ask_fail(ask, probe_socket_error(error, "can't open a socket to the address"));
        return;
    }
    ask->state = ASK_OPEN;
    ask->probe->open_handles++;
    ask->poll.data = ask;
    if (uv_poll_start(&ask->poll, UV_READABLE, on_datagrams) != 0)
        ask_fail(ask, "can't watch the socket");
    else
        ask_send_datagrams(ask);
}

/* --- TCP
 * ------------------------------------------------------------------------------------------------------- */

static void on_stream_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct ask *ask = handle->data;
    (void)suggested;
    *buffer = uv_buf_init((char *)ask->received + ask->received_octets,
                          (unsigned)(sizeof ask->received - ask->received_octets));
}

static void on_stream_read(uv_stream_t *stream, ssize_t octets, const uv_buf_t *buffer)
{
    struct ask *ask = stream->data;
    (void)buffer;
    if (octets < 0) {
        ask_fail(ask, octets == UV_EOF ? "closed without an answer" : "the connection was lost");
        return;
    }
    ask->received_octets += (size_t)octets;
    if (ask->received_octets < TCP_LENGTH)
        return;
    size_t length = (size_t)ask->received[0] << 8 | ask->received[1];
    if (length > ANSWER_OCTETS)
        ask_fail(ask, "the answer is far too long");
    else if (ask->received_octets - TCP_LENGTH >= length)
        ask_judge(ask, ask->received + TCP_LENGTH, length);
}

static void on_stream_written(uv_write_t *request, int status)
{
    struct ask *ask = request->data;
    if (status != 0 && status != UV_ECANCELED)
        ask_fail(ask, "can't send on the connection");
}

static void on_stream_connected(uv_connect_t *request, int status)
{
    struct ask *ask = request->data;
    if (status == UV_ECANCELED)
        return;
    if (status != 0) {
        ask_fail(ask, probe_socket_error(-status, "can't connect"));
        return;
    }
    size_t octets = ask_write_query(ask, 0, ask->sent + TCP_LENGTH, sizeof ask->sent - TCP_LENGTH);
    ask->sent[0] = (uint8_t)(octets >> 8);
    ask->sent[1] = (uint8_t)octets;
    uv_buf_t buffer = uv_buf_init((char *)ask->sent, (unsigned)(octets + TCP_LENGTH));
    ask->write.data = ask;
    if (uv_read_start((uv_stream_t *)&ask->tcp, on_stream_room, on_stream_read) != 0 ||
        uv_write(&ask->write, (uv_stream_t *)&ask->tcp, &buffer, 1, on_stream_written) != 0)
        ask_fail(ask, "can't send on the connection");
}

static void ask_start_tcp(struct ask *ask)
{
    if (uv_tcp_init(ask->probe->loop, &ask->tcp) != 0) {
        ask_fail(ask, "can't open a socket to the address");
        return;
    }
    ask->state = ASK_OPEN;
    ask->probe->open_handles++;
    ask->tcp.data = ask;
    ask->connect.data = ask;
    int fd = ask_socket(ask, SOCK_STREAM);
    if (fd < 0 || uv_tcp_open(&ask->tcp, fd) != 0) {
        if (fd >= 0)
            close(fd);
        ask_fail(ask, "can't open a socket to the address");
        return;
    }
    if (uv_tcp_connect(&ask->connect, &ask->tcp, &ask->probe->addresses[ask->address].sa,
                       on_stream_connected) != 0)
        ask_fail(ask, "can't connect");
}

/* --- rounds
 * ----------------------------------------------------------------------------------------------------- */

static void on_round_timer(uv_timer_t *timer)
{
    struct probe *probe = timer->data;
    if (probe->running > 0 && !probe->asked_twice) {
        probe->asked_twice = true;
        uv_timer_start(timer, on_round_timer, probe->timeout_ms - probe->timeout_ms / 2, 0);
        for (size_t i = 0; i < probe->ask_count; i++)
            if (probe->asks[i].transport == PROBE_UDP && !probe->asks[i].done)
                ask_send_datagrams(&probe->asks[i]);
        return;
    }
    probe_finish_round(probe);
}

/* An id that no other question of the ask has. */
static uint16_t ask_new_id(const struct ask *ask)
{
    for (;;) {
        uint16_t id = (uint16_t)randombytes_random();
        unsigned i = 0;
        while (i < ask->count && ask->questions[i].id != id)
            i++;
        if (i == ask->count)
            return id;
    }
}

static void ask_add_question(struct ask *ask, const uint8_t *name)
{
    struct probe_question *question = &ask->questions[ask->count];
    uint16_t id = ask_new_id(ask);
    if (name == NULL) {
        *question = probe_identity_question(id);
    } else {
        question->kind = PROBE_SOA;
        question->id = id;
        memcpy(question->name, name, NAME_MAX_OCTETS);
    }
    ask->answered[ask->count++] = false;
}

/* Which worker it is for, and whether for all zones: with lanes, both in turn. */
static void ask_place(struct ask *ask)
{
    const struct probe *probe = ask->probe;
    size_t at = (size_t)(ask - probe->asks) % probe->each;
    if (probe->workers == 0)
        return;
    ask->worker = (probe->row + (unsigned)(at % (probe->each / 2))) % probe->workers;
    ask->whole = ask->transport == PROBE_UDP && at == probe->rounds % (probe->each / 2);
}

/* TCP asks for the first zone, the whole UDP ask for all, the others for one each in turn. */
static void ask_prepare(struct ask *ask, uint8_t (*names)[NAME_MAX_OCTETS], int count)
{
    ask_place(ask);
    ask->done = false;
    ask->count = ask->good = ask->bad = ask->first = ask->zone_bad = 0;
    ask->received_octets = 0;
    ask->refused = ask->well = 0;
    ask->why = ask->zone_why = NULL;
    if (count == 0) {
        ask_add_question(ask, NULL);
        return;
    }
    if (ask->transport == PROBE_UDP && !ask->whole)
        ask->first = ask->probe->turn++ % (unsigned)count;
    int end = ask->whole ? count : (int)ask->first + 1;
    for (int i = (int)ask->first; i < end; i++)
        ask_add_question(ask, names[i]);
}

static void ask_start(struct ask *ask)
{
    if (ask->transport == PROBE_UDP)
        ask_start_udp(ask);
    else
        ask_start_tcp(ask);
}

void probe_round(struct probe *probe, uint8_t (*names)[NAME_MAX_OCTETS], int count, uint32_t timeout_ms)
{
    if (probe->is_running || probe->freeing)
        return;
    probe->is_running = true;
    probe->asked_twice = false;
    probe->timeout_ms = timeout_ms;
    probe->running = (unsigned)probe->ask_count;
    probe->rounds++;
    uv_update_time(probe->loop);
    uv_timer_start(&probe->timer, on_round_timer, probe->ask_count > 0 ? timeout_ms / 2 : 0, 0);
    for (size_t i = 0; i < probe->ask_count; i++)
        ask_prepare(&probe->asks[i], names, count < PROBE_ZONES_MOST ? count : PROBE_ZONES_MOST);
    for (size_t i = 0; i < probe->ask_count; i++)
        ask_start(&probe->asks[i]);
}

bool probe_is_running(const struct probe *probe)
{
    return probe->is_running;
}

/* Sockets of each address in a round, where there are lanes: two for each worker, or for as many as take a
 * turn.
 */
static size_t probe_lane_sockets(const struct settings_server *server)
{
    size_t workers = server->workers > 0 ? server->workers : 1;
    while (workers > 1 && server->listen_count * 2 * workers > PROBE_ASKS_MOST)
        workers--;
    return 2 * workers;
}

/* And where there are none: over TCP it is one of them. */
static size_t probe_sockets(const struct settings_server *server)
{
    size_t sockets = 1 + (server->workers > 1 ? server->workers : 0);
    while (sockets > 1 && server->listen_count * (sockets + 1) > PROBE_ASKS_MOST)
        sockets--;
    return sockets + 1;
}

struct probe *probe_new(uv_loop_t *loop, const struct settings_server *server, bool lanes,
                        probe_callback callback, void *arg)
{
    struct probe *probe = calloc(1, sizeof *probe);
    size_t each = lanes ? probe_lane_sockets(server) : probe_sockets(server);
    size_t over_udp = lanes ? each / 2 : each - 1;
    struct ask *asks = calloc(server->listen_count * each + 1, sizeof *asks);
    if (probe == NULL || asks == NULL) {
        free(probe);
        free(asks);
        return NULL;
    }
    probe->loop = loop;
    probe->callback = callback;
    probe->arg = arg;
    probe->asks = asks;
    probe->address_count = server->listen_count;
    probe->each = each;
    probe->workers = !lanes ? 0 : server->workers > 0 ? server->workers : 1;
    probe->ask_count = server->listen_count * each;
    (void)snprintf(probe->identity, sizeof probe->identity, "%s", server->identity);
    for (size_t i = 0; i < server->listen_count; i++)
        probe->addresses[i] = probe_address_of(&server->listen[i]);
    for (size_t i = 0; i < probe->ask_count; i++) {
        asks[i].probe = probe;
        asks[i].address = i / each;
        asks[i].transport = i % each < over_udp ? PROBE_UDP : PROBE_TCP;
        asks[i].whole = i % each == 0;
        asks[i].fd = -1;
    }
    uv_timer_init(loop, &probe->timer);
    probe->timer.data = probe;
    probe->open_handles = 1;
    return probe;
}

static void on_probe_timer_closed(uv_handle_t *handle)
{
    probe_handle_closed(handle->data);
}

void probe_free(struct probe *probe)
{
    probe->freeing = true;
    for (size_t i = 0; i < probe->ask_count; i++) {
        probe->asks[i].done = true;
        ask_close(&probe->asks[i]);
    }
    uv_close((uv_handle_t *)&probe->timer, on_probe_timer_closed);
}
