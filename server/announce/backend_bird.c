/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/backend_bird.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_OCTETS   (32 * 1024)
#define COMMAND_OCTETS 256
#define COMMANDS_MOST  4
#define BIRD_HANDLES   2
#define CODE_ZERO      0
#define CODE_ROUTES    1007
#define CODE_NO_ROUTE  8001
#define CODE_FIRST_SAD 8000 /* run-time errors, and from 9000 on those of syntax */

enum bird_asks {
    BIRD_SET,
    BIRD_STATE,
    BIRD_ROUTE,
};

/* A command, and what it asks about. */
struct bird_command {
    char text[COMMAND_OCTETS];
    enum bird_asks asks;
    const char *protocol;
    bool wanted; /* up, there */
};

struct bird {
    struct backend *backend;
    uv_loop_t *loop;
    char path[SETTINGS_BACKEND_PATH];
    uint32_t timeout_ms;
    /* The operation. */
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_connect_t connect;
    uv_write_t write;
    unsigned open;
    struct backend_route route;
    struct bird_command commands[COMMANDS_MOST];
    size_t count;
    size_t at;
    bool greeted;
    bool looking;
    bool failed;    /* couldn't be asked, or BIRD refused */
    bool otherwise; /* something isn't as it should be */
    char why[BACKEND_WHY_OCTETS];
    size_t octets;
    char reply[REPLY_OCTETS];
};

/* --- replies
 * ------------------------------------------------------------------------------------------------- */

static bool line_has_code(const char *line, size_t octets)
{
    return octets >= 5 && isdigit((unsigned char)line[0]) && isdigit((unsigned char)line[1]) &&
           isdigit((unsigned char)line[2]) && isdigit((unsigned char)line[3]) &&
           (line[4] == '-' || line[4] == ' ');
}

static unsigned line_code(const char *line)
{
    return (unsigned)((line[0] - '0') * 1000 + (line[1] - '0') * 100 + (line[2] - '0') * 10 +
                      (line[3] - '0'));
}

enum bird_read bird_reply_read(const char *text, size_t octets, struct bird_reply *reply)
{
    size_t at = 0;
    *reply = (struct bird_reply){0};
    while (at < octets) {
        const char *line = text + at;
        const char *end = memchr(line, '\n', octets - at);
        if (end == NULL)
            return BIRD_READ_MORE;
        size_t length = (size_t)(end - line);
        at += length + 1;
        if (length > 0 && (line[0] == ' ' || line[0] == '+')) /* goes on; or news for who asked for them */
            continue;
        if (!line_has_code(line, length))
            return BIRD_READ_BROKEN;
        if (line_code(line) != CODE_ZERO) {
            reply->code = line_code(line);
            reply->text = line + 5;
            reply->text_octets = length - 5;
        }
        if (line[4] == ' ') {
            reply->octets = at;
            return BIRD_READ_DONE;
        }
    }
    return BIRD_READ_MORE;
}

/* The word at `*at`, which is moved behind it. */
static size_t next_word(const char *text, size_t octets, size_t *at, const char **word)
{
    while (*at < octets && text[*at] == ' ')
        ++*at;
    *word = text + *at;
    size_t begin = *at;
    while (*at < octets && text[*at] != ' ')
        ++*at;
    return *at - begin;
}

static bool word_is(const char *word, size_t octets, const char *text)
{
    return strlen(text) == octets && memcmp(word, text, octets) == 0;
}

int bird_protocol_state(const struct bird_reply *reply, const char *name)
{
    const char *word;
    size_t at = 0;
    if (reply->code != 1002)
        return -1;
    size_t octets = next_word(reply->text, reply->text_octets, &at, &word);
    if (!word_is(word, octets, name))
        return -1;
    (void)next_word(reply->text, reply->text_octets, &at, &word); /* kind */
    (void)next_word(reply->text, reply->text_octets, &at, &word); /* table */
    octets = next_word(reply->text, reply->text_octets, &at, &word);
    if (word_is(word, octets, "up"))
        return 1;
    return word_is(word, octets, "down") ? 0 : -1;
}

int bird_has_route(const struct bird_reply *reply)
{
    if (reply->code == CODE_NO_ROUTE || reply->code == CODE_ZERO)
        return 0;
    return reply->code == CODE_ROUTES ? 1 : -1;
}

/* The first thing to be said is what is told. */
static void bird_say(struct bird *b, bool *flag, const char *what, const char *more, size_t more_octets)
{
    if (!b->failed && !b->otherwise)
        (void)snprintf(b->why, sizeof b->why, "%s%.*s", what, (int)more_octets, more);
    *flag = true;
}

static void bird_judge_state(struct bird *b, const struct bird_command *command,
                             const struct bird_reply *reply)
{
    int state = bird_protocol_state(reply, command->protocol);
    const char *is = state == 1 ? " is up" : state == 0 ? " is down" : " is neither up nor down";
    char what[SETTINGS_WORD + 16];
    (void)snprintf(what, sizeof what, "protocol %s", command->protocol);
    if (state != (command->wanted ? 1 : 0))
        bird_say(b, &b->otherwise, what, is, strlen(is));
}

/* What the reply to the command that was sent last means. */
static void bird_judge(struct bird *b, const struct bird_reply *reply)
{
    const struct bird_command *command = &b->commands[b->at];
    bool refused = reply->code >= CODE_FIRST_SAD && reply->code != CODE_NO_ROUTE;
    if (refused)
        bird_say(b, &b->failed, "BIRD says: ", reply->text, reply->text_octets);
    else if (command->asks == BIRD_STATE)
        bird_judge_state(b, command, reply);
    else if (command->asks == BIRD_ROUTE && (bird_has_route(reply) == 1) != command->wanted)
        bird_say(b, &b->otherwise,
                 command->wanted ? "the route isn't in BIRD's table, from protocol "
                                 : "the route is in BIRD's table, from protocol ",
                 command->protocol, strlen(command->protocol));
}

/* --- an operation
 * ------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct bird *b = handle->data;
    if (--b->open > 0)
        return;
    if (!b->looking)
        backend_changed(b->backend, b->failed ? b->why : NULL);
    else
        backend_seen(b->backend,
                     b->failed      ? BACKEND_UNSEEN
                     : b->otherwise ? BACKEND_OTHERWISE
                                    : BACKEND_AS_WANTED,
                     b->why);
}

static void bird_end(struct bird *b)
{
    if (uv_is_closing((uv_handle_t *)&b->timer))
        return;
    uv_close((uv_handle_t *)&b->timer, on_closed);
    uv_close((uv_handle_t *)&b->pipe, on_closed);
}

static void bird_fail(struct bird *b, const char *what, const char *more)
{
    bird_say(b, &b->failed, what, more, strlen(more));
    bird_end(b);
}

static void on_written(uv_write_t *write, int status)
{
    struct bird *b = write->data;
    if (status < 0 && status != UV_ECANCELED)
        bird_fail(b, "can't write to BIRD's socket: ", uv_strerror(status));
}

static void bird_send(struct bird *b)
{
    char *text = b->commands[b->at].text;
    uv_buf_t buffer = uv_buf_init(text, (unsigned)strlen(text));
    b->write.data = b;
    int error = uv_write(&b->write, (uv_stream_t *)&b->pipe, &buffer, 1, on_written);
    if (error < 0)
        bird_fail(b, "can't write to BIRD's socket: ", uv_strerror(error));
}

static void bird_take(struct bird *b, const struct bird_reply *reply)
{
    if (b->greeted)
        bird_judge(b, reply);
    b->at += b->greeted ? 1 : 0;
    b->greeted = true;
    memmove(b->reply, b->reply + reply->octets, b->octets - reply->octets);
    b->octets -= reply->octets;
    if (b->at == b->count)
        bird_end(b);
    else
        bird_send(b);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct bird *b = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(b->reply + b->octets, (unsigned)(sizeof b->reply - b->octets));
}

static void on_reply(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct bird *b = stream->data;
    struct bird_reply reply;
    (void)buffer;
    if (got < 0) {
        bird_fail(b, "BIRD closed the connection: ", uv_strerror((int)got));
        return;
    }
    b->octets += (size_t)got;
    enum bird_read read = bird_reply_read(b->reply, b->octets, &reply);
    if (read == BIRD_READ_DONE)
        bird_take(b, &reply);
    else if (read == BIRD_READ_BROKEN || b->octets == sizeof b->reply)
        bird_fail(b, "what answers on the socket isn't BIRD", "");
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct bird *b = connect->data;
    if (status == UV_ECANCELED)
        return;
    int error = status < 0 ? status : uv_read_start((uv_stream_t *)&b->pipe, on_room, on_reply);
    if (error < 0)
        bird_fail(b, "can't connect to BIRD's socket: ", uv_strerror(error));
}

static void on_time(uv_timer_t *timer)
{
    bird_fail(timer->data, "BIRD doesn't answer", "");
}

static void bird_begin(struct bird *b, const struct backend_route *route, bool looking)
{
    b->route = *route;
    b->looking = looking;
    b->count = b->at = b->octets = 0;
    b->greeted = b->failed = b->otherwise = false;
    b->why[0] = '\0';
    b->open = BIRD_HANDLES;
    uv_update_time(b->loop);
    (void)uv_pipe_init(b->loop, &b->pipe, 0);
    (void)uv_timer_init(b->loop, &b->timer);
    b->pipe.data = b->timer.data = b->connect.data = b;
    uv_timer_start(&b->timer, on_time, b->timeout_ms, 0);
    uv_pipe_connect(&b->connect, &b->pipe, b->path, on_connected);
}

/* --- commands
 * ------------------------------------------------------------------------------------------------ */

static struct bird_command *bird_add(struct bird *b, enum bird_asks asks, const char *protocol, bool wanted)
{
    struct bird_command *command = &b->commands[b->count++];
    command->asks = asks;
    command->protocol = protocol;
    command->wanted = wanted;
    return command;
}

static void bird_add_change(struct bird *b, const char *protocol, bool up)
{
    struct bird_command *command = bird_add(b, BIRD_SET, protocol, up);
    (void)snprintf(command->text, sizeof command->text, "%s %s\n", up ? "enable" : "disable", protocol);
}

static void bird_add_look(struct bird *b, const char *protocol, bool up)
{
    struct bird_command *state = bird_add(b, BIRD_STATE, protocol, up);
    struct bird_command *route = bird_add(b, BIRD_ROUTE, protocol, up);
    (void)snprintf(state->text, sizeof state->text, "show protocols %s\n", protocol);
    (void)snprintf(route->text, sizeof route->text, "show route %s protocol %s\n", b->route.text, protocol);
}

/* Up goes first: between the two the route stands twice, and never not at all. */
static void bird_change(void *driver, const struct backend_route *route)
{
    struct bird *b = driver;
    bird_begin(b, route, false);
    bool has_lesser = b->route.bird.lesser[0] != '\0';
    bool usual = b->route.announced && !(has_lesser && b->route.lesser);
    bool lesser = b->route.announced && b->route.lesser;
    if (has_lesser && lesser)
        bird_add_change(b, b->route.bird.lesser, true);
    bird_add_change(b, b->route.bird.usual, usual);
    if (has_lesser && !lesser)
        bird_add_change(b, b->route.bird.lesser, false);
}

static void bird_look(void *driver, const struct backend_route *route)
{
    struct bird *b = driver;
    bird_begin(b, route, true);
    bool has_lesser = b->route.bird.lesser[0] != '\0';
    bird_add_look(b, b->route.bird.usual, b->route.announced && !(has_lesser && b->route.lesser));
    if (has_lesser)
        bird_add_look(b, b->route.bird.lesser, b->route.announced && b->route.lesser);
}

static void *bird_open(struct backend *backend, uv_loop_t *loop, const struct settings_backend *settings)
{
    struct bird *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->backend = backend;
    b->loop = loop;
    b->timeout_ms = settings->command_timeout_ms;
    memcpy(b->path, settings->bird_socket, sizeof b->path);
    return b;
}

static void bird_close(void *driver)
{
    struct bird *b = driver;
    struct backend *backend = b->backend;
    free(b);
    backend_closed(backend);
}

const struct backend_driver backend_bird = {
    .open = bird_open,
    .change = bird_change,
    .look = bird_look,
    .close = bird_close,
};
