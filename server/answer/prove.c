/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/prove.h"

#include "wire/rdata.h"

#define PROOF_MOST 3

/* The nodes of one proof, each once. */
struct proof_nodes {
    const struct image_node *nodes[PROOF_MOST];
    unsigned count;
};

static void add(struct proof_nodes *nodes, const struct image_node *node)
{
    for (unsigned i = 0; i < nodes->count; i++) {
        if (nodes->nodes[i] == node)
            return;
    }
    nodes->nodes[nodes->count++] = node;
}

static bool put(struct response *response, const struct proof *proof, const struct proof_nodes *nodes,
                uint16_t type)
{
    for (unsigned i = 0; i < nodes->count; i++) {
        const struct image_node *node = nodes->nodes[i];
        const struct placement placement = {
            .image = proof->image,
            .entry = node_find(node, type),
            .node = node,
            .owner_at = node->owner_octets == 0 ? proof->apex_at : 0,
            .apex_at = proof->apex_at,
        };
        if (placement.entry != NULL && !response_put(response, SECTION_AUTHORITY, &placement, true, NULL))
            return false;
    }
    return true;
}

static bool has(const struct proof *proof, enum image_flag flag)
{
    return (proof->image->header->flags & flag) != 0;
}

/* --- NSEC
 * ------------------------------------------------------------------------------------------------------ */

static void nsec_for_node(const struct proof *proof, struct proof_nodes *nodes, unsigned labels)
{
    const struct image_node *node = proof->found->node;
    /* An empty non-terminal owns no NSEC: the one before it shows that there are names below it. */
    if (node_find(node, RR_NSEC) != NULL)
        add(nodes, node);
    else
        add(nodes, lookup_nsec(proof->image, proof->name, labels));
}

static void nsec_for_name(const struct proof *proof, struct proof_nodes *nodes)
{
    add(nodes, lookup_nsec(proof->image, proof->name, proof->name->labels));
}

/* --- NSEC3
 * ----------------------------------------------------------------------------------------------------- */

static const struct image_node *at(const struct proof *proof, image_ref ref)
{
    return image_at(proof->image->bytes, ref);
}

/* RFC 5155 7.2.1: the NSEC3 that matches the closest encloser, and the one that covers the next closer name.
 * Under opt-out an encloser may have none of its own: then the closest that has one (RFC 5155 6). `labels` is
 * where to begin. */
static void nsec3_for_encloser(const struct proof *proof, struct proof_nodes *nodes,
                               const struct image_node *encloser, unsigned labels)
{
    while ((encloser->flags & NODE_NSEC3_MATCHES) == 0 && labels > proof->image->header->apex_labels) {
        const struct image_node *above = lookup_node(proof->image, proof->name, --labels);
        encloser = above != NULL ? above : encloser;
    }
    add(nodes, at(proof, node_nsec3(encloser)->own));
    add(nodes, lookup_nsec3(proof->image, proof->name, labels + 1));
}

static void nsec3_for_node(const struct proof *proof, struct proof_nodes *nodes, unsigned labels)
{
    const struct image_node *node = proof->found->node;
    if ((node->flags & NODE_NSEC3_MATCHES) != 0)
        add(nodes, at(proof, node_nsec3(node)->own));
    else
        nsec3_for_encloser(proof, nodes, node, labels);
}

/* --- proofs
 * ---------------------------------------------------------------------------------------------------- */

bool prove_no_data(struct response *response, const struct proof *proof)
{
    struct proof_nodes nodes = {.count = 0};
    const struct lookup *found = proof->found;
    bool wildcard = found->outcome == LOOKUP_WILDCARD;
    if (has(proof, IMAGE_NSEC3)) {
        if (wildcard) {
            nsec3_for_encloser(proof, &nodes, found->encloser, found->encloser_labels);
            add(&nodes, at(proof, node_nsec3(found->node)->own));
        } else {
            nsec3_for_node(proof, &nodes, proof->name->labels);
        }
        return put(response, proof, &nodes, RR_NSEC3);
    }
    if (has(proof, IMAGE_NSEC)) {
        if (wildcard) {
            nsec_for_name(proof, &nodes);
            if (node_find(found->node, RR_NSEC) != NULL)
                add(&nodes, found->node);
            else
                add(&nodes, lookup_nsec_wildcard(proof->image, proof->name, found->encloser_labels));
        } else {
            nsec_for_node(proof, &nodes, proof->name->labels);
        }
        return put(response, proof, &nodes, RR_NSEC);
    }
    return true;
}

bool prove_no_name(struct response *response, const struct proof *proof)
{
    struct proof_nodes nodes = {.count = 0};
    const struct lookup *found = proof->found;
    if (has(proof, IMAGE_NSEC3)) {
        nsec3_for_encloser(proof, &nodes, found->encloser, found->encloser_labels);
        add(&nodes, at(proof, node_nsec3(found->encloser)->wildcard));
        return put(response, proof, &nodes, RR_NSEC3);
    }
    if (has(proof, IMAGE_NSEC)) {
        nsec_for_name(proof, &nodes);
        add(&nodes, lookup_nsec_wildcard(proof->image, proof->name, found->encloser_labels));
        return put(response, proof, &nodes, RR_NSEC);
    }
    return true;
}

bool prove_wildcard(struct response *response, const struct proof *proof)
{
    struct proof_nodes nodes = {.count = 0};
    if (has(proof, IMAGE_NSEC3)) {
        add(&nodes, lookup_nsec3(proof->image, proof->name, proof->found->encloser_labels + 1U));
        return put(response, proof, &nodes, RR_NSEC3);
    }
    if (has(proof, IMAGE_NSEC)) {
        nsec_for_name(proof, &nodes);
        return put(response, proof, &nodes, RR_NSEC);
    }
    return true;
}

bool prove_no_ds(struct response *response, const struct proof *proof)
{
    struct proof_nodes nodes = {.count = 0};
    if (has(proof, IMAGE_NSEC3)) {
        nsec3_for_node(proof, &nodes, proof->found->labels);
        return put(response, proof, &nodes, RR_NSEC3);
    }
    if (has(proof, IMAGE_NSEC)) {
        nsec_for_node(proof, &nodes, proof->found->labels);
        return put(response, proof, &nodes, RR_NSEC);
    }
    return true;
}
