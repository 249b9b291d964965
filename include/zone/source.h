/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What zones there are, and from which files: the settings' `zones`, with every directory expanded to the
 * NAME.zone files in it.
 *
 *     settings -> zone_sources_list() -> (apex, path) pairs in canonical order of the apexes
 *
 * In a directory the file NAME.zone is zone NAME, always: root.zone is the zone "root.", and the root zone
 * itself has to be configured by name (`name: .`). Hidden files and what doesn't end in ".zone" are left
 * alone. Two sources for one zone are refused, naming both.
 */
#ifndef HITHER_ZONE_SOURCE_H
#define HITHER_ZONE_SOURCE_H

#include "base/finding.h"
#include "config.h"
#include "wire/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone_source {
    uint8_t apex[NAME_MAX_OCTETS]; /* wire form, case as configured */
    char *path;                    /* owned; absolute */
    uint32_t line;                 /* in the configuration, for messages */
    uint64_t prefixes;             /* settings_zone.prefixes */
    struct zone_peers *peers;      /* the settings': borrowed; may be NULL */
    struct zone_access *queries;   /* the same */
};

struct zone_sources {
    struct zone_source *list; /* in canonical order of the apexes */
    size_t count;
};

/* What the `zone_count` entries of `zones`, which stand in the configuration file `config_path`, come to.
 * Reads directories, but no zone. True when there was no error; what is sound is listed either way. To be
 * freed by zone_sources_free(). */
bool zone_sources_list(struct zone_sources *sources, const struct settings_zone *zones, size_t zone_count,
                       const char *config_path, struct findings *findings);

/* The source of the zone with this apex (any case), or NULL. */
const struct zone_source *zone_sources_find(const struct zone_sources *sources, const uint8_t *apex);

void zone_sources_free(struct zone_sources *sources);

#endif
