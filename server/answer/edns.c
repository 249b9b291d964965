/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/edns.h"

#include "answer/context.h"
#include "wire/rdata.h"

#include <string.h>

#define OPTION_FIXED       4
#define KEEPALIVE_OCTETS   2
#define ZONEVERSION_OCTETS 6
#define ZONEVERSION_SERIAL 0
#define COOKIE_BOTH_OCTETS (COOKIE_CLIENT_OCTETS + COOKIE_SERVER_OCTETS)
#define ERROR_OCTETS       2

static bool take_cookie(struct edns *edns, struct reader *data)
{
    size_t octets = reader_left(data);
    /* Of several the first counts (RFC 7873 5.2). */
    if (edns->cookie_octets > 0)
        return true;
    if (octets != COOKIE_CLIENT_OCTETS && (octets < COOKIE_CLIENT_OCTETS + 8 || octets > COOKIE_MOST_OCTETS))
        return false;
    memcpy(edns->cookie, data->at, octets);
    edns->cookie_octets = (uint8_t)octets;
    return true;
}

/* One option of the client's. False when it breaks its own RFC's form. */
static bool take_option(struct edns *edns, uint16_t code, struct reader *data)
{
    switch (code) {
    case EDNS_NSID:
        edns->wants_nsid = true; /* RFC 5001 2.1: what it holds is nothing to us */
        return true;
    case EDNS_COOKIE:
        return take_cookie(edns, data);
    case EDNS_KEEPALIVE:
        /* A timeout is the server's to say: a client's is passed over (RFC 7828 3.2). */
        edns->wants_keepalive = reader_left(data) == 0;
        return true;
    case EDNS_ZONEVERSION:
        edns->wants_zoneversion = true;
        return reader_left(data) == 0;
    default:
        return true;
    }
}

bool edns_take_options(struct edns *edns, struct reader options)
{
    edns->has_options = true;
    while (reader_left(&options) > 0) {
        uint16_t code = reader_u16(&options);
        struct reader data = reader_part(&options, reader_u16(&options));
        /* What options look like in another version is not known. */
        if (!edns->bad_version && (options.failed || !take_option(edns, code, &data)))
            return false;
        if (options.failed)
            break;
    }
    return true;
}

static bool gives_keepalive(const struct edns *edns, const struct edns_reply *reply)
{
    return edns->wants_keepalive && reply->tcp && reply->policy->tcp_idle_100ms > 0;
}

static bool gives_cookie(const struct edns *edns, const struct edns_reply *reply)
{
    return edns->cookie_octets > 0 && reply->policy->cookies.count > 0;
}

static bool gives_zoneversion(const struct edns *edns, const struct edns_reply *reply)
{
    return edns->wants_zoneversion && reply->has_zone;
}

uint16_t edns_octets(const struct edns *edns, const struct edns_reply *reply)
{
    unsigned octets = EDNS_OPT_FIXED;
    if (!edns->present)
        return 0;
    if (!edns->has_options)
        return EDNS_OPT_FIXED;
    if (edns->wants_nsid)
        octets += OPTION_FIXED + reply->policy->identity_octets;
    if (gives_cookie(edns, reply))
        octets += OPTION_FIXED + COOKIE_BOTH_OCTETS;
    if (gives_keepalive(edns, reply))
        octets += OPTION_FIXED + KEEPALIVE_OCTETS;
    if (gives_zoneversion(edns, reply))
        octets += OPTION_FIXED + ZONEVERSION_OCTETS;
    return (uint16_t)octets;
}

static void put_option(struct writer *w, enum edns_option code, unsigned octets)
{
    writer_u16(w, (uint16_t)code);
    writer_u16(w, (uint16_t)octets);
}

/* The client's part again, and a fresh server cookie. */
static void put_cookie(struct writer *w, const struct edns *edns, const struct edns_reply *reply)
{
    uint8_t server[COOKIE_SERVER_OCTETS];
    cookie_make(server, &reply->policy->cookies, reply->now_s, edns->cookie, reply->client);
    put_option(w, EDNS_COOKIE, COOKIE_BOTH_OCTETS);
    writer_bytes(w, edns->cookie, COOKIE_CLIENT_OCTETS);
    writer_bytes(w, server, sizeof server);
}

static void put_zoneversion(struct writer *w, const struct edns_reply *reply)
{
    put_option(w, EDNS_ZONEVERSION, ZONEVERSION_OCTETS);
    writer_u8(w, reply->zone_labels);
    writer_u8(w, ZONEVERSION_SERIAL);
    writer_u32(w, reply->zone_serial);
}

static void put_options(struct writer *w, const struct edns *edns, const struct edns_reply *reply)
{
    const struct answer_policy *policy = reply->policy;
    if (edns->wants_nsid) {
        put_option(w, EDNS_NSID, policy->identity_octets);
        writer_bytes(w, policy->identity, policy->identity_octets);
    }
    if (gives_cookie(edns, reply))
        put_cookie(w, edns, reply);
    if (gives_keepalive(edns, reply)) {
        put_option(w, EDNS_KEEPALIVE, KEEPALIVE_OCTETS);
        writer_u16(w, (uint16_t)policy->tcp_idle_100ms);
    }
    if (gives_zoneversion(edns, reply))
        put_zoneversion(w, reply);
    if (reply->error != EDNS_ERROR_NONE && writer_left(w) >= OPTION_FIXED + ERROR_OCTETS) {
        put_option(w, EDNS_ERROR, ERROR_OCTETS);
        writer_u16(w, (uint16_t)reply->error);
    }
}

void edns_put(struct writer *w, const struct edns *edns, const struct edns_reply *reply)
{
    uint8_t *opt = writer_room(w, EDNS_OPT_FIXED);
    size_t options_at = writer_offset(w);
    if (opt == NULL)
        return;
    edns_put_fixed(opt, edns, reply->policy->udp_octets, reply->rcode);
    if (!edns->has_options && reply->error == EDNS_ERROR_NONE)
        return;
    put_options(w, edns, reply);
    writer_set_u16(w, options_at - 2, (uint16_t)(writer_offset(w) - options_at));
}
