/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One line per event: to standard error, or to the journal by its native protocol (one datagram of fields).
 * Lines have one of three forms:
 *
 *     text    server: warning: zone example.com: ...     under systemd with the <N> prefix of sd-daemon(3)
 *     logfmt  time=... level=warning part=server msg="..." key=value
 *     json    {"time":"...","level":"warning","part":"server","message":"...","key":"value"}
 *
 * What repeats itself is bounded: of messages that differ in numbers alone, LOG_BURST in LOG_WINDOW_MS are
 * written, and then how many more there were. Thread-safe: a line is one write(2) or one send(2).
 */
#ifndef HITHER_BASE_LOG_H
#define HITHER_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_BURST     20
#define LOG_WINDOW_MS 10000
#define LOG_JOURNAL   "/run/systemd/journal/socket"

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

enum log_form {
    LOG_FORM_TEXT,
    LOG_FORM_LOGFMT,
    LOG_FORM_JSON,
};

struct log_settings {
    enum log_level level;
    enum log_form form;
    char target[108]; /* path of a socket that takes the journal's protocol; "": standard error */
};

/* A fact beside the message. Names are of [a-z0-9_], and don't begin with a digit. */
struct log_field {
    const char *name;
    const char *value;
};

/* Names this half of the program in every line; `who` must be a string that lives on. Called once, before
 * threads. Text on standard error, until log_configure(). */
void log_open(const char *who, enum log_level most);

/* Goes on as `settings` say. False, and everything goes to standard error, when the target can't be reached;
 * then it is tried again at the next call. One thread at a time. */
bool log_configure(const struct log_settings *settings);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with `count` fields, and without a bound on repetition: for whoever counts himself. */
void log_record(enum log_level level, const char *message, const struct log_field *fields, size_t count);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* The bound on repetition, pure. Zero-initialised is ready. */
#define LOG_KINDS 64
struct log_limit {
    struct log_kind {
        uint64_t hash; /* of the message without its digits; 0: free */
        int64_t since_ms;
        uint32_t count;
    } kinds[LOG_KINDS];
};

/* Whether the message may be written at `now_ms`. `missed` becomes how many like it weren't in the window
 * before. */
bool log_limit_allows(struct log_limit *limit, const char *message, int64_t now_ms, uint32_t *missed);

#endif
