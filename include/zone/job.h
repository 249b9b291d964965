/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One zone's part of a reload: is it unchanged, in the cache, or to be loaded? And what is left when it can't
 * be. Blocking; several jobs run side by side and share nothing that is written.
 */
#ifndef HITHER_ZONE_JOB_H
#define HITHER_ZONE_JOB_H

#include "base/finding.h"
#include "base/shared.h"
#include "wire/name.h"
#include "zone/image.h"
#include "zone/shelf.h"
#include "zone/source.h"
#include "zone/text.h"

#include <stdbool.h>
#include <stdint.h>

/* What is known of a zone from one reload to the next. */
struct zone_state {
    uint8_t apex[NAME_MAX_OCTETS];
    char *path;               /* owned */
    struct zone_image *image; /* one reference; NULL: nothing to serve */
    struct zone_stamps stamps;
    enum shared_zone_state state;
    int64_t loaded_unix_s;
    unsigned counter; /* zone_image.counter, of the zone for as long as it is configured; 0: none yet */
    bool marked;      /* for whoever compares two lists of states */
};

enum zone_outcome {
    ZONE_KEPT,   /* unchanged: `fresh` is the old state itself, or one with new stamps on the old image */
    ZONE_CACHED, /* mapped from the cache */
    ZONE_LOADED, /* compiled */
    ZONE_STALE,  /* refused; the old image stays */
    ZONE_FAILED, /* refused, and there is no old image */
};

struct zone_job {
    /* given */
    const struct zone_source *source;
    struct zone_state *old; /* or NULL */
    const char *state_dir;
    const struct zone_shelf *shelf; /* with images to be taken as they are; NULL: none */
    const char *good_dir;           /* the last good zones alone are taken (zone/good.h); NULL: any */
    bool trust_cache;               /* take the cached image without a look at the source */
    bool may_save;                  /* the cache can be written */
    int64_t now_unix_s;
    uint64_t octets; /* of the source's file, roughly: for whoever bounds the memory of jobs side by side */
    /* made */
    struct zone_state *fresh; /* NULL only when memory is short */
    enum zone_outcome outcome;
    struct findings findings;
    bool taken; /* `fresh` is somebody else's now */
};

void zone_job_run(struct zone_job *job);

/* Lets go of the findings, and of `fresh` unless it is the old state or was taken. */
void zone_job_free(struct zone_job *job);

void zone_state_free(struct zone_state *state);

#endif
