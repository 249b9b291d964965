/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/job.h"

#include "zone/cache.h"
#include "zone/difference.h"
#include "zone/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void zone_state_free(struct zone_state *state)
{
    if (state == NULL)
        return;
    if (state->image != NULL)
        zone_image_release(state->image);
    zone_stamps_free(&state->stamps);
    free(state->path);
    free(state);
}

void zone_job_free(struct zone_job *job)
{
    if (!job->taken && job->fresh != job->old)
        zone_state_free(job->fresh);
    job->fresh = NULL;
    findings_free(&job->findings);
}

/* A state for the job's zone around `image`, whose reference it takes over; NULL when memory is short. */
static struct zone_state *state_make(const struct zone_job *job, struct zone_image *image,
                                     enum shared_zone_state kind)
{
    struct zone_state *state = calloc(1, sizeof *state);
    if (state != NULL)
        state->path = strdup(job->source->path);
    if (state == NULL || state->path == NULL) {
        free(state);
        if (image != NULL)
            zone_image_release(image);
        return NULL;
    }
    memcpy(state->apex, job->source->apex, sizeof state->apex);
    state->image = image;
    state->state = kind;
    state->loaded_unix_s = job->now_unix_s;
    state->counter = job->old != NULL ? job->old->counter : 0;
    return state;
}

/* For those who may transfer the zone: what changed since the image before. */
static void job_keep_difference(const struct zone_job *job, struct zone_image *image)
{
    const struct zone_peers *peers = job->source->peers;
    const struct zone_image *before = job->old != NULL ? job->old->image : NULL;
    if (peers != NULL && peers->grant_count > 0 && before != NULL && before != image)
        zone_history_continue(image, before);
}

/* Takes over the image's reference and the stamps; without stamps the zone is only looked at again next time.
 */
static void job_serve(struct zone_job *job, struct zone_image *image, struct zone_stamps *stamps,
                      enum zone_outcome outcome)
{
    job_keep_difference(job, image);
    job->fresh = state_make(job, image, SHARED_ZONE_SERVED);
    job->outcome = job->fresh != NULL ? outcome : ZONE_FAILED;
    if (job->fresh == NULL)
        return;
    if (outcome == ZONE_KEPT)
        job->fresh->loaded_unix_s = job->old->loaded_unix_s;
    job->fresh->stamps = *stamps;
    *stamps = (struct zone_stamps){0};
}

/* Refused: what is being served stays, whatever it is. */
static void job_refuse(struct zone_job *job)
{
    struct zone_image *image = job->old != NULL ? job->old->image : NULL;
    if (image != NULL)
        zone_image_hold(image);
    job->fresh = state_make(job, image, image != NULL ? SHARED_ZONE_STALE : SHARED_ZONE_FAILED);
    job->outcome = image != NULL && job->fresh != NULL ? ZONE_STALE : ZONE_FAILED;
    if (job->fresh != NULL && image != NULL)
        job->fresh->loaded_unix_s = job->old->loaded_unix_s;
}

static bool job_is_unchanged(const struct zone_job *job)
{
    const struct zone_state *old = job->old;
    return old != NULL && old->state == SHARED_ZONE_SERVED && old->image != NULL &&
           strcmp(old->path, job->source->path) == 0 && zone_stamps_hold(&old->stamps);
}

static bool job_take_cached(struct zone_job *job, const struct zone_cached *cached,
                            struct zone_stamps *stamps)
{
    struct zone_image *image = zone_cache_read(cached);
    if (image != NULL)
        job_serve(job, image, stamps, ZONE_CACHED);
    return image != NULL;
}

/* The image that a server before us has left, whatever its source looks like. */
static bool job_take_shelved(struct zone_job *job)
{
    struct zone_stamps none = {0};
    struct zone_image *image = zone_shelf_find(job->shelf, job->source->apex);
    if (image != NULL)
        job_serve(job, image, &none, ZONE_CACHED);
    return image != NULL;
}

/* The image that is served was made of what the cached one was: it stays, and isn't read again. */
static bool job_is_cached(const struct zone_job *job, const struct zone_cached *cached)
{
    return job->old != NULL && job->old->image != NULL &&
           memcmp(zone_image_source_digest(job->old->image), cached->source_digest, IMAGE_DIGEST_OCTETS) == 0;
}

/* The cached image, while its source still looks as it did; or whatever it looks like, when that is wanted.
 */
static bool job_take_unread(struct zone_job *job, struct zone_cached *cached)
{
    struct zone_stamps *stamps = &cached->stamps;
    struct zone_stamps none = {0};
    if (stamps->count > 0 && strcmp(stamps->list[0].path, job->source->path) == 0 &&
        zone_stamps_hold(stamps)) {
        if (!job_is_cached(job, cached))
            return job_take_cached(job, cached, stamps);
        job_serve(job, zone_image_hold(job->old->image), stamps, ZONE_KEPT);
        return true;
    }
    return job->trust_cache && job_take_cached(job, cached, &none);
}

static void job_save(struct zone_job *job, const struct zone_image *image, const struct zone_stamps *stamps)
{
    int error = job->may_save ? zone_cache_save(job->state_dir, image, stamps) : 0;
    if (error != 0)
        findings_add(
            &job->findings, FINDING_WARNING, job->state_dir, 0,
            "the compiled zone can't be kept here, so it will be compiled again at the next start: %s",
            strerror(-error));
}

static void job_load(struct zone_job *job, struct zone_text *text, const uint8_t *digest,
                     struct zone_stamps *stamps)
{
    struct zone_image *old = job->old != NULL ? job->old->image : NULL;
    struct zone_image *image = zone_load_text(job->source->apex, text, digest, old, &job->findings, NULL);
    if (image == NULL) {
        job_refuse(job);
        return;
    }
    job_save(job, image, stamps);
    job_serve(job, image, stamps, ZONE_LOADED);
}

/* The text was written anew, but is the same: so that it needn't be read next time. */
static void job_stamp(const struct zone_job *job)
{
    const struct zone_state *fresh = job->fresh;
    if (fresh != NULL && job->may_save && fresh->stamps.count > 0)
        (void)zone_cache_stamp(job->state_dir, fresh->image, &fresh->stamps);
}

static void job_look(struct zone_job *job, struct zone_text *text, const struct zone_cached *cached)
{
    uint8_t digest[ZONE_TEXT_DIGEST_OCTETS];
    struct zone_stamps stamps = {0};
    struct zone_image *old = job->old != NULL ? job->old->image : NULL;
    zone_text_digest(text, job->source->apex, digest);
    (void)zone_stamps_of(&stamps, text);
    if (old != NULL && memcmp(zone_image_source_digest(old), digest, sizeof digest) == 0) {
        job_serve(job, zone_image_hold(old), &stamps, ZONE_KEPT);
        job_stamp(job);
    } else if (cached != NULL && memcmp(cached->source_digest, digest, sizeof digest) == 0 &&
               job_take_cached(job, cached, &stamps)) {
        job_stamp(job);
    } else {
        job_load(job, text, digest, &stamps);
    }
    zone_stamps_free(&stamps);
}

static void job_read(struct zone_job *job, const struct zone_cached *cached)
{
    struct zone_text text;
    int error = zone_text_load(&text, job->source->path);
    if (error == 0) {
        job_look(job, &text, cached);
    } else {
        findings_add(&job->findings, FINDING_ERROR, job->source->path, 0, "the zone file can't be read: %s%s",
                     strerror(-error),
                     error == -EACCES
                         ? "; if it may be read, its directory is new to the server: `hither upgrade`"
                         : "");
        job_refuse(job);
    }
    zone_text_free(&text);
}

/* Back to the last good image, without a look at the source. */
static void job_go_back(struct zone_job *job)
{
    struct zone_cached cached;
    struct zone_stamps none = {0};
    bool found = zone_cache_open(&cached, job->good_dir, job->source->apex);
    if (found && job_is_cached(job, &cached))
        job_serve(job, zone_image_hold(job->old->image), &none, ZONE_KEPT);
    else if (!found || !job_take_cached(job, &cached, &none)) {
        findings_add(&job->findings, FINDING_WARNING, job->source->path, 0,
                     "isn't among the last good zones, so it isn't served until the next reload");
        job->fresh = state_make(job, NULL, SHARED_ZONE_FAILED);
        job->outcome = ZONE_FAILED;
    }
    if (found)
        zone_cache_close(&cached);
}

void zone_job_run(struct zone_job *job)
{
    struct zone_cached cached;
    if (job->good_dir != NULL) {
        job_go_back(job);
        return;
    }
    if (job_is_unchanged(job)) {
        job->fresh = job->old;
        job->outcome = ZONE_KEPT;
        return;
    }
    if (job_take_shelved(job))
        return;
    bool found = zone_cache_open(&cached, job->state_dir, job->source->apex);
    if (!found || !job_take_unread(job, &cached))
        job_read(job, found ? &cached : NULL);
    if (found)
        zone_cache_close(&cached);
    if (job->fresh == NULL)
        findings_add(&job->findings, FINDING_ERROR, job->source->path, 0, "memory is short");
}
