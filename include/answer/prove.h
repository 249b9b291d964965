/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The NSEC and NSEC3 records that prove what isn't there: NODATA, NXDOMAIN, answers from wildcards, referrals
 * without DS. Proofs are gathered while the answer section grows, each RRset once, and written when all else
 * of the authority section stands. In an unsigned zone there is nothing to prove.
 *
 * RFCs: 4035 3.1.3 (NSEC), 5155 7.2 (NSEC3), 6840, 7129 (explained).
 */
#ifndef HITHER_ANSWER_PROVE_H
#define HITHER_ANSWER_PROVE_H

#include "answer/response.h"

#define PROOFS_MOST 32 /* of all steps of a chain of aliases */

/* The nodes whose NSEC or NSEC3 is needed. */
struct proofs {
    unsigned count;
    struct proof_node {
        const struct zone_image *image;
        const struct image_node *node;
        uint16_t apex_at; /* octet of the message where the apex stands; 0: nowhere */
        uint16_t type;
    } nodes[PROOFS_MOST];
};

/* What a proof is about: the name asked for in its zone, and what the look-up found. */
struct proof {
    const struct zone_image *image;
    struct lookup_name *name;
    const struct lookup *found;
    uint16_t apex_at;
};

/* The node exists (perhaps as a wildcard's expansion) but not the type. */
void prove_no_data(struct proofs *proofs, const struct proof *proof);

/* Neither the name nor a wildcard for it exists. */
void prove_no_name(struct proofs *proofs, const struct proof *proof);

/* The answer came from a wildcard: the name itself doesn't exist. */
void prove_wildcard(struct proofs *proofs, const struct proof *proof);

/* The delegation has no DS. */
void prove_no_ds(struct proofs *proofs, const struct proof *proof);

/* Writes them into the authority section. False when they don't fit. */
bool proofs_put(const struct proofs *proofs, struct response *response);

#endif
