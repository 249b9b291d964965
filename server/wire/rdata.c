/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/rdata.h"

#include "wire/name.h"

struct rdata_names rdata_compressible(uint16_t type)
{
    switch (type) {
    case 2:  /* NS */
    case 3:  /* MD */
    case 4:  /* MF */
    case 5:  /* CNAME */
    case 7:  /* MB */
    case 8:  /* MG */
    case 9:  /* MR */
    case 12: /* PTR */
        return (struct rdata_names){0, 1};
    case 6:  /* SOA */
    case 14: /* MINFO */
        return (struct rdata_names){0, 2};
    case 15: /* MX */
        return (struct rdata_names){2, 1};
    default:
        return (struct rdata_names){0, 0};
    }
}

/* NAPTR: order, preference, three character-strings, then the replacement (RFC 3403 4.1). */
static int naptr_target(const uint8_t *rdata, size_t octets)
{
    size_t at = 4;
    for (int i = 0; i < 3; i++) {
        if (at >= octets)
            return -1;
        at += 1 + (size_t)rdata[at];
    }
    return at < octets ? (int)at : -1;
}

int rdata_target(uint16_t type, const uint8_t *rdata, size_t octets)
{
    switch (type) {
    case RR_NS:
        return 0;
    case RR_MX:
        return octets > 2 ? 2 : -1;
    case RR_SRV:
        return octets > 6 ? 6 : -1;
    case RR_SVCB:
    case RR_HTTPS:
        return octets > 2 ? 2 : -1;
    case RR_NAPTR:
        return naptr_target(rdata, octets);
    default:
        return -1;
    }
}

bool rdata_names_whole(uint16_t type, const uint8_t *rdata, size_t octets)
{
    struct rdata_names names = rdata_compressible(type);
    size_t at = names.before;
    for (unsigned i = 0; i < names.count; i++) {
        size_t name = at < octets ? name_check(rdata + at, octets - at) : 0;
        if (name == 0)
            return false;
        at += name;
    }
    int target = rdata_target(type, rdata, octets);
    return target < 0 || ((size_t)target < octets && name_check(rdata + target, octets - (size_t)target) > 0);
}
