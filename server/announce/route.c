/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/route.h"

#define LESSER_MED        100 /* added */
#define LESSER_PREPEND    2   /* times more */
#define LESSER_LOCAL_PREF 50  /* to neighbours in the same AS */

enum route_state route_state_of(enum verdict verdict, bool fresh, enum drain_phase drain)
{
    if (verdict == VERDICT_NONE)
        return ROUTE_INIT;
    if (verdict == VERDICT_BAD || !fresh || drain == DRAIN_WITHDRAWN)
        return ROUTE_WITHDRAWN;
    if (drain == DRAIN_MARKED)
        return ROUTE_DRAINING;
    return verdict == VERDICT_GOOD ? ROUTE_UP : ROUTE_DEGRADED;
}

bool route_is_announced(enum route_state state)
{
    return state == ROUTE_UP || state == ROUTE_DEGRADED || state == ROUTE_DRAINING;
}

static int route_presence(enum route_state state)
{
    switch (state) {
    case ROUTE_UP:
        return 4;
    case ROUTE_DEGRADED:
        return 3;
    case ROUTE_DRAINING:
        return 2;
    case ROUTE_WITHDRAWN:
        return 1;
    case ROUTE_INIT:
        break;
    }
    return 0;
}

enum route_state route_state_more_present(enum route_state a, enum route_state b)
{
    return route_presence(a) >= route_presence(b) ? a : b;
}

struct settings_policy route_policy(const struct settings_policy *policy, enum route_state state)
{
    struct settings_policy p = *policy;
    if (state == ROUTE_UP)
        return p;
    p.med =
        (p.med_set ? p.med : 0) < UINT32_MAX - LESSER_MED ? (p.med_set ? p.med : 0) + LESSER_MED : UINT32_MAX;
    p.med_set = true;
    p.prepend = (uint8_t)(p.prepend < UINT8_MAX - LESSER_PREPEND ? p.prepend + LESSER_PREPEND : UINT8_MAX);
    p.local_pref = state == ROUTE_DEGRADED ? LESSER_LOCAL_PREF : p.local_pref;
    return p;
}

/* The next hop for a family of prefixes in this session; family 0: none. */
static struct bgp_next_hop route_next_hop(const struct bgp_session *session, const struct next_hops *hops,
                                          uint8_t family)
{
    if (family == AF_INET6)
        return hops->ipv6;
    if (hops->ipv4.family == 0 && session->peer.ipv4_over_ipv6)
        return hops->ipv6;
    return hops->ipv4;
}

/* RFC 9234 5: routes that we give to customers, peers and route server clients mustn't go up again. */
static bool route_is_only_to_customer(enum settings_role ours)
{
    return ours == ROLE_PROVIDER || ours == ROLE_RS || ours == ROLE_PEER;
}

const char *route_for_session(const struct bgp_session *session, const struct bgp_peer_settings *settings,
                              const struct next_hops *hops, const struct settings_policy *policy,
                              enum route_state state, uint8_t family, struct bgp_route *route)
{
    uint8_t wanted = family == AF_INET6 ? BGP_IPV6 : BGP_IPV4;
    if ((session->peer.families & wanted) == 0)
        return "the neighbor doesn't speak this family";
    *route = (struct bgp_route){
        .local_as = settings->local_as,
        .internal = settings->local_as == settings->remote_as,
        .four_octet_as = session->peer.four_octet_as,
        .only_to_customer = route_is_only_to_customer(settings->role),
        .graceful_shutdown = state == ROUTE_DRAINING,
        .policy = route_policy(policy, state),
        .next_hop = route_next_hop(session, hops, family),
    };
    return route->next_hop.family != 0 ? NULL
                                       : "the session's interface has no global address of this family";
}

const char *route_state_name(enum route_state state)
{
    static const char *const names[] = {"init", "up", "degraded", "draining", "withdrawn"};
    return names[state];
}
