/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/parse.h"

#include "wire/rdata.h"
#include "wire/reader.h"

#define RECORD_FIXED 10                /* type, class, TTL and length of the rdata */
#define SOA_NUMBERS  20                /* octets of a SOA's rdata behind its names */
#define SOA_LEAST    (SOA_NUMBERS + 2) /* with the shortest names */

#define TYPE_META_FIRST 128
#define TYPE_META_LAST  255

enum message_section {
    MESSAGE_ANSWER,
    MESSAGE_AUTHORITY,
    MESSAGE_ADDITIONAL,
};

static enum parse_verdict refuse(struct query *query, uint16_t rcode)
{
    query->rcode = rcode;
    query->plain = false;
    return PARSE_ERROR;
}

/* Passes over a name that may be compressed: we don't care what it says, only where it ends. */
static inline void skip_name(struct reader *r)
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

/* The SOA that a client has, in the authority section of its IXFR (RFC 1995 3). */
static bool take_soa(struct query *query, struct reader rdata)
{
    if (reader_left(&rdata) < SOA_LEAST)
        return false;
    (void)reader_bytes(&rdata, reader_left(&rdata) - SOA_NUMBERS);
    query->serial = reader_u32(&rdata);
    query->has_serial = true;
    return true;
}

/* Whether it is sound, and what it says, is for later: what belongs to a message comes first. */
static bool take_tsig(struct query *query, size_t at, enum message_section section)
{
    if (section != MESSAGE_ADDITIONAL || at > UINT16_MAX)
        return false;
    query->tsig_at = (uint16_t)at;
    return true;
}

/* One record behind the question. False when the message is malformed. */
static bool take_record(struct query *query, struct reader *r, enum message_section section)
{
    bool root = reader_left(r) > 0 && *r->at == 0;
    size_t at = reader_offset(r);
    skip_name(r);
    const uint8_t *fixed = reader_bytes(r, RECORD_FIXED);
    if (fixed == NULL)
        return false;
    uint16_t type = octets_u16(fixed);
    struct reader rdata = reader_part(r, octets_u16(fixed + 8));
    if (r->failed || query->tsig_at != 0)
        return false; /* cut off, or behind the TSIG, which is the last */
    if (type == RR_TSIG)
        return take_tsig(query, at, section);
    if (type == RR_SOA && section == MESSAGE_AUTHORITY)
        return take_soa(query, rdata);
    if (type != RR_OPT)
        return true;
    if (section != MESSAGE_ADDITIONAL || !root || query->edns.present)
        return false;
    return edns_take(&query->edns, octets_u16(fixed + 2),
                     (uint32_t)octets_u16(fixed + 4) << 16 | octets_u16(fixed + 6), rdata);
}

/* What follows the question. */
static bool take_records(struct query *query, struct reader *r, const uint8_t *header)
{
    const uint16_t counts[3] = {octets_u16(header + 6), octets_u16(header + 8), octets_u16(header + 10)};
    for (unsigned section = MESSAGE_ANSWER; section <= MESSAGE_ADDITIONAL; section++) {
        for (unsigned i = 0; i < counts[section]; i++) {
            if (!take_record(query, r, section))
                return false;
        }
    }
    return reader_left(r) == 0;
}

/* Whether what is left of the message is an OPT and nothing else. */
static inline bool is_lone_opt(const struct reader *r)
{
    const uint8_t *opt = r->at;
    return reader_left(r) >= EDNS_OPT_FIXED && opt[0] == 0 && octets_u16(opt + 1) == RR_OPT &&
           octets_u16(opt + 9) == reader_left(r) - EDNS_OPT_FIXED;
}

static inline bool take_lone_opt(struct query *query, struct reader *r)
{
    const uint8_t *opt = reader_bytes(r, EDNS_OPT_FIXED);
    return opt != NULL && edns_take(&query->edns, octets_u16(opt + 3),
                                    (uint32_t)octets_u16(opt + 5) << 16 | octets_u16(opt + 7), *r);
}

static inline bool take_question(struct query *query, struct reader *r)
{
    size_t octets = lookup_name_take(&query->name, r->at, reader_left(r));
    const uint8_t *question = reader_bytes(r, octets + 4);
    if (octets == 0 || question == NULL)
        return false;
    query->qtype = octets_u16(question + octets);
    query->qclass = octets_u16(question + octets + 2);
    query->question_octets = (uint16_t)(octets + 4);
    return true;
}

static inline void query_init(struct query *query, const struct answer_message *message,
                              enum answer_transport transport)
{
    query->message = message;
    query->transport = transport;
    query->rcode = RCODE_NOERROR;
    query->plain = false;
    query->question_octets = 0;
    query->error = EDNS_ERROR_NONE;
    query->has_serial = false;
    query->tsig_at = 0;
    query->tsig = NULL;
    edns_none(&query->edns);
}

/* Of an opcode that isn't served, only the OPT counts: what asks with one has to get one (RFC 6891 6.1.1).
 * Where the sections aren't a query's, as in DSO (RFC 8490), none is found. */
static enum parse_verdict refuse_opcode(struct query *query, struct reader *r, const uint8_t *header)
{
    unsigned questions = octets_u16(header + 4);
    bool sound =
        questions <= 1 && (questions == 0 || take_question(query, r)) && take_records(query, r, header);
    if (!sound) {
        edns_none(&query->edns);
        query->tsig_at = 0;
    }
    query->question_octets = 0;
    query->error = EDNS_ERROR_NOT_SUPPORTED;
    return refuse(query, RCODE_NOTIMP);
}

/* Types that stand for no data of their own: QTYPEs and meta types (RFC 6895 3.1), and RRSIG, which is of
 * others. */
static inline bool is_data(uint16_t type)
{
    return (uint16_t)(type - TYPE_META_FIRST) > TYPE_META_LAST - TYPE_META_FIRST && type != RR_RRSIG;
}

/* What a query is, once its sections are taken in. */
static inline enum parse_verdict judge(struct query *query, unsigned questions)
{
    if (query->edns.bad_version)
        return refuse(query, RCODE_BADVERS);
    if (questions == 1)
        return PARSE_PROCEED;
    /* Without a question only a cookie can be asked for (RFC 7873 5.4). */
    return refuse(query, query->edns.cookie_octets > 0 ? RCODE_NOERROR : RCODE_FORMERR);
}

/* Whatever it is: from its header on. */
static __attribute__((noinline)) enum parse_verdict parse_at_length(struct query *query)
{
    struct reader r = reader_of(query->message->query, query->message->query_octets);
    const uint8_t *header = reader_bytes(&r, MESSAGE_HEADER_OCTETS);
    query->plain = false;
    if (header == NULL || (query->flags & FLAG_QR) != 0)
        return PARSE_DROP;
    if ((query->flags & FLAG_OPCODE) != OPCODE_QUERY << 11)
        return refuse_opcode(query, &r, header);
    unsigned questions = octets_u16(header + 4);
    if (questions > 1 || (questions == 1 && !take_question(query, &r)) || !take_records(query, &r, header))
        return refuse(query, RCODE_FORMERR);
    return judge(query, questions);
}

/* Nearly every query is one question and behind it nothing, or an OPT: that is taken in one straight pass. */
enum parse_verdict query_parse(struct query *query, const struct answer_message *message,
                               enum answer_transport transport)
{
    static const uint8_t question[8] = {0, 1, 0, 0, 0, 0, 0, 0};
    static const uint8_t question_and_one[8] = {0, 1, 0, 0, 0, 0, 0, 1};
    query_init(query, message, transport);
    struct reader r = reader_of(message->query, message->query_octets);
    const uint8_t *header = reader_bytes(&r, MESSAGE_HEADER_OCTETS);
    if (header == NULL)
        return PARSE_DROP;
    query->id = octets_u16(header);
    query->flags = octets_u16(header + 2);
    bool alone = memcmp(header + 4, question, sizeof question) == 0;
    if ((query->flags & (FLAG_QR | FLAG_OPCODE)) != OPCODE_QUERY ||
        (!alone && memcmp(header + 4, question_and_one, sizeof question_and_one) != 0))
        return parse_at_length(query);
    if (!take_question(query, &r))
        return refuse(query, RCODE_FORMERR);
    query->plain = query->qclass == CLASS_IN && is_data(query->qtype);
    if (alone)
        return reader_left(&r) == 0 ? PARSE_PROCEED : refuse(query, RCODE_FORMERR);
    if (!is_lone_opt(&r))
        return parse_at_length(query);
    if (!take_lone_opt(query, &r))
        return refuse(query, RCODE_FORMERR);
    query->plain = query->plain && !query->edns.has_options;
    return judge(query, 1);
}
