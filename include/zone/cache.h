/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The image cache: one file for each zone in STATE-DIR/zones, so that a zone whose text hasn't changed is
 * mapped rather than parsed. It may be thrown away at any time. Nothing here is an error to a zone: a cache
 * that can't be read or written only costs time.
 */
#ifndef HITHER_ZONE_CACHE_H
#define HITHER_ZONE_CACHE_H

#include "zone/image.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the image of the zone with this apex lies: the folded name, what isn't a letter, digit, hyphen or
 * underscore as %XX, so that no name leads out of the directory; a long name by its hash. To be freed; NULL
 * when memory is short. */
char *zone_cache_path(const char *state_dir, const uint8_t *apex);

/* Makes the directory. 0, or -errno when it isn't there or can't be written. */
int zone_cache_prepare(const char *state_dir);

/* The cached image of the zone; of this source digest alone, unless it is NULL. One reference, the caller's.
 * NULL when there is none. */
struct zone_image *zone_cache_open(const char *state_dir, const uint8_t *apex, const uint8_t *source_digest);

/* Keeps the image. 0 or -errno. */
int zone_cache_save(const char *state_dir, const struct zone_image *image);

/* Forgets the zone's image, if there is one. */
void zone_cache_drop(const char *state_dir, const uint8_t *apex);

#endif
