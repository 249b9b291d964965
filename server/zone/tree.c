/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/tree.h"

#include <errno.h>
#include <stdlib.h>

#define TYPE_NS    2
#define TYPE_DNAME 39
#define TYPE_RRSIG 46
#define TYPE_NSEC3 50

/* The nodes from the apex down to the one added last: parents of what comes next in canonical order. */
struct tree_path {
    uint32_t nodes[NAME_MAX_LABELS + 1];
    unsigned depth; /* nodes on the path; the apex is the first */
};

static uint64_t hash_below(uint64_t parent, const uint8_t *owner)
{
    uint8_t label[NAME_MAX_LABEL + 1 + NAME_PADDING] = {0};
    name_fold(label, owner, 1U + owner[0]);
    return name_hash_label(parent, label);
}

static struct tree_node *node_append(struct tree_node **list, size_t *count, size_t *capacity)
{
    if (*count == *capacity) {
        size_t more = *capacity > 0 ? *capacity * 2 : 1024;
        struct tree_node *grown = realloc(*list, more * sizeof *grown);
        if (grown == NULL)
            return NULL;
        *list = grown;
        *capacity = more;
    }
    struct tree_node *node = &(*list)[(*count)++];
    *node = (struct tree_node){0};
    return node;
}

/* The types that the records of one owner have, as far as the tree cares. */
static uint8_t flags_of_types(const struct zone_records *records, uint32_t first, uint32_t last, bool apex)
{
    uint8_t flags = 0;
    for (uint32_t i = first; i < last; i++) {
        if (records->records[i].type == TYPE_NS && !apex)
            flags |= NODE_CUT;
        if (records->records[i].type == TYPE_DNAME)
            flags |= NODE_DNAME;
    }
    return flags;
}

static bool only_nsec3(const struct zone_records *records, uint32_t first, uint32_t last)
{
    bool some = false;
    for (uint32_t i = first; i < last; i++) {
        uint16_t type = records->records[i].type;
        if (type == TYPE_NSEC3)
            some = true;
        else if (type != TYPE_RRSIG)
            return false;
    }
    return some;
}

/* Adds a node below the end of the path and makes it the new end. */
static int add_below(struct zone_tree *tree, struct tree_path *path, const uint8_t *owner, uint32_t first,
                     uint32_t last)
{
    const struct tree_node above = tree->nodes[path->nodes[path->depth - 1]];
    struct tree_node *node = node_append(&tree->nodes, &tree->count, &tree->capacity);
    if (node == NULL)
        return -ENOMEM;
    node->owner = owner;
    node->first = first;
    node->last = last;
    node->labels = (uint8_t)(above.labels + 1);
    node->owner_octets = (uint8_t)(above.owner_octets + 1 + owner[0]);
    node->hash = hash_below(above.hash, owner);
    node->flags = flags_of_types(tree->records, first, last, false);
    if (owner[0] == 1 && owner[1] == '*') {
        /* Delegating a wildcard has no defined meaning (RFC 4592 4.2): its NS is data like any other. */
        node->flags = (uint8_t)((node->flags & ~NODE_CUT) | NODE_WILDCARD);
        tree->nodes[path->nodes[path->depth - 1]].flags |= NODE_WILDCARD_BELOW;
    }
    if ((above.flags & (NODE_CUT | NODE_DNAME | NODE_OCCLUDED)) != 0)
        node->flags = (uint8_t)((node->flags & ~NODE_CUT & ~NODE_DNAME) | NODE_OCCLUDED);
    path->nodes[path->depth++] = (uint32_t)(tree->count - 1);
    return 0;
}

/* Cuts the path back to the ancestors of `owner`, then adds what is missing between, and `owner` itself. */
static int add_owner(struct zone_tree *tree, struct tree_path *path, uint32_t first, uint32_t last)
{
    const uint8_t *owner = tree->records->records[first].owner;
    const uint8_t *suffixes[NAME_MAX_LABELS + 1];
    unsigned labels = name_labels(owner);
    unsigned apex_labels = tree->nodes[0].labels;
    const uint8_t *at = owner;
    unsigned depth = labels > apex_labels ? labels - apex_labels : 0;
    for (unsigned d = depth; d > 0; d--, at = name_parent(at))
        suffixes[d] = at; /* d labels more than the apex */

    unsigned common = 1;
    while (common < path->depth && common <= depth &&
           name_equal(tree->nodes[path->nodes[common]].owner, suffixes[common]))
        common++;
    path->depth = common;
    for (unsigned d = common; d < depth; d++) {
        if (add_below(tree, path, suffixes[d], first, first) < 0)
            return -ENOMEM;
    }
    return add_below(tree, path, owner, first, last);
}

static int add_apex(struct zone_tree *tree, struct tree_path *path, uint32_t last)
{
    struct tree_node *node = node_append(&tree->nodes, &tree->count, &tree->capacity);
    if (node == NULL)
        return -ENOMEM;
    node->owner = tree->records->apex;
    node->last = last;
    node->labels = (uint8_t)name_labels(node->owner);
    node->owner_octets = (uint8_t)name_octets(node->owner);
    node->hash = name_hash(node->owner);
    node->flags = flags_of_types(tree->records, 0, last, true);
    path->nodes[0] = 0;
    path->depth = 1;
    return 0;
}

static int add_nsec3(struct zone_tree *tree, uint32_t first, uint32_t last)
{
    struct tree_node *node = node_append(&tree->nsec3, &tree->nsec3_count, &tree->nsec3_capacity);
    if (node == NULL)
        return -ENOMEM;
    node->owner = tree->records->records[first].owner;
    node->first = first;
    node->last = last;
    node->labels = (uint8_t)name_labels(node->owner);
    node->owner_octets = (uint8_t)name_octets(node->owner);
    return 0;
}

static uint32_t end_of_owner(const struct zone_records *records, uint32_t first)
{
    uint32_t last = first + 1;
    while (last < records->count && name_equal(records->records[last].owner, records->records[first].owner))
        last++;
    return last;
}

static int fill_table(struct zone_tree *tree)
{
    size_t size = 16;
    while (size < tree->count * 2)
        size *= 2;
    tree->table = calloc(size, sizeof *tree->table);
    if (tree->table == NULL)
        return -ENOMEM;
    tree->table_mask = size - 1;
    for (size_t i = 0; i < tree->count; i++) {
        size_t slot = tree->nodes[i].hash & tree->table_mask;
        while (tree->table[slot] != 0)
            slot = (slot + 1) & tree->table_mask;
        tree->table[slot] = (uint32_t)i + 1;
        if ((tree->nodes[i].flags & NODE_OCCLUDED) != 0)
            continue;
        tree->indexed++;
        if (tree->nodes[i].labels > tree->deepest)
            tree->deepest = tree->nodes[i].labels;
    }
    return 0;
}

int tree_build(struct zone_tree *tree, const struct zone_records *records)
{
    struct tree_path path;
    *tree = (struct zone_tree){.records = records, .apex_octets = name_octets(records->apex)};
    uint32_t at = 0;
    if (records->count > 0 && name_equal(records->records[0].owner, records->apex))
        at = end_of_owner(records, 0);
    if (add_apex(tree, &path, at) < 0)
        return -ENOMEM;
    while (at < records->count) {
        uint32_t last = end_of_owner(records, at);
        int error =
            only_nsec3(records, at, last) ? add_nsec3(tree, at, last) : add_owner(tree, &path, at, last);
        if (error < 0)
            return error;
        at = last;
    }
    return fill_table(tree);
}

uint32_t tree_find(const struct zone_tree *tree, const uint8_t *name)
{
    size_t slot = name_hash(name) & tree->table_mask;
    for (; tree->table[slot] != 0; slot = (slot + 1) & tree->table_mask) {
        if (name_equal(tree->nodes[tree->table[slot] - 1].owner, name))
            return tree->table[slot] - 1;
    }
    return TREE_NONE;
}

void tree_free(struct zone_tree *tree)
{
    free(tree->nodes);
    free(tree->nsec3);
    free(tree->table);
    *tree = (struct zone_tree){0};
}
