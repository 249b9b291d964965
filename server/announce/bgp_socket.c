/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bgp_socket.h"

#include <errno.h>

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TTL_MOST           255
#define MD5_OCTETS_MOST    80
#define SEND_BUFFER_OCTETS 65536 /* enough for all our routes; so a peer that stops reading shows soon */

struct option {
    const char *name; /* for the log */
    int level;
    int option;
    int value;
};

static int option_set(int fd, const struct option *option, const char **failed)
{
    if (setsockopt(fd, option->level, option->option, &option->value, sizeof option->value) == 0)
        return 0;
    *failed = option->name;
    return -errno;
}

static int options_set(int fd, const struct option *options, size_t count, const char **failed)
{
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++)
        error = option_set(fd, &options[i], failed);
    return error;
}

static int socket_set_plain(int fd, const struct bgp_peer_settings *settings, int family, const char **failed)
{
    const struct option options[] = {
        {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1},
        {"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, settings->hold_time_s * 1000},
        {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_OCTETS},
        family == AF_INET
            ? (struct option){"IP_TOS", IPPROTO_IP, IP_TOS, IPTOS_PREC_INTERNETCONTROL}
            : (struct option){"IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS, IPTOS_PREC_INTERNETCONTROL},
    };
    return options_set(fd, options, sizeof options / sizeof options[0], failed);
}

static int socket_set_ttl_security(int fd, int family, const char **failed)
{
    const struct option ipv4[] = {{"IP_TTL", IPPROTO_IP, IP_TTL, TTL_MOST},
                                  {"IP_MINTTL", IPPROTO_IP, IP_MINTTL, TTL_MOST}};
    const struct option ipv6[] = {{"IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, TTL_MOST},
                                  {"IPV6_MINHOPCOUNT", IPPROTO_IPV6, IPV6_MINHOPCOUNT, TTL_MOST}};
    return options_set(fd, family == AF_INET ? ipv4 : ipv6, 2, failed);
}

static size_t address_size(const union settings_address *address)
{
    return address->sa.sa_family == AF_INET ? sizeof address->in4 : sizeof address->in6;
}

static int socket_set_md5(int fd, const char *password, const union settings_address *remote,
                          const char **failed)
{
    struct tcp_md5sig md5 = {0};
    size_t octets = strnlen(password, MD5_OCTETS_MOST);
    memcpy(&md5.tcpm_addr, remote, address_size(remote));
    memcpy(md5.tcpm_key, password, octets);
    md5.tcpm_keylen = (uint16_t)octets;
    if (setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &md5, sizeof md5) == 0)
        return 0;
    *failed = "TCP_MD5SIG";
    return -errno;
}

static int socket_bind(int fd, const union settings_address *local, const char **failed)
{
    if (bind(fd, &local->sa, (socklen_t)address_size(local)) == 0)
        return 0;
    *failed = "local-address";
    return -errno;
}

static int socket_set_all(int fd, const struct bgp_peer_settings *settings,
                          const union settings_address *remote, const char **failed)
{
    int family = remote->sa.sa_family;
    int error = socket_set_plain(fd, settings, family, failed);
    if (error == 0 && settings->ttl_security)
        error = socket_set_ttl_security(fd, family, failed);
    if (error == 0 && settings->md5_password[0] != '\0')
        error = socket_set_md5(fd, settings->md5_password, remote, failed);
    if (error == 0 && settings->local_address.sa.sa_family == family)
        error = socket_bind(fd, &settings->local_address, failed);
    return error;
}

int bgp_socket_open(const struct bgp_peer_settings *settings, const union settings_address *remote,
                    const char **failed)
{
    int fd = socket(remote->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0) {
        *failed = "socket";
        return -errno;
    }
    int error = socket_set_all(fd, settings, remote, failed);
    if (error == 0)
        return fd;
    close(fd);
    return error;
}
