/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/parse.h"

#include "wire/rdata.h"
#include "wire/reader.h"

static enum parse_verdict refuse(struct query *query, uint16_t rcode)
{
    query->rcode = rcode;
    return PARSE_ERROR;
}

/* Passes over a name that may be compressed: we don't care what it says, only where it ends. */
static void skip_name(struct reader *r)
{
    for (;;) {
        uint8_t label = reader_u8(r);
        if (r->failed || label == 0)
            return;
        if (label >= 0xc0) {
            (void)reader_u8(r);
            return;
        }
        if (label > NAME_MAX_LABEL) {
            r->failed = true;
            return;
        }
        (void)reader_bytes(r, label);
    }
}

/* One record behind the question. False when the message is malformed. */
static bool take_record(struct query *query, struct reader *r, bool additional)
{
    bool root = reader_left(r) > 0 && *r->at == 0;
    skip_name(r);
    uint16_t type = reader_u16(r);
    uint16_t class = reader_u16(r);
    uint32_t ttl = reader_u32(r);
    struct reader rdata = reader_part(r, reader_u16(r));
    if (r->failed)
        return false;
    if (type != RR_OPT)
        return true;
    if (!additional || !root || query->edns.present)
        return false;
    return edns_take(&query->edns, class, ttl, rdata);
}

static bool take_records(struct query *query, struct reader *r, const uint16_t counts[3])
{
    for (unsigned section = 0; section < 3; section++) {
        for (unsigned i = 0; i < counts[section]; i++) {
            if (!take_record(query, r, section == 2))
                return false;
        }
    }
    return reader_left(r) == 0;
}

static bool take_question(struct query *query, struct reader *r)
{
    size_t octets = lookup_name_take(&query->name, r->at, reader_left(r));
    (void)reader_bytes(r, octets);
    query->qtype = reader_u16(r);
    query->qclass = reader_u16(r);
    if (octets == 0 || r->failed)
        return false;
    query->question_octets = (uint16_t)(octets + 4);
    return true;
}

static void query_init(struct query *query, const struct answer_message *message,
                       enum answer_transport transport)
{
    query->message = message;
    query->transport = transport;
    query->rcode = RCODE_NOERROR;
    query->question_octets = 0;
    query->error = EDNS_ERROR_NONE;
    edns_none(&query->edns);
}

enum parse_verdict query_parse(struct query *query, const struct answer_message *message,
                               enum answer_transport transport)
{
    struct reader r = reader_of(message->query, message->query_octets);
    query_init(query, message, transport);
    query->id = reader_u16(&r);
    query->flags = reader_u16(&r);
    uint16_t questions = reader_u16(&r);
    uint16_t counts[3];
    for (unsigned i = 0; i < 3; i++)
        counts[i] = reader_u16(&r);
    if (r.failed || (query->flags & FLAG_QR) != 0)
        return PARSE_DROP;
    if ((query->flags & FLAG_OPCODE) != OPCODE_QUERY << 11)
        return refuse(query, RCODE_NOTIMP);
    if (questions > 1 || (questions == 1 && !take_question(query, &r)) || !take_records(query, &r, counts))
        return refuse(query, RCODE_FORMERR);
    if (query->edns.bad_version)
        return refuse(query, RCODE_BADVERS);
    if (questions == 1)
        return PARSE_PROCEED;
    /* Without a question only a cookie can be asked for (RFC 7873 5.4). */
    return refuse(query, query->edns.cookie_octets > 0 ? RCODE_NOERROR : RCODE_FORMERR);
}
