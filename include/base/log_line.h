/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A line of the log in each of its forms, and the journal's datagram. Pure: time in, octets out. What doesn't
 * fit is cut, and the form stays whole: quotes are closed, and no value can begin another field or line.
 */
#ifndef HITHER_BASE_LOG_LINE_H
#define HITHER_BASE_LOG_LINE_H

#include "base/log.h"

#define LOG_LINE_OCTETS 4096

struct log_line {
    enum log_level level;
    const char *who;
    const char *message;
    const struct log_field *fields;
    size_t field_count;
    int64_t unix_ms;
    bool priority; /* text with the <N> prefix */
};

/* Writes the line with its line end into `to` of LOG_LINE_OCTETS; octets. */
size_t log_line_put(enum log_form form, const struct log_line *line, char *to);

/* The same for the journal: NAME=value lines; a value with a line end has its length before it. */
size_t log_line_put_journal(const struct log_line *line, char *to);

const char *log_level_name(enum log_level level);

#endif
