/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/cache.h"

#include "wire/name.h"
#include "zone/format.h"
#include "zone/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_DIRECTORY  "zones"
#define CACHE_SUFFIX     ".image"
#define CACHE_NAME_SHORT 180 /* a file's name has at most 255 octets, and a temporary one a little more */

#define TAIL_DIGEST_OCTETS 16
#define TAIL_FIXED_OCTETS  (sizeof tail_magic + TAIL_DIGEST_OCTETS)
#define TAIL_MOST_OCTETS   ((size_t)64 * 1024 * 1024)

static const uint8_t tail_magic[8] = "hither\0s";

static bool octet_is_safe(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* The folded name; dots between labels. The root, which has no label, is a lone %. */
static void name_spell(const uint8_t *folded, char text[NAME_TEXT_MAX])
{
    char *at = text;
    if (*folded == 0)
        *at++ = '%';
    for (const uint8_t *label = folded; *label != 0; label += 1 + *label) {
        if (label != folded)
            *at++ = '.';
        for (unsigned i = 1; i <= *label; i++) {
            if (octet_is_safe(label[i]))
                *at++ = (char)label[i];
            else
                at += snprintf(at, 4, "%%%02x", label[i]);
        }
    }
    *at = '\0';
}

/* For a name too long to spell; % and no two digits, so it can't be a spelled name. */
static void name_hash_spell(const uint8_t *folded, size_t octets, char text[NAME_TEXT_MAX])
{
    uint8_t hash[crypto_generichash_BYTES];
    char *at = text;
    crypto_generichash(hash, sizeof hash, folded, octets, NULL, 0);
    at += sprintf(at, "%%="); /* NOLINT: two octets of a thousand */
    for (size_t i = 0; i < sizeof hash; i++)
        at += snprintf(at, 3, "%02x", hash[i]);
}

char *zone_cache_path(const char *state_dir, const uint8_t *apex)
{
    uint8_t folded[NAME_MAX_OCTETS];
    char name[NAME_TEXT_MAX];
    char *path = NULL;
    size_t octets = name_octets(apex);
    name_fold(folded, apex, octets);
    name_spell(folded, name);
    if (strlen(name) > CACHE_NAME_SHORT)
        name_hash_spell(folded, octets, name);
    return asprintf(&path, "%s/" CACHE_DIRECTORY "/%s" CACHE_SUFFIX, state_dir, name) < 0 ? NULL : path;
}

int zone_cache_prepare(const char *state_dir)
{
    char *path = NULL;
    int error = 0;
    if (asprintf(&path, "%s/" CACHE_DIRECTORY, state_dir) < 0)
        return -ENOMEM;
    if ((mkdir(path, 0755) < 0 && errno != EEXIST) || access(path, W_OK | X_OK) < 0)
        error = -errno;
    free(path);
    return error;
}

/* The image's digest and the reader's version are in it, so that stamps speak for no other image, and not
 * for this one when its text would be read differently. */
static void tail_digest(uint8_t digest[TAIL_DIGEST_OCTETS], const uint8_t *image_digest,
                        const uint8_t *stamps, size_t octets)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, TAIL_DIGEST_OCTETS);
    crypto_generichash_update(&state, (const uint8_t *)ZONE_READER_VERSION, sizeof ZONE_READER_VERSION);
    crypto_generichash_update(&state, image_digest, IMAGE_DIGEST_OCTETS);
    crypto_generichash_update(&state, stamps, octets);
    crypto_generichash_final(&state, digest, TAIL_DIGEST_OCTETS);
}

/* What stands behind the image; to be freed. NULL when memory is short. */
static uint8_t *tail_make(const struct zone_image *image, const struct zone_stamps *stamps, size_t *octets)
{
    *octets = TAIL_FIXED_OCTETS + zone_stamps_octets(stamps);
    uint8_t *tail = malloc(*octets);
    if (tail == NULL)
        return NULL;
    struct writer w = writer_to(tail + TAIL_FIXED_OCTETS, *octets - TAIL_FIXED_OCTETS);
    zone_stamps_write(stamps, &w);
    memcpy(tail, tail_magic, sizeof tail_magic);
    tail_digest(tail + sizeof tail_magic, zone_image_digest(image), tail + TAIL_FIXED_OCTETS,
                *octets - TAIL_FIXED_OCTETS);
    return tail;
}

static void tail_read(struct zone_cached *cached, const uint8_t *tail, size_t octets,
                      const uint8_t *image_digest)
{
    uint8_t digest[TAIL_DIGEST_OCTETS];
    struct reader r = reader_of(tail, octets);
    const uint8_t *magic = reader_bytes(&r, sizeof tail_magic);
    const uint8_t *claimed = reader_bytes(&r, sizeof digest);
    if (r.failed || memcmp(magic, tail_magic, sizeof tail_magic) != 0)
        return;
    tail_digest(digest, image_digest, r.at, reader_left(&r));
    if (memcmp(digest, claimed, sizeof digest) == 0)
        (void)zone_stamps_read(&cached->stamps, &r);
}

static bool read_at(int fd, void *to, size_t octets, size_t at)
{
    return pread(fd, to, octets, (off_t)at) == (ssize_t)octets;
}

static bool cached_look(struct zone_cached *cached, const uint8_t *apex)
{
    struct image_header header;
    struct stat st;
    if (fstat(cached->fd, &st) < 0 || !read_at(cached->fd, &header, sizeof header, 0) ||
        header.octets < sizeof header || header.octets > (uint64_t)st.st_size || header.apex_octets == 0 ||
        name_check(header.apex, sizeof header.apex) != header.apex_octets || !name_equal(header.apex, apex))
        return false;
    cached->octets = header.octets;
    memcpy(cached->source_digest, header.source_digest, sizeof cached->source_digest);
    size_t tail_octets = (size_t)st.st_size - cached->octets;
    uint8_t *tail = tail_octets <= TAIL_MOST_OCTETS ? malloc(tail_octets + 1) : NULL;
    if (tail != NULL && read_at(cached->fd, tail, tail_octets, cached->octets))
        tail_read(cached, tail, tail_octets, header.digest);
    free(tail);
    return true;
}

bool zone_cache_open(struct zone_cached *cached, const char *state_dir, const uint8_t *apex)
{
    char *path = zone_cache_path(state_dir, apex);
    *cached = (struct zone_cached){.fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1};
    free(path);
    if (cached->fd < 0)
        return false;
    if (cached_look(cached, apex))
        return true;
    zone_cache_close(cached);
    return false;
}

struct zone_image *zone_cache_read(const struct zone_cached *cached)
{
    const char *why = NULL;
    return zone_image_read(cached->fd, cached->octets, &why);
}

void zone_cache_close(struct zone_cached *cached)
{
    close(cached->fd);
    zone_stamps_free(&cached->stamps);
}

int zone_cache_save(const char *state_dir, const struct zone_image *image, const struct zone_stamps *stamps)
{
    size_t octets;
    char *path = zone_cache_path(state_dir, zone_image_apex(image));
    uint8_t *tail = tail_make(image, stamps, &octets);
    int error = path != NULL && tail != NULL ? zone_image_save(image, tail, octets, path) : -ENOMEM;
    free(path);
    free(tail);
    return error;
}

/* In place: half a tail, or one behind another image, is refused by its digest. */
int zone_cache_stamp(const char *state_dir, const struct zone_image *image, const struct zone_stamps *stamps)
{
    size_t octets;
    char *path = zone_cache_path(state_dir, zone_image_apex(image));
    uint8_t *tail = tail_make(image, stamps, &octets);
    int fd = path != NULL && tail != NULL ? open(path, O_WRONLY | O_CLOEXEC) : -1;
    int error = 0;
    if (fd < 0 || pwrite(fd, tail, octets, (off_t)image->octets) != (ssize_t)octets ||
        ftruncate(fd, (off_t)(image->octets + octets)) < 0)
        error = path != NULL && tail != NULL ? -errno : -ENOMEM;
    if (fd >= 0)
        close(fd);
    free(path);
    free(tail);
    return error;
}

void zone_cache_drop(const char *state_dir, const uint8_t *apex)
{
    char *path = zone_cache_path(state_dir, apex);
    if (path != NULL)
        (void)unlink(path);
    free(path);
}
