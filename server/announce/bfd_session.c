/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bfd_session.h"

#include "announce/bfd_fsm.h"
#include "announce/bfd_heritage.h"
#include "announce/bfd_socket.h"
#include "base/log.h"
#include "heritage.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAREWELL_MOST_MS 1000
#define RECEIVE_BATCH    64 /* datagrams, before others on the loop have their turn */

/* One for each address family. */
struct listener {
    struct bfd *bfd;
    uv_poll_t poll;
    int family;
    int fd; /* -1: not open */
    bool closing;
    int said; /* the error that the log knows */
};

struct bfd {
    uv_loop_t *loop;
    struct listener listeners[2];
    struct bfd_session *sessions;
    unsigned open; /* handles: of sessions and listeners */
    bool closing;
    void (*gone)(void *arg);
    void *gone_arg;
};

struct bfd_session {
    struct bfd *bfd;
    struct bfd_session *next;
    char name[64];
    struct bfd_callbacks callbacks;
    void *arg;
    union settings_address local;
    union settings_address remote;
    struct bfd_fsm fsm;
    uv_timer_t timer; /* the earliest of the machine's deadlines */
    int fd;           /* to send; -1: not open */
    int said;         /* the error that the log knows */
    bool stopping;
    struct mono stop_by;
    uint64_t packets_in;
    uint64_t packets_out;
    uint64_t far; /* with a TTL below 255 */
    uint64_t ups;
    uint64_t downs; /* failures */
};

/* Fatal neither way: it is tried again with every packet that is due. */
static void say_once(int *said, int error, const char *name, const char *what)
{
    if (error < 0 && error != *said)
        log_warn("%s%sBFD: %s: %s", name, name[0] != '\0' ? ": " : "", what, strerror(-error));
    *said = error;
}

/* --- closing ---------------------------------------------------------------------------------------------
 */

static void bfd_one_closed(struct bfd *bfd)
{
    if (--bfd->open > 0 || !bfd->closing)
        return;
    void (*gone)(void *arg) = bfd->gone;
    void *arg = bfd->gone_arg;
    free(bfd);
    if (gone != NULL)
        gone(arg);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    struct bfd *bfd = l->bfd;
    l->closing = false;
    bfd_one_closed(bfd);
}

static void listener_close(struct listener *l)
{
    if (l->fd < 0)
        return;
    l->closing = true;
    uv_close((uv_handle_t *)&l->poll, on_listener_closed);
    close(l->fd);
    l->fd = -1;
}

/* The last session takes the sockets with it: another program may want the port. */
static void bfd_close_unused(struct bfd *bfd)
{
    if (bfd->sessions != NULL)
        return;
    for (size_t i = 0; i < 2; i++)
        listener_close(&bfd->listeners[i]);
}

static void on_session_closed(uv_handle_t *handle)
{
    struct bfd_session *s = handle->data;
    struct bfd *bfd = s->bfd;
    free(s);
    bfd_one_closed(bfd);
}

static void session_close(struct bfd_session *s)
{
    struct bfd_session **at = &s->bfd->sessions;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    if (s->fd >= 0)
        close(s->fd);
    uv_close((uv_handle_t *)&s->timer, on_session_closed);
    bfd_close_unused(s->bfd);
}

/* --- the state machine's wishes --------------------------------------------------------------------------
 */

static void session_send(struct bfd_session *s, const struct bfd_packet *packet)
{
    uint8_t bytes[BFD_PACKET_OCTETS];
    struct writer to = writer_to(bytes, sizeof bytes);
    bfd_write(&to, packet);
    if (s->fd < 0 || to.failed)
        return;
    ssize_t sent = send(s->fd, bytes, writer_offset(&to), MSG_DONTWAIT);
    s->packets_out += sent > 0;
    /* That nobody listened to the one before is the peer's business. */
    say_once(&s->said, sent < 0 && errno != ECONNREFUSED ? -errno : 0, s->name, "can't send");
}

static void session_tell_state(struct bfd_session *s, const struct bfd_actions *actions)
{
    const struct bfd_fsm *f = &s->fsm;
    const char *why = bfd_diagnostic_name(f->diagnostic);
    s->ups += actions->up;
    s->downs += actions->down;
    if (s->stopping)
        return;
    if (actions->up)
        log_info("%s: BFD is up", s->name);
    else if (actions->down)
        log_warn("%s: BFD is down: %s", s->name, why);
    if (actions->up)
        s->callbacks.up(s->arg);
    if (actions->down)
        s->callbacks.down(s->arg, why);
    if (!s->stopping) /* the callback may have ended it */
        s->callbacks.changed(s->arg);
}

static void on_timer(uv_timer_t *timer);

static void session_arm_timer(struct bfd_session *s, struct mono now)
{
    struct mono deadline = bfd_fsm_deadline(&s->fsm);
    if (s->stopping && s->stop_by.ns < deadline.ns)
        deadline = s->stop_by;
    /* Rounded up: a timer that fires before the deadline would only be set again. */
    int64_t us = (deadline.ns - now.ns) / 1000;
    uv_update_time(s->bfd->loop);
    uv_timer_start(&s->timer, on_timer, us > 0 ? (uint64_t)(us + 999) / 1000 : 0, 0);
}

static void session_step(struct bfd_session *s, struct bfd_event event)
{
    enum bfd_state before = s->fsm.state;
    struct mono now = mono_now();
    event.random = randombytes_random();
    struct bfd_actions actions = bfd_fsm_step(&s->fsm, &event, now);
    if (actions.send)
        session_send(s, &actions.packet);
    session_arm_timer(s, now);
    if (s->fsm.state != before)
        session_tell_state(s, &actions);
}

/* --- hearing ---------------------------------------------------------------------------------------------
 */

static bool address_same(const union settings_address *a, const union settings_address *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET)
        return a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
    return a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
           IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

/* By our discriminator, and by the sender's address, which is all there is in the first packets. */
static struct bfd_session *bfd_find(const struct bfd *bfd, const union settings_address *from,
                                    uint32_t my_discriminator)
{
    for (struct bfd_session *s = bfd->sessions; s != NULL; s = s->next)
        if (address_same(&s->remote, from) &&
            (my_discriminator == 0 || my_discriminator == s->fsm.my_discriminator) &&
            (my_discriminator != 0 || !s->stopping))
            return s;
    return NULL;
}

static void bfd_take_datagram(struct bfd *bfd, const uint8_t *bytes, size_t octets,
                              const union settings_address *from, bool near)
{
    struct bfd_packet packet;
    if (!bfd_read(bytes, octets, &packet))
        return;
    struct bfd_session *s = bfd_find(bfd, from, packet.your_discriminator);
    if (s == NULL)
        return;
    if (!near) {
        s->far++;
        return;
    }
    s->packets_in++;
    session_step(s, (struct bfd_event){.kind = BFD_EVENT_PACKET, .packet = &packet});
}

static void listener_hear(struct listener *l)
{
    for (int i = 0; i < RECEIVE_BATCH && l->fd >= 0; i++) {
        uint8_t bytes[BFD_DATAGRAM_SPACE];
        union settings_address from = {0};
        bool near = false;
        ssize_t octets = bfd_socket_receive(l->fd, bytes, &from, &near);
        if (octets == -EAGAIN)
            return;
        if (octets >= 0)
            bfd_take_datagram(l->bfd, bytes, (size_t)octets, &from, near);
    }
}

static void on_datagrams(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    listener_hear(poll->data);
}

/* --- opening ---------------------------------------------------------------------------------------------
 */

static int listener_begin(struct listener *l, int fd)
{
    int error = uv_poll_init(l->bfd->loop, &l->poll, fd);
    if (error < 0) {
        close(fd);
        return error;
    }
    l->poll.data = l;
    l->fd = fd;
    l->bfd->open++;
    return uv_poll_start(&l->poll, UV_READABLE, on_datagrams);
}

static int listener_open(struct listener *l)
{
    if (l->fd >= 0)
        return 0;
    if (l->closing)
        return -EBUSY;
    int fd = bfd_socket_listen(l->family);
    return fd < 0 ? fd : listener_begin(l, fd);
}

static struct listener *session_listener(struct bfd_session *s)
{
    return &s->bfd->listeners[s->local.sa.sa_family == AF_INET6];
}

/* What couldn't be opened is tried again whenever a packet is due. */
static void session_open_sockets(struct bfd_session *s)
{
    struct listener *l = session_listener(s);
    int error = listener_open(l);
    if (error != -EBUSY)
        say_once(&l->said, error, "", "can't listen on port 3784");
    if (s->fd >= 0)
        return;
    s->fd = bfd_socket_connect(&s->local, &s->remote, randombytes_random());
    say_once(&s->said, s->fd < 0 ? s->fd : 0, s->name, "can't open a socket");
}

/* After a while without a turn (this process stopped, a busy host) the peer's packets are waiting in the
 * socket: they are heard before the peer is called dead. */
static void on_timer(uv_timer_t *timer)
{
    struct bfd_session *s = timer->data;
    if (!s->stopping)
        session_open_sockets(s);
    if (mono_reached(mono_now(), s->fsm.detect_at))
        listener_hear(session_listener(s));
    session_step(s, (struct bfd_event){.kind = BFD_EVENT_TIMER});
    if (s->stopping && (bfd_fsm_has_said_farewell(&s->fsm) || mono_reached(mono_now(), s->stop_by)))
        session_close(s);
}

/* --- for the announcer -----------------------------------------------------------------------------------
 */

struct bfd *bfd_new(uv_loop_t *loop)
{
    struct bfd *bfd = calloc(1, sizeof *bfd);
    if (bfd == NULL)
        return NULL;
    bfd->loop = loop;
    bfd->listeners[0] = (struct listener){.bfd = bfd, .family = AF_INET, .fd = -1};
    bfd->listeners[1] = (struct listener){.bfd = bfd, .family = AF_INET6, .fd = -1};
    return bfd;
}

void bfd_close(struct bfd *bfd, void (*gone)(void *arg), void *arg)
{
    bfd->closing = true;
    bfd->gone = gone;
    bfd->gone_arg = arg;
    bfd->open++; /* ourselves, until every session knows */
    for (struct bfd_session *s = bfd->sessions; s != NULL; s = s->next)
        bfd_session_stop(s);
    bfd_one_closed(bfd);
}

static uint32_t bfd_draw_discriminator(const struct bfd *bfd)
{
    uint32_t drawn = 0;
    bool taken = true;
    while (taken) {
        drawn = randombytes_random();
        taken = drawn == 0;
        for (const struct bfd_session *s = bfd->sessions; s != NULL; s = s->next)
            taken |= s->fsm.my_discriminator == drawn;
    }
    return drawn;
}

static struct bfd_session *bfd_find_between(const struct bfd *bfd, const union settings_address *local,
                                            const union settings_address *remote)
{
    for (struct bfd_session *s = bfd->sessions; s != NULL; s = s->next)
        if (!s->stopping && bfd_session_is_between(s, local, remote))
            return s;
    return NULL;
}

static struct bfd_session *session_new(struct bfd *bfd)
{
    struct bfd_session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->bfd = bfd;
    s->fd = -1;
    s->next = bfd->sessions;
    bfd->sessions = s;
    bfd->open++;
    uv_timer_init(bfd->loop, &s->timer);
    s->timer.data = s;
    return s;
}

struct bfd_session *bfd_session_start(struct bfd *bfd, const char *name, const struct settings_bfd *times,
                                      const union settings_address *local,
                                      const union settings_address *remote,
                                      const struct bfd_callbacks *callbacks, void *arg)
{
    struct bfd_session *s = bfd_find_between(bfd, local, remote);
    if (s != NULL) {
        s->callbacks = *callbacks;
        s->arg = arg;
        bfd_session_set_times(s, times);
        return s;
    }
    s = session_new(bfd);
    if (s == NULL)
        return NULL;
    (void)snprintf(s->name, sizeof s->name, "neighbor %s", name);
    s->callbacks = *callbacks;
    s->arg = arg;
    s->local = *local;
    s->remote = *remote;
    bfd_fsm_init(&s->fsm, bfd_draw_discriminator(bfd), times->interval_ms * 1000, times->multiplier,
                 mono_now());
    session_arm_timer(s, mono_now());
    return s;
}

void bfd_session_stop(struct bfd_session *s)
{
    if (s->stopping)
        return;
    s->stopping = true;
    s->stop_by = mono_add_ms(mono_now(), FAREWELL_MOST_MS);
    session_step(s, (struct bfd_event){.kind = BFD_EVENT_DISABLE});
    /* Never closed from here: this may be a callback of its own. */
    if (bfd_fsm_has_said_farewell(&s->fsm))
        uv_timer_start(&s->timer, on_timer, 0, 0);
}

void bfd_stop_of(struct bfd *bfd, const void *arg)
{
    for (struct bfd_session *s = bfd->sessions; s != NULL; s = s->next)
        if (s->arg == arg)
            bfd_session_stop(s);
}

void bfd_session_pass_on(struct bfd_session *s, void *arg)
{
    s->arg = arg;
}

bool bfd_session_is_between(const struct bfd_session *s, const union settings_address *local,
                            const union settings_address *remote)
{
    return address_same(&s->local, local) && address_same(&s->remote, remote);
}

void bfd_session_set_times(struct bfd_session *s, const struct settings_bfd *times)
{
    struct bfd_event event = {
        .kind = BFD_EVENT_TIMES, .interval_us = times->interval_ms * 1000, .multiplier = times->multiplier};
    if (s->fsm.interval_us != event.interval_us || s->fsm.multiplier != event.multiplier)
        session_step(s, event);
}

void bfd_session_set_muted(struct bfd_session *s, bool muted)
{
    if (s->fsm.muted == muted)
        return;
    log_warn("%s: BFD %s", s->name,
             muted ? "is silenced, because the neighbor may still hold a route that it must not have"
                   : "speaks again");
    session_step(s, (struct bfd_event){.kind = muted ? BFD_EVENT_MUTE : BFD_EVENT_UNMUTE});
}

/* --- handed on to another program
 * ------------------------------------------------------------------------------- */

/* A packet now, so that the peer waits as long as it can for the heir's first. */
static void session_say_last(struct bfd_session *s)
{
    if (s->fsm.send_at.ns == 0)
        return;
    s->fsm.send_at = mono_now();
    session_step(s, (struct bfd_event){.kind = BFD_EVENT_TIMER});
}

static void hand_over_fd(json_t *left, int fd, int *fds, size_t *count)
{
    if (fd < 0)
        return;
    (void)json_object_set_new(left, "fd", json_integer(fd));
    fds[(*count)++] = fd;
}

json_t *bfd_hand_over(struct bfd *bfd, int *fds, size_t *count)
{
    json_t *listeners = json_array();
    json_t *sessions = json_array();
    for (struct bfd_session *s = bfd->sessions; s != NULL; s = s->next) {
        if (s->stopping)
            continue;
        session_say_last(s);
        json_t *left = json_pack(
            "{s:s, s:o, s:o, s:o}", "name", s->name, "local", heritage_octets(&s->local, sizeof s->local),
            "remote", heritage_octets(&s->remote, sizeof s->remote), "fsm", bfd_fsm_to_json(&s->fsm));
        hand_over_fd(left, s->fd, fds, count);
        (void)json_array_append_new(sessions, left);
    }
    for (size_t i = 0; i < 2; i++) {
        json_t *left = json_pack("{s:i}", "index", (int)i);
        hand_over_fd(left, bfd->listeners[i].fd, fds, count);
        (void)json_array_append_new(listeners, left);
    }
    return json_pack("{s:o, s:o}", "listeners", listeners, "sessions", sessions);
}

static void nobody_is_told(void *arg)
{
    (void)arg;
}

static void nobody_is_told_why(void *arg, const char *why)
{
    (void)arg;
    (void)why;
}

static void session_take_over(struct bfd *bfd, const json_t *left)
{
    const char *name = json_string_value(json_object_get(left, "name"));
    struct bfd_session read = {0};
    int fd = heritage_fd(left, "fd");
    bool whole = name != NULL && heritage_octets_get(left, "local", &read.local, sizeof read.local) &&
                 heritage_octets_get(left, "remote", &read.remote, sizeof read.remote) &&
                 bfd_fsm_from_json(&read.fsm, json_object_get(left, "fsm"), mono_now());
    struct bfd_session *s = whole ? session_new(bfd) : NULL;
    if (s == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    s->callbacks = (struct bfd_callbacks){nobody_is_told, nobody_is_told_why, nobody_is_told};
    s->local = read.local;
    s->remote = read.remote;
    s->fsm = read.fsm;
    s->fd = fd;
    session_arm_timer(s, mono_now());
}

void bfd_take_over(struct bfd *bfd, const json_t *heritage)
{
    size_t i;
    const json_t *left;
    json_array_foreach(json_object_get(heritage, "listeners"), i, left)
    {
        int fd = heritage_fd(left, "fd");
        if (fd >= 0 && i < 2 && listener_begin(&bfd->listeners[i], fd) < 0)
            log_warn("BFD: what the program before us heard with can't be used");
    }
    json_array_foreach(json_object_get(heritage, "sessions"), i, left) session_take_over(bfd, left);
    if (bfd->sessions == NULL)
        bfd_close_unused(bfd);
}

json_t *bfd_session_status(const struct bfd_session *s, struct mono now)
{
    const struct bfd_fsm *f = &s->fsm;
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:b, s:f, s:f, s:I, s:I, s:I, s:I, s:I}", "state",
                     bfd_state_name(f->state), "diagnostic", bfd_diagnostic_name(f->diagnostic),
                     "remote_state", bfd_state_name(f->remote_state), "discriminator",
                     (json_int_t)f->my_discriminator, "since_ms", (json_int_t)mono_ms_between(f->since, now),
                     "muted", (int)f->muted, "transmit_ms", (double)bfd_fsm_transmit_us(f) / 1000,
                     "detection_ms", (double)bfd_fsm_detection_us(f) / 1000, "packets_in",
                     (json_int_t)s->packets_in, "packets_out", (json_int_t)s->packets_out, "packets_too_far",
                     (json_int_t)s->far, "ups", (json_int_t)s->ups, "downs", (json_int_t)s->downs);
}
