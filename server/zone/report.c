/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/report.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

#define REPORT_ZONES 200 /* named in one report */

static void table_entry(struct shared_zone *to, const struct zone_state *state,
                        const struct zone_source *source)
{
    *to = (struct shared_zone){.state = (uint32_t)state->state,
                               .loaded_unix_s = state->loaded_unix_s,
                               .prefixes = source != NULL ? source->prefixes : 0};
    name_fold(to->apex, state->apex, name_octets(state->apex));
    if (state->image == NULL)
        return;
    to->serial = zone_image_serial(state->image);
    to->names = zone_image_names(state->image);
    to->image_octets = state->image->octets;
    to->signature_end_unix_s = zone_image_signature_end(state->image, time(NULL));
    to->counter = state->counter;
    memcpy(to->digest, zone_image_digest(state->image), sizeof to->digest);
}

void zone_report_table(struct shared_up *up, const struct zone_table *table)
{
    size_t count = table->count < SHARED_MAX_ZONES ? table->count : SHARED_MAX_ZONES;
    uint32_t sequence = atomic_load_explicit(&up->zone_sequence, memory_order_relaxed) | 1;
    atomic_store_explicit(&up->zone_sequence, sequence, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < count; i++)
        table_entry(&up->zones[i], table->states[i],
                    zone_sources_find(table->sources, table->states[i]->apex));
    memcpy(up->prefixes, table->prefixes, table->prefix_count * sizeof *table->prefixes);
    up->prefix_count = (uint32_t)table->prefix_count;
    atomic_store_explicit(&up->zone_count, (uint32_t)count, memory_order_relaxed);
    atomic_store_explicit(&up->zone_sequence, sequence + 1, memory_order_release);
}

static json_t *zone_json(const struct zone_job *job)
{
    static const char *const outcomes[] = {"kept", "cached", "loaded", "stale", "failed"};
    char name[NAME_TEXT_MAX];
    json_t *zone = json_pack("{s:s, s:s}", "zone", name_to_text(job->source->apex, name), "outcome",
                             outcomes[job->outcome]);
    const struct zone_image *image = job->fresh != NULL ? job->fresh->image : NULL;
    if (zone == NULL || image == NULL)
        return zone;
    json_object_set_new(zone, "serial", json_integer((json_int_t)zone_image_serial(image)));
    json_object_set_new(zone, "names", json_integer((json_int_t)zone_image_names(image)));
    json_object_set_new(zone, "records", json_integer((json_int_t)zone_image_records(image)));
    json_object_set_new(zone, "octets", json_integer((json_int_t)image->octets));
    return zone;
}

static json_t *zones_json(const struct zone_job *jobs, size_t count)
{
    json_t *zones = json_array();
    for (size_t i = 0; i < count && json_array_size(zones) < REPORT_ZONES; i++) {
        if (jobs[i].outcome != ZONE_KEPT)
            json_array_append_new(zones, zone_json(&jobs[i]));
    }
    return zones;
}

static json_t *findings_json(const struct findings *findings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->list[i];
        /* A path or a word from a zone need not be UTF-8, and such a finding is left out. */
        json_t *finding =
            json_pack("{s:s, s:s, s:i, s:s}", "level", f->level == FINDING_ERROR ? "error" : "warning",
                      "file", f->file, "line", (int)f->line, "text", f->text);
        if (finding != NULL)
            json_array_append_new(list, finding);
    }
    return list;
}

char *zone_report_json(const struct zone_report *report, const struct zone_job *jobs, size_t job_count)
{
    json_t *json = json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
                             "ok", (int)report->ok, "published", (int)report->published, "zones",
                             (json_int_t)report->zones, "loaded", (json_int_t)report->loaded, "cached",
                             (json_int_t)report->cached, "kept", (json_int_t)report->kept, "stale",
                             (json_int_t)report->stale, "failed", (json_int_t)report->failed, "removed",
                             (json_int_t)report->removed, "records", (json_int_t)report->records, "took_ms",
                             (json_int_t)report->took_ms, "errors", (json_int_t)report->findings->errors,
                             "findings_left_out", (json_int_t)report->findings->left_out, "changes",
                             zones_json(jobs, job_count), "findings", findings_json(report->findings));
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}
