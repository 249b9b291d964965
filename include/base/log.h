/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One line per event on standard error: LEVEL, the program's half (announcer, server, ...), the message.
 * Under systemd (JOURNAL_STREAM) lines carry the <N> priority prefix of sd-daemon(3). Thread-safe: a line is
 * one write(2).
 */
#ifndef HITHER_BASE_LOG_H
#define HITHER_BASE_LOG_H

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* Names this half of the program in every line; `who` must be a string that lives on. Called once, before
 * threads. */
void log_open(const char *who, enum log_level most);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
