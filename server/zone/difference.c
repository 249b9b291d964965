/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Both images hold their nodes in canonical order, so one walk through both meets each name once. A node that
 * is the same in both costs a comparison of its bytes; only where that fails its records are spelt out,
 * sorted, and merged.
 */
#include "zone/difference.h"

#include "wire/rdata.h"
#include "wire/serial.h"
#include "zone/expand.h"
#include "zone/format.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_MOST (NAME_MAX_OCTETS + 10 + 65535) /* octets of a record */

/* Octets that grow up to a limit. */
struct growing {
    uint8_t *bytes;
    size_t octets;
    size_t capacity;
    size_t most;
};

/* A record of a node, its owner left out, in the scratch. */
struct spelt {
    size_t at;
    size_t octets;
};

/* A node's records, spelt out and sorted. */
struct spelt_node {
    struct growing text;
    struct spelt *list;
    size_t count;
    size_t capacity;
};

/* One of the two images, and how far the walk has come in it. */
struct side {
    const uint8_t *image;
    const struct image_header *header;
    image_ref at;
    image_ref end;
    struct spelt_node spelt;
    struct growing told; /* what this side alone has: it went, or it came */
};

/* --- octets that grow
 * ------------------------------------------------------------------------------------------ */

/* Room for `octets` more behind what is there; NULL when memory is short. */
static uint8_t *grow(struct growing *g, size_t octets)
{
    if (g->capacity - g->octets < octets) {
        size_t capacity = (g->octets + octets) * 2;
        uint8_t *bytes = realloc(g->bytes, capacity);
        if (bytes == NULL)
            return NULL;
        g->bytes = bytes;
        g->capacity = capacity;
    }
    return g->bytes + g->octets;
}

static bool append(struct growing *g, const void *bytes, size_t octets)
{
    if (octets > g->most - g->octets)
        return false;
    uint8_t *room = grow(g, octets);
    if (room == NULL)
        return false;
    memcpy(room, bytes, octets);
    g->octets += octets;
    return true;
}

/* --- a node's records
 * ------------------------------------------------------------------------------------------ */

static bool spell(struct side *side, const struct image_node *node, const struct rrset_view *view,
                  size_t offset, bool signature)
{
    struct spelt_node *spelt = &side->spelt;
    uint8_t *room = grow(&spelt->text, RECORD_MOST);
    if (spelt->count == spelt->capacity) {
        size_t capacity = spelt->capacity > 0 ? spelt->capacity * 2 : 16;
        struct spelt *list = realloc(spelt->list, capacity * sizeof *list);
        if (list == NULL)
            return false;
        spelt->list = list;
        spelt->capacity = capacity;
    }
    if (room == NULL)
        return false;
    struct writer w = writer_to(room, RECORD_MOST);
    if (signature)
        writer_bytes(&w, view->signatures + offset + 2, record_octets(view->signatures + offset) - 2);
    else if (!expand_record(&w, side->header, node, view, offset))
        return false;
    spelt->list[spelt->count++] = (struct spelt){spelt->text.octets, writer_offset(&w)};
    spelt->text.octets += writer_offset(&w);
    return true;
}

static bool spell_rrset(struct side *side, const struct image_node *node, const struct image_entry *entry)
{
    const struct rrset_view view = rrset_view(side->image, entry);
    bool frames = entry->type == RR_SOA && node->owner_octets == 0;
    for (size_t at = 0; at < view.octets && !frames; at += record_octets(view.records + at)) {
        if (!spell(side, node, &view, at, false))
            return false;
    }
    for (size_t at = 0; at < view.signature_octets; at += record_octets(view.signatures + at)) {
        if (!spell(side, node, &view, at, true))
            return false;
    }
    return true;
}

static int compare_spelt(const uint8_t *a, size_t a_octets, const uint8_t *b, size_t b_octets)
{
    int order = memcmp(a, b, a_octets < b_octets ? a_octets : b_octets);
    return order != 0 ? order : (a_octets > b_octets) - (a_octets < b_octets);
}

static int by_octets(const void *a, const void *b, void *text)
{
    const struct spelt *left = a;
    const struct spelt *right = b;
    const uint8_t *bytes = text;
    return compare_spelt(bytes + left->at, left->octets, bytes + right->at, right->octets);
}

/* Spells out what the node has; nothing when it is NULL. */
static bool spell_node(struct side *side, const struct image_node *node)
{
    struct spelt_node *spelt = &side->spelt;
    spelt->count = 0;
    spelt->text.octets = 0;
    for (unsigned i = 0; node != NULL && i < node->rrset_count; i++) {
        if (!spell_rrset(side, node, &node_entries(node)[i]))
            return false;
    }
    if (spelt->count > 1)
        qsort_r(spelt->list, spelt->count, sizeof *spelt->list, by_octets, spelt->text.bytes);
    return true;
}

/* Notes that the `i`th record spelt out is on this side alone. */
static bool tell(struct side *side, const struct image_node *node, size_t i)
{
    uint8_t owner[NAME_MAX_OCTETS];
    const struct spelt *spelt = &side->spelt.list[i];
    return append(&side->told, owner, expand_owner(owner, side->header, node)) &&
           append(&side->told, side->spelt.text.bytes + spelt->at, spelt->octets);
}

/* --- the walk
 * -------------------------------------------------------------------------------------------------- */

static bool rrsets_same(const struct side *from, const struct image_entry *a, const struct side *to,
                        const struct image_entry *b)
{
    const struct rrset_view x = rrset_view(from->image, a);
    const struct rrset_view y = rrset_view(to->image, b);
    return a->type == b->type && x.octets == y.octets && x.signature_octets == y.signature_octets &&
           memcmp(x.records, y.records, x.octets) == 0 &&
           (x.signature_octets == 0 || memcmp(x.signatures, y.signatures, x.signature_octets) == 0);
}

/* The records of one RRset stand for the same in both images when their octets are the same: where pointers
 * lead follows from the owner and the apex, and those are the same. */
static bool nodes_same(const struct side *from, const struct image_node *a, const struct side *to,
                       const struct image_node *b)
{
    if (a->rrset_count != b->rrset_count)
        return false;
    for (unsigned i = 0; i < a->rrset_count; i++) {
        if (!rrsets_same(from, &node_entries(a)[i], to, &node_entries(b)[i]))
            return false;
    }
    return true;
}

/* Tells what only one of the two nodes has. Either may be NULL. */
static bool tell_node(struct side *from, const struct image_node *a, struct side *to,
                      const struct image_node *b)
{
    size_t i = 0;
    size_t k = 0;
    if (!spell_node(from, a) || !spell_node(to, b))
        return false;
    while (i < from->spelt.count || k < to->spelt.count) {
        int order = i == from->spelt.count ? 1 : -1;
        if (i < from->spelt.count && k < to->spelt.count) {
            const struct spelt *x = &from->spelt.list[i];
            const struct spelt *y = &to->spelt.list[k];
            order = compare_spelt(from->spelt.text.bytes + x->at, x->octets, to->spelt.text.bytes + y->at,
                                  y->octets);
        }
        if ((order < 0 && !tell(from, a, i)) || (order > 0 && !tell(to, b, k)))
            return false;
        i += order <= 0;
        k += order >= 0;
    }
    return true;
}

static const struct image_node *node_here(const struct side *side)
{
    return side->at < side->end ? image_at(side->image, side->at) : NULL;
}

static int compare_owners(const struct image_node *a, const struct image_node *b)
{
    uint8_t left[NAME_MAX_OCTETS + 1];
    uint8_t right[NAME_MAX_OCTETS + 1];
    if (a->owner_octets == b->owner_octets && memcmp(node_owner(a), node_owner(b), a->owner_octets) == 0)
        return 0;
    memcpy(left, node_owner(a), a->owner_octets);
    memcpy(right, node_owner(b), b->owner_octets);
    left[a->owner_octets] = right[b->owner_octets] = 0;
    return name_compare(left, right);
}

/* Goes through one area of both images. */
static bool walk(struct side *from, struct side *to)
{
    for (;;) {
        const struct image_node *a = node_here(from);
        const struct image_node *b = node_here(to);
        int order = a == NULL ? 1 : -1;
        if (a == NULL && b == NULL)
            return true;
        if (a != NULL && b != NULL)
            order = compare_owners(a, b);
        if (order == 0 ? !nodes_same(from, a, to, b) && !tell_node(from, a, to, b)
                       : !tell_node(from, order < 0 ? a : NULL, to, order > 0 ? b : NULL))
            return false;
        from->at = order <= 0 ? image_node_after(from->image, from->at) : from->at;
        to->at = order >= 0 ? image_node_after(to->image, to->at) : to->at;
    }
}

static bool walk_both(struct side *from, struct side *to)
{
    from->at = from->header->nodes;
    from->end = from->header->nodes_end;
    to->at = to->header->nodes;
    to->end = to->header->nodes_end;
    if (!walk(from, to))
        return false;
    from->at = from->end;
    from->end = from->header->nsec3_nodes_end;
    to->at = to->end;
    to->end = to->header->nsec3_nodes_end;
    return walk(from, to);
}

/* --- a difference
 * ---------------------------------------------------------------------------------------------- */

static struct side side_of(const struct zone_image *image, size_t most)
{
    return (struct side){
        .image = image->bytes, .header = image->header, .spelt.text.most = SIZE_MAX, .told.most = most};
}

/* What the side tells begins with its SOA. */
static bool tell_soa(struct side *side)
{
    uint8_t owner[NAME_MAX_OCTETS];
    uint8_t record[RECORD_BEFORE_RDATA + 2 * NAME_MAX_OCTETS + 20];
    const struct image_node *apex = image_at(side->image, side->header->apex_node);
    const struct image_entry *soa = node_find(apex, RR_SOA);
    struct writer w = writer_to(record, sizeof record);
    if (soa == NULL)
        return false;
    const struct rrset_view view = rrset_view(side->image, soa);
    return expand_record(&w, side->header, apex, &view, 0) &&
           append(&side->told, owner, expand_owner(owner, side->header, apex)) &&
           append(&side->told, record, writer_offset(&w));
}

static struct zone_difference *put_together(const struct side *from, const struct side *to, size_t most)
{
    size_t octets = from->told.octets + to->told.octets;
    struct zone_difference *difference = octets <= most ? malloc(sizeof *difference + octets) : NULL;
    if (difference == NULL)
        return NULL;
    atomic_init(&difference->references, 1);
    difference->from = from->header->serial;
    difference->to = to->header->serial;
    difference->octets = octets;
    memcpy(difference->records, from->told.bytes, from->told.octets);
    memcpy(difference->records + from->told.octets, to->told.bytes, to->told.octets);
    return difference;
}

static void side_free(struct side *side)
{
    free(side->spelt.text.bytes);
    free(side->spelt.list);
    free(side->told.bytes);
}

struct zone_difference *zone_difference_make(const struct zone_image *from, const struct zone_image *to,
                                             size_t most)
{
    struct side a = side_of(from, most);
    struct side b = side_of(to, most);
    struct zone_difference *difference = NULL;
    if (tell_soa(&a) && tell_soa(&b) && walk_both(&a, &b))
        difference = put_together(&a, &b, most);
    side_free(&a);
    side_free(&b);
    return difference;
}

void zone_difference_release(struct zone_difference *difference)
{
    if (atomic_fetch_sub_explicit(&difference->references, 1, memory_order_acq_rel) == 1)
        free(difference);
}

/* --- a history
 * ------------------------------------------------------------------------------------------------- */

/* The first step of `history` that may stay when `octets` are added to it, and all together are at most
 * `most`. */
static size_t first_to_keep(const struct zone_history *history, size_t octets, size_t most)
{
    size_t first = history->count;
    while (first > 0 && history->count - first + 1 < HISTORY_STEPS_MOST &&
           history->steps[first - 1]->octets <= most - octets) {
        first--;
        octets += history->steps[first]->octets;
    }
    return first;
}

void zone_history_continue(struct zone_image *image, const struct zone_image *before)
{
    size_t most = image->octets;
    if (!serial_is_newer(image->header->serial, before->header->serial))
        return;
    struct zone_difference *step = zone_difference_make(before, image, most);
    struct zone_history *history = step != NULL ? calloc(1, sizeof *history) : NULL;
    if (history == NULL) {
        if (step != NULL)
            zone_difference_release(step);
        return;
    }
    const struct zone_history *old = before->history;
    for (size_t i = old != NULL ? first_to_keep(old, step->octets, most) : 0; old != NULL && i < old->count;
         i++) {
        atomic_fetch_add_explicit(&old->steps[i]->references, 1, memory_order_relaxed);
        history->steps[history->count++] = old->steps[i];
    }
    history->steps[history->count++] = step;
    zone_history_free(image->history);
    image->history = history;
}

bool zone_history_find(const struct zone_history *history, uint32_t serial, size_t *step)
{
    for (size_t i = history != NULL ? history->count : 0; i > 0; i--) {
        if (history->steps[i - 1]->from == serial) {
            *step = i - 1;
            return true;
        }
    }
    return false;
}

void zone_history_free(struct zone_history *history)
{
    for (size_t i = 0; history != NULL && i < history->count; i++)
        zone_difference_release(history->steps[i]);
    free(history);
}
