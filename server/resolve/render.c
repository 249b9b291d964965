/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/render.h"

#include "answer/response.h"

#include <string.h>

/* What the flags of any answer of a resolver say beside its rcode. */
static uint16_t flags_of(const struct rendering *rendering, const struct query *query)
{
    bool wanted = query->edns.dnssec_ok || (query->flags & FLAG_AD) != 0;
    bool checked = rendering->resolved->secure && wanted && (query->flags & FLAG_CD) == 0;
    return (uint16_t)(FLAG_RA | (query->flags & FLAG_CD) | (checked ? FLAG_AD : 0));
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)octets_u16(at) << 16 | octets_u16(at + 2);
}

static void set_u32(uint8_t *at, uint32_t v)
{
    octets_set_u16(at, v >> 16);
    octets_set_u16(at + 2, v & 0xffff);
}

/* The body, with each TTL what is left of it. */
static void put_body(uint8_t *to, const struct rendering *rendering)
{
    const struct resolved *resolved = rendering->resolved;
    memcpy(to, resolved->body, resolved->octets);
    for (unsigned i = 0; i < resolved->ttl_count; i++) {
        uint8_t *at = to + resolved->ttl_at[i];
        uint32_t ttl = get_u32(at);
        if (rendering->stale_ttl_s > 0)
            set_u32(at, rendering->stale_ttl_s);
        else
            set_u32(at, ttl > rendering->age_s ? ttl - rendering->age_s : 0);
    }
}

static size_t room_for(const struct query *query, const struct answer_policy *policy)
{
    size_t capacity = query->message->response_capacity;
    if (query->transport == ANSWER_TCP)
        return capacity;
    size_t most = query->edns.udp_octets < policy->udp_octets ? query->edns.udp_octets : policy->udp_octets;
    return most < capacity ? most : capacity;
}

/* What most clients get: no options, no signature, and it fits. 0 when it isn't that. */
static size_t render_plain(const struct rendering *rendering, struct query *query,
                           const struct answer_policy *policy)
{
    const struct resolved *resolved = rendering->resolved;
    size_t opt = query->edns.present ? EDNS_OPT_FIXED : 0;
    size_t front = (size_t)MESSAGE_HEADER_OCTETS + query->question_octets;
    size_t octets = front + resolved->octets + opt;
    bool says_why = query->edns.present && query->error != EDNS_ERROR_NONE;
    if (query->tsig != NULL || query->edns.has_options || says_why || octets > room_for(query, policy))
        return 0;
    uint8_t *at = query->message->response;
    memcpy(at, query->message->query, front);
    octets_set_u16(at + 2,
                   FLAG_QR | (query->flags & FLAG_RD) | flags_of(rendering, query) | (query->rcode & 15U));
    octets_set_u16(at + 6, resolved->counts[0]);
    octets_set_u16(at + 8, resolved->counts[1]);
    octets_set_u16(at + 10, resolved->counts[2] + (query->edns.present ? 1U : 0U));
    put_body(at + front, rendering);
    if (query->edns.present)
        edns_put_fixed(at + front + resolved->octets, &query->edns, policy->udp_octets, query->rcode);
    return octets;
}

size_t render_answer(const struct rendering *rendering, struct query *query,
                     const struct answer_policy *policy, uint32_t now_s)
{
    const struct resolved *resolved = rendering->resolved;
    query->rcode = resolved->rcode;
    query->error = rendering->error != EDNS_ERROR_NONE ? rendering->error : resolved->error;
    size_t octets = render_plain(rendering, query, policy);
    if (octets > 0)
        return octets;
    struct response response;
    response_start(&response, query, policy, NULL, now_s);
    response.flags = flags_of(rendering, query);
    uint8_t *body = response_put_whole(&response, resolved->octets, resolved->counts);
    if (body != NULL)
        put_body(body, rendering);
    else
        response_truncate(&response);
    return response_finish(&response, query);
}
