/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TAIL_OCTETS 8 /* kept free for what closes a line */

static const int priorities[] = {3, 4, 6, 7};

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    return names[level];
}

struct buffer {
    char *start;
    size_t octets;
};

static void put_octets(struct buffer *b, const char *text, size_t octets)
{
    size_t room = LOG_LINE_OCTETS - TAIL_OCTETS - b->octets;
    size_t put = octets < room ? octets : room;
    memcpy(b->start + b->octets, text, put);
    b->octets += put;
}

static void put(struct buffer *b, const char *text)
{
    put_octets(b, text, strlen(text));
}

/* The end of a line, for which there is always room. */
static void close_with(struct buffer *b, const char *text)
{
    memcpy(b->start + b->octets, text, strlen(text));
    b->octets += strlen(text);
}

/* Octets of the character at `text` in UTF-8; 0 when it isn't one. Good enough for a log: what is overlong
 * or a surrogate passes. */
static size_t utf8_octets(const char *text)
{
    unsigned char c = (unsigned char)text[0];
    size_t octets = c < 0x80                ? 1
                    : c >= 0xc2 && c < 0xe0 ? 2
                    : c >= 0xe0 && c < 0xf0 ? 3
                    : c >= 0xf0 && c < 0xf5 ? 4
                                            : 0;
    for (size_t i = 1; i < octets; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
    }
    return octets;
}

/* As JSON has it; logfmt reads the same. An escape is put whole or not at all. */
static void put_escaped(struct buffer *b, const char *text)
{
    size_t octets = 1;
    for (; *text != '\0'; text += octets) {
        char escape[8] = {0};
        unsigned char c = (unsigned char)*text;
        octets = utf8_octets(text);
        memcpy(escape, octets > 0 ? text : "?", octets > 0 ? octets : 1);
        octets = octets > 0 ? octets : 1;
        if (c == '"' || c == '\\')
            (void)snprintf(escape, sizeof escape, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            (void)snprintf(escape, sizeof escape, "\\u%04x", c);
        if (strlen(escape) > LOG_LINE_OCTETS - TAIL_OCTETS - 1 - b->octets)
            return;
        put(b, escape);
    }
}

static void put_time(struct buffer *b, int64_t unix_ms)
{
    char text[40];
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm;
    (void)gmtime_r(&seconds, &tm);
    size_t octets = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text + octets, sizeof text - octets, ".%03dZ", (int)(unix_ms % 1000));
    put(b, text);
}

static bool is_plain(const char *value)
{
    return value[0] != '\0' &&
           strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:/@+%") ==
               strlen(value);
}

static void put_pair(struct buffer *b, const char *name, const char *value)
{
    size_t room = LOG_LINE_OCTETS - TAIL_OCTETS - b->octets;
    if (strlen(name) + 4 > room)
        return;
    put(b, b->octets > 0 ? " " : "");
    put(b, name);
    put(b, "=");
    if (is_plain(value) && strlen(value) < LOG_LINE_OCTETS - TAIL_OCTETS - b->octets) {
        put(b, value);
        return;
    }
    put(b, "\"");
    put_escaped(b, value);
    put(b, "\"");
}

static void put_member(struct buffer *b, const char *name, const char *value)
{
    if (strlen(name) + 7 > LOG_LINE_OCTETS - TAIL_OCTETS - b->octets)
        return;
    put(b, b->octets > 1 ? ",\"" : "\"");
    put(b, name);
    put(b, "\":\"");
    put_escaped(b, value);
    put(b, "\"");
}

static void put_text(struct buffer *b, const struct log_line *line)
{
    char prefix[8];
    (void)snprintf(prefix, sizeof prefix, "<%d>", priorities[line->level]);
    put(b, line->priority ? prefix : "");
    put(b, line->who);
    put(b, ": ");
    put(b, log_level_name(line->level));
    put(b, ": ");
    for (const char *c = line->message; *c != '\0'; c++)
        put_octets(b, *c == '\n' ? " " : c, 1);
    for (size_t i = 0; i < line->field_count; i++)
        put_pair(b, line->fields[i].name, line->fields[i].value);
}

static void put_fields(struct buffer *b, const struct log_line *line, const char *message,
                       void (*one)(struct buffer *b, const char *name, const char *value))
{
    char time[40];
    struct buffer t = {time, 0};
    put_time(&t, line->unix_ms);
    time[t.octets] = '\0';
    one(b, "time", time);
    one(b, "level", log_level_name(line->level));
    one(b, "part", line->who);
    one(b, message, line->message);
    for (size_t i = 0; i < line->field_count; i++)
        one(b, line->fields[i].name, line->fields[i].value);
}

size_t log_line_put(enum log_form form, const struct log_line *line, char *to)
{
    struct buffer b = {to, 0};
    switch (form) {
    case LOG_FORM_TEXT:
        put_text(&b, line);
        break;
    case LOG_FORM_LOGFMT:
        put_fields(&b, line, "msg", put_pair);
        break;
    case LOG_FORM_JSON:
        put(&b, "{");
        put_fields(&b, line, "message", put_member);
        close_with(&b, "}");
        break;
    }
    close_with(&b, "\n");
    return b.octets;
}

/* A field whole or not at all. */
static void put_journal(struct buffer *b, const char *prefix, const char *name, const char *value)
{
    size_t octets = strlen(value);
    size_t names = strlen(prefix) + strlen(name);
    if (names + octets + 10 > LOG_LINE_OCTETS - TAIL_OCTETS - b->octets)
        return;
    put(b, prefix);
    for (const char *c = name; *c != '\0'; c++) {
        char upper = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        put_octets(b, &upper, 1);
    }
    if (strchr(value, '\n') == NULL) {
        put(b, "=");
    } else { /* a line end, eight octets of length, little-endian, the value */
        put(b, "\n");
        for (unsigned i = 0; i < 8; i++) {
            char octet = (char)(octets >> (8 * i) & 0xff);
            put_octets(b, &octet, 1);
        }
    }
    put(b, value);
    put(b, "\n");
}

size_t log_line_put_journal(const struct log_line *line, char *to)
{
    struct buffer b = {to, 0};
    char message[2048];
    char priority[4];
    (void)snprintf(priority, sizeof priority, "%d", priorities[line->level]);
    (void)snprintf(message, sizeof message, "%s", line->message);
    put_journal(&b, "", "priority", priority);
    put_journal(&b, "", "syslog_identifier", "hitherd");
    put_journal(&b, "", "message", message);
    put_journal(&b, "HITHER_", "part", line->who);
    for (size_t i = 0; i < line->field_count; i++)
        put_journal(&b, "HITHER_", line->fields[i].name, line->fields[i].value);
    return b.octets;
}
