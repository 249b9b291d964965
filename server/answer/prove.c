/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/prove.h"

#include "wire/rdata.h"

static void add(struct proofs *proofs, const struct proof *proof, const struct image_node *node,
                uint16_t type)
{
    for (unsigned i = 0; i < proofs->count; i++) {
        if (proofs->nodes[i].node == node)
            return;
    }
    if (proofs->count < PROOFS_MOST)
        proofs->nodes[proofs->count++] = (struct proof_node){proof->image, node, proof->apex_at, type};
}

bool proofs_put(const struct proofs *proofs, struct response *response)
{
    for (unsigned i = 0; i < proofs->count; i++) {
        const struct proof_node *needed = &proofs->nodes[i];
        const struct placement placement = {
            .image = needed->image,
            .entry = node_find(needed->node, needed->type),
            .node = needed->node,
            .owner_at = needed->node->owner_octets == 0 ? needed->apex_at : 0,
            .apex_at = needed->apex_at,
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

/* NSEC */

static void nsec_for_node(struct proofs *proofs, const struct proof *proof, unsigned labels)
{
    const struct image_node *node = proof->found->node;
    /* An empty non-terminal owns no NSEC: the one before it shows that there are names below it. */
    if (node_find(node, RR_NSEC) == NULL)
        node = lookup_nsec(proof->image, proof->name, labels);
    add(proofs, proof, node, RR_NSEC);
}

static void nsec_for_name(struct proofs *proofs, const struct proof *proof)
{
    add(proofs, proof, lookup_nsec(proof->image, proof->name, proof->name->labels), RR_NSEC);
}

static void nsec_no_data_at_wildcard(struct proofs *proofs, const struct proof *proof)
{
    const struct image_node *node = proof->found->node;
    nsec_for_name(proofs, proof);
    if (node_find(node, RR_NSEC) == NULL)
        node = lookup_nsec_wildcard(proof->image, proof->name, proof->found->encloser_labels);
    add(proofs, proof, node, RR_NSEC);
}

/* NSEC3 */

static const struct image_node *at(const struct proof *proof, image_ref ref)
{
    return image_at(proof->image->bytes, ref);
}

/* RFC 5155 7.2.1: the NSEC3 that matches the closest provable encloser, and the one that covers the next
 * closer name. Under opt-out the real encloser may have no NSEC3 of its own (RFC 5155 6); then one goes up,
 * and what covers the name that one comes from is known. The encloser. */
static const struct image_node *nsec3_for_encloser(struct proofs *proofs, const struct proof *proof,
                                                   const struct image_node *encloser, unsigned labels)
{
    const struct image_node *covering = NULL;
    while ((encloser->flags & NODE_NSEC3_MATCHES) == 0 && labels > proof->image->header->apex_labels) {
        const struct image_node *above = lookup_node(proof->image, proof->name, --labels);
        covering = at(proof, node_nsec3(encloser)->own);
        encloser = above != NULL ? above : encloser;
    }
    add(proofs, proof, at(proof, node_nsec3(encloser)->own), RR_NSEC3);
    /* In a chain that doesn't even match the apex there may be no next closer name. */
    if (covering == NULL && labels < proof->name->labels)
        covering = lookup_nsec3(proof->image, proof->name, labels + 1);
    if (covering != NULL)
        add(proofs, proof, covering, RR_NSEC3);
    return encloser;
}

static void nsec3_for_node(struct proofs *proofs, const struct proof *proof, unsigned labels)
{
    const struct image_node *node = proof->found->node;
    if ((node->flags & NODE_NSEC3_MATCHES) != 0)
        add(proofs, proof, at(proof, node_nsec3(node)->own), RR_NSEC3);
    else
        (void)nsec3_for_encloser(proofs, proof, node, labels);
}

static void nsec3_no_data_at_wildcard(struct proofs *proofs, const struct proof *proof)
{
    const struct lookup *found = proof->found;
    (void)nsec3_for_encloser(proofs, proof, found->encloser, found->encloser_labels);
    add(proofs, proof, at(proof, node_nsec3(found->node)->own), RR_NSEC3);
}

/* What is proved. */

void prove_no_data(struct proofs *proofs, const struct proof *proof)
{
    bool wildcard = proof->found->outcome == LOOKUP_WILDCARD;
    if (has(proof, IMAGE_NSEC3)) {
        if (wildcard)
            nsec3_no_data_at_wildcard(proofs, proof);
        else
            nsec3_for_node(proofs, proof, proof->name->labels);
    } else if (has(proof, IMAGE_NSEC)) {
        if (wildcard)
            nsec_no_data_at_wildcard(proofs, proof);
        else
            nsec_for_node(proofs, proof, proof->name->labels);
    }
}

void prove_no_name(struct proofs *proofs, const struct proof *proof)
{
    const struct lookup *found = proof->found;
    if (has(proof, IMAGE_NSEC3)) {
        const struct image_node *encloser =
            nsec3_for_encloser(proofs, proof, found->encloser, found->encloser_labels);
        add(proofs, proof, at(proof, node_nsec3(encloser)->wildcard), RR_NSEC3);
    } else if (has(proof, IMAGE_NSEC)) {
        nsec_for_name(proofs, proof);
        add(proofs, proof, lookup_nsec_wildcard(proof->image, proof->name, found->encloser_labels), RR_NSEC);
    }
}

void prove_wildcard(struct proofs *proofs, const struct proof *proof)
{
    if (has(proof, IMAGE_NSEC3))
        add(proofs, proof, lookup_nsec3(proof->image, proof->name, proof->found->encloser_labels + 1U),
            RR_NSEC3);
    else if (has(proof, IMAGE_NSEC))
        nsec_for_name(proofs, proof);
}

void prove_no_ds(struct proofs *proofs, const struct proof *proof)
{
    if (has(proof, IMAGE_NSEC3))
        nsec3_for_node(proofs, proof, proof->found->labels);
    else if (has(proof, IMAGE_NSEC))
        nsec_for_node(proofs, proof, proof->found->labels);
}
