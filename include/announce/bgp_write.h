/* SPDX-License-Identifier: BSD-2-Clause
 *
 * BGP-4 messages -> bytes. Pure; each function writes one whole message, or fails the writer.
 *
 * RFCs: 4271 4, 4760, 5492, 6793, 2918, 8950, 2545 (IPv6 next hops), 1997 and 8092 (communities), 7606 5.1
 * (MP attributes first), 9003, 9234.
 */
#ifndef HITHER_ANNOUNCE_BGP_WRITE_H
#define HITHER_ANNOUNCE_BGP_WRITE_H

#include "announce/bgp_message.h"
#include "wire/writer.h"

#define BGP_GRACEFUL_SHUTDOWN 0xffff0000u /* 65535:0 (RFC 8326) */

/* Where routers should send the traffic. IPv6: octets of the global address, then of the link-local one. */
struct bgp_next_hop {
    uint8_t family;  /* AF_INET, AF_INET6; 0: none is known */
    bool link_local; /* `octets` + 16 holds a link-local address too (RFC 2545 3) */
    uint8_t octets[32];
};

/* All of an announcement but its prefix. */
struct bgp_route {
    uint32_t local_as;
    bool internal;         /* the neighbour is in the same AS */
    bool four_octet_as;    /* as agreed with the neighbour */
    bool only_to_customer; /* attach OTC with the local AS (RFC 9234 5) */
    bool graceful_shutdown;
    struct settings_policy policy;
    struct bgp_next_hop next_hop;
};

void bgp_write_open(struct writer *to, const struct bgp_open *open);
void bgp_write_keepalive(struct writer *to);
void bgp_write_notification(struct writer *to, const struct bgp_error *error);

/* UPDATE that announces one prefix. Its next hop's family may differ from the prefix's only for IPv4 over
 * IPv6. */
void bgp_write_announcement(struct writer *to, const struct bgp_route *route,
                            const struct settings_prefix *prefix);

/* UPDATE that withdraws one prefix. */
void bgp_write_withdrawal(struct writer *to, const struct settings_prefix *prefix);

/* End-of-RIB of a family (RFC 4724 2): all that we have has been said. */
void bgp_write_end_of_rib(struct writer *to, enum bgp_family family);

#endif
