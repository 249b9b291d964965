/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/cache.h"

#include "wire/name.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_DIRECTORY  "zones"
#define CACHE_SUFFIX     ".image"
#define CACHE_NAME_SHORT 180 /* a file's name has at most 255 octets, and a temporary one a little more */

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

static bool image_fits(const struct zone_image *image, const uint8_t *apex, const uint8_t *source_digest)
{
    if (!name_equal(zone_image_apex(image), apex))
        return false;
    return source_digest == NULL ||
           memcmp(zone_image_source_digest(image), source_digest, IMAGE_DIGEST_OCTETS) == 0;
}

struct zone_image *zone_cache_open(const char *state_dir, const uint8_t *apex, const uint8_t *source_digest)
{
    const char *why = NULL;
    char *path = zone_cache_path(state_dir, apex);
    struct zone_image *image = path != NULL ? zone_image_open(path, &why) : NULL;
    free(path);
    if (image != NULL && !image_fits(image, apex, source_digest)) {
        zone_image_release(image);
        image = NULL;
    }
    return image;
}

int zone_cache_save(const char *state_dir, const struct zone_image *image)
{
    char *path = zone_cache_path(state_dir, zone_image_apex(image));
    int error = path != NULL ? zone_image_save(image, path) : -ENOMEM;
    free(path);
    return error;
}

void zone_cache_drop(const char *state_dir, const uint8_t *apex)
{
    char *path = zone_cache_path(state_dir, apex);
    if (path != NULL)
        (void)unlink(path);
    free(path);
}
