/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/direct.h"

#include "wire/rdata.h"
#include "wire/reader.h"
#include "wire/writer.h"
#include "zone/format.h"

#include <string.h>

#define POINTER_REACH   0x3fff /* beyond that names may have to be written otherwise */
#define SHORTEST_COPIED 16     /* octets; an A record has as many, records shorter than that are rare */
#define TYPE_META_FIRST 128    /* QTYPEs and meta types (RFC 6895 3.1) are 128 to 255 */
#define TYPE_META_LAST  255

/* Whether the query asks for nothing but data that stand at the name. */
static inline bool is_plain(const struct query *query)
{
    bool meta = query->qtype >= TYPE_META_FIRST && query->qtype <= TYPE_META_LAST;
    return !meta && query->qtype != RR_RRSIG && query->tsig == NULL && !query->edns.has_options;
}

static inline size_t room_for(const struct query *query, const struct answer_policy *policy)
{
    size_t capacity = query->message->response_capacity;
    if (query->transport == ANSWER_TCP)
        return capacity < POINTER_REACH ? capacity : POINTER_REACH;
    size_t most = query->edns.udp_octets < policy->udp_octets ? query->edns.udp_octets : policy->udp_octets;
    return most < capacity ? most : capacity;
}

/* In pieces of sixteen octets, of which the last may overlap the one before: `octets` are sixteen at least.
 */
static inline uint8_t *copy(uint8_t *to, const uint8_t *from, size_t octets)
{
    for (size_t at = 0; at + 16 < octets; at += 16)
        memcpy(to + at, from + at, 16);
    memcpy(to + octets - 16, from + octets - 16, 16);
    return to + octets;
}

/* Octets of the message without its records. */
static inline size_t octets_around(const struct query *query)
{
    return MESSAGE_HEADER_OCTETS + (size_t)query->question_octets +
           (query->edns.present ? EDNS_OPT_FIXED : 0);
}

/* Header and question. The id stays, so does the number of questions. */
static inline uint8_t *start(const struct query *query, unsigned flags, unsigned answers)
{
    uint8_t *at = query->message->response;
    uint8_t *behind = copy(at, query->message->query, MESSAGE_HEADER_OCTETS + (size_t)query->question_octets);
    octets_set_u16(at + 2, FLAG_QR | flags | (query->flags & FLAG_RD));
    octets_set_u16(at + 6, answers);
    octets_set_u16(at + 8, 0);
    octets_set_u16(at + 10, query->edns.present ? 1 : 0);
    return behind;
}

static inline void finish(uint8_t *at, const struct query *query, const struct answer_policy *policy)
{
    if (query->edns.present)
        edns_put_fixed(at, &query->edns, policy->udp_octets, RCODE_NOERROR);
}

/* An RRset that is nothing but its records. */
static inline size_t answer_plain(const struct query *query, const struct answer_policy *policy,
                                  const struct image_rrset *rrset)
{
    size_t octets = octets_around(query) + rrset->octets;
    if (rrset->octets < SHORTEST_COPIED || octets > room_for(query, policy))
        return 0;
    uint8_t *at = start(query, FLAG_AA, rrset->record_count);
    finish(copy(at, (const uint8_t *)(rrset + 1), rrset->octets), query, policy);
    return octets;
}

static __attribute__((noinline)) size_t
answer_extended(const struct query *query, const struct answer_policy *policy, const struct rrset_view view)
{
    bool signatures = query->edns.dnssec_ok && view.signature_count > 0;
    size_t octets = octets_around(query) + view.octets + (signatures ? view.signature_octets : 0U);
    if (view.link_count > 0 || view.octets < SHORTEST_COPIED ||
        (signatures && view.signature_octets < SHORTEST_COPIED) || octets > room_for(query, policy))
        return 0;
    uint8_t *at = start(query, FLAG_AA, view.record_count + (signatures ? view.signature_count : 0U));
    at = copy(at, view.records, view.octets);
    if (signatures)
        at = copy(at, view.signatures, view.signature_octets);
    finish(at, query, policy);
    return octets;
}

size_t direct_answer(const struct query *query, const struct answer_policy *policy,
                     const struct zone_image *image, const struct lookup *found)
{
    if (found->outcome != LOOKUP_EXACT || !is_plain(query))
        return 0;
    const struct image_entry *entry = node_find(found->node, query->qtype);
    if (entry == NULL)
        return 0;
    if ((entry->flags & RRSET_EXTENDED) != 0)
        return answer_extended(query, policy, rrset_view(image->bytes, entry));
    return answer_plain(query, policy, image_at(image->bytes, entry->rrset));
}
