/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Real files in a temporary directory, a real loop and libuv's pool; what is in force is read from the set.
 */
#include "zone/reload.h"

#include "base/stats.h"
#include "wire/name.h"
#include "zone/cache.h"
#include "zone/image.h"
#include "zone/set.h"
#include "zone/text.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOUND(serial) "$TTL 60\n@ SOA ns. h. " serial " 2 3 4 5\n@ NS ns.\n"

static char directory[64];
static uv_loop_t loop;
static struct shared_up *up;
static struct zone_reload *reload;
static struct settings settings;
static struct settings_zone zones[8];

/* What the last callback said; findings as one text. */
static struct {
    unsigned calls;
    struct zone_report report;
    char findings[4096];
    char json[8192];
} told;

static char *path_of(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void file_write(const char *name, const char *text)
{
    char temporary[300];
    (void)snprintf(temporary, sizeof temporary, "%s.new", path_of(name));
    FILE *file = fopen(temporary, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(rename(temporary, path_of(name)), 0);
}

static void zone_set(size_t i, const char *name, const char *file)
{
    free(zones[i].name);
    free(zones[i].file);
    zones[i] =
        (struct settings_zone){.name = strdup(name), .file = strdup(path_of(file)), .line = (uint32_t)i + 1};
    settings.zones = zones;
    if (settings.zone_count <= i)
        settings.zone_count = i + 1;
}

static void setup(void)
{
    strcpy(directory, "/tmp/hither-reload-XXXXXX"); /* NOLINT: it fits */
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    up = calloc(1, offsetof(struct shared_up, zones) + 16 * sizeof(struct shared_zone));
    ck_assert_ptr_nonnull(up);
    reload = zone_reload_new(&loop, up);
    ck_assert_ptr_nonnull(reload);
    settings = (struct settings){.path = strdup(path_of("hither.yaml"))};
    settings.server.state_dir = strdup(directory);
    memset(zones, 0, sizeof zones);
    memset(&told, 0, sizeof told);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void teardown(void)
{
    zone_reload_close(reload);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    zone_set_publish(NULL);
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        free(zones[i].name);
        free(zones[i].file);
        free(zones[i].directory);
    }
    free(settings.path);
    free(settings.server.state_dir);
    free(up);
    (void)nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void on_done(const struct zone_report *report, void *arg)
{
    (void)arg;
    told.calls++;
    told.report = *report;
    told.findings[0] = '\0';
    (void)snprintf(told.json, sizeof told.json, "%s", report->json);
    for (size_t i = 0; i < report->findings->count; i++) {
        size_t at = strlen(told.findings);
        finding_to_text(&report->findings->list[i], told.findings + at, sizeof told.findings - at - 1);
        strcat(told.findings, "\n"); /* NOLINT: room was left */
    }
}

static void run(const char *only, enum zone_reload_mode mode)
{
    unsigned before = told.calls;
    ck_assert_int_eq(zone_reload_run(reload, &settings, only, mode, on_done, NULL), 0);
    ck_assert_uint_eq(told.calls, before);
    ck_assert(zone_reload_is_running(reload));
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(told.calls, before + 1);
    ck_assert(!zone_reload_is_running(reload));
}

/* The serial being served of the zone, 0 when it isn't. */
static uint32_t serial_of(const char *name)
{
    uint8_t apex[NAME_MAX_OCTETS];
    const struct zone_set *set = zone_set_current();
    name_from_text(apex, name);
    for (size_t i = 0; set != NULL && i < zone_set_count(set); i++) {
        if (name_equal(zone_image_apex(zone_set_at(set, i)), apex))
            return zone_image_serial(zone_set_at(set, i));
    }
    return 0;
}

static const struct shared_zone *table_of(const char *name)
{
    uint8_t apex[NAME_MAX_OCTETS];
    name_from_text(apex, name);
    ck_assert_uint_eq(up->zone_sequence % 2, 0);
    for (uint32_t i = 0; i < up->zone_count; i++) {
        if (name_equal(up->zones[i].apex, apex))
            return &up->zones[i];
    }
    return NULL;
}

START_TEST(starts_and_keeps)
{
    file_write("a", SOUND("1"));
    file_write("b", SOUND("2") "$INCLUDE inc\n");
    file_write("inc", "x A 192.0.2.1\n");
    zone_set(0, "B.example", "b");
    zone_set(1, "a.example.", "a");
    run(NULL, ZONE_RELOAD_START);
    ck_assert_msg(told.report.ok && told.report.published, "%s", told.findings);
    ck_assert_uint_eq(told.report.loaded, 2);
    ck_assert_uint_eq(told.report.records, 5);
    ck_assert_uint_eq(serial_of("a.example"), 1);
    ck_assert_uint_eq(serial_of("b.example"), 2);
    ck_assert_uint_eq(up->zone_count, 2);
    ck_assert_uint_eq(table_of("b.example")->state, SHARED_ZONE_SERVED);
    ck_assert_uint_eq(table_of("b.example")->serial, 2);
    ck_assert_uint_gt(table_of("b.example")->image_octets, 0);
    ck_assert_ptr_nonnull(strstr(told.json, "\"loaded\":2"));

    run(NULL, ZONE_RELOAD_AGAIN);
    ck_assert_uint_eq(told.report.kept, 2);
    ck_assert(told.report.ok);

    file_write("inc", "y A 192.0.2.1\ny A 192.0.2.2\n");
    run(NULL, ZONE_RELOAD_AGAIN);
    ck_assert_uint_eq(told.report.kept, 1);
    ck_assert_uint_eq(told.report.loaded, 1);
    ck_assert_uint_eq(told.report.records, 6);
    ck_assert_ptr_nonnull(strstr(told.findings, "serial is still 2"));
}
END_TEST

START_TEST(a_start_with_an_error_publishes_nothing)
{
    file_write("a", SOUND("1"));
    file_write("b", SOUND("2") "x A 192.0.2\n");
    zone_set(0, "a.example", "a");
    zone_set(1, "b.example", "b");
    run(NULL, ZONE_RELOAD_START);
    ck_assert(!told.report.ok);
    ck_assert(!told.report.published);
    ck_assert_ptr_nonnull(strstr(told.findings, "b:4: error: A data \"192.0.2\""));
    ck_assert_ptr_null(zone_set_current());
    ck_assert_uint_eq(up->zone_count, 0);
}
END_TEST

START_TEST(a_broken_zone_stays_as_it_was)
{
    file_write("a", SOUND("1"));
    file_write("b", SOUND("1"));
    zone_set(0, "a.example", "a");
    zone_set(1, "b.example", "b");
    run(NULL, ZONE_RELOAD_START);
    ck_assert(told.report.ok);
    file_write("a", SOUND("2") "x A\n");
    file_write("b", SOUND("2"));
    file_write("c", "nothing");
    zone_set(2, "c.example", "c");
    run(NULL, ZONE_RELOAD_AGAIN);
    ck_assert(!told.report.ok);
    ck_assert(told.report.published);
    ck_assert_uint_eq(told.report.stale, 1);
    ck_assert_uint_eq(told.report.failed, 1);
    ck_assert_uint_eq(serial_of("a.example"), 1);
    ck_assert_uint_eq(serial_of("b.example"), 2);
    ck_assert_uint_eq(serial_of("c.example"), 0);
    ck_assert_uint_eq(table_of("a.example")->state, SHARED_ZONE_STALE);
    ck_assert_uint_eq(table_of("a.example")->serial, 1);
    ck_assert_uint_eq(table_of("c.example")->state, SHARED_ZONE_FAILED);

    /* The error is told again as long as it is there, */
    run(NULL, ZONE_RELOAD_AGAIN);
    ck_assert_uint_eq(told.report.stale, 1);
    ck_assert_ptr_nonnull(strstr(told.findings, "a:4: error"));
    /* and the text of the image that is served is as good as a new one. */
    file_write("a", SOUND("1"));
    file_write("c", SOUND("3"));
    run(NULL, ZONE_RELOAD_AGAIN);
    ck_assert_msg(told.report.ok, "%s", told.findings);
    ck_assert_uint_eq(table_of("a.example")->state, SHARED_ZONE_SERVED);
    ck_assert_uint_eq(serial_of("c.example"), 3);

    unlink(path_of("a"));
    run(NULL, ZONE_RELOAD_AGAIN);
    ck_assert_uint_eq(serial_of("a.example"), 1);
    ck_assert_ptr_nonnull(strstr(told.findings, "can't be read: No such file"));
}
END_TEST

START_TEST(zones_come_and_go)
{
    file_write("a", SOUND("1"));
    file_write("b", SOUND("2"));
    zone_set(0, "a.example", "a");
    run(NULL, ZONE_RELOAD_START);
    zone_set(0, "b.example", "b");
    run(NULL, ZONE_RELOAD_AGAIN);
    ck_assert(told.report.ok);
    ck_assert_uint_eq(told.report.removed, 1);
    ck_assert_uint_eq(told.report.zones, 1);
    ck_assert_uint_eq(serial_of("a.example"), 0);
    ck_assert_uint_eq(serial_of("b.example"), 2);
    settings.zone_count = 0;
    run(NULL, ZONE_RELOAD_AGAIN);
    ck_assert(told.report.published);
    ck_assert_uint_eq(told.report.zones, 0);
    ck_assert_uint_eq(up->zone_count, 0);
}
END_TEST

static unsigned counter_of(const char *name)
{
    uint8_t apex[NAME_MAX_OCTETS];
    ck_assert_uint_gt(name_from_text(apex, name), 0);
    long at = zone_set_find(zone_set_current(), apex);
    ck_assert_int_ge(at, 0);
    return zone_image_counter(zone_set_at(zone_set_current(), (size_t)at));
}

/* A zone's queries are counted in the same place for as long as it is configured, whatever its image. */
START_TEST(each_zone_keeps_its_counter)
{
    file_write("a", SOUND("1"));
    file_write("b", SOUND("1"));
    file_write("c", SOUND("1"));
    zone_set(0, "a.example", "a");
    zone_set(1, "c.example", "c");
    run(NULL, ZONE_RELOAD_START);
    unsigned a = counter_of("a.example");
    unsigned c = counter_of("c.example");
    ck_assert(a > 0 && c > 0 && a != c);
    ck_assert_uint_eq(up->zones[0].counter, a);
    file_write("c", SOUND("2"));
    zone_set(2, "b.example", "b");
    run(NULL, ZONE_RELOAD_AGAIN);
    ck_assert_uint_eq(counter_of("a.example"), a);
    ck_assert_uint_eq(counter_of("c.example"), c);
    unsigned b = counter_of("b.example");
    ck_assert(b > 0 && b != a && b != c);
    file_write("c", "broken");
    run("c.example", ZONE_RELOAD_AGAIN);
    ck_assert_uint_eq(counter_of("c.example"), c);
    ck_assert_uint_eq(counter_of("b.example"), b);
}
END_TEST

START_TEST(one_zone_alone)
{
    file_write("a", SOUND("1"));
    file_write("b", SOUND("1"));
    zone_set(0, "a.example", "a");
    zone_set(1, "b.example", "b");
    run(NULL, ZONE_RELOAD_START);
    file_write("a", SOUND("2"));
    file_write("b", SOUND("2"));
    run("B.Example.", ZONE_RELOAD_AGAIN);
    ck_assert(told.report.ok);
    ck_assert_uint_eq(told.report.loaded, 1);
    ck_assert_uint_eq(told.report.zones, 2);
    ck_assert_uint_eq(serial_of("a.example"), 1);
    ck_assert_uint_eq(serial_of("b.example"), 2);
    file_write("0", SOUND("3"));
    zone_set(2, "0.example", "0");
    run("0.example", ZONE_RELOAD_AGAIN);
    ck_assert_uint_eq(told.report.zones, 3);
    ck_assert_uint_eq(serial_of("0.example"), 3);
    run("nosuch.example", ZONE_RELOAD_AGAIN);
    ck_assert(!told.report.ok);
    ck_assert_ptr_nonnull(strstr(told.findings, "no zone \"nosuch.example\""));
    run("..", ZONE_RELOAD_AGAIN);
    ck_assert(!told.report.ok);
    ck_assert_uint_eq(told.report.zones, 3);
    run(NULL, ZONE_RELOAD_AGAIN);
    ck_assert_uint_eq(serial_of("a.example"), 2);
}
END_TEST

START_TEST(a_wrong_list_takes_no_zone_away)
{
    file_write("a", SOUND("1"));
    zone_set(0, "a.example", "a");
    run(NULL, ZONE_RELOAD_START);
    free(zones[0].name);
    free(zones[0].file);
    zones[0] = (struct settings_zone){.directory = strdup("/nonexistent"), .line = 7};
    run(NULL, ZONE_RELOAD_AGAIN);
    ck_assert(!told.report.ok);
    ck_assert(!told.report.published);
    ck_assert_ptr_nonnull(strstr(told.findings, "hither.yaml:7: error: the directory /nonexistent"));
    ck_assert_uint_eq(serial_of("a.example"), 1);
}
END_TEST

static void restart(void)
{
    zone_reload_close(reload);
    zone_set_publish(NULL);
    reload = zone_reload_new(&loop, up);
    ck_assert_ptr_nonnull(reload);
}

START_TEST(the_cache_serves_what_has_not_changed)
{
    file_write("a", SOUND("1"));
    file_write("b", SOUND("1"));
    zone_set(0, "a.example", "a");
    zone_set(1, "b.example", "b");
    run(NULL, ZONE_RELOAD_START);
    ck_assert_uint_eq(told.report.loaded, 2);
    file_write("b", SOUND("2"));
    restart();
    run(NULL, ZONE_RELOAD_START);
    ck_assert_msg(told.report.ok, "%s", told.findings);
    ck_assert_uint_eq(told.report.cached, 1);
    ck_assert_uint_eq(told.report.loaded, 1);
    ck_assert_uint_eq(serial_of("a.example"), 1);
    ck_assert_uint_eq(serial_of("b.example"), 2);
}
END_TEST

/* Puts the image of what `file` holds now into the cache as if it had been made from `text`. */
static void cache_deceive(const char *apex_text, const char *file, const char *text)
{
    uint8_t apex[NAME_MAX_OCTETS];
    struct zone_cached cached;
    struct zone_stamps stamps;
    struct zone_text read;
    ck_assert_uint_gt(name_from_text(apex, apex_text), 0);
    ck_assert(zone_cache_open(&cached, directory, apex));
    struct zone_image *image = zone_cache_read(&cached);
    ck_assert_ptr_nonnull(image);
    zone_cache_close(&cached);
    file_write(file, text);
    usleep(100000); /* more than a tick of the file system's clock */
    ck_assert_int_eq(zone_text_load(&read, path_of(file)), 0);
    ck_assert_int_eq(zone_stamps_of(&stamps, &read), 0);
    ck_assert(zone_stamps_hold(&stamps));
    ck_assert_int_eq(zone_cache_save(directory, image, &stamps), 0);
    zone_stamps_free(&stamps);
    zone_text_free(&read);
    zone_image_release(image);
}

/* Where the stamps hold nobody looks at the text; a change that keeps size and time of writing is seen. */
START_TEST(stamps_in_the_cache_speak_for_the_text)
{
    struct stat before;
    struct timespec times[2];
    file_write("a", SOUND("1"));
    zone_set(0, "a.example", "a");
    run(NULL, ZONE_RELOAD_START);
    cache_deceive("a.example", "a", SOUND("2"));
    restart();
    run(NULL, ZONE_RELOAD_START);
    ck_assert_uint_eq(told.report.cached, 1);
    ck_assert_uint_eq(serial_of("a.example"), 1);

    ck_assert_int_eq(stat(path_of("a"), &before), 0);
    times[0] = before.st_atim;
    times[1] = before.st_mtim;
    file_write("a", SOUND("3"));
    ck_assert_int_eq(utimensat(AT_FDCWD, path_of("a"), times, 0), 0);
    restart();
    run(NULL, ZONE_RELOAD_START);
    ck_assert_uint_eq(told.report.loaded, 1);
    ck_assert_uint_eq(serial_of("a.example"), 3);
}
END_TEST

START_TEST(a_spoilt_cache_only_costs_time)
{
    uint8_t apex[NAME_MAX_OCTETS];
    struct stat st;
    file_write("a", SOUND("1"));
    zone_set(0, "a.example", "a");
    run(NULL, ZONE_RELOAD_START);
    name_from_text(apex, "a.example");
    char *path = zone_cache_path(directory, apex);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(truncate(path, st.st_size / 2), 0);
    free(path);
    restart();
    run(NULL, ZONE_RELOAD_START);
    ck_assert(told.report.ok);
    ck_assert_uint_eq(told.report.loaded, 1);
    ck_assert_uint_eq(serial_of("a.example"), 1);
}
END_TEST

START_TEST(a_state_directory_that_is_not_there_is_a_warning)
{
    file_write("a", SOUND("1"));
    file_write("b", SOUND("1"));
    zone_set(0, "a.example", "a");
    zone_set(1, "b.example", "b");
    free(settings.server.state_dir);
    settings.server.state_dir = strdup("/nonexistent/state");
    run(NULL, ZONE_RELOAD_START);
    ck_assert(told.report.ok);
    const char *warning = strstr(told.findings, "/nonexistent/state: warning");
    ck_assert_ptr_nonnull(warning);

    ck_assert_ptr_null(strstr(warning + 1, "/nonexistent"));
    ck_assert_uint_eq(serial_of("a.example"), 1);
}
END_TEST

START_TEST(recovers_from_the_cache_whatever_the_source_says)
{
    file_write("a", SOUND("1"));
    file_write("b", SOUND("1"));
    zone_set(0, "a.example", "a");
    zone_set(1, "b.example", "b");
    run(NULL, ZONE_RELOAD_START);
    file_write("a", "broken");
    unlink(path_of("b"));
    file_write("c", SOUND("3"));
    zone_set(2, "c.example", "c");
    restart();
    run(NULL, ZONE_RELOAD_RECOVER);
    ck_assert(told.report.ok);
    ck_assert_uint_eq(told.report.cached, 2);
    ck_assert_uint_eq(told.report.loaded, 1);
    ck_assert_uint_eq(serial_of("a.example"), 1);
    ck_assert_uint_eq(serial_of("b.example"), 1);
    ck_assert_uint_eq(serial_of("c.example"), 3);
    run(NULL, ZONE_RELOAD_AGAIN);
    ck_assert_uint_eq(told.report.stale, 2);
    ck_assert_uint_eq(serial_of("a.example"), 1);
    ck_assert_uint_eq(serial_of("b.example"), 1);
}
END_TEST

static void count_call(const struct zone_report *report, void *arg)
{
    ck_assert(report->ok);
    ++*(unsigned *)arg;
}

START_TEST(requests_during_a_run_become_one)
{
    unsigned first = 0;
    unsigned others = 0;
    file_write("a", SOUND("1"));
    file_write("b", SOUND("1"));
    zone_set(0, "a.example", "a");
    zone_set(1, "b.example", "b");
    ck_assert_int_eq(zone_reload_run(reload, &settings, NULL, ZONE_RELOAD_START, count_call, &first), 0);
    ck_assert_int_eq(zone_reload_run(reload, &settings, "a.example", ZONE_RELOAD_AGAIN, count_call, &others),
                     0);
    ck_assert_int_eq(zone_reload_run(reload, &settings, "b.example", ZONE_RELOAD_AGAIN, on_done, NULL), 0);
    ck_assert_int_eq(zone_reload_run(reload, &settings, "b.example", ZONE_RELOAD_AGAIN, count_call, &others),
                     0);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(first, 1);
    ck_assert_uint_eq(others, 2);
    ck_assert_uint_eq(told.calls, 1);
    ck_assert_uint_eq(told.report.kept, 2); /* both zones, as a and b were asked for */
}
END_TEST

START_TEST(closing_during_a_run_calls_nobody)
{
    file_write("a", SOUND("1"));
    zone_set(0, "a.example", "a");
    ck_assert_int_eq(zone_reload_run(reload, &settings, NULL, ZONE_RELOAD_START, on_done, NULL), 0);
    ck_assert_int_eq(zone_reload_run(reload, &settings, NULL, ZONE_RELOAD_AGAIN, on_done, NULL), 0);
    restart();
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(told.calls, 0);
}
END_TEST

START_TEST(many_zones)
{
    enum { ZONES = 300 };
    char name[32];
    ck_assert_int_eq(mkdir(path_of("d"), 0755), 0);
    for (unsigned i = 0; i < ZONES; i++) {
        (void)snprintf(name, sizeof name, "d/z%u.example.zone", i);
        file_write(name, i % 100 == 99 ? "broken" : SOUND("1"));
    }
    zones[0] = (struct settings_zone){.directory = strdup(path_of("d"))};
    settings.zones = zones;
    settings.zone_count = 1;
    free(up);
    up = NULL;
    zone_reload_close(reload);
    reload = zone_reload_new(&loop, NULL);
    run(NULL, ZONE_RELOAD_AGAIN);
    ck_assert(!told.report.ok);
    ck_assert_uint_eq(told.report.loaded, ZONES - 3);
    ck_assert_uint_eq(told.report.failed, 3);
    ck_assert_uint_eq(serial_of("z0.example"), 1);
    ck_assert_uint_eq(serial_of("z99.example"), 0);
}
END_TEST

/* Zones for which no counter is left share one. */
START_TEST(counters_are_bounded)
{
    char name[32];
    unsigned shared = 0;
    ck_assert_int_eq(mkdir(path_of("d"), 0755), 0);
    for (unsigned i = 0; i < STATS_ZONES + 5; i++) {
        (void)snprintf(name, sizeof name, "d/z%u.zone", i);
        file_write(name, SOUND("1"));
    }
    zones[0] = (struct settings_zone){.directory = strdup(path_of("d"))};
    settings.zones = zones;
    settings.zone_count = 1;
    free(up);
    up = NULL;
    zone_reload_close(reload);
    reload = zone_reload_new(&loop, NULL);
    run(NULL, ZONE_RELOAD_START);
    ck_assert_uint_eq(zone_set_count(zone_set_current()), STATS_ZONES + 5);
    for (size_t i = 0; i < STATS_ZONES + 5; i++) {
        unsigned counter = zone_image_counter(zone_set_at(zone_set_current(), i));
        ck_assert_uint_lt(counter, STATS_ZONES);
        shared += counter == 0;
    }
    ck_assert_uint_eq(shared, 6); /* with the shared one itself, which no zone has alone */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zone/reload");
    TCase *tcase = tcase_create("reload");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, starts_and_keeps);
    tcase_add_test(tcase, a_start_with_an_error_publishes_nothing);
    tcase_add_test(tcase, a_broken_zone_stays_as_it_was);
    tcase_add_test(tcase, zones_come_and_go);
    tcase_add_test(tcase, each_zone_keeps_its_counter);
    tcase_add_test(tcase, counters_are_bounded);
    tcase_add_test(tcase, one_zone_alone);
    tcase_add_test(tcase, a_wrong_list_takes_no_zone_away);
    tcase_add_test(tcase, the_cache_serves_what_has_not_changed);
    tcase_add_test(tcase, stamps_in_the_cache_speak_for_the_text);
    tcase_add_test(tcase, a_spoilt_cache_only_costs_time);
    tcase_add_test(tcase, a_state_directory_that_is_not_there_is_a_warning);
    tcase_add_test(tcase, recovers_from_the_cache_whatever_the_source_says);
    tcase_add_test(tcase, requests_during_a_run_become_one);
    tcase_add_test(tcase, closing_during_a_run_calls_nobody);
    tcase_add_test(tcase, many_zones);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
