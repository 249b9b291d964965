/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include "base/log_line.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_OCTETS 1024

static struct {
    pthread_mutex_t lock;
    const char *who;
    struct log_settings settings;
    bool priority;  /* systemd reads our standard error */
    int journal_fd; /* connected; below 0: standard error */
    struct log_limit limit;
} logging = {.lock = PTHREAD_MUTEX_INITIALIZER,
             .who = "hither",
             .settings = {.level = LOG_LEVEL_INFO},
             .journal_fd = -1};

void log_open(const char *who, enum log_level most)
{
    logging.who = who;
    logging.settings.level = most;
    logging.priority = getenv("JOURNAL_STREAM") != NULL;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t octets = strnlen(path, sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, octets);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool log_configure(const struct log_settings *settings)
{
    int fd = settings->target[0] != '\0' ? connect_to(settings->target) : -1;
    pthread_mutex_lock(&logging.lock);
    int before = logging.journal_fd;
    logging.journal_fd = fd;
    logging.settings = *settings;
    pthread_mutex_unlock(&logging.lock);
    if (before >= 0)
        close(before);
    return fd >= 0 || settings->target[0] == '\0';
}

/* FNV-1a, digits left out: what differs in numbers alone is the same kind. */
static uint64_t kind_of(const char *message)
{
    uint64_t hash = 14695981039346656037U;
    for (; *message != '\0'; message++) {
        if (*message < '0' || *message > '9')
            hash = (hash ^ (unsigned char)*message) * 1099511628211U;
    }
    return hash != 0 ? hash : 1;
}

bool log_limit_allows(struct log_limit *limit, const char *message, int64_t now_ms, uint32_t *missed)
{
    uint64_t hash = kind_of(message);
    struct log_kind *kind = &limit->kinds[hash % LOG_KINDS];
    *missed = 0;
    if (kind->hash != hash || now_ms - kind->since_ms >= LOG_WINDOW_MS) {
        if (kind->hash == hash && kind->count > LOG_BURST)
            *missed = kind->count - LOG_BURST;
        *kind = (struct log_kind){hash, now_ms, 0};
    }
    return ++kind->count <= LOG_BURST;
}

static void emit(const struct log_line *line)
{
    char octets[LOG_LINE_OCTETS];
    if (logging.journal_fd >= 0) {
        size_t count = log_line_put_journal(line, octets);
        if (send(logging.journal_fd, octets, count, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return;
    }
    size_t count = log_line_put(logging.settings.form, line, octets);
    if (write(STDERR_FILENO, octets, count) < 0)
        return; /* Nowhere left to say so. */
}

static struct log_line line_of(enum log_level level, const char *message)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (struct log_line){.level = level,
                             .who = logging.who,
                             .message = message,
                             .unix_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
                             .priority = logging.priority};
}

/* Under the lock. */
static void write_bounded(enum log_level level, const char *message)
{
    struct timespec now;
    uint32_t missed;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    bool allowed = log_limit_allows(&logging.limit, message,
                                    (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, &missed);
    struct log_line line = line_of(level, message);
    if (missed > 0) {
        char text[80];
        struct log_line more = line;
        (void)snprintf(text, sizeof text, "%u more like the next one weren't written", missed);
        more.message = text;
        emit(&more);
    }
    if (allowed)
        emit(&line);
}

void log_write(enum log_level level, const char *format, ...)
{
    char message[MESSAGE_OCTETS];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    pthread_mutex_lock(&logging.lock);
    if (level <= logging.settings.level)
        write_bounded(level, message);
    pthread_mutex_unlock(&logging.lock);
}

void log_record(enum log_level level, const char *message, const struct log_field *fields, size_t count)
{
    struct log_line line = line_of(level, message);
    line.fields = fields;
    line.field_count = count;
    pthread_mutex_lock(&logging.lock);
    if (level <= logging.settings.level)
        emit(&line);
    pthread_mutex_unlock(&logging.lock);
}
