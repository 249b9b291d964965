/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The short way to the commonest answer: an RRset at the very name that was asked for. In the image it stands
 * as a message with just this question needs it, so that header, question, records and OPT are copied one
 * behind the other and nothing is changed. Whatever takes more thought (aliases, wildcards, additional
 * records, options, signed queries, what doesn't fit) is left to answer/respond. An answer from here is the
 * same, octet by octet, as the one from there would be.
 *
 * RFCs: 1034 4.3.2 step 3a, 6891 6.
 */
#ifndef HITHER_ANSWER_DIRECT_H
#define HITHER_ANSWER_DIRECT_H

#include "answer/context.h"
#include "answer/parse.h"
#include "zone/image.h"
#include "zone/lookup.h"

/* Answers a query of class IN from `image`, in which `found` is its name. Octets of the whole message; 0 when
 * this isn't for the short way, and nothing is written. */
size_t direct_answer(const struct query *query, const struct answer_policy *policy,
                     const struct zone_image *image, const struct lookup *found);

#endif
