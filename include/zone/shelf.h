/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Large images on a shelf that outlives the server: in memory that a descriptor stands for (a memfd), which
 * the announcer holds and the next server maps, so that it answers without reading, digesting and judging
 * hundreds of megabytes first. The announcer never looks inside.
 *
 * Why they need not be checked again: before an image is shelved its memfd is sealed against writing, and
 * from then on nobody can change an octet of it, neither the server that made it, whatever becomes of it, nor
 * who holds it. Only then is its digest taken and found right, and whoever takes it off the shelf first sees
 * that the seals are there. So its octets are those that were checked. It goes from one server to the next
 * and thus gives nobody a power that they didn't have.
 */
#ifndef HITHER_ZONE_SHELF_H
#define HITHER_ZONE_SHELF_H

#include "zone/image.h"

#include <stddef.h>
#include <stdint.h>

#define SHELF_LEAST_OCTETS ((size_t)2 * 1024 * 1024) /* smaller ones are read from the disk soon enough */
#define SHELF_MOST_IMAGES  128

/* Puts the image's octets into a sealed memfd of its own, `image->fd`, and that in the place of the memory
 * where they were, at the same address: readers notice nothing. Takes as long as copying; once for each
 * image, and not while another thread puts it. 0, or -errno and nothing has changed: too small, memory short,
 * or a kernel that would have it on small pages (huge ones are worth more to each answer than the shelf is to
 * a restart). */
int zone_shelf_put(struct zone_image *image);

/* The image in a memfd, which is taken over unless it is refused. One reference. NULL and why. */
struct zone_image *zone_shelf_take(int fd, const char **why);

struct zone_shelf;

/* All that are there; what isn't sound is closed and left out. NULL when memory is short. */
struct zone_shelf *zone_shelf_new(const int *fds, size_t count);

/* The image of the zone with this apex, one more reference; NULL: there is none. From any thread. */
struct zone_image *zone_shelf_find(const struct zone_shelf *shelf, const uint8_t *apex);

void zone_shelf_free(struct zone_shelf *shelf);

#endif
