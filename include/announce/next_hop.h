/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which addresses routers should send the service's traffic to: the session's own local address for its
 * family, and for the other family a global address of the interface that the local address lives on. And the
 * other way round: the default route's next hop, for a neighbour called "gateway".
 */
#ifndef HITHER_ANNOUNCE_NEXT_HOP_H
#define HITHER_ANNOUNCE_NEXT_HOP_H

#include "announce/bgp_write.h"
#include "config.h"

#include <ifaddrs.h>

struct next_hops {
    struct bgp_next_hop ipv4; /* family 0: none */
    struct bgp_next_hop ipv6;
};

/* From a list of interface addresses. An address inside one of the `count` prefixes at `avoid` is never
 * chosen for the other family: it is the service's own, and a route to it through itself leads nowhere. */
struct next_hops next_hops_choose(const struct ifaddrs *list, const union settings_address *local,
                                  const struct settings_prefix *avoid, size_t count);

/* The same, asking the system. */
struct next_hops next_hops_find(const union settings_address *local, const struct settings_prefix *avoid,
                                size_t count);

bool prefix_contains(const struct settings_prefix *prefix, uint8_t family, const uint8_t *octets);

/* The default route with the lowest metric in the text of /proc/net/route. */
bool gateway_read_ipv4(const char *text, union settings_address *gateway);

/* The same for /proc/net/ipv6_route; a link-local one carries its interface. */
bool gateway_read_ipv6(const char *text, union settings_address *gateway);

/* IPv4's default gateway, else IPv6's; with `port`. */
bool gateway_find(uint16_t port, union settings_address *gateway);

#endif
