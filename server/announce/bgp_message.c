/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bgp_message.h"

#include <stdio.h>

static const struct {
    uint8_t code, subcode;
    const char *text;
} bgp_error_names[] = {
    {1, 0, "header"},
    {1, 1, "header: connection not synchronized"},
    {1, 2, "header: bad message length"},
    {1, 3, "header: bad message type"},
    {2, 0, "OPEN"},
    {2, 1, "OPEN: unsupported version"},
    {2, 2, "OPEN: bad peer AS"},
    {2, 3, "OPEN: bad BGP identifier"},
    {2, 4, "OPEN: unsupported optional parameter"},
    {2, 6, "OPEN: unacceptable hold time"},
    {2, 7, "OPEN: unsupported capability"},
    {2, 11, "OPEN: role mismatch"},
    {3, 0, "UPDATE"},
    {4, 0, "hold timer expired"},
    {5, 0, "state machine"},
    {5, 1, "unexpected message in OpenSent"},
    {5, 2, "unexpected message in OpenConfirm"},
    {5, 3, "unexpected message in Established"},
    {6, 0, "cease"},
    {6, 1, "cease: maximum number of prefixes reached"},
    {6, 2, "cease: administrative shutdown"},
    {6, 3, "cease: peer de-configured"},
    {6, 4, "cease: administrative reset"},
    {6, 5, "cease: connection rejected"},
    {6, 6, "cease: other configuration change"},
    {6, 7, "cease: connection collision resolution"},
    {6, 8, "cease: out of resources"},
    {6, 9, "cease: hard reset"},
    {6, 10, "cease: BFD down"},
    {7, 0, "ROUTE-REFRESH"},
    {7, 1, "ROUTE-REFRESH: invalid message length"},
    {8, 0, "send hold timer expired"},
};

/* The name of the pair, else of the code alone, else NULL. */
static const char *bgp_error_name(const struct bgp_error *error)
{
    const char *name = NULL;
    for (size_t i = 0; i < sizeof bgp_error_names / sizeof bgp_error_names[0]; i++) {
        if (bgp_error_names[i].code != error->code)
            continue;
        if (bgp_error_names[i].subcode == error->subcode)
            return bgp_error_names[i].text;
        if (bgp_error_names[i].subcode == 0)
            name = bgp_error_names[i].text;
    }
    return name;
}

/* The shutdown communication (RFC 9003 2): a length and UTF-8, of which the plain part is enough for a log.
 */
static size_t bgp_shutdown_text(const struct bgp_error *error, char text[BGP_TEXT_OCTETS])
{
    size_t octets = 0;
    bool may_have = error->code == BGP_ERROR_CEASE &&
                    (error->subcode == BGP_CEASE_SHUTDOWN || error->subcode == BGP_CEASE_RESET);
    if (may_have && error->data_octets > 0 && error->data[0] <= error->data_octets - 1)
        octets = error->data[0];
    for (size_t i = 0; i < octets; i++) {
        uint8_t c = error->data[1 + i];
        bool plain = c >= 0x20 && c < 0x7f && c != '"';
        text[i] = '?';
        if (plain)
            text[i] = (char)c;
    }
    text[octets] = '\0';
    return octets;
}

char *bgp_error_to_text(const struct bgp_error *error, char *text, size_t size)
{
    char said[BGP_TEXT_OCTETS];
    const char *name = bgp_error_name(error);
    if (bgp_shutdown_text(error, said) > 0)
        (void)snprintf(text, size, "%s (%u/%u): \"%s\"", name != NULL ? name : "unknown", error->code,
                       error->subcode, said);
    else
        (void)snprintf(text, size, "%s (%u/%u)", name != NULL ? name : "unknown", error->code,
                       error->subcode);
    return text;
}
