/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/backend_exabgp.h"

#include "announce/route.h"
#include "heritage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_OCTETS       4096
#define TIMEOUTS_MOST     3           /* in a row, until the pipes are opened anew */
#define COMMUNITY_DRAINED 0xFFFF0000U /* GRACEFUL_SHUTDOWN (RFC 8326 5) */

struct exabgp {
    struct backend *backend;
    uv_loop_t *loop;
    struct settings_backend settings;
    int in;          /* commands; -1: not open */
    int out;         /* replies */
    uv_poll_t *poll; /* on `out`; NULL: none */
    uv_timer_t timer;
    unsigned owed; /* replies to commands that were given up */
    unsigned timeouts;
    bool busy;
    bool looking;
    bool found;
    struct backend_route route;
    size_t octets;
    bool too_long; /* the line: the rest of it is skipped */
    char line[LINE_OCTETS];
};

/* --- words
 * --------------------------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 2, 3))) command_add(char *text, const char *format, ...)
{
    va_list args;
    size_t at = strlen(text);
    va_start(args, format);
    (void)vsnprintf(text + at, EXABGP_COMMAND_OCTETS - at, format, args);
    va_end(args);
}

static void command_add_communities(char *text, const struct backend_route *route)
{
    const struct settings_policy *policy = &route->policy;
    bool drained = route->state == ROUTE_DRAINING;
    if (policy->community_count > 0 || drained) {
        command_add(text, " community [");
        for (size_t i = 0; i < policy->community_count; i++)
            command_add(text, " %u:%u", policy->communities[i] >> 16, policy->communities[i] & 0xFFFF);
        if (drained)
            command_add(text, " %u:%u", COMMUNITY_DRAINED >> 16, COMMUNITY_DRAINED & 0xFFFF);
        command_add(text, " ]");
    }
    if (policy->large_community_count > 0) {
        command_add(text, " large-community [");
        for (size_t i = 0; i < policy->large_community_count; i++) {
            const struct settings_large_community *large = &policy->large_communities[i];
            command_add(text, " %u:%u:%u", large->global, large->local_1, large->local_2);
        }
        command_add(text, " ]");
    }
}

char *exabgp_command(const struct backend_route *route, char text[EXABGP_COMMAND_OCTETS])
{
    const struct settings_policy policy = route_policy(&route->policy, route->state);
    text[0] = '\0';
    if (!route->announced) {
        command_add(text, "withdraw route %s next-hop self\n", route->text);
        return text;
    }
    command_add(text, "announce route %s next-hop self", route->text);
    if (policy.med_set)
        command_add(text, " med %u", policy.med);
    if (policy.local_pref != 0)
        command_add(text, " local-preference %u", policy.local_pref);
    command_add_communities(text, route);
    command_add(text, "\n");
    return text;
}

/* Whether `word` stands in the line, between blanks or its ends. */
static bool line_has_word(const char *line, size_t octets, const char *word)
{
    size_t length = strlen(word);
    for (size_t at = 0; at + length <= octets; at++) {
        bool begins = at == 0 || line[at - 1] == ' ';
        bool ends = at + length == octets || line[at + length] == ' ';
        if (begins && ends && memcmp(line + at, word, length) == 0)
            return true;
    }
    return false;
}

enum exabgp_line exabgp_line_read(const char *line, size_t octets, const char *prefix)
{
    if (octets == 4 && memcmp(line, "done", 4) == 0)
        return EXABGP_DONE;
    if (octets == 5 && memcmp(line, "error", 5) == 0)
        return EXABGP_ERROR;
    if (octets > 9 && memcmp(line, "neighbor ", 9) == 0 && line_has_word(line, octets, prefix))
        return EXABGP_ROUTE;
    return EXABGP_OTHER;
}

/* --- pipes
 * --------------------------------------------------------------------------------------------------- */

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

static void exabgp_disconnect(struct exabgp *e)
{
    if (e->poll != NULL)
        uv_close((uv_handle_t *)e->poll, on_poll_closed);
    if (e->in >= 0)
        close(e->in);
    if (e->out >= 0)
        close(e->out);
    e->poll = NULL;
    e->in = e->out = -1;
    e->owed = e->timeouts = 0;
    e->octets = 0;
    e->too_long = false;
}

static int open_pipe(const char *path, int flags)
{
    struct stat st;
    int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
        return fd;
    close(fd);
    return -ENOTSUP;
}

static void on_readable(uv_poll_t *poll, int status, int events);

/* What lies in the pipe from before isn't for us. */
static void exabgp_discard(const struct exabgp *e)
{
    char old[512];
    while (read(e->out, old, sizeof old) > 0)
        ;
}

/* Begins to hear what comes out of the open pipes. */
static int exabgp_hear(struct exabgp *e)
{
    e->poll = calloc(1, sizeof *e->poll);
    int error = e->poll != NULL ? uv_poll_init(e->loop, e->poll, e->out) : -ENOMEM;
    if (error < 0) {
        free(e->poll);
        e->poll = NULL;
    } else {
        e->poll->data = e;
        error = uv_poll_start(e->poll, UV_READABLE, on_readable);
    }
    return error;
}

static int exabgp_connect(struct exabgp *e)
{
    if (e->in >= 0)
        return 0;
    e->out = open_pipe(e->settings.exabgp_pipe_out, O_RDONLY);
    e->in = e->out < 0 ? e->out : open_pipe(e->settings.exabgp_pipe_in, O_WRONLY);
    int error = e->in < 0 ? e->in : 0;
    if (error == 0) {
        exabgp_discard(e);
        error = exabgp_hear(e);
    }
    if (error < 0)
        exabgp_disconnect(e);
    return error;
}

/* --- operations
 * ---------------------------------------------------------------------------------------------- */

static void exabgp_end(struct exabgp *e, const char *why)
{
    uv_timer_stop(&e->timer);
    e->busy = false;
    if (!e->looking)
        backend_changed(e->backend, why);
    else if (why != NULL)
        backend_seen(e->backend, BACKEND_UNSEEN, why);
    else
        backend_seen(e->backend, e->found == e->route.announced ? BACKEND_AS_WANTED : BACKEND_OTHERWISE,
                     e->found ? "ExaBGP announces the route" : "ExaBGP doesn't announce the route");
}

static void exabgp_fail(struct exabgp *e, const char *what, int error)
{
    char why[BACKEND_WHY_OCTETS];
    (void)snprintf(why, sizeof why, "%s: %s", what,
                   error == -ENXIO     ? "nobody reads it at the other end"
                   : error == -ENOTSUP ? "it isn't a named pipe"
                                       : strerror(-error));
    exabgp_disconnect(e);
    exabgp_end(e, why);
}

static void on_time(uv_timer_t *timer)
{
    struct exabgp *e = timer->data;
    e->owed++;
    if (++e->timeouts >= TIMEOUTS_MOST)
        exabgp_disconnect(e);
    exabgp_end(e, "ExaBGP doesn't answer");
}

/* A line that ends a reply, of the command under way or of one that was given up. True: it was the former. */
static bool exabgp_is_reply(struct exabgp *e)
{
    if (e->owed == 0 && e->busy) {
        e->timeouts = 0;
        return true;
    }
    e->owed -= e->owed > 0 ? 1 : 0;
    return false;
}

static void exabgp_take_line(struct exabgp *e)
{
    switch (exabgp_line_read(e->line, e->octets, e->route.text)) {
    case EXABGP_ROUTE:
        e->found = e->found || e->owed == 0;
        break;
    case EXABGP_DONE:
        if (exabgp_is_reply(e))
            exabgp_end(e, NULL);
        break;
    case EXABGP_ERROR:
        if (exabgp_is_reply(e))
            exabgp_end(e, "ExaBGP refused the command");
        break;
    case EXABGP_OTHER:
        break;
    }
}

/* True: that ended a line. */
static bool exabgp_take_octet(struct exabgp *e, char octet)
{
    if (octet != '\n') {
        if (e->octets < sizeof e->line)
            e->line[e->octets++] = octet;
        else
            e->too_long = true;
        return false;
    }
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct exabgp *e = poll->data;
    char octets[2048];
    (void)status;
    (void)events;
    ssize_t got = read(e->out, octets, sizeof octets);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 && e->busy) {
        exabgp_fail(e, e->settings.exabgp_pipe_out, got < 0 ? -errno : -EPIPE);
        return;
    }
    if (got <= 0) {
        exabgp_disconnect(e);
        return;
    }
    for (ssize_t i = 0; i < got; i++) {
        if (!exabgp_take_octet(e, octets[i]))
            continue;
        if (!e->too_long)
            exabgp_take_line(e);
        e->octets = 0;
        e->too_long = false;
        if (e->poll != poll)
            return; /* the pipes aren't those any more */
    }
}

/* One write of less than PIPE_BUF: all of it or nothing. */
static void exabgp_say(struct exabgp *e, const char *command)
{
    int error = exabgp_connect(e);
    e->busy = true;
    e->found = false;
    if (error < 0) {
        exabgp_fail(e, error == -ENXIO ? e->settings.exabgp_pipe_in : "the pipes can't be opened", error);
        return;
    }
    if (write(e->in, command, strlen(command)) < 0) {
        exabgp_fail(e, e->settings.exabgp_pipe_in, -errno);
        return;
    }
    uv_update_time(e->loop);
    uv_timer_start(&e->timer, on_time, e->settings.command_timeout_ms, 0);
}

static void exabgp_change(void *driver, const struct backend_route *route)
{
    struct exabgp *e = driver;
    char command[EXABGP_COMMAND_OCTETS];
    e->route = *route;
    e->looking = false;
    exabgp_say(e, exabgp_command(route, command));
}

static void exabgp_look(void *driver, const struct backend_route *route)
{
    struct exabgp *e = driver;
    e->route = *route;
    e->looking = true;
    exabgp_say(e, "show adj-rib out\n");
}

static void *exabgp_open(struct backend *backend, uv_loop_t *loop, const struct settings_backend *settings)
{
    struct exabgp *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->backend = backend;
    e->loop = loop;
    e->in = e->out = -1;
    memcpy(&e->settings, settings, sizeof e->settings);
    uv_timer_init(loop, &e->timer);
    e->timer.data = e;
    return e;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct exabgp *e = handle->data;
    struct backend *backend = e->backend;
    free(e);
    backend_closed(backend);
}

static void exabgp_close(void *driver)
{
    struct exabgp *e = driver;
    exabgp_disconnect(e);
    uv_close((uv_handle_t *)&e->timer, on_timer_closed);
}

/* The pipes themselves: the other end withdraws when ours closes. */
static json_t *exabgp_hand_over(void *driver, int *fds, size_t *count)
{
    const struct exabgp *e = driver;
    if (e->poll == NULL)
        return json_object();
    fds[(*count)++] = e->in;
    fds[(*count)++] = e->out;
    return json_pack("{s:{s:i}, s:{s:i}, s:i, s:b, s:I, s:o}", "in", "fd", e->in, "out", "fd", e->out, "owed",
                     (int)e->owed, "too_long", (int)e->too_long, "octets", (json_int_t)e->octets, "line",
                     heritage_octets(e->line, e->octets));
}

static void exabgp_take_over(void *driver, const json_t *heritage)
{
    struct exabgp *e = driver;
    json_int_t octets = json_integer_value(json_object_get(heritage, "octets"));
    json_int_t owed = json_integer_value(json_object_get(heritage, "owed"));
    e->in = heritage_fd(json_object_get(heritage, "in"), "fd");
    e->out = heritage_fd(json_object_get(heritage, "out"), "fd");
    bool whole = e->in >= 0 && e->out >= 0 && octets >= 0 && octets <= (json_int_t)sizeof e->line &&
                 owed >= 0 && owed < UINT16_MAX &&
                 heritage_octets_get(heritage, "line", e->line, (size_t)octets);
    if (!whole || exabgp_hear(e) < 0) {
        exabgp_disconnect(e);
        return;
    }
    e->octets = (size_t)octets;
    e->owed = (unsigned)owed;
    e->too_long = json_is_true(json_object_get(heritage, "too_long"));
}

const struct backend_driver backend_exabgp = {
    .open = exabgp_open,
    .change = exabgp_change,
    .look = exabgp_look,
    .close = exabgp_close,
    .hand_over = exabgp_hand_over,
    .take_over = exabgp_take_over,
};
