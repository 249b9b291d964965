/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/source.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE_SUFFIX ".zone"

/* What the list is being made for. */
struct source_walk {
    struct zone_sources *sources;
    size_t capacity;
    const char *config_path;
    struct findings *findings;
};

static void out_of_memory(struct source_walk *walk, uint32_t line)
{
    findings_add(walk->findings, FINDING_ERROR, walk->config_path, line, "memory is short");
}

static void source_add(struct source_walk *walk, const char *name, const char *path,
                       const struct settings_zone *zone)
{
    uint32_t line = zone->line;
    struct zone_sources *sources = walk->sources;
    struct zone_source source = {
        .line = line, .prefixes = zone->prefixes, .peers = zone->peers, .queries = zone->queries};
    if (name_from_text(source.apex, name) == 0) {
        findings_add(walk->findings, FINDING_ERROR, walk->config_path, line,
                     "\"%s\" isn't a domain name: a zone's name is written as in example.com", name);
        return;
    }
    if (sources->count == walk->capacity) {
        size_t capacity = walk->capacity > 0 ? walk->capacity * 2 : 16;
        struct zone_source *list = realloc(sources->list, capacity * sizeof *list);
        if (list == NULL) {
            out_of_memory(walk, line);
            return;
        }
        sources->list = list;
        walk->capacity = capacity;
    }
    source.path = strdup(path);
    if (source.path == NULL) {
        out_of_memory(walk, line);
        return;
    }
    sources->list[sources->count++] = source;
}

static int is_zone_file(const struct dirent *entry)
{
    size_t octets = strlen(entry->d_name);
    size_t suffix = sizeof ZONE_SUFFIX - 1;
    return entry->d_name[0] != '.' && octets > suffix &&
           strcmp(entry->d_name + octets - suffix, ZONE_SUFFIX) == 0;
}

static int compare_entries(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Adds the zone of a file in a directory: its name without the suffix. */
static void directory_file_add(struct source_walk *walk, const struct settings_zone *zone, const char *file)
{
    char *path = NULL;
    char *name = strndup(file, strlen(file) - (sizeof ZONE_SUFFIX - 1));
    if (asprintf(&path, "%s/%s", zone->directory, file) < 0)
        path = NULL;
    if (name != NULL && path != NULL)
        source_add(walk, name, path, zone);
    else
        out_of_memory(walk, zone->line);
    free(name);
    free(path);
}

static void directory_add(struct source_walk *walk, const struct settings_zone *zone)
{
    const char *directory = zone->directory;
    uint32_t line = zone->line;
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_zone_file, compare_entries);
    if (count < 0) {
        findings_add(walk->findings, FINDING_ERROR, walk->config_path, line,
                     "the directory %s can't be read: %s", directory, strerror(errno));
        return;
    }
    if (count == 0)
        findings_add(walk->findings, FINDING_WARNING, walk->config_path, line,
                     "the directory %s has no NAME.zone in it", directory);
    for (int i = 0; i < count; i++) {
        directory_file_add(walk, zone, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static int compare_sources(const void *a, const void *b)
{
    const struct zone_source *left = a;
    const struct zone_source *right = b;
    int difference = name_compare(left->apex, right->apex);
    if (difference != 0)
        return difference;
    return left->line < right->line ? -1 : left->line > right->line;
}

static void duplicates_drop(struct source_walk *walk)
{
    struct zone_sources *sources = walk->sources;
    size_t kept = sources->count > 0 ? 1 : 0;
    for (size_t i = 1; i < sources->count; i++) {
        struct zone_source *source = &sources->list[i];
        const struct zone_source *before = &sources->list[kept - 1];
        char name[NAME_TEXT_MAX];
        if (!name_equal(before->apex, source->apex)) {
            sources->list[kept++] = *source;
            continue;
        }
        findings_add(walk->findings, FINDING_ERROR, walk->config_path, source->line,
                     "zone %s comes from both %s (line %u) and %s: keep one of them",
                     name_to_text(source->apex, name), before->path, before->line, source->path);
        free(source->path);
    }
    sources->count = kept;
}

bool zone_sources_list(struct zone_sources *sources, const struct settings_zone *zones, size_t zone_count,
                       const char *config_path, struct findings *findings)
{
    size_t errors_before = findings->errors;
    struct source_walk walk = {sources, 0, config_path, findings};
    *sources = (struct zone_sources){0};
    for (size_t i = 0; i < zone_count; i++) {
        const struct settings_zone *zone = &zones[i];
        if (zone->directory != NULL)
            directory_add(&walk, zone);
        else
            source_add(&walk, zone->name, zone->file, zone);
    }
    if (sources->count > 1)
        qsort(sources->list, sources->count, sizeof *sources->list, compare_sources);
    duplicates_drop(&walk);
    return findings->errors == errors_before;
}

static int compare_apex(const void *apex, const void *source)
{
    return name_compare(apex, ((const struct zone_source *)source)->apex);
}

const struct zone_source *zone_sources_find(const struct zone_sources *sources, const uint8_t *apex)
{
    if (sources->count == 0)
        return NULL;
    return bsearch(apex, sources->list, sources->count, sizeof *sources->list, compare_apex);
}

void zone_sources_free(struct zone_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++)
        free(sources->list[i].path);
    free(sources->list);
    *sources = (struct zone_sources){0};
}
