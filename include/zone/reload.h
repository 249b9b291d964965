/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Loads and reloads the zones of a server, off its loop, and publishes them.
 *
 *     zone/source -> for each zone, in libuv's pool: unchanged -> keep the image
 *                                                    cached    -> map the image file
 *                                                    changed   -> zone/load, then save to the cache
 *                 -> zone/set: publish -> the zone table in shared memory -> the callback, on the loop
 *
 * Nothing that goes wrong with one zone touches another, and no failure takes away an image that is being
 * served. One reload runs at a time; requests that come meanwhile become one more, which serves them all.
 */
#ifndef HITHER_ZONE_RELOAD_H
#define HITHER_ZONE_RELOAD_H

#include "base/clock.h"
#include "base/finding.h"
#include "base/shared.h"
#include "config.h"
#include "zone/shelf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct zone_reload;

enum zone_reload_mode {
    /* The first load: a zone with an error means that nothing is published, and `ok` is false. */
    ZONE_RELOAD_START,
    /* In place of a server that died: whatever image is on the shelf or in the cache is taken without a look
     * at its source, so that answers are back at once. A zone without one is loaded; one that can't be is
     * left FAILED. A run in mode AGAIN should follow. */
    ZONE_RELOAD_RECOVER,
    /* SIGHUP and `hither reload`: a zone with an error keeps what is being served, and is STALE. */
    ZONE_RELOAD_AGAIN,
    /* What is newer has failed: the last good zones (zone/good.h), whatever their sources say. */
    ZONE_RELOAD_BACK,
};

/* What a run came to. Valid during the callback only. */
struct zone_report {
    bool ok;          /* no zone is stale or failed, and the sources are without an error */
    bool published;   /* the set of zones in force is this run's */
    size_t zones;     /* served now */
    size_t loaded;    /* of these, compiled in this run */
    size_t cached;    /* mapped from the cache in this run */
    size_t kept;      /* unchanged */
    size_t stale;     /* refused, an older image is being served */
    size_t failed;    /* refused, and nothing is there to serve */
    size_t removed;   /* no longer configured */
    uint64_t records; /* in all zones served */
    int64_t took_ms;
    const struct findings *findings; /* were logged already */
    const char *json;                /* all of this as one object, zero-terminated */
};

typedef void (*zone_reload_done)(const struct zone_report *report, void *arg);

/* For the loop `loop`. `up`, or NULL, is where the zone table goes; this is its only writer. NULL when memory
 * is short. Everything here is to be called on the loop's thread, which must not be registered with QSBR. */
struct zone_reload *zone_reload_new(uv_loop_t *loop, struct shared_up *up);

/* Images that a server before us has left, for the next run in mode RECOVER; taken over. */
void zone_reload_inherit(struct zone_reload *reload, struct zone_shelf *shelf);

/* Starts a run, or queues it behind the one that is under way. `only_zone`, or NULL for all of them, is a
 * name in presentation form: that zone alone is looked at. What is needed of `settings` is copied. `done` is
 * called on the loop, never from inside this call. 0, or -ENOMEM. */
int zone_reload_run(struct zone_reload *reload, const struct settings *settings, const char *only_zone,
                    enum zone_reload_mode mode, zone_reload_done done, void *arg);

/* Whether a run is under way. */
bool zone_reload_is_running(const struct zone_reload *reload);

/* To be called now and then: a run that gets no time beside the answers is given some. */
void zone_reload_hurry(struct zone_reload *reload, struct mono now);

/* No more runs and no more callbacks; freed when the work under way has ended, so the loop must run on until
 * then. The published set stays published. */
void zone_reload_close(struct zone_reload *reload);

#endif
