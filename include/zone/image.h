/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The compiled zone: an immutable, pointer-free file image. The format's layout is described beside the
 * reader that walks it; this is the handle that the rest of the program passes around.
 */
#ifndef HITHER_ZONE_IMAGE_H
#define HITHER_ZONE_IMAGE_H

#include "base/finding.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_DIGEST_OCTETS 32

struct image_header; /* zone/format.h */
struct zone_history; /* zone/difference.h */

struct zone_image {
    const uint8_t *bytes;
    const struct image_header *header; /* at `bytes` */
    size_t octets;
    int fd; /* the memfd that they lie in (zone/shelf.h), owned; -1: in memory of ours */
    struct zone_history *history; /* the differences that led to it, owned; NULL: none are known */
    atomic_uint references;
    atomic_uint counter; /* its queries' place in worker_stats.zones */
};

/* Takes over `bytes` (`octets` of zone/memory.h). One reference. NULL, and `bytes` given back, when they
 * aren't a whole image. */
struct zone_image *zone_image_adopt(uint8_t *bytes, size_t octets, const char **why);

/* The same without a look inside, for bytes that are known to be an image; nothing is given back when memory
 * is short. */
struct zone_image *zone_image_around(uint8_t *bytes, size_t octets);

/* The image at the beginning of a file, of `octets`; its digest is checked. NULL, and `why` says it in a few
 * words. */
struct zone_image *zone_image_read(int fd, size_t octets, const char **why);

/* Writes it to `path` atomically (a temporary file beside it, rename), and `tail_octets` of `tail` behind it.
 * 0 or -errno. */
int zone_image_save(const struct zone_image *image, const void *tail, size_t tail_octets, const char *path);

/* Below STATS_ZONES; 0: it shares one with others. */
static inline unsigned zone_image_counter(const struct zone_image *image)
{
    return atomic_load_explicit((atomic_uint *)(uintptr_t)&image->counter, memory_order_relaxed);
}

/* The image may be in use. `counter` is below STATS_ZONES. */
void zone_image_count_in(struct zone_image *image, unsigned counter);

struct zone_image *zone_image_hold(struct zone_image *image);
void zone_image_release(struct zone_image *image);

/* The apex, folded wire form. */
const uint8_t *zone_image_apex(const struct zone_image *image);
uint32_t zone_image_serial(const struct zone_image *image);
uint64_t zone_image_names(const struct zone_image *image);
uint64_t zone_image_records(const struct zone_image *image);
/* When the first of its signatures ends, Unix time, as seen from `now_unix_s`; 0: it has none. */
int64_t zone_image_signature_end(const struct zone_image *image, int64_t now_unix_s);
/* Of the whole image (zone/seal.h): equal digests mean equal answers. IMAGE_DIGEST_OCTETS of them. */
const uint8_t *zone_image_digest(const struct zone_image *image);
/* Of the source text that it was compiled from (zone_text_digest()), so an unchanged source isn't parsed. */
const uint8_t *zone_image_source_digest(const struct zone_image *image);

#endif
