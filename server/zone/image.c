/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/image.h"

#include "zone/difference.h"
#include "zone/format.h"
#include "zone/memory.h"
#include "zone/seal.h"
#include "zone/validate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct zone_image *zone_image_around(uint8_t *bytes, size_t octets)
{
    struct zone_image *image = malloc(sizeof *image);
    if (image == NULL)
        return NULL;
    image->bytes = bytes;
    image->header = (const struct image_header *)(const void *)bytes;
    image->octets = octets;
    image->fd = -1;
    image->history = NULL;
    atomic_init(&image->references, 1);
    atomic_init(&image->counter, 0);
    return image;
}

struct zone_image *zone_image_adopt(uint8_t *bytes, size_t octets, const char **why)
{
    struct zone_image *image = NULL;
    if (image_validate(bytes, octets, why)) {
        image = zone_image_around(bytes, octets);
        if (image == NULL)
            *why = "there is not enough memory";
    }
    if (image == NULL)
        image_memory_give(bytes, octets);
    return image;
}

/* The file's bytes, whose digest is right; NULL and why. They are copied rather than mapped: a file's pages
 * are small ones, and a file that is cut off while it is mapped is a SIGBUS. */
static uint8_t *read_sealed(int fd, size_t octets, const char **why)
{
    uint8_t digest[IMAGE_DIGEST_OCTETS];
    uint8_t *bytes = image_memory_take(octets);
    if (bytes == NULL) {
        *why = "there is not enough memory";
        return NULL;
    }
    const struct image_header *header = (const struct image_header *)(const void *)bytes;
    *why = NULL;
    if (!seal_read(digest, fd, bytes, octets))
        *why = "the zone image can't be read";
    else if (memcmp(digest, header->digest, sizeof digest) != 0)
        *why = "the zone image is damaged: its digest is wrong";
    if (*why != NULL) {
        image_memory_give(bytes, octets);
        return NULL;
    }
    image_memory_seal(bytes, octets);
    return bytes;
}

struct zone_image *zone_image_read(int fd, size_t octets, const char **why)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || octets < sizeof(struct image_header) || (off_t)octets > st.st_size) {
        *why = "this is no zone image";
        return NULL;
    }
    uint8_t *bytes = read_sealed(fd, octets, why);
    return bytes != NULL ? zone_image_adopt(bytes, octets, why) : NULL;
}

/* Nothing is forced to the disk: what a loss of power leaves of the file is refused by its digest and
 * compiled again, and a hundred thousand zones don't wait for the disk one by one. */
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

int zone_image_save(const struct zone_image *image, const void *tail, size_t tail_octets, const char *path)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return -ENOMEM;
    int fd = mkostemp(temporary, O_CLOEXEC);
    int error = fd < 0 ? -errno : write_whole(fd, image->bytes, image->octets);
    if (error == 0)
        error = write_whole(fd, tail, tail_octets);
    if (fd >= 0) {
        (void)fchmod(fd, 0644);
        if (close(fd) < 0 && error == 0)
            error = -errno;
        if (error == 0 && rename(temporary, path) < 0)
            error = -errno;
        if (error < 0)
            (void)unlink(temporary);
    }
    free(temporary);
    return error;
}

void zone_image_count_in(struct zone_image *image, unsigned counter)
{
    if (zone_image_counter(image) != counter)
        atomic_store_explicit(&image->counter, counter, memory_order_relaxed);
}

struct zone_image *zone_image_hold(struct zone_image *image)
{
    atomic_fetch_add_explicit(&image->references, 1, memory_order_relaxed);
    return image;
}

void zone_image_release(struct zone_image *image)
{
    if (image == NULL || atomic_fetch_sub_explicit(&image->references, 1, memory_order_acq_rel) != 1)
        return;
    image_memory_give((uint8_t *)(uintptr_t)image->bytes, image->octets);
    if (image->fd >= 0)
        close(image->fd);
    zone_history_free(image->history);
    free(image);
}

const uint8_t *zone_image_apex(const struct zone_image *image)
{
    return image->header->apex;
}

uint32_t zone_image_serial(const struct zone_image *image)
{
    return image->header->serial;
}

uint64_t zone_image_names(const struct zone_image *image)
{
    return image->header->name_count;
}

uint64_t zone_image_records(const struct zone_image *image)
{
    return image->header->record_count;
}

const uint8_t *zone_image_digest(const struct zone_image *image)
{
    return image->header->digest;
}

const uint8_t *zone_image_source_digest(const struct zone_image *image)
{
    return image->header->source_digest;
}

int64_t zone_image_signature_end(const struct zone_image *image, int64_t now_unix_s)
{
    if ((image->header->flags & IMAGE_SIGNATURES) == 0)
        return 0;
    /* Serial arithmetic (RFC 4034 3.1.5). */
    return now_unix_s + (int32_t)(image->header->signature_end - (uint32_t)now_unix_s);
}
