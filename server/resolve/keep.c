/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/keep.h"

#include "base/log.h"
#include "resolve/recipe.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t keep_magic[16] = "hither answers 1";

#define KEEP_HEAD_OCTETS (sizeof keep_magic + KEEP_DIGEST_OCTETS)

/* A file being written. */
struct keeping {
    FILE *out;
    size_t octets;
    crypto_generichash_state state;
};

bool keep_init(struct keep *keep, const char *state_dir, const struct settings_resolve *resolve,
               int64_t now_s)
{
    const struct recipe_place place = {.state_dir = "", .engine = 0, .engines = 1, .now_s = now_s};
    char *recipe = recipe_write(resolve, &place);
    *keep = (struct keep){.state_dir = state_dir};
    if (recipe != NULL)
        (void)crypto_generichash(keep->fingerprint, sizeof keep->fingerprint, (const uint8_t *)recipe,
                                 strlen(recipe), NULL, 0);
    free(recipe);
    return recipe != NULL;
}

static char *keep_path(const struct keep *keep, unsigned worker, const char *suffix)
{
    char *path = NULL;
    return asprintf(&path, "%s/answers-%u.cache%s", keep->state_dir, worker, suffix) >= 0 ? path : NULL;
}

static bool keep_put(void *arg, const void *bytes, size_t octets)
{
    struct keeping *keeping = arg;
    if (octets > KEEP_MOST_OCTETS - keeping->octets)
        return false;
    keeping->octets += octets;
    (void)crypto_generichash_update(&keeping->state, bytes, octets);
    return fwrite(bytes, octets, 1, keeping->out) == 1;
}

static bool keep_write(const struct keep *keep, const struct cache *cache, FILE *out)
{
    struct keeping keeping = {.out = out};
    uint8_t digest[KEEP_DIGEST_OCTETS];
    (void)crypto_generichash_init(&keeping.state, NULL, 0, sizeof digest);
    /* What is beyond the bound is left out; what couldn't be written is seen below. */
    if (keep_put(&keeping, keep_magic, sizeof keep_magic) &&
        keep_put(&keeping, keep->fingerprint, sizeof keep->fingerprint))
        (void)cache_save(cache, keep_put, &keeping);
    (void)crypto_generichash_final(&keeping.state, digest, sizeof digest);
    return fwrite(digest, sizeof digest, 1, out) == 1 && ferror(out) == 0;
}

void keep_save(const struct keep *keep, unsigned worker, const struct cache *cache)
{
    char *path = keep_path(keep, worker, "");
    char *fresh = keep_path(keep, worker, ".new");
    FILE *out = path != NULL && fresh != NULL ? fopen(fresh, "we") : NULL;
    bool done = out != NULL && keep_write(keep, cache, out);
    if (out != NULL)
        done &= fclose(out) == 0;
    if (!done || rename(fresh, path) < 0)
        log_warn("the answers of worker %u can't be kept in %s: %s", worker, keep->state_dir,
                 strerror(errno));
    free(path);
    free(fresh);
}

/* The file's octets; NULL when it isn't of a size that it could have, or can't be read. */
static uint8_t *keep_read(int fd, size_t *octets)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size < (off_t)(KEEP_HEAD_OCTETS + KEEP_DIGEST_OCTETS) ||
        st.st_size > (off_t)(KEEP_MOST_OCTETS + KEEP_DIGEST_OCTETS))
        return NULL;
    *octets = (size_t)st.st_size;
    uint8_t *bytes = malloc(*octets);
    if (bytes != NULL && read(fd, bytes, *octets) == (ssize_t)*octets)
        return bytes;
    free(bytes);
    return NULL;
}

/* NULL: it is as it was written, under these settings; else what is wrong. */
static const char *keep_judge(const struct keep *keep, const uint8_t *bytes, size_t octets)
{
    uint8_t digest[KEEP_DIGEST_OCTETS];
    if (bytes == NULL || memcmp(bytes, keep_magic, sizeof keep_magic) != 0)
        return "it isn't such a file";
    (void)crypto_generichash(digest, sizeof digest, bytes, octets - sizeof digest, NULL, 0);
    if (memcmp(digest, bytes + octets - sizeof digest, sizeof digest) != 0)
        return "it is damaged";
    if (memcmp(bytes + sizeof keep_magic, keep->fingerprint, sizeof keep->fingerprint) != 0)
        return "the resolver's settings were others";
    return NULL;
}

uint8_t *keep_take(const struct keep *keep, unsigned worker, size_t *octets)
{
    char *path = keep_path(keep, worker, "");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        free(path);
        return NULL;
    }
    /* First of all: what brings a server down doesn't meet the next one. */
    (void)unlink(path);
    uint8_t *bytes = keep_read(fd, octets);
    const char *wrong = keep_judge(keep, bytes, *octets);
    close(fd);
    if (wrong != NULL) {
        log_warn("%s: %s; the cache starts empty", path, wrong);
        free(bytes);
        bytes = NULL;
    } else {
        *octets -= KEEP_HEAD_OCTETS + KEEP_DIGEST_OCTETS;
        memmove(bytes, bytes + KEEP_HEAD_OCTETS, *octets);
    }
    free(path);
    return bytes;
}
