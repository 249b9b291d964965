/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/judgement.h"
#include "wire/name.h"

#include <stdlib.h>
#include <string.h>

static void judge_zone_name(struct judge *j, const struct place *entry, const char *text)
{
    uint8_t name[NAME_MAX_OCTETS];
    if (name_from_text(name, text) == 0)
        judge_say(j, FINDING_ERROR, entry, "has the name '%.260s', which isn't a domain name", text);
}

static void judge_zone(struct judge *j, uint32_t i, const struct raw_zone *raw)
{
    struct settings_zone *zone = &j->settings->zones[i];
    const struct place entry = place("zones[%u]", i);
    zone->line = judge_line(j, &entry);
    judge_peers(j, &entry, raw, zone);
    zone->queries =
        judge_access(j, place("%s.allow-query", entry.path), raw->allow_query, raw->allow_query_count);
    if (zone->queries == NULL)
        zone->queries = zone_access_hold(j->settings->limits.queries);
    if (raw->directory != NULL && (raw->name != NULL || raw->file != NULL))
        judge_say(j, FINDING_ERROR, &entry, "has a directory and a %s: make two entries of it",
                  raw->name != NULL ? "name" : "file");
    if (raw->directory != NULL) {
        zone->directory = judge_path(j, place("%s.directory", entry.path), raw->directory);
        return;
    }
    if (raw->name != NULL) {
        judge_zone_name(j, &entry, raw->name);
        zone->name = strdup(raw->name);
    } else
        judge_say_missing(j, &entry, "name", "the zone's name, for example name: example.com");
    if (raw->file != NULL)
        zone->file = judge_path(j, place("%s.file", entry.path), raw->file);
    else
        judge_say_missing(j, &entry, "file",
                          "the file with the zone's text, for example file: example.com.zone");
}

/* A zone to be compared with the others: folded wire name, or the directory's path. */
struct zone_key {
    const struct settings_zone *zone;
    uint8_t name[NAME_MAX_OCTETS];
};

static int compare_zone_keys(const void *a, const void *b)
{
    const struct zone_key *x = a;
    const struct zone_key *y = b;
    bool x_directory = x->zone->directory != NULL;
    bool y_directory = y->zone->directory != NULL;
    if (x_directory != y_directory)
        return x_directory ? 1 : -1;
    int order = x_directory ? strcmp(x->zone->directory, y->zone->directory) : name_compare(x->name, y->name);
    if (order != 0)
        return order;
    return x->zone->line < y->zone->line ? -1 : x->zone->line > y->zone->line;
}

static bool same_zone(const struct zone_key *a, const struct zone_key *b)
{
    if (a->zone->directory != NULL || b->zone->directory != NULL)
        return a->zone->directory != NULL && b->zone->directory != NULL &&
               strcmp(a->zone->directory, b->zone->directory) == 0;
    return name_equal(a->name, b->name);
}

/* Sorted, the same zones are neighbours. */
static void judge_same_zones(struct judge *j)
{
    size_t count = 0;
    struct zone_key *keys = calloc(j->settings->zone_count, sizeof *keys);
    for (size_t i = 0; keys != NULL && i < j->settings->zone_count; i++) {
        const struct settings_zone *zone = &j->settings->zones[i];
        bool named = zone->name != NULL && name_from_text(keys[count].name, zone->name) > 0;
        keys[count].zone = zone;
        count += named || zone->directory != NULL;
    }
    if (count > 0)
        qsort(keys, count, sizeof *keys, compare_zone_keys);
    for (size_t i = 1; i < count; i++) {
        const struct settings_zone *first = keys[i - 1].zone;
        const struct settings_zone *second = keys[i].zone;
        if (same_zone(&keys[i - 1], &keys[i]))
            findings_add(j->findings, FINDING_ERROR, j->settings->path, second->line,
                         "zones: '%.260s' stands in line %u already",
                         second->directory != NULL ? second->directory : second->name, first->line);
    }
    free(keys);
}

/* The index of announce.prefixes that one of the words of a zone's `prefix` names. */
static bool judge_zone_prefix(struct judge *j, const struct place *at, const char *word, size_t *index)
{
    const struct settings_announce *announce = &j->settings->announce;
    struct settings_prefix prefix;
    struct value_why why;
    if (!value_prefix(word, &prefix, &why)) {
        judge_say_why(j, at, &why);
        return false;
    }
    for (*index = 0; *index < announce->prefix_count; ++*index) {
        const struct settings_prefix *other = &announce->prefixes[*index];
        if (other->family == prefix.family && other->bits == prefix.bits &&
            memcmp(other->octets, prefix.octets, sizeof prefix.octets) == 0)
            return true;
    }
    judge_say(j, FINDING_ERROR, at, "has %s, which isn't one of announce.prefixes: put it there too", word);
    return false;
}

void judge_zone_prefixes(struct judge *j)
{
    for (uint32_t i = 0; i < j->settings->zone_count; i++) {
        const struct place at = place("zones[%u].prefix", i);
        char *words = j->raw->zones[i].prefix != NULL ? strdup(j->raw->zones[i].prefix) : NULL;
        char *rest = words;
        size_t index;
        for (char *word = words != NULL ? strtok_r(words, " ,", &rest) : NULL; word != NULL;
             word = strtok_r(NULL, " ,", &rest))
            if (judge_zone_prefix(j, &at, word, &index))
                j->settings->zones[i].prefixes |= UINT64_C(1) << index;
        free(words);
    }
}

void judge_zones(struct judge *j)
{
    const struct place at = place("zones");
    uint32_t count = j->raw->zones_count;
    if (count == 0) {
        if (j->raw->resolve == NULL)
            findings_add(j->findings, FINDING_WARNING, j->settings->path, judge_line(j, &at),
                         "there are no zones: every query will be refused");
        return;
    }
    j->settings->zones = calloc(count, sizeof *j->settings->zones);
    if (j->settings->zones == NULL) {
        judge_say(j, FINDING_ERROR, &at, "can't be kept: memory is short");
        return;
    }
    j->settings->zone_count = count;
    for (uint32_t i = 0; i < count; i++)
        judge_zone(j, i, &j->raw->zones[i]);
    judge_same_zones(j);
}
