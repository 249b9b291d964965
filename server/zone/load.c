/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/load.h"

#include "zone/check.h"
#include "zone/compile.h"
#include "zone/read.h"
#include "zone/records.h"
#include "zone/source.h"

#include <string.h>
#include <sys/stat.h>

static void progress_stage(struct zone_progress *progress, enum zone_load_stage stage)
{
    if (progress != NULL)
        atomic_store_explicit(&progress->stage, (uint32_t)stage, memory_order_relaxed);
}

static const char *text_path(const struct zone_text *text)
{
    return text->files[0].stamp.path;
}

/* Read, sorted and checked. */
static bool records_load(struct zone_records *records, const uint8_t *apex, struct zone_text *text,
                         const struct zone_image *stale, struct findings *findings,
                         struct zone_progress *progress)
{
    uint32_t serial = stale != NULL ? zone_image_serial(stale) : 0;
    progress_stage(progress, ZONE_LOAD_READ);
    if (!zone_read(records, text, apex, findings, progress != NULL ? &progress->done_octets : NULL))
        return false;
    zone_text_forget(text);
    if (progress != NULL)
        atomic_store_explicit(&progress->records, records->count, memory_order_relaxed);
    progress_stage(progress, ZONE_LOAD_CHECK);
    if (zone_records_sort(records) != 0) {
        findings_add(findings, FINDING_ERROR, text_path(text), 0, "memory is short");
        return false;
    }
    return zone_check(records, stale != NULL ? &serial : NULL, findings);
}

struct zone_image *zone_load_text(const uint8_t *apex, struct zone_text *text, const uint8_t *digest,
                                  const struct zone_image *stale, struct findings *findings,
                                  struct zone_progress *progress)
{
    struct zone_records records;
    struct zone_image *image = NULL;
    const char *why = "it can't be compiled";
    zone_records_init(&records);
    if (progress != NULL)
        atomic_store_explicit(&progress->total_octets, text->octets, memory_order_relaxed);
    if (records_load(&records, apex, text, stale, findings, progress)) {
        progress_stage(progress, ZONE_LOAD_COMPILE);
        image = zone_compile(&records, digest, &why);
        if (image == NULL)
            findings_add(findings, FINDING_ERROR, text_path(text), 0, "%s", why);
    }
    zone_records_free(&records);
    progress_stage(progress, ZONE_LOAD_DONE);
    return image;
}

struct zone_image *zone_load(const uint8_t *apex, const char *path, const struct zone_image *stale,
                             struct findings *findings, struct zone_progress *progress)
{
    uint8_t digest[ZONE_TEXT_DIGEST_OCTETS];
    struct zone_text text;
    struct zone_image *image = NULL;
    progress_stage(progress, ZONE_LOAD_TEXT);
    int error = zone_text_load(&text, path);
    if (error == 0) {
        zone_text_digest(&text, apex, digest);
        image = zone_load_text(apex, &text, digest, stale, findings, progress);
    } else {
        findings_add(findings, FINDING_ERROR, path, 0, "the zone file can't be read: %s", strerror(-error));
    }
    zone_text_free(&text);
    return image;
}

static void check_one(const struct zone_source *source, struct findings *findings,
                      struct zone_load_summary *summary, struct zone_progress *progress)
{
    struct zone_image *image = zone_load(source->apex, source->path, NULL, findings, progress);
    if (image == NULL)
        return;
    summary->sound++;
    summary->records += zone_image_records(image);
    summary->names += zone_image_names(image);
    zone_image_release(image);
}

static uint64_t file_octets(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

static void progress_begin(struct zone_progress *progress, const struct zone_sources *sources)
{
    uint64_t octets = 0;
    for (size_t i = 0; i < sources->count; i++)
        octets += file_octets(sources->list[i].path);
    atomic_store_explicit(&progress->all_octets, octets, memory_order_relaxed);
    atomic_store_explicit(&progress->zones_total, sources->count, memory_order_relaxed);
}

static void progress_next(struct zone_progress *progress, const struct zone_source *done)
{
    atomic_store_explicit(&progress->done_octets, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&progress->past_octets, file_octets(done->path), memory_order_relaxed);
    atomic_fetch_add_explicit(&progress->zones_done, 1, memory_order_relaxed);
}

bool zone_load_check_all(const struct settings *settings, struct findings *findings,
                         struct zone_load_summary *summary, struct zone_progress *progress)
{
    struct zone_sources sources;
    struct zone_load_summary sum = {0};
    size_t errors_before = findings->errors;
    zone_sources_list(&sources, settings->zones, settings->zone_count, settings->path, findings);
    sum.zones = sources.count;
    if (progress != NULL)
        progress_begin(progress, &sources);
    for (size_t i = 0; i < sources.count; i++) {
        check_one(&sources.list[i], findings, &sum, progress);
        if (progress != NULL)
            progress_next(progress, &sources.list[i]);
    }
    zone_sources_free(&sources);
    if (summary != NULL)
        *summary = sum;
    return findings->errors == errors_before;
}
