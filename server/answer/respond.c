/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/respond.h"

#include "answer/limit.h"
#include "answer/prove.h"
#include "wire/rdata.h"
#include "wire/writer.h"

#define RECORD_FIXED 10 /* type, class, TTL, length */
#define LINKED_MOST  4  /* RRsets of one answer whose names may have addresses to add */
#define DNAMES_MOST  8

/* An RRset in the message that links to addresses. */
struct linked {
    const struct zone_image *image;
    const struct image_entry *entry;
    uint16_t records_at; /* 0: it was rewritten */
    uint16_t apex_at;
};

/* One answer in the making: where in the chain of aliases it stands, and what it has to remember. */
struct answering {
    struct response *response;
    struct query *query;
    const struct zone_set *set;
    const struct zone_image *image;
    struct lookup found;
    uint16_t name_at; /* octet of the message where the name that is looked up stands */
    uint16_t apex_at; /* the same for the apex of `image`, uncompressed; 0: nowhere */
    struct linked linked[LINKED_MOST];
    unsigned linked_count;
    unsigned dname_count;
    struct {
        const struct image_node *node;
        size_t target_at;
    } dnames[DNAMES_MOST]; /* DNAMEs in the answer, and where their targets stand */
    struct proofs proofs;
    unsigned visited_count;
    uint64_t visited[RESPOND_CHAIN_MOST]; /* hashes of the names that the chain went through */
};

enum step {
    STEP_DONE,
    STEP_ALIAS, /* the query's name is now the target: look that up */
    STEP_FULL,  /* what is needed doesn't fit */
};

static uint16_t owner_at(const struct answering *a, unsigned labels)
{
    return response_name_at(a->response, a->name_at, a->query->name.labels - labels);
}

static struct proof proof_of(const struct answering *a)
{
    return (struct proof){a->image, &a->query->name, &a->found, a->apex_at};
}

static struct placement placement_of(const struct answering *a, const struct image_node *node,
                                     const struct image_entry *entry, uint16_t at)
{
    return (struct placement){a->image, entry, node, at, a->apex_at};
}

static bool put(struct answering *a, enum section section, const struct placement *placement)
{
    uint16_t records_at;
    if (!response_put(a->response, section, placement, a->query->edns.dnssec_ok, &records_at))
        return false;
    if ((placement->entry->flags & RRSET_EXTENDED) != 0 && a->linked_count < LINKED_MOST)
        a->linked[a->linked_count++] =
            (struct linked){placement->image, placement->entry, records_at, placement->apex_at};
    return true;
}

/* --- negative answers and referrals
 * ---------------------------------------------------------------------------- */

static bool put_soa(struct answering *a)
{
    const struct image_header *header = a->image->header;
    const struct placement placement =
        placement_of(a, image_at(a->image->bytes, header->apex_node),
                     image_at(a->image->bytes, header->negative_soa), owner_at(a, header->apex_labels));
    return response_put(a->response, SECTION_AUTHORITY, &placement, a->query->edns.dnssec_ok, NULL);
}

static bool wants_proof(const struct answering *a)
{
    return a->query->edns.dnssec_ok && (a->image->header->flags & (IMAGE_NSEC | IMAGE_NSEC3)) != 0;
}

static enum step no_data(struct answering *a)
{
    const struct proof proof = proof_of(a);
    a->response->flags |= FLAG_AA;
    if (wants_proof(a))
        prove_no_data(&a->proofs, &proof);
    return put_soa(a) ? STEP_DONE : STEP_FULL;
}

static enum step no_name(struct answering *a)
{
    const struct proof proof = proof_of(a);
    a->response->flags |= FLAG_AA;
    a->query->rcode = RCODE_NXDOMAIN;
    if (wants_proof(a))
        prove_no_name(&a->proofs, &proof);
    return put_soa(a) ? STEP_DONE : STEP_FULL;
}

static enum step referral(struct answering *a)
{
    const struct image_node *cut = a->found.node;
    const struct proof proof = proof_of(a);
    uint16_t at = owner_at(a, a->found.labels);
    struct placement placement = placement_of(a, cut, node_find(cut, RR_NS), at);
    if (placement.entry == NULL || !put(a, SECTION_AUTHORITY, &placement))
        return STEP_FULL;
    if (!wants_proof(a))
        return STEP_DONE;
    placement.entry = node_find(cut, RR_DS);
    if (placement.entry != NULL)
        return response_put(a->response, SECTION_AUTHORITY, &placement, true, NULL) ? STEP_DONE : STEP_FULL;
    prove_no_ds(&a->proofs, &proof);
    return STEP_DONE;
}

/* --- aliases
 * --------------------------------------------------------------------------------------------------- */

/* Makes the name at octet `at` of the message the one to look up. */
static enum step alias_to(struct answering *a, size_t at)
{
    uint8_t target[NAME_MAX_OCTETS];
    if (at > 0x3fff)
        return STEP_DONE;
    size_t octets = response_name(a->response, (uint16_t)at, target);
    if (octets == 0)
        return STEP_DONE;
    (void)lookup_name_take(&a->query->name, target, octets);
    a->name_at = response_name_at(a->response, (uint16_t)at, 0);
    return STEP_ALIAS;
}

/* The octet where the rdata of the record at octet `at` begins. */
static size_t rdata_at(const struct response *response, size_t at)
{
    while (response->start[at] != 0 && response->start[at] < 0xc0)
        at += 1U + response->start[at];
    return at + (response->start[at] != 0 ? 2 : 1) + RECORD_FIXED;
}

static void prove_if_wildcard(struct answering *a)
{
    const struct proof proof = proof_of(a);
    if (a->found.outcome == LOOKUP_WILDCARD && wants_proof(a))
        prove_wildcard(&a->proofs, &proof);
}

static enum step follow_cname(struct answering *a, const struct image_entry *cname)
{
    const struct placement placement = placement_of(a, a->found.node, cname, a->name_at);
    size_t at = (size_t)(a->response->at - a->response->start);
    a->response->flags |= FLAG_AA;
    prove_if_wildcard(a);
    if (!response_put(a->response, SECTION_ANSWER, &placement, a->query->edns.dnssec_ok, NULL))
        return STEP_FULL;
    return alias_to(a, rdata_at(a->response, at));
}

/* The CNAME that a DNAME stands for (RFC 6672 3.1): the labels before the DNAME's owner, then its target,
 * which stands uncompressed at octet `target_at`. */
static bool put_synthesised(struct answering *a, size_t target_at, const uint8_t ttl[4])
{
    const struct lookup_name *name = &a->query->name;
    size_t prefix = name->starts[name->labels - a->found.labels];
    uint8_t cased[NAME_MAX_OCTETS];
    struct writer w = writer_to(a->response->at, (size_t)(a->response->end - a->response->at));
    if (response_name(a->response, a->name_at, cased) == 0)
        return false;
    writer_u16(&w, (uint16_t)(0xc000 | a->name_at));
    writer_u16(&w, RR_CNAME);
    writer_u16(&w, CLASS_IN);
    writer_bytes(&w, ttl, 4);
    bool to_root = a->response->start[target_at] == 0;
    writer_u16(&w, (uint16_t)(prefix + (to_root ? 1 : 2)));
    writer_bytes(&w, cased, prefix);
    if (to_root)
        writer_u8(&w, 0);
    else
        writer_u16(&w, (uint16_t)(0xc000 | target_at));
    if (w.failed)
        return false;
    a->response->at = w.at;
    a->response->counts[SECTION_ANSWER]++;
    return true;
}

/* Puts the DNAME unless the chain went through it before. The octet where its target stands; 0 when it
 * doesn't fit. */
static size_t put_dname(struct answering *a)
{
    const struct image_node *node = a->found.node;
    for (unsigned i = 0; i < a->dname_count; i++) {
        if (a->dnames[i].node == node)
            return a->dnames[i].target_at;
    }
    const struct placement placement =
        placement_of(a, node, node_find(node, RR_DNAME), owner_at(a, a->found.labels));
    size_t at = (size_t)(a->response->at - a->response->start);
    if (placement.entry == NULL ||
        !response_put(a->response, SECTION_ANSWER, &placement, a->query->edns.dnssec_ok, NULL))
        return 0;
    a->dnames[a->dname_count].node = node;
    a->dnames[a->dname_count].target_at = rdata_at(a->response, at);
    return a->dnames[a->dname_count++].target_at;
}

static enum step follow_dname(struct answering *a)
{
    const struct lookup_name *name = &a->query->name;
    uint8_t target[NAME_MAX_OCTETS];
    a->response->flags |= FLAG_AA;
    if (a->dname_count == DNAMES_MOST)
        return STEP_DONE;
    size_t target_at = put_dname(a);
    if (target_at == 0)
        return STEP_FULL;
    size_t octets = target_at <= 0x3fff ? response_name(a->response, (uint16_t)target_at, target) : 0;
    if (octets == 0)
        return STEP_DONE;
    if (name->starts[name->labels - a->found.labels] + octets > NAME_MAX_OCTETS) {
        a->query->rcode = RCODE_YXDOMAIN;
        return STEP_DONE;
    }
    size_t cname_at = (size_t)(a->response->at - a->response->start);
    if (!put_synthesised(a, target_at, a->response->start + target_at - 6))
        return STEP_FULL;
    if (a->query->qtype == RR_CNAME)
        return STEP_DONE;
    return alias_to(a, rdata_at(a->response, cname_at));
}

/* --- data
 * ------------------------------------------------------------------------------------------------------ */

/* What only a client that sets DO, or asks for it by its type, is to get (RFC 4035 3.1). */
static bool is_proof(uint16_t type)
{
    return type == RR_NSEC || type == RR_RRSIG;
}

/* RFC 8482 4.1: over UDP one RRset of those that are there, over TCP all. */
static enum step answer_any(struct answering *a)
{
    const struct image_node *node = a->found.node;
    unsigned most = a->query->transport == ANSWER_UDP ? 1 : node->rrset_count;
    if (node->rrset_count == 0)
        return no_data(a);
    a->response->flags |= FLAG_AA;
    prove_if_wildcard(a);
    for (unsigned i = 0; i < node->rrset_count && most > 0; i++) {
        const struct placement placement = placement_of(a, node, &node_entries(node)[i], a->name_at);
        if (!a->query->edns.dnssec_ok && node->rrset_count > 1 && is_proof(placement.entry->type))
            continue;
        if (!response_put(a->response, SECTION_ANSWER, &placement, a->query->edns.dnssec_ok, NULL))
            return STEP_FULL;
        most--;
    }
    return STEP_DONE;
}

/* RRSIGs stand with what they sign: gather them. */
static enum step answer_rrsig(struct answering *a)
{
    const struct image_node *node = a->found.node;
    a->response->flags |= FLAG_AA;
    for (unsigned i = 0; i < node->rrset_count; i++) {
        const struct placement placement = placement_of(a, node, &node_entries(node)[i], a->name_at);
        bool fits = placement.entry->type == RR_RRSIG
                        ? response_put(a->response, SECTION_ANSWER, &placement, false, NULL)
                        : response_put_signatures(a->response, SECTION_ANSWER, &placement);
        if (!fits)
            return STEP_FULL;
    }
    if (a->response->counts[SECTION_ANSWER] == 0)
        return no_data(a);
    prove_if_wildcard(a);
    return STEP_DONE;
}

static enum step answer_node(struct answering *a)
{
    const struct image_node *node = a->found.node;
    uint16_t qtype = a->query->qtype;
    if (qtype == RR_ANY)
        return answer_any(a);
    if (qtype == RR_RRSIG)
        return answer_rrsig(a);
    const struct image_entry *entry = node_find(node, qtype);
    if (entry == NULL) {
        const struct image_entry *cname = node_find(node, RR_CNAME);
        return cname != NULL ? follow_cname(a, cname) : no_data(a);
    }
    const struct placement placement = placement_of(a, node, entry, a->name_at);
    a->response->flags |= FLAG_AA;
    prove_if_wildcard(a);
    return put(a, SECTION_ANSWER, &placement) ? STEP_DONE : STEP_FULL;
}

static enum step answer_found(struct answering *a)
{
    bool at_cut = a->found.outcome == LOOKUP_CUT && a->found.labels == a->query->name.labels;
    switch (a->found.outcome) {
    case LOOKUP_EXACT:
    case LOOKUP_WILDCARD:
        return answer_node(a);
    case LOOKUP_CUT:
        /* The parent is who knows of DS (RFC 4035 3.1.4.1). */
        return at_cut && a->query->qtype == RR_DS ? answer_node(a) : referral(a);
    case LOOKUP_DNAME:
        return follow_dname(a);
    case LOOKUP_ABSENT:
        break;
    }
    return no_name(a);
}

/* --- additional data
 * ------------------------------------------------------------------------------------------- */

/* The addresses (and for an alias the records of its own type) of one link. False when they don't fit. */
static bool put_linked(struct answering *a, const struct linked *linked, const struct image_link *link)
{
    const uint16_t types[] = {RR_A, RR_AAAA, link->kind == LINK_ALIAS ? linked->entry->type : 0};
    const struct image_node *node = image_at(linked->image->bytes, link->node);
    uint16_t at = linked->records_at != 0
                      ? response_name_at(a->response, (uint16_t)(linked->records_at + link->at), 0)
                      : 0;
    /* Where the name doesn't stand the node's own owner is written; a wildcard's would be the wrong one. */
    if (at == 0 && (node->flags & NODE_WILDCARD) != 0)
        return true;
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct image_entry *entry = types[i] != 0 ? node_find(node, types[i]) : NULL;
        const struct placement placement = {linked->image, entry, node, at, linked->apex_at};
        if (entry != NULL &&
            !response_put(a->response, SECTION_ADDITIONAL, &placement, a->query->edns.dnssec_ok, NULL))
            return false;
    }
    return true;
}

/* First the glue without which a referral is useless: when that doesn't fit the client has to come again (RFC
 * 9471 3.1). What is only a courtesy is left out instead. */
static void put_additional(struct answering *a)
{
    for (unsigned i = 0; i < a->linked_count; i++) {
        struct rrset_view view = rrset_view(a->linked[i].image->bytes, a->linked[i].entry);
        for (unsigned l = 0; l < view.link_count; l++) {
            if (view.links[l].kind == LINK_GLUE && !put_linked(a, &a->linked[i], &view.links[l])) {
                a->response->flags |= FLAG_TC;
                return;
            }
        }
        for (unsigned l = 0; l < view.link_count; l++) {
            if (view.links[l].kind != LINK_GLUE && !put_linked(a, &a->linked[i], &view.links[l]))
                break;
        }
    }
}

/* --- the whole
 * ------------------------------------------------------------------------------------------------- */

/* The octet of the question where the apex of `image` stands, 0 when the question isn't in that zone. */
static uint16_t apex_in_question(const struct answering *a, const struct zone_image *image)
{
    const uint8_t *question = a->response->start + MESSAGE_HEADER_OCTETS;
    if (!name_is_at_or_below(question, image->header->apex))
        return 0;
    return (uint16_t)(MESSAGE_HEADER_OCTETS + a->response->question_name_octets - image->header->apex_octets);
}

/* Whether the chain came to a name that it has been at; if not, the name is noted. */
static bool goes_round(struct answering *a)
{
    uint64_t hash = a->query->name.hashes[a->query->name.labels];
    for (unsigned i = 0; i < a->visited_count; i++) {
        if (a->visited[i] == hash)
            return true;
    }
    a->visited[a->visited_count++] = hash;
    return a->visited_count == RESPOND_CHAIN_MOST;
}

/* Looks the alias' target up in the zone of ours that it is in. False when it is in none. */
static bool look_up_target(struct answering *a)
{
    const struct zone_image *image = lookup_zone(a->set, &a->query->name, a->query->name.labels);
    if (image == NULL)
        return false;
    if (image != a->image && a->set->restricted && !limit_shows_zone(a->query, a->set, image))
        return false;
    if (image != a->image)
        a->apex_at = apex_in_question(a, image);
    a->image = image;
    lookup_find(&a->found, image, &a->query->name, NULL);
    return true;
}

void respond(struct response *response, struct query *query, const struct zone_set *set,
             const struct zone_image *image, const struct lookup *found)
{
    if (image == NULL) {
        query->rcode = RCODE_REFUSED;
        query->error = EDNS_ERROR_NOT_AUTHORITATIVE;
        return;
    }
    struct answering a;
    a.response = response;
    a.query = query;
    a.set = set;
    a.image = image;
    a.found = *found;
    a.name_at = MESSAGE_HEADER_OCTETS;
    a.apex_at = (uint16_t)(MESSAGE_HEADER_OCTETS + query->name.octets - image->header->apex_octets);
    a.linked_count = 0;
    a.dname_count = 0;
    a.proofs.count = 0;
    a.visited_count = 1;
    a.visited[0] = query->name.hashes[query->name.labels];
    enum step step = answer_found(&a);
    while (step == STEP_ALIAS && !goes_round(&a) && look_up_target(&a))
        step = answer_found(&a);
    if (step != STEP_FULL && a.proofs.count > 0 && !proofs_put(&a.proofs, response))
        step = STEP_FULL;
    if (step == STEP_FULL)
        response_truncate(response);
    else if (a.linked_count > 0)
        put_additional(&a);
}
