/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bfd_socket.h"

#include <errno.h>
#include <netinet/ip.h>
#include <string.h>
#include <unistd.h>

#define TTL_MOST     255
#define SOURCE_FIRST 49152 /* to 65535 */
#define SOURCE_PORTS 16384
#define SOURCE_TRIES 64

struct option {
    int level;
    int name;
    int value;
};

static int options_set(int fd, const struct option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value) !=
            0)
            return -errno;
    return 0;
}

static int socket_set_sender(int fd, int family)
{
    static const struct option ipv4[] = {{IPPROTO_IP, IP_TTL, TTL_MOST},
                                         {IPPROTO_IP, IP_TOS, IPTOS_PREC_INTERNETCONTROL}};
    static const struct option ipv6[] = {{IPPROTO_IPV6, IPV6_UNICAST_HOPS, TTL_MOST},
                                         {IPPROTO_IPV6, IPV6_TCLASS, IPTOS_PREC_INTERNETCONTROL}};
    return options_set(fd, family == AF_INET ? ipv4 : ipv6, 2);
}

static int socket_set_listener(int fd, int family)
{
    static const struct option ipv4[] = {{IPPROTO_IP, IP_RECVTTL, 1}};
    static const struct option ipv6[] = {{IPPROTO_IPV6, IPV6_V6ONLY, 1},
                                         {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1}};
    return family == AF_INET ? options_set(fd, ipv4, 1) : options_set(fd, ipv6, 2);
}

static void address_set_port(union settings_address *address, uint16_t port)
{
    if (address->sa.sa_family == AF_INET)
        address->in4.sin_port = htons(port);
    else
        address->in6.sin6_port = htons(port);
}

static int socket_bind(int fd, const union settings_address *address)
{
    return bind(fd, &address->sa, settings_address_octets(address)) == 0 ? 0 : -errno;
}

static int socket_make(int family)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    return fd >= 0 ? fd : -errno;
}

/* `fd`, or the error instead of it. */
static int socket_or_error(int fd, int error)
{
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

/* Not shared with another program on this host that speaks BFD: only one of the two would hear anything. */
int bfd_socket_listen(int family)
{
    union settings_address any = {.sa.sa_family = (sa_family_t)family};
    int fd = socket_make(family);
    if (fd < 0)
        return fd;
    address_set_port(&any, BFD_PORT);
    int error = socket_set_listener(fd, family);
    if (error == 0)
        error = socket_bind(fd, &any);
    return socket_or_error(fd, error);
}

static int socket_bind_source(int fd, const union settings_address *local, uint32_t random)
{
    union settings_address source = *local;
    int error = -EADDRINUSE;
    for (uint32_t i = 0; error == -EADDRINUSE && i < SOURCE_TRIES; i++) {
        address_set_port(&source, (uint16_t)(SOURCE_FIRST + (random + i) % SOURCE_PORTS));
        error = socket_bind(fd, &source);
    }
    return error;
}

int bfd_socket_connect(const union settings_address *local, const union settings_address *remote,
                       uint32_t random)
{
    union settings_address to = *remote;
    int fd = socket_make(local->sa.sa_family);
    if (fd < 0)
        return fd;
    address_set_port(&to, BFD_PORT);
    int error = socket_set_sender(fd, local->sa.sa_family);
    if (error == 0)
        error = socket_bind_source(fd, local, random);
    if (error == 0 && connect(fd, &to.sa, settings_address_octets(&to)) != 0)
        error = -errno;
    return socket_or_error(fd, error);
}

static bool message_is_near(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        int ttl = 0;
        bool is_ttl = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
                      (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT);
        if (!is_ttl || c->cmsg_len < CMSG_LEN(sizeof ttl))
            continue;
        memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
        return ttl == TTL_MOST;
    }
    return false;
}

ssize_t bfd_socket_receive(int fd, uint8_t bytes[BFD_DATAGRAM_SPACE], union settings_address *from,
                           bool *near)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int)) * 4];
    struct iovec room = {bytes, BFD_DATAGRAM_SPACE};
    struct msghdr message = {
        .msg_name = from,
        .msg_namelen = sizeof *from,
        .msg_iov = &room,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    ssize_t octets = recvmsg(fd, &message, MSG_DONTWAIT);
    if (octets < 0)
        return -errno;
    *near = message_is_near(&message);
    return octets;
}
