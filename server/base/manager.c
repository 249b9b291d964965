/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/manager.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MANAGER_TEXT_OCTETS 512

static struct manager {
    int fd; /* connected; below 0: no manager */
    bool ready;
    bool stopping;
    unsigned reloads; /* under way */
    int64_t watchdog_ms;
    char status[MANAGER_TEXT_OCTETS];
} manager = {.fd = -1};

/* A manager that takes nothing must not hold us up: what doesn't fit is lost. */
static void manager_tell(const char *text)
{
    if (manager.fd >= 0)
        (void)send(manager.fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A path, or with '@' first a name in the abstract space. The address's octets; 0 when it is neither. */
static socklen_t manager_address(const char *name, struct sockaddr_un *address)
{
    size_t octets = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || octets < 2 || octets >= sizeof address->sun_path)
        return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, octets);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + octets);
}

/* A whole number of the environment; 0 when there is none. */
static int64_t manager_number(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    errno = 0;
    long long value = text != NULL ? strtoll(text, &end, 10) : 0;
    return text != NULL && end != text && *end == '\0' && errno == 0 && value > 0 ? value : 0;
}

int manager_open(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    if (name == NULL || name[0] == '\0')
        return 0;
    socklen_t octets = manager_address(name, &address);
    if (octets == 0)
        return -EAFNOSUPPORT;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, octets) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    int64_t pid = manager_number("WATCHDOG_PID");
    manager = (struct manager){.fd = fd};
    if (pid == 0 || pid == getpid())
        manager.watchdog_ms = manager_number("WATCHDOG_USEC") / 1000;
    return 0;
}

void manager_close(void)
{
    if (manager.fd >= 0)
        close(manager.fd);
    manager = (struct manager){.fd = -1};
}

int64_t manager_watchdog_ms(void)
{
    return manager.watchdog_ms > 1 ? manager.watchdog_ms / 2 : manager.watchdog_ms;
}

void manager_feed_watchdog(void)
{
    manager_tell("WATCHDOG=1");
}

void manager_ready(void)
{
    if (!manager.ready && !manager.stopping)
        manager_tell("READY=1");
    manager.ready = true;
}

void manager_reload_begins(struct mono now)
{
    char text[MANAGER_TEXT_OCTETS];
    (void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(now.ns / 1000));
    if (manager.reloads++ == 0 && manager.ready && !manager.stopping)
        manager_tell(text);
}

void manager_reload_ends(void)
{
    if (manager.reloads > 0 && --manager.reloads == 0 && manager.ready && !manager.stopping)
        manager_tell("READY=1");
}

void manager_stopping(void)
{
    if (!manager.stopping)
        manager_tell("STOPPING=1");
    manager.stopping = true;
}

void manager_status(const char *line)
{
    char text[MANAGER_TEXT_OCTETS];
    (void)snprintf(text, sizeof text, "STATUS=%s", line);
    if (strcmp(text, manager.status) == 0)
        return;
    memcpy(manager.status, text, sizeof text);
    manager_tell(text);
}
