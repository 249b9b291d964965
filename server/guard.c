/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include "base/channel.h"
#include "base/clock.h"
#include "base/heart.h"
#include "base/log.h"
#include "base/respawn.h"
#include "base/signs.h"
#include "heritage.h"
#include "serve.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUARD_WHY_OCTETS 160
#define GUARD_HANDLES    3 /* beat, again, child */
#define GUARD_DOUBT_ROW  3 /* deaths in a row, until what one server left to the next is doubted */

struct guard_ask {
    guard_reply reply; /* NULL: this place is free */
    void *arg;
    uint32_t id;
};

struct guard {
    uv_loop_t *loop;
    struct guard_setup setup;
    struct guard_owner owner;
    uv_timer_t beat;
    uv_timer_t again; /* running: a pause before the next start */
    uv_signal_t child;
    uv_poll_t *channel; /* of the server that runs */
    int channel_fd;
    pid_t pid;    /* 0: none runs */
    pid_t former; /* the server of the program before us, while it is there */
    int former_channel;
    struct mono former_stop_by; /* zero: it hasn't been told */
    struct mono started;
    struct mono down_since; /* zero while it serves, and before the first one does */
    struct respawn respawn;
    struct heart main_heart;
    struct heart worker_hearts[SETTINGS_MAX_WORKERS];
    unsigned restarts;
    bool serving;
    bool served; /* some time since our own start */
    bool told_gone;
    bool killed; /* for its still heart: sent SIGKILL, not buried yet */
    void (*stopped)(void *arg);
    void *stopped_arg;
    bool stopping;
    struct mono stop_by;
    char why[GUARD_WHY_OCTETS]; /* the last one died */
    uint32_t last_id;
    struct guard_ask asks[GUARD_MAX_ASKS];
    unsigned handles;
    struct channel_message message;
};

static void guard_spawn(struct guard *g);

static void guard_handle_closed(uv_handle_t *handle)
{
    struct guard *g = handle->data;
    g->handles--;
    if (g->handles == 0)
        free(g);
}

static void guard_channel_closed(uv_handle_t *handle)
{
    free(handle);
}

/* Nobody will answer what is still open. */
static void guard_channel_close(struct guard *g)
{
    if (g->channel != NULL) {
        uv_close((uv_handle_t *)g->channel, guard_channel_closed);
        close(g->channel_fd);
        g->channel = NULL;
    }
    for (size_t i = 0; i < GUARD_MAX_ASKS; i++) {
        struct guard_ask ask = g->asks[i];
        g->asks[i] = (struct guard_ask){0};
        if (ask.reply != NULL)
            ask.reply(ask.arg, NULL, 0);
    }
}

static void guard_on_reply(struct guard *g)
{
    for (size_t i = 0; i < GUARD_MAX_ASKS; i++) {
        struct guard_ask ask = g->asks[i];
        if (ask.reply == NULL || ask.id != g->message.id)
            continue;
        g->asks[i] = (struct guard_ask){0};
        ask.reply(ask.arg, g->message.text, g->message.octets);
        return;
    }
}

/* Ours answers, and two are one too many. */
static void guard_dismiss_former(struct guard *g, struct mono now)
{
    static const char command[] = "stop";
    if (g->former == 0)
        return;
    g->former_stop_by = mono_add_ms(now, GUARD_STOP_MS);
    if (channel_send(g->former_channel, CHANNEL_NEWS, command, sizeof command - 1) < 0)
        (void)kill(g->former, SIGKILL);
}

static void guard_bury_former(struct guard *g)
{
    if (g->former == 0 || waitpid(g->former, NULL, WNOHANG) != g->former)
        return;
    close(g->former_channel);
    g->former = 0;
    if (!g->serving) /* and until ours does, nobody answers */
        g->down_since = mono_now();
}

/* Whether they are of any use to a newer program, its server will see. */
static void guard_inherit_images(struct guard *g)
{
    struct shared_down *down = g->setup.down;
    const json_t *image;
    size_t i;
    json_array_foreach(json_object_get(g->setup.heritage, "images"), i, image)
    {
        int fd = heritage_fd(image, "fd");
        if (fd >= 0 && down->image_count < SHARED_MAX_IMAGES)
            down->images[down->image_count++] = fd;
        else if (fd >= 0)
            close(fd);
    }
}

static void guard_inherit(struct guard *g)
{
    g->former_channel = heritage_fd(g->setup.heritage, "channel");
    g->former = (pid_t)json_integer_value(json_object_get(g->setup.heritage, "pid"));
    if (g->former_channel < 0 || g->former <= 1)
        g->former = 0;
    g->served = g->former != 0;
    guard_inherit_images(g);
}

/* It has just begun to serve. */
static void guard_on_serving(struct guard *g, struct mono now)
{
    g->serving = true;
    guard_dismiss_former(g, now);
    for (size_t i = 0; i < SETTINGS_MAX_WORKERS; i++)
        g->worker_hearts[i] = heart_watch(0, now);
    if (g->restarts > 0)
        log_info("the server answers again, %lld ms after its start",
                 (long long)mono_ms_between(g->started, now));
    if (g->told_gone || !g->served)
        g->owner.back(g->owner.arg);
    g->down_since = (struct mono){0};
    g->told_gone = false;
    g->served = true;
}

static void guard_look_for_serving(struct guard *g, struct mono now)
{
    if (g->pid > 0 && !g->killed && !g->serving && !g->stopping &&
        atomic_load_explicit(&g->setup.up->serving, memory_order_acquire) == 1)
        guard_on_serving(g, now);
}

static void guard_close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

/* For the next server, which gets them with the sockets. In place of those before; none: they are let go. */
static void guard_keep_images(struct guard *g, const int *fds, size_t count)
{
    struct shared_down *down = g->setup.down;
    guard_close_all(down->images, down->image_count);
    down->image_count = count <= SHARED_MAX_IMAGES ? (uint32_t)count : SHARED_MAX_IMAGES;
    if (count == 0)
        return;
    memcpy(down->images, fds, down->image_count * sizeof *fds);
    guard_close_all(fds + down->image_count, count - down->image_count);
}

static void guard_on_channel(uv_poll_t *poll, int status, int events)
{
    struct guard *g = poll->data;
    (void)events;
    if (status < 0) {
        (void)uv_poll_stop(poll);
        return;
    }
    int fds[CHANNEL_MAX_FDS];
    size_t count = 0;
    int got = channel_receive_fds(g->channel_fd, &g->message, fds, &count);
    if (got > 0 && g->message.id == CHANNEL_NEWS && strcmp(g->message.text, CHANNEL_IMAGES) == 0) {
        guard_keep_images(g, fds, count);
        return;
    }
    guard_close_all(fds, count);
    if (got > 0 && g->message.id == CHANNEL_NEWS) {
        guard_look_for_serving(g, mono_now());
        g->owner.news(g->owner.arg);
    } else if (got > 0)
        guard_on_reply(g);
    else if (got < 0) /* Its end is told by SIGCHLD. */
        (void)uv_poll_stop(poll);
}

/* A channel for a new server; `theirs` is its end. */
static int guard_channel_open(struct guard *g, int *theirs)
{
    int ends[2];
    uv_poll_t *poll = calloc(1, sizeof *poll);
    int error = poll != NULL ? channel_open(ends) : -ENOMEM;
    if (error < 0) {
        free(poll);
        return error;
    }
    error = uv_poll_init(g->loop, poll, ends[0]);
    if (error < 0) {
        free(poll);
        close(ends[0]);
        close(ends[1]);
        return error;
    }
    poll->data = g;
    g->channel = poll;
    g->channel_fd = ends[0];
    *theirs = ends[1];
    return uv_poll_start(poll, UV_READABLE, guard_on_channel);
}

static int guard_try_spawn(struct guard *g)
{
    int theirs = -1;
    int error = guard_channel_open(g, &theirs);
    if (error == 0) {
        struct spawn_descriptors descriptors = {g->setup.down_fd, g->setup.up_fd, theirs, g->setup.text_fd,
                                                !g->served};
        pid_t pid = spawn_server(g->setup.program, g->setup.settings, g->setup.down, &descriptors);
        error = pid < 0 ? (int)pid : 0;
        g->pid = pid < 0 ? 0 : pid;
    }
    if (theirs >= 0)
        close(theirs);
    if (error < 0)
        guard_channel_close(g);
    g->started = mono_now();
    g->main_heart = heart_watch(0, g->started);
    g->killed = false;
    return error;
}

static void guard_on_again(uv_timer_t *timer)
{
    guard_spawn(timer->data);
}

static void guard_spawn_later(struct guard *g, int64_t pause_ms)
{
    if (pause_ms == 0)
        guard_spawn(g);
    else
        (void)uv_timer_start(&g->again, guard_on_again, (uint64_t)pause_ms, 0);
}

static void guard_spawn(struct guard *g)
{
    int error = guard_try_spawn(g);
    if (error == 0) {
        log_debug("the server is process %d", (int)g->pid);
        return;
    }
    log_error("can't start the server: %s; trying again", strerror(-error));
    struct mono now = mono_now();
    int64_t pause_ms = respawn_pause_ms(&g->respawn, now, now);
    guard_spawn_later(g, pause_ms > 0 ? pause_ms : RESPAWN_FIRST_MS);
}

/* In place of a callback that must not be called any more. */
static void guard_ended(struct guard *g)
{
    void (*stopped)(void *arg) = g->stopped;
    g->stopped = NULL;
    guard_keep_images(g, NULL, 0);
    uv_close((uv_handle_t *)&g->beat, guard_handle_closed);
    uv_close((uv_handle_t *)&g->again, guard_handle_closed);
    uv_close((uv_handle_t *)&g->child, guard_handle_closed);
    if (stopped != NULL)
        stopped(g->stopped_arg);
}

static void guard_describe_death(struct guard *g, int status)
{
    if (g->killed)
        return; /* `why` says more than that we killed it */
    if (WIFSIGNALED(status))
        (void)snprintf(g->why, sizeof g->why, "the server was ended by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        (void)snprintf(g->why, sizeof g->why, "the server left with status %d", WEXITSTATUS(status));
}

/* What the dead one wrote isn't true any more: all of it reads as zero again. */
static void guard_forget_server(struct guard *g)
{
    (void)fallocate(g->setup.up_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                    (off_t)sizeof(struct shared_up));
}

/* Another one is due: at once, or after a pause. */
static void guard_replace(struct guard *g, pid_t dead, struct mono now)
{
    int64_t pause_ms = respawn_pause_ms(&g->respawn, g->started, now);
    const struct guard_death death = {g->why, dead, g->started, now, g->respawn.row, pause_ms};
    log_error("%s; starting another%s%s", g->why, pause_ms > 0 ? " after a pause" : "",
              pause_ms >= RESPAWN_MOST_MS ? " (it keeps dying)" : "");
    if (g->respawn.row >=
        GUARD_DOUBT_ROW) /* perhaps because of one of them: the next reads and checks it all */
        guard_keep_images(g, NULL, 0);
    g->owner.died(g->owner.arg, &death);
    guard_forget_server(g);
    g->restarts++;
    guard_spawn_later(g, pause_ms);
}

static void guard_on_death(struct guard *g, int status)
{
    struct mono now = mono_now();
    pid_t dead = g->pid;
    bool refused = !g->served && WIFEXITED(status) && WEXITSTATUS(status) == SERVE_EXIT_REFUSED;
    g->pid = 0;
    if (g->serving)
        g->down_since = now;
    g->serving = false;
    guard_describe_death(g, status);
    guard_channel_close(g);
    if (g->stopping)
        guard_ended(g);
    else if (refused)
        g->owner.refused(g->owner.arg);
    else
        guard_replace(g, dead, now);
}

static void guard_on_child(uv_signal_t *handle, int signal_number)
{
    struct guard *g = handle->data;
    int status;
    (void)signal_number;
    guard_bury_former(g);
    if (g->pid > 0 && waitpid(g->pid, &status, WNOHANG) == g->pid)
        guard_on_death(g, status);
}

/* Its hearts have come to a stop: a hang becomes a death, which everyone knows how to deal with. It may take
 * its time to die, or not die at all while a disk holds it: so the grace begins now. */
static void guard_put_down(struct guard *g, const char *what, int64_t still_ms, struct mono now)
{
    (void)snprintf(g->why, sizeof g->why, "the server hung: %s stood still for %lld ms", what,
                   (long long)still_ms);
    log_error("%s; killing it", g->why);
    if (g->serving)
        g->down_since = now;
    g->serving = false;
    g->killed = true;
    (void)kill(g->pid, SIGKILL);
}

static bool guard_is_hung(const struct guard *g, struct heart *heart, enum heart_owner owner, pid_t thread,
                          int64_t still_ms)
{
    return still_ms >= HEART_DOUBT_MS && heart_is_hung(heart, owner, still_ms, signs_read(g->pid, thread));
}

static void guard_check_workers(struct guard *g, struct mono now)
{
    const struct shared_up *up = g->setup.up;
    uint32_t count = atomic_load_explicit(&up->worker_count, memory_order_acquire);
    for (uint32_t i = 0; i < count && i < SETTINGS_MAX_WORKERS; i++) {
        struct heart *heart = &g->worker_hearts[i];
        /* A worker that is flooded may not come to its timer for long, but it gets on with its batches. */
        int64_t beat = atomic_load_explicit(&up->worker_beat_ns[i], memory_order_relaxed) +
                       atomic_load_explicit(&up->flights[i].batches, memory_order_relaxed);
        pid_t thread = atomic_load_explicit(&up->worker_tid[i], memory_order_relaxed);
        int64_t still_ms = heart_still_ms(heart, beat, now);
        if (guard_is_hung(g, heart, HEART_OF_WORKER, thread, still_ms)) {
            guard_put_down(g, "a worker's heart", still_ms, now);
            return;
        }
    }
}

/* Until its first beat it is being started by the kernel and the linker, which is no heart's affair. */
static bool guard_main_is_hung(struct guard *g, int64_t beat, int64_t still_ms)
{
    return beat == 0 ? still_ms >= GUARD_START_MS
                     : guard_is_hung(g, &g->main_heart, HEART_OF_MAIN, g->pid, still_ms);
}

static void guard_check_hearts(struct guard *g, struct mono now)
{
    int64_t beat = atomic_load_explicit(&g->setup.up->beat_ns, memory_order_relaxed);
    int64_t still_ms = heart_still_ms(&g->main_heart, beat, now);
    if (guard_main_is_hung(g, beat, still_ms))
        guard_put_down(g, "its heart", still_ms, now);
    else if (g->serving)
        guard_check_workers(g, now);
}

static void guard_on_beat(uv_timer_t *timer)
{
    struct guard *g = timer->data;
    struct mono now = mono_now();
    atomic_store_explicit(&g->setup.down->beat_ns, now.ns, memory_order_relaxed);
    if (g->former != 0 && g->former_stop_by.ns != 0 && mono_reached(now, g->former_stop_by))
        (void)kill(g->former, SIGKILL);
    if (g->stopping) {
        if (g->pid > 0 && mono_reached(now, g->stop_by))
            (void)kill(g->pid, SIGKILL);
        return;
    }
    if (g->pid > 0 && !g->killed)
        guard_check_hearts(g, now);
    guard_look_for_serving(g, now);
    if (g->down_since.ns != 0 && !g->told_gone && mono_ms_between(g->down_since, now) >= g->setup.grace_ms) {
        g->told_gone = true;
        g->owner.gone(g->owner.arg, g->why);
    }
}

void guard_set_grace(struct guard *guard, int64_t grace_ms)
{
    guard->setup.grace_ms = grace_ms;
}

struct guard *guard_start(uv_loop_t *loop, const struct guard_setup *setup, const struct guard_owner *owner,
                          char *why, size_t why_octets)
{
    struct guard *g = calloc(1, sizeof *g);
    if (g == NULL) {
        (void)snprintf(why, why_octets, "memory is short");
        return NULL;
    }
    g->loop = loop;
    g->setup = *setup;
    g->owner = *owner;
    g->handles = GUARD_HANDLES;
    (void)uv_timer_init(loop, &g->beat);
    (void)uv_timer_init(loop, &g->again);
    (void)uv_signal_init(loop, &g->child);
    g->beat.data = g->again.data = g->child.data = g;
    atomic_store_explicit(&setup->down->beat_ns, mono_now().ns, memory_order_relaxed);
    guard_inherit(g);
    int error = uv_signal_start(&g->child, guard_on_child, SIGCHLD);
    if (error == 0)
        error = uv_timer_start(&g->beat, guard_on_beat, HEART_BEAT_MS, HEART_BEAT_MS);
    if (error == 0)
        error = guard_try_spawn(g);
    if (error < 0) {
        (void)snprintf(why, why_octets, "can't start the server: %s", strerror(-error));
        guard_ended(g);
        return NULL;
    }
    return g;
}

int guard_ask(struct guard *guard, const char *command, guard_reply reply, void *arg)
{
    struct guard_ask *ask = guard->asks;
    while (ask < guard->asks + GUARD_MAX_ASKS && ask->reply != NULL)
        ask++;
    if (guard->channel == NULL || guard->stopping)
        return -ENOTCONN;
    if (ask == guard->asks + GUARD_MAX_ASKS)
        return -EBUSY;
    if (++guard->last_id == CHANNEL_NEWS)
        guard->last_id++;
    int error = channel_send(guard->channel_fd, guard->last_id, command, strlen(command));
    if (error == 0)
        *ask = (struct guard_ask){reply, arg, guard->last_id};
    return error;
}

json_t *guard_hand_over(struct guard *guard, int *fds, size_t *count)
{
    static const char news[] = "heir";
    (void)channel_send(guard->channel_fd, CHANNEL_NEWS, news, sizeof news - 1);
    fds[(*count)++] = guard->channel_fd;
    json_t *images = json_array();
    for (uint32_t i = 0; i < guard->setup.down->image_count; i++) {
        fds[(*count)++] = guard->setup.down->images[i];
        (void)json_array_append_new(images, json_pack("{s:i}", "fd", guard->setup.down->images[i]));
    }
    return json_pack("{s:i, s:i, s:o}", "pid", (int)guard->pid, "channel", guard->channel_fd, "images",
                     images);
}

void guard_keep(struct guard *guard)
{
    static const char news[] = "no heir";
    if (guard->channel != NULL)
        (void)channel_send(guard->channel_fd, CHANNEL_NEWS, news, sizeof news - 1);
}

bool guard_is_serving(const struct guard *guard)
{
    return guard->serving;
}

bool guard_is_well(const struct guard *guard)
{
    return guard->pid == 0 || !guard->killed;
}

bool guard_is_down(const struct guard *guard)
{
    return guard->down_since.ns != 0;
}

unsigned guard_restarts(const struct guard *guard)
{
    return guard->restarts;
}

static void guard_begin_stop(struct guard *g, void (*done)(void *arg), void *arg)
{
    g->stopping = true;
    if (g->former != 0)
        (void)kill(g->former, SIGKILL);
    g->stopped = done;
    g->stopped_arg = arg;
    (void)uv_timer_stop(&g->again);
    if (g->pid == 0)
        guard_ended(g);
}

void guard_stop(struct guard *guard, void (*done)(void *arg), void *arg)
{
    static const char command[] = "stop";
    guard->stop_by = mono_add_ms(mono_now(), GUARD_STOP_MS);
    if (guard->channel != NULL &&
        channel_send(guard->channel_fd, CHANNEL_NEWS, command, sizeof command - 1) < 0)
        guard->stop_by = mono_now();
    guard_begin_stop(guard, done, arg);
}

void guard_kill(struct guard *guard)
{
    if (guard->pid > 0)
        (void)kill(guard->pid, SIGKILL);
    guard->stop_by = mono_now();
    guard_begin_stop(guard, NULL, NULL);
}
