/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The zones as the server tells of them in shared memory, read without trust and without ever waiting: a
 * table that is being replaced is read at a later turn.
 */
#ifndef HITHER_HEALTH_ZONES_H
#define HITHER_HEALTH_ZONES_H

#include "base/shared.h"
#include "wire/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies up to `most` folded names of zones that are being served (SERVED or STALE) into `names`, going round
 * from entry `*cursor`, which moves on. Looks at a bounded number of entries. The number of names, or -1 when
 * the table was being replaced. */
int zones_read_slice(const struct shared_up *up, size_t *cursor, uint8_t (*names)[NAME_MAX_OCTETS], int most);

/* A walk over all zones for those that can't be served, a bounded piece at a time. Zero-initialised is ready.
 */
struct zones_scan {
    uint32_t sequence; /* of the table that is being walked, or was */
    bool complete;     /* what follows is true of that table */
    size_t at;
    size_t total;
    size_t failed_so_far;
    /* Of the last complete walk. */
    size_t failed;
    size_t served;
    char first_failed[NAME_TEXT_MAX]; /* presentation form; empty: none */
    size_t served_so_far;
    char first_so_far[NAME_TEXT_MAX];
};

/* Looks at the next piece, from the start again when the table has changed. True when a walk has just been
 * completed. */
bool zones_scan_step(struct zones_scan *scan, const struct shared_up *up);

#endif
