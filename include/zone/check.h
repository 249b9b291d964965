/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sorted records -> findings: whether this can be served as a zone. What is refused and what is only warned
 * of follows what the other servers do.
 *
 * Refused:
 * - no SOA at the apex, several, or one elsewhere; no NS at the apex
 * - a CNAME beside other data; several CNAMEs or DNAMEs at a name
 * - records outside the zone
 * - a record that no message holds
 *
 * Warned of:
 * - missing glue and name servers in the zone without an address; NS, MX or SRV that lead to a CNAME
 * - TTLs that differ within an RRset (the lowest is used, RFC 2181 5.2)
 * - data hidden below a cut or a DNAME; DS at the apex or without NS; NS at a wildcard; NS beside a DNAME
 * - RRsets that no message holds
 * - RRSIG over nothing; NSEC beside NSEC3; NSEC3 with an unknown hash, many iterations or no NSEC3PARAM
 * - a serial that went backwards, or stayed while the zone changed (RFC 1982)
 *
 * RFCs: 1034 3.6.2 and 4.2.1, 1912 2.4, 1982, 2181, 4034, 4035 2, 5155, 6672, 9276, 9471.
 */
#ifndef HITHER_ZONE_CHECK_H
#define HITHER_ZONE_CHECK_H

#include "base/finding.h"
#include "zone/records.h"

#include <stdbool.h>
#include <stdint.h>

/* Judges sorted records and makes the TTLs of each RRset one. `served_serial`, or NULL, is the serial being
 * served. True when nothing was refused. */
bool zone_check(struct zone_records *records, const uint32_t *served_serial, struct findings *findings);

#endif
