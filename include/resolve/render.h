/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An answer out of the cache -> the message for one client: header, its own question, the body with its TTLs
 * aged, OPT.
 *
 * RFCs: 4035 3.2.2 (CD), 6840 5.7 and 5.8 (AD), 6891, 8767 4 (the TTL of what is stale).
 */
#ifndef HITHER_RESOLVE_RENDER_H
#define HITHER_RESOLVE_RENDER_H

#include "answer/context.h"
#include "answer/parse.h"
#include "resolve/resolved.h"

struct rendering {
    const struct resolved *resolved;
    uint32_t age_s;
    uint32_t stale_ttl_s; /* not 0: the TTL of all records, because they are past theirs */
    int error;            /* enum edns_error; EDNS_ERROR_NONE: the answer's own */
};

/* Octets of the message. Sets the query's rcode and error. */
size_t render_answer(const struct rendering *rendering, struct query *query,
                     const struct answer_policy *policy, uint32_t now_s);

#endif
