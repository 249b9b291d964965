/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The NSEC and NSEC3 records that prove what isn't there: NODATA, NXDOMAIN, answers from wildcards, referrals
 * without DS. Each returns false when the proof doesn't fit (then the answer is truncated); with an unsigned
 * zone there is nothing to prove and all return true.
 *
 * RFCs: 4035 3.1.3 (NSEC), 5155 7.2 (NSEC3), 6840, 7129 (explained).
 */
#ifndef HITHER_ANSWER_PROVE_H
#define HITHER_ANSWER_PROVE_H

#include "answer/response.h"

/* What a proof is about: the name asked for in its zone, and what the look-up found. */
struct proof {
    const struct zone_image *image;
    const struct lookup_name *name;
    const struct lookup *found;
    uint16_t apex_at; /* octet of the message where the apex stands; 0: nowhere */
};

/* The node exists (perhaps as a wildcard's expansion) but not the type. */
bool prove_no_data(struct response *response, const struct proof *proof);

/* Neither the name nor a wildcard for it exists. */
bool prove_no_name(struct response *response, const struct proof *proof);

/* The answer came from a wildcard: the name itself doesn't exist. */
bool prove_wildcard(struct response *response, const struct proof *proof);

/* The delegation has no DS. */
bool prove_no_ds(struct response *response, const struct proof *proof);

#endif
