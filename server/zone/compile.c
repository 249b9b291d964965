/* SPDX-License-Identifier: BSD-2-Clause
 *
 * In order: the tree of names; the nodes with their RRsets, written one behind the other in canonical order;
 * the NSEC3 nodes; the orders of NSEC and NSEC3; and last, now that every place is known, links, NSEC3
 * references and the index.
 */
#include "zone/compile.h"

#include "wire/rdata.h"
#include "wire/reader.h"
#include "zone/format.h"
#include "zone/memory.h"
#include "zone/nsec3.h"
#include "zone/order.h"
#include "zone/rrset.h"
#include "zone/seal.h"
#include "zone/tree.h"

#include <stdlib.h>

#define BUCKET_FILL_TENTHS 75 /* of ten slots, seven and a half are taken on average */
#define RRSIG_EXPIRATION   8  /* octet of the rdata */
#define BUCKETS_AT_MOST    64 /* that one name may have to pass on its way to a free slot */

struct compiler {
    const struct zone_records *records;
    struct zone_tree tree;
    struct writer image;
    struct image_header header;
    struct rrset_patches patches;
    struct image_nsec3 *nsec3; /* by hash */
    const char *why;
};

static bool fail(struct compiler *c, const char *why)
{
    c->why = why;
    return false;
}

/* A bound of what the image can take, so that it is written in one go; pages that stay untouched cost
 * nothing. */
static size_t bound_of(const struct compiler *c)
{
    size_t octets = sizeof(struct image_header) + 4096;
    for (size_t i = 0; i < c->records->count; i++)
        octets += 80U + c->records->records[i].rdata_octets +
                  (c->records->records[i].type == RR_NS ? RRSET_GLUE_EACH * 4U / 3 : 0);
    for (size_t i = 0; i < c->tree.count; i++)
        octets += 64 + 2 * (size_t)c->tree.nodes[i].owner_octets;
    for (size_t i = 0; i < c->tree.nsec3_count; i++)
        octets += 96 + 2 * (size_t)c->tree.nsec3[i].owner_octets;
    return octets + (c->tree.count / 7 + 2) * sizeof(struct image_bucket);
}

static bool check_records(struct compiler *c)
{
    const struct zone_record *records = c->records->records;
    for (size_t i = 0; i < c->records->count; i++) {
        if (!name_is_at_or_below(records[i].owner, c->records->apex))
            return fail(c, "a record lies outside the zone");
        if (!rdata_names_whole(records[i].type, records[i].rdata, records[i].rdata_octets))
            return fail(c, "the rdata of a record is malformed");
    }
    if (c->records->count >= UINT32_MAX / 2)
        return fail(c, "the zone has too many records");
    return true;
}

static bool reserve(struct compiler *c)
{
    size_t octets = bound_of(c);
    uint8_t *bytes = image_memory_take(octets);
    if (bytes == NULL)
        return fail(c, "there is not enough memory for the image");
    c->image = writer_to(bytes, octets);
    return true;
}

/* The place that comes next, aligned. */
static image_ref here(struct compiler *c)
{
    while (writer_offset(&c->image) % IMAGE_UNIT != 0 && !c->image.failed)
        writer_u8(&c->image, 0);
    return (image_ref)(writer_offset(&c->image) / IMAGE_UNIT);
}

static void *image_room(struct compiler *c, image_ref ref)
{
    return c->image.start + (size_t)ref * IMAGE_UNIT;
}

/* --- a node
 * --------------------------------------------------------------------------------------------------- */

static uint16_t covered_type(const struct zone_record *rrsig)
{
    return rrsig->rdata_octets >= 2 ? (uint16_t)(rrsig->rdata[0] << 8 | rrsig->rdata[1]) : 0;
}

/* The RRSIGs of the node are records first .. last - 1; narrows them to those over `type`, which lie
 * together, as the type they cover leads their rdata and so their order. */
static void signatures_over(const struct compiler *c, uint16_t type, uint32_t *first, uint32_t *last)
{
    const struct zone_record *records = c->records->records;
    while (*first < *last && covered_type(&records[*first]) != type)
        ++*first;
    uint32_t end = *first;
    while (end < *last && covered_type(&records[end]) == type)
        end++;
    *last = end;
}

static uint32_t end_of_type(const struct compiler *c, uint32_t first, uint32_t last)
{
    uint32_t end = first + 1;
    while (end < last && c->records->records[end].type == c->records->records[first].type)
        end++;
    return end;
}

static bool has_type(const struct compiler *c, const struct tree_node *node, uint16_t type)
{
    for (uint32_t i = node->first; i < node->last; i++) {
        if (c->records->records[i].type == type)
            return true;
    }
    return false;
}

/* RRSIGs over types that the node doesn't have stay an RRset of their own: nothing that was in the zone is
 * lost. */
static bool signature_is_stray(const struct compiler *c, const struct tree_node *node, uint32_t i)
{
    uint16_t covered = covered_type(&c->records->records[i]);
    return covered == RR_RRSIG || !has_type(c, node, covered);
}

/* The RRsets of one node before they are written. */
struct node_plan {
    struct rrset_source *sources;
    unsigned count;
    unsigned capacity;
};

static bool plan_add(struct node_plan *plan, struct rrset_source source)
{
    if (plan->count == plan->capacity) {
        unsigned more = plan->capacity > 0 ? plan->capacity * 2 : 16;
        struct rrset_source *grown = realloc(plan->sources, more * sizeof *grown);
        if (grown == NULL)
            return false;
        plan->sources = grown;
        plan->capacity = more;
    }
    plan->sources[plan->count++] = source;
    return true;
}

static bool plan_type(struct compiler *c, struct node_plan *plan, const struct tree_node *node,
                      uint32_t first, uint32_t last, uint32_t first_signature, uint32_t last_signature)
{
    struct rrset_source source = {.tree = &c->tree,
                                  .node = node,
                                  .first = first,
                                  .last = last,
                                  .first_signature = first_signature,
                                  .last_signature = last_signature,
                                  .ttl_at_most = UINT32_MAX};
    if (last - first > UINT16_MAX || last_signature - first_signature > UINT16_MAX)
        return fail(c, "an RRset has more than 65535 records");
    return plan_add(plan, source) || fail(c, "there is not enough memory");
}

/* Stray RRSIGs become RRsets of type RRSIG, one for each run. */
static bool plan_strays(struct compiler *c, struct node_plan *plan, const struct tree_node *node,
                        uint32_t first, uint32_t last)
{
    while (first < last) {
        if (!signature_is_stray(c, node, first)) {
            first++;
            continue;
        }
        uint32_t end = first;
        while (end < last && signature_is_stray(c, node, end))
            end++;
        if (!plan_type(c, plan, node, first, end, 0, 0))
            return false;
        first = end;
    }
    return true;
}

static bool plan_node(struct compiler *c, struct node_plan *plan, const struct tree_node *node)
{
    uint32_t first_rrsig = node->first;
    while (first_rrsig < node->last && c->records->records[first_rrsig].type != RR_RRSIG)
        first_rrsig++;
    uint32_t last_rrsig = first_rrsig < node->last ? end_of_type(c, first_rrsig, node->last) : first_rrsig;

    plan->count = 0;
    for (uint32_t at = node->first; at < node->last;) {
        uint32_t end = end_of_type(c, at, node->last);
        uint32_t first = first_rrsig;
        uint32_t last = last_rrsig;
        if (at == first_rrsig) {
            if (!plan_strays(c, plan, node, at, end))
                return false;
        } else {
            signatures_over(c, c->records->records[at].type, &first, &last);
            if (!plan_type(c, plan, node, at, end, first, last))
                return false;
        }
        at = end;
    }
    return true;
}

static bool owner_has_case(const uint8_t *owner, size_t octets)
{
    for (size_t i = 0; i < octets; i++) {
        if (owner[i] >= 'A' && owner[i] <= 'Z')
            return true;
    }
    return false;
}

static void put_owner(struct compiler *c, const struct tree_node *node, size_t octets, bool cased)
{
    uint8_t *room = writer_room(&c->image, octets);
    if (room != NULL)
        name_fold(room, node->owner, octets);
    if (cased)
        writer_bytes(&c->image, node->owner, octets);
}

static bool write_node(struct compiler *c, struct tree_node *node, struct node_plan *plan)
{
    if (!plan_node(c, plan, node))
        return false;
    size_t relative = node->owner_octets - c->tree.apex_octets;
    bool cased = owner_has_case(node->owner, relative);
    bool nsec3 =
        (c->header.flags & IMAGE_NSEC3) != 0 && (node->flags & NODE_OCCLUDED) == 0 && node->hash != 0;
    struct image_node fixed = {
        .owner_octets = (uint8_t)relative,
        .flags = (uint8_t)(node->flags | (cased ? NODE_CASED : 0) | (nsec3 ? NODE_NSEC3 : 0)),
        .rrset_count = (uint16_t)plan->count,
    };
    node->ref = here(c);
    node->flags = fixed.flags;
    writer_bytes(&c->image, &fixed, sizeof fixed);
    if (nsec3)
        (void)writer_room(&c->image, sizeof(struct image_node_nsec3));
    size_t entries_at = writer_offset(&c->image);
    (void)writer_room(&c->image, plan->count * sizeof(struct image_entry));
    put_owner(c, node, relative, cased);
    for (unsigned i = 0; i < plan->count && !c->image.failed; i++) {
        struct image_entry entry;
        if (!rrset_render(&c->image, &plan->sources[i], &c->patches, &entry))
            return fail(c, "there is not enough memory");
        memcpy(c->image.start + entries_at + i * sizeof entry, &entry, sizeof entry);
    }
    return !c->image.failed || fail(c, "the image is larger than was reckoned");
}

static bool write_nodes(struct compiler *c)
{
    struct node_plan plan = {0};
    bool ok = true;
    c->header.nodes = here(c);
    for (size_t i = 0; ok && i < c->tree.count; i++)
        ok = write_node(c, &c->tree.nodes[i], &plan);
    c->header.nodes_end = here(c);
    for (size_t i = 0; ok && i < c->tree.nsec3_count; i++)
        ok = write_node(c, &c->tree.nsec3[i], &plan);
    c->header.nsec3_nodes_end = here(c);
    free(plan.sources);
    return ok;
}

/* --- what negative answers need
 * ------------------------------------------------------------------------------- */

/* The SOA once more, with the lesser of its TTL and its MINIMUM (RFC 2308 5). */
static bool write_negative_soa(struct compiler *c)
{
    const struct tree_node *apex = &c->tree.nodes[0];
    struct node_plan plan = {0};
    struct image_entry entry = {0};
    bool ok = plan_node(c, &plan, apex);
    for (unsigned i = 0; ok && i < plan.count; i++) {
        const struct zone_record *soa = &c->records->records[plan.sources[i].first];
        if (soa->type != RR_SOA || soa->rdata_octets < 20)
            continue;
        const uint8_t *tail = soa->rdata + soa->rdata_octets - 20;
        c->header.serial =
            (uint32_t)tail[0] << 24 | (uint32_t)tail[1] << 16 | (uint32_t)tail[2] << 8 | tail[3];
        plan.sources[i].ttl_at_most =
            (uint32_t)tail[16] << 24 | (uint32_t)tail[17] << 16 | (uint32_t)tail[18] << 8 | tail[19];
        /* An entry of its own leads the RRset, so that it is reached like any other. */
        c->header.negative_soa = here(c);
        (void)writer_room(&c->image, sizeof entry);
        ok = rrset_render(&c->image, &plan.sources[i], &c->patches, &entry) && !c->image.failed;
        if (ok)
            memcpy(image_room(c, c->header.negative_soa), &entry, sizeof entry);
    }
    free(plan.sources);
    if (ok && c->header.negative_soa == 0)
        return fail(c, "the zone has no SOA record at its apex");
    return ok || fail(c, "there is not enough memory");
}

static struct image_nsec nsec_of(const struct compiler *c, const struct tree_node *node)
{
    struct image_nsec entry = {.node = node->ref};
    uint8_t owner[NAME_MAX_OCTETS];
    uint8_t key[ORDER_KEY_MOST];
    size_t octets = node->owner_octets - c->tree.apex_octets;
    name_fold(owner, node->owner, octets);
    (void)order_key(key, owner, octets);
    memcpy(entry.key, key, sizeof entry.key);
    return entry;
}

static bool write_nsec_order(struct compiler *c)
{
    if (!has_type(c, &c->tree.nodes[0], RR_NSEC))
        return true;
    c->header.flags |= IMAGE_NSEC;
    c->header.nsec_order = here(c);
    for (size_t i = 0; i < c->tree.count; i++) {
        const struct tree_node *node = &c->tree.nodes[i];
        if ((node->flags & NODE_OCCLUDED) != 0 || !has_type(c, node, RR_NSEC))
            continue;
        struct image_nsec entry = nsec_of(c, node);
        writer_bytes(&c->image, &entry, sizeof entry);
        c->header.nsec_count++;
    }
    return true;
}

/* Takes the parameters from the apex: the hash must be SHA-1, the only one there is (RFC 5155 11). */
static bool read_nsec3param(struct compiler *c)
{
    const struct tree_node *apex = &c->tree.nodes[0];
    for (uint32_t i = apex->first; i < apex->last; i++) {
        const struct zone_record *record = &c->records->records[i];
        if (record->type != RR_NSEC3PARAM || record->rdata_octets < 5 || record->rdata[0] != 1 ||
            record->rdata[1] != 0 || record->rdata_octets != 5 + record->rdata[4])
            continue;
        c->header.nsec3_iterations = (uint16_t)(record->rdata[2] << 8 | record->rdata[3]);
        c->header.nsec3_salt_octets = record->rdata[4];
        memcpy(c->header.nsec3_salt, record->rdata + 5, record->rdata[4]);
        if (c->header.nsec3_iterations > NSEC3_MOST_ITERATIONS)
            return fail(c, "NSEC3 with more than 500 iterations: sign again with 0 (RFC 9276)");
        c->header.flags |= IMAGE_NSEC3;
        return true;
    }
    return true;
}

/* Whether an NSEC3 belongs to the chain of the zone's parameters. */
static bool in_chain(const struct compiler *c, const struct tree_node *node)
{
    for (uint32_t i = node->first; i < node->last; i++) {
        const struct zone_record *r = &c->records->records[i];
        if (r->type == RR_NSEC3 && r->rdata_octets > 5 && r->rdata[0] == 1 &&
            (r->rdata[2] << 8 | r->rdata[3]) == c->header.nsec3_iterations &&
            r->rdata[4] == c->header.nsec3_salt_octets && r->rdata_octets > 5 + r->rdata[4] &&
            memcmp(r->rdata + 5, c->header.nsec3_salt, r->rdata[4]) == 0)
            return true;
    }
    return false;
}

/* Canonical order of the owners is the order of the hashes: base32hex keeps it (RFC 5155 1.3). */
static bool write_nsec3_order(struct compiler *c)
{
    if ((c->header.flags & IMAGE_NSEC3) == 0)
        return true;
    c->nsec3 = malloc((c->tree.nsec3_count + 1) * sizeof *c->nsec3);
    if (c->nsec3 == NULL)
        return fail(c, "there is not enough memory");
    for (size_t i = 0; i < c->tree.nsec3_count; i++) {
        struct image_nsec3 *next = &c->nsec3[c->header.nsec3_count];
        next->node = c->tree.nsec3[i].ref;
        if (in_chain(c, &c->tree.nsec3[i]) && nsec3_hash_of_owner(next->hash, c->tree.nsec3[i].owner))
            c->header.nsec3_count++;
    }
    if (c->header.nsec3_count == 0)
        return fail(c, "the zone has an NSEC3PARAM record but no NSEC3 records of those parameters");
    c->header.nsec3_order = here(c);
    writer_bytes(&c->image, c->nsec3, c->header.nsec3_count * sizeof *c->nsec3);
    return true;
}

static const struct image_nsec3 *nsec3_for(const struct compiler *c, const uint8_t *name, size_t octets,
                                           bool *matches)
{
    uint8_t hash[NSEC3_HASH_OCTETS];
    nsec3_hash(hash, name, octets, c->header.nsec3_salt, c->header.nsec3_salt_octets,
               c->header.nsec3_iterations);
    const struct image_nsec3 *found = order_find_nsec3(c->nsec3, c->header.nsec3_count, hash);
    *matches = memcmp(found->hash, hash, NSEC3_HASH_OCTETS) == 0;
    return found;
}

static void refer_to_nsec3(struct compiler *c)
{
    for (size_t i = 0; i < c->tree.count; i++) {
        const struct tree_node *node = &c->tree.nodes[i];
        if ((node->flags & NODE_NSEC3) == 0)
            continue;
        uint8_t name[2 + NAME_MAX_OCTETS] = {1, '*'};
        bool matches;
        bool ignored;
        name_fold(name + 2, node->owner, node->owner_octets);
        struct image_node_nsec3 refs = {
            .own = nsec3_for(c, name + 2, node->owner_octets, &matches)->node,
            .wildcard = nsec3_for(c, name, 2U + node->owner_octets, &ignored)->node,
        };
        struct image_node *written = image_room(c, node->ref);
        if (matches)
            written->flags |= NODE_NSEC3_MATCHES;
        memcpy(written + 1, &refs, sizeof refs);
    }
}

/* --- the index and the end
 * ------------------------------------------------------------------------------------ */

static bool index_add(struct compiler *c, uint64_t hash, image_ref node)
{
    struct image_bucket *buckets = image_room(c, c->header.index);
    uint32_t at = image_bucket_of(hash, c->header.bucket_count);
    for (unsigned passed = 0; passed < BUCKETS_AT_MOST && passed < c->header.bucket_count; passed++) {
        struct image_bucket *bucket = &buckets[at];
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            if (bucket->nodes[i] == 0) {
                bucket->tags[i] = image_tag_of(hash);
                bucket->nodes[i] = node;
                return true;
            }
        }
        bucket->passed_on = 1;
        at = at + 1 < c->header.bucket_count ? at + 1 : 0;
    }
    return fail(c, "too many names have the same hash");
}

static bool fill_index(struct compiler *c)
{
    for (size_t i = 0; i < c->tree.count; i++) {
        const struct tree_node *node = &c->tree.nodes[i];
        if ((node->flags & NODE_OCCLUDED) == 0 && !index_add(c, node->hash, node->ref))
            return false;
    }
    return true;
}

static void reserve_index(struct compiler *c)
{
    c->header.bucket_count = (uint32_t)(c->tree.indexed * 10 / BUCKET_FILL_TENTHS + 1);
    (void)writer_room(&c->image, sizeof c->header);
    while (writer_offset(&c->image) % sizeof(struct image_bucket) != 0)
        writer_u8(&c->image, 0);
    c->header.index = here(c);
    (void)writer_room(&c->image, c->header.bucket_count * sizeof(struct image_bucket));
}

static void patch_links(struct compiler *c)
{
    for (size_t i = 0; i < c->patches.count; i++) {
        image_ref ref = c->tree.nodes[c->patches.list[i].node].ref;
        memcpy(c->image.start + c->patches.list[i].at, &ref, sizeof ref);
    }
}

/* When the first signature expires (RFC 4034 3.1.5: in serial arithmetic). */
static void find_signature_end(struct compiler *c)
{
    for (size_t i = 0; i < c->records->count; i++) {
        const struct zone_record *record = &c->records->records[i];
        if (record->type != RR_RRSIG || record->rdata_octets < RRSIG_EXPIRATION + 4)
            continue;
        struct reader r = reader_of(record->rdata + RRSIG_EXPIRATION, 4);
        uint32_t end = reader_u32(&r);
        bool first = (c->header.flags & IMAGE_SIGNATURES) == 0;
        if (first || (int32_t)(end - c->header.signature_end) < 0)
            c->header.signature_end = end;
        c->header.flags |= IMAGE_SIGNATURES;
    }
}

static bool fill_header(struct compiler *c, const uint8_t *source_digest)
{
    struct image_header *header = &c->header;
    find_signature_end(c);
    memcpy(header->magic, "hither\0z", sizeof header->magic);
    header->version = IMAGE_VERSION;
    header->octets = writer_offset(&c->image);
    header->name_count = c->tree.count + c->tree.nsec3_count;
    header->record_count = c->records->count;
    header->apex_node = c->tree.nodes[0].ref;
    header->apex_octets = (uint8_t)c->tree.apex_octets;
    header->apex_labels = c->tree.nodes[0].labels;
    header->deepest = c->tree.deepest;
    name_fold(header->apex, c->records->apex, c->tree.apex_octets);
    memcpy(header->apex_cased, c->records->apex, c->tree.apex_octets);
    memcpy(header->source_digest, source_digest, IMAGE_DIGEST_OCTETS);
    memcpy(c->image.start, header, sizeof *header);
    if (!seal_digest(header->digest, c->image.start, header->octets))
        return fail(c, "there is not enough memory");
    memcpy(c->image.start, header, sizeof *header);
    return true;
}

static bool compile(struct compiler *c, const uint8_t *source_digest)
{
    if (!check_records(c))
        return false;
    if (tree_build(&c->tree, c->records) < 0)
        return fail(c, "there is not enough memory");
    if (!reserve(c) || !read_nsec3param(c))
        return false;
    reserve_index(c);
    if (!write_nodes(c) || !write_negative_soa(c) || !write_nsec_order(c) || !write_nsec3_order(c))
        return false;
    /* Names are compared in words: what is behind the last one must be there. */
    (void)writer_room(&c->image, NAME_PADDING);
    if (c->image.failed)
        return fail(c, "the image is larger than was reckoned");
    if (writer_offset(&c->image) / IMAGE_UNIT >= UINT32_MAX)
        return fail(c, "the image would be larger than 16 GiB");
    patch_links(c);
    refer_to_nsec3(c);
    return fill_index(c) && fill_header(c, source_digest);
}

/* Gives back what was reserved beyond the image. */
static struct zone_image *hand_over(struct compiler *c, const char **why)
{
    size_t reserved = (size_t)(c->image.end - c->image.start);
    uint8_t *bytes = image_memory_fit(c->image.start, reserved, c->header.octets);
    if (bytes == NULL) {
        *why = "there is not enough memory";
        return NULL;
    }
    image_memory_seal(bytes, c->header.octets);
    return zone_image_adopt(bytes, c->header.octets, why);
}

struct zone_image *zone_compile(const struct zone_records *records, const uint8_t *source_digest,
                                const char **why)
{
    struct compiler c = {.records = records};
    struct zone_image *image = NULL;
    if (compile(&c, source_digest)) {
        image = hand_over(&c, why);
    } else {
        *why = c.why;
        if (c.image.start != NULL)
            image_memory_give(c.image.start, (size_t)(c.image.end - c.image.start));
    }
    free(c.patches.list);
    free(c.nsec3);
    tree_free(&c.tree);
    return image;
}
