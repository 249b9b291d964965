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

/* What limit_judge() says where a client's cookie has to be one of ours. */
enum parse_verdict limit_judge_cookie(struct query *query, const struct answer_policy *policy,
                                      uint32_t now_s);

/* PARSE_PROCEED, or PARSE_ERROR with the query's rcode set. */
static inline enum parse_verdict limit_judge(struct query *query, const struct answer_policy *policy,
                                             uint32_t now_s)
{
    return policy->cookies_required ? limit_judge_cookie(query, policy, now_s) : PARSE_PROCEED;
}

#endif
