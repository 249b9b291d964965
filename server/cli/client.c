/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static const char *remedy_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return "ask as root or as a member of the group that the socket belongs to";
    case ENOENT:
    case ECONNREFUSED:
        return "is hitherd running? Its configuration can be named with -c FILE, its socket with --socket "
               "PATH";
    case EAGAIN:
        return "it may be hung: see its log";
    default:
        return "see the daemon's log";
    }
}

static json_t *unreachable(const char *path, int error, char *why, size_t why_octets)
{
    const char *what = error == EAGAIN ? "no answer in time" : strerror(error);
    (void)snprintf(why, why_octets, "can't reach hitherd at %s: %s\n%s", path, what, remedy_of(error));
    return NULL;
}

/* A connected socket, or -errno. */
static int connect_to(const char *path, int timeout_s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval timeout = {.tv_sec = timeout_s};
    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

/* 0 or -errno. */
static int send_line(int fd, const json_t *request)
{
    char *line = NULL;
    char *text = json_dumps(request, JSON_COMPACT);
    int octets = text != NULL ? asprintf(&line, "%s\n", text) : -1;
    int error = octets < 0 ? -ENOMEM : 0;
    for (int at = 0; error == 0 && at < octets;) {
        ssize_t sent = send(fd, line + at, (size_t)(octets - at), MSG_NOSIGNAL);
        if (sent > 0)
            at += (int)sent;
        else if (errno != EINTR)
            error = -errno;
    }
    if (octets >= 0)
        free(line);
    free(text);
    return error;
}

/* The line that comes, grown as needed. 0 with `*line` (from malloc) and its octets, or -errno. */
static int receive_line(int fd, char **line, size_t *octets)
{
    size_t size = 0;
    *line = NULL;
    *octets = 0;
    for (;;) {
        if (*octets == size) {
            size = size > 0 ? size * 2 : 4096;
            char *grown = size <= CLIENT_MAX_REPLY_OCTETS ? realloc(*line, size) : NULL;
            if (grown == NULL)
                return -EMSGSIZE;
            *line = grown;
        }
        ssize_t got = recv(fd, *line + *octets, size - *octets, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -ECONNRESET;
        const char *end = memchr(*line + *octets, '\n', (size_t)got);
        *octets += (size_t)got;
        if (end != NULL) {
            *octets = (size_t)(end - *line);
            return 0;
        }
    }
}

json_t *client_ask(const char *path, const json_t *request, int timeout_s, char *why, size_t why_octets)
{
    char *line = NULL;
    size_t octets = 0;
    int fd = connect_to(path, timeout_s);
    if (fd < 0)
        return unreachable(path, -fd, why, why_octets);
    int error = send_line(fd, request);
    if (error == 0)
        error = receive_line(fd, &line, &octets);
    close(fd);
    json_t *reply = error == 0 ? json_loadb(line, octets, 0, NULL) : NULL;
    free(line);
    if (error != 0)
        return unreachable(path, -error, why, why_octets);
    if (json_is_object(reply))
        return reply;
    json_decref(reply);
    (void)snprintf(why, why_octets, "what answers at %s isn't hitherd", path);
    return NULL;
}
