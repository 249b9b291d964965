/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The words after the type -> rdata in wire form, names uncompressed, case as written. What fields a type has
 * is ldns's knowledge, and ldns reads the rare ones (LOC, APL, HIP, WKS ...); the common ones are
 * read here, with exact lengths and exact reasons. RFC 3597's \# form is taken for every type; for a type
 * that ldns knows it has to be that type's wire form.
 *
 * RFCs: 1035, 3597, 4034, 5155, 9460 and those of each type.
 */
#ifndef HITHER_ZONE_RDATA_H
#define HITHER_ZONE_RDATA_H

#include "wire/writer.h"
#include "zone/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RDATA_MAX_OCTETS 65535

struct zone_rdata_source {
    const struct zone_token *tokens;
    size_t count;
    size_t at; /* after a failure: the word that is wrong, or `count` when one is missing */
    const uint8_t *origin;
};

/* Appends the rdata of `type` to `to`. NULL, or the reason, which lives for ever. */
const char *zone_rdata_read(uint16_t type, struct zone_rdata_source *source, struct writer *to);

/* Whether rdata of `type` can be read from text, rather than in the \# form alone. */
bool zone_rdata_has_text_form(uint16_t type);

/* Whether `octets` of `rdata` are the wire form of `type`, names uncompressed. Types unknown to ldns always
 * are. */
bool zone_rdata_is_sound(uint16_t type, const uint8_t *rdata, size_t octets);

/* Canonical order of two rdatas of `type`: as octets, but names of the older types folded (RFC 4034 6.2). */
int zone_rdata_compare(uint16_t type, const uint8_t *a, size_t a_octets, const uint8_t *b, size_t b_octets);

/* The name that a record of `type` points to (NS, CNAME, DNAME, PTR, MX, SRV ...) within sound rdata; NULL
 * when the type has no such name. */
const uint8_t *zone_rdata_target(uint16_t type, const uint8_t *rdata);

#endif
