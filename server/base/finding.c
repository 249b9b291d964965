/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/finding.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool findings_grow(struct findings *findings)
{
    if (findings->count < findings->capacity)
        return true;
    size_t capacity = findings->capacity > 0 ? findings->capacity * 2 : 8;
    struct finding *list = realloc(findings->list, capacity * sizeof *list);
    if (list == NULL)
        return false;
    findings->list = list;
    findings->capacity = capacity;
    return true;
}

void findings_add(struct findings *findings, enum finding_level level, const char *file, uint32_t line,
                  const char *format, ...)
{
    char *text = NULL;
    va_list args;

    if (level == FINDING_ERROR)
        findings->errors++;
    if (findings->count >= FINDINGS_MAX || !findings_grow(findings)) {
        findings->left_out++;
        return;
    }
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    char *where = strdup(file);
    if (text == NULL || where == NULL) {
        free(text);
        free(where);
        findings->left_out++;
        return;
    }
    findings->list[findings->count++] = (struct finding){level, where, line, text};
}

char *finding_to_text(const struct finding *finding, char *text, size_t size)
{
    const char *level = finding->level == FINDING_ERROR ? "error" : "warning";
    if (finding->line > 0)
        (void)snprintf(text, size, "%s:%u: %s: %s", finding->file, finding->line, level, finding->text);
    else
        (void)snprintf(text, size, "%s: %s: %s", finding->file, level, finding->text);
    return text;
}

void findings_log(const struct findings *findings)
{
    char text[900];
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->list[i];
        log_write(f->level == FINDING_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "%s",
                  finding_to_text(f, text, sizeof text));
    }
    if (findings->left_out > 0)
        log_warn("%zu more findings are not shown", findings->left_out);
}

void findings_free(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->list[i].file);
        free(findings->list[i].text);
    }
    free(findings->list);
    *findings = (struct findings){0};
}
