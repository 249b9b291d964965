/* SPDX-License-Identifier: BSD-2-Clause
 *
 * EDNS: what the client's OPT asks for, and the OPT that answers it. Options that we don't know are passed
 * over.
 *
 * RFCs: 5001 (NSID), 6891 (EDNS), 7828 (TCP keepalive), 7873 and 9018 (cookies), 8914 (extended errors), 9660
 * (ZONEVERSION).
 */
#ifndef HITHER_ANSWER_EDNS_H
#define HITHER_ANSWER_EDNS_H

#include "answer/cookie.h"
#include "wire/rdata.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include <stdbool.h>
#include <stdint.h>

#define EDNS_DO        0x8000
#define EDNS_OPT_FIXED 11  /* octets of an OPT without options */
#define EDNS_UDP_LEAST 512 /* and what holds without EDNS (RFC 1035 4.2.1) */

enum edns_option {
    EDNS_NSID = 3,
    EDNS_COOKIE = 10,
    EDNS_KEEPALIVE = 11,
    EDNS_ERROR = 15,
    EDNS_ZONEVERSION = 19,
};

/* INFO-CODEs of RFC 8914 that we give. */
enum edns_error {
    EDNS_ERROR_NONE = -1,
    EDNS_ERROR_STALE = 3,
    EDNS_ERROR_BOGUS = 6,
    EDNS_ERROR_SIGNATURE_EXPIRED = 7,
    EDNS_ERROR_SIGNATURE_NOT_YET = 8,
    EDNS_ERROR_DNSKEY_MISSING = 9,
    EDNS_ERROR_RRSIGS_MISSING = 10,
    EDNS_ERROR_NSEC_MISSING = 12,
    EDNS_ERROR_CACHED = 13,
    EDNS_ERROR_NOT_READY = 14,
    EDNS_ERROR_PROHIBITED = 18,
    EDNS_ERROR_STALE_NXDOMAIN = 19,
    EDNS_ERROR_NOT_AUTHORITATIVE = 20,
    EDNS_ERROR_NOT_SUPPORTED = 21,
    EDNS_ERROR_NO_REACHABLE = 22,
};

/* What the client's OPT said. */
struct edns {
    uint16_t udp_octets; /* at least EDNS_UDP_LEAST */
    bool present;
    bool has_options; /* perhaps some that are to be answered */
    bool dnssec_ok;
    bool bad_version;
    bool wants_nsid;
    bool wants_keepalive;
    bool wants_zoneversion;
    uint8_t cookie_octets; /* 0: none; else 8, or 16 to 40 with a server cookie */
    uint8_t cookie[COOKIE_MOST_OCTETS];
};

/* What is to be said in return. */
struct edns_reply {
    const struct answer_policy *policy;
    const struct sockaddr *client;
    uint32_t now_s; /* Unix time */
    uint16_t rcode; /* all twelve bits */
    int error;      /* enum edns_error */
    bool tcp;
    bool has_zone; /* then its apex' labels and its serial go into ZONEVERSION */
    uint8_t zone_labels;
    uint32_t zone_serial;
};

/* What holds when there is no OPT. */
static inline void edns_none(struct edns *edns)
{
    edns->udp_octets = EDNS_UDP_LEAST;
    edns->present = false;
    edns->has_options = false;
    edns->dnssec_ok = false;
    edns->bad_version = false;
    edns->wants_nsid = false;
    edns->wants_keepalive = false;
    edns->wants_zoneversion = false;
    edns->cookie_octets = 0;
}

/* Takes an OPT's options. False when one breaks its RFC's form. */
bool edns_take_options(struct edns *edns, struct reader options);

/* Takes an OPT record's class, TTL and rdata (RFC 6891 6.1.2, 6.1.3). False when it is malformed. */
static inline bool edns_take(struct edns *edns, uint16_t class, uint32_t ttl, struct reader options)
{
    edns->present = true;
    edns->udp_octets = class > EDNS_UDP_LEAST ? class : EDNS_UDP_LEAST;
    edns->dnssec_ok = (ttl & EDNS_DO) != 0;
    edns->bad_version = (ttl >> 16 & 0xff) != 0;
    return reader_left(&options) == 0 || edns_take_options(edns, options);
}

/* Octets of the OPT that will answer, an extended error not counted; 0 when there was none to answer. */
uint16_t edns_octets(const struct edns *edns, const struct edns_reply *reply);

/* Writes an OPT without options: EDNS_OPT_FIXED octets. `rcode` is the answer's, all twelve bits. */
static inline void edns_put_fixed(uint8_t *at, const struct edns *edns, uint16_t udp_octets, uint16_t rcode)
{
    at[0] = 0;
    octets_set_u16(at + 1, RR_OPT);
    octets_set_u16(at + 3, udp_octets);
    octets_set_u16(at + 5, (rcode & 0xff0U) << 4);
    octets_set_u16(at + 7, edns->dnssec_ok ? EDNS_DO : 0);
    octets_set_u16(at + 9, 0);
}

/* Writes that OPT, with the extended error when it fits. */
void edns_put(struct writer *w, const struct edns *edns, const struct edns_reply *reply);

#endif
