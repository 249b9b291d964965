/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/shelf.h"

#include "wire/name.h"
#include "zone/format.h"
#include "zone/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HUGE_OCTETS       ((size_t)2 * 1024 * 1024)
#define COLLAPSE_TRIES    4
#define COLLAPSE_PAUSE_US 20000
#define SHELF_SEALS       (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

struct zone_shelf {
    size_t count;
    struct zone_image *images[SHELF_MOST_IMAGES];
};

static int write_whole(int fd, const uint8_t *bytes, size_t octets)
{
    while (octets > 0) {
        ssize_t wrote = write(fd, bytes, octets);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -errno;
        bytes += wrote;
        octets -= (size_t)wrote;
    }
    return 0;
}

/* A sealed memfd with these octets, or -errno. */
static int shelf_seal(const uint8_t *bytes, size_t octets)
{
    int fd = memfd_create("hither-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    int error = write_whole(fd, bytes, octets);
    if (error == 0 && fcntl(fd, F_ADD_SEALS, SHELF_SEALS) < 0)
        error = -errno;
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

/* Its octets where a huge page may begin; NULL when there is no room. */
static uint8_t *shelf_map(int fd, size_t octets)
{
    uint8_t *room =
        mmap(NULL, octets + HUGE_OCTETS, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return NULL;
    size_t before = (HUGE_OCTETS - (uintptr_t)room % HUGE_OCTETS) % HUGE_OCTETS;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t taken = (octets + page - 1) / page * page;
    if (before > 0)
        (void)munmap(room, before);
    if (HUGE_OCTETS - before > 0)
        (void)munmap(room + before + taken, octets + HUGE_OCTETS - before - taken);
    uint8_t *bytes = mmap(room + before, octets, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
    if (bytes != MAP_FAILED)
        return bytes;
    (void)munmap(room + before, taken);
    return NULL;
}

/* What is in the memfd, now that nobody can write to it, is what was checked when the image was made. */
static bool shelf_is_right(const uint8_t *bytes, size_t octets)
{
    const struct image_header *header = (const struct image_header *)(const void *)bytes;
    uint8_t digest[IMAGE_DIGEST_OCTETS];
    return seal_digest(digest, bytes, octets) && memcmp(digest, header->digest, sizeof digest) == 0;
}

/* The kernel takes the old pages away and puts the new ones there in one step, as seen by every other thread.
 */
static int shelf_move(const struct zone_image *image, uint8_t *bytes)
{
    void *to = (uint8_t *)(uintptr_t)image->bytes;
    return mremap(bytes, image->octets, image->octets, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to ? 0 : -errno;
}

/* Huge pages. That they are to be had at once isn't a given; a few small ones among them do no harm. */
static int shelf_collapse(uint8_t *bytes, size_t octets)
{
    for (int tries = 0; tries < COLLAPSE_TRIES; tries++) {
        if (madvise(bytes, octets, MADV_COLLAPSE) == 0)
            return 0;
        if (errno == EINVAL)
            return -EINVAL;
        (void)usleep(COLLAPSE_PAUSE_US);
    }
    return 0;
}

int zone_shelf_put(struct zone_image *image)
{
    size_t octets = image->octets;
    if (image->fd >= 0)
        return 0;
    if (octets < SHELF_LEAST_OCTETS || (uintptr_t)image->bytes % HUGE_OCTETS != 0)
        return -EINVAL;
    int fd = shelf_seal(image->bytes, octets);
    if (fd < 0)
        return fd;
    uint8_t *bytes = shelf_map(fd, octets);
    int error = bytes == NULL ? -ENOMEM : 0;
    if (error == 0 && !shelf_is_right(bytes, octets))
        error = -EIO;
    if (error == 0)
        error = shelf_collapse(bytes, octets);
    if (error == 0)
        error = shelf_move(image, bytes);
    if (error == 0) {
        image->fd = fd;
        return 0;
    }
    if (bytes != NULL)
        (void)munmap(bytes, octets);
    close(fd);
    return error;
}

/* Octets of the image in it; 0: not one, or one that somebody could change still. */
static size_t shelf_octets(int fd)
{
    struct image_header header;
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SHELF_SEALS) != SHELF_SEALS || fstat(fd, &st) < 0 ||
        st.st_size < (off_t)SHELF_LEAST_OCTETS ||
        pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header)
        return 0;
    return image_header_fits(&header, (size_t)st.st_size) ? (size_t)st.st_size : 0;
}

struct zone_image *zone_shelf_take(int fd, const char **why)
{
    size_t octets = shelf_octets(fd);
    uint8_t *bytes = octets > 0 ? shelf_map(fd, octets) : NULL;
    struct zone_image *image = bytes != NULL ? zone_image_around(bytes, octets) : NULL;
    if (image != NULL) {
        image->fd = fd;
        return image;
    }
    *why = octets == 0 ? "there is no sealed zone image in it" : "there is not enough memory";
    if (bytes != NULL)
        (void)munmap(bytes, octets);
    return NULL;
}

struct zone_shelf *zone_shelf_new(const int *fds, size_t count)
{
    const char *why;
    struct zone_shelf *shelf = calloc(1, sizeof *shelf);
    for (size_t i = 0; i < count; i++) {
        bool room = shelf != NULL && shelf->count < SHELF_MOST_IMAGES;
        struct zone_image *image = room ? zone_shelf_take(fds[i], &why) : NULL;
        if (image != NULL)
            shelf->images[shelf->count++] = image;
        else
            close(fds[i]);
    }
    return shelf;
}

struct zone_image *zone_shelf_find(const struct zone_shelf *shelf, const uint8_t *apex)
{
    for (size_t i = 0; shelf != NULL && i < shelf->count; i++)
        if (name_equal(zone_image_apex(shelf->images[i]), apex))
            return zone_image_hold(shelf->images[i]);
    return NULL;
}

void zone_shelf_free(struct zone_shelf *shelf)
{
    for (size_t i = 0; shelf != NULL && i < shelf->count; i++)
        zone_image_release(shelf->images[i]);
    free(shelf);
}
