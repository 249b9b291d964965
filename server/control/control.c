/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/control.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONTROL_BACKLOG 16

struct control_client;

/* Freed when the last handle of it and its clients has closed. */
struct control {
    uv_loop_t *loop;
    uv_pipe_t listener;
    struct control_client *clients;
    size_t client_count;
    size_t open_handles;
    bool closing;
    const struct control_command *commands;
    size_t command_count;
    void *owner;
    dev_t device; /* with inode: the socket file as it was made, to know it again */
    ino_t inode;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

/* A connection: reading a line, or waiting for an answer, or writing one. */
struct control_client {
    struct control *control;
    struct control_client *next;
    uv_pipe_t pipe;
    uv_timer_t timer;
    unsigned open_handles;
    bool closing;
    bool writing;
    bool last;                       /* close when what is being written is out */
    struct control_request *request; /* being answered; NULL: none */
    size_t octets;                   /* read and not yet taken */
    char line[CONTROL_MAX_LINE_OCTETS];
};

/* Freed when it is answered. */
struct control_request {
    struct control_client *client; /* NULL: it has left */
    json_t *body;
};

struct control_write {
    uv_write_t write;
    char *text;
};

static void client_step(struct control_client *client);

/* --- the end of things --- */

static void control_handle_closed(struct control *control)
{
    control->open_handles--;
    if (control->open_handles == 0 && control->closing)
        free(control);
}

static void listener_closed(uv_handle_t *handle)
{
    control_handle_closed(handle->data);
}

static void client_handle_closed(uv_handle_t *handle)
{
    struct control_client *client = handle->data;
    struct control *control = client->control;
    client->open_handles--;
    if (client->open_handles == 0)
        free(client);
    control_handle_closed(control);
}

static void client_close(struct control_client *client)
{
    struct control *control = client->control;
    if (client->closing)
        return;
    client->closing = true;
    if (client->request != NULL)
        client->request->client = NULL;
    client->request = NULL;
    struct control_client **at = &control->clients;
    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    control->client_count--;
    uv_close((uv_handle_t *)&client->pipe, client_handle_closed);
    uv_close((uv_handle_t *)&client->timer, client_handle_closed);
}

static void client_timeout(uv_timer_t *timer)
{
    client_close(timer->data);
}

/* --- replies --- */

static void client_written(uv_write_t *write, int status)
{
    struct control_write *w = (struct control_write *)write;
    struct control_client *client = write->handle->data;
    free(w->text);
    free(w);
    client->writing = false;
    if (client->closing)
        return;
    if (status < 0 || client->last)
        client_close(client);
    else
        client_step(client);
}

/* Writes `text` (taken over) and then goes on with the next request. */
static void client_write(struct control_client *client, char *text)
{
    struct control_write *w = calloc(1, sizeof *w);
    if (text == NULL || w == NULL) {
        free(text);
        free(w);
        client_close(client);
        return;
    }
    w->text = text;
    client->writing = true;
    const uv_buf_t buffer = uv_buf_init(text, (unsigned)strlen(text));
    (void)uv_timer_start(&client->timer, client_timeout, CONTROL_IDLE_MS, 0);
    if (uv_write(&w->write, (uv_stream_t *)&client->pipe, &buffer, 1, client_written) < 0) {
        free(w->text);
        free(w);
        client_close(client);
    }
}

/* The object as one line with its line end. Caller frees; takes the reference over. */
static char *line_of(json_t *body)
{
    char *line = NULL;
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text != NULL && asprintf(&line, "%s\n", text) < 0)
        line = NULL;
    free(text);
    return line;
}

static json_t *error_body(json_t *body, const char *text)
{
    if (body == NULL)
        body = json_object();
    (void)json_object_set_new(body, "ok", json_false());
    (void)json_object_set_new(body, "error", json_string(text));
    return body;
}

/* Takes over `line`. */
static void request_answer(struct control_request *request, char *line)
{
    struct control_client *client = request->client;
    json_decref(request->body);
    free(request);
    if (client == NULL) {
        free(line);
        return;
    }
    client->request = NULL;
    client_write(client, line);
}

void control_reply(struct control_request *request, json_t *body)
{
    if (body == NULL)
        body = json_object();
    (void)json_object_set_new(body, "ok", json_true());
    request_answer(request, line_of(body));
}

void control_reply_text(struct control_request *request, const char *json, size_t octets)
{
    char *line = malloc(octets + 2);
    for (size_t i = 0; line != NULL && i < octets; i++) {
        line[i] = json[i];
        if (line[i] == '\n' || line[i] == '\0')
            line[i] = ' ';
    }
    if (line != NULL)
        memcpy(line + octets, "\n", 2);
    request_answer(request, line);
}

void control_refuse(struct control_request *request, json_t *body, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    request_answer(request, line_of(error_body(body, text)));
}

const json_t *control_body(const struct control_request *request)
{
    return request->body;
}

const char *control_text(const struct control_request *request, const char *name)
{
    return json_string_value(json_object_get(request->body, name));
}

/* Text of files may be in any encoding, and JSON is UTF-8 alone. */
static json_t *text_as_json(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL)
        return value;
    char *ascii = strdup(text);
    for (char *c = ascii; c != NULL && *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    }
    value = ascii != NULL ? json_string(ascii) : NULL;
    free(ascii);
    return value;
}

json_t *control_findings(const struct findings *findings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->list[i];
        json_t *entry = json_object();
        (void)json_object_set_new(entry, "level",
                                  json_string(f->level == FINDING_ERROR ? "error" : "warning"));
        (void)json_object_set_new(entry, "file", text_as_json(f->file));
        (void)json_object_set_new(entry, "line", json_integer(f->line));
        (void)json_object_set_new(entry, "text", text_as_json(f->text));
        (void)json_array_append_new(list, entry);
    }
    return list;
}

/* --- requests --- */

static void refuse_unknown(struct control_request *request, const char *name)
{
    const struct control *control = request->client->control;
    char known[256] = "version";
    size_t at = strlen(known);
    for (size_t i = 0; i < control->command_count && at < sizeof known; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, ", %s", control->commands[i].name);
    control_refuse(request, NULL, "unknown command '%.40s': this daemon (version %s) knows %s", name,
                   HITHER_VERSION, known);
}

static void request_run(struct control_request *request)
{
    const struct control *control = request->client->control;
    const char *name = control_text(request, "command");
    if (name == NULL) {
        control_refuse(request, NULL, "the request has no command");
        return;
    }
    if (strcmp(name, "version") == 0) {
        control_reply(request, json_pack("{s:s}", "version", HITHER_VERSION));
        return;
    }
    for (size_t i = 0; i < control->command_count; i++) {
        if (strcmp(name, control->commands[i].name) == 0) {
            control->commands[i].run(request, control->owner);
            return;
        }
    }
    refuse_unknown(request, name);
}

/* A line that isn't a request closes the connection once it has been told. */
static void client_refuse(struct control_client *client, const char *text)
{
    client->last = true;
    client_write(client, line_of(error_body(NULL, text)));
}

static void client_take(struct control_client *client, size_t octets)
{
    json_t *body = json_loadb(client->line, octets, JSON_REJECT_DUPLICATES, NULL);
    client->octets -= octets + 1;
    memmove(client->line, client->line + octets + 1, client->octets);
    struct control_request *request = json_is_object(body) ? calloc(1, sizeof *request) : NULL;
    if (request == NULL) {
        json_decref(body);
        client_refuse(client, "the request isn't a JSON object in one line");
        return;
    }
    *request = (struct control_request){client, body};
    client->request = request;
    request_run(request);
}

static void client_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct control_client *client = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(client->line + client->octets, (unsigned)(sizeof client->line - client->octets));
}

static void client_read(uv_stream_t *stream, ssize_t octets, const uv_buf_t *buffer)
{
    struct control_client *client = stream->data;
    (void)buffer;
    if (octets < 0) {
        client_close(client);
        return;
    }
    client->octets += (size_t)octets;
    if (octets > 0)
        client_step(client);
}

/* One request at a time: takes the next line if it is there, else reads on. While a request is being answered
 * nothing is read, and no clock runs: how long that takes is the owner's business. */
static void client_step(struct control_client *client)
{
    const char *end = memchr(client->line, '\n', client->octets);
    if (end == NULL && client->octets < sizeof client->line) {
        if (!uv_is_active((uv_handle_t *)&client->timer))
            (void)uv_timer_start(&client->timer, client_timeout, CONTROL_IDLE_MS, 0);
        int error = uv_read_start((uv_stream_t *)&client->pipe, client_room, client_read);
        if (error < 0 && error != UV_EALREADY)
            client_close(client);
        return;
    }
    (void)uv_read_stop((uv_stream_t *)&client->pipe);
    (void)uv_timer_stop(&client->timer);
    if (end == NULL)
        client_refuse(client, "the request is too long");
    else
        client_take(client, (size_t)(end - client->line));
}

static void control_accept(uv_stream_t *listener, int status)
{
    struct control *control = listener->data;
    struct control_client *client = status == 0 ? calloc(1, sizeof *client) : NULL;
    if (client == NULL)
        return;
    client->control = control;
    (void)uv_pipe_init(control->loop, &client->pipe, 0);
    (void)uv_timer_init(control->loop, &client->timer);
    client->pipe.data = client;
    client->timer.data = client;
    client->open_handles = 2;
    control->open_handles += 2;
    client->next = control->clients;
    control->clients = client;
    control->client_count++;
    if (uv_accept(listener, (uv_stream_t *)&client->pipe) < 0)
        client_close(client);
    else if (control->client_count > CONTROL_MAX_CLIENTS)
        client_refuse(client, "too many clients are connected: try again");
    else
        client_step(client);
}

/* --- the socket --- */

/* Whether `path` is free, after a socket that nobody answers on was removed. */
static bool make_way(const struct sockaddr_un *address, char *why, size_t why_octets)
{
    struct stat st;
    if (lstat(address->sun_path, &st) < 0)
        return true; /* What else may be wrong with it, bind says. */
    if (!S_ISSOCK(st.st_mode)) {
        (void)snprintf(why, why_octets, "%s is there and isn't a socket: remove it, or set server.control",
                       address->sun_path);
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
    if (fd >= 0)
        close(fd);
    if (error != ECONNREFUSED) {
        (void)snprintf(why, why_octets, "%s is in use (%s): is hitherd running already?", address->sun_path,
                       error == 0 || error == EAGAIN ? "somebody answers" : strerror(error));
        return false;
    }
    (void)unlink(address->sun_path);
    return true;
}

static void make_directory(const char *path)
{
    char directory[sizeof((struct sockaddr_un *)0)->sun_path];
    (void)snprintf(directory, sizeof directory, "%s", path);
    char *slash = strrchr(directory, '/');
    if (slash != NULL && slash != directory) {
        *slash = '\0';
        (void)mkdir(directory, 0755);
    }
}

/* A bound socket that doesn't listen yet, so nobody gets in before the mode is right. -1 with `why` said. */
static int bind_socket(const char *path, char *why, size_t why_octets)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        (void)snprintf(why, why_octets, "%s is too long for a socket: set server.control", path);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    if (!make_way(&address, why, why_octets))
        return -1;
    make_directory(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
        chmod(path, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) < 0) {
        (void)snprintf(why, why_octets, "%s can't be made: %s: set server.control to a path that can", path,
                       strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

struct control *control_open(uv_loop_t *loop, const char *path, const struct control_command *commands,
                             size_t count, void *owner, char *why, size_t why_octets)
{
    struct stat st = {0};
    int fd = bind_socket(path, why, why_octets);
    if (fd < 0)
        return NULL;
    (void)signal(SIGPIPE, SIG_IGN); /* A client that left before its answer must not take us along. */
    struct control *control = calloc(1, sizeof *control);
    if (control == NULL) {
        (void)snprintf(why, why_octets, "memory is short");
        close(fd);
        return NULL;
    }
    *control = (struct control){
        .loop = loop, .commands = commands, .command_count = count, .owner = owner, .open_handles = 1};
    (void)snprintf(control->path, sizeof control->path, "%s", path);
    if (lstat(path, &st) == 0) {
        control->device = st.st_dev;
        control->inode = st.st_ino;
    }
    (void)uv_pipe_init(loop, &control->listener, 0);
    control->listener.data = control;
    int error = uv_pipe_open(&control->listener, fd);
    if (error == 0)
        error = uv_listen((uv_stream_t *)&control->listener, CONTROL_BACKLOG, control_accept);
    if (error == 0)
        return control;
    (void)snprintf(why, why_octets, "%s can't be listened on: %s", path, uv_strerror(error));
    control_close(control);
    return NULL;
}

void control_close(struct control *control)
{
    struct stat st;
    if (control->closing)
        return;
    control->closing = true;
    if (lstat(control->path, &st) == 0 && st.st_dev == control->device && st.st_ino == control->inode)
        (void)unlink(control->path);
    while (control->clients != NULL)
        client_close(control->clients);
    uv_close((uv_handle_t *)&control->listener, listener_closed);
}
