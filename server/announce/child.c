/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHILD_HANDLES 2 /* besides the process */

struct child {
    uv_process_t process;
    uv_timer_t timer;
    uv_pipe_t pipe;
    unsigned open; /* handles that are still to close */
    bool spawned;
    bool exited;
    bool ended; /* its output */
    struct child_end end;
    child_callback done;
    void *arg;
    size_t octets;
    char output[CHILD_OUTPUT_OCTETS];
};

bool child_words(const struct settings_command *command, const char *const *more, const char **words,
                 size_t room)
{
    size_t count = 0;
    size_t at = 0;
    for (uint32_t i = 0; i < command->count && count < room; i++) {
        words[count++] = command->words + at;
        at += strlen(command->words + at) + 1;
    }
    while (*more != NULL && count < room)
        words[count++] = *more++;
    if (count >= room)
        return false;
    words[count] = NULL;
    return true;
}

/* Ours alone: readiness is for us to tell, and the part of the server isn't to be played by others. */
static bool variable_is_ours(const char *variable)
{
    static const char *const names[] = {
        "NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=", "LISTEN_FDS=", "LISTEN_PID=", "HITHER_SERVER="};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* Our environment with `variables` before it, which so win. To be freed, but not its texts. */
static const char **environment_with(const char *const *variables)
{
    size_t count = 0;
    size_t kept = 0;
    while (environ[count] != NULL)
        count++;
    const char **copy = calloc(count + CHILD_MAX_VARIABLES + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < CHILD_MAX_VARIABLES && variables[i] != NULL; i++)
        copy[kept++] = variables[i];
    for (size_t i = 0; copy != NULL && i < count; i++)
        if (!variable_is_ours(environ[i]))
            copy[kept++] = environ[i];
    return copy;
}

static void on_closed(uv_handle_t *handle)
{
    struct child *c = handle->data;
    if (--c->open > 0)
        return;
    c->end.output = c->output;
    c->done(c->arg, &c->end);
    free(c);
}

static void child_finish(struct child *c)
{
    if (uv_is_closing((uv_handle_t *)&c->timer))
        return;
    if (c->spawned)
        uv_close((uv_handle_t *)&c->process, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
    uv_close((uv_handle_t *)&c->pipe, on_closed);
}

static void child_kill_group(const struct child *c)
{
    if (c->process.pid > 1)
        (void)kill(-c->process.pid, SIGKILL);
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal)
{
    struct child *c = process->data;
    c->exited = true;
    c->end.status = (int)status;
    c->end.signal = signal;
    child_kill_group(c); /* whom it left behind */
    if (c->ended)
        child_finish(c);
}

/* Once to kill; a second time when somebody who has left the group keeps the output open. */
static void on_time(uv_timer_t *timer)
{
    struct child *c = timer->data;
    if (c->exited) {
        child_finish(c);
        return;
    }
    c->end.timed_out = true;
    child_kill_group(c);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct child *c = handle->data;
    static char beyond[4096]; /* what nobody will read */
    (void)suggested;
    size_t room = sizeof c->output - 1 - c->octets;
    *buffer = room > 0 ? uv_buf_init(c->output + c->octets, (unsigned)room)
                       : uv_buf_init(beyond, (unsigned)sizeof beyond);
}

static void on_output(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct child *c = stream->data;
    bool kept = buffer->base == c->output + c->octets;
    if (got > 0 && kept)
        c->octets += (size_t)got;
    if (got >= 0)
        return;
    c->ended = true;
    if (c->exited)
        child_finish(c);
}

static int child_spawn(uv_loop_t *loop, struct child *c, const char *const *words, const char **environment,
                       int output)
{
    union { /* uv_spawn() takes char **, and writes to none of it */
        const char *const *from;
        char **to;
    } argv = {words}, env = {environment};
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = output},
        {.flags = UV_INHERIT_FD, .data.fd = output},
    };
    const uv_process_options_t options = {
        .exit_cb = on_exit_of,
        .file = words[0],
        .args = argv.to,
        .env = env.to,
        .cwd = "/",
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = stdio,
    };
    return uv_spawn(loop, &c->process, &options);
}

static int child_start(uv_loop_t *loop, struct child *c, const char *const *words,
                       const char *const *variables, uint32_t timeout_ms)
{
    int ends[2];
    const char **environment = environment_with(variables);
    int error = environment == NULL ? -ENOMEM : pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
    if (error < 0) {
        free(environment);
        return error;
    }
    c->spawned = true; /* also when it fails, the handle is to be closed */
    c->open++;
    error = child_spawn(loop, c, words, environment, ends[1]);
    free(environment);
    close(ends[1]);
    int opened = uv_pipe_open(&c->pipe, ends[0]);
    if (opened < 0)
        close(ends[0]);
    error = error < 0 ? error : opened;
    if (error == 0)
        error = uv_read_start((uv_stream_t *)&c->pipe, on_room, on_output);
    if (error == 0)
        error = uv_timer_start(&c->timer, on_time, timeout_ms, timeout_ms);
    return error;
}

int child_run(uv_loop_t *loop, const char *const *words, const char *const *variables, uint32_t timeout_ms,
              child_callback done, void *arg)
{
    struct child *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    c->done = done;
    c->arg = arg;
    c->open = CHILD_HANDLES;
    uv_update_time(loop);
    (void)uv_timer_init(loop, &c->timer);
    (void)uv_pipe_init(loop, &c->pipe, 0);
    c->end.error = child_start(loop, c, words, variables, timeout_ms);
    c->process.data = c->timer.data = c->pipe.data = c;
    if (c->end.error < 0) {
        child_kill_group(c);
        child_finish(c);
    }
    return 0;
}

/* The last line with anything in it, without its end. */
static const char *last_line(const char *text, int *octets)
{
    size_t end = strlen(text);
    while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == '\r' || text[end - 1] == ' '))
        end--;
    size_t begin = end;
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    *octets = (int)(end - begin);
    return text + begin;
}

char *child_trouble(const struct child_end *end, uint32_t timeout_ms, char *text, size_t octets)
{
    int length;
    const char *said = last_line(end->output, &length);
    char reason[80] = "";
    if (end->error < 0)
        (void)snprintf(reason, sizeof reason, "it can't be started: %s", strerror(-end->error));
    else if (end->timed_out)
        (void)snprintf(reason, sizeof reason, "killed after %u ms", timeout_ms);
    else if (end->signal != 0)
        (void)snprintf(reason, sizeof reason, "ended by signal %d", end->signal);
    else if (end->status != 0)
        (void)snprintf(reason, sizeof reason, "exit status %d", end->status);
    if (reason[0] == '\0')
        text[0] = '\0';
    else
        (void)snprintf(text, octets, "%s%s%.*s", reason, length > 0 ? ": " : "", length, said);
    return text;
}
