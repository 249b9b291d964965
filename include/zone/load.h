/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One zone from its file to its image: the middle of the zone walk in one call, for whoever drives it
 * (reload, `hither check`, `hither compile`).
 *
 *     zone/text -> zone/read -> zone/records (sort) -> zone/check -> zone/compile
 */
#ifndef HITHER_ZONE_LOAD_H
#define HITHER_ZONE_LOAD_H

#include "base/finding.h"
#include "config.h"
#include "zone/image.h"
#include "zone/text.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum zone_load_stage {
    ZONE_LOAD_TEXT, /* reading the files */
    ZONE_LOAD_READ, /* parsing: `done` of `total` octets */
    ZONE_LOAD_CHECK,
    ZONE_LOAD_COMPILE,
    ZONE_LOAD_DONE,
};

/* How far a load is; written by the loading thread, read by whoever shows it. */
struct zone_progress {
    _Atomic uint32_t stage; /* enum zone_load_stage */
    _Atomic uint64_t done_octets;
    _Atomic uint64_t total_octets;
    _Atomic uint64_t records;
    /* Of several zones, one after the other; `zones_total` 0: it is one alone. */
    _Atomic uint64_t zones_done;
    _Atomic uint64_t zones_total;
    _Atomic uint64_t past_octets; /* of the text of those that are done */
    _Atomic uint64_t all_octets;
};

/* Loads the zone of `apex` (wire form) from the file at `path`. NULL when anything is an error, and
 * `findings` says what. `stale`, or NULL, is the image being served: a serial that goes backwards is warned
 * of. `progress` may be NULL. One reference, the caller's. Blocks: not on a loop. */
struct zone_image *zone_load(const uint8_t *apex, const char *path, const struct zone_image *stale,
                             struct findings *findings, struct zone_progress *progress);

/* The same from text that was read already, and its digest (zone_text_digest()). The text is forgotten on the
 * way, its stamps aren't. */
struct zone_image *zone_load_text(const uint8_t *apex, struct zone_text *text, const uint8_t *digest,
                                  const struct zone_image *stale, struct findings *findings,
                                  struct zone_progress *progress);

struct zone_load_summary {
    size_t zones;     /* that the settings name */
    size_t sound;     /* of these, without an error */
    uint64_t records; /* in the sound ones */
    uint64_t names;
};

/* Loads every zone of the settings, one after the other, and forgets the images: `hitherd --check` and
 * `hither check`. True when there was no error. `summary` and `progress` may be NULL. */
bool zone_load_check_all(const struct settings *settings, struct findings *findings,
                         struct zone_load_summary *summary, struct zone_progress *progress);

#endif
