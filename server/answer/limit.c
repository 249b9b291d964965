/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/limit.h"

enum parse_verdict limit_judge_cookie(struct query *query, const struct answer_policy *policy, uint32_t now_s)
{
    const struct edns *edns = &query->edns;
    if (edns->cookie_octets == 0 || query->transport != ANSWER_UDP)
        return PARSE_PROCEED;
    if (cookie_holds(&policy->cookies, now_s, edns->cookie, edns->cookie + COOKIE_CLIENT_OCTETS,
                     (size_t)edns->cookie_octets - COOKIE_CLIENT_OCTETS, query->message->client))
        return PARSE_PROCEED;
    query->rcode = RCODE_BADCOOKIE;
    return PARSE_ERROR;
}
