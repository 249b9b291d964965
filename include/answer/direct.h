/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The short way to the commonest answers: an RRset at the very name that was asked for, or at the wildcard
 * that it expands from; a referral; and that there is no such name or no such type. All that these need
 * stands ready in the image, so that header, question, records and OPT are copied one behind the other, once
 * it is known that they fit, and at most some pointers are set. Whatever takes more thought (aliases,
 * additional records that aren't glue, options, signed queries, what doesn't fit) is left to answer/respond.
 * An answer from here is the same, octet by octet, as the one from there would be.
 *
 * RFCs: 1034 4.3.2, 2308 (negative answers), 4035 3.1, 6891 6.
 */
#ifndef HITHER_ANSWER_DIRECT_H
#define HITHER_ANSWER_DIRECT_H

#include "answer/context.h"
#include "answer/parse.h"
#include "zone/image.h"
#include "zone/lookup.h"

/* Answers a query of class IN from `image`, in which `found` is its name. Octets of the whole message; 0 when
 * this isn't for the short way, and nothing is written. */
size_t direct_answer(struct query *query, const struct answer_policy *policy, const struct zone_image *image,
                     const struct lookup *found);

#endif
