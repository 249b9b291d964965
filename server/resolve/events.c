/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/events.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unbound-event.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 64 /* per turn of the loop, so that its other handles get theirs */

typedef void (*event_callback)(int fd, short bits, void *arg);

struct events {
    struct ub_event_base base; /* first: libunbound knows us by it */
    uv_loop_t *loop;
    uv_poll_t poll;
    int set;               /* of epoll */
    bool dispatching;      /* what is freed now may be in the list that epoll gave */
    struct event *corpses; /* freed meanwhile */
};

struct event {
    struct ub_event base; /* first */
    struct events *events;
    uv_timer_t *timer; /* made when first wanted */
    struct event *next;
    event_callback callback;
    void *arg;
    int fd;
    short bits; /* UB_EV_* */
    bool watched;
    bool dead;
};

static struct events *events_of(struct ub_event_base *base)
{
    return (struct events *)(void *)base;
}

static struct event *event_of(struct ub_event *event)
{
    return (struct event *)(void *)event;
}

/* --- one event
 * ------------------------------------------------------------------------------------------------- */

static void event_unwatch(struct event *e)
{
    if (e->watched)
        (void)epoll_ctl(e->events->set, EPOLL_CTL_DEL, e->fd, NULL);
    e->watched = false;
    if (e->timer != NULL)
        (void)uv_timer_stop(e->timer);
}

/* What isn't persistent happens once. */
static void event_happen(struct event *e, short bits)
{
    if ((e->bits & UB_EV_PERSIST) == 0)
        event_unwatch(e);
    e->callback(e->fd, bits, e->arg);
}

static void event_timeout(uv_timer_t *timer)
{
    event_happen(timer->data, UB_EV_TIMEOUT);
}

static int event_start_timer(struct event *e, const struct timeval *after)
{
    if (e->timer == NULL) {
        e->timer = calloc(1, sizeof *e->timer);
        if (e->timer == NULL)
            return -1;
        (void)uv_timer_init(e->events->loop, e->timer);
        e->timer->data = e;
    }
    uv_update_time(e->events->loop);
    uint64_t ms = (uint64_t)after->tv_sec * 1000 + ((uint64_t)after->tv_usec + 999) / 1000;
    /* One that persists is about a descriptor that stays quiet for so long, again and again. */
    uint64_t again = (e->bits & UB_EV_PERSIST) != 0 ? ms : 0;
    return uv_timer_start(e->timer, event_timeout, ms, again) < 0 ? -1 : 0;
}

static int event_watch(struct event *e)
{
    struct epoll_event wanted = {.data.ptr = e};
    wanted.events =
        ((e->bits & UB_EV_READ) != 0 ? EPOLLIN : 0U) | ((e->bits & UB_EV_WRITE) != 0 ? EPOLLOUT : 0U);
    if (wanted.events == 0 || e->fd < 0)
        return 0;
    if (epoll_ctl(e->events->set, EPOLL_CTL_ADD, e->fd, &wanted) < 0)
        return -1;
    e->watched = true;
    return 0;
}

static void event_add_bits(struct ub_event *event, short bits)
{
    struct event *e = event_of(event);
    event_unwatch(e);
    e->bits = (short)(e->bits | bits);
}

static void event_del_bits(struct ub_event *event, short bits)
{
    struct event *e = event_of(event);
    event_unwatch(e);
    e->bits = (short)(e->bits & ~bits);
}

static void event_set_fd(struct ub_event *event, int fd)
{
    struct event *e = event_of(event);
    event_unwatch(e);
    e->fd = fd;
}

static void event_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

static void event_free(struct ub_event *event)
{
    struct event *e = event_of(event);
    event_unwatch(e);
    if (e->timer != NULL)
        uv_close((uv_handle_t *)e->timer, event_timer_closed);
    e->timer = NULL;
    if (!e->events->dispatching) {
        free(e);
        return;
    }
    e->dead = true;
    e->next = e->events->corpses;
    e->events->corpses = e;
}

static int event_add(struct ub_event *event, struct timeval *after)
{
    struct event *e = event_of(event);
    event_unwatch(e);
    if (event_watch(e) < 0)
        return -1;
    return after != NULL && (e->bits & UB_EV_TIMEOUT) != 0 ? event_start_timer(e, after) : 0;
}

static int event_del(struct ub_event *event)
{
    event_unwatch(event_of(event));
    return 0;
}

static int event_add_timer(struct ub_event *event, struct ub_event_base *base, event_callback callback,
                           void *arg, struct timeval *after)
{
    struct event *e = event_of(event);
    (void)base;
    e->callback = callback;
    e->arg = arg;
    return event_start_timer(e, after);
}

static int event_del_timer(struct ub_event *event)
{
    struct event *e = event_of(event);
    return e->timer != NULL ? uv_timer_stop(e->timer) : 0;
}

/* --- what libunbound has in its table for other systems, or doesn't call
 * --------------------------------------- */

static int event_add_signal(struct ub_event *event, struct timeval *after)
{
    (void)event;
    (void)after;
    return -1;
}

static int event_del_signal(struct ub_event *event)
{
    (void)event;
    return -1;
}

static void event_unregister(struct ub_event *event)
{
    (void)event;
}

static void event_would_block(struct ub_event *event, int bit)
{
    (void)event;
    (void)bit;
}

static void base_free(struct ub_event_base *base)
{
    (void)base;
}

static int base_dispatch(struct ub_event_base *base)
{
    (void)base;
    return -1;
}

static int base_exit(struct ub_event_base *base, struct timeval *after)
{
    (void)base;
    (void)after;
    return 0;
}

static struct ub_event *base_new_signal(struct ub_event_base *base, int fd, event_callback callback,
                                        void *arg)
{
    (void)base;
    (void)fd;
    (void)callback;
    (void)arg;
    return NULL;
}

static struct ub_event *base_register(struct ub_event_base *base, void *handle, event_callback callback,
                                      void *arg)
{
    (void)base;
    (void)handle;
    (void)callback;
    (void)arg;
    return NULL;
}

/* --- all of them
 * ------------------------------------------------------------------------------------------------ */

static struct ub_event *base_new_event(struct ub_event_base *base, int fd, short bits,
                                       event_callback callback, void *arg)
{
    static struct ub_event_vmt table = {
        event_add_bits,   event_del_bits,   event_set_fd,     event_free,
        event_add,        event_del,        event_add_timer,  event_del_timer,
        event_add_signal, event_del_signal, event_unregister, event_would_block,
    };
    struct event *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->base.magic = UB_EVENT_MAGIC;
    e->base.vmt = &table;
    e->events = events_of(base);
    e->fd = fd;
    e->bits = bits;
    e->callback = callback;
    e->arg = arg;
    return &e->base;
}

static void events_bury(struct events *events)
{
    struct event *next = NULL;
    for (struct event *e = events->corpses; e != NULL; e = next) {
        next = e->next;
        free(e);
    }
    events->corpses = NULL;
}

static void event_ready(struct event *e, uint32_t flags)
{
    short bits = 0;
    if ((flags & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        bits |= UB_EV_READ & e->bits;
    if ((flags & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
        bits |= UB_EV_WRITE & e->bits;
    if (bits == 0)
        return;
    if (e->timer != NULL && uv_is_active((const uv_handle_t *)e->timer))
        (void)uv_timer_again(e->timer);
    event_happen(e, bits);
}

static void events_readable(uv_poll_t *poll, int status, int bits)
{
    struct events *events = poll->data;
    struct epoll_event ready[EVENTS_AT_ONCE];
    (void)status;
    (void)bits;
    int count = epoll_wait(events->set, ready, EVENTS_AT_ONCE, 0);
    events->dispatching = true;
    for (int i = 0; i < count; i++) {
        struct event *e = ready[i].data.ptr;
        /* Those before it may have ended it, or let it wait for another descriptor. */
        if (!e->dead && e->watched)
            event_ready(e, ready[i].events);
    }
    events->dispatching = false;
    events_bury(events);
}

struct events *events_new(uv_loop_t *loop)
{
    static struct ub_event_base_vmt table = {
        base_free, base_dispatch, base_exit, base_new_event, base_new_signal, base_register,
    };
    struct events *events = calloc(1, sizeof *events);
    int set = events != NULL ? epoll_create1(EPOLL_CLOEXEC) : -1;
    if (set < 0 || uv_poll_init(loop, &events->poll, set) < 0) {
        if (set >= 0)
            close(set);
        free(events);
        return NULL;
    }
    events->base.magic = UB_EVENT_MAGIC;
    events->base.vmt = &table;
    events->loop = loop;
    events->set = set;
    events->poll.data = events;
    (void)uv_poll_start(&events->poll, UV_READABLE, events_readable);
    return events;
}

struct ub_event_base *events_base(struct events *events)
{
    return &events->base;
}

static void events_closed(uv_handle_t *handle)
{
    struct events *events = handle->data;
    close(events->set);
    free(events);
}

void events_close(struct events *events)
{
    uv_close((uv_handle_t *)&events->poll, events_closed);
}
