/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the main thread has a worker do with its cache: tell of entries, forget some, take in what was kept
 * over a restart. The cache is its worker's alone, so the work is carried to the worker's loop (desk_send())
 * and done there in small steps, between which the worker answers. It then belongs to the sender again.
 */
#ifndef HITHER_RESOLVE_ERRAND_H
#define HITHER_RESOLVE_ERRAND_H

#include "resolve/cache.h"
#include "wire/name.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ERRAND_STEP        512   /* entries that are looked at in one step */
#define ERRAND_TEXT_OCTETS 40000 /* about what is told at once, as JSON */

enum errand_kind {
    ERRAND_TELL,
    ERRAND_FLUSH,
    ERRAND_LOAD,
};

struct errand {
    struct errand *next;                 /* whose turn it is then */
    void (*done)(struct errand *errand); /* on the worker's thread */
    void *owner;                         /* the sender's */
    enum errand_kind kind;
    unsigned worker;
    uint64_t at; /* how far it is; CACHE_END: through */
    size_t count;
    bool any;                                     /* whatever the name is */
    bool below;                                   /* the name, and what is below it */
    uint16_t type;                                /* 0: all */
    uint8_t name[NAME_MAX_OCTETS + NAME_PADDING]; /* folded */
    json_t *told;                                 /* ERRAND_TELL: an array, the sender's */
    size_t text_octets;
    uint8_t *loaded; /* ERRAND_LOAD: cache_load() */
    size_t octets;
    uint32_t stale_s;
};

/* One step. True when it is done: through all, or (ERRAND_TELL) there is enough to tell. */
bool errand_step(struct errand *errand, struct cache *cache, uint32_t now_s);

#endif
