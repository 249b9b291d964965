/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/format.h"

#include "wire/rdata.h"
#include "wire/reader.h"
#include "zone/nsec3.h"

#include <stdlib.h>

/* What was found out about places, one bit for each, so that a reference to a node is judged without going
 * there: among millions of names that would be what takes the time. */
enum place {
    PLACE_NODE,  /* a sound node begins here */
    PLACE_NAMED, /* and the index may lead to it */
    PLACE_NSEC3, /* and it has what an NSEC3 proof takes from it */
    PLACE_KINDS,
};

/* What is being judged: an image whose header is known to fit. */
struct judged {
    const uint8_t *image;
    const struct image_header *header;
    size_t octets;
    uint64_t *places[PLACE_KINDS];
    image_ref first_referring; /* nodes that lead to others are all between these two; 0: none */
    image_ref last_referring;
};

static inline void place_note(const struct judged *j, enum place kind, image_ref ref)
{
    j->places[kind][ref / 64] |= UINT64_C(1) << ref % 64;
}

static inline bool place_is(const struct judged *j, enum place kind, image_ref ref)
{
    return ref < j->octets / IMAGE_UNIT && (j->places[kind][ref / 64] >> ref % 64 & 1) != 0;
}

/* False when memory is short. */
static bool places_open(struct judged *j)
{
    size_t words = j->octets / IMAGE_UNIT / 64 + 1;
    uint64_t *bits = calloc(words * PLACE_KINDS, sizeof *bits);
    for (size_t kind = 0; bits != NULL && kind < PLACE_KINDS; kind++)
        j->places[kind] = bits + kind * words;
    return bits != NULL;
}

static bool inside(const struct judged *j, size_t at, size_t octets)
{
    return at <= j->octets && octets <= j->octets - at;
}

static size_t offset_of(image_ref ref)
{
    return (size_t)ref * IMAGE_UNIT;
}

static bool records_valid(const uint8_t *records, size_t octets, unsigned count)
{
    if (octets == 0)
        return count == 0;
    struct reader r = reader_of(records, octets);
    while (count-- > 0) {
        (void)reader_bytes(&r, 10);
        (void)reader_bytes(&r, reader_u16(&r));
    }
    return !r.failed && reader_left(&r) == 0;
}

static bool relocations_valid(const struct judged *j, const struct rrset_view *view)
{
    for (unsigned i = 0; i < view->relocation_count; i++) {
        const struct image_relocation *relocation = &view->relocations[i];
        size_t offset = relocation->to & (size_t)~RELOCATION_BASE;
        size_t limit = view->octets;
        if ((relocation->to & RELOCATION_BASE) == RELOCATION_APEX)
            limit = j->header->apex_octets;
        else if ((relocation->to & RELOCATION_BASE) == RELOCATION_OWNER)
            limit = 1;
        if (relocation->at + 2U > view->octets || offset >= limit ||
            (relocation->to & RELOCATION_BASE) == RELOCATION_BASE)
            return false;
    }
    return true;
}

static bool links_valid(const struct judged *j, const struct rrset_view *view)
{
    for (unsigned i = 0; i < view->link_count; i++) {
        if (view->links[i].at >= view->octets || !place_is(j, PLACE_NODE, view->links[i].node))
            return false;
    }
    return true;
}

/* The RRset with all its parts lies inside; where its links lead is for later. */
static bool entry_valid(const struct judged *j, const struct image_entry *entry)
{
    size_t at = offset_of(entry->rrset);
    size_t fixed = sizeof(struct image_rrset);
    if ((entry->flags & RRSET_EXTENDED) != 0)
        fixed += sizeof(struct image_rrset_more);
    if (at < sizeof *j->header || !inside(j, at, fixed))
        return false;
    struct rrset_view view = rrset_view(j->image, entry);
    if (view.octets > j->octets || view.signature_octets > j->octets ||
        !inside(j, at + fixed, rrset_view_octets(&view)))
        return false;
    return records_valid(view.records, view.octets, view.record_count) &&
           records_valid(view.signatures, view.signature_octets, view.signature_count) &&
           relocations_valid(j, &view);
}

/* The labels of a relative owner end where it ends. */
static bool owner_valid(const uint8_t *owner, size_t octets)
{
    size_t at = 0;
    while (at < octets) {
        if (owner[at] == 0 || owner[at] > NAME_MAX_LABEL)
            return false;
        at += 1 + (size_t)owner[at];
    }
    return at == octets;
}

static bool node_valid(const struct judged *j, image_ref ref)
{
    size_t at = offset_of(ref);
    if (at < sizeof *j->header || !inside(j, at, sizeof(struct image_node)))
        return false;
    const struct image_node *node = image_at(j->image, ref);
    size_t owners = node->owner_octets * ((node->flags & NODE_CASED) != 0 ? 2U : 1U);
    size_t head = (size_t)((const uint8_t *)node_entries(node) - (const uint8_t *)node);
    if (!inside(j, at, head + node->rrset_count * sizeof(struct image_entry) + owners + NAME_PADDING) ||
        node->owner_octets + (size_t)j->header->apex_octets > NAME_MAX_OCTETS ||
        !owner_valid(node_owner(node), node->owner_octets) ||
        !owner_valid(node_owner_cased(node), node->owner_octets))
        return false;
    for (unsigned i = 0; i < node->rrset_count; i++) {
        if (!entry_valid(j, &node_entries(node)[i]))
            return false;
    }
    return true;
}

image_ref image_node_after(const uint8_t *image, image_ref ref)
{
    const struct image_node *node = image_at(image, ref);
    const uint8_t *end = node_owner_cased(node) + node->owner_octets;
    if (node->rrset_count > 0) {
        struct rrset_view view = rrset_view(image, &node_entries(node)[node->rrset_count - 1]);
        end = view.records + rrset_view_octets(&view);
    }
    return (image_ref)(image_padded((size_t)(end - image)) / IMAGE_UNIT);
}

static inline bool has_links(const struct judged *j, const struct image_node *node)
{
    for (unsigned i = 0; i < node->rrset_count; i++) {
        const struct image_entry *entry = &node_entries(node)[i];
        if ((entry->flags & RRSET_EXTENDED) != 0 && rrset_view(j->image, entry).link_count > 0)
            return true;
    }
    return false;
}

static void note_node(struct judged *j, image_ref ref, bool ordinary)
{
    const struct image_node *node = image_at(j->image, ref);
    bool provable = (j->header->flags & IMAGE_NSEC3) == 0 || (node->flags & NODE_NSEC3) != 0;
    place_note(j, PLACE_NODE, ref);
    if (ordinary && provable && (node->flags & NODE_OCCLUDED) == 0)
        place_note(j, PLACE_NAMED, ref);
    if ((j->header->flags & IMAGE_NSEC3) != 0 && node_find(node, RR_NSEC3) != NULL)
        place_note(j, PLACE_NSEC3, ref);
    if ((node->flags & NODE_NSEC3) != 0 || has_links(j, node)) {
        j->first_referring = j->first_referring != 0 ? j->first_referring : ref;
        j->last_referring = ref;
    }
}

/* The nodes from `from` to `to` follow one another without gaps. */
static bool area_valid(struct judged *j, image_ref from, image_ref to, bool ordinary)
{
    for (image_ref at = from; at != to;) {
        if (at > to || !node_valid(j, at))
            return false;
        note_node(j, at, ordinary);
        image_ref after = image_node_after(j->image, at);
        if (after <= at)
            return false;
        at = after;
    }
    return true;
}

/* Where the node's references lead, now that all nodes are known. */
static bool references_valid(const struct judged *j, const struct image_node *node)
{
    for (unsigned i = 0; i < node->rrset_count; i++) {
        const struct image_entry *entry = &node_entries(node)[i];
        struct rrset_view view = rrset_view(j->image, entry);
        if (view.link_count > 0 && !links_valid(j, &view))
            return false;
    }
    return (node->flags & NODE_NSEC3) == 0 || (place_is(j, PLACE_NSEC3, node_nsec3(node)->own) &&
                                               place_is(j, PLACE_NSEC3, node_nsec3(node)->wildcard));
}

static bool all_references_valid(const struct judged *j)
{
    for (image_ref at = j->first_referring; at != 0 && at <= j->last_referring;
         at = image_node_after(j->image, at)) {
        if (!references_valid(j, image_at(j->image, at)))
            return false;
    }
    return true;
}

static bool index_valid(const struct judged *j)
{
    const struct image_header *h = j->header;
    if (h->bucket_count == 0 || offset_of(h->index) % sizeof(struct image_bucket) != 0 ||
        !inside(j, offset_of(h->index), h->bucket_count * sizeof(struct image_bucket)))
        return false;
    const struct image_bucket *buckets = image_at(j->image, h->index);
    bool some_free = false;
    for (uint32_t i = 0; i < h->bucket_count; i++) {
        some_free |= buckets[i].passed_on == 0;
        for (unsigned slot = 0; slot < BUCKET_SLOTS; slot++) {
            image_ref node = buckets[i].nodes[slot];
            if (node != 0 && !place_is(j, PLACE_NAMED, node))
                return false;
        }
    }
    return some_free;
}

static bool nsec_order_valid(const struct judged *j)
{
    const struct image_header *h = j->header;
    if ((h->flags & IMAGE_NSEC) == 0)
        return true;
    if (h->nsec_count == 0 || !inside(j, offset_of(h->nsec_order), h->nsec_count * sizeof(struct image_nsec)))
        return false;
    const struct image_nsec *order = image_at(j->image, h->nsec_order);
    for (uint32_t i = 0; i < h->nsec_count; i++) {
        if (!place_is(j, PLACE_NODE, order[i].node) ||
            node_find(image_at(j->image, order[i].node), RR_NSEC) == NULL)
            return false;
    }
    return true;
}

static bool nsec3_order_valid(const struct judged *j)
{
    const struct image_header *h = j->header;
    if ((h->flags & IMAGE_NSEC3) == 0)
        return true;
    if (h->nsec3_count == 0 || h->nsec3_iterations > NSEC3_MOST_ITERATIONS ||
        !inside(j, offset_of(h->nsec3_order), h->nsec3_count * sizeof(struct image_nsec3)))
        return false;
    const struct image_nsec3 *order = image_at(j->image, h->nsec3_order);
    for (uint32_t i = 0; i < h->nsec3_count; i++) {
        if (!place_is(j, PLACE_NSEC3, order[i].node))
            return false;
    }
    return true;
}

static bool apex_valid(const struct judged *j)
{
    const struct image_header *h = j->header;
    size_t soa = offset_of(h->negative_soa);
    if (soa < sizeof *h || !inside(j, soa, sizeof(struct image_entry)) ||
        !entry_valid(j, image_at(j->image, h->negative_soa)) || !place_is(j, PLACE_NAMED, h->apex_node))
        return false;
    const struct image_node *apex = image_at(j->image, h->apex_node);
    return apex->owner_octets == 0 && node_find(apex, RR_SOA) != NULL;
}

/* Its names can be relied on in what follows. */
static bool apex_name_valid(const struct image_header *h)
{
    return h->apex_octets > 0 && name_check(h->apex, sizeof h->apex) == h->apex_octets &&
           name_check(h->apex_cased, sizeof h->apex_cased) == h->apex_octets &&
           name_labels(h->apex) == h->apex_labels;
}

/* First what stands where, then what leads there. */
static bool contents_valid(struct judged *j)
{
    const struct image_header *h = j->header;
    return apex_name_valid(h) && area_valid(j, h->nodes, h->nodes_end, true) &&
           area_valid(j, h->nodes_end, h->nsec3_nodes_end, false) && all_references_valid(j) &&
           apex_valid(j) && index_valid(j) && nsec_order_valid(j) && nsec3_order_valid(j);
}

bool image_validate(const uint8_t *image, size_t octets, const char **why)
{
    struct judged j = {.image = image, .octets = octets};
    j.header = (const struct image_header *)(const void *)image;
    *why = NULL;
    if (octets < sizeof *j.header || memcmp(j.header->magic, "hither\0z", 8) != 0)
        *why = "this is no zone image";
    else if (j.header->version != IMAGE_VERSION)
        *why = "the zone image is of another version";
    else if (j.header->octets != octets)
        *why = "the zone image is cut off";
    else if (!places_open(&j))
        *why = "there is not enough memory";
    else if (!contents_valid(&j))
        *why = "the zone image is damaged";
    free(j.places[0]);
    return *why == NULL;
}
