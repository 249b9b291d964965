/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/direct.h"

#include "answer/place.h"
#include "answer/prove.h"
#include "wire/rdata.h"
#include "wire/reader.h"
#include "wire/writer.h"
#include "zone/format.h"

#include <string.h>

#define SHORTEST_COPIED 16 /* octets; an A record has as many, records shorter than that are rare */

static inline size_t room_for(const struct query *query, const struct answer_policy *policy)
{
    size_t capacity = query->message->response_capacity;
    if (query->transport == ANSWER_TCP)
        return capacity < PLACE_REACH ? capacity : PLACE_REACH;
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

/* Header, but for the counts, and question. The id stays, so does the number of questions. */
static inline uint8_t *start(const struct query *query, unsigned flags)
{
    uint8_t *at = query->message->response;
    uint8_t *behind = copy(at, query->message->query, MESSAGE_HEADER_OCTETS + (size_t)query->question_octets);
    octets_set_u16(at + 2, FLAG_QR | flags | (query->flags & FLAG_RD));
    return behind;
}

/* How many records the sections have, OPT not counted; and OPT. Octets of the message, whose records end
 * before `at`. */
static inline size_t finish(uint8_t *at, const struct query *query, const struct answer_policy *policy,
                            unsigned answer, unsigned authority, unsigned additional)
{
    uint8_t *message = query->message->response;
    size_t octets = (size_t)(at - message);
    octets_set_u16(message + 6, answer);
    octets_set_u16(message + 8, authority);
    octets_set_u16(message + 10, additional + (query->edns.present ? 1 : 0));
    if (!query->edns.present)
        return octets;
    edns_put_fixed(at, &query->edns, policy->udp_octets, RCODE_NOERROR);
    return octets + EDNS_OPT_FIXED;
}

static inline bool wants_proof(const struct query *query, const struct zone_image *image)
{
    return query->edns.dnssec_ok && (image->header->flags & (IMAGE_NSEC | IMAGE_NSEC3)) != 0;
}

/* --- data
 * ------------------------------------------------------------------------------------------------------- */

/* An RRset that is nothing but its records. */
static inline size_t answer_plain(const struct query *query, const struct answer_policy *policy,
                                  const struct image_rrset *rrset)
{
    if (rrset->octets < SHORTEST_COPIED || rrset->octets + octets_around(query) > room_for(query, policy))
        return 0;
    uint8_t *at = copy(start(query, FLAG_AA), (const uint8_t *)(rrset + 1), rrset->octets);
    return finish(at, query, policy, rrset->record_count, 0, 0);
}

/* One with signatures, or with names in its rdata: these stand right where a question has the owner's length.
 */
static __attribute__((noinline)) size_t
answer_extended(const struct query *query, const struct answer_policy *policy, const struct rrset_view view)
{
    bool signatures = query->edns.dnssec_ok;
    size_t octets = place_octets(&view, signatures);
    bool at_home = view.relocation_count == 0 || view.owner_octets == query->name.octets;
    if (!at_home || view.link_count > 0 || view.octets < SHORTEST_COPIED ||
        octets + octets_around(query) > room_for(query, policy))
        return 0;
    uint8_t *at = copy(start(query, FLAG_AA), view.records, octets);
    return finish(at, query, policy, view.record_count + (signatures ? view.signature_count : 0U), 0, 0);
}

/* --- what isn't there, and what is elsewhere
 * -------------------------------------------------------------------- */

/* Where the next RRset goes, all of them of one image. */
struct pen {
    uint8_t *at;
    const uint8_t *end; /* OPT comes behind it */
    const uint8_t *message;
    const struct image_header *header;
    unsigned records;
    uint16_t apex_at; /* octet of the message where the apex stands */
};

/* The octet where the question's name begins without all but its last `labels` labels. */
static inline uint16_t suffix_at(const struct query *query, unsigned labels)
{
    return (uint16_t)(MESSAGE_HEADER_OCTETS + query->name.starts[query->name.labels - labels]);
}

/* False when not even the question fits. */
static inline bool pen_start(struct pen *pen, const struct query *query, const struct answer_policy *policy,
                             const struct zone_image *image, unsigned flags)
{
    size_t room = room_for(query, policy);
    size_t around = octets_around(query);
    if (room < around)
        return false;
    pen->message = query->message->response;
    pen->header = image->header;
    pen->records = 0;
    pen->apex_at = suffix_at(query, image->header->apex_labels);
    pen->at = start(query, flags);
    pen->end = pen->at + (room - around);
    return true;
}

static inline size_t pen_room(const struct pen *pen)
{
    return (size_t)(pen->end - pen->at);
}

/* An RRset whose owner stands at octet `owner_at`. False when it doesn't fit. */
static inline bool put_set(struct pen *pen, const struct rrset_view *view, unsigned owner_at, bool signatures)
{
    size_t octets = place_octets(view, signatures);
    const struct place_bases bases = {{(uint16_t)owner_at, pen->apex_at, (uint16_t)(pen->at - pen->message)}};
    if (octets > pen_room(pen))
        return false;
    memcpy(pen->at, view->records, octets);
    place_owners(pen->at, pen->at + octets, owner_at);
    place_relocate(pen->at, 0, view->relocations, rrset_view_relocations(view), &bases);
    pen->at += octets;
    pen->records += view->record_count + (signatures ? (unsigned)view->signature_count : 0);
    return true;
}

/* One whose owner has to be spelt, with its RRSIGs. False when it isn't for the short way. */
static inline bool put_spelt(struct pen *pen, const struct rrset_view *view, const struct image_node *node)
{
    size_t octets = place_octets(view, true);
    size_t owner_octets = place_owner_octets(pen->header, node, pen->apex_at);
    if (view->relocation_count > 0 || view->record_count == 0 || owner_octets + octets - 2 > pen_room(pen))
        return false;
    pen->at = place_spelt(pen->at, (size_t)(pen->at - pen->message), pen->header, node, pen->apex_at,
                          view->records, octets);
    pen->records += view->record_count + (unsigned)view->signature_count;
    return true;
}

static bool put_proofs(struct pen *pen, const struct proofs *proofs)
{
    for (unsigned i = 0; i < proofs->count; i++) {
        const struct image_node *node = proofs->nodes[i].node;
        const struct image_entry *entry = node_find(node, proofs->nodes[i].type);
        if (entry == NULL)
            continue;
        const struct rrset_view view = rrset_view((const uint8_t *)pen->header, entry);
        if (!(node->owner_octets == 0 ? put_set(pen, &view, pen->apex_at, true)
                                      : put_spelt(pen, &view, node)))
            return false;
    }
    return true;
}

/* NXDOMAIN or NODATA: the SOA, and what proves it. */
static __attribute__((noinline)) size_t deny(struct query *query, const struct answer_policy *policy,
                                             const struct zone_image *image, const struct lookup *found,
                                             uint16_t rcode)
{
    const struct rrset_view soa =
        rrset_view(image->bytes, image_at(image->bytes, image->header->negative_soa));
    struct pen pen;
    if (!pen_start(&pen, query, policy, image, (unsigned)FLAG_AA | rcode) ||
        !put_set(&pen, &soa, pen.apex_at, query->edns.dnssec_ok))
        return 0;
    if (wants_proof(query, image)) {
        const struct proof proof = {image, &query->name, found, pen.apex_at};
        struct proofs proofs;
        proofs.count = 0;
        if (rcode == RCODE_NXDOMAIN)
            prove_no_name(&proofs, &proof);
        else
            prove_no_data(&proofs, &proof);
        if (!put_proofs(&pen, &proofs))
            return 0;
    }
    query->rcode = rcode;
    return finish(pen.at, query, policy, 0, pen.records, 0);
}

/* Whether the child is signed: DS, or the proof that there is none. */
static bool put_security(struct pen *pen, struct query *query, const struct zone_image *image,
                         const struct lookup *found)
{
    const struct image_entry *ds = node_find(found->node, RR_DS);
    if (ds != NULL) {
        const struct rrset_view view = rrset_view(image->bytes, ds);
        return put_set(pen, &view, suffix_at(query, found->labels), true);
    }
    const struct proof proof = {image, &query->name, found, pen->apex_at};
    struct proofs proofs;
    proofs.count = 0;
    prove_no_ds(&proofs, &proof);
    return put_proofs(pen, &proofs);
}

/* The glue that stands behind the NS in the image: its owners lead into those, wherever it stands itself. */
static inline bool put_glue(struct pen *pen, const struct rrset_view *ns, const struct place_bases *bases)
{
    if (ns->glue_octets > pen_room(pen))
        return false;
    memcpy(pen->at, ns->records + ns->octets, ns->glue_octets);
    place_relocate(pen->at, ns->octets, ns->relocations + rrset_view_relocations(ns), ns->glue_count, bases);
    pen->at += ns->glue_octets;
    return true;
}

static size_t refer(struct query *query, const struct answer_policy *policy, const struct zone_image *image,
                    const struct lookup *found)
{
    const struct image_entry *entry = node_find(found->node, RR_NS);
    struct pen pen;
    if (entry == NULL || !pen_start(&pen, query, policy, image, 0))
        return 0;
    const struct rrset_view ns = rrset_view(image->bytes, entry);
    const struct place_bases bases = {
        {suffix_at(query, found->labels), pen.apex_at, (uint16_t)(pen.at - pen.message)}};
    bool whole = ns.signature_count == 0 && (ns.link_count == 0 || ns.glue_count > 0);
    if (!whole || !put_set(&pen, &ns, bases.at[0], false))
        return 0;
    if (wants_proof(query, image) && !put_security(&pen, query, image, found))
        return 0;
    return put_glue(&pen, &ns, &bases) ? finish(pen.at, query, policy, 0, pen.records, ns.glue_count) : 0;
}

/* The name, or the wildcard that it expands from, is there. */
static inline size_t answer_node(struct query *query, const struct answer_policy *policy,
                                 const struct zone_image *image, const struct lookup *found)
{
    const struct image_entry *entry = node_find(found->node, query->qtype);
    if (entry == NULL)
        return node_find(found->node, RR_CNAME) == NULL ? deny(query, policy, image, found, RCODE_NOERROR)
                                                        : 0;
    if ((entry->flags & RRSET_EXTENDED) != 0)
        return answer_extended(query, policy, rrset_view(image->bytes, entry));
    return answer_plain(query, policy, image_at(image->bytes, entry->rrset));
}

static __attribute__((noinline)) size_t answer_elsewhere(struct query *query,
                                                         const struct answer_policy *policy,
                                                         const struct zone_image *image,
                                                         const struct lookup *found)
{
    if (found->outcome == LOOKUP_CUT)
        return query->qtype == RR_DS ? 0 : refer(query, policy, image, found);
    if (found->outcome == LOOKUP_ABSENT)
        return deny(query, policy, image, found, RCODE_NXDOMAIN);
    if (found->outcome == LOOKUP_WILDCARD && !wants_proof(query, image))
        return answer_node(query, policy, image, found);
    return 0;
}

size_t direct_answer(struct query *query, const struct answer_policy *policy, const struct zone_image *image,
                     const struct lookup *found)
{
    if (!query->plain)
        return 0;
    return found->outcome == LOOKUP_EXACT ? answer_node(query, policy, image, found)
                                          : answer_elsewhere(query, policy, image, found);
}
