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

/* Whether the RRset is taken in by copy(), and nothing has to be added for it. */
static inline bool is_copied(const struct rrset_view *view, bool signatures)
{
    return view->link_count == 0 && view->octets >= SHORTEST_COPIED &&
           (!signatures || view->signature_octets >= SHORTEST_COPIED);
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

static inline void set_header(uint8_t *at, const struct query *query, unsigned answers, unsigned additional)
{
    octets_set_u16(at + 2, FLAG_QR | FLAG_AA | (query->flags & FLAG_RD));
    octets_set_u16(at + 6, answers);
    octets_set_u16(at + 8, 0);
    octets_set_u16(at + 10, additional);
}

size_t direct_answer(const struct query *query, const struct answer_policy *policy,
                     const struct zone_image *image, const struct lookup *found)
{
    if (found->outcome != LOOKUP_EXACT || !is_plain(query))
        return 0;
    const struct image_entry *entry = node_find(found->node, query->qtype);
    if (entry == NULL)
        return 0;
    const struct rrset_view view = rrset_view(image->bytes, entry);
    bool signatures = query->edns.dnssec_ok && view.signature_count > 0;
    size_t opt_octets = query->edns.present ? EDNS_OPT_FIXED : 0;
    size_t octets = MESSAGE_HEADER_OCTETS + query->question_octets + view.octets + opt_octets +
                    (signatures ? view.signature_octets : 0U);
    if (!is_copied(&view, signatures) || octets > room_for(query, policy))
        return 0;

    uint8_t *response = query->message->response;
    /* The id stays, so does the number of questions. */
    uint8_t *at =
        copy(response, query->message->query, MESSAGE_HEADER_OCTETS + (size_t)query->question_octets);
    set_header(response, query, view.record_count + (signatures ? view.signature_count : 0U),
               query->edns.present ? 1 : 0);
    at = copy(at, view.records, view.octets);
    if (signatures)
        at = copy(at, view.signatures, view.signature_octets);
    if (query->edns.present)
        edns_put_fixed(at, &query->edns, policy->udp_octets, RCODE_NOERROR);
    return octets;
}
