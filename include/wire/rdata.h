/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where in the rdata of a type its names lie, as far as messages care: which may be compressed (those of RFC
 * 1035 only, RFC 3597 4) and which have addresses that save the client a query.
 */
#ifndef HITHER_WIRE_RDATA_H
#define HITHER_WIRE_RDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Types by number (IANA). Those that code here treats apart from "a record of some type". */
enum rr_type {
    RR_A = 1,
    RR_NS = 2,
    RR_CNAME = 5,
    RR_SOA = 6,
    RR_PTR = 12,
    RR_MX = 15,
    RR_TXT = 16,
    RR_AAAA = 28,
    RR_SRV = 33,
    RR_NAPTR = 35,
    RR_DNAME = 39,
    RR_OPT = 41,
    RR_DS = 43,
    RR_RRSIG = 46,
    RR_NSEC = 47,
    RR_DNSKEY = 48,
    RR_NSEC3 = 50,
    RR_NSEC3PARAM = 51,
    RR_SVCB = 64,
    RR_HTTPS = 65,
    RR_TKEY = 249,
    RR_TSIG = 250,
    RR_IXFR = 251,
    RR_AXFR = 252,
    RR_MAILB = 253,
    RR_MAILA = 254,
    RR_ANY = 255,
};

enum rr_class {
    CLASS_IN = 1,
    CLASS_CH = 3,
    CLASS_NONE = 254,
    CLASS_ANY = 255,
};

/* The compressible names in rdata: how many, and the octets before the first (they follow one another). */
struct rdata_names {
    uint8_t before;
    uint8_t count;
};

struct rdata_names rdata_compressible(uint16_t type);

/* Whether the names that the two functions around this one speak of lie whole within `octets` of rdata. */
bool rdata_names_whole(uint16_t type, const uint8_t *rdata, size_t octets);

/* Offset in `rdata` (uncompressed) of the name whose addresses go into the additional section, or -1: none.
 */
int rdata_target(uint16_t type, const uint8_t *rdata, size_t octets);

#endif
