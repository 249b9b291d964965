/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/probe_socket.h"

#include "net/lane.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_TRIES 16

static socklen_t address_octets(const union settings_address *address)
{
    return address->sa.sa_family == AF_INET ? sizeof address->in4 : sizeof address->in6;
}

/* The service address is often still to be added to the host. */
const char *probe_socket_error(int error, const char *otherwise)
{
    switch (error) {
    case ECONNREFUSED:
        return "nobody listens";
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EADDRNOTAVAIL:
        return "no way to the address: has this host got it? (ip address add ADDRESS dev lo)";
    default:
        return otherwise;
    }
}

static bool socket_take_lane(int fd, int family, unsigned worker, unsigned workers)
{
    union settings_address from = {.sa.sa_family = (sa_family_t)family};
    for (int i = 0; i < PORT_TRIES; i++) {
        uint16_t port = htons(lane_port(worker, workers, randombytes_random()));
        if (family == AF_INET)
            from.in4.sin_port = port;
        else
            from.in6.sin6_port = port;
        if (bind(fd, &from.sa, address_octets(&from)) == 0)
            return true;
        if (errno != EADDRINUSE)
            return false;
    }
    return false;
}

static bool socket_prepare(int fd, const union settings_address *to, int type, unsigned worker,
                           unsigned workers)
{
    if (workers > 0 && type == SOCK_STREAM) /* Ports of connections that are just ending may be had again. */
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (workers > 0 && !socket_take_lane(fd, to->sa.sa_family, worker, workers))
        return false;
    /* Connected, so that the kernel lets in only what comes from the address we ask. */
    return type != SOCK_DGRAM || connect(fd, &to->sa, address_octets(to)) == 0;
}

int probe_socket_open(const union settings_address *to, int type, unsigned worker, unsigned workers)
{
    int fd = socket(to->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || socket_prepare(fd, to, type, worker, workers))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}
