/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The algorithm of RFC 1034 4.3.2 for one parsed query: what goes into which section. The look-up says what
 * there is, this switches on it, the response takes it in.
 *
 * RFCs: 1034 4.3.2, 2308 (negative answers), 4035 3.1 (DNSSEC), 4592 (wildcards), 6672 (DNAME), 8482 (ANY),
 * 9471 (glue).
 */
#ifndef HITHER_ANSWER_RESPOND_H
#define HITHER_ANSWER_RESPOND_H

#include "answer/response.h"

#define RESPOND_CHAIN_MOST 24 /* names that one answer looks up, one alias after another */

/* Answers `query` from `image` (the zone found for its name; NULL: none of ours). `found` is the first
 * look-up, done already. */
void respond(struct response *response, struct query *query, const struct zone_set *set,
             const struct zone_image *image, const struct lookup *found);

#endif
