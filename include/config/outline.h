/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The first look at a configuration: YAML text -> where everything stands, and what is wrong with its shape.
 * One pass over libyaml's events, led by the schema: a key that isn't known (with the nearest that is), a key
 * written twice, a list where a text belongs. It stops at once where nesting is deeper than any configuration
 * needs, and takes no aliases, so a small text can't grow into a large one.
 */
#ifndef HITHER_CONFIG_OUTLINE_H
#define HITHER_CONFIG_OUTLINE_H

#include "base/finding.h"

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outline_mark {
    char *path; /* "server.listen[1]" */
    uint32_t line;
};

/* Zero-initialised is empty and ready. */
struct outline {
    struct outline_mark *marks; /* sorted by path */
    size_t count;
    size_t capacity;
};

/* Fills `outline` from `text`, which stands in `file`. False when the shape is such that the text can't be
 * loaded by the schema; `findings` has the reason. Unknown keys are findings, but don't hinder loading. */
bool outline_read(struct outline *outline, const char *text, size_t octets, const char *file,
                  const cyaml_schema_value_t *schema, struct findings *findings);

/* The line of what stands at `path`; 0 when there is nothing. */
uint32_t outline_line(const struct outline *outline, const char *path);

void outline_free(struct outline *outline);

#endif
