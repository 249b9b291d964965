/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/expand.h"

#include "wire/rdata.h"

#define EXPAND_HOPS (16 + NAME_MAX_LABELS) /* labels and pointers that one name may go through */

/* What says where the pointer at `at` octets into the records leads; they stand in the order of their
 * places. */
static const struct image_relocation *relocation_at(const struct rrset_view *view, size_t at)
{
    size_t low = 0;
    size_t high = view->relocation_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (view->relocations[middle].at == at)
            return &view->relocations[middle];
        if (view->relocations[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Ends a name where its pointer leads out of the RRset. */
static bool expand_outside(struct writer *w, const struct image_header *header, const struct image_node *node,
                           const struct image_relocation *relocation)
{
    size_t to = relocation->to & (unsigned)~RELOCATION_BASE;
    if ((relocation->to & RELOCATION_BASE) == RELOCATION_OWNER) {
        writer_bytes(w, node_owner_cased(node), node->owner_octets);
        to = 0;
    }
    writer_bytes(w, header->apex_cased + to, header->apex_octets - to);
    return !w->failed;
}

/* The name (or the rest of one) at `at` octets into the records, spelt out. */
static bool expand_name(struct writer *w, const struct image_header *header, const struct image_node *node,
                        const struct rrset_view *view, size_t at)
{
    for (unsigned hops = 0; hops < EXPAND_HOPS && at < view->octets; hops++) {
        uint8_t label = view->records[at];
        if (label == 0) {
            writer_u8(w, 0);
            return !w->failed;
        }
        if (label <= NAME_MAX_LABEL) {
            if (view->octets - at < 1U + label)
                return false;
            writer_bytes(w, view->records + at, 1U + label);
            at += 1U + label;
            continue;
        }
        const struct image_relocation *relocation = relocation_at(view, at);
        if (relocation == NULL)
            return false;
        if ((relocation->to & RELOCATION_BASE) != RELOCATION_RRSET)
            return expand_outside(w, header, node, relocation);
        at = relocation->to & (unsigned)~RELOCATION_BASE;
    }
    return false;
}

/* The octet behind the name that begins at `at`, which a pointer may end. */
static size_t name_end(const struct rrset_view *view, size_t at)
{
    while (at < view->octets && view->records[at] != 0 && view->records[at] <= NAME_MAX_LABEL)
        at += 1U + view->records[at];
    return at < view->octets ? at + (view->records[at] != 0 ? 2 : 1) : view->octets;
}

/* `octets` of rdata of `type` at `at`, names spelt out. */
static bool expand_rdata(struct writer *w, const struct image_header *header, const struct image_node *node,
                         const struct rrset_view *view, uint16_t type, size_t at, size_t octets)
{
    size_t end = at + octets;
    struct rdata_names names = rdata_compressible(type);
    if (names.count == 0) {
        writer_bytes(w, view->records + at, octets);
        return !w->failed;
    }
    if (octets < names.before)
        return false;
    writer_bytes(w, view->records + at, names.before);
    at += names.before;
    for (unsigned i = 0; i < names.count; i++) {
        if (!expand_name(w, header, node, view, at))
            return false;
        at = name_end(view, at);
    }
    if (at > end)
        return false;
    writer_bytes(w, view->records + at, end - at);
    return !w->failed;
}

bool expand_record(struct writer *w, const struct image_header *header, const struct image_node *node,
                   const struct rrset_view *view, size_t at)
{
    const uint8_t *record = view->records + at;
    writer_bytes(w, record + 2, 8);
    size_t length_at = writer_offset(w);
    writer_u16(w, 0);
    size_t rdata_at = writer_offset(w);
    if (!expand_rdata(w, header, node, view, record_u16(record + 2), at + RECORD_BEFORE_RDATA,
                      record_u16(record + 10)))
        return false;
    writer_set_u16(w, length_at, (uint16_t)(writer_offset(w) - rdata_at));
    return !w->failed;
}

size_t expand_owner(uint8_t name[NAME_MAX_OCTETS], const struct image_header *header,
                    const struct image_node *node)
{
    memcpy(name, node_owner_cased(node), node->owner_octets);
    memcpy(name + node->owner_octets, header->apex_cased, header->apex_octets);
    return (size_t)node->owner_octets + header->apex_octets;
}
