/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The answers that are kept over a restart: a file for each worker in state-dir, written when a server leaves
 * cleanly, read once by the next one and removed. A digest at its end covers all of it, and a fingerprint of
 * the settings at its beginning says what the answers depend on; a file that isn't whole, or of other
 * settings, is left aside with a line in the log.
 */
#ifndef HITHER_RESOLVE_KEEP_H
#define HITHER_RESOLVE_KEEP_H

#include "resolve/cache.h"
#include "resolve/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEEP_MOST_OCTETS   (16 * 1024 * 1024) /* of one worker */
#define KEEP_DIGEST_OCTETS 32

struct keep {
    const char *state_dir; /* another's */
    uint8_t fingerprint[KEEP_DIGEST_OCTETS];
};

/* False when memory is short. */
bool keep_init(struct keep *keep, const char *state_dir, const struct settings_resolve *resolve,
               int64_t now_s);

/* Writes what the worker's cache has, the oldest first; logs when it can't. */
void keep_save(const struct keep *keep, unsigned worker, const struct cache *cache);

/* What was kept for the worker, for cache_load(), and removes the file. From malloc; NULL: nothing. */
uint8_t *keep_take(const struct keep *keep, unsigned worker, size_t *octets);

#endif
