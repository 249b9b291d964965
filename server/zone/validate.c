/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/validate.h"

#include "base/parallel.h"
#include "wire/rdata.h"
#include "wire/reader.h"
#include "zone/format.h"
#include "zone/nsec3.h"

#include <stdatomic.h>
#include <stdlib.h>

#define LARGE_OCTETS  ((size_t)4 * 1024 * 1024) /* from here on other threads are worth their start */
#define SEGMENTS_MOST 128
#define AHEAD_OCTETS                                                                                         \
    1024          /* of nodes that are fetched before it is their turn: each leads to the next, so that      \
                   * the processor can't know */
#define CHUNKS 32 /* of the index and the orders */

/* What was found out about places, one bit for each, so that a reference to a node is judged without going
 * there: among millions of names that would be what takes the time. */
enum place {
    PLACE_NODE,  /* a sound node begins here */
    PLACE_NAMED, /* and the index may lead to it */
    PLACE_NSEC3, /* and it has what an NSEC3 proof takes from it */
    PLACE_KINDS,
};

/* Nodes that follow one another, for one thread to judge. */
struct segment {
    image_ref from;
    image_ref to;
    bool ordinary;             /* else NSEC3 nodes */
    image_ref first_referring; /* nodes that lead to others are all between these two; 0: none */
    image_ref last_referring;
};

/* What is being judged: an image whose header is known to fit. */
struct judged {
    const uint8_t *image;
    const struct image_header *header;
    size_t octets;
    uint64_t *places[PLACE_KINDS];
    struct segment segments[SEGMENTS_MOST];
    size_t segment_count;
    size_t chunk_count;
    atomic_bool unsound;
    atomic_bool some_bucket_ends; /* so that every search does */
};

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

/* The first of them are of the records, then there is one for each record of glue. */
static bool relocations_valid(const struct judged *j, const struct rrset_view *view)
{
    if (view->glue_count > view->relocation_count)
        return false;
    for (size_t i = 0; i < view->relocation_count; i++) {
        const struct image_relocation *relocation = &view->relocations[i];
        bool glue = i >= rrset_view_relocations(view);
        size_t from = glue ? (size_t)view->octets + view->signature_octets : 0;
        size_t to = glue ? from + view->glue_octets : view->octets;
        size_t offset = relocation->to & (size_t)~RELOCATION_BASE;
        size_t limit = view->octets;
        if ((relocation->to & RELOCATION_BASE) == RELOCATION_APEX)
            limit = j->header->apex_octets;
        else if ((relocation->to & RELOCATION_BASE) == RELOCATION_OWNER)
            limit = 1;
        if (relocation->at < from || relocation->at + (size_t)2 > to || offset >= limit ||
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

/* The RRset with all its parts lies inside, and is shown by `view`; where its links lead is for later. */
static bool entry_valid(const struct judged *j, const struct image_entry *entry, struct rrset_view *view)
{
    size_t at = offset_of(entry->rrset);
    size_t fixed = sizeof(struct image_rrset);
    if ((entry->flags & RRSET_EXTENDED) != 0)
        fixed += sizeof(struct image_rrset_more);
    if (at < sizeof *j->header || !inside(j, at, fixed))
        return false;
    *view = rrset_view(j->image, entry);
    if (view->octets > j->octets || view->signature_octets > j->octets ||
        !inside(j, at + fixed, rrset_view_octets(view)))
        return false;
    return records_valid(view->records, view->octets, view->record_count) &&
           records_valid(view->signatures, view->signature_octets, view->signature_count) &&
           ((view->glue_octets == 0 && view->glue_count == 0) ||
            records_valid(view->signatures + view->signature_octets, view->glue_octets, view->glue_count)) &&
           relocations_valid(j, view);
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

struct node_found {
    image_ref after; /* where the next one begins */
    bool refers;     /* to other nodes */
};

static bool node_head_valid(const struct judged *j, image_ref ref)
{
    size_t at = offset_of(ref);
    if (at < sizeof *j->header || !inside(j, at, sizeof(struct image_node)))
        return false;
    const struct image_node *node = image_at(j->image, ref);
    bool cased = (node->flags & NODE_CASED) != 0;
    size_t owners = node->owner_octets * (cased ? 2U : 1U);
    size_t head = (size_t)((const uint8_t *)node_entries(node) - (const uint8_t *)node);
    return inside(j, at, head + node->rrset_count * sizeof(struct image_entry) + owners + NAME_PADDING) &&
           node->owner_octets + (size_t)j->header->apex_octets <= NAME_MAX_OCTETS &&
           owner_valid(node_owner(node), node->owner_octets) &&
           (!cased || owner_valid(node_owner_cased(node), node->owner_octets));
}

static inline bool node_valid(const struct judged *j, image_ref ref, struct node_found *found)
{
    if (!node_head_valid(j, ref))
        return false;
    const struct image_node *node = image_at(j->image, ref);
    const struct image_entry *entries = node_entries(node);
    const uint8_t *end = node_owner_cased(node) + node->owner_octets;
    found->refers = (node->flags & NODE_NSEC3) != 0;
    for (unsigned i = 0; i < node->rrset_count; i++) {
        struct rrset_view view;
        if (!entry_valid(j, &entries[i], &view))
            return false;
        found->refers |= view.link_count > 0;
        end = view.records + rrset_view_octets(&view);
    }
    found->after = (image_ref)(image_padded((size_t)(end - j->image)) / IMAGE_UNIT);
    return true;
}

/* Places in one word of the maps, on their way there. */
struct notes {
    size_t word;
    uint64_t bits[PLACE_KINDS];
};

/* The words at a segment's ends belong to its neighbours as well. */
static inline void notes_put(const struct judged *j, const struct segment *s, struct notes *notes)
{
    bool shared = notes->word == s->from / 64 || notes->word == s->to / 64;
    for (size_t kind = 0; kind < PLACE_KINDS; kind++) {
        if (shared)
            __atomic_fetch_or(&j->places[kind][notes->word], notes->bits[kind], __ATOMIC_RELAXED);
        else
            j->places[kind][notes->word] = notes->bits[kind];
        notes->bits[kind] = 0;
    }
}

static inline void note_node(const struct judged *j, const struct segment *s, struct notes *notes,
                             image_ref ref)
{
    const struct image_node *node = image_at(j->image, ref);
    bool nsec3 = (j->header->flags & IMAGE_NSEC3) != 0;
    bool provable = !nsec3 || (node->flags & NODE_NSEC3) != 0;
    uint64_t bit = UINT64_C(1) << ref % 64;
    if (ref / 64 != notes->word) {
        notes_put(j, s, notes);
        notes->word = ref / 64;
    }
    notes->bits[PLACE_NODE] |= bit;
    if (s->ordinary && provable && (node->flags & NODE_OCCLUDED) == 0)
        notes->bits[PLACE_NAMED] |= bit;
    if (nsec3 && node_find(node, RR_NSEC3) != NULL)
        notes->bits[PLACE_NSEC3] |= bit;
}

/* The nodes of the segment follow one another without gaps. */
static bool segment_valid(const struct judged *j, struct segment *s)
{
    struct notes notes = {.word = s->from / 64};
    for (image_ref at = s->from; at != s->to;) {
        struct node_found found;
        __builtin_prefetch(j->image + offset_of(at) + AHEAD_OCTETS);
        if (at > s->to || !node_valid(j, at, &found) || found.after <= at)
            return false;
        note_node(j, s, &notes, at);
        if (found.refers) {
            s->first_referring = s->first_referring != 0 ? s->first_referring : at;
            s->last_referring = at;
        }
        at = found.after;
    }
    notes_put(j, s, &notes);
    return true;
}

static void segment_judge(size_t part, void *arg)
{
    struct judged *j = arg;
    if (!segment_valid(j, &j->segments[part]))
        atomic_store_explicit(&j->unsound, true, memory_order_relaxed);
}

static int compare_refs(const void *a, const void *b)
{
    image_ref left = *(const image_ref *)a;
    image_ref right = *(const image_ref *)b;
    return left < right ? -1 : left > right;
}

static size_t refs_add(image_ref *refs, size_t count, image_ref from, image_ref ref, image_ref to)
{
    if (ref > from && ref < to)
        refs[count++] = ref;
    return count;
}

/* Places where nodes ought to begin, as the index and the NSEC3 order have it: whether it is so, who walks
 * up to there will see. */
static size_t refs_sample(const struct judged *j, image_ref refs[SEGMENTS_MOST - 2])
{
    const struct image_header *h = j->header;
    const struct image_bucket *buckets = image_at(j->image, h->index);
    const struct image_nsec3 *order = image_at(j->image, h->nsec3_order);
    const size_t samples = SEGMENTS_MOST / 2 - 1;
    size_t count = 0;
    for (size_t i = 0; i < samples; i++) {
        size_t bucket = i * h->bucket_count / samples;
        count = refs_add(refs, count, h->nodes, buckets[bucket].nodes[0], h->nodes_end);
        if ((h->flags & IMAGE_NSEC3) != 0)
            count = refs_add(refs, count, h->nodes_end, order[i * h->nsec3_count / samples].node,
                             h->nsec3_nodes_end);
    }
    return count;
}

static bool segments_make(struct judged *j)
{
    const struct image_header *h = j->header;
    image_ref refs[SEGMENTS_MOST];
    size_t count = j->octets >= LARGE_OCTETS ? refs_sample(j, refs) : 0;
    if (h->nodes > h->nodes_end || h->nodes_end > h->nsec3_nodes_end)
        return false;
    refs[count++] = h->nodes_end;
    refs[count++] = h->nsec3_nodes_end;
    qsort(refs, count, sizeof *refs, compare_refs);
    image_ref from = h->nodes;
    for (size_t i = 0; i < count; i++) {
        if (refs[i] == from)
            continue;
        j->segments[j->segment_count++] =
            (struct segment){.from = from, .to = refs[i], .ordinary = from < h->nodes_end};
        from = refs[i];
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

static bool segment_references_valid(const struct judged *j, const struct segment *s)
{
    for (image_ref at = s->first_referring; at != 0 && at <= s->last_referring;
         at = image_node_after(j->image, at)) {
        if (!references_valid(j, image_at(j->image, at)))
            return false;
    }
    return true;
}

/* A part of `count` things. */
struct stretch {
    size_t from;
    size_t to;
};

static struct stretch stretch_of(const struct judged *j, size_t chunk, size_t count)
{
    return (struct stretch){count * chunk / j->chunk_count, count * (chunk + 1) / j->chunk_count};
}

static bool index_chunk_valid(struct judged *j, size_t chunk)
{
    const struct image_bucket *buckets = image_at(j->image, j->header->index);
    struct stretch s = stretch_of(j, chunk, j->header->bucket_count);
    bool some_end = false;
    for (size_t i = s.from; i < s.to; i++) {
        some_end |= buckets[i].passed_on == 0;
        for (unsigned slot = 0; slot < BUCKET_SLOTS; slot++) {
            image_ref node = buckets[i].nodes[slot];
            if (node != 0 && !place_is(j, PLACE_NAMED, node))
                return false;
        }
    }
    if (some_end)
        atomic_store_explicit(&j->some_bucket_ends, true, memory_order_relaxed);
    return true;
}

static bool nsec_chunk_valid(const struct judged *j, size_t chunk)
{
    const struct image_nsec *order = image_at(j->image, j->header->nsec_order);
    bool there = (j->header->flags & IMAGE_NSEC) != 0;
    struct stretch s = stretch_of(j, chunk, there ? j->header->nsec_count : 0);
    for (size_t i = s.from; i < s.to; i++) {
        if (!place_is(j, PLACE_NODE, order[i].node) ||
            node_find(image_at(j->image, order[i].node), RR_NSEC) == NULL)
            return false;
    }
    return true;
}

static bool nsec3_chunk_valid(const struct judged *j, size_t chunk)
{
    const struct image_nsec3 *order = image_at(j->image, j->header->nsec3_order);
    bool there = (j->header->flags & IMAGE_NSEC3) != 0;
    struct stretch s = stretch_of(j, chunk, there ? j->header->nsec3_count : 0);
    for (size_t i = s.from; i < s.to; i++) {
        if (!place_is(j, PLACE_NSEC3, order[i].node))
            return false;
    }
    return true;
}

/* Chunks first: there is more in each. */
static void reference_judge(size_t part, void *arg)
{
    struct judged *j = arg;
    bool sound = part < j->chunk_count
                     ? index_chunk_valid(j, part) && nsec_chunk_valid(j, part) && nsec3_chunk_valid(j, part)
                     : segment_references_valid(j, &j->segments[part - j->chunk_count]);
    if (!sound)
        atomic_store_explicit(&j->unsound, true, memory_order_relaxed);
}

/* The index and the orders lie inside. */
static bool tables_inside(const struct judged *j)
{
    const struct image_header *h = j->header;
    bool nsec = (h->flags & IMAGE_NSEC) != 0;
    bool nsec3 = (h->flags & IMAGE_NSEC3) != 0;
    if (h->bucket_count == 0 || offset_of(h->index) % sizeof(struct image_bucket) != 0 ||
        !inside(j, offset_of(h->index), h->bucket_count * sizeof(struct image_bucket)))
        return false;
    if (nsec && (h->nsec_count == 0 ||
                 !inside(j, offset_of(h->nsec_order), h->nsec_count * sizeof(struct image_nsec))))
        return false;
    return !nsec3 || (h->nsec3_count > 0 && h->nsec3_iterations <= NSEC3_MOST_ITERATIONS &&
                      inside(j, offset_of(h->nsec3_order), h->nsec3_count * sizeof(struct image_nsec3)));
}

static bool apex_valid(const struct judged *j)
{
    const struct image_header *h = j->header;
    size_t soa = offset_of(h->negative_soa);
    struct rrset_view view;
    if (soa < sizeof *h || !inside(j, soa, sizeof(struct image_entry)) ||
        !entry_valid(j, image_at(j->image, h->negative_soa), &view) ||
        !place_is(j, PLACE_NAMED, h->apex_node))
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

static bool all_sound(struct judged *j, size_t parts, parallel_part judge)
{
    if (j->octets >= LARGE_OCTETS) {
        parallel_run(parts, judge, j);
    } else {
        for (size_t part = 0; part < parts; part++)
            judge(part, j);
    }
    return !atomic_load_explicit(&j->unsound, memory_order_relaxed);
}

/* First what stands where, then what leads there. */
static bool contents_valid(struct judged *j)
{
    if (!apex_name_valid(j->header) || !tables_inside(j) || !segments_make(j) ||
        !all_sound(j, j->segment_count, segment_judge))
        return false;
    j->chunk_count = j->octets >= LARGE_OCTETS ? CHUNKS : 1;
    return apex_valid(j) && all_sound(j, j->chunk_count + j->segment_count, reference_judge) &&
           atomic_load_explicit(&j->some_bucket_ends, memory_order_relaxed);
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
