/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether a parsed query may be answered at all, and how: what stands between parsing and looking anything
 * up. Today this is the cookie that a client must show where the operator requires it.
 *
 * RFCs: 7873 5.2 (cookies).
 */
#ifndef HITHER_ANSWER_LIMIT_H
#define HITHER_ANSWER_LIMIT_H

#include "answer/context.h"
#include "answer/parse.h"

/* PARSE_PROCEED, or PARSE_ERROR with the query's rcode set. */
enum parse_verdict limit_judge(struct query *query, const struct answer_policy *policy, uint32_t now_s);

#endif
