/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/tcp.h"

#include "base/log.h"
#include "net/tcp_connection.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <urcu/urcu-qsbr.h>

/* Connections in one state, the one that has been there longest first: so the first is the first to expire.
 */
struct tcp_list {
    struct tcp_connection *oldest;
    struct tcp_connection *newest;
};

struct tcp_listener {
    uv_poll_t poll;
    struct tcp *tcp;
    struct tcp_listener *next;
    int fd;
    bool lane;
};

struct tcp {
    uv_loop_t *loop;
    uv_timer_t sweep;
    uv_timer_t pause; /* running: out of descriptors, so nothing is accepted */
    struct tcp_listener *listeners;
    struct tcp_list lists[TCP_STATES];
    struct tcp_sources *sources; /* of all workers */
    uint64_t told_ms;            /* when the log said last that something is short */
    unsigned connections;
    unsigned connections_max;
    unsigned handles; /* that libuv hasn't closed yet */
    struct tcp_shared shared;
};

static void tcp_acceptable(uv_poll_t *poll, int status, int events);

/* The last handle takes `tcp` with it. */
static void tcp_handle_closed(struct tcp *tcp)
{
    tcp->handles--;
    if (tcp->handles == 0)
        free(tcp);
}

static void tcp_list_remove(struct tcp_connection *c)
{
    struct tcp_list *list = &c->owner->lists[c->state];
    if (!c->listed)
        return;
    *(c->older != NULL ? &c->older->newer : &list->oldest) = c->newer;
    *(c->newer != NULL ? &c->newer->older : &list->newest) = c->older;
    c->older = c->newer = NULL;
    c->listed = false;
}

static void tcp_list_append(struct tcp_connection *c, enum tcp_state state)
{
    struct tcp_list *list = &c->owner->lists[state];
    c->state = (uint8_t)state;
    c->since_ms = uv_now(c->owner->loop);
    c->older = list->newest;
    *(list->newest != NULL ? &list->newest->newer : &list->oldest) = c;
    list->newest = c;
    c->listed = true;
}

static void tcp_connection_closed(uv_handle_t *handle)
{
    struct tcp_connection *c = handle->data;
    tcp_handle_closed(c->owner);
    free(c);
}

static void tcp_connection_end(struct tcp_connection *c)
{
    tcp_list_remove(c);
    tcp_connection_release(c);
    c->owner->connections--;
    tcp_sources_leave(c->owner->sources, c->source);
    stat_set(&c->shared->context->stats->tcp_open, c->owner->connections);
    uv_close((uv_handle_t *)&c->poll, tcp_connection_closed);
    close(c->fd);
}

static void tcp_connection_event(uv_poll_t *poll, int status, int events);

/* What follows from what was done: the state it is in now, what it waits for, or its end. */
static void tcp_connection_settle(struct tcp_connection *c)
{
    enum tcp_state state;
    int wanted;
    if (!tcp_connection_next(c, &state, &wanted)) {
        tcp_connection_end(c);
        return;
    }
    if (c->progress || state != c->state) {
        tcp_list_remove(c);
        tcp_list_append(c, state);
    }
    if (wanted != c->events && uv_poll_start(&c->poll, wanted, tcp_connection_event) < 0)
        tcp_connection_end(c);
    else
        c->events = wanted;
}

static void tcp_connection_event(uv_poll_t *poll, int status, int events)
{
    struct tcp_connection *c = poll->data;
    (void)events;

    c->broken = status < 0;
    if (!c->broken) {
        urcu_qsbr_thread_online();
        tcp_connection_turn(c);
        urcu_qsbr_thread_offline();
    }
    tcp_connection_settle(c);
}

/* An answer that took its time, or that there won't be. */
static void tcp_late(struct answer_deferred *deferred, const uint8_t *response, size_t octets)
{
    struct tcp_connection *c = deferred->owner;
    *(deferred->newer != NULL ? &deferred->newer->older : &c->deferred) = deferred->older;
    if (deferred->older != NULL)
        deferred->older->newer = deferred->newer;
    c->progress = false;
    if (octets > 0)
        tcp_connection_send_late(c, response, octets);
    tcp_connection_settle(c);
}

/* Room for one more: the connection that was idle longest has to leave, else the one that has been sending a
 * message longest. One that takes its answers stays. */
static bool tcp_make_room(struct tcp *tcp)
{
    struct tcp_connection *longest = tcp->lists[TCP_STATE_IDLE].oldest;
    if (longest == NULL)
        longest = tcp->lists[TCP_STATE_READING].oldest;
    if (longest == NULL)
        return false;
    stat_add(&tcp->shared.context->stats->tcp_idle_closed, 1);
    tcp_connection_end(longest);
    return true;
}

/* One that was accepted, and what it is counted by. */
struct tcp_newcomer {
    int fd;
    bool lane;
    uint64_t source;
    union settings_address client;
};

static void tcp_turn_away(const struct tcp *tcp, const struct tcp_newcomer *newcomer)
{
    tcp_sources_leave(tcp->sources, newcomer->source);
    close(newcomer->fd);
}

/* Takes it over. */
static bool tcp_connection_begin(struct tcp *tcp, const struct tcp_newcomer *newcomer)
{
    const int on = 1;
    const int unsent = TCP_UNSENT_OCTETS;
    const int fd = newcomer->fd;
    struct tcp_connection *c = calloc(1, sizeof *c);
    if (c == NULL || uv_poll_init(tcp->loop, &c->poll, fd) < 0) {
        free(c);
        tcp_turn_away(tcp, newcomer);
        return false;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    c->owner = tcp;
    c->shared = &tcp->shared;
    c->client = newcomer->client;
    c->probe = newcomer->lane;
    c->source = newcomer->source;
    c->fd = fd;
    c->poll.data = c;
    c->events = UV_READABLE;
    tcp->connections++;
    stat_set(&tcp->shared.context->stats->tcp_open, tcp->connections);
    tcp->handles++;
    tcp_list_append(c, TCP_STATE_IDLE);
    if (uv_poll_start(&c->poll, UV_READABLE, tcp_connection_event) == 0)
        return true;
    tcp_connection_end(c);
    return false;
}

static void tcp_listeners_poll(struct tcp *tcp, bool on)
{
    for (struct tcp_listener *l = tcp->listeners; l != NULL; l = l->next) {
        if (on)
            (void)uv_poll_start(&l->poll, UV_READABLE, tcp_acceptable);
        else
            (void)uv_poll_stop(&l->poll);
    }
}

static void tcp_pause_ends(uv_timer_t *timer)
{
    struct tcp *tcp = timer->data;
    tcp_listeners_poll(tcp, true);
}

/* Out of descriptors or memory. The listening sockets stay readable, so asking again at once would only burn
 * the time that answers need. */
static void tcp_pause(struct tcp *tcp, int error)
{
    uint64_t now_ms = uv_now(tcp->loop);
    if (tcp->told_ms == 0 || now_ms - tcp->told_ms >= TCP_TELL_MS) {
        bool descriptors = error == EMFILE || error == ENFILE;
        tcp->told_ms = now_ms;
        log_warn("%s for more TCP connections: the one that was idle longest makes room; raise %s",
                 descriptors ? "no descriptors are left" : "memory is short",
                 descriptors ? "LimitNOFILE" : "the memory limit");
    }
    (void)tcp_make_room(tcp);
    tcp_listeners_poll(tcp, false);
    (void)uv_timer_start(&tcp->pause, tcp_pause_ends, TCP_ACCEPT_PAUSE_MS, 0);
}

/* False when the client's prefix has too many already: then this one is reset, which costs least here. */
static bool tcp_admit(const struct tcp *tcp, struct tcp_newcomer *newcomer)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (newcomer->lane || tcp_sources_enter(tcp->sources, &answer_policy_current()->limit,
                                            &newcomer->client.sa, uv_now(tcp->loop), &newcomer->source))
        return true;
    stat_add(&tcp->shared.context->stats->tcp_limited, 1);
    (void)setsockopt(newcomer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    tcp_turn_away(tcp, newcomer);
    return false;
}

/* True when there may be another one to accept. */
static bool tcp_accept(struct tcp *tcp, const struct tcp_listener *l)
{
    struct worker_stats *stats = tcp->shared.context->stats;
    struct tcp_newcomer newcomer = {.lane = l->lane};
    socklen_t octets = sizeof newcomer.client;
    newcomer.fd = accept4(l->fd, &newcomer.client.sa, &octets, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (newcomer.fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        tcp_pause(tcp, errno);
        return false;
    }
    if (newcomer.fd < 0) /* Another error is about the one connection that is gone already (accept(2)). */
        return errno != EAGAIN && errno != EINVAL && errno != EBADF;
    if (!tcp_admit(tcp, &newcomer))
        return true;
    if (tcp->connections >= tcp->connections_max && !tcp_make_room(tcp)) {
        stat_add(&stats->tcp_refused, 1);
        tcp_turn_away(tcp, &newcomer);
        return true;
    }
    stat_add(tcp_connection_begin(tcp, &newcomer) ? &stats->tcp_accepted : &stats->tcp_refused, 1);
    return true;
}

static void tcp_acceptable(uv_poll_t *poll, int status, int events)
{
    struct tcp_listener *l = poll->data;
    (void)events;
    urcu_qsbr_thread_online();
    for (int i = 0; i < TCP_TURN_ACCEPTS && tcp_accept(l->tcp, l); i++)
        continue;
    urcu_qsbr_thread_offline();
    /* libuv stops polling when a socket is in error; accepting has cleared that. */
    if (status < 0 && !uv_is_active((const uv_handle_t *)&l->tcp->pause))
        (void)uv_poll_start(&l->poll, UV_READABLE, tcp_acceptable);
}

static void tcp_sweep(uv_timer_t *timer)
{
    static const uint64_t limits_ms[TCP_STATES] = {
        [TCP_STATE_IDLE] = TCP_IDLE_MS,
        [TCP_STATE_READING] = TCP_MESSAGE_MS,
        [TCP_STATE_WRITING] = TCP_STALL_MS,
    };
    struct tcp *tcp = timer->data;
    uint64_t now_ms = uv_now(tcp->loop);
    for (int state = 0; state < TCP_STATES; state++) {
        struct tcp_connection *c = tcp->lists[state].oldest;
        while (c != NULL && now_ms - c->since_ms >= limits_ms[state]) {
            stat_add(&tcp->shared.context->stats->tcp_idle_closed, 1);
            tcp_connection_end(c);
            c = tcp->lists[state].oldest;
        }
    }
}

struct tcp *tcp_new(uv_loop_t *loop, struct answer_context *context, struct flight *flight,
                    struct tcp_sources *sources, unsigned connections)
{
    struct tcp *tcp = calloc(1, sizeof *tcp);
    if (tcp == NULL)
        return NULL;
    tcp->loop = loop;
    tcp->sources = sources;
    tcp->connections_max = connections;
    tcp->shared.context = context;
    tcp->shared.flight = flight;
    tcp->shared.late = tcp_late;
    (void)uv_timer_init(loop, &tcp->sweep);
    (void)uv_timer_init(loop, &tcp->pause);
    tcp->sweep.data = tcp->pause.data = tcp;
    tcp->handles = 2;
    (void)uv_timer_start(&tcp->sweep, tcp_sweep, TCP_SWEEP_MS, TCP_SWEEP_MS);
    return tcp;
}

int tcp_listen(struct tcp *tcp, int fd, bool lane)
{
    struct tcp_listener *l = calloc(1, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    int error = uv_poll_init(tcp->loop, &l->poll, fd);
    if (error < 0) {
        free(l);
        return error;
    }
    l->tcp = tcp;
    l->fd = fd;
    l->lane = lane;
    l->poll.data = l;
    l->next = tcp->listeners;
    tcp->listeners = l;
    tcp->handles++;
    return uv_poll_start(&l->poll, UV_READABLE, tcp_acceptable);
}

static void tcp_listener_closed(uv_handle_t *handle)
{
    struct tcp_listener *l = handle->data;
    tcp_handle_closed(l->tcp);
    free(l);
}

static void tcp_timer_closed(uv_handle_t *handle)
{
    tcp_handle_closed(handle->data);
}

void tcp_close(struct tcp *tcp)
{
    uv_close((uv_handle_t *)&tcp->sweep, tcp_timer_closed);
    uv_close((uv_handle_t *)&tcp->pause, tcp_timer_closed);
    while (tcp->listeners != NULL) {
        struct tcp_listener *l = tcp->listeners;
        tcp->listeners = l->next;
        uv_close((uv_handle_t *)&l->poll, tcp_listener_closed);
    }
    for (int state = 0; state < TCP_STATES; state++)
        while (tcp->lists[state].oldest != NULL)
            tcp_connection_end(tcp->lists[state].oldest);
}
