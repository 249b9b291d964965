/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The records of one zone between reading and compiling: what zone/read collects, zone/check judges and
 * zone/compile renders. Names and rdata are in wire form, uncompressed, case as written. Everything lives in
 * one arena.
 */
#ifndef HITHER_ZONE_RECORDS_H
#define HITHER_ZONE_RECORDS_H

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

struct zone_record {
    const uint8_t *owner; /* checked wire name, case as written */
    const uint8_t *rdata; /* rdata_octets of it, names uncompressed */
    uint32_t ttl;
    uint32_t line; /* where in the source it begins, from 1 */
    uint16_t file; /* which of `files` */
    uint16_t type;
    uint16_t rdata_octets;
    uint16_t class; /* IN */
};

struct zone_records {
    struct arena arena;
    const uint8_t *apex; /* checked wire name, case as configured */
    struct zone_record *records;
    size_t count;
    size_t capacity;
    const char **files; /* names of the source and what it includes, for messages */
    size_t file_count;
};

void zone_records_init(struct zone_records *records);

/* Appends a copy. 0, or -ENOMEM. */
int zone_records_add(struct zone_records *records, const struct zone_record *record);

/* Canonical order: owner (RFC 4034 6.1), then type, then rdata as octets; duplicates are dropped (RFC
 * 2181 5.2). Among equals the one that was read first stays. Names in the rdata of the older types are
 * compared folded (RFC 4034 6.2). Near linear when they are in order already. 0 or -ENOMEM. */
int zone_records_sort(struct zone_records *records);

void zone_records_free(struct zone_records *records);

#endif
