/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What BGP-4 messages say, apart from their bytes: shared by the reader, the writer and the state machine.
 *
 * RFCs: 4271 4 (messages), 4760 (multiprotocol), 5492 (capabilities), 6793 (four-octet AS), 2918 (route
 * refresh), 8950 (IPv4 with an IPv6 next hop), 9234 (roles), 9003 (shutdown communication), 9687 (send hold
 * timer). Graceful restart (4724, 9494) isn't here on purpose: a router must forget us when we die.
 */
#ifndef HITHER_ANNOUNCE_BGP_MESSAGE_H
#define HITHER_ANNOUNCE_BGP_MESSAGE_H

#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BGP_HEADER_OCTETS  19
#define BGP_MESSAGE_OCTETS 4096 /* the longest (RFC 4271 4.1) */
#define BGP_AS_TRANS       23456
#define BGP_TEXT_OCTETS    256 /* a shutdown communication (at most 255) and a closing zero */

enum bgp_type {
    BGP_OPEN = 1,
    BGP_UPDATE = 2,
    BGP_NOTIFICATION = 3,
    BGP_KEEPALIVE = 4,
    BGP_ROUTE_REFRESH = 5,
};

/* Address families that we speak: bits, so that they make sets. */
enum bgp_family {
    BGP_IPV4 = 1,
    BGP_IPV6 = 2,
};

/* Codes and subcodes of NOTIFICATION (RFC 4271 4.5, 4486, 5492, 6608, 9234, 9687). */
enum bgp_error_code {
    BGP_ERROR_NONE = 0,
    BGP_ERROR_HEADER = 1,
    BGP_ERROR_OPEN = 2,
    BGP_ERROR_UPDATE = 3,
    BGP_ERROR_HOLD_TIMER = 4,
    BGP_ERROR_FSM = 5,
    BGP_ERROR_CEASE = 6,
    BGP_ERROR_ROUTE_REFRESH = 7,
    BGP_ERROR_SEND_HOLD_TIMER = 8,
};

enum {
    BGP_HEADER_NOT_SYNCHRONIZED = 1,
    BGP_HEADER_BAD_LENGTH = 2,
    BGP_HEADER_BAD_TYPE = 3,
    BGP_OPEN_BAD_VERSION = 1,
    BGP_OPEN_BAD_PEER_AS = 2,
    BGP_OPEN_BAD_IDENTIFIER = 3,
    BGP_OPEN_BAD_PARAMETER = 4,
    BGP_OPEN_BAD_HOLD_TIME = 6,
    BGP_OPEN_BAD_CAPABILITY = 7,
    BGP_OPEN_ROLE_MISMATCH = 11,
    BGP_FSM_IN_OPEN_SENT = 1,
    BGP_FSM_IN_OPEN_CONFIRM = 2,
    BGP_FSM_IN_ESTABLISHED = 3,
    BGP_CEASE_SHUTDOWN = 2,
    BGP_CEASE_DECONFIGURED = 3,
    BGP_CEASE_RESET = 4,
    BGP_CEASE_REJECTED = 5,
    BGP_CEASE_CONFIG_CHANGE = 6,
    BGP_CEASE_BFD_DOWN = 10, /* RFC 9384 */
};

/* The content of a NOTIFICATION, ours or the peer's. */
struct bgp_error {
    uint8_t code; /* enum bgp_error_code */
    uint8_t subcode;
    uint8_t data_octets;
    uint8_t data[BGP_TEXT_OCTETS - 1];
};

/* The content of an OPEN, ours or the peer's. Capabilities that we don't know leave no trace. */
struct bgp_open {
    uint32_t as;
    uint16_t hold_time_s;
    uint32_t identifier;     /* host order */
    uint8_t families;        /* set of enum bgp_family */
    bool four_octet_as;      /* RFC 6793 */
    bool route_refresh;      /* RFC 2918 */
    bool ipv4_over_ipv6;     /* RFC 8950: IPv4 unicast with an IPv6 next hop */
    enum settings_role role; /* RFC 9234 */
};

/* "Cease/administrative shutdown", "OPEN/bad peer AS"; for the log and the status. Writes at most `size`
 * octets, zero-terminated; returns `text`. A shutdown communication (RFC 9003) is quoted, what isn't
 * printable ASCII as question marks. */
char *bgp_error_to_text(const struct bgp_error *error, char *text, size_t size);

#endif
