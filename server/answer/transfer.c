/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/transfer.h"

#include "answer/stream.h"
#include "base/log.h"
#include "config.h"
#include "wire/serial.h"
#include "zone/difference.h"

#include <string.h>

static void log_transfer(const struct query *query, const struct zone_image *image, bool steps)
{
    char zone[NAME_TEXT_MAX];
    char address[SETTINGS_ADDRESS_TEXT] = "an unknown client";
    union settings_address client = {0};
    if (query->message->client != NULL) {
        bool v4 = query->message->client->sa_family == AF_INET;
        memcpy(&client, query->message->client, v4 ? sizeof client.in4 : sizeof client.in6);
        (void)settings_address_to_text(&client, address);
    }
    log_info("zone %s: transfer to %s: %s, serial %u", name_to_text(image->header->apex_cased, zone), address,
             steps ? "differences" : "whole", image->header->serial);
}

/* Our SOA and nothing else. */
static void put_soa(struct response *response, const struct zone_image *image)
{
    const struct image_node *apex = image_at(image->bytes, image->header->apex_node);
    const struct placement placement = {image, node_find(apex, RR_SOA), apex, MESSAGE_HEADER_OCTETS,
                                        MESSAGE_HEADER_OCTETS};
    if (!response_put(response, SECTION_ANSWER, &placement, false, NULL))
        response_truncate(response);
}

/* The first message; the stream when it holds more. */
static struct answer_stream *start(struct response *response, struct query *query, struct zone_image *image,
                                   bool steps, size_t first)
{
    struct answer_stream *stream = stream_begin(query, &response->reply, image, steps, first);
    if (stream == NULL) {
        query->rcode = RCODE_SERVFAIL;
        return NULL;
    }
    struct writer w = writer_to(response->start, (size_t)(response->end - response->start));
    w.at = response->at;
    response->counts[SECTION_ANSWER] = stream_fill_first(stream, &w);
    response->at = w.at;
    log_transfer(query, image, steps);
    if (!stream_is_done(stream))
        return stream;
    if (stream_is_broken(stream))
        query->rcode = RCODE_SERVFAIL;
    answer_stream_close(stream);
    return NULL;
}

static struct answer_stream *respond_to_ixfr(struct response *response, struct query *query,
                                             struct zone_image *image)
{
    if (!query->has_serial) {
        query->rcode = RCODE_FORMERR;
        return NULL;
    }
    if (query->transport == ANSWER_UDP || !serial_is_newer(image->header->serial, query->serial)) {
        put_soa(response, image);
        return NULL;
    }
    size_t first = 0;
    bool steps = zone_history_find(image->history, query->serial, &first);
    return start(response, query, image, steps, first);
}

struct answer_stream *transfer_respond(struct response *response, struct query *query,
                                       const struct zone_set *set, const struct zone_image *image)
{
    long at = image != NULL && image->header->apex_octets == query->name.octets
                  ? zone_set_find(set, image->header->apex)
                  : -1;
    if (at < 0) {
        query->rcode = RCODE_NOTAUTH;
        query->error = EDNS_ERROR_NOT_AUTHORITATIVE;
        return NULL;
    }
    const uint8_t *key = query->tsig != NULL ? query->tsig->key->name : NULL;
    if (!zone_peers_allow(zone_set_peers(set, (size_t)at), query->message->client, key)) {
        query->rcode = RCODE_REFUSED;
        query->error = EDNS_ERROR_PROHIBITED;
        return NULL;
    }
    response->flags |= FLAG_AA;
    if (query->qtype == RR_IXFR)
        return respond_to_ixfr(response, query, zone_set_at(set, (size_t)at));
    if (query->transport == ANSWER_TCP)
        return start(response, query, zone_set_at(set, (size_t)at), false, 0);
    query->rcode = RCODE_FORMERR;
    return NULL;
}
