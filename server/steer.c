/* SPDX-License-Identifier: BSD-2-Clause */
#include "steer.h"

#include "base/log.h"
#include "base/manager.h"
#include "heritage.h"
#include "net/listen.h"
#include "privilege.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STEER_MESSAGE_OCTETS 512

/* Tells the server, for /status and /healthz, what the route does. */
static void steer_tell(struct steer *s)
{
    json_t *status = steer_status(s);
    steer_note_neighbors(s, status);
    if (status != NULL)
        (void)json_object_set_new(status, "history", steer_history(s));
    char *text = status != NULL ? json_dumps(status, JSON_COMPACT) : NULL;
    if (text != NULL && strlen(text) >= SHARED_TEXT_OCTETS) {
        free(text); /* Half of it would be nothing: rather without what is the longest. */
        (void)json_object_del(status, "fleet");
        (void)json_object_del(status, "health");
        text = json_dumps(status, JSON_COMPACT);
    }
    if (text != NULL)
        shared_text_set(&s->down->status, text, strlen(text));
    free(text);
    json_decref(status);
}

/* The announcer has changed something. */
static void steer_on_route(void *arg)
{
    struct steer *s = arg;
    enum route_state state = announcer_route_state(s->announcer);
    if (state != s->route) {
        log_info("route: %s -> %s (%s)", route_state_name(s->route), route_state_name(state), s->why);
        s->route = state;
        s->route_since = mono_now();
        steer_note(s, EVENT_ROUTE, state == ROUTE_UP, "%s: %s", route_state_name(state), s->why);
    }
    atomic_store_explicit(&s->down->route_state, (uint32_t)state, memory_order_relaxed);
    steer_tell(s);
    steer_manager_tell(s);
}

void steer_go_by_verdict(struct steer *s)
{
    struct verdict_report report = steer_fleet_verdict(s);
    const char *stays = s->fleet != NULL ? fleet_why(s->fleet) : NULL;
    if (stays != NULL)
        (void)snprintf(s->why, sizeof s->why, "it stays because %s; the trouble: %s", stays, s->health_why);
    else
        (void)snprintf(s->why, sizeof s->why, "%s", s->health_why);
    announcer_set_verdict(s->announcer, mono_now(), &report);
    steer_on_route(s);
}

static void steer_on_verdict(void *arg, const struct verdict_report *report, const char *why)
{
    struct steer *s = arg;
    s->report = *report;
    (void)snprintf(s->health_why, sizeof s->health_why, "%s", why);
    if (s->announcer != NULL)
        steer_go_by_verdict(s);
    steer_good_look(s);
}

static void steer_on_gone(void *arg, const char *why)
{
    struct steer *s = arg;
    if (s->health != NULL)
        health_server_gone(s->health, why);
    if (s->announcer != NULL)
        announcer_set_server(s->announcer, false);
}

static void steer_on_back(void *arg)
{
    struct steer *s = arg;
    manager_ready();
    if (s->announcer != NULL)
        announcer_set_server(s->announcer, true);
    if (s->health != NULL)
        health_server_back(s->health);
}

static void steer_on_news(void *arg)
{
    struct steer *s = arg;
    if (s->health != NULL)
        health_look(s->health);
}

static void steer_on_refused(void *arg)
{
    steer_leave_now(arg, EXIT_FAILURE);
}

static void steer_on_signal(uv_signal_t *handle, int signal_number)
{
    struct steer *s = handle->data;
    if (signal_number == SIGHUP)
        steer_reload(s, NULL, NULL);
    else if (signal_number == SIGUSR2)
        steer_upgrade(s, NULL);
    else
        steer_leave(s, signal_number == SIGTERM ? "SIGTERM" : "interrupted");
}

static bool steer_map(struct steer *s)
{
    s->down_fd = shared_create("hither-down", sizeof *s->down);
    s->up_fd = shared_create("hither-up", sizeof *s->up);
    s->text_fd = memfd_create("hither-settings", MFD_CLOEXEC);
    if (s->down_fd >= 0 && s->up_fd >= 0 && s->text_fd >= 0) {
        s->down = shared_map(s->down_fd, sizeof *s->down, true);
        s->up = shared_map(s->up_fd, sizeof *s->up, false);
    }
    if (s->down == NULL || s->up == NULL) {
        log_error("can't make the memory that the two processes share: %s", strerror(errno));
        return false;
    }
    s->down->magic = SHARED_MAGIC;
    s->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    return true;
}

/* While we may still be root: the sockets; then never root again. */
static bool steer_bind(struct steer *s)
{
    char why[STEER_MESSAGE_OCTETS];
    if (s->heritage != NULL) /* by a program that has given up its privileges before */
        return steer_inherit(s);
    privilege_raise_descriptors(workers_descriptors(s->settings->server.workers) +
                                4 * s->settings->server.workers * s->settings->server.listen_count);
    if (listen_open(&s->settings->server, s->down, why, sizeof why) < 0 ||
        privilege_drop(&s->settings->server, s->settings->announce.other.tun_device[0] != '\0', why,
                       sizeof why) < 0) {
        log_error("%s", why);
        return false;
    }
    if (geteuid() == 0)
        log_warn("running as root: set server.user to the user that hitherd should become");
    return true;
}

static void steer_watch_signals(struct steer *s)
{
    const struct {
        uv_signal_t *handle;
        int number;
    } signals[] = {{&s->hup, SIGHUP}, {&s->term, SIGTERM}, {&s->interrupt, SIGINT}, {&s->usr2, SIGUSR2}};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        (void)uv_signal_init(&s->loop, signals[i].handle);
        signals[i].handle->data = s;
        (void)uv_signal_start(signals[i].handle, steer_on_signal, signals[i].number);
    }
    (void)signal(SIGPIPE, SIG_IGN);
}

static bool steer_start_control(struct steer *s)
{
    char why[STEER_MESSAGE_OCTETS];
    s->control = control_open(&s->loop, s->settings->server.control, steer_commands, steer_command_count, s,
                              why, sizeof why);
    if (s->control == NULL)
        log_error("%s", why);
    return s->control != NULL;
}

/* The server comes last: nothing may call back before everything is there. */
static bool steer_start_guard(struct steer *s)
{
    char why[STEER_MESSAGE_OCTETS];
    struct guard_setup setup = {
        .program = s->program,
        .settings = s->path,
        .down = s->down,
        .up = s->up,
        .down_fd = s->down_fd,
        .up_fd = s->up_fd,
        .text_fd = s->text_fd,
        .grace_ms = s->settings->health.restart_grace_ms,
        .heritage = json_object_get(s->heritage, "server"),
    };
    struct guard_owner owner = {steer_on_death, steer_on_gone,    steer_on_back,
                                steer_on_news,  steer_on_refused, s};
    s->guard = guard_start(&s->loop, &setup, &owner, why, sizeof why);
    if (s->guard == NULL)
        log_error("%s", why);
    return s->guard != NULL;
}

static bool steer_start_route(struct steer *s)
{
    s->announcer = announcer_new(&s->loop, s->settings, json_object_get(s->heritage, "announce"));
    if (s->announcer != NULL)
        s->health = health_start(&s->loop, s->settings, s->up, s->down->lanes == 1, steer_on_verdict, s);
    if (s->health == NULL) {
        log_error("memory is short");
        return false;
    }
    health_take_over(s->health, json_object_get(s->heritage, "health"));
    (void)uv_timer_init(&s->loop, &s->good.timer);
    s->good.timer.data = s;
    steer_good_start(s);
    announcer_watch(s->announcer, steer_on_route, s);
    steer_drain_start(s);
    steer_on_route(s);
    return steer_fleet_apply(s);
}

static bool steer_start(struct steer *s)
{
    (void)uv_timer_init(&s->loop, &s->linger);
    s->linger.data = s;
    steer_manager_start(s);
    steer_upgrade_start(s);
    steer_watch_signals(s);
    return steer_start_control(s) && steer_start_route(s) && steer_start_guard(s);
}

static void steer_close(struct steer *s)
{
    if (s->down != NULL) {
        listen_close(s->down);
        (void)munmap(s->down, sizeof *s->down);
    }
    json_decref(s->history.neighbors);
    settings_free(s->settings);
}

static int steer_run(struct steer *s)
{
    int error = uv_loop_init(&s->loop);
    if (error < 0) {
        log_error("can't start: %s", uv_strerror(error));
        return EXIT_FAILURE;
    }
    if (!steer_start(s)) {
        if (s->control != NULL)
            control_close(s->control); /* which removes the socket's file */
        return EXIT_FAILURE;
    }
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&s->loop);
    manager_close();
    return s->status;
}

/* Where a newer program will be put: the kernel adds a word to the path of a file that was replaced. */
static void steer_find_executable(struct steer *s)
{
    static const char deleted[] = " (deleted)";
    ssize_t octets = readlink("/proc/self/exe", s->executable, sizeof s->executable - 1);
    s->executable[octets > 0 ? octets : 0] = '\0';
    char *end = strstr(s->executable, deleted);
    if (end != NULL && end[sizeof deleted - 1] == '\0')
        *end = '\0';
}

int steer_main(const char *program, struct settings *settings, const struct settings_text *text)
{
    static struct steer steer;
    struct steer *s = &steer;
    int status = EXIT_FAILURE;

    s->program = program;
    s->settings = settings;
    s->heritage = heritage_read();
    steer_find_executable(s);
    (void)snprintf(s->path, sizeof s->path, "%s", settings->path);
    s->started = s->route_since = mono_now();
    (void)snprintf(s->why, sizeof s->why, "not checked yet");
    if (steer_map(s) && settings_text_put(s->text_fd, text) == 0 && steer_bind(s))
        status = steer_run(s);
    steer_close(s);
    return status;
}
