/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A message -> a query, or the reason why it isn't one. All sanity comes first, in the order in which the
 * RFCs speak of it, and gives one of three verdicts; nothing behind it checks the message again.
 *
 * RFCs: 1035 4.1, 6891 (EDNS), 1995 3 (IXFR), 7873 5.4 (no question but a cookie), 8906 (what to answer to
 * the unusual), 8945 5.1 (where a TSIG stands), 9619 (one question).
 */
#ifndef HITHER_ANSWER_PARSE_H
#define HITHER_ANSWER_PARSE_H

#include "answer/edns.h"
#include "answer/query.h"
#include "wire/tsig.h"
#include "zone/lookup.h"

#define MESSAGE_HEADER_OCTETS 12

enum message_flag {
    FLAG_QR = 0x8000,
    FLAG_AA = 0x0400,
    FLAG_TC = 0x0200,
    FLAG_RD = 0x0100,
    FLAG_RA = 0x0080,
    FLAG_AD = 0x0020,
    FLAG_CD = 0x0010,
    FLAG_OPCODE = 0x7800, /* mask */
};

enum opcode {
    OPCODE_QUERY = 0,
    OPCODE_NOTIFY = 4,
    OPCODE_UPDATE = 5,
};

enum rcode {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    RCODE_YXDOMAIN = 6,
    RCODE_NOTAUTH = 9,
    RCODE_BADVERS = 16,
    RCODE_BADCOOKIE = 23,
};

enum parse_verdict {
    PARSE_DROP,    /* not to be answered */
    PARSE_ERROR,   /* to be answered with `rcode` alone */
    PARSE_PROCEED, /* a whole query */
};

struct query {
    const struct answer_message *message;
    enum answer_transport transport;
    uint16_t id;
    uint16_t flags; /* as they came */
    uint16_t qtype;
    uint16_t qclass;
    uint16_t rcode;           /* of the answer, with EDNS's upper bits */
    uint16_t question_octets; /* name, type and class; 0 when there is none to echo */
    uint16_t tsig_at;         /* octet of the message where its TSIG begins; 0: it has none */
    bool plain;      /* a whole query of class IN for nothing but data: no options, signature or meta type */
    bool has_serial; /* `serial` is that of the SOA in the authority section, which IXFR asks with */
    uint32_t serial;
    int error;         /* what to say beside the rcode: enum edns_error */
    struct tsig *tsig; /* of the exchange, once it was looked at; NULL: unsigned, so is the answer */
    struct edns edns;
    struct lookup_name name; /* what is looked up: the question, later a CNAME's target */
};

enum parse_verdict query_parse(struct query *query, const struct answer_message *message,
                               enum answer_transport transport);

#endif
