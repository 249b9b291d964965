/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/direct.h"

#include "answer/place.h"
#include "answer/prove.h"
#include "wire/rdata.h"
#include "wire/reader.h"
#include "wire/writer.h"
#include "zone/format.h"

#include <string.h>

#define SETS_MOST       6   /* SOA or NS, and what a proof takes */
#define SHORTEST_COPIED 16  /* octets; an A record has as many, records shorter than that are rare */
#define TYPE_META_FIRST 128 /* QTYPEs and meta types (RFC 6895 3.1) are 128 to 255 */
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

/* How many records a message has. */
struct counts {
    unsigned answer;
    unsigned authority;
    unsigned additional; /* without OPT */
};

/* Header and question. The id stays, so does the number of questions. */
static inline uint8_t *start(const struct query *query, unsigned flags, const struct counts counts)
{
    uint8_t *at = query->message->response;
    uint8_t *behind = copy(at, query->message->query, MESSAGE_HEADER_OCTETS + (size_t)query->question_octets);
    octets_set_u16(at + 2, FLAG_QR | flags | (query->flags & FLAG_RD));
    octets_set_u16(at + 6, counts.answer);
    octets_set_u16(at + 8, counts.authority);
    octets_set_u16(at + 10, counts.additional + (query->edns.present ? 1 : 0));
    return behind;
}

static inline void finish(uint8_t *at, const struct query *query, const struct answer_policy *policy)
{
    if (query->edns.present)
        edns_put_fixed(at, &query->edns, policy->udp_octets, RCODE_NOERROR);
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
    size_t octets = octets_around(query) + rrset->octets;
    if (rrset->octets < SHORTEST_COPIED || octets > room_for(query, policy))
        return 0;
    uint8_t *at = start(query, FLAG_AA, (struct counts){rrset->record_count, 0, 0});
    finish(copy(at, (const uint8_t *)(rrset + 1), rrset->octets), query, policy);
    return octets;
}

/* One with signatures, or with names in its rdata: these stand right where a question has the owner's length.
 */
static size_t answer_extended(const struct query *query, const struct answer_policy *policy,
                              const struct rrset_view view)
{
    bool signatures = query->edns.dnssec_ok && view.signature_count > 0;
    size_t octets = octets_around(query) + place_octets(&view, signatures);
    bool at_home = view.relocation_count == 0 || view.owner_octets == query->name.octets;
    if (!at_home || view.link_count > 0 || view.octets < SHORTEST_COPIED || octets > room_for(query, policy))
        return 0;
    unsigned records = view.record_count + (signatures ? view.signature_count : 0U);
    uint8_t *at = start(query, FLAG_AA, (struct counts){records, 0, 0});
    finish(copy(at, view.records, place_octets(&view, signatures)), query, policy);
    return octets;
}

/* --- what isn't there, and what is elsewhere
 * -------------------------------------------------------------------- */

/* The RRsets of an authority section, all of one image. */
struct sets {
    const struct image_header *header;
    uint16_t apex_at; /* octet of the message where the apex stands */
    unsigned count;
    unsigned records; /* of all of them */
    size_t octets;
    struct set {
        struct rrset_view view; /* without signatures when they aren't wanted */
        const struct image_node *node;
        uint16_t owner_at; /* octet of the message where the owner stands; 0: it is spelt out */
    } list[SETS_MOST];
};

/* The octet where the question's name begins without all but its last `labels` labels. */
static inline uint16_t suffix_at(const struct query *query, unsigned labels)
{
    return (uint16_t)(MESSAGE_HEADER_OCTETS + query->name.starts[query->name.labels - labels]);
}

static inline void sets_init(struct sets *sets, const struct query *query, const struct zone_image *image)
{
    sets->header = image->header;
    sets->apex_at = suffix_at(query, image->header->apex_labels);
    sets->count = 0;
    sets->records = 0;
    sets->octets = 0;
}

/* Adds the RRset of `entry`. False when it isn't for the short way. */
static inline bool sets_add(struct sets *sets, const struct image_entry *entry, const struct image_node *node,
                            uint16_t owner_at, bool signatures)
{
    if (sets->count == SETS_MOST)
        return false;
    struct set *set = &sets->list[sets->count++];
    set->view = rrset_view((const uint8_t *)sets->header, entry);
    set->node = node;
    set->owner_at = owner_at;
    if (!signatures) {
        set->view.signature_octets = 0;
        set->view.signature_count = 0;
    }
    sets->records += set->view.record_count + (unsigned)set->view.signature_count;
    sets->octets += place_octets(&set->view, true);
    if (owner_at != 0)
        return true;
    sets->octets += place_owner_octets(sets->header, node, sets->apex_at) - 2;
    return set->view.relocation_count == 0 && set->view.record_count > 0;
}

static bool sets_add_proofs(struct sets *sets, const struct proofs *proofs)
{
    for (unsigned i = 0; i < proofs->count; i++) {
        const struct image_node *node = proofs->nodes[i].node;
        const struct image_entry *entry = node_find(node, proofs->nodes[i].type);
        if (entry != NULL && !sets_add(sets, entry, node, node->owner_octets == 0 ? sets->apex_at : 0, true))
            return false;
    }
    return true;
}

static inline uint8_t *put_set(uint8_t *at, const uint8_t *message, const struct sets *sets,
                               const struct set *set)
{
    size_t offset = (size_t)(at - message);
    size_t octets = place_octets(&set->view, true);
    if (set->owner_at == 0)
        return place_spelt(at, offset, sets->header, set->node, sets->apex_at, &set->view, true);
    const struct place_bases bases = {{set->owner_at, sets->apex_at, (uint16_t)offset}};
    memcpy(at, set->view.records, octets);
    place_owners(at, at + octets, set->owner_at);
    place_relocate(at, 0, set->view.octets, &set->view, bases);
    return at + octets;
}

static inline uint8_t *put_sets(uint8_t *at, const struct query *query, const struct sets *sets)
{
    for (unsigned i = 0; i < sets->count; i++)
        at = put_set(at, query->message->response, sets, &sets->list[i]);
    return at;
}

/* NXDOMAIN or NODATA: the SOA, and what proves it. */
static size_t deny(struct query *query, const struct answer_policy *policy, const struct zone_image *image,
                   const struct lookup *found, uint16_t rcode)
{
    bool proved = wants_proof(query, image);
    struct sets sets;
    sets_init(&sets, query, image);
    if (!sets_add(&sets, image_at(image->bytes, image->header->negative_soa), NULL, sets.apex_at,
                  query->edns.dnssec_ok))
        return 0;
    if (proved) {
        const struct proof proof = {image, &query->name, found, sets.apex_at};
        struct proofs proofs;
        proofs.count = 0;
        if (rcode == RCODE_NXDOMAIN)
            prove_no_name(&proofs, &proof);
        else
            prove_no_data(&proofs, &proof);
        if (!sets_add_proofs(&sets, &proofs))
            return 0;
    }
    size_t octets = octets_around(query) + sets.octets;
    if (octets > room_for(query, policy))
        return 0;
    uint8_t *at = start(query, (unsigned)FLAG_AA | rcode, (struct counts){0, sets.records, 0});
    finish(put_sets(at, query, &sets), query, policy);
    query->rcode = rcode;
    return octets;
}

/* The glue that stands behind the NS in the image: its owners lead into those, wherever it stands itself. */
static inline uint8_t *put_glue(uint8_t *at, const struct query *query, const struct sets *sets)
{
    const struct set *ns = &sets->list[0];
    const struct place_bases bases = {
        {ns->owner_at, sets->apex_at, (uint16_t)(MESSAGE_HEADER_OCTETS + query->question_octets)}};
    memcpy(at, ns->view.records + ns->view.octets, ns->view.glue_octets);
    place_relocate(at, ns->view.octets, SIZE_MAX, &ns->view, bases);
    return at + ns->view.glue_octets;
}

/* Whether the child is signed: DS, or the proof that there is none. */
static bool add_security(struct sets *sets, const struct query *query, const struct zone_image *image,
                         const struct lookup *found)
{
    const struct image_entry *ds = node_find(found->node, RR_DS);
    if (ds != NULL)
        return sets_add(sets, ds, found->node, suffix_at(query, found->labels), true);
    const struct proof proof = {image, &query->name, found, sets->apex_at};
    struct proofs proofs;
    proofs.count = 0;
    prove_no_ds(&proofs, &proof);
    return sets_add_proofs(sets, &proofs);
}

static size_t refer(const struct query *query, const struct answer_policy *policy,
                    const struct zone_image *image, const struct lookup *found)
{
    struct sets sets;
    const struct image_entry *entry = node_find(found->node, RR_NS);
    sets_init(&sets, query, image);
    if (entry == NULL ||
        !sets_add(&sets, entry, found->node, suffix_at(query, found->labels), query->edns.dnssec_ok))
        return 0;
    const struct rrset_view *ns = &sets.list[0].view;
    if (ns->link_count > 0 && ns->glue_count == 0)
        return 0;
    if (wants_proof(query, image) && !add_security(&sets, query, image, found))
        return 0;
    size_t octets = octets_around(query) + sets.octets + ns->glue_octets;
    if (octets > room_for(query, policy))
        return 0;
    uint8_t *at = start(query, 0, (struct counts){0, sets.records, ns->glue_count});
    at = put_sets(at, query, &sets);
    if (ns->glue_count > 0)
        at = put_glue(at, query, &sets);
    finish(at, query, policy);
    return octets;
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

size_t direct_answer(struct query *query, const struct answer_policy *policy, const struct zone_image *image,
                     const struct lookup *found)
{
    if (!is_plain(query))
        return 0;
    switch (found->outcome) {
    case LOOKUP_EXACT:
        return answer_node(query, policy, image, found);
    case LOOKUP_WILDCARD:
        return wants_proof(query, image) ? 0 : answer_node(query, policy, image, found);
    case LOOKUP_CUT:
        return query->qtype == RR_DS ? 0 : refer(query, policy, image, found);
    case LOOKUP_ABSENT:
        return deny(query, policy, image, found, RCODE_NXDOMAIN);
    case LOOKUP_DNAME:
        break;
    }
    return 0;
}
