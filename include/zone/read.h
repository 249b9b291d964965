/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Zone text -> records, unsorted, and findings: each with the file, the line on which the record begins, what
 * is wrong and what to write instead. It goes on after a bad entry, so that one run shows them all.
 *
 * $ORIGIN, $TTL and $INCLUDE are done here. An included file begins with the origin of the $INCLUDE line (or
 * the one that it names), and afterwards origin and owner are what they were before (RFC 1035 5.1); the
 * $TTL carries over. $GENERATE belongs to one other server alone, and is refused.
 *
 * A record without a TTL takes the $TTL, else the TTL of the record before, else (an SOA) its own minimum.
 *
 * RFCs: 1035 5, 2308 4, 3597 5, 2181 8 (TTL), 6895 3.1 (meta types).
 */
#ifndef HITHER_ZONE_READ_H
#define HITHER_ZONE_READ_H

#include "base/finding.h"
#include "zone/records.h"
#include "zone/text.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define ZONE_READ_MAX_DEPTH  10  /* of includes in includes */
#define ZONE_READ_MAX_ERRORS 100 /* then it gives up */
#define ZONE_TTL_MAX         0x7fffffffU

/* Reads all of `text` as the zone of `apex` (checked wire form) into `records` (initialised, empty). True
 * when there was no error. `done_octets`, or NULL, counts along. */
bool zone_read(struct zone_records *records, const struct zone_text *text, const uint8_t *apex,
               struct findings *findings, _Atomic uint64_t *done_octets);

#endif
