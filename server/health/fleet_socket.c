/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/fleet_socket.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURN_MS         20
#define RETRY_MS        1000
#define TURN_MOST       64  /* datagrams taken at one turn */
#define SECOND_SPARE    200 /* datagrams in a second that nobody's interval accounts for */
#define SECOND_PER_PEER 60

struct fleet_socket {
    uv_loop_t *loop;
    uv_timer_t turn;
    uv_poll_t *poll; /* while the socket is open */
    int fd;
    struct settings_fleet settings;
    struct fleet *fleet;
    struct fleet_owner owner;
    struct mono retry_at;
    struct mono second; /* when the budget was filled last */
    size_t budget;
    bool complained;
    bool closing;
};

/* --- the socket
 * ---------------------------------------------------------------------------------------------- */

static bool set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* The group is joined on the interface of the listen address, or on the one that the routes point to. */
static bool socket_join(int fd, const struct settings_fleet *s)
{
    if (s->group.sa.sa_family == AF_INET) {
        struct ip_mreq group = {s->group.in4.sin_addr, s->listen.in4.sin_addr};
        return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group) == 0 &&
               setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &s->listen.in4.sin_addr,
                          sizeof s->listen.in4.sin_addr) == 0;
    }
    struct ipv6_mreq group = {s->group.in6.sin6_addr, s->group.in6.sin6_scope_id};
    return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof group) == 0;
}

/* A datagram for a group comes only to sockets at the group's address or at none in particular. */
static union settings_address socket_address(const struct settings_fleet *s)
{
    union settings_address at = s->listen;
    if (!s->multicast)
        return at;
    if (at.sa.sa_family == AF_INET)
        at.in4.sin_addr.s_addr = htonl(INADDR_ANY);
    else
        at.in6.sin6_addr = in6addr_any;
    return at;
}

static bool socket_prepare(int fd, const struct settings_fleet *s)
{
    union settings_address at = socket_address(s);
    if (at.sa.sa_family == AF_INET6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
        return false;
    if (s->multicast && !set(fd, SOL_SOCKET, SO_REUSEADDR, 1))
        return false;
    return bind(fd, &at.sa, settings_address_octets(&at)) == 0 && (!s->multicast || socket_join(fd, s));
}

/* The descriptor, or -errno. */
static int socket_make(const struct settings_fleet *s)
{
    int fd = socket(s->listen.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && !socket_prepare(fd, s)) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd >= 0 ? fd : -errno;
}

/* --- messages in
 * ---------------------------------------------------------------------------------------------- */

static bool address_same(const union settings_address *a, const union settings_address *b)
{
    if (a->sa.sa_family != b->sa.sa_family || a->in4.sin_port != b->in4.sin_port)
        return false;
    if (a->sa.sa_family == AF_INET)
        return a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
    return IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

static uint32_t peer_of(const struct fleet_socket *s, const union settings_address *from)
{
    for (size_t i = 0; i < s->settings.peer_count; i++)
        if (address_same(&s->settings.peers[i], from))
            return (uint32_t)i;
    return FLEET_NOWHERE;
}

/* What is beyond the budget waits for the next second, or is thrown away by the kernel. */
static bool socket_may_take(struct fleet_socket *s, struct mono now)
{
    if (s->second.ns == 0 || mono_ms_between(s->second, now) >= 1000) {
        s->second = now;
        s->budget = SECOND_SPARE + SECOND_PER_PEER * s->settings.peer_count;
    }
    if (s->budget == 0)
        return false;
    s->budget--;
    return true;
}

static bool socket_take_one(struct fleet_socket *s, struct mono now, bool *changed)
{
    uint8_t bytes[HEARTBEAT_OCTETS + 1];
    union settings_address from = {0};
    socklen_t from_octets = sizeof from;
    ssize_t octets = recvfrom(s->fd, bytes, sizeof bytes, 0, &from.sa, &from_octets);
    if (octets < 0)
        return errno != EAGAIN && errno != EBADF && errno != ENOTSOCK; /* an ICMP error is taken away so */
    if (socket_may_take(s, now))
        *changed |= fleet_take(s->fleet, now, bytes, (size_t)octets, peer_of(s, &from));
    return true;
}

static void socket_tell(struct fleet_socket *s, bool changed)
{
    if (changed)
        s->owner.changed(s->owner.arg);
    fleet_socket_flush(s);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct fleet_socket *s = poll->data;
    struct mono now = mono_now();
    bool changed = false;
    (void)status;
    (void)events;
    for (int i = 0; i < TURN_MOST && socket_take_one(s, now, &changed); i++)
        ;
    socket_tell(s, changed);
}

/* --- messages out
 * --------------------------------------------------------------------------------------------- */

static void socket_send(struct fleet_socket *s, struct mono now, uint32_t peer,
                        const union settings_address *to)
{
    uint8_t bytes[HEARTBEAT_OCTETS];
    struct writer w = writer_to(bytes, sizeof bytes);
    fleet_write(s->fleet, now, peer, &w);
    /* What can't be sent is a lost message, which every PoP is ready for. */
    if (!w.failed)
        (void)sendto(s->fd, bytes, writer_offset(&w), MSG_NOSIGNAL, &to->sa, settings_address_octets(to));
}

void fleet_socket_flush(struct fleet_socket *s)
{
    struct mono now = mono_now();
    if (s->poll == NULL)
        return;
    enum fleet_send send = fleet_begin(s->fleet, now);
    if (send == FLEET_SEND_NOTHING)
        return;
    if (s->settings.multicast)
        socket_send(s, now, FLEET_NOWHERE, &s->settings.group);
    for (size_t i = 0; i < s->settings.peer_count; i++)
        if (send == FLEET_SEND_ALL || fleet_owes(s->fleet, (uint32_t)i))
            socket_send(s, now, (uint32_t)i, &s->settings.peers[i]);
    fleet_end(s->fleet);
}

/* --- turns
 * ---------------------------------------------------------------------------------------------- */

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

static void socket_shut(struct fleet_socket *s)
{
    if (s->poll == NULL)
        return;
    uv_close((uv_handle_t *)s->poll, on_poll_closed);
    close(s->fd);
    s->fd = -1;
    s->poll = NULL;
}

static int socket_watch(struct fleet_socket *s)
{
    uv_poll_t *poll = calloc(1, sizeof *poll);
    if (poll == NULL)
        return -ENOMEM;
    int error = uv_poll_init(s->loop, poll, s->fd);
    if (error < 0) {
        free(poll);
        return error;
    }
    poll->data = s;
    s->poll = poll;
    error = uv_poll_start(poll, UV_READABLE, on_readable);
    if (error < 0)
        socket_shut(s);
    return error;
}

static void socket_try(struct fleet_socket *s, struct mono now)
{
    char text[SETTINGS_ADDRESS_TEXT];
    if (s->poll != NULL || (s->retry_at.ns != 0 && !mono_reached(now, s->retry_at)))
        return;
    s->retry_at = mono_add_ms(now, RETRY_MS);
    s->fd = socket_make(&s->settings);
    int error = s->fd < 0 ? s->fd : socket_watch(s);
    if (error < 0 && s->fd >= 0)
        close(s->fd);
    if (error < 0 && !s->complained)
        log_error("fleet: can't listen on %s: %s; trying again, and until then no route is withdrawn",
                  settings_address_to_text(&s->settings.listen, text), strerror(-error));
    s->complained = error < 0;
}

static void on_turn(uv_timer_t *timer)
{
    struct fleet_socket *s = timer->data;
    struct mono now = mono_now();
    socket_try(s, now);
    s->owner.refresh(s->owner.arg);
    socket_tell(s, fleet_judge(s->fleet, now));
}

struct fleet_socket *fleet_socket_open(uv_loop_t *loop, const struct settings_fleet *settings,
                                       struct fleet *fleet, const struct fleet_owner *owner)
{
    struct fleet_socket *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->loop = loop;
    s->settings = *settings;
    explicit_bzero(&s->settings.keys, sizeof s->settings.keys);
    s->fleet = fleet;
    s->owner = *owner;
    (void)uv_timer_init(loop, &s->turn);
    s->turn.data = s;
    socket_try(s, mono_now());
    (void)uv_timer_start(&s->turn, on_turn, TURN_MS, TURN_MS);
    return s;
}

static void on_turn_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void fleet_socket_close(struct fleet_socket *s)
{
    if (s->closing)
        return;
    s->closing = true;
    socket_shut(s);
    uv_close((uv_handle_t *)&s->turn, on_turn_closed);
}
