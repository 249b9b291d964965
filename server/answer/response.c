/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/response.h"

#include "answer/place.h"
#include "wire/rdata.h"
#include "wire/reader.h"
#include "wire/writer.h"
#include "zone/expand.h"

#include <string.h>

#define QUESTION_TAIL 4
#define NAME_HOPS     16 /* pointers that one name may go through */

static inline size_t room_left(const struct response *response)
{
    return (size_t)(response->end - response->at);
}

static inline size_t offset_now(const struct response *response)
{
    return (size_t)(response->at - response->start);
}

static void reply_init(struct edns_reply *reply, const struct query *query,
                       const struct answer_policy *policy, const struct zone_image *image, uint32_t now_s)
{
    reply->policy = policy;
    reply->client = query->message->client;
    reply->now_s = now_s;
    reply->tcp = query->transport == ANSWER_TCP;
    reply->has_zone = image != NULL;
    if (image != NULL) {
        reply->zone_labels = image->header->apex_labels;
        reply->zone_serial = image->header->serial;
    }
}

void response_start(struct response *response, const struct query *query, const struct answer_policy *policy,
                    const struct zone_image *image, uint32_t now_s)
{
    size_t most = query->message->response_capacity;
    if (query->transport == ANSWER_UDP) {
        size_t udp =
            query->edns.udp_octets < policy->udp_octets ? query->edns.udp_octets : policy->udp_octets;
        most = udp < most ? udp : most;
    }
    reply_init(&response->reply, query, policy, image, now_s);
    response->start = query->message->response;
    response->at = response->start + MESSAGE_HEADER_OCTETS;
    response->tsig_octets = query->tsig != NULL ? tsig_octets(query->tsig) : 0;
    size_t held_back = edns_octets(&query->edns, &response->reply) + response->tsig_octets;
    size_t least = (size_t)MESSAGE_HEADER_OCTETS + query->question_octets + held_back;
    /* With a long name, identity and key the least there is to say may be more than the client asked for,
     * never more than the capacity. */
    response->end = response->start + (most > least ? most : least) - held_back;
    response->question_name_octets = 0;
    response->flags = 0;
    memset(response->counts, 0, sizeof response->counts);
    if (query->question_octets > 0) {
        memcpy(response->at, query->message->query + MESSAGE_HEADER_OCTETS, query->question_octets);
        response->at += query->question_octets;
        response->question_name_octets = (uint16_t)(query->question_octets - QUESTION_TAIL);
    }
}

/* --- an RRset as it is in the image, its pointers set
 * ---------------------------------------------------------- */

/* Whether the pointers of the RRset, put at octet `at`, can all reach what they point to. */
static bool pointers_reach(const struct rrset_view *view, const struct placement *placement, size_t at)
{
    if (view->relocation_count == 0)
        return true;
    return placement->apex_at != 0 && at + view->octets <= PLACE_REACH;
}

/* What stands at octet 12 behind a question of just this length needs no pointer changed. */
static inline bool is_at_home(const struct response *response, const struct rrset_view *view,
                              const struct placement *placement, size_t at)
{
    return placement->owner_at == MESSAGE_HEADER_OCTETS &&
           view->owner_octets == response->question_name_octets &&
           at == (size_t)MESSAGE_HEADER_OCTETS + response->question_name_octets + QUESTION_TAIL;
}

static void put_as_is(struct response *response, const struct placement *placement,
                      const struct rrset_view *view, bool signatures)
{
    uint8_t *records = response->at;
    size_t at = offset_now(response);
    size_t octets = place_octets(view, signatures);
    memcpy(records, view->records, octets);
    response->at += octets;
    if (is_at_home(response, view, placement, at))
        return;
    const struct place_bases bases = {{placement->owner_at, placement->apex_at, (uint16_t)at}};
    place_owners(records, response->at, placement->owner_at);
    place_relocate(records, 0, view->relocations, rrset_view_relocations(view), &bases);
}

/* --- an RRset whose owner is spelt out, the rest as it is in the image
 * ----------------------------------------- */

/* What most proofs are: an owner that stands nowhere yet, and no pointer in the rdata. */
static bool put_spelt(struct response *response, const struct placement *placement,
                      const struct rrset_view *view, bool signatures)
{
    const struct image_header *header = placement->image->header;
    const struct image_node *node = placement->node;
    if (place_owner_octets(header, node, placement->apex_at) + place_octets(view, signatures) - 2 >
        room_left(response))
        return false;
    response->at = place_spelt(response->at, offset_now(response), header, node, placement->apex_at,
                               view->records, place_octets(view, signatures));
    return true;
}

/* --- an RRset rewritten: where its names can't be compressed as they are
 * --------------------------------------- */

/* Writes the owner: a pointer when it stands in reach, else spelt out, and then it stands here. */
static void put_owner(struct response *response, struct writer *w, struct placement *placement)
{
    if (placement->owner_at != 0) {
        writer_u16(w, (uint16_t)(PLACE_POINTER | placement->owner_at));
        return;
    }
    const struct image_header *header = placement->image->header;
    size_t at = (size_t)(w->at - response->start);
    if (at <= PLACE_REACH)
        placement->owner_at = (uint16_t)at;
    writer_bytes(w, node_owner_cased(placement->node), placement->node->owner_octets);
    if (placement->apex_at != 0 && header->apex_octets > 1)
        writer_u16(w, (uint16_t)(PLACE_POINTER | placement->apex_at));
    else
        writer_bytes(w, header->apex_cased, header->apex_octets);
}

static void put_signature_records(struct response *response, struct writer *w, struct placement *placement,
                                  const struct rrset_view *view)
{
    const uint8_t *at = view->signatures;
    for (unsigned i = 0; i < view->signature_count; i++) {
        size_t rest = 10 + (size_t)octets_u16(at + 10);
        put_owner(response, w, placement);
        writer_bytes(w, at + 2, rest);
        at += 2 + rest;
    }
}

static bool put_rewritten(struct response *response, struct placement placement,
                          const struct rrset_view *view, bool signatures)
{
    struct writer w = writer_to(response->at, room_left(response));
    size_t at = 0;
    for (unsigned i = 0; i < view->record_count; i++) {
        put_owner(response, &w, &placement);
        if (!expand_record(&w, placement.image->header, placement.node, view, at))
            return false;
        at += record_octets(view->records + at);
    }
    if (signatures)
        put_signature_records(response, &w, &placement, view);
    if (w.failed)
        return false;
    response->at = w.at;
    return true;
}

/* What most RRsets of an unsigned zone are: records without a pointer in their rdata, and nothing else. */
static bool put_plain(struct response *response, enum section section, const struct placement *placement)
{
    const struct image_rrset *rrset = image_at(placement->image->bytes, placement->entry->rrset);
    uint8_t *records = response->at;
    if (rrset->octets > room_left(response))
        return false;
    memcpy(records, rrset + 1, rrset->octets);
    response->at += rrset->octets;
    if (placement->owner_at != MESSAGE_HEADER_OCTETS)
        place_owners(records, response->at, placement->owner_at);
    response->counts[section] = (uint16_t)(response->counts[section] + rrset->record_count);
    return true;
}

bool response_put(struct response *response, enum section section, const struct placement *placement,
                  bool signatures, uint16_t *records_at)
{
    if ((placement->entry->flags & RRSET_EXTENDED) == 0 && placement->owner_at != 0) {
        if (records_at != NULL)
            *records_at = 0;
        return put_plain(response, section, placement);
    }
    struct rrset_view view = rrset_view(placement->image->bytes, placement->entry);
    size_t at = offset_now(response);
    signatures = signatures && view.signature_count > 0;
    if (placement->owner_at != 0 && pointers_reach(&view, placement, at)) {
        if (place_octets(&view, signatures) > room_left(response))
            return false;
        put_as_is(response, placement, &view, signatures);
    } else {
        bool spelt = placement->owner_at == 0 && view.relocation_count == 0 && view.record_count > 0;
        if (spelt && at <= PLACE_REACH ? !put_spelt(response, placement, &view, signatures)
                                       : !put_rewritten(response, *placement, &view, signatures))
            return false;
        at = 0;
    }
    if (records_at != NULL)
        *records_at = at <= PLACE_REACH ? (uint16_t)at : 0;
    response->counts[section] =
        (uint16_t)(response->counts[section] + view.record_count + (signatures ? view.signature_count : 0));
    return true;
}

bool response_put_signatures(struct response *response, enum section section,
                             const struct placement *placement)
{
    struct rrset_view view = rrset_view(placement->image->bytes, placement->entry);
    struct placement copy = *placement;
    struct writer w = writer_to(response->at, room_left(response));
    put_signature_records(response, &w, &copy, &view);
    if (w.failed)
        return false;
    response->at = w.at;
    response->counts[section] = (uint16_t)(response->counts[section] + view.signature_count);
    return true;
}

uint8_t *response_put_whole(struct response *response, size_t octets, const uint16_t counts[3])
{
    uint8_t *body = response->at;
    if (octets > room_left(response))
        return NULL;
    response->at += octets;
    memcpy(response->counts, counts, sizeof response->counts);
    return body;
}

/* --- names in what is written
 * ---------------------------------------------------------------------------------- */

uint16_t response_name_at(const struct response *response, uint16_t at, unsigned labels)
{
    for (unsigned hops = 0; hops < NAME_HOPS;) {
        if (response->start[at] >= 0xc0) {
            at = (uint16_t)(octets_u16(response->start + at) & PLACE_REACH);
            hops++;
        } else if (labels > 0) {
            at = (uint16_t)(at + 1 + response->start[at]);
            labels--;
        } else {
            break;
        }
    }
    return at;
}

size_t response_name(const struct response *response, uint16_t at, uint8_t name[NAME_MAX_OCTETS])
{
    size_t octets = 0;
    size_t written = offset_now(response);
    size_t from = at;
    for (unsigned hops = 0; hops < NAME_HOPS && from + 1 < written + 1;) {
        uint8_t label = response->start[from];
        if (label >= 0xc0) {
            from = octets_u16(response->start + from) & PLACE_REACH;
            hops++;
            continue;
        }
        if (octets + 1 + label > NAME_MAX_OCTETS || from + 1 + label > written)
            return 0;
        memcpy(name + octets, response->start + from, 1U + label);
        octets += 1U + label;
        from += 1U + label;
        if (label == 0)
            return octets;
    }
    return 0;
}

/* --- the end
 * --------------------------------------------------------------------------------------------------- */

void response_truncate(struct response *response)
{
    response->at = response->start + MESSAGE_HEADER_OCTETS +
                   (response->question_name_octets > 0 ? response->question_name_octets + QUESTION_TAIL : 0);
    memset(response->counts, 0, sizeof response->counts);
    response->flags |= FLAG_TC;
}

static void put_opt(struct response *response, const struct query *query)
{
    struct writer w =
        writer_to(response->at, room_left(response) + edns_octets(&query->edns, &response->reply));
    response->reply.rcode = query->rcode;
    response->reply.error = query->error;
    edns_put(&w, &query->edns, &response->reply);
    response->at = w.at;
    response->counts[SECTION_ADDITIONAL]++;
}

size_t response_finish(struct response *response, const struct query *query)
{
    if (query->edns.present)
        put_opt(response, query);
    uint8_t *header = response->start;
    unsigned kept = query->flags & (FLAG_OPCODE | FLAG_RD);
    octets_set_u16(header, query->id);
    octets_set_u16(header + 2, FLAG_QR | kept | response->flags | (query->rcode & 15U));
    octets_set_u16(header + 4, query->question_octets > 0 ? 1 : 0);
    octets_set_u16(header + 6, response->counts[SECTION_ANSWER]);
    octets_set_u16(header + 8, response->counts[SECTION_AUTHORITY]);
    octets_set_u16(header + 10, response->counts[SECTION_ADDITIONAL]);
    size_t octets = offset_now(response);
    if (query->tsig == NULL)
        return octets;
    return tsig_sign(query->tsig, header, octets, octets + response->tsig_octets, response->reply.now_s,
                     true);
}
