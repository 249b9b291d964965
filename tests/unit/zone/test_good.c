/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/good.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LONG_S 3600

static char state[64];

static char *path_of(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", state, name);
    return path;
}

/* As the cache writes: another file takes the name. */
static void save(const char *name, const char *text)
{
    char next[300];
    (void)snprintf(next, sizeof next, "%s.next", path_of(name));
    FILE *file = fopen(next, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(rename(next, path_of(name)), 0);
}

/* What stands in the file; empty: there is none. */
static const char *text_of(const char *name)
{
    static char text[64];
    FILE *file = fopen(path_of(name), "r");
    size_t octets = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL)
        (void)fclose(file);
    text[octets] = '\0';
    return text;
}

static int settle(int64_t seconds)
{
    return zone_good_settle(state, (int64_t)time(NULL) + seconds, "settings", strlen("settings"));
}

static void begin(void)
{
    (void)snprintf(state, sizeof state, "/tmp/test-good-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(state));
    ck_assert_int_eq(mkdir(path_of("zones"), 0700), 0);
    save("zones/a.image", "a1");
    save("zones/b.image", "b1");
}

static void end(void)
{
    static const char *const names[] = {"zones/a.image", "zones/b.image", "good/zones/a.image",
                                        "good/zones/b.image", "good/hither.yaml"};
    static const char *const directories[] = {"good/zones", "good", "zones"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unlink(path_of(names[i]));
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
        (void)rmdir(path_of(directories[i]));
    ck_assert_int_eq(rmdir(state), 0); /* nothing else was left */
}

START_TEST(what_is_served_is_kept)
{
    ck_assert_int_eq(settle(0), 0);
    ck_assert_str_eq(text_of("good/zones/a.image"), "a1");
    ck_assert_str_eq(text_of("good/zones/b.image"), "b1");
    ck_assert_str_eq(text_of("good/hither.yaml"), "settings");
}
END_TEST

START_TEST(newer_images_leave_it_alone_until_they_are_good)
{
    ck_assert_int_eq(settle(0), 0);
    save("zones/a.image", "a2");
    ck_assert_str_eq(text_of("good/zones/a.image"), "a1");
    ck_assert_int_eq(settle(-LONG_S), 0); /* it was written after that */
    ck_assert_str_eq(text_of("good/zones/a.image"), "a1");
    ck_assert_int_eq(settle(0), 0);
    ck_assert_str_eq(text_of("good/zones/a.image"), "a2");
    ck_assert_str_eq(text_of("good/zones/b.image"), "b1");
}
END_TEST

START_TEST(zones_that_are_gone_are_forgotten)
{
    ck_assert_int_eq(settle(0), 0);
    ck_assert_int_eq(unlink(path_of("zones/b.image")), 0);
    ck_assert_str_eq(text_of("good/zones/b.image"), "b1");
    ck_assert_int_eq(settle(0), 0);
    ck_assert_str_eq(text_of("good/zones/b.image"), "");
}
END_TEST

START_TEST(without_a_cache_nothing_is_good)
{
    char was[sizeof state];
    memcpy(was, state, sizeof was);
    (void)snprintf(state, sizeof state, "/tmp/test-good-none-%d", (int)getpid());
    ck_assert_int_lt(settle(0), 0);
    ck_assert_int_eq(mkdir(state, 0700), 0);
    ck_assert_int_lt(settle(0), 0);
    (void)rmdir(path_of("good/zones"));
    (void)rmdir(path_of("good"));
    ck_assert_int_eq(rmdir(state), 0);
    memcpy(state, was, sizeof was);
    ck_assert_str_eq(text_of("good/hither.yaml"), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zone/good");
    TCase *tests = tcase_create("good");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, what_is_served_is_kept);
    tcase_add_test(tests, newer_images_leave_it_alone_until_they_are_good);
    tcase_add_test(tests, zones_that_are_gone_are_forgotten);
    tcase_add_test(tests, without_a_cache_nothing_is_good);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
