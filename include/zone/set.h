/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The zones being served: folded apex -> image, immutable, swapped with one pointer (liburcu QSBR). A reload
 * builds the next set from the images that stay and those that are new, publishes it, waits until every
 * worker has passed a quiescent state, and lets go of what is no longer in it.
 */
#ifndef HITHER_ZONE_SET_H
#define HITHER_ZONE_SET_H

#include "zone/image.h"
#include "zone/peers.h"

#include "wire/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone_set_slot {
    uint64_t hash; /* of the apex: name_hash_label() */
    struct zone_image *image;
    struct zone_access *access; /* a reference: who may ask it; NULL: everybody */
};

struct zone_set {
    struct zone_set_slot *slots; /* open addressing */
    size_t mask;
    struct zone_image **images; /* canonical order; references are held */
    struct zone_peers **peers;  /* of the image at the same place; references are held; NULL: none */
    size_t count;
    bool restricted;                  /* some zone isn't for everybody */
    unsigned deepest;                 /* labels of the longest apex */
    bool depths[NAME_MAX_LABELS + 1]; /* whether some apex has so many labels */
};

/* A set of `count` images, in any order, each with another apex. The set takes a reference on each.
 * NULL when memory is short or two images have the same apex. */
struct zone_set *zone_set_new(struct zone_image *const *images, size_t count);

/* Says to whom the zone of `image`, which is in the set, is handed on. The set takes a reference. Before it
 * is published. */
void zone_set_give(struct zone_set *set, const struct zone_image *image, struct zone_peers *peers);

/* Says who may ask the zone of `image`, which is in the set. The set takes a reference. Before it is
 * published.
 */
void zone_set_restrict(struct zone_set *set, const struct zone_image *image, struct zone_access *access);

/* Who may ask it; NULL: everybody. */
struct zone_access *zone_set_access(const struct zone_set *set, const struct zone_image *image);

/* Makes `set` (or NULL: nothing) the one that all workers answer from, waits for the grace period and frees
 * the one before. Only from a thread that isn't inside a read side. */
void zone_set_publish(struct zone_set *set);

/* The set in force; for a thread registered with QSBR, valid until its next quiescent state. May be NULL. */
const struct zone_set *zone_set_current(void);

/* The place of the zone with this apex (any case), or -1. */
long zone_set_find(const struct zone_set *set, const uint8_t *apex);

size_t zone_set_count(const struct zone_set *set);

/* The `i`th image, in canonical order of the apexes. */
struct zone_image *zone_set_at(const struct zone_set *set, size_t i);

/* To whom it is handed on; may be NULL. */
const struct zone_peers *zone_set_peers(const struct zone_set *set, size_t i);

#endif
