/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *log_who = "hither";
static enum log_level log_most = LOG_LEVEL_INFO;
static bool log_to_journal;

void log_open(const char *who, enum log_level most)
{
    log_who = who;
    log_most = most;
    log_to_journal = getenv("JOURNAL_STREAM") != NULL;
}

/* Where in a line of `size` octets the next character goes after snprintf() said `wrote`; never past the last
 * one. */
static size_t log_advance(size_t at, int wrote, size_t size)
{
    size_t end = at + (wrote > 0 ? (size_t)wrote : 0);
    return end < size - 1 ? end : size - 1;
}

void log_write(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    static const int priorities[] = {3, 4, 6, 7};
    char line[1024];
    size_t at = 0;
    va_list args;

    if (level > log_most)
        return;
    if (log_to_journal)
        at = log_advance(at, snprintf(line, sizeof line, "<%d>", priorities[level]), sizeof line);
    at = log_advance(at, snprintf(line + at, sizeof line - at, "%s: %s: ", log_who, names[level]),
                     sizeof line);
    va_start(args, format);
    at = log_advance(at, vsnprintf(line + at, sizeof line - at, format, args), sizeof line);
    va_end(args);
    line[at] = '\n';
    if (write(STDERR_FILENO, line, at + 1) < 0)
        return; /* Nowhere left to say so. */
}
