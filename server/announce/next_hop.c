/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/next_hop.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROC_OCTETS      65536 /* of the routing table; a default route stands near its top or we do without */
#define ROUTE_IS_UP      0x0001
#define ROUTE_IS_GATEWAY 0x0002
#define ROUTE_IS_REJECT  0x0200

bool prefix_contains(const struct settings_prefix *prefix, uint8_t family, const uint8_t *octets)
{
    if (prefix->family != family || prefix->bits > (family == AF_INET6 ? 128 : 32))
        return false;
    size_t whole = prefix->bits / 8;
    uint8_t rest = (uint8_t)(0xff00 >> (prefix->bits % 8));
    if (memcmp(prefix->octets, octets, whole) != 0)
        return false;
    return prefix->bits % 8 == 0 || ((prefix->octets[whole] ^ octets[whole]) & rest) == 0;
}

/* The address's octets into `to`, and how many; 0 for families that aren't IP. */
static size_t address_copy(const struct sockaddr *address, uint8_t to[16])
{
    const union settings_address *of = (const union settings_address *)(const void *)address;
    if (address == NULL || (address->sa_family != AF_INET && address->sa_family != AF_INET6))
        return 0;
    if (address->sa_family == AF_INET)
        memcpy(to, &of->in4.sin_addr, 4);
    else
        memcpy(to, &of->in6.sin6_addr, 16);
    return address->sa_family == AF_INET ? 4 : 16;
}

static bool address_same(const struct sockaddr *a, const struct sockaddr *b)
{
    uint8_t of_a[16];
    uint8_t of_b[16];
    size_t octets_a = address_copy(a, of_a);
    size_t octets_b = address_copy(b, of_b);
    return octets_a > 0 && octets_a == octets_b && memcmp(of_a, of_b, octets_a) == 0;
}

static bool address_is_link_local(const struct sockaddr *address)
{
    const union settings_address *of = (const union settings_address *)(const void *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&of->in6.sin6_addr);
}

static bool address_is_global(const struct sockaddr *address)
{
    const union settings_address *of = (const union settings_address *)(const void *)address;
    if (address->sa_family == AF_INET) {
        uint32_t host = ntohl(of->in4.sin_addr.s_addr);
        return host >> 24 != 127 && host >> 24 != 0 && host >> 16 != 0xa9fe; /* 169.254/16: link-local */
    }
    const struct in6_addr *in6 = &of->in6.sin6_addr;
    return !IN6_IS_ADDR_LINKLOCAL(in6) && !IN6_IS_ADDR_LOOPBACK(in6) && !IN6_IS_ADDR_UNSPECIFIED(in6) &&
           !IN6_IS_ADDR_MULTICAST(in6) && !IN6_IS_ADDR_V4MAPPED(in6);
}

static bool address_is_avoided(const struct sockaddr *address, const struct settings_prefix *avoid,
                               size_t count)
{
    uint8_t of[16] = {0};
    (void)address_copy(address, of);
    for (size_t i = 0; i < count; i++)
        if (prefix_contains(&avoid[i], (uint8_t)address->sa_family, of))
            return true;
    return false;
}

/* The interface that has the address; NULL when none does. */
static const char *interface_of(const struct ifaddrs *list, const struct sockaddr *address)
{
    for (const struct ifaddrs *at = list; at != NULL; at = at->ifa_next)
        if (address_same(at->ifa_addr, address))
            return at->ifa_name;
    return NULL;
}

static void next_hop_set(struct bgp_next_hop *hop, const struct sockaddr *address)
{
    if (address_copy(address, hop->octets) > 0)
        hop->family = (uint8_t)address->sa_family;
}

/* RFC 2545 3 for a session between link-local addresses: the link-local address goes along, after the global
 * one, or in its place too where the interface has none. */
static void next_hop_add_link_local(struct bgp_next_hop *hop, const struct sockaddr *address)
{
    if (hop->family == 0)
        next_hop_set(hop, address);
    hop->link_local = address_copy(address, hop->octets + 16) == 16;
}

/* The first usable address of `family` on `interface`. */
static void next_hop_on(const struct ifaddrs *list, const char *interface, int family,
                        const struct settings_prefix *avoid, size_t count, struct bgp_next_hop *hop)
{
    for (const struct ifaddrs *at = list; at != NULL && hop->family == 0; at = at->ifa_next) {
        if (at->ifa_addr == NULL || at->ifa_addr->sa_family != family || strcmp(at->ifa_name, interface) != 0)
            continue;
        if (address_is_global(at->ifa_addr) && !address_is_avoided(at->ifa_addr, avoid, count))
            next_hop_set(hop, at->ifa_addr);
    }
}

struct next_hops next_hops_choose(const struct ifaddrs *list, const union settings_address *local,
                                  const struct settings_prefix *avoid, size_t count)
{
    struct next_hops hops = {0};
    bool link_local = address_is_link_local(&local->sa);
    if (!link_local)
        next_hop_set(local->sa.sa_family == AF_INET ? &hops.ipv4 : &hops.ipv6, &local->sa);
    const char *interface = interface_of(list, &local->sa);
    if (interface != NULL) {
        next_hop_on(list, interface, AF_INET, avoid, count, &hops.ipv4);
        next_hop_on(list, interface, AF_INET6, avoid, count, &hops.ipv6);
    }
    if (link_local)
        next_hop_add_link_local(&hops.ipv6, &local->sa);
    return hops;
}

struct next_hops next_hops_find(const union settings_address *local, const struct settings_prefix *avoid,
                                size_t count)
{
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) < 0)
        list = NULL;
    struct next_hops hops = next_hops_choose(list, local, avoid, count);
    if (list != NULL)
        freeifaddrs(list);
    return hops;
}

static const char *line_after(const char *text)
{
    const char *end = strchr(text, '\n');
    return end != NULL ? end + 1 : text + strlen(text);
}

bool gateway_read_ipv4(const char *text, union settings_address *gateway)
{
    unsigned long best = ULONG_MAX;
    for (const char *line = line_after(text); *line != '\0'; line = line_after(line)) {
        unsigned destination = 0;
        unsigned next = 0;
        unsigned flags = 0;
        unsigned mask = 0;
        unsigned metric = 0;
        /* NOLINTNEXTLINE(bugprone-unchecked-string-to-number-conversion): the kernel's own numbers */
        if (sscanf(line, "%*15s %8x %8x %4x %*d %*u %10u %8x", &destination, &next, &flags, &metric, &mask) !=
            5)
            continue;
        bool usable = (flags & ROUTE_IS_UP) != 0 && (flags & ROUTE_IS_GATEWAY) != 0;
        if (destination != 0 || mask != 0 || !usable || metric >= best)
            continue;
        best = metric;
        *gateway = (union settings_address){.in4 = {.sin_family = AF_INET}};
        gateway->in4.sin_addr.s_addr = next; /* printed as the kernel's memory holds it */
    }
    return best != ULONG_MAX;
}

/* 32 hexadecimal digits into 16 octets. */
static bool hex_to_address(const char *hex, struct in6_addr *address)
{
    for (size_t i = 0; i < 16; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        char *end = NULL;
        address->s6_addr[i] = (uint8_t)strtoul(pair, &end, 16);
        if (end != pair + 2)
            return false;
    }
    return true;
}

bool gateway_read_ipv6(const char *text, union settings_address *gateway)
{
    unsigned long best = ULONG_MAX;
    for (const char *line = text; *line != '\0'; line = line_after(line)) {
        char destination[33];
        char next[33];
        char interface[IF_NAMESIZE];
        unsigned bits = 0;
        unsigned metric = 0;
        unsigned flags = 0;
        struct in6_addr address;
        /* NOLINTNEXTLINE(bugprone-unchecked-string-to-number-conversion): the kernel's own numbers */
        if (sscanf(line, "%32s %2x %*32s %*2x %32s %8x %*8x %*8x %8x %15s", destination, &bits, next, &metric,
                   &flags, interface) != 6)
            continue;
        bool usable =
            (flags & ROUTE_IS_UP) != 0 && (flags & ROUTE_IS_GATEWAY) != 0 && (flags & ROUTE_IS_REJECT) == 0;
        if (bits != 0 || !usable || metric >= best || !hex_to_address(next, &address))
            continue;
        best = metric;
        *gateway = (union settings_address){.in6 = {.sin6_family = AF_INET6, .sin6_addr = address}};
        if (IN6_IS_ADDR_LINKLOCAL(&address))
            gateway->in6.sin6_scope_id = if_nametoindex(interface);
    }
    return best != ULONG_MAX;
}

/* What fits of a file in /proc, zero-terminated; empty when it can't be read. */
static void proc_read(const char *path, char *text, size_t size)
{
    size_t at = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && at < size - 1) {
        ssize_t octets = read(fd, text + at, size - 1 - at);
        if (octets <= 0)
            break;
        at += (size_t)octets;
    }
    if (fd >= 0)
        close(fd);
    text[at] = '\0';
}

bool gateway_find(uint16_t port, union settings_address *gateway)
{
    static char text[PROC_OCTETS]; /* one loop, one thread */
    proc_read("/proc/self/net/route", text, sizeof text);
    bool found = gateway_read_ipv4(text, gateway);
    if (!found) {
        proc_read("/proc/self/net/ipv6_route", text, sizeof text);
        found = gateway_read_ipv6(text, gateway);
    }
    if (found && gateway->sa.sa_family == AF_INET)
        gateway->in4.sin_port = htons(port);
    else if (found)
        gateway->in6.sin6_port = htons(port);
    return found;
}
