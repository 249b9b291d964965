/* SPDX-License-Identifier: BSD-2-Clause */
#include "lanes.h"

#include "answer/context.h"
#include "answer/direct.h"
#include "answer/respond.h"
#include "wire/rdata.h"
#include "zone/set.h"

#include <string.h>

#define MOST_OCTETS 65535

static size_t answer_at_length(struct query *query, const struct zone_image *image,
                               const struct lookup *found)
{
    struct response response;
    response_start(&response, query, answer_policy_current(), image, 0);
    respond(&response, query, zone_set_current(), image, found);
    return response_finish(&response, query);
}

enum lanes_verdict lanes_compare(const uint8_t *bytes, size_t octets, enum answer_transport transport)
{
    static uint8_t direct[MOST_OCTETS];
    static uint8_t at_length[MOST_OCTETS];
    struct answer_message message = {
        .query = bytes, .query_octets = octets, .response = direct, .response_capacity = MOST_OCTETS};
    struct query query;
    struct lookup found;
    if (query_parse(&query, &message, transport) != PARSE_PROCEED || query.qclass != CLASS_IN)
        return LANES_AT_LENGTH;
    const struct zone_image *image = lookup_zone(zone_set_current(), &query.name, query.name.labels);
    if (image == NULL)
        return LANES_AT_LENGTH;
    lookup_find(&found, image, &query.name, NULL);
    size_t direct_octets = direct_answer(&query, answer_policy_current(), image, &found);
    if (direct_octets == 0)
        return LANES_AT_LENGTH;
    message.response = at_length;
    size_t at_length_octets = answer_at_length(&query, image, &found);
    bool same = direct_octets == at_length_octets && memcmp(direct, at_length, direct_octets) == 0;
    return same ? LANES_SAME : LANES_DIFFERENT;
}
