/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/listen.h"

#include "base/log.h"
#include "net/lane.h"
#include "net/pktinfo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LISTEN_SPELLED_OCTETS (INET6_ADDRSTRLEN + 8)

/* "192.0.2.1@53", as the configuration writes it. */
static void listen_spell(const union settings_address *address, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool six = address->sa.sa_family == AF_INET6;
    const void *octets = six ? (const void *)&address->in6.sin6_addr : (const void *)&address->in4.sin_addr;
    (void)inet_ntop(address->sa.sa_family, octets, host, sizeof host);
    (void)snprintf(text, size, "%s@%u", host, ntohs(six ? address->in6.sin6_port : address->in4.sin_port));
}

static const char *listen_remedy(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another program has it: stop that one, or choose another port in server.listen (ss -lnp "
               "shows who)";
    case EACCES:
    case EPERM:
        return "ports below 1024 need root or CAP_NET_BIND_SERVICE: start as root with server.user set, or "
               "give the capability (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)";
    case EAFNOSUPPORT:
        return "this host has that address family switched off: remove the address from server.listen";
    case EMFILE:
    case ENFILE:
        return "too few descriptors: raise the limit (ulimit -n, systemd: LimitNOFILE)";
    case EADDRNOTAVAIL:
        return "no such address here: check server.listen";
    default:
        return "check server.listen";
    }
}

static socklen_t listen_address_octets(const union settings_address *address)
{
    return address->sa.sa_family == AF_INET6 ? sizeof address->in6 : sizeof address->in4;
}

static int listen_set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

/* An anycast address may be added to the host later than we start, or not at all while we are drained: hence
 * FREEBIND. */
static int listen_prepare(int fd, int family)
{
    if (family == AF_INET6) {
        int error = listen_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        return error < 0 ? error : listen_set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
    }
    return listen_set(fd, IPPROTO_IP, IP_FREEBIND, 1);
}

/* Our own sockets share the address by SO_REUSEPORT, and so would those of a second hitherd of the same user:
 * half of the queries would go to each, unseen. A socket without that option is refused when there is one. */
static int listen_find_out_if_taken(const union settings_address *address, int type)
{
    int fd = socket(address->sa.sa_family, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = listen_prepare(fd, address->sa.sa_family);
    if (error == 0 && type == SOCK_STREAM) /* Connections of an earlier run may still be in TIME_WAIT. */
        error = listen_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0 && bind(fd, &address->sa, listen_address_octets(address)) < 0)
        error = -errno;
    close(fd);
    return error;
}

/* A larger buffer than net.core.*mem_max allows takes CAP_NET_ADMIN; without it the kernel cuts it to that,
 * and we make do. */
static void listen_enlarge(int fd, int forced, int option, int octets)
{
    if (listen_set(fd, SOL_SOCKET, forced, octets) < 0)
        (void)listen_set(fd, SOL_SOCKET, option, octets);
}

/* RFC 9715: an answer is never fragmented, neither by us nor on a path that some forged ICMP describes. */
static int listen_prepare_udp(int fd, const union settings_address *address)
{
    int family = address->sa.sa_family;
    int error = family == AF_INET6 ? listen_set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT)
                                   : listen_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    listen_enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF, LISTEN_UDP_RECEIVE_OCTETS);
    listen_enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF, LISTEN_UDP_SEND_OCTETS);
    if (error == 0 && pktinfo_is_needed(&address->sa))
        error = pktinfo_enable(fd, family);
    return error;
}

/* A bound socket, listening when it is TCP, or -errno. */
static int listen_bind(const union settings_address *address, int type)
{
    int fd = socket(address->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = listen_prepare(fd, address->sa.sa_family);
    if (error == 0)
        error = listen_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (error == 0)
        error = type == SOCK_DGRAM ? listen_prepare_udp(fd, address)
                                   : listen_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0 && bind(fd, &address->sa, listen_address_octets(address)) < 0)
        error = -errno;
    if (error == 0 && type == SOCK_STREAM && listen(fd, LISTEN_TCP_BACKLOG) < 0)
        error = -errno;
    if (error < 0) {
        close(fd);
        return error;
    }
    return fd;
}

static int listen_add(struct shared_down *down, const union settings_address *address, size_t which,
                      unsigned worker, enum shared_transport transport, bool lane)
{
    if (down->socket_count >= SHARED_MAX_SOCKETS)
        return -ENOSPC;
    int fd = listen_bind(address, transport == SHARED_UDP ? SOCK_DGRAM : SOCK_STREAM);
    if (fd < 0)
        return fd;
    down->sockets[down->socket_count++] =
        (struct shared_socket){fd, (uint16_t)worker, (uint16_t)which, (uint16_t)transport, lane};
    return 0;
}

/* One of each transport for each worker. */
static int listen_add_row(const struct settings_server *settings, size_t which, struct shared_down *down,
                          bool lanes)
{
    int error = 0;
    for (unsigned worker = 0; error == 0 && worker < settings->workers; worker++) {
        error = listen_add(down, &settings->listen[which], which, worker, SHARED_UDP, lanes);
        if (error == 0)
            error = listen_add(down, &settings->listen[which], which, worker, SHARED_TCP, lanes);
    }
    return error;
}

/* Lanes for both transports, or for none. `first` are the sockets of worker 0. */
static bool listen_attach(const struct shared_socket first[2], int family, unsigned workers,
                          const char *spelled)
{
    int error = lane_attach(first[0].fd, family, workers);
    if (error == 0) {
        error = lane_attach(first[1].fd, family, workers);
        if (error < 0)
            lane_detach(first[0].fd);
    }
    if (error < 0)
        log_warn("on %s the self-check meets workers by chance, and waits in the same queues as everybody: "
                 "this kernel doesn't let its packets be told apart: %s",
                 spelled, strerror(-error));
    return error == 0;
}

static int listen_open_address(const struct settings_server *settings, size_t which, struct shared_down *down)
{
    const union settings_address *address = &settings->listen[which];
    int error = listen_find_out_if_taken(address, SOCK_DGRAM);
    if (error == 0)
        error = listen_find_out_if_taken(address, SOCK_STREAM);
    uint32_t first = down->socket_count;
    if (error == 0)
        error = listen_add_row(settings, which, down, false);
    if (error < 0)
        return error;
    char spelled[LISTEN_SPELLED_OCTETS];
    listen_spell(address, spelled, sizeof spelled);
    if (listen_attach(&down->sockets[first], address->sa.sa_family, settings->workers, spelled))
        return listen_add_row(settings, which, down, true);
    down->lanes = 0;
    return 0;
}

int listen_open(const struct settings_server *settings, struct shared_down *down, char *why,
                size_t why_octets)
{
    char spelled[LISTEN_SPELLED_OCTETS];
    down->lanes = 1;
    for (size_t which = 0; which < settings->listen_count; which++) {
        int error = listen_open_address(settings, which, down);
        if (error < 0) {
            listen_spell(&settings->listen[which], spelled, sizeof spelled);
            (void)snprintf(why, why_octets, "can't listen on %s: %s; %s", spelled, strerror(-error),
                           listen_remedy(-error));
            listen_close(down);
            return error;
        }
    }
    return 0;
}

void listen_close(struct shared_down *down)
{
    for (uint32_t i = 0; i < down->socket_count; i++)
        close(down->sockets[i].fd);
    down->socket_count = 0;
}
