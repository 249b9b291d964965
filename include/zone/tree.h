/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sorted records -> the tree of names that compiling works on: one node for each owner and each empty
 * non-terminal, parents before children, with what lies where: cuts, DNAMEs, what they occlude, wildcards,
 * and the NSEC3 names apart.
 *
 * RFCs: 1034 4.2 (cuts), 4592 2.2 (empty non-terminals, wildcards), 5155 (NSEC3 names), 6672 2.4 (DNAME
 * occludes).
 */
#ifndef HITHER_ZONE_TREE_H
#define HITHER_ZONE_TREE_H

#include "zone/format.h"
#include "zone/records.h"

#define TREE_NONE UINT32_MAX

struct tree_node {
    const uint8_t *owner; /* whole, case as in the source; borrowed from the records */
    uint64_t hash;        /* name_hash_label() of the folded owner */
    uint32_t first;       /* its records: first .. last - 1 */
    uint32_t last;
    image_ref ref;        /* where the compiler put it */
    uint8_t flags;        /* enum node_flag */
    uint8_t labels;       /* the root not counted */
    uint8_t owner_octets; /* of the whole owner */
};

struct zone_tree {
    const struct zone_records *records;
    size_t apex_octets;
    struct tree_node *nodes; /* canonical order; the apex is the first */
    size_t count;
    size_t capacity;
    struct tree_node *nsec3; /* names that own nothing but NSEC3 (and its RRSIGs), canonical order */
    size_t nsec3_count;
    size_t nsec3_capacity;
    uint32_t *table; /* open addressing by hash: node number + 1 */
    size_t table_mask;
    size_t indexed; /* nodes that no cut or DNAME occludes */
    uint8_t deepest;
};

/* Builds the tree of sorted, checked records. 0 or -ENOMEM; tree_free() either way. */
int tree_build(struct zone_tree *tree, const struct zone_records *records);

/* The number of the node that owns `name` (whole, any case), or TREE_NONE. */
uint32_t tree_find(const struct zone_tree *tree, const uint8_t *name);

void tree_free(struct zone_tree *tree);

#endif
