/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bytes from a peer -> what the state machine needs to know of them. Pure and bounded. OPEN and NOTIFICATION
 * are read as far as we act on them; an UPDATE is framed and dropped, its attributes never looked at.
 * Whatever is wrong comes out as the NOTIFICATION that is due.
 *
 * RFCs: 4271 4 and 6, 5492, 6286 (identifiers), 6793, 9072 (long optional parameters).
 */
#ifndef HITHER_ANNOUNCE_BGP_READ_H
#define HITHER_ANNOUNCE_BGP_READ_H

#include "announce/bgp_message.h"

enum bgp_read_result {
    BGP_READ_MORE,    /* not a whole message yet */
    BGP_READ_MESSAGE, /* `message` is filled in */
    BGP_READ_BAD,     /* `message.error` says how */
};

struct bgp_message {
    enum bgp_type type;
    size_t octets; /* of the whole message, to step over it */
    union {
        struct bgp_open open;   /* BGP_OPEN: syntax checked, content not: bgp_open_check() */
        struct bgp_error error; /* BGP_NOTIFICATION, and BGP_READ_BAD */
        uint8_t refresh;        /* BGP_ROUTE_REFRESH: enum bgp_family, or 0: none that we speak */
    };
};

/* Looks at the first message in `octets` of `bytes`. */
enum bgp_read_result bgp_read(const uint8_t *bytes, size_t octets, struct bgp_message *message);

/* What we demand of a peer's OPEN (RFC 4271 6.2). */
struct bgp_demand {
    uint32_t local_as;
    uint32_t remote_as;
    uint32_t identifier; /* ours */
    uint8_t families;    /* ours; one at least must be the peer's too */
    enum settings_role role;
};

/* False when the peer's OPEN can't be accepted, and `error` is the NOTIFICATION that says why. */
bool bgp_open_check(const struct bgp_open *open, const struct bgp_demand *demand, struct bgp_error *error);

#endif
