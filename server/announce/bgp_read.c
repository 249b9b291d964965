/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bgp_read.h"

#include "wire/reader.h"

#include <string.h>

enum {
    PARAMETER_CAPABILITIES = 2,
    PARAMETERS_EXTENDED = 255, /* RFC 9072 */
};

enum {
    CAPABILITY_MULTIPROTOCOL = 1,
    CAPABILITY_ROUTE_REFRESH = 2,
    CAPABILITY_EXTENDED_NEXT_HOP = 5,
    CAPABILITY_ROLE = 9,
    CAPABILITY_FOUR_OCTET_AS = 65,
};

#define VERSION           4
#define AFI_IPV4          1
#define AFI_IPV6          2
#define SAFI_UNICAST      1
#define HOLD_TIME_LEAST_S 3

static bool bgp_fail(struct bgp_error *error, uint8_t code, uint8_t subcode)
{
    *error = (struct bgp_error){.code = code, .subcode = subcode};
    return false;
}

static bool bgp_fail_u16(struct bgp_error *error, uint8_t code, uint8_t subcode, uint16_t data)
{
    *error = (struct bgp_error){.code = code, .subcode = subcode, .data_octets = 2};
    error->data[0] = (uint8_t)(data >> 8);
    error->data[1] = (uint8_t)data;
    return false;
}

/* Whether a message of that type can be so long (RFC 4271 6.1). ROUTE-REFRESH is judged where it is read. */
static bool bgp_length_fits(uint8_t type, uint16_t octets)
{
    switch (type) {
    case BGP_OPEN:
        return octets >= 29;
    case BGP_UPDATE:
        return octets >= 23;
    case BGP_NOTIFICATION:
        return octets >= 21;
    case BGP_KEEPALIVE:
        return octets == BGP_HEADER_OCTETS;
    default:
        return octets >= BGP_HEADER_OCTETS;
    }
}

static bool bgp_read_header(struct reader *from, struct bgp_message *message)
{
    static const uint8_t marker[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const uint8_t *sent = reader_bytes(from, sizeof marker);
    uint16_t octets = reader_u16(from);
    uint8_t type = reader_u8(from);
    if (sent == NULL || memcmp(sent, marker, sizeof marker) != 0)
        return bgp_fail(&message->error, BGP_ERROR_HEADER, BGP_HEADER_NOT_SYNCHRONIZED);
    if (octets < BGP_HEADER_OCTETS || octets > BGP_MESSAGE_OCTETS)
        return bgp_fail_u16(&message->error, BGP_ERROR_HEADER, BGP_HEADER_BAD_LENGTH, octets);
    if (type < BGP_OPEN || type > BGP_ROUTE_REFRESH) {
        message->error = (struct bgp_error){BGP_ERROR_HEADER, BGP_HEADER_BAD_TYPE, 1, {type}};
        return false;
    }
    if (!bgp_length_fits(type, octets))
        return bgp_fail_u16(&message->error, BGP_ERROR_HEADER, BGP_HEADER_BAD_LENGTH, octets);
    message->type = (enum bgp_type)type;
    message->octets = octets;
    return true;
}

static void bgp_read_multiprotocol(struct reader *value, struct bgp_open *open)
{
    uint16_t afi = reader_u16(value);
    uint16_t safi = reader_u16(value) & 0xff; /* the octet before it is reserved */
    if (value->failed || safi != SAFI_UNICAST)
        return;
    if (afi == AFI_IPV4)
        open->families |= BGP_IPV4;
    if (afi == AFI_IPV6)
        open->families |= BGP_IPV6;
}

static void bgp_read_extended_next_hop(struct reader *value, struct bgp_open *open)
{
    while (reader_left(value) >= 6) {
        uint16_t afi = reader_u16(value);
        uint16_t safi = reader_u16(value);
        uint16_t next_hop = reader_u16(value);
        if (afi == AFI_IPV4 && safi == SAFI_UNICAST && next_hop == AFI_IPV6)
            open->ipv4_over_ipv6 = true;
    }
}

static void bgp_read_role(struct reader *value, struct bgp_open *open)
{
    static const enum settings_role roles[] = {ROLE_PROVIDER, ROLE_RS, ROLE_RS_CLIENT, ROLE_CUSTOMER,
                                               ROLE_PEER};
    uint8_t role = reader_u8(value);
    if (!value->failed && role < sizeof roles / sizeof roles[0])
        open->role = roles[role];
}

static void bgp_read_capability(uint8_t code, struct reader *value, struct bgp_open *open)
{
    switch (code) {
    case CAPABILITY_MULTIPROTOCOL:
        bgp_read_multiprotocol(value, open);
        break;
    case CAPABILITY_ROUTE_REFRESH:
        open->route_refresh = true;
        break;
    case CAPABILITY_EXTENDED_NEXT_HOP:
        bgp_read_extended_next_hop(value, open);
        break;
    case CAPABILITY_ROLE:
        bgp_read_role(value, open);
        break;
    case CAPABILITY_FOUR_OCTET_AS:
        if (reader_left(value) == 4) {
            open->as = reader_u32(value);
            open->four_octet_as = true;
        }
        break;
    default:
        break;
    }
}

/* False when the lengths don't add up. */
static bool bgp_read_capabilities(struct reader *from, struct bgp_open *open, bool *any_multiprotocol)
{
    while (reader_left(from) > 0 && !from->failed) {
        uint8_t code = reader_u8(from);
        struct reader value = reader_part(from, reader_u8(from));
        if (!from->failed)
            bgp_read_capability(code, &value, open);
        *any_multiprotocol |= code == CAPABILITY_MULTIPROTOCOL;
    }
    return !from->failed;
}

/* The length of all parameters and the form of each one's length (RFC 9072 2). */
static struct reader bgp_read_parameter_part(struct reader *from, bool *extended)
{
    uint16_t octets = reader_u8(from);
    *extended = octets == PARAMETERS_EXTENDED && reader_left(from) >= 3 && from->at[0] == PARAMETERS_EXTENDED;
    if (*extended) {
        (void)reader_u8(from);
        octets = reader_u16(from);
    }
    return reader_part(from, octets);
}

static bool bgp_read_parameters(struct reader *from, struct bgp_open *open, struct bgp_error *error)
{
    bool extended = false;
    bool any_multiprotocol = false;
    struct reader parameters = bgp_read_parameter_part(from, &extended);
    if (from->failed || reader_left(from) > 0)
        return bgp_fail(error, BGP_ERROR_OPEN, 0);
    while (reader_left(&parameters) > 0) {
        uint8_t type = reader_u8(&parameters);
        uint16_t octets = extended ? reader_u16(&parameters) : reader_u8(&parameters);
        struct reader value = reader_part(&parameters, octets);
        if (parameters.failed)
            return bgp_fail(error, BGP_ERROR_OPEN, 0);
        if (type != PARAMETER_CAPABILITIES)
            return bgp_fail(error, BGP_ERROR_OPEN, BGP_OPEN_BAD_PARAMETER);
        if (!bgp_read_capabilities(&value, open, &any_multiprotocol))
            return bgp_fail(error, BGP_ERROR_OPEN, 0);
    }
    if (!any_multiprotocol)
        open->families = BGP_IPV4; /* who says nothing speaks what BGP-4 spoke before RFC 4760 */
    return true;
}

static bool bgp_read_open(struct reader *from, struct bgp_message *message)
{
    struct bgp_open open = {0};
    struct bgp_error error;
    if (reader_u8(from) != VERSION)
        return bgp_fail_u16(&message->error, BGP_ERROR_OPEN, BGP_OPEN_BAD_VERSION, VERSION);
    open.as = reader_u16(from);
    open.hold_time_s = reader_u16(from);
    open.identifier = reader_u32(from);
    if (!bgp_read_parameters(from, &open, &error)) {
        message->error = error;
        return false;
    }
    message->open = open;
    return true;
}

static bool bgp_read_notification(struct reader *from, struct bgp_message *message)
{
    struct bgp_error error = {0};
    error.code = reader_u8(from);
    error.subcode = reader_u8(from);
    size_t octets = reader_left(from) < sizeof error.data ? reader_left(from) : sizeof error.data;
    const uint8_t *data = reader_bytes(from, octets);
    if (data != NULL)
        memcpy(error.data, data, octets);
    error.data_octets = (uint8_t)octets;
    message->error = error;
    return true;
}

/* A family that we don't speak asks for nothing. Subtypes (RFC 7313) weren't agreed on and are ignored too.
 */
static bool bgp_read_refresh(struct reader *from, struct bgp_message *message)
{
    message->refresh = 0;
    uint16_t afi = reader_u16(from);
    uint8_t subtype = reader_u8(from);
    uint8_t safi = reader_u8(from);
    if (from->failed || reader_left(from) > 0)
        return bgp_fail_u16(&message->error, BGP_ERROR_HEADER, BGP_HEADER_BAD_LENGTH,
                            (uint16_t)message->octets);
    if (subtype == 0 && safi == SAFI_UNICAST)
        message->refresh = afi == AFI_IPV4 ? BGP_IPV4 : afi == AFI_IPV6 ? BGP_IPV6 : 0;
    return true;
}

static bool bgp_read_body(struct reader *from, struct bgp_message *message)
{
    switch (message->type) {
    case BGP_OPEN:
        return bgp_read_open(from, message);
    case BGP_NOTIFICATION:
        return bgp_read_notification(from, message);
    case BGP_ROUTE_REFRESH:
        return bgp_read_refresh(from, message);
    case BGP_UPDATE:
    case BGP_KEEPALIVE:
        return true;
    }
    return false;
}

enum bgp_read_result bgp_read(const uint8_t *bytes, size_t octets, struct bgp_message *message)
{
    struct reader from = reader_of(bytes, octets);
    *message = (struct bgp_message){0};
    if (octets < BGP_HEADER_OCTETS)
        return BGP_READ_MORE;
    if (!bgp_read_header(&from, message))
        return BGP_READ_BAD;
    if (octets < message->octets)
        return BGP_READ_MORE;
    struct reader body = reader_part(&from, message->octets - BGP_HEADER_OCTETS);
    return bgp_read_body(&body, message) ? BGP_READ_MESSAGE : BGP_READ_BAD;
}

/* The pairs that RFC 9234 4.2 allows; who says nothing about its role agrees with all. */
static bool bgp_roles_agree(enum settings_role ours, enum settings_role theirs)
{
    if (ours == ROLE_UNSAID || theirs == ROLE_UNSAID)
        return true;
    switch (ours) {
    case ROLE_PROVIDER:
        return theirs == ROLE_CUSTOMER;
    case ROLE_CUSTOMER:
        return theirs == ROLE_PROVIDER;
    case ROLE_RS:
        return theirs == ROLE_RS_CLIENT;
    case ROLE_RS_CLIENT:
        return theirs == ROLE_RS;
    case ROLE_PEER:
        return theirs == ROLE_PEER;
    case ROLE_UNSAID:
        break;
    }
    return true;
}

/* RFC 6286 2.2: not zero, and not ours within one AS. */
static bool bgp_identifier_is_good(const struct bgp_open *open, const struct bgp_demand *demand)
{
    bool internal = demand->local_as == demand->remote_as;
    return open->identifier != 0 && !(internal && open->identifier == demand->identifier);
}

bool bgp_open_check(const struct bgp_open *open, const struct bgp_demand *demand, struct bgp_error *error)
{
    if (open->as != demand->remote_as || open->as == 0)
        return bgp_fail(error, BGP_ERROR_OPEN, BGP_OPEN_BAD_PEER_AS);
    if (!bgp_identifier_is_good(open, demand))
        return bgp_fail(error, BGP_ERROR_OPEN, BGP_OPEN_BAD_IDENTIFIER);
    if (open->hold_time_s < HOLD_TIME_LEAST_S) /* 0, no hold timer at all, would keep a dead PoP's route */
        return bgp_fail(error, BGP_ERROR_OPEN, BGP_OPEN_BAD_HOLD_TIME);
    if (!bgp_roles_agree(demand->role, open->role))
        return bgp_fail(error, BGP_ERROR_OPEN, BGP_OPEN_ROLE_MISMATCH);
    if ((open->families & demand->families) == 0) {
        bool ipv6 = (demand->families & BGP_IPV6) != 0;
        *error = (struct bgp_error){BGP_ERROR_OPEN, BGP_OPEN_BAD_CAPABILITY, 6, {0}};
        const uint8_t capability[6] = {CAPABILITY_MULTIPROTOCOL,   4, 0,
                                       ipv6 ? AFI_IPV6 : AFI_IPV4, 0, SAFI_UNICAST};
        memcpy(error->data, capability, sizeof capability);
        return false;
    }
    return true;
}
