/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is wrong with a source text: a configuration or a zone file. Collected rather than thrown at the first
 * one, so that `hither check` shows all of them; printed everywhere in the same form: FILE:LINE: error: what,
 * and what to write instead.
 */
#ifndef HITHER_BASE_FINDING_H
#define HITHER_BASE_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum finding_level {
    FINDING_ERROR,   /* refused: what is being served stays */
    FINDING_WARNING, /* served all the same */
};

struct finding {
    enum finding_level level;
    char *file;    /* owned */
    uint32_t line; /* from 1; 0: the whole file */
    char *text;    /* owned; one line, no closing dot needed */
};

/* Zero-initialised is empty and ready. Keeps at most FINDINGS_MAX and counts the rest. */
#define FINDINGS_MAX 200

struct findings {
    struct finding *list;
    size_t count;
    size_t capacity;
    size_t left_out;
    size_t errors;
};

void findings_add(struct findings *findings, enum finding_level level, const char *file, uint32_t line,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* One line of it into `text`, cut to `size`: "FILE:LINE: error: TEXT". Returns `text`. */
char *finding_to_text(const struct finding *finding, char *text, size_t size);

/* Writes them all to the log. */
void findings_log(const struct findings *findings);

void findings_free(struct findings *findings);

#endif
