/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The image cache: one file for each zone in STATE-DIR/zones, so that a zone whose text hasn't changed is
 * read as an image rather than parsed. Behind the image stand the stamps of its source: while they hold, the
 * text isn't even opened. The cache may be thrown away at any time. Nothing here is an error to a zone: a
 * cache that can't be read or written only costs time.
 *
 *     image | "hither\0s" | BLAKE2b-128 of what this hangs together with | stamps (zone/stamp.h)
 */
#ifndef HITHER_ZONE_CACHE_H
#define HITHER_ZONE_CACHE_H

#include "zone/image.h"
#include "zone/stamp.h"

#include <stdbool.h>
#include <stdint.h>

/* A zone's file, before its image is read. */
struct zone_cached {
    int fd;
    size_t octets; /* of the image */
    uint8_t source_digest[IMAGE_DIGEST_OCTETS];
    struct zone_stamps stamps; /* of its source; none when they aren't known */
};

/* Where the image of the zone with this apex lies: the folded name, what isn't a letter, digit, hyphen or
 * underscore as %XX, so that no name leads out of the directory; a long name by its hash. To be freed; NULL
 * when memory is short. */
char *zone_cache_path(const char *state_dir, const uint8_t *apex);

/* Makes the directory. 0, or -errno when it isn't there or can't be written. */
int zone_cache_prepare(const char *state_dir);

/* Opens the zone's file. False when there is none that could be of use; else to be closed. */
bool zone_cache_open(struct zone_cached *cached, const char *state_dir, const uint8_t *apex);

/* Its image, whole and sound, or NULL. One reference, the caller's. */
struct zone_image *zone_cache_read(const struct zone_cached *cached);

void zone_cache_close(struct zone_cached *cached);

/* Keeps the image and the stamps of what it was made from. 0 or -errno. */
int zone_cache_save(const char *state_dir, const struct zone_image *image, const struct zone_stamps *stamps);

/* Puts newer stamps behind the image that is there. 0 or -errno. */
int zone_cache_stamp(const char *state_dir, const struct zone_image *image, const struct zone_stamps *stamps);

/* Forgets the zone's image, if there is one. */
void zone_cache_drop(const char *state_dir, const uint8_t *apex);

#endif
