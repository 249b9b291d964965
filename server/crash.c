/* SPDX-License-Identifier: BSD-2-Clause */
#include "crash.h"

#include "base/log.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CRASH_PREFIX      "crash-"
#define CRASH_SUFFIX      ".txt"
#define CRASH_WHY_OCTETS  256
#define CRASH_LINE_OCTETS 16 /* of a query, to a line */

struct crash_query {
    unsigned worker;
    bool tcp;
    union settings_address client;
    size_t octets; /* that came */
    size_t kept;
    uint8_t bytes[CRASH_QUERY_OCTETS];
};

struct crash {
    struct crash_story story;
    char why[CRASH_WHY_OCTETS];
    char server[CRASH_WHY_OCTETS];
    char name[CRASH_NAME_OCTETS];
    size_t count;
    struct crash_query *queries;
};

struct crash_work {
    uv_work_t work;
    struct crash *crash;
    int error;
    char directory[PATH_MAX];
};

static uint32_t crash_load(const _Atomic uint32_t *counter)
{
    return atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)counter, memory_order_acquire);
}

/* The dead server wrote these: a count may be anything. */
static size_t crash_udp_count(const struct flight *flight)
{
    uint32_t count = crash_load(&flight->udp_count);
    return count < FLIGHT_BATCH ? count : FLIGHT_BATCH;
}

static void crash_keep(struct crash *crash, struct crash_query query, const uint8_t *bytes, size_t room)
{
    query.kept = query.octets < room ? query.octets : room;
    if (query.kept > CRASH_QUERY_OCTETS)
        query.kept = CRASH_QUERY_OCTETS;
    memcpy(query.bytes, bytes, query.kept);
    crash->queries[crash->count++] = query;
}

static void crash_take_flight(struct crash *crash, unsigned worker, const struct flight *flight)
{
    size_t count = crash_udp_count(flight);
    size_t tcp_octets = crash_load(&flight->tcp_octets);
    for (size_t i = 0; i < count; i++)
        crash_keep(crash,
                   (struct crash_query){
                       .worker = worker, .client = flight->udp_clients[i], .octets = flight->udp_octets[i]},
                   flight->udp[i], FLIGHT_QUERY_OCTETS);
    if (tcp_octets > 0)
        crash_keep(crash,
                   (struct crash_query){
                       .worker = worker, .tcp = true, .client = flight->tcp_client, .octets = tcp_octets},
                   flight->tcp, FLIGHT_TCP_OCTETS);
}

static unsigned crash_workers(const struct shared_up *up)
{
    uint32_t count = crash_load(&up->worker_count);
    return count < SETTINGS_MAX_WORKERS ? count : SETTINGS_MAX_WORKERS;
}

/* In UTC, ISO 8601: in the extended form for people, in the basic form for a file's name. */
static void crash_time_to_text(int64_t unix_ms, bool extended, char *text, size_t octets)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    char whole[32] = "";
    struct tm utc;
    if (gmtime_r(&seconds, &utc) != NULL && extended)
        (void)strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &utc);
    else if (gmtime_r(&seconds, &utc) != NULL)
        (void)strftime(whole, sizeof whole, "%Y%m%dT%H%M%S", &utc);
    (void)snprintf(text, octets, "%s.%03dZ", whole, (int)(unix_ms % 1000));
}

static void crash_choose_name(struct crash *crash)
{
    char when[40];
    crash_time_to_text(crash->story.unix_ms, false, when, sizeof when);
    (void)snprintf(crash->name, sizeof crash->name, CRASH_PREFIX "%s" CRASH_SUFFIX, when);
}

struct crash *crash_take(const struct crash_story *story, const struct shared_up *up)
{
    unsigned workers = crash_workers(up);
    struct crash *crash = calloc(1, sizeof *crash);
    if (crash == NULL)
        return NULL;
    crash->queries = calloc((size_t)workers * (FLIGHT_BATCH + 1) + 1, sizeof *crash->queries);
    if (crash->queries == NULL) {
        free(crash);
        return NULL;
    }
    crash->story = *story;
    (void)snprintf(crash->why, sizeof crash->why, "%s", story->why);
    (void)snprintf(crash->server, sizeof crash->server, "%s", story->server);
    crash_choose_name(crash);
    for (unsigned i = 0; i < workers; i++)
        crash_take_flight(crash, i, &up->flights[i]);
    return crash;
}

void crash_free(struct crash *crash)
{
    if (crash == NULL)
        return;
    free(crash->queries);
    free(crash);
}

const char *crash_name(const struct crash *crash)
{
    return crash->name;
}

size_t crash_queries(const struct crash *crash)
{
    return crash->count;
}

/* OFFSET, octets in hexadecimal, and what of them is text. */
static void crash_write_octets(const uint8_t *bytes, size_t octets, FILE *out)
{
    for (size_t at = 0; at < octets; at += CRASH_LINE_OCTETS) {
        (void)fprintf(out, "%06zx ", at);
        for (size_t i = at; i < at + CRASH_LINE_OCTETS; i++)
            (void)(i < octets ? fprintf(out, " %02x", bytes[i]) : fputs("   ", out));
        (void)fputs("  ", out);
        for (size_t i = at; i < at + CRASH_LINE_OCTETS && i < octets; i++)
            (void)fputc(isgraph(bytes[i]) ? bytes[i] : '.', out);
        (void)fputc('\n', out);
    }
}

static void crash_write_query(const struct crash_query *query, FILE *out)
{
    char client[SETTINGS_ADDRESS_TEXT] = "an unknown client";
    if (query->client.sa.sa_family == AF_INET || query->client.sa.sa_family == AF_INET6)
        (void)settings_address_to_text(&query->client, client);
    (void)fprintf(out, "\n# worker %u, from %s over %s, %zu octets", query->worker, client,
                  query->tcp ? "TCP" : "UDP", query->octets);
    if (query->kept < query->octets)
        (void)fprintf(out, ", of which the first %zu", query->kept);
    (void)fputc('\n', out);
    crash_write_octets(query->bytes, query->kept, out);
}

void crash_write(const struct crash *crash, FILE *out)
{
    const struct crash_story *story = &crash->story;
    char when[40];
    crash_time_to_text(story->unix_ms, true, when, sizeof when);
    (void)fprintf(out, "# hitherd " HITHER_VERSION " at %s: %s\n", crash->server, crash->why);
    (void)fprintf(out, "# %s, process %d, after %" PRId64 " ms; death %u in a row\n", when, (int)story->pid,
                  story->lived_ms, story->row);
    (void)fprintf(out, "# queries that were being answered: %zu\n", crash->count);
    for (size_t i = 0; i < crash->count; i++)
        crash_write_query(&crash->queries[i], out);
}

static int crash_is_record(const struct dirent *entry)
{
    size_t octets = strlen(entry->d_name);
    size_t suffix = strlen(CRASH_SUFFIX);
    return strncmp(entry->d_name, CRASH_PREFIX, strlen(CRASH_PREFIX)) == 0 && octets > suffix &&
           strcmp(entry->d_name + octets - suffix, CRASH_SUFFIX) == 0;
}

/* Names begin with the time: the first are the oldest. */
static void crash_prune(const char *directory, int directory_fd)
{
    struct dirent **list = NULL;
    int count = scandir(directory, &list, crash_is_record, alphasort);
    for (int i = 0; i < count; i++) {
        if (i < count - CRASH_MOST_FILES)
            (void)unlinkat(directory_fd, list[i]->d_name, 0);
        free(list[i]);
    }
    free(list);
}

static int crash_save_at(const struct crash *crash, int directory_fd)
{
    int fd = openat(directory_fd, crash->name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL) {
        int error = -errno;
        if (fd >= 0)
            close(fd);
        return error;
    }
    crash_write(crash, out);
    bool whole = ferror(out) == 0;
    return fclose(out) == 0 && whole ? 0 : -EIO;
}

int crash_save(const struct crash *crash, const char *directory)
{
    int directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory_fd < 0)
        return -errno;
    int error = crash_save_at(crash, directory_fd);
    crash_prune(directory, directory_fd);
    close(directory_fd);
    return error;
}

static void crash_in_pool(uv_work_t *work)
{
    struct crash_work *w = work->data;
    w->error = crash_save(w->crash, w->directory);
}

static void crash_saved(uv_work_t *work, int status)
{
    struct crash_work *w = work->data;
    int error = status < 0 ? status : w->error;
    if (error < 0)
        log_warn("can't write %s/%s: %s", w->directory, w->crash->name, strerror(-error));
    else
        log_info("what the server was working on is in %s/%s: queries: %zu", w->directory, w->crash->name,
                 w->crash->count);
    crash_free(w->crash);
    free(w);
}

void crash_save_later(uv_loop_t *loop, struct crash *crash, const char *directory)
{
    struct crash_work *w = calloc(1, sizeof *w);
    if (w == NULL) {
        crash_free(crash);
        return;
    }
    w->work.data = w;
    w->crash = crash;
    (void)snprintf(w->directory, sizeof w->directory, "%s", directory);
    if (uv_queue_work(loop, &w->work, crash_in_pool, crash_saved) < 0) {
        crash_free(crash);
        free(w);
    }
}
