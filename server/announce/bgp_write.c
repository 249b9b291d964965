/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bgp_write.h"

#include <netinet/in.h>

enum {
    ATTRIBUTE_ORIGIN = 1,
    ATTRIBUTE_AS_PATH = 2,
    ATTRIBUTE_NEXT_HOP = 3,
    ATTRIBUTE_MED = 4,
    ATTRIBUTE_LOCAL_PREF = 5,
    ATTRIBUTE_COMMUNITIES = 8,
    ATTRIBUTE_MP_REACH = 14,
    ATTRIBUTE_MP_UNREACH = 15,
    ATTRIBUTE_AS4_PATH = 17,
    ATTRIBUTE_LARGE_COMMUNITIES = 32,
    ATTRIBUTE_ONLY_TO_CUSTOMER = 35,
};

enum {
    FLAG_OPTIONAL = 0x80,
    FLAG_TRANSITIVE = 0x40,
    FLAG_EXTENDED = 0x10,
};

enum {
    CAPABILITY_MULTIPROTOCOL = 1,
    CAPABILITY_ROUTE_REFRESH = 2,
    CAPABILITY_EXTENDED_NEXT_HOP = 5,
    CAPABILITY_ROLE = 9,
    CAPABILITY_FOUR_OCTET_AS = 65,
};

#define SAFI_UNICAST     1
#define AS_SEQUENCE      2
#define LOCAL_PREF_USUAL 100
#define PREPEND_MOST     32

static uint16_t bgp_afi(bool is_ipv6)
{
    return is_ipv6 ? 2 : 1;
}

/* Everything before the body; bgp_message_end() knows the length. Returns where the message begins. */
static size_t bgp_message_begin(struct writer *to, enum bgp_type type)
{
    static const uint8_t marker[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    size_t begin = writer_offset(to);
    writer_bytes(to, marker, sizeof marker);
    writer_u16(to, 0);
    writer_u8(to, (uint8_t)type);
    return begin;
}

static void bgp_message_end(struct writer *to, size_t begin)
{
    size_t octets = writer_offset(to) - begin;
    if (octets > BGP_MESSAGE_OCTETS)
        to->failed = true;
    writer_set_u16(to, begin + 16, (uint16_t)octets);
}

/* A length field of two octets that is filled in when what follows it is written. */
static size_t bgp_length_begin(struct writer *to)
{
    size_t at = writer_offset(to);
    writer_u16(to, 0);
    return at;
}

static void bgp_length_end(struct writer *to, size_t at)
{
    writer_set_u16(to, at, (uint16_t)(writer_offset(to) - at - 2));
}

/* Flags, type and an extended length, which is allowed for short attributes too. */
static size_t bgp_attribute_begin(struct writer *to, uint8_t flags, uint8_t type)
{
    writer_u8(to, flags | FLAG_EXTENDED);
    writer_u8(to, type);
    return bgp_length_begin(to);
}

static void bgp_attribute_head(struct writer *to, uint8_t flags, uint8_t type, uint8_t octets)
{
    writer_u8(to, flags);
    writer_u8(to, type);
    writer_u8(to, octets);
}

static void bgp_capability_multiprotocol(struct writer *to, bool is_ipv6)
{
    writer_u8(to, CAPABILITY_MULTIPROTOCOL);
    writer_u8(to, 4);
    writer_u16(to, bgp_afi(is_ipv6));
    writer_u16(to, SAFI_UNICAST); /* a reserved octet, then the SAFI */
}

static void bgp_capability_extended_next_hop(struct writer *to)
{
    writer_u8(to, CAPABILITY_EXTENDED_NEXT_HOP);
    writer_u8(to, 6);
    writer_u16(to, bgp_afi(false));
    writer_u16(to, SAFI_UNICAST);
    writer_u16(to, bgp_afi(true));
}

static void bgp_capabilities(struct writer *to, const struct bgp_open *open)
{
    static const uint8_t role_values[] = {
        [ROLE_PROVIDER] = 0, [ROLE_RS] = 1, [ROLE_RS_CLIENT] = 2, [ROLE_CUSTOMER] = 3, [ROLE_PEER] = 4};
    if ((open->families & BGP_IPV4) != 0)
        bgp_capability_multiprotocol(to, false);
    if ((open->families & BGP_IPV6) != 0)
        bgp_capability_multiprotocol(to, true);
    if (open->route_refresh) {
        writer_u8(to, CAPABILITY_ROUTE_REFRESH);
        writer_u8(to, 0);
    }
    if (open->ipv4_over_ipv6)
        bgp_capability_extended_next_hop(to);
    if (open->role != ROLE_UNSAID) {
        writer_u8(to, CAPABILITY_ROLE);
        writer_u8(to, 1);
        writer_u8(to, role_values[open->role]);
    }
    if (open->four_octet_as) {
        writer_u8(to, CAPABILITY_FOUR_OCTET_AS);
        writer_u8(to, 4);
        writer_u32(to, open->as);
    }
}

void bgp_write_open(struct writer *to, const struct bgp_open *open)
{
    uint8_t bytes[64];
    struct writer capabilities = writer_to(bytes, sizeof bytes);
    bgp_capabilities(&capabilities, open);
    size_t octets = writer_offset(&capabilities);

    size_t begin = bgp_message_begin(to, BGP_OPEN);
    writer_u8(to, 4);
    writer_u16(to, open->as > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)open->as);
    writer_u16(to, open->hold_time_s);
    writer_u32(to, open->identifier);
    writer_u8(to, (uint8_t)(octets > 0 ? octets + 2 : 0));
    if (octets > 0) {
        writer_u8(to, 2); /* the one optional parameter that is left: capabilities */
        writer_u8(to, (uint8_t)octets);
        writer_bytes(to, bytes, octets);
    }
    to->failed |= capabilities.failed;
    bgp_message_end(to, begin);
}

void bgp_write_keepalive(struct writer *to)
{
    bgp_message_end(to, bgp_message_begin(to, BGP_KEEPALIVE));
}

void bgp_write_notification(struct writer *to, const struct bgp_error *error)
{
    size_t begin = bgp_message_begin(to, BGP_NOTIFICATION);
    writer_u8(to, error->code);
    writer_u8(to, error->subcode);
    writer_bytes(to, error->data, error->data_octets);
    bgp_message_end(to, begin);
}

/* One prefix in as few octets as its length needs (RFC 4271 4.3). */
static void bgp_nlri(struct writer *to, const struct settings_prefix *prefix)
{
    size_t most = prefix->family == AF_INET6 ? 16 : 4;
    size_t octets = ((size_t)prefix->bits + 7) / 8;
    if (octets > most)
        to->failed = true;
    writer_u8(to, prefix->bits);
    writer_bytes(to, prefix->octets, octets <= most ? octets : 0);
}

static void bgp_mp_reach(struct writer *to, const struct bgp_next_hop *next_hop,
                         const struct settings_prefix *prefix)
{
    uint8_t hop_octets = next_hop->link_local ? 32 : 16;
    if (next_hop->family != AF_INET6)
        to->failed = true;
    size_t length = bgp_attribute_begin(to, FLAG_OPTIONAL, ATTRIBUTE_MP_REACH);
    writer_u16(to, bgp_afi(prefix->family == AF_INET6));
    writer_u8(to, SAFI_UNICAST);
    writer_u8(to, hop_octets);
    writer_bytes(to, next_hop->octets, hop_octets);
    writer_u8(to, 0); /* reserved */
    bgp_nlri(to, prefix);
    bgp_length_end(to, length);
}

/* How often the own AS stands in the path: an internal neighbour adds it himself when he passes the route on.
 */
static uint8_t bgp_path_count(const struct bgp_route *route)
{
    uint8_t prepend = route->policy.prepend < PREPEND_MOST ? route->policy.prepend : PREPEND_MOST;
    return route->internal ? 0 : (uint8_t)(1 + prepend);
}

static void bgp_as_path(struct writer *to, const struct bgp_route *route, uint8_t type, bool four_octets)
{
    uint8_t count = bgp_path_count(route);
    bool known = type == ATTRIBUTE_AS_PATH;
    size_t length = bgp_attribute_begin(to, known ? FLAG_TRANSITIVE : FLAG_OPTIONAL | FLAG_TRANSITIVE, type);
    if (count > 0) {
        writer_u8(to, AS_SEQUENCE);
        writer_u8(to, count);
    }
    for (uint8_t i = 0; i < count; i++) {
        if (four_octets)
            writer_u32(to, route->local_as);
        else
            writer_u16(to, route->local_as > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)route->local_as);
    }
    bgp_length_end(to, length);
}

static void bgp_number(struct writer *to, uint8_t flags, uint8_t type, uint32_t value)
{
    bgp_attribute_head(to, flags, type, 4);
    writer_u32(to, value);
}

static void bgp_communities(struct writer *to, const struct bgp_route *route)
{
    const struct settings_policy *policy = &route->policy;
    if (policy->community_count == 0 && !route->graceful_shutdown)
        return;
    size_t length = bgp_attribute_begin(to, FLAG_OPTIONAL | FLAG_TRANSITIVE, ATTRIBUTE_COMMUNITIES);
    for (uint8_t i = 0; i < policy->community_count && i < SETTINGS_MAX_COMMUNITIES; i++)
        writer_u32(to, policy->communities[i]);
    if (route->graceful_shutdown)
        writer_u32(to, BGP_GRACEFUL_SHUTDOWN);
    bgp_length_end(to, length);
}

static void bgp_large_communities(struct writer *to, const struct settings_policy *policy)
{
    if (policy->large_community_count == 0)
        return;
    size_t length = bgp_attribute_begin(to, FLAG_OPTIONAL | FLAG_TRANSITIVE, ATTRIBUTE_LARGE_COMMUNITIES);
    for (uint8_t i = 0; i < policy->large_community_count && i < SETTINGS_MAX_COMMUNITIES; i++) {
        writer_u32(to, policy->large_communities[i].global);
        writer_u32(to, policy->large_communities[i].local_1);
        writer_u32(to, policy->large_communities[i].local_2);
    }
    bgp_length_end(to, length);
}

/* A neighbour in the same AS is told the preference outright; one that is drained from gets the least. */
static uint32_t bgp_local_pref(const struct bgp_route *route)
{
    if (route->graceful_shutdown)
        return 0;
    return route->policy.local_pref != 0 ? route->policy.local_pref : LOCAL_PREF_USUAL;
}

static void bgp_attributes(struct writer *to, const struct bgp_route *route,
                           const struct settings_prefix *prefix, bool multiprotocol)
{
    if (multiprotocol) /* first of all, so that whoever can't read the rest still knows the prefix (RFC 7606)
                        */
        bgp_mp_reach(to, &route->next_hop, prefix);
    bgp_attribute_head(to, FLAG_TRANSITIVE, ATTRIBUTE_ORIGIN, 1);
    writer_u8(to, 0); /* IGP */
    bgp_as_path(to, route, ATTRIBUTE_AS_PATH, route->four_octet_as);
    if (!multiprotocol) {
        bgp_attribute_head(to, FLAG_TRANSITIVE, ATTRIBUTE_NEXT_HOP, 4);
        writer_bytes(to, route->next_hop.octets, 4);
    }
    if (route->policy.med_set)
        bgp_number(to, FLAG_OPTIONAL, ATTRIBUTE_MED, route->policy.med);
    if (route->internal)
        bgp_number(to, FLAG_TRANSITIVE, ATTRIBUTE_LOCAL_PREF, bgp_local_pref(route));
    bgp_communities(to, route);
    if (!route->four_octet_as && route->local_as > UINT16_MAX && !route->internal)
        bgp_as_path(to, route, ATTRIBUTE_AS4_PATH, true);
    bgp_large_communities(to, &route->policy);
    if (route->only_to_customer)
        bgp_number(to, FLAG_OPTIONAL | FLAG_TRANSITIVE, ATTRIBUTE_ONLY_TO_CUSTOMER, route->local_as);
}

void bgp_write_announcement(struct writer *to, const struct bgp_route *route,
                            const struct settings_prefix *prefix)
{
    bool multiprotocol = prefix->family == AF_INET6 || route->next_hop.family == AF_INET6;
    if (route->next_hop.family == 0)
        to->failed = true;
    size_t begin = bgp_message_begin(to, BGP_UPDATE);
    writer_u16(to, 0); /* withdrawn routes */
    size_t attributes = bgp_length_begin(to);
    bgp_attributes(to, route, prefix, multiprotocol);
    bgp_length_end(to, attributes);
    if (!multiprotocol)
        bgp_nlri(to, prefix);
    bgp_message_end(to, begin);
}

static void bgp_mp_unreach(struct writer *to, const struct settings_prefix *prefix)
{
    size_t length = bgp_attribute_begin(to, FLAG_OPTIONAL, ATTRIBUTE_MP_UNREACH);
    writer_u16(to, bgp_afi(true));
    writer_u8(to, SAFI_UNICAST);
    if (prefix != NULL)
        bgp_nlri(to, prefix);
    bgp_length_end(to, length);
}

void bgp_write_withdrawal(struct writer *to, const struct settings_prefix *prefix)
{
    bool multiprotocol = prefix->family == AF_INET6;
    size_t begin = bgp_message_begin(to, BGP_UPDATE);
    size_t withdrawn = bgp_length_begin(to);
    if (!multiprotocol)
        bgp_nlri(to, prefix);
    bgp_length_end(to, withdrawn);
    size_t attributes = bgp_length_begin(to);
    if (multiprotocol)
        bgp_mp_unreach(to, prefix);
    bgp_length_end(to, attributes);
    bgp_message_end(to, begin);
}

void bgp_write_end_of_rib(struct writer *to, enum bgp_family family)
{
    size_t begin = bgp_message_begin(to, BGP_UPDATE);
    writer_u16(to, 0);
    size_t attributes = bgp_length_begin(to);
    if (family == BGP_IPV6)
        bgp_mp_unreach(to, NULL);
    bgp_length_end(to, attributes);
    bgp_message_end(to, begin);
}
