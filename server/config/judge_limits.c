/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/judgement.h"

#include <string.h>

#define DEFAULT_UDP_OCTETS      125000 /* 1 Mbit/s: some 1,500 small answers a second, or 100 of the largest */
#define DEFAULT_IPV4_PREFIX     24
#define DEFAULT_IPV6_PREFIX     56
#define DEFAULT_SLIP            2
#define DEFAULT_TCP_CONNECTIONS 1000
#define DEFAULT_TCP_ACCEPTS     500
#define LEAST_UDP_OCTETS        1000
#define MOST_UDP_OCTETS         1000000000
#define MOST_TCP                1000000

static bool judge_refused(struct judge *j, const char *text)
{
    const struct place at = place("limits.refused");
    if (text == NULL || strcmp(text, "answer") == 0)
        return false;
    if (strcmp(text, "drop") == 0)
        return true;
    judge_say(j, FINDING_ERROR, &at, "is '%.60s': write answer or drop", text);
    return false;
}

static uint32_t judge_octets(struct judge *j, const char *text)
{
    if (text != NULL && strcmp(text, "0") == 0)
        return 0;
    return (uint32_t)judge_number(j, place("limits.udp-octets"), text, LEAST_UDP_OCTETS, MOST_UDP_OCTETS,
                                  DEFAULT_UDP_OCTETS);
}

void judge_limits(struct judge *j)
{
    static const struct raw_limits absent;
    const struct raw_limits *raw = j->raw->limits != NULL ? j->raw->limits : &absent;
    struct settings_limits *limits = &j->settings->limits;
    limits->udp_octets = judge_octets(j, raw->udp_octets);
    limits->ipv4_prefix =
        (uint8_t)judge_number(j, place("limits.ipv4-prefix"), raw->ipv4_prefix, 8, 32, DEFAULT_IPV4_PREFIX);
    limits->ipv6_prefix =
        (uint8_t)judge_number(j, place("limits.ipv6-prefix"), raw->ipv6_prefix, 16, 64, DEFAULT_IPV6_PREFIX);
    limits->slip = (unsigned)judge_number(j, place("limits.slip"), raw->slip, 0, 100, DEFAULT_SLIP);
    limits->tcp_connections = (uint32_t)judge_number(j, place("limits.tcp-connections"), raw->tcp_connections,
                                                     0, MOST_TCP, DEFAULT_TCP_CONNECTIONS);
    limits->tcp_accepts = (uint32_t)judge_number(j, place("limits.tcp-accepts"), raw->tcp_accepts, 0,
                                                 MOST_TCP, DEFAULT_TCP_ACCEPTS);
    limits->drop_refused = judge_refused(j, raw->refused);
    limits->exempt = judge_access(j, place("limits.exempt"), raw->exempt, raw->exempt_count);
    for (size_t i = 0; limits->exempt != NULL && i < limits->exempt->count; i++) {
        const struct place at = place("limits.exempt[%zu]", i);
        if (limits->exempt->grants[i].keyed)
            judge_say(j, FINDING_ERROR, &at,
                      "names a key: write a prefix alone, for what is signed isn't limited anyway");
    }
    limits->queries = judge_access(j, place("limits.allow-query"), raw->allow_query, raw->allow_query_count);
}
