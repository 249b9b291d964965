/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/strain.h"

#include "base/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SHORT_OF_DESCRIPTORS_PERCENT 90 /* of what the process may have, in use */
#define SHORT_OF_MEMORY_PERCENT      5  /* of the host's, available */
#define LAG_MS                       250

void strain_open(struct strain *s)
{
    *s = (struct strain){.meminfo_fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC)};
}

void strain_close(struct strain *s)
{
    if (s->meminfo_fd >= 0)
        (void)close(s->meminfo_fd);
    s->meminfo_fd = -1;
}

void strain_note_lag(struct strain *s, int64_t ms)
{
    if (ms > s->worst_lag_ms)
        s->worst_lag_ms = ms;
}

/* The kernel gives the lowest free number, so that says about how many are in use. */
static void strain_count_descriptors(struct strain *s)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    s->descriptors_most = limit.rlim_cur < UINT32_MAX ? (unsigned)limit.rlim_cur : UINT32_MAX;
    s->descriptors = lowest >= 0 ? (unsigned)lowest : s->descriptors_most;
    if (lowest >= 0)
        (void)close(lowest);
}

static uint64_t strain_meminfo(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at != NULL ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void strain_measure_memory(struct strain *s)
{
    char text[1024];
    ssize_t octets = s->meminfo_fd >= 0 ? pread(s->meminfo_fd, text, sizeof text - 1, 0) : -1;
    if (octets <= 0)
        return;
    text[octets] = '\0';
    s->memory_kib = strain_meminfo(text, "MemTotal:");
    s->memory_available_kib = strain_meminfo(text, "MemAvailable:");
}

static void strain_say(bool *was, bool is, const char *what)
{
    if (*was != is)
        log_write(is ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "%s %s", is ? "short of" : "no longer short of",
                  what);
    *was = is;
}

void strain_look(struct strain *s)
{
    strain_count_descriptors(s);
    strain_measure_memory(s);
    strain_say(&s->descriptors_short,
               (uint64_t)s->descriptors * 100 > (uint64_t)s->descriptors_most * SHORT_OF_DESCRIPTORS_PERCENT,
               "descriptors");
    strain_say(&s->memory_short, s->memory_available_kib * 100 < s->memory_kib * SHORT_OF_MEMORY_PERCENT,
               "memory on this host");
    strain_say(&s->lags, s->worst_lag_ms >= LAG_MS, "time: loops are late");
    s->worst_lag_ms = 0;
}

static void tell(json_t *list, const char *name, bool good, uint64_t value, uint64_t most)
{
    json_array_append_new(list,
                          json_pack("{s:s, s:s, s:b, s:I, s:I}", "name", name, "class", "ADVISORY", "good",
                                    (int)good, "value", (json_int_t)value, "of", (json_int_t)most));
}

void strain_tell(const struct strain *s, json_t *list)
{
    tell(list, "descriptors", !s->descriptors_short, s->descriptors, s->descriptors_most);
    tell(list, "memory-available-kib", !s->memory_short, s->memory_available_kib, s->memory_kib);
    tell(list, "loop-lag-ms", !s->lags, (uint64_t)s->worst_lag_ms, LAG_MS);
}
