/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The bytes of a zone image. Pointer-free: a place is an offset from the image's start in units of four
 * octets (image_ref), 0 meaning none, so an image may reach 16 GiB. Little-endian, everything aligned to four
 * octets.
 *
 *     header | index buckets | nodes in canonical order | NSEC3 nodes in hash order | NSEC order | NSEC3
 * order
 *
 * The index holds every name that a query can meet: owners, empty non-terminals and cuts. Names that a cut or
 * a DNAME occludes have nodes (for glue and transfers) but aren't in the index.
 *
 * A node is its fixed part, then as its flags say the NSEC3 references, then the directory of its RRsets
 * sorted by type, then its owner relative to the apex, folded, and once more with its case where that
 * differs.
 *
 * An RRset is its fixed part, its records as they stand in a message that asks for its owner (the owner a
 * pointer to the question at octet 12, the records right behind the question), its RRSIGs in the same form,
 * and then the places that change when it stands elsewhere or the question is longer: the relocations of
 * names in rdata (the owners' pointers are found by walking the records), and the links from names in rdata
 * to the nodes that hold their addresses.
 *
 * Behind the NS of a cut, where no RRSIGs are, stand the addresses that go with them into the additional
 * section, if they are glue only and not too many: a referral is then copied as one piece. Their owners'
 * pointers are relocations too.
 *
 * A pointer goes to one of three places only: the whole owner, the apex or a suffix of it, or an earlier
 * octet of the same RRset. So a message needs to know just where it holds the owner and the apex to take an
 * RRset in.
 *
 * RFCs: 1034 4.3.2, 1035 4.1.4, 3597 4 (what may be compressed), 4592, 5155.
 */
#ifndef HITHER_ZONE_FORMAT_H
#define HITHER_ZONE_FORMAT_H

#include "wire/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define IMAGE_VERSION 5
#define IMAGE_UNIT    4 /* octets in one step of an image_ref */

typedef uint32_t image_ref;

enum image_flag {
    IMAGE_NSEC = 1,       /* signed, with NSEC for every name */
    IMAGE_NSEC3 = 2,      /* signed, with NSEC3 of parameters that we can compute */
    IMAGE_SIGNATURES = 4, /* there are RRSIGs */
};

struct image_header {
    char magic[8];
    uint32_t version;
    uint32_t flags;     /* enum image_flag */
    uint8_t digest[32]; /* zone/seal.h */
    uint8_t source_digest[32];
    uint64_t octets; /* of the whole image */
    uint64_t name_count;
    uint64_t record_count;
    uint32_t serial;
    uint32_t signature_end; /* of the RRSIG that expires first, as it stands there */
    uint32_t bucket_count;
    image_ref index;
    image_ref nodes;
    image_ref nodes_end; /* NSEC3 nodes follow here */
    image_ref nsec3_nodes_end;
    image_ref apex_node;
    image_ref negative_soa; /* the SOA RRset with the TTL of negative answers (RFC 2308 5) */
    image_ref nsec_order;   /* struct image_nsec, canonical order */
    uint32_t nsec_count;
    image_ref nsec3_order; /* struct image_nsec3 in the order of the hashes */
    uint32_t nsec3_count;
    uint16_t nsec3_iterations;
    uint8_t nsec3_salt_octets;
    uint8_t apex_octets;
    uint8_t apex_labels;
    uint8_t deepest; /* labels of the longest name in the index, the root not counted */
    uint8_t spare[2];
    uint8_t nsec3_salt[256];
    uint8_t apex[256]; /* folded */
    uint8_t apex_cased[256];
};

/* Ten names in one cache line. A name that found its bucket full lies in a later one, which `passed_on` says.
 */
#define BUCKET_SLOTS 10

struct image_bucket {
    uint16_t tags[BUCKET_SLOTS];
    uint16_t passed_on;
    uint16_t spare;
    image_ref nodes[BUCKET_SLOTS]; /* 0: free */
};

_Static_assert(sizeof(struct image_bucket) == 64, "a bucket is a cache line");

enum node_flag {
    NODE_CUT = 1,            /* NS below the apex: a delegation (RFC 9499 7) */
    NODE_DNAME = 2,          /* what is below it is redirected */
    NODE_WILDCARD_BELOW = 4, /* its child "*" exists */
    NODE_WILDCARD = 8,       /* its own first label is "*" */
    NODE_NSEC3 = 16,         /* the two NSEC3 references are there */
    NODE_NSEC3_MATCHES = 32, /* the first of them matches this name; else it covers it (opt-out) */
    NODE_CASED = 64,         /* the owner follows once more with its case */
    NODE_OCCLUDED = 128,     /* below a cut or DNAME: not in the index */
};

struct image_node {
    uint8_t owner_octets; /* without the apex; 0 at the apex */
    uint8_t flags;        /* enum node_flag */
    uint16_t rrset_count; /* 0: an empty non-terminal */
};

struct image_node_nsec3 {
    image_ref own;      /* the NSEC3 node that matches (or covers) this name's hash */
    image_ref wildcard; /* the one that covers (or matches) the hash of "*" below this name */
};

enum rrset_flag {
    RRSET_EXTENDED = 1, /* struct image_rrset_more follows the fixed part */
};

struct image_entry {
    uint16_t type;
    uint16_t flags; /* enum rrset_flag */
    image_ref rrset;
};

struct image_rrset {
    uint32_t octets; /* of the records, without RRSIGs */
    uint16_t record_count;
    uint16_t owner_octets; /* of the full owner: the question this RRset is ready for */
};

struct image_rrset_more {
    uint32_t signature_octets;
    uint16_t signature_count;
    uint16_t relocation_count;
    uint16_t link_count;
    uint16_t glue_count; /* 0: none stands here, whatever the links lead to */
    uint16_t glue_octets;
    uint16_t spare;
};

enum relocation_base {
    RELOCATION_OWNER = 0x0000,
    RELOCATION_APEX = 0x4000,
    RELOCATION_RRSET = 0x8000,
    RELOCATION_BASE = 0xc000, /* mask */
};

/* A two-octet pointer at `at` octets into the records (or the glue behind them): to `to & 0x3fff` octets
 * behind its base. They stand in the order of `at`. */
struct image_relocation {
    uint16_t at;
    uint16_t to;
};

enum link_kind {
    LINK_GLUE = 1, /* the name is below the cut itself: the referral is useless without it (RFC 9471 3.1) */
    LINK_SIBLING = 2,  /* glue of another delegation of this zone (RFC 9471 3.2) */
    LINK_COURTESY = 3, /* saves a query, may be left out */
    LINK_ALIAS =
        4, /* the same for SVCB in AliasMode: the target's RRset of the same type too (RFC 9460 4.1) */
};

/* The name at `at` octets into the records has its addresses at `node` (which may be a wildcard). At 0 stands
 * the pointer to the owner: then it is the owner itself whose addresses are meant. */
struct image_link {
    uint16_t at;
    uint16_t kind; /* enum link_kind */
    image_ref node;
};

#define IMAGE_NSEC_KEY_OCTETS 8

/* A node with an NSEC RRset, and what is compared first of its owner (zone/order.h). */
struct image_nsec {
    uint8_t key[IMAGE_NSEC_KEY_OCTETS];
    image_ref node;
};

struct image_nsec3 {
    uint8_t hash[20];
    image_ref node;
};

/* --- walking
 * ------------------------------------------------------------------------------------------------- */

static inline const void *image_at(const uint8_t *image, image_ref ref)
{
    return image + (size_t)ref * IMAGE_UNIT;
}

static inline const struct image_node_nsec3 *node_nsec3(const struct image_node *node)
{
    return (const struct image_node_nsec3 *)(const void *)(node + 1);
}

static inline const struct image_entry *node_entries(const struct image_node *node)
{
    const uint8_t *after = (const uint8_t *)(node + 1);
    if ((node->flags & NODE_NSEC3) != 0)
        after += sizeof(struct image_node_nsec3);
    return (const struct image_entry *)(const void *)after;
}

/* The owner's octets before the apex, folded. */
static inline const uint8_t *node_owner(const struct image_node *node)
{
    return (const uint8_t *)(node_entries(node) + node->rrset_count);
}

/* The same with the case of the source. */
static inline const uint8_t *node_owner_cased(const struct image_node *node)
{
    return node_owner(node) + ((node->flags & NODE_CASED) != 0 ? node->owner_octets : 0);
}

/* The RRset of `type` at the node, or NULL. */
static inline const struct image_entry *node_find(const struct image_node *node, uint16_t type)
{
    const struct image_entry *entries = node_entries(node);
    for (unsigned i = 0; i < node->rrset_count; i++) {
        if (entries[i].type == type)
            return &entries[i];
    }
    return NULL;
}

/* An RRset taken apart. */
struct rrset_view {
    const uint8_t *records;
    const uint8_t *signatures;
    const struct image_relocation *relocations;
    const struct image_link *links;
    uint32_t octets;
    uint32_t signature_octets;
    uint16_t record_count;
    uint16_t signature_count;
    uint16_t relocation_count;
    uint16_t link_count;
    uint16_t glue_count;
    uint16_t glue_octets;
    uint16_t owner_octets;
};

static inline size_t image_padded(size_t octets)
{
    return (octets + IMAGE_UNIT - 1) & ~(size_t)(IMAGE_UNIT - 1);
}

static inline void rrset_view_extended(struct rrset_view *view, const struct image_rrset_more *more)
{
    view->records = (const uint8_t *)(more + 1);
    view->signatures = view->records + view->octets;
    view->signature_octets = more->signature_octets;
    view->signature_count = more->signature_count;
    view->glue_count = more->glue_count;
    view->glue_octets = more->glue_octets;
    view->relocations =
        (const void *)(view->records +
                       image_padded((size_t)view->octets + more->signature_octets + more->glue_octets));
    view->relocation_count = more->relocation_count;
    view->links = (const void *)(view->relocations + more->relocation_count);
    view->link_count = more->link_count;
}

static inline struct rrset_view rrset_view(const uint8_t *image, const struct image_entry *entry)
{
    const struct image_rrset *rrset = image_at(image, entry->rrset);
    struct rrset_view view = {
        .records = (const uint8_t *)(rrset + 1),
        .octets = rrset->octets,
        .record_count = rrset->record_count,
        .owner_octets = rrset->owner_octets,
    };
    if ((entry->flags & RRSET_EXTENDED) != 0)
        rrset_view_extended(&view, (const struct image_rrset_more *)(const void *)(rrset + 1));
    return view;
}

/* Which bucket a name's hash belongs to. */
static inline uint32_t image_bucket_of(uint64_t hash, uint32_t bucket_count)
{
    return (uint32_t)(((hash >> 32) * bucket_count) >> 32);
}

static inline uint16_t image_tag_of(uint64_t hash)
{
    return (uint16_t)hash;
}

/* How many of the relocations are of the records; those of the glue, one for each, come behind them. */
static inline size_t rrset_view_relocations(const struct rrset_view *view)
{
    return (size_t)view->relocation_count - view->glue_count;
}

/* Octets of the RRset that `view` shows, from its records on, all parts and padding counted. */
static inline size_t rrset_view_octets(const struct rrset_view *view)
{
    return image_padded((size_t)view->octets + view->signature_octets + view->glue_octets) +
           view->relocation_count * sizeof(struct image_relocation) +
           view->link_count * sizeof(struct image_link);
}

/* Where the node that is written behind this one (and its RRsets) begins. */
image_ref image_node_after(const uint8_t *image, image_ref node);

/* Whether it is the header of an image of our version, and of `octets`. */
bool image_header_fits(const struct image_header *header, size_t octets);

#endif
