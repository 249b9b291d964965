/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bgp_peer.h"

#include "announce/bgp_read.h"
#include "announce/bgp_socket.h"
#include "announce/next_hop.h"
#include "base/log.h"
#include "base/secret.h"
#include "heritage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define IN_OCTETS    (2 * BGP_MESSAGE_OCTETS)
#define OUT_OCTETS   65536
#define LINGER_MS    500 /* for the peer to read our last words */
#define CONNECTIONS  2   /* one in use, one that lingers */
#define ERROR_OCTETS 512

enum connection_state {
    CONNECTION_UNUSED,
    CONNECTION_IN_USE,
    CONNECTION_LINGERING, /* writes what is left, then waits for the peer to close */
    CONNECTION_CLOSING,   /* until libuv has let go of the handle */
};

struct connection {
    struct bgp_peer *peer;
    enum connection_state state;
    bool writing;
    bool shut;
    uv_tcp_t tcp;
    uv_timer_t linger;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    size_t in_octets;
    size_t out_octets;    /* waiting */
    size_t flying_octets; /* being written */
    uint8_t in[IN_OCTETS];
    uint8_t out[OUT_OCTETS];
    uint8_t flying[OUT_OCTETS];
};

struct bgp_peer {
    uv_loop_t *loop;
    struct bgp_peer_settings settings;
    struct bgp_peer_callbacks callbacks;
    void *arg;
    struct bgp_session session;
    struct bgp_demand demand;
    union settings_address remote; /* of the latest attempt */
    union settings_address local;  /* of the connection; family 0: none */
    struct connection connections[CONNECTIONS];
    struct connection *current; /* NULL: none in use */
    uv_timer_t timer;           /* the earliest of the session's deadlines */
    unsigned open_handles;
    bool stopping;
    void (*gone)(void *arg);
    void *gone_arg;
    char last_error[ERROR_OCTETS];
    struct mono last_error_at;
    bool error_is_said; /* in the log, since the session was last established */
    uint64_t messages_in;
    uint64_t messages_out;
    uint64_t updates_in;
    uint64_t established_count;
};

static void peer_step(struct bgp_peer *peer, struct bgp_event *event);

/* Keeps what went wrong for the status, and tells the log unless it is the same trouble again. */
__attribute__((format(printf, 2, 3))) static void peer_note_error(struct bgp_peer *peer, const char *format,
                                                                  ...)
{
    char text[ERROR_OCTETS];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!peer->error_is_said || strcmp(text, peer->last_error) != 0)
        log_warn("neighbor %s: %s", peer->settings.text, text);
    peer->error_is_said = true;
    memcpy(peer->last_error, text, sizeof text);
    peer->last_error_at = mono_now();
}

/* --- closing ---------------------------------------------------------------------------------------------
 */

static void peer_handle_closed(struct bgp_peer *peer)
{
    if (--peer->open_handles > 0)
        return;
    void (*gone)(void *arg) = peer->gone;
    void *arg = peer->gone_arg;
    secret_free(peer, sizeof *peer);
    if (gone != NULL)
        gone(arg);
}

/* Once everything that hangs on the connections is over, a stopped peer's own timers can go. */
static void peer_finish_stop(struct bgp_peer *peer);

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    struct bgp_peer *peer = c->peer;
    c->state = CONNECTION_UNUSED;
    if (peer->stopping)
        peer_finish_stop(peer);
    peer_handle_closed(peer);
}

static void connection_close(struct connection *c)
{
    if (c->state == CONNECTION_CLOSING || c->state == CONNECTION_UNUSED)
        return;
    c->state = CONNECTION_CLOSING;
    uv_timer_stop(&c->linger);
    uv_close((uv_handle_t *)&c->tcp, on_connection_closed);
}

static void on_linger_over(uv_timer_t *timer)
{
    connection_close(timer->data);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    if (status != 0)
        connection_close(request->data);
}

/* Half-closes when all is written. The other half stays open until the peer closes, because closing over
 * unread bytes would send a reset that may overtake our last words. */
static void connection_shut_when_written(struct connection *c)
{
    if (c->state != CONNECTION_LINGERING || c->writing || c->shut)
        return;
    c->shut = true;
    c->shutdown.data = c;
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) != 0)
        connection_close(c);
}

static void on_peer_handle_closed(uv_handle_t *handle)
{
    peer_handle_closed(handle->data);
}

static void on_linger_handle_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    peer_handle_closed(c->peer);
}

static void peer_finish_stop(struct bgp_peer *peer)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (peer->connections[i].state != CONNECTION_UNUSED)
            return;
    if (uv_is_closing((uv_handle_t *)&peer->timer))
        return;
    for (size_t i = 0; i < CONNECTIONS; i++)
        uv_close((uv_handle_t *)&peer->connections[i].linger, on_linger_handle_closed);
    uv_close((uv_handle_t *)&peer->timer, on_peer_handle_closed);
}

/* --- writing ---------------------------------------------------------------------------------------------
 */

static void on_written(uv_write_t *request, int status);

static void connection_write_more(struct connection *c)
{
    if (c->writing || c->out_octets == 0)
        return;
    memcpy(c->flying, c->out, c->out_octets);
    c->flying_octets = c->out_octets;
    c->out_octets = 0;
    uv_buf_t buffer = uv_buf_init((char *)c->flying, (unsigned)c->flying_octets);
    c->write.data = c;
    /* What uv_write() refuses at once is a dead connection: reading from it will say so. */
    c->writing = uv_write(&c->write, (uv_stream_t *)&c->tcp, &buffer, 1, on_written) == 0;
}

static void on_written(uv_write_t *request, int status)
{
    struct connection *c = request->data;
    struct bgp_peer *peer = c->peer;
    c->writing = false;
    if (status != 0 || c->state == CONNECTION_CLOSING)
        return;
    connection_write_more(c);
    connection_shut_when_written(c);
    if (c != peer->current)
        return;
    struct bgp_event event = {.kind = BGP_EVENT_SENT};
    peer_step(peer, &event);
    if (peer->session.state == BGP_ESTABLISHED && !peer->stopping)
        peer->callbacks.sent(peer->arg);
}

static bool connection_put(struct connection *c, const uint8_t *bytes, size_t octets)
{
    if (octets > OUT_OCTETS - c->out_octets)
        return false;
    memcpy(c->out + c->out_octets, bytes, octets);
    c->out_octets += octets;
    c->peer->messages_out++;
    connection_write_more(c);
    return true;
}

static void peer_send(struct bgp_peer *peer, const struct writer *message)
{
    if (peer->current != NULL && !message->failed)
        (void)connection_put(peer->current, message->start, writer_offset(message));
}

static void peer_send_open(struct bgp_peer *peer)
{
    uint8_t bytes[BGP_MESSAGE_OCTETS];
    struct writer to = writer_to(bytes, sizeof bytes);
    struct bgp_open open = {
        .as = peer->settings.local_as,
        .hold_time_s = peer->session.hold_time_s,
        .identifier = peer->demand.identifier,
        .families = peer->demand.families,
        .four_octet_as = true,
        .route_refresh = true,
        .ipv4_over_ipv6 = peer->local.sa.sa_family == AF_INET6,
        .role = peer->settings.role,
    };
    bgp_write_open(&to, &open);
    peer_send(peer, &to);
}

static void peer_send_keepalive(struct bgp_peer *peer)
{
    uint8_t bytes[BGP_HEADER_OCTETS];
    struct writer to = writer_to(bytes, sizeof bytes);
    bgp_write_keepalive(&to);
    peer_send(peer, &to);
}

static void peer_send_notification(struct bgp_peer *peer, const struct bgp_error *error)
{
    uint8_t bytes[BGP_MESSAGE_OCTETS];
    char text[ERROR_OCTETS];
    struct writer to = writer_to(bytes, sizeof bytes);
    bgp_write_notification(&to, error);
    peer_send(peer, &to);
    (void)bgp_error_to_text(error, text, sizeof text);
    if (error->code == BGP_ERROR_CEASE) /* as we were told: nothing went wrong */
        log_info("neighbor %s: closed by us: %s", peer->settings.text, text);
    else
        peer_note_error(peer, "closed by us: %s", text);
}

/* --- reading ---------------------------------------------------------------------------------------------
 */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    struct connection *c = handle->data;
    *buffer = uv_buf_init((char *)c->in + c->in_octets, (unsigned)(sizeof c->in - c->in_octets));
}

static void peer_take_message(struct bgp_peer *peer, enum bgp_read_result result,
                              const struct bgp_message *message)
{
    struct bgp_error error = {0};
    char text[ERROR_OCTETS];
    struct bgp_event event = bgp_fsm_event_of(result, message, &peer->demand, &error);
    peer->messages_in += result == BGP_READ_MESSAGE;
    peer->updates_in += event.kind == BGP_EVENT_UPDATE;
    if (event.kind == BGP_EVENT_NOTIFICATION)
        peer_note_error(peer, "closed by the neighbor: %s",
                        bgp_error_to_text(event.error, text, sizeof text));
    peer_step(peer, &event);
    if (event.kind == BGP_EVENT_ROUTE_REFRESH && peer->session.state == BGP_ESTABLISHED &&
        message->refresh != 0 && !peer->stopping)
        peer->callbacks.refresh(peer->arg, message->refresh);
}

/* Steps through whole messages while the connection is the one in use: what is wrong ends it. */
static void connection_take_messages(struct connection *c)
{
    struct bgp_peer *peer = c->peer;
    size_t at = 0;
    while (c == peer->current) {
        struct bgp_message message;
        enum bgp_read_result result = bgp_read(c->in + at, c->in_octets - at, &message);
        if (result == BGP_READ_MORE)
            break;
        at += result == BGP_READ_MESSAGE ? message.octets : 0;
        peer_take_message(peer, result, &message);
    }
    c->in_octets -= at;
    memmove(c->in, c->in + at, c->in_octets);
}

static void on_read(uv_stream_t *stream, ssize_t octets, const uv_buf_t *buffer)
{
    (void)buffer;
    struct connection *c = stream->data;
    struct bgp_peer *peer = c->peer;
    if (c->state == CONNECTION_LINGERING) {
        c->in_octets = 0; /* nothing that still comes is of interest but the end */
        if (octets < 0)
            connection_close(c);
        return;
    }
    if (c != peer->current || octets == 0)
        return;
    if (octets < 0) {
        struct bgp_event event = {.kind = BGP_EVENT_CONNECTION_FAILED};
        peer_note_error(peer, "connection lost: %s",
                        octets == UV_EOF ? "closed by the neighbor" : uv_strerror((int)octets));
        peer_step(peer, &event);
        return;
    }
    c->in_octets += (size_t)octets;
    connection_take_messages(c);
}

/* --- connecting ------------------------------------------------------------------------------------------
 */

static void peer_connection_failed(struct bgp_peer *peer, const char *what, const char *why)
{
    struct bgp_event event = {.kind = BGP_EVENT_CONNECTION_FAILED};
    peer_note_error(peer, "can't connect: %s: %s", what, why);
    peer_step(peer, &event);
}

/* An identifier needs to be an IPv4 address only in form, but one that people recognise is better. */
static uint32_t peer_identifier(const struct bgp_peer *peer)
{
    if (peer->settings.router_id != 0)
        return ntohl(peer->settings.router_id);
    struct next_hops hops = next_hops_find(&peer->local, NULL, 0);
    uint32_t id = 0;
    if (peer->local.sa.sa_family == AF_INET)
        id = peer->local.in4.sin_addr.s_addr;
    else if (hops.ipv4.family == AF_INET)
        memcpy(&id, hops.ipv4.octets, sizeof id);
    return ntohl(id != 0 ? id : peer->settings.spare_id);
}

static void on_connect(uv_connect_t *request, int status)
{
    struct connection *c = request->data;
    struct bgp_peer *peer = c->peer;
    if (c != peer->current)
        return; /* given up in the meantime */
    if (status == 0)
        status = uv_read_start((uv_stream_t *)&c->tcp, on_room, on_read);
    if (status != 0) {
        peer_connection_failed(peer, "TCP", uv_strerror(status));
        return;
    }
    int octets = sizeof peer->local;
    if (uv_tcp_getsockname(&c->tcp, &peer->local.sa, &octets) != 0)
        peer->local = (union settings_address){0};
    peer->demand.identifier = peer_identifier(peer);
    struct bgp_event event = {.kind = BGP_EVENT_CONNECTED};
    peer_step(peer, &event);
}

static struct connection *peer_unused_connection(struct bgp_peer *peer)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (peer->connections[i].state == CONNECTION_UNUSED)
            return &peer->connections[i];
    return NULL;
}

/* Takes a connection into use with its handle open. From here on it has to be closed, not just forgotten. */
static struct connection *peer_take_connection(struct bgp_peer *peer)
{
    struct connection *c = peer_unused_connection(peer);
    if (c == NULL || uv_tcp_init(peer->loop, &c->tcp) != 0)
        return NULL;
    peer->open_handles++;
    c->tcp.data = c;
    c->state = CONNECTION_IN_USE;
    c->writing = c->shut = false;
    c->in_octets = c->out_octets = c->flying_octets = 0;
    peer->current = c;
    return c;
}

static void peer_connect(struct bgp_peer *peer)
{
    const char *failed = "uv_tcp_open";
    peer->remote = peer->settings.address;
    if (peer->settings.gateway && !gateway_find(peer->settings.port, &peer->remote)) {
        peer_connection_failed(peer, "gateway", "there is no default route");
        return;
    }
    struct connection *c = peer_take_connection(peer);
    if (c == NULL) {
        peer_connection_failed(peer, "socket", "the last connections are still closing");
        return;
    }
    int fd = bgp_socket_open(&peer->settings, &peer->remote, &failed);
    if (fd < 0) {
        peer_connection_failed(peer, failed, strerror(-fd));
        return;
    }
    int error = uv_tcp_open(&c->tcp, fd);
    if (error != 0)
        close(fd);
    c->connect.data = c;
    if (error == 0)
        error = uv_tcp_connect(&c->connect, &c->tcp, &peer->remote.sa, on_connect);
    if (error != 0)
        peer_connection_failed(peer, failed, uv_strerror(error));
}

/* --- the state machine's wishes ---------------------------------------------------------------------------
 */

/* Lets go of the connection: at once, or in a moment when last words are on the way. */
static void peer_disconnect(struct bgp_peer *peer, bool after_last_words)
{
    struct connection *c = peer->current;
    if (c == NULL)
        return;
    peer->current = NULL;
    peer->local = (union settings_address){0};
    if (!after_last_words) {
        connection_close(c);
        return;
    }
    c->state = CONNECTION_LINGERING;
    uv_timer_start(&c->linger, on_linger_over, LINGER_MS, 0);
    connection_shut_when_written(c);
}

static void peer_perform(struct bgp_peer *peer, const struct bgp_actions *actions)
{
    if (actions->send_open)
        peer_send_open(peer);
    if (actions->send_keepalive)
        peer_send_keepalive(peer);
    if (actions->send_notification)
        peer_send_notification(peer, &actions->error);
    if (actions->close)
        peer_disconnect(peer, actions->send_notification);
    if (peer->stopping)
        return;
    if (actions->up) {
        peer->established_count++;
        peer->error_is_said = false;
        log_info("neighbor %s: established (AS %" PRIu32 ", hold time %u s)", peer->settings.text,
                 peer->session.peer.as, peer->session.agreed_hold_s);
        peer->callbacks.up(peer->arg);
    }
    if (actions->down)
        peer->callbacks.down(peer->arg);
    if (actions->connect)
        peer_connect(peer);
}

static void on_timer(uv_timer_t *timer);

static void peer_arm_timer(struct bgp_peer *peer, struct mono now)
{
    struct mono deadline = bgp_fsm_deadline(&peer->session);
    if (deadline.ns == 0 || peer->stopping) {
        uv_timer_stop(&peer->timer);
        return;
    }
    /* Rounded up: a timer that fires before the deadline would only be set again. */
    int64_t ms = mono_ms_between(now, deadline) + 1;
    uv_update_time(peer->loop);
    uv_timer_start(&peer->timer, on_timer, ms > 0 ? (uint64_t)ms : 0, 0);
}

static void peer_step(struct bgp_peer *peer, struct bgp_event *event)
{
    enum bgp_state before = peer->session.state;
    struct mono now = mono_now();
    event->random = randombytes_random();
    struct bgp_actions actions = bgp_fsm_step(&peer->session, event, now);
    peer_perform(peer, &actions);
    peer_arm_timer(peer, now);
    if (peer->session.state != before && !peer->stopping)
        peer->callbacks.changed(peer->arg);
}

static void on_timer(uv_timer_t *timer)
{
    struct bgp_peer *peer = timer->data;
    struct bgp_event event = {0};
    if (bgp_fsm_expired(&peer->session, mono_now(), &event.kind)) {
        if (event.kind == BGP_EVENT_CONNECT_RETRY && peer->session.state == BGP_CONNECT)
            peer_note_error(peer, "can't connect: no answer");
        peer_step(peer, &event);
    } else {
        peer_arm_timer(peer, mono_now());
    }
}

/* --- the session handed on to another program
 * ----------------------------------------------------------------
 */

/* What was agreed, as far as it can't be asked for again. */
static json_t *session_to_json(const struct bgp_session *s)
{
    return json_pack("{s:i, s:I, s:i, s:I, s:i, s:b, s:b, s:b, s:i, s:I, s:I, s:I}", "hold_s",
                     (int)s->agreed_hold_s, "as", (json_int_t)s->peer.as, "peer_hold_s",
                     (int)s->peer.hold_time_s, "identifier", (json_int_t)s->peer.identifier, "families",
                     (int)s->peer.families, "four_octet_as", (int)s->peer.four_octet_as, "route_refresh",
                     (int)s->peer.route_refresh, "ipv4_over_ipv6", (int)s->peer.ipv4_over_ipv6, "role",
                     (int)s->peer.role, "since_ns", (json_int_t)s->since.ns, "hold_at_ns",
                     (json_int_t)s->hold_at.ns, "keepalive_at_ns", (json_int_t)s->keepalive_at.ns);
}

static int64_t number_in(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* The state that these agree to be in. */
static void session_from_json(struct bgp_session *s, const json_t *from)
{
    s->state = BGP_ESTABLISHED;
    s->open_checked = true;
    s->agreed_hold_s = (uint16_t)number_in(from, "hold_s");
    s->peer = (struct bgp_open){
        .as = (uint32_t)number_in(from, "as"),
        .hold_time_s = (uint16_t)number_in(from, "peer_hold_s"),
        .identifier = (uint32_t)number_in(from, "identifier"),
        .families = (uint8_t)number_in(from, "families"),
        .four_octet_as = json_is_true(json_object_get(from, "four_octet_as")),
        .route_refresh = json_is_true(json_object_get(from, "route_refresh")),
        .ipv4_over_ipv6 = json_is_true(json_object_get(from, "ipv4_over_ipv6")),
        .role = (enum settings_role)number_in(from, "role"),
    };
    s->since.ns = number_in(from, "since_ns");
    s->hold_at.ns = number_in(from, "hold_at_ns");
    s->keepalive_at.ns = number_in(from, "keepalive_at_ns");
}

json_t *bgp_peer_hand_over(const struct bgp_peer *peer, int *fds, size_t *count)
{
    uv_os_fd_t fd;
    if (peer->session.state != BGP_ESTABLISHED || peer->current == NULL)
        return json_null();
    if (!bgp_peer_is_flushed(peer) || uv_fileno((const uv_handle_t *)&peer->current->tcp, &fd) != 0)
        return NULL;
    json_t *left = json_pack("{s:s, s:I, s:I, s:i, s:i, s:I, s:o, s:o, s:o, s:o}", "neighbor",
                             peer->settings.text, "local_as", (json_int_t)peer->settings.local_as,
                             "remote_as", (json_int_t)peer->settings.remote_as, "hold_time_s",
                             (int)peer->settings.hold_time_s, "fd", (int)fd, "our_identifier",
                             (json_int_t)peer->demand.identifier, "session", session_to_json(&peer->session),
                             "in", heritage_octets(peer->current->in, peer->current->in_octets), "in_octets",
                             json_integer((json_int_t)peer->current->in_octets), "remote",
                             heritage_octets(&peer->remote, sizeof peer->remote));
    if (left != NULL)
        fds[(*count)++] = (int)fd;
    return left;
}

static bool peer_is_heir(const struct bgp_peer *peer, const json_t *heritage)
{
    const char *text = json_string_value(json_object_get(heritage, "neighbor"));
    return text != NULL && strcmp(text, peer->settings.text) == 0 &&
           number_in(heritage, "local_as") == peer->settings.local_as &&
           number_in(heritage, "remote_as") == peer->settings.remote_as &&
           number_in(heritage, "hold_time_s") == peer->settings.hold_time_s;
}

/* The connection with what had come of the next message. False when it isn't usable; it is closed then. */
static bool peer_take_over_connection(struct bgp_peer *peer, const json_t *heritage, int fd)
{
    struct connection *c = peer_take_connection(peer);
    int octets = sizeof peer->local;
    int64_t in_octets = number_in(heritage, "in_octets");
    if (c == NULL) {
        close(fd);
        return false;
    }
    if (uv_tcp_open(&c->tcp, fd) != 0) {
        close(fd);
        peer_disconnect(peer, false);
        return false;
    }
    bool whole = in_octets >= 0 && in_octets <= (int64_t)sizeof c->in &&
                 heritage_octets_get(heritage, "in", c->in, (size_t)in_octets) &&
                 heritage_octets_get(heritage, "remote", &peer->remote, sizeof peer->remote) &&
                 uv_tcp_getsockname(&c->tcp, &peer->local.sa, &octets) == 0 &&
                 uv_read_start((uv_stream_t *)&c->tcp, on_room, on_read) == 0;
    if (!whole) {
        peer_disconnect(peer, false);
        return false;
    }
    c->in_octets = (size_t)in_octets;
    return true;
}

bool bgp_peer_take_over(struct bgp_peer *peer, const json_t *heritage)
{
    if (!peer_is_heir(peer, heritage))
        return false;
    int fd = heritage_fd(heritage, "fd");
    if (fd < 0 || !peer_take_over_connection(peer, heritage, fd))
        return false;
    session_from_json(&peer->session, json_object_get(heritage, "session"));
    peer->demand.identifier = (uint32_t)number_in(heritage, "our_identifier");
    peer->established_count = 1;
    log_info("neighbor %s: the session goes on", peer->settings.text);
    /* A keepalive now, since nobody could send any while we were changing. */
    peer_send_keepalive(peer);
    peer_arm_timer(peer, mono_now());
    return true;
}

/* --- for the announcer ------------------------------------------------------------------------------------
 */

struct bgp_peer_settings bgp_peer_settings_of(const struct settings_announce *announce,
                                              const struct settings_neighbor *neighbor, const char *identity)
{
    struct bgp_peer_settings s = {0};
    (void)snprintf(s.text, sizeof s.text, "%s", neighbor->text);
    if (!neighbor->gateway)
        s.address = neighbor->address;
    s.gateway = neighbor->gateway;
    s.port = neighbor->port;
    s.remote_as = neighbor->remote_as;
    s.local_as = announce->local_as;
    s.router_id = announce->router_id;
    s.hold_time_s = neighbor->hold_time_s;
    s.local_address = neighbor->local_address;
    if (neighbor->md5_password != NULL)
        (void)snprintf(s.md5_password, sizeof s.md5_password, "%s", neighbor->md5_password);
    s.ttl_security = neighbor->ttl_security;
    s.role = neighbor->role;
    crypto_generichash((uint8_t *)&s.spare_id, sizeof s.spare_id, (const uint8_t *)identity, strlen(identity),
                       NULL, 0);
    s.spare_id |= htonl(1); /* zero is no identifier */
    return s;
}

static bool address_equal(const union settings_address *a, const union settings_address *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET)
        return a->in4.sin_port == b->in4.sin_port && a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
    return a->sa.sa_family != AF_INET6 ||
           (a->in6.sin6_port == b->in6.sin6_port && a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
            IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr));
}

bool bgp_peer_settings_equal(const struct bgp_peer_settings *a, const struct bgp_peer_settings *b)
{
    return strcmp(a->text, b->text) == 0 && address_equal(&a->address, &b->address) &&
           address_equal(&a->local_address, &b->local_address) && a->gateway == b->gateway &&
           a->port == b->port && a->remote_as == b->remote_as && a->local_as == b->local_as &&
           a->router_id == b->router_id && a->spare_id == b->spare_id && a->hold_time_s == b->hold_time_s &&
           strcmp(a->md5_password, b->md5_password) == 0 && a->ttl_security == b->ttl_security &&
           a->role == b->role;
}

struct bgp_peer *bgp_peer_new(uv_loop_t *loop, const struct bgp_peer_settings *settings,
                              const struct bgp_peer_callbacks *callbacks, void *arg)
{
    struct bgp_peer *peer = secret_new(sizeof *peer);
    if (peer == NULL)
        return NULL;
    peer->loop = loop;
    peer->callbacks = *callbacks;
    peer->arg = arg;
    memcpy(&peer->settings, settings, sizeof peer->settings);
    peer->demand =
        (struct bgp_demand){settings->local_as, settings->remote_as, 0, BGP_IPV4 | BGP_IPV6, settings->role};
    bgp_fsm_init(&peer->session, settings->hold_time_s, mono_now());
    uv_timer_init(loop, &peer->timer);
    peer->timer.data = peer;
    peer->open_handles = 1;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        peer->connections[i].peer = peer;
        uv_timer_init(loop, &peer->connections[i].linger);
        peer->connections[i].linger.data = &peer->connections[i];
        peer->open_handles++;
    }
    return peer;
}

void bgp_peer_start(struct bgp_peer *peer)
{
    struct bgp_event event = {.kind = BGP_EVENT_START};
    peer_step(peer, &event);
}

void bgp_peer_stop(struct bgp_peer *peer, const struct bgp_error *cease, void (*gone)(void *arg), void *arg)
{
    struct bgp_event event = {.kind = BGP_EVENT_STOP, .error = cease};
    peer->stopping = true;
    peer->gone = gone;
    peer->gone_arg = arg;
    peer_step(peer, &event);
    peer_finish_stop(peer);
}

void bgp_peer_reset(struct bgp_peer *peer, const struct bgp_error *cease)
{
    struct bgp_event stop = {.kind = BGP_EVENT_STOP, .error = cease};
    struct bgp_event start = {.kind = BGP_EVENT_START};
    peer_step(peer, &stop);
    peer_step(peer, &start);
}

void bgp_peer_bfd_down(struct bgp_peer *peer, const char *why)
{
    struct bgp_event event = {.kind = BGP_EVENT_BFD_DOWN};
    peer_note_error(peer, "BFD: %s", why);
    peer_step(peer, &event);
}

void bgp_peer_hurry(struct bgp_peer *peer)
{
    struct bgp_event start = {.kind = BGP_EVENT_START};
    struct bgp_event retry = {.kind = BGP_EVENT_CONNECT_RETRY};
    if (peer->session.idle_until.ns != 0)
        peer_step(peer, &start);
    else if (peer->session.state == BGP_ACTIVE)
        peer_step(peer, &retry);
}

bool bgp_peer_write(struct bgp_peer *peer, const uint8_t *bytes, size_t octets)
{
    if (peer->session.state != BGP_ESTABLISHED || peer->current == NULL)
        return false;
    return connection_put(peer->current, bytes, octets);
}

bool bgp_peer_is_flushed(const struct bgp_peer *peer)
{
    return peer->current == NULL || (!peer->current->writing && peer->current->out_octets == 0);
}

bool bgp_peer_is_acknowledged(const struct bgp_peer *peer)
{
    uv_os_fd_t fd;
    int waiting = 0;
    if (peer->current == NULL)
        return true;
    return bgp_peer_is_flushed(peer) && uv_fileno((const uv_handle_t *)&peer->current->tcp, &fd) == 0 &&
           ioctl(fd, SIOCOUTQ, &waiting) == 0 && waiting == 0;
}

const struct bgp_session *bgp_peer_session(const struct bgp_peer *peer)
{
    return &peer->session;
}

const struct bgp_peer_settings *bgp_peer_settings(const struct bgp_peer *peer)
{
    return &peer->settings;
}

const union settings_address *bgp_peer_local(const struct bgp_peer *peer)
{
    return &peer->local;
}

const union settings_address *bgp_peer_remote(const struct bgp_peer *peer)
{
    return &peer->remote;
}

static void address_to_text(const union settings_address *address, char *text, size_t size)
{
    const void *octets = address->sa.sa_family == AF_INET ? (const void *)&address->in4.sin_addr
                                                          : (const void *)&address->in6.sin6_addr;
    text[0] = '\0';
    if (address->sa.sa_family != 0)
        (void)inet_ntop(address->sa.sa_family, octets, text, (socklen_t)size);
}

json_t *bgp_peer_status(const struct bgp_peer *peer, struct mono now)
{
    const struct bgp_session *s = &peer->session;
    char remote[INET6_ADDRSTRLEN];
    char local[INET6_ADDRSTRLEN];
    address_to_text(&peer->remote, remote, sizeof remote);
    address_to_text(&peer->local, local, sizeof local);
    json_t *status =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:i, s:I, s:I, s:I, s:I}", "neighbor",
                  peer->settings.text, "address", remote, "local_address", local, "remote_as",
                  (json_int_t)peer->settings.remote_as, "local_as", (json_int_t)peer->settings.local_as,
                  "session", bgp_state_name(s->state), "since_ms", (json_int_t)mono_ms_between(s->since, now),
                  "hold_time_s", s->open_checked ? s->agreed_hold_s : s->hold_time_s, "messages_in",
                  (json_int_t)peer->messages_in, "messages_out", (json_int_t)peer->messages_out, "updates_in",
                  (json_int_t)peer->updates_in, "established", (json_int_t)peer->established_count);
    if (status != NULL && peer->last_error[0] != '\0') {
        json_object_set_new(status, "last_error", json_string(peer->last_error));
        json_object_set_new(status, "last_error_ms",
                            json_integer((json_int_t)mono_ms_between(peer->last_error_at, now)));
    }
    return status;
}
