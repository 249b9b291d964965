/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/flight.h"

#include "base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct flight {
    uv_loop_t *loop;
    char path[PATH_MAX]; /* empty: memory alone */
    struct flight_record ring[FLIGHT_RECORDS];
    uint64_t noted;   /* records ever */
    uint64_t written; /* of these, put into the file or given up */
    uint64_t failed;
    uv_work_t work; /* one record on its way into the file */
    char *line;     /* which is this */
    bool writing;
    bool write_failed;
    bool closing;
};

/* --- a record as JSON */

enum field_kind {
    FIELD_BOOL,
    FIELD_UNSIGNED,
    FIELD_INT64,
    FIELD_UINT64,
};

struct field {
    const char *key;
    size_t offset;
    enum field_kind kind;
};

#define RULE(member, kind)                                                                                   \
    {                                                                                                        \
#member, offsetof(struct verdict_rules, member), kind                                                \
    }
#define STATE(member, kind)                                                                                  \
    {                                                                                                        \
#member, offsetof(struct verdict_state, member), kind                                                \
    }
#define INPUT(member, kind)                                                                                  \
    {                                                                                                        \
#member, offsetof(struct verdict_input, member), kind                                                \
    }

static const struct field rule_fields[] = {
    RULE(fall, FIELD_UNSIGNED),   RULE(rise, FIELD_UNSIGNED),        RULE(first_rise, FIELD_UNSIGNED),
    RULE(stale_ms, FIELD_INT64),  RULE(hold_down_ms, FIELD_INT64),   RULE(hold_down_max_ms, FIELD_INT64),
    RULE(window, FIELD_UNSIGNED), RULE(window_fall, FIELD_UNSIGNED), RULE(suspect_ms, FIELD_INT64),
    RULE(calm_ms, FIELD_INT64),   RULE(settle_ms, FIELD_INT64),
};

static const struct field state_fields[] = {
    STATE(verdict, FIELD_UNSIGNED),
    STATE(was_good, FIELD_BOOL),
    STATE(good_row, FIELD_UNSIGNED),
    STATE(bad_row, FIELD_UNSIGNED),
    STATE(shared_good_row, FIELD_UNSIGNED),
    STATE(shared_bad_row, FIELD_UNSIGNED),
    STATE(degraded, FIELD_BOOL),
    STATE(suspects, FIELD_BOOL),
    STATE(suspect, FIELD_BOOL),
    STATE(window, FIELD_UINT64),
    STATE(degrades, FIELD_UNSIGNED),
    STATE(suspect_since, FIELD_INT64),
    STATE(degraded_held_until, FIELD_INT64),
    STATE(degraded_ended, FIELD_INT64),
    STATE(flaps, FIELD_UNSIGNED),
    STATE(round_at, FIELD_INT64),
    STATE(since, FIELD_INT64),
    STATE(held_until, FIELD_INT64),
    STATE(calm_since, FIELD_INT64),
    STATE(risen, FIELD_INT64),
    STATE(unsettled, FIELD_BOOL),
    STATE(degraded_unsettled, FIELD_BOOL),
};

static const struct field input_fields[] = {
    INPUT(kind, FIELD_UNSIGNED), INPUT(local_good, FIELD_BOOL), INPUT(shared_good, FIELD_BOOL),
    INPUT(suspect, FIELD_BOOL),  INPUT(excuse_ms, FIELD_INT64),
};

#define COUNT(fields) (sizeof(fields) / sizeof(fields)[0])

_Static_assert(sizeof(struct mono) == sizeof(int64_t), "a time is kept as its nanoseconds");
_Static_assert(sizeof(enum verdict) == sizeof(unsigned), "an enum is kept as a number");

static json_t *fields_as_json(const struct field *fields, size_t count, const void *from)
{
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++) {
        const char *at = (const char *)from + fields[i].offset;
        json_t *value = NULL;
        if (fields[i].kind == FIELD_BOOL)
            value = json_boolean(*(const bool *)at);
        else if (fields[i].kind == FIELD_UNSIGNED)
            value = json_integer((json_int_t) * (const unsigned *)(const void *)at);
        else
            value = json_integer((json_int_t) * (const int64_t *)(const void *)at); /* bits, if unsigned */
        (void)json_object_set_new(object, fields[i].key, value);
    }
    return object;
}

static bool field_of_json(const struct field *field, const json_t *value, void *to)
{
    char *at = (char *)to + field->offset;
    json_int_t number = json_integer_value(value);
    if (field->kind == FIELD_BOOL) {
        *(bool *)at = json_is_true(value);
        return json_is_boolean(value);
    }
    if (field->kind == FIELD_UNSIGNED) {
        *(unsigned *)(void *)at = (unsigned)number;
        return json_is_integer(value) && number >= 0 && number <= UINT_MAX;
    }
    *(int64_t *)(void *)at = number;
    return json_is_integer(value);
}

static bool fields_of_json(const struct field *fields, size_t count, const json_t *from, void *to)
{
    for (size_t i = 0; i < count; i++)
        if (!field_of_json(&fields[i], json_object_get(from, fields[i].key), to))
            return false;
    return true;
}

json_t *flight_as_json(const struct flight_record *record)
{
    return json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "at_ns", (json_int_t)record->at.ns,
                     "unix_s", (json_int_t)record->unix_s, "prefix", record->prefix, "from",
                     verdict_name(record->before.verdict), "to", verdict_name(record->after), "why",
                     record->why, "rules", fields_as_json(rule_fields, COUNT(rule_fields), &record->rules),
                     "before", fields_as_json(state_fields, COUNT(state_fields), &record->before), "input",
                     fields_as_json(input_fields, COUNT(input_fields), &record->input));
}

static bool verdict_of_name(const char *name, enum verdict *verdict)
{
    for (unsigned i = VERDICT_NONE; name != NULL && i <= VERDICT_BAD; i++) {
        *verdict = (enum verdict)i;
        if (strcmp(name, verdict_name(*verdict)) == 0)
            return true;
    }
    return false;
}

bool flight_of_json(const json_t *json, struct flight_record *record, const char **why)
{
    const char *prefix = json_string_value(json_object_get(json, "prefix"));
    const char *reason = json_string_value(json_object_get(json, "why"));
    const json_t *at = json_object_get(json, "at_ns");
    *record = (struct flight_record){.unix_s = json_integer_value(json_object_get(json, "unix_s"))};
    record->at.ns = json_integer_value(at);
    (void)snprintf(record->prefix, sizeof record->prefix, "%s", prefix != NULL ? prefix : "");
    (void)snprintf(record->why, sizeof record->why, "%s", reason != NULL ? reason : "");
    *why = "it isn't a record of a flight recorder";
    if (!json_is_integer(at) || prefix == NULL ||
        !verdict_of_name(json_string_value(json_object_get(json, "to")), &record->after))
        return false;
    *why = "its rules, state or input aren't those of this version";
    return fields_of_json(rule_fields, COUNT(rule_fields), json_object_get(json, "rules"), &record->rules) &&
           fields_of_json(state_fields, COUNT(state_fields), json_object_get(json, "before"),
                          &record->before) &&
           fields_of_json(input_fields, COUNT(input_fields), json_object_get(json, "input"),
                          &record->input) &&
           record->before.verdict <= VERDICT_BAD && record->input.kind <= VERDICT_EXCUSE;
}

enum verdict flight_replay(const struct flight_record *record)
{
    struct verdict_state state = record->before;
    return verdict_step(&state, &record->rules, record->at, &record->input);
}

/* --- the file */

/* In the pool. */
static bool file_append(const char *path, const char *line)
{
    char before[PATH_MAX + 2];
    struct stat st;
    size_t octets = strlen(line);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return false;
    bool done = write(fd, line, octets) == (ssize_t)octets;
    bool full = fstat(fd, &st) == 0 && st.st_size >= FLIGHT_MOST_OCTETS;
    (void)close(fd);
    (void)snprintf(before, sizeof before, "%s.1", path);
    if (full)
        (void)rename(path, before);
    return done;
}

static void work_write(uv_work_t *work)
{
    struct flight *f = work->data;
    f->write_failed = !file_append(f->path, f->line);
}

static void flight_write_next(struct flight *f);

static void work_written(uv_work_t *work, int status)
{
    struct flight *f = work->data;
    free(f->line);
    f->line = NULL;
    f->writing = false;
    f->written++;
    if (status != 0 || f->write_failed)
        f->failed++;
    flight_write_next(f);
}

static char *record_as_line(const struct flight_record *record)
{
    json_t *json = flight_as_json(record);
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    char *line = NULL;
    if (text == NULL || asprintf(&line, "%s\n", text) < 0)
        line = NULL;
    free(text);
    json_decref(json);
    return line;
}

static void flight_write_next(struct flight *f)
{
    if (f->writing)
        return;
    if (f->path[0] == '\0')
        f->written = f->noted;
    if (f->noted - f->written > FLIGHT_RECORDS) { /* overtaken: the oldest are lost */
        f->failed += f->noted - f->written - FLIGHT_RECORDS;
        f->written = f->noted - FLIGHT_RECORDS;
    }
    while (f->written < f->noted && !f->writing) {
        f->line = record_as_line(&f->ring[f->written % FLIGHT_RECORDS]);
        f->work.data = f;
        f->writing = f->line != NULL && uv_queue_work(f->loop, &f->work, work_write, work_written) == 0;
        if (f->writing)
            break;
        free(f->line);
        f->line = NULL;
        f->written++;
        f->failed++;
    }
    if (f->closing && !f->writing)
        free(f);
}

struct flight *flight_open(uv_loop_t *loop, const char *state_dir)
{
    struct flight *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->loop = loop;
    if (state_dir != NULL)
        (void)snprintf(f->path, sizeof f->path, "%s/flight.log", state_dir);
    return f;
}

void flight_note(struct flight *f, const struct flight_record *record)
{
    f->ring[f->noted++ % FLIGHT_RECORDS] = *record;
    flight_write_next(f);
}

json_t *flight_tell(const struct flight *f, struct mono now, size_t most)
{
    json_t *list = json_array();
    uint64_t count = f->noted < FLIGHT_RECORDS ? f->noted : FLIGHT_RECORDS;
    for (uint64_t i = f->noted - (count < most ? count : most); i < f->noted; i++) {
        const struct flight_record *r = &f->ring[i % FLIGHT_RECORDS];
        json_array_append_new(list, json_pack("{s:I, s:s, s:s, s:s, s:s}", "ms_ago",
                                              (json_int_t)mono_ms_between(r->at, now), "prefix", r->prefix,
                                              "from", verdict_name(r->before.verdict), "to",
                                              verdict_name(r->after), "why", r->why));
    }
    return json_pack("{s:o, s:I, s:I}", "changes", list, "noted", (json_int_t)f->noted, "lost",
                     (json_int_t)f->failed);
}

void flight_close(struct flight *f)
{
    if (f == NULL)
        return;
    f->closing = true;
    flight_write_next(f);
}
