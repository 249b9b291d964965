/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What changed from one image of a zone to the next, kept beside the newer one so that secondaries that have
 * the older one needn't transfer it all (RFC 1995). Several in a row make the history of an image: the last
 * one leads to it, each begins where the one before it ended. A history is shared by nobody but grows out of
 * the one before, with the same differences in it; the oldest are dropped when together they outgrow the
 * image, as the whole zone is the cheaper answer then.
 *
 * Lives in memory only: after a restart secondaries get the whole zone once.
 *
 * RFCs: 1982 (serials), 1995 4 (the order of things).
 */
#ifndef HITHER_ZONE_DIFFERENCE_H
#define HITHER_ZONE_DIFFERENCE_H

#include "zone/image.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_STEPS_MOST 64

/* Immutable. `records` are whole records in wire form, nothing compressed: the old SOA, what went, the new
 * SOA, what came. */
struct zone_difference {
    atomic_uint references;
    uint32_t from;
    uint32_t to;
    size_t octets;
    uint8_t records[];
};

struct zone_history {
    size_t count;
    struct zone_difference *steps[HISTORY_STEPS_MOST]; /* the oldest first; references are held */
};

/* What leads from one image to the other, which are of the same zone. NULL when memory is short or it would
 * be longer than `most` octets. One reference. */
struct zone_difference *zone_difference_make(const struct zone_image *from, const struct zone_image *to,
                                             size_t most);

void zone_difference_release(struct zone_difference *difference);

/* Gives `image`, which nobody else has yet, the history of the image `before` it and what changed since.
 * Without a history it stays when its serial isn't newer, or too much has changed. */
void zone_history_continue(struct zone_image *image, const struct zone_image *before);

/* Whether the history (or NULL) has a step that begins at `serial`; then `*step` is the last such. */
bool zone_history_find(const struct zone_history *history, uint32_t serial, size_t *step);

void zone_history_free(struct zone_history *history);

#endif
