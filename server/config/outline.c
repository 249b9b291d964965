/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/outline.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define OUTLINE_MAX_DEPTH  16 /* of nesting; the schema itself needs 4 */
#define OUTLINE_MAX_FIELDS 32 /* of one mapping in the schema */
#define OUTLINE_PATH       256
#define OUTLINE_WORD       40 /* longer keys are like no other */

/* Where the pass stands. `event` is the one being looked at. */
struct walk {
    struct outline *outline;
    struct findings *findings;
    const char *file;
    yaml_parser_t parser;
    yaml_event_t event;
    bool loadable; /* nothing so far that hinders loading */
    bool ended;    /* the text can't be read any further */
    char path[OUTLINE_PATH];
};

static const char *name_of_path(const struct walk *w)
{
    return w->path[0] != '\0' ? w->path : "the configuration";
}

/* As it may be shown in a message: cut, and only printable. */
static const char *shown(char room[64], const char *text)
{
    size_t at = 0;
    for (; text[at] != '\0' && at < 48; at++) {
        room[at] = text[at];
        if ((unsigned char)text[at] < 0x20 || text[at] == 0x7f)
            room[at] = '?';
    }
    (void)snprintf(room + at, 64 - at, "%s", text[at] != '\0' ? "..." : "");
    return room;
}

static uint32_t walk_line(const struct walk *w)
{
    return (uint32_t)w->event.start_mark.line + 1;
}

/* A finding at the event's line that hinders loading. */
#define walk_refuse(w, ...)                                                                                  \
    do {                                                                                                     \
        findings_add((w)->findings, FINDING_ERROR, (w)->file, walk_line(w), __VA_ARGS__);                    \
        (w)->loadable = false;                                                                               \
    } while (0)

static void walk_syntax_error(struct walk *w)
{
    const yaml_parser_t *p = &w->parser;
    const char *problem = p->problem != NULL ? p->problem : "memory is short";
    const char *hint = "";
    bool at_tab = p->buffer.pointer != NULL && *p->buffer.pointer == '\t';
    if (at_tab || strstr(problem, "tab") != NULL)
        hint = ": indent with spaces";
    else if (strstr(problem, "start any token") != NULL)
        hint = ": put a value that begins with % or @ in double quotes";
    else if (strstr(problem, "expected node content") != NULL)
        hint = ": put a value that begins with a colon in double quotes";
    else if (strstr(problem, "mapping values are not allowed") != NULL ||
             strstr(problem, "block end") != NULL || strstr(problem, "expected key") != NULL)
        hint = ": check the indentation here and above";
    size_t line = p->error == YAML_READER_ERROR ? 0 : p->problem_mark.line + 1;
    findings_add(w->findings, FINDING_ERROR, w->file, (uint32_t)line, "not YAML: %s%s%s%s", problem,
                 p->context != NULL ? " " : "", p->context != NULL ? p->context : "", hint);
    w->loadable = false;
    w->ended = true;
}

/* Moves to the next event. YAML_NO_EVENT when there is none. */
static yaml_event_type_t walk_next(struct walk *w)
{
    yaml_event_delete(&w->event);
    if (!w->ended && !yaml_parser_parse(&w->parser, &w->event))
        walk_syntax_error(w);
    if (w->ended)
        return YAML_NO_EVENT;
    if (w->event.type == YAML_ALIAS_EVENT) {
        walk_refuse(w, "aliases (*name) aren't taken: write the value itself");
        w->ended = true;
        yaml_event_delete(&w->event);
        return YAML_NO_EVENT;
    }
    return w->event.type;
}

/* Passes over the value that begins with the event at hand, up to its last event. */
static void walk_skip(struct walk *w)
{
    unsigned depth = 0;
    yaml_event_type_t type = w->event.type;
    for (;;) {
        if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT)
            depth++;
        else if (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT)
            depth--;
        if (depth == 0 || type == YAML_NO_EVENT)
            return;
        if (depth > OUTLINE_MAX_DEPTH) {
            walk_refuse(w, "nested too deeply for a configuration");
            w->ended = true;
            return;
        }
        type = walk_next(w);
    }
}

static void outline_add(struct walk *w)
{
    struct outline *o = w->outline;
    if (o->count == o->capacity) {
        size_t capacity = o->capacity > 0 ? o->capacity * 2 : 64;
        struct outline_mark *marks = realloc(o->marks, capacity * sizeof *marks);
        if (marks == NULL)
            return;
        o->marks = marks;
        o->capacity = capacity;
    }
    char *path = strdup(w->path);
    if (path != NULL)
        o->marks[o->count++] = (struct outline_mark){path, walk_line(w)};
}

/* The number of edits (put in, leave out, replace, swap neighbours) between two short words. */
static unsigned edits_between(const char *a, const char *b)
{
    unsigned rows[3][OUTLINE_WORD + 1];
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    if (a_length > OUTLINE_WORD || b_length > OUTLINE_WORD)
        return UINT_MAX;
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *above2 = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && above2[j - 2] + 1 < best)
                best = above2[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[a_length % 3][b_length];
}

static const cyaml_schema_field_t *nearest_field(const cyaml_schema_field_t *fields, const char *key)
{
    const cyaml_schema_field_t *nearest = NULL;
    unsigned least = 1 + (unsigned)(strlen(key) / 3);
    for (; fields->key != NULL; fields++) {
        unsigned edits = edits_between(key, fields->key);
        if (edits <= least && (nearest == NULL || edits < least)) {
            nearest = fields;
            least = edits;
        }
    }
    return nearest;
}

static const cyaml_schema_field_t *fields_of(const cyaml_schema_value_t *schema)
{
    if (schema->type == CYAML_MAPPING)
        return schema->mapping.fields;
    if (schema->type == CYAML_SEQUENCE && schema->sequence.entry->type == CYAML_MAPPING)
        return schema->sequence.entry->mapping.fields;
    return NULL;
}

/* The section of the file that would take `key`; NULL when none does. */
static const char *section_with(const cyaml_schema_field_t *sections, const char *key)
{
    for (; sections->key != NULL; sections++) {
        const cyaml_schema_field_t *fields = fields_of(&sections->value);
        for (; fields != NULL && fields->key != NULL; fields++) {
            if (strcmp(fields->key, key) == 0)
                return sections->key;
        }
    }
    return NULL;
}

static void list_fields(char *room, size_t size, const cyaml_schema_field_t *fields)
{
    size_t at = 0;
    room[0] = '\0';
    for (; fields->key != NULL && at < size; fields++)
        at += (size_t)snprintf(room + at, size - at, "%s%s", at > 0 ? ", " : "", fields->key);
}

static void walk_unknown_key(struct walk *w, const cyaml_schema_field_t *fields,
                             const cyaml_schema_field_t *sections, const char *key)
{
    char list[512];
    char room[64];
    const cyaml_schema_field_t *nearest = nearest_field(fields, key);
    const char *section = section_with(sections, key);
    if (nearest != NULL)
        findings_add(w->findings, FINDING_ERROR, w->file, walk_line(w),
                     "unknown key '%s' in %s: did you mean '%s'?", shown(room, key), name_of_path(w),
                     nearest->key);
    else if (section != NULL)
        findings_add(w->findings, FINDING_ERROR, w->file, walk_line(w),
                     "unknown key '%s' in %s: it belongs under '%s'", shown(room, key), name_of_path(w),
                     section);
    else {
        list_fields(list, sizeof list, fields);
        findings_add(w->findings, FINDING_ERROR, w->file, walk_line(w),
                     "unknown key '%s' in %s: write one of %s", shown(room, key), name_of_path(w), list);
    }
}

static bool event_is_null(const yaml_event_t *event)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    if (event->type != YAML_SCALAR_EVENT)
        return false;
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++) {
        if (strcmp((const char *)event->data.scalar.value, nulls[i]) == 0)
            return true;
    }
    return false;
}

static void walk_text(struct walk *w)
{
    if (w->event.type != YAML_SCALAR_EVENT) {
        walk_refuse(w, "'%s' takes one value, not a %s", name_of_path(w),
                    w->event.type == YAML_SEQUENCE_START_EVENT ? "list" : "section");
        walk_skip(w);
        return;
    }
    const char *text = (const char *)w->event.data.scalar.value;
    if (strlen(text) != w->event.data.scalar.length) {
        walk_refuse(w, "'%s' has a zero octet in it", name_of_path(w));
        return;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            walk_refuse(w, "'%s' has a control character or a line break in it", name_of_path(w));
            return;
        }
    }
    if (event_is_null(&w->event))
        findings_add(w->findings, FINDING_ERROR, w->file, walk_line(w),
                     "'%s' has no value: write one, or leave the key out", name_of_path(w));
}

static void walk_value(struct walk *w, const cyaml_schema_value_t *schema,
                       const cyaml_schema_field_t *sections);

/* Looks at one key and its value; the event is the key. `seen` has the line of each field seen before. */
static void walk_pair(struct walk *w, const cyaml_schema_field_t *fields,
                      const cyaml_schema_field_t *sections, uint32_t seen[OUTLINE_MAX_FIELDS])
{
    if (w->event.type != YAML_SCALAR_EVENT) {
        walk_refuse(w, "a key in %s must be a word", name_of_path(w));
        walk_skip(w);
        (void)walk_next(w);
        walk_skip(w);
        return;
    }
    const char *key = (const char *)w->event.data.scalar.value;
    size_t which = 0;
    while (fields[which].key != NULL && strcmp(fields[which].key, key) != 0)
        which++;
    if (fields[which].key == NULL || which >= OUTLINE_MAX_FIELDS) {
        walk_unknown_key(w, fields, sections, key);
        (void)walk_next(w);
        walk_skip(w);
        return;
    }
    size_t octets = strlen(w->path);
    (void)snprintf(w->path + octets, sizeof w->path - octets, "%s%s", octets > 0 ? "." : "", key);
    if (seen[which] != 0)
        walk_refuse(w, "'%s' stands twice: first in line %u", w->path, seen[which]);
    else
        outline_add(w);
    seen[which] = walk_line(w);
    (void)walk_next(w);
    walk_value(w, &fields[which].value, sections);
    w->path[octets] = '\0';
}

static void walk_mapping(struct walk *w, const cyaml_schema_value_t *schema,
                         const cyaml_schema_field_t *sections)
{
    char list[512];
    uint32_t seen[OUTLINE_MAX_FIELDS] = {0};
    const cyaml_schema_field_t *fields = schema->mapping.fields;
    if (w->event.type != YAML_MAPPING_START_EVENT) {
        list_fields(list, sizeof list, fields);
        walk_refuse(w, "%s must be a section with keys: %s", name_of_path(w), list);
        walk_skip(w);
        return;
    }
    for (;;) {
        yaml_event_type_t type = walk_next(w);
        if (type == YAML_MAPPING_END_EVENT || type == YAML_NO_EVENT)
            return;
        walk_pair(w, fields, sections, seen);
    }
}

static void walk_sequence(struct walk *w, const cyaml_schema_value_t *schema,
                          const cyaml_schema_field_t *sections)
{
    char room[64];
    if (w->event.type == YAML_SCALAR_EVENT) {
        walk_refuse(w, "'%s' is a list: write '- %s' on a line of its own", name_of_path(w),
                    shown(room, (const char *)w->event.data.scalar.value));
        return;
    }
    if (w->event.type != YAML_SEQUENCE_START_EVENT) {
        walk_refuse(w, "'%s' is a list: begin each entry with '- '", name_of_path(w));
        walk_skip(w);
        return;
    }
    size_t octets = strlen(w->path);
    for (uint32_t i = 0;; i++) {
        yaml_event_type_t type = walk_next(w);
        if (type == YAML_SEQUENCE_END_EVENT || type == YAML_NO_EVENT)
            return;
        if (i == schema->sequence.max)
            walk_refuse(w, "'%s' has more than %u entries", name_of_path(w), i);
        (void)snprintf(w->path + octets, sizeof w->path - octets, "[%u]", i);
        outline_add(w);
        walk_value(w, schema->sequence.entry, sections);
        w->path[octets] = '\0';
    }
}

/* Looks at the value that begins with the event at hand, up to its last event. */
static void walk_value(struct walk *w, const cyaml_schema_value_t *schema,
                       const cyaml_schema_field_t *sections)
{
    bool may_be_null = (schema->flags & CYAML_FLAG_POINTER_NULL) == CYAML_FLAG_POINTER_NULL;
    if (w->event.type == YAML_NO_EVENT)
        return;
    if (schema->type == CYAML_STRING)
        walk_text(w);
    else if (may_be_null && event_is_null(&w->event))
        return; /* A section whose entries are all commented out. */
    else if (schema->type == CYAML_MAPPING)
        walk_mapping(w, schema, sections);
    else
        walk_sequence(w, schema, sections);
}

static void walk_stream(struct walk *w, const cyaml_schema_value_t *schema)
{
    (void)walk_next(w); /* the stream's start */
    bool begins = walk_next(w) == YAML_DOCUMENT_START_EVENT;
    if (begins)
        (void)walk_next(w);
    if (!begins || event_is_null(&w->event)) {
        if (w->loadable)
            findings_add(w->findings, FINDING_ERROR, w->file, 0,
                         "nothing is configured: begin with 'server:' and a list 'listen:'");
        w->loadable = false;
        return;
    }
    walk_value(w, schema, schema->mapping.fields); /* nothing, when the text has ended here */
    if (w->ended)
        return;
    (void)walk_next(w); /* the document's end */
    if (walk_next(w) != YAML_STREAM_END_EVENT && !w->ended)
        walk_refuse(w, "a second document begins here: a configuration is one");
}

static int compare_marks(const void *a, const void *b)
{
    return strcmp(((const struct outline_mark *)a)->path, ((const struct outline_mark *)b)->path);
}

bool outline_read(struct outline *outline, const char *text, size_t octets, const char *file,
                  const cyaml_schema_value_t *schema, struct findings *findings)
{
    struct walk w = {.outline = outline, .findings = findings, .file = file, .loadable = true};
    if (!yaml_parser_initialize(&w.parser)) {
        findings_add(findings, FINDING_ERROR, file, 0, "memory is short");
        return false;
    }
    yaml_parser_set_input_string(&w.parser, (const unsigned char *)text, octets);
    walk_stream(&w, schema);
    yaml_event_delete(&w.event);
    yaml_parser_delete(&w.parser);
    if (outline->count > 0)
        qsort(outline->marks, outline->count, sizeof outline->marks[0], compare_marks);
    return w.loadable;
}

uint32_t outline_line(const struct outline *outline, const char *path)
{
    if (outline->count == 0)
        return 0;
    char wanted[OUTLINE_PATH];
    (void)snprintf(wanted, sizeof wanted, "%s", path);
    const struct outline_mark key = {wanted, 0};
    const struct outline_mark *mark =
        bsearch(&key, outline->marks, outline->count, sizeof key, compare_marks);
    return mark != NULL ? mark->line : 0;
}

void outline_free(struct outline *outline)
{
    for (size_t i = 0; i < outline->count; i++)
        free(outline->marks[i].path);
    free(outline->marks);
    *outline = (struct outline){0};
}
