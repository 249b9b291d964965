/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/rrset.h"

#include "wire/rdata.h"

#include <stdlib.h>

#define HEADER_OCTETS 12
#define QUESTION_TAIL 4 /* QTYPE and QCLASS */
#define FARTHEST_TARGET                                                                                      \
    0x3000 /* in an RRset: leaves room for what precedes it within a pointer's 14 bits                       \
            */
#define OWNER_POINTER (0xc000 | HEADER_OCTETS)

struct seen_name {
    const uint8_t *name;
    uint16_t at; /* octets into the records */
};

/* One RRset while it is being rendered. */
struct rendering {
    struct writer *image;
    const struct rrset_source *source;
    size_t records_at; /* where in the image the records begin */
    bool compress;     /* false: too large for any message */
    struct seen_name seen[RRSET_MAX_NAMES];
    unsigned seen_count;
    struct image_relocation *relocations;
    size_t relocation_count;
    struct image_link *links; /* `node` holds the number in the tree */
    size_t link_count;
};

static const struct zone_record *record_of(const struct rrset_source *source, uint32_t i)
{
    return &source->tree->records->records[i];
}

static uint32_t ttl_of(const struct rrset_source *source, uint32_t i)
{
    uint32_t ttl = record_of(source, i)->ttl;
    return ttl < source->ttl_at_most ? ttl : source->ttl_at_most;
}

/* All records of an RRset go out with the lowest TTL among them (RFC 2181 5.2). */
static uint32_t lowest_ttl(const struct rrset_source *source)
{
    uint32_t lowest = UINT32_MAX;
    for (uint32_t i = source->first; i < source->last; i++) {
        if (ttl_of(source, i) < lowest)
            lowest = ttl_of(source, i);
    }
    return lowest;
}

/* Writes a pointer with the value that holds for a question about the owner, and notes its relocation. */
static void put_pointer(struct rendering *r, enum relocation_base base, size_t offset)
{
    const struct tree_node *node = r->source->node;
    size_t from = HEADER_OCTETS;
    if (base == RELOCATION_APEX)
        from += node->owner_octets - r->source->tree->apex_octets;
    else if (base == RELOCATION_RRSET)
        from += (size_t)node->owner_octets + QUESTION_TAIL;
    r->relocations[r->relocation_count++] = (struct image_relocation){
        .at = (uint16_t)(writer_offset(r->image) - r->records_at),
        .to = (uint16_t)((unsigned)base | (unsigned)offset),
    };
    writer_u16(r->image, (uint16_t)(0xc000 | (from + offset)));
}

static const struct seen_name *seen_before(const struct rendering *r, const uint8_t *name)
{
    for (unsigned i = 0; i < r->seen_count; i++) {
        if (name_equal(r->seen[i].name, name))
            return &r->seen[i];
    }
    return NULL;
}

static void remember(struct rendering *r, const uint8_t *name)
{
    size_t at = writer_offset(r->image) - r->records_at;
    if (r->seen_count < RRSET_MAX_NAMES && at < FARTHEST_TARGET)
        r->seen[r->seen_count++] = (struct seen_name){name, (uint16_t)at};
}

/* Ends a name with a pointer, if its rest `name` stands somewhere already. */
static bool put_known(struct rendering *r, const uint8_t *name)
{
    const struct tree_node *node = r->source->node;
    const uint8_t *apex = r->source->tree->records->apex;
    size_t apex_octets = r->source->tree->apex_octets;
    size_t octets = name_octets(name);
    if (name_is_at_or_below(apex, name)) {
        put_pointer(r, RELOCATION_APEX, apex_octets - octets);
        return true;
    }
    /* A wildcard's owner stands in no message: the name that it matched does. */
    if ((node->flags & NODE_WILDCARD) == 0 && name_equal(node->owner, name)) {
        put_pointer(r, RELOCATION_OWNER, 0);
        return true;
    }
    const struct seen_name *seen = seen_before(r, name);
    if (seen != NULL)
        put_pointer(r, RELOCATION_RRSET, seen->at);
    return seen != NULL;
}

static void put_name(struct rendering *r, const uint8_t *name)
{
    for (; *name != 0; name = name_parent(name)) {
        if (put_known(r, name))
            return;
        remember(r, name);
        writer_bytes(r->image, name, 1U + name[0]);
    }
    writer_u8(r->image, 0);
}

/* What the addresses of `target` are to the RRset: 0 when it has no use for them. */
static enum link_kind link_kind_of(const struct rrset_source *source, const struct zone_record *record,
                                   const uint8_t *target, const struct tree_node *node)
{
    bool occluded = (node->flags & (NODE_OCCLUDED | NODE_CUT)) != 0;
    if (record->type != RR_NS) {
        if (occluded)
            return 0;
        bool alias = (record->type == RR_SVCB || record->type == RR_HTTPS) &&
                     (record->rdata[0] | record->rdata[1]) == 0;
        return alias ? LINK_ALIAS : LINK_COURTESY;
    }
    if ((source->node->flags & NODE_CUT) == 0)
        return LINK_COURTESY;
    if (name_is_at_or_below(target, source->node->owner))
        return LINK_GLUE;
    return occluded ? LINK_SIBLING : LINK_COURTESY;
}

/* Whether the node has what a link of this kind brings. */
static bool is_worth_it(const struct rrset_source *source, const struct zone_record *record,
                        enum link_kind kind, const struct tree_node *node)
{
    for (uint32_t i = node->first; i < node->last; i++) {
        uint16_t type = record_of(source, i)->type;
        if (type == RR_A || type == RR_AAAA || (kind == LINK_ALIAS && type == record->type))
            return true;
    }
    return false;
}

/* The node that answers for `target`: its own, or the wildcard that it expands from. NULL: none of this zone.
 */
static const struct tree_node *node_for(const struct zone_tree *tree, const uint8_t *target)
{
    uint8_t wildcard[2 + NAME_MAX_OCTETS] = {1, '*'};
    uint32_t found = tree_find(tree, target);
    if (found != TREE_NONE)
        return &tree->nodes[found];
    if (!name_is_at_or_below(target, tree->records->apex))
        return NULL;
    do
        target = name_parent(target);
    while ((found = tree_find(tree, target)) == TREE_NONE);
    if ((tree->nodes[found].flags & (NODE_WILDCARD_BELOW | NODE_CUT | NODE_DNAME | NODE_OCCLUDED)) !=
        NODE_WILDCARD_BELOW)
        return NULL;
    memcpy(wildcard + 2, target, name_octets(target));
    found = tree_find(tree, wildcard);
    return found != TREE_NONE ? &tree->nodes[found] : NULL;
}

static bool is_linked(const struct rendering *r, uint32_t node)
{
    for (size_t i = r->link_count; i > 0 && i + RRSET_MAX_NAMES > r->link_count; i--) {
        if (r->links[i - 1].node == node)
            return true;
    }
    return false;
}

/* Notes the addresses of the name in `record`'s rdata, which stands `at` octets into the records. */
static void add_link(struct rendering *r, const struct zone_record *record, size_t target, size_t at)
{
    const struct rrset_source *source = r->source;
    const uint8_t *name = record->rdata + target;
    bool svcb = record->type == RR_SVCB || record->type == RR_HTTPS;
    if (svcb && *name == 0) {
        /* In ServiceMode the owner itself is meant, in AliasMode nothing (RFC 9460 2.5). */
        if ((record->rdata[0] | record->rdata[1]) == 0)
            return;
        name = source->node->owner;
        at = 0;
    }
    const struct tree_node *node = node_for(source->tree, name);
    if (node == NULL || at > UINT16_MAX)
        return;
    uint32_t number = (uint32_t)(node - source->tree->nodes);
    enum link_kind kind = link_kind_of(source, record, name, node);
    bool wildcard = (node->flags & NODE_WILDCARD) != 0;
    if (kind != 0 && is_worth_it(source, record, kind, node) && (wildcard || !is_linked(r, number)))
        r->links[r->link_count++] = (struct image_link){(uint16_t)at, (uint16_t)kind, number};
}

static void put_compressed(struct rendering *r, const struct zone_record *record)
{
    struct rdata_names names = rdata_compressible(record->type);
    const uint8_t *at = record->rdata;
    writer_bytes(r->image, at, names.before);
    at += names.before;
    for (unsigned i = 0; i < names.count; i++) {
        put_name(r, at);
        at += name_octets(at);
    }
    writer_bytes(r->image, at, record->rdata_octets - (size_t)(at - record->rdata));
}

static void put_record(struct rendering *r, const struct zone_record *record, uint32_t ttl)
{
    writer_u16(r->image, OWNER_POINTER);
    writer_u16(r->image, record->type);
    writer_u16(r->image, record->class);
    writer_u32(r->image, ttl);
    size_t length_at = writer_offset(r->image);
    writer_u16(r->image, 0);
    size_t rdata_at = writer_offset(r->image);
    int target = r->compress ? rdata_target(record->type, record->rdata, record->rdata_octets) : -1;
    if (target >= 0)
        add_link(r, record, (size_t)target, rdata_at - r->records_at + (size_t)target);
    if (r->compress)
        put_compressed(r, record);
    else
        writer_bytes(r->image, record->rdata, record->rdata_octets);
    writer_set_u16(r->image, length_at, (uint16_t)(writer_offset(r->image) - rdata_at));
}

static void pad(struct writer *image)
{
    while (writer_offset(image) % IMAGE_UNIT != 0 && !image->failed)
        writer_u8(image, 0);
}

static void put_signatures(struct rendering *r)
{
    for (uint32_t i = r->source->first_signature; i < r->source->last_signature; i++) {
        const struct zone_record *record = record_of(r->source, i);
        uint32_t ttl = ttl_of(r->source, i);
        writer_u16(r->image, OWNER_POINTER);
        writer_u16(r->image, record->type);
        writer_u16(r->image, record->class);
        writer_u32(r->image, ttl);
        writer_u16(r->image, record->rdata_octets);
        writer_bytes(r->image, record->rdata, record->rdata_octets);
    }
}

/* --- glue
 * ------------------------------------------------------------------------------------------------------- */

static bool has_signatures(const struct rrset_source *source, const struct tree_node *node)
{
    for (uint32_t i = node->first; i < node->last; i++) {
        if (record_of(source, i)->type == RR_RRSIG)
            return true;
    }
    return false;
}

/* The addresses of `type` at the node, as a source to render. */
static struct rrset_source addresses_of(const struct rrset_source *cut, const struct tree_node *node,
                                        uint16_t type)
{
    struct rrset_source source = {.tree = cut->tree, .node = node, .ttl_at_most = UINT32_MAX};
    source.first = node->first;
    while (source.first < node->last && record_of(cut, source.first)->type != type)
        source.first++;
    source.last = source.first;
    while (source.last < node->last && record_of(cut, source.last)->type == type)
        source.last++;
    return source;
}

static const struct tree_node *linked_node(const struct rendering *r, size_t link)
{
    return &r->source->tree->nodes[r->links[link].node];
}

/* Octets of all addresses that the RRset links to; 0 when something keeps them from standing behind it. */
static size_t glue_octets(const struct rendering *r, size_t *count)
{
    size_t octets = 0;
    *count = 0;
    if ((r->source->node->flags & NODE_CUT) == 0 || r->source->last_signature > r->source->first_signature)
        return 0;
    for (size_t l = 0; l < r->link_count; l++) {
        const struct tree_node *node = linked_node(r, l);
        if ((node->flags & NODE_WILDCARD) != 0 || has_signatures(r->source, node))
            return 0;
        for (uint32_t i = node->first; i < node->last; i++) {
            uint16_t type = record_of(r->source, i)->type;
            if (type != RR_A && type != RR_AAAA)
                continue;
            octets += 12U + record_of(r->source, i)->rdata_octets;
            ++*count;
        }
    }
    bool few = octets <= RRSET_GLUE_EACH * (size_t)(r->source->last - r->source->first);
    return few && writer_offset(r->image) - r->records_at + octets < FARTHEST_TARGET ? octets : 0;
}

/* What the owner's pointer of addresses leads to: where the name stands that the link begins at. */
static struct image_relocation name_of_link(const struct rendering *r, const struct image_link *link)
{
    for (size_t i = 0; i < r->relocation_count; i++) {
        if (r->relocations[i].at == link->at)
            return r->relocations[i];
    }
    return (struct image_relocation){.to = (uint16_t)(RELOCATION_RRSET | link->at)};
}

static void put_addresses(struct rendering *r, const struct image_link *link, uint16_t type)
{
    const struct rrset_source source = addresses_of(r->source, &r->source->tree->nodes[link->node], type);
    struct image_relocation name = name_of_link(r, link);
    for (uint32_t i = source.first; i < source.last; i++) {
        const struct zone_record *record = record_of(&source, i);
        put_pointer(r, name.to & RELOCATION_BASE, name.to & (unsigned)~RELOCATION_BASE);
        writer_u16(r->image, type);
        writer_u16(r->image, record->class);
        writer_u32(r->image, lowest_ttl(&source));
        writer_u16(r->image, record->rdata_octets);
        writer_bytes(r->image, record->rdata, record->rdata_octets);
    }
}

/* In the order in which they are added one by one. How many records; 0 also when memory is short, as what
 * stands here only saves time. */
static size_t put_glue(struct rendering *r)
{
    size_t count;
    if (glue_octets(r, &count) == 0)
        return 0;
    struct image_relocation *more =
        realloc(r->relocations, (r->relocation_count + count) * sizeof *r->relocations);
    if (more == NULL)
        return 0;
    r->relocations = more;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t l = 0; l < r->link_count; l++) {
            if ((r->links[l].kind == LINK_GLUE) != (pass == 0))
                continue;
            put_addresses(r, &r->links[l], RR_A);
            put_addresses(r, &r->links[l], RR_AAAA);
        }
    }
    return count;
}

static bool put_links(struct rendering *r, struct rrset_patches *patches)
{
    for (size_t i = 0; i < r->link_count; i++) {
        if (patches->count == patches->capacity) {
            size_t more = patches->capacity > 0 ? patches->capacity * 2 : 256;
            struct rrset_patch *grown = realloc(patches->list, more * sizeof *grown);
            if (grown == NULL)
                return false;
            patches->list = grown;
            patches->capacity = more;
        }
        uint32_t node = r->links[i].node;
        size_t at = writer_offset(r->image) + offsetof(struct image_link, node);
        r->links[i].node = 0;
        writer_bytes(r->image, &r->links[i], sizeof r->links[i]);
        patches->list[patches->count++] = (struct rrset_patch){at, node};
    }
    return true;
}

/* Whether anything but the fixed part and the records can be there. */
static bool may_be_extended(const struct rrset_source *source)
{
    const struct zone_record *record = record_of(source, source->first);
    return source->last_signature > source->first_signature || rdata_compressible(record->type).count > 0 ||
           rdata_target(record->type, record->rdata, record->rdata_octets) >= 0;
}

static bool fits_in_messages(const struct rrset_source *source)
{
    size_t octets = 0;
    for (uint32_t i = source->first; i < source->last; i++)
        octets += 12 + (size_t)record_of(source, i)->rdata_octets;
    return octets <= UINT16_MAX;
}

static bool render_parts(struct rendering *r, bool extended, struct rrset_patches *patches)
{
    const struct rrset_source *source = r->source;
    struct writer *image = r->image;
    struct image_rrset fixed = {.record_count = (uint16_t)(source->last - source->first),
                                .owner_octets = source->node->owner_octets};
    struct image_rrset_more more = {.signature_count =
                                        (uint16_t)(source->last_signature - source->first_signature)};
    uint8_t *fixed_room = writer_room(image, sizeof fixed);
    uint8_t *more_room = extended ? writer_room(image, sizeof more) : NULL;
    uint32_t ttl = lowest_ttl(source);

    r->records_at = writer_offset(image);
    for (uint32_t i = source->first; i < source->last; i++)
        put_record(r, record_of(source, i), ttl);
    fixed.octets = (uint32_t)(writer_offset(image) - r->records_at);
    put_signatures(r);
    more.signature_octets = (uint32_t)(writer_offset(image) - r->records_at - fixed.octets);
    more.glue_count = (uint16_t)put_glue(r);
    more.glue_octets =
        (uint16_t)(writer_offset(image) - r->records_at - fixed.octets - more.signature_octets);
    pad(image);
    more.relocation_count = (uint16_t)r->relocation_count;
    more.link_count = (uint16_t)r->link_count;
    if (r->relocation_count > 0)
        writer_bytes(image, r->relocations, r->relocation_count * sizeof *r->relocations);
    if (!put_links(r, patches) || image->failed)
        return false;
    memcpy(fixed_room, &fixed, sizeof fixed);
    if (extended)
        memcpy(more_room, &more, sizeof more);
    return true;
}

bool rrset_render(struct writer *image, const struct rrset_source *source, struct rrset_patches *patches,
                  struct image_entry *entry)
{
    size_t records = source->last - source->first;
    struct rendering r = {
        .image = image,
        .source = source,
        .compress = fits_in_messages(source),
        .relocations = malloc((records * 2 + 1) * sizeof(struct image_relocation)),
        .links = malloc((records + 1) * sizeof(struct image_link)),
    };
    bool extended = may_be_extended(source);
    pad(image);
    entry->type = record_of(source, source->first)->type;
    entry->flags = extended ? RRSET_EXTENDED : 0;
    entry->rrset = (image_ref)(writer_offset(image) / IMAGE_UNIT);
    bool done = r.relocations != NULL && r.links != NULL && render_parts(&r, extended, patches);
    free(r.relocations);
    free(r.links);
    return done;
}
