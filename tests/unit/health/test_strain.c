/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/strain.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static struct strain strain;
static struct rlimit limit; /* as we found it */

static void begin(void)
{
    strain_open(&strain);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void end(void)
{
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    strain_close(&strain);
}

/* What is told of the check, "good value of". */
static bool is_told_good(const char *name, uint64_t *value, uint64_t *of)
{
    json_t *list = json_array();
    const json_t *check;
    size_t i;
    int good = -1;
    strain_tell(&strain, list);
    json_array_foreach(list, i, check)
    {
        ck_assert_str_eq(json_string_value(json_object_get(check, "class")), "ADVISORY");
        if (strcmp(json_string_value(json_object_get(check, "name")), name) != 0)
            continue;
        good = json_is_true(json_object_get(check, "good"));
        *value = (uint64_t)json_integer_value(json_object_get(check, "value"));
        *of = (uint64_t)json_integer_value(json_object_get(check, "of"));
    }
    json_decref(list);
    ck_assert_msg(good >= 0, "nothing is told of %s", name);
    return good;
}

/* The lowest free number counts. */
START_TEST(descriptors_run_short)
{
    int fds[100];
    uint64_t value;
    uint64_t most;
    struct rlimit small = {.rlim_cur = 100, .rlim_max = limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &small), 0);
    strain_look(&strain);
    ck_assert(is_told_good("descriptors", &value, &most));
    ck_assert_uint_eq(most, 100);
    unsigned before = strain.descriptors;
    size_t count = 0;
    do /* whatever others have left open in between is none of ours */
        ck_assert_int_ge(fds[count] = dup(STDIN_FILENO), 0);
    while (fds[count++] < 89);
    strain_look(&strain);
    ck_assert(is_told_good("descriptors", &value, &most)); /* 90 of 100 are none too many yet */
    ck_assert_uint_eq(value, 90);
    ck_assert_int_ge(fds[count] = dup(STDIN_FILENO), 0);
    strain_look(&strain);
    ck_assert(!is_told_good("descriptors", &value, &most));
    small.rlim_cur = 91; /* not one is free */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &small), 0);
    strain_look(&strain);
    ck_assert(!is_told_good("descriptors", &value, &most));
    ck_assert_uint_eq(value, most);
    for (size_t i = 0; i <= count; i++)
        close(fds[i]);
    strain_look(&strain);
    ck_assert(is_told_good("descriptors", &value, &most));
    ck_assert_uint_eq(value, before);
}
END_TEST

/* In place of /proc/meminfo; each stands after the one before. */
static const struct {
    const char *text;
    bool good;
    uint64_t available, total;
} memories[] = {
    {"MemTotal:        1000 kB\nMemFree:  1 kB\nMemAvailable:     50 kB\n", true, 50, 1000},
    {"MemTotal:        1000 kB\nMemFree: 900 kB\nMemAvailable:     49 kB\n", false, 49, 1000},
    {"MemTotal: 17179869184 kB\nMemAvailable: 17179869183 kB\n", true, 17179869183, 17179869184},
    {"", true, 0, 0}, /* unknown is not short */
    {"nothing of the kind\n", true, 0, 0},
};

START_TEST(memory_runs_short)
{
    uint64_t available;
    uint64_t total;
    int fd = memfd_create("meminfo", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, memories[_i].text, strlen(memories[_i].text)),
                     (ssize_t)strlen(memories[_i].text));
    close(strain.meminfo_fd);
    strain.meminfo_fd = fd;
    strain_look(&strain);
    ck_assert_int_eq(is_told_good("memory-available-kib", &available, &total), memories[_i].good);
    ck_assert_uint_eq(available, memories[_i].available);
    ck_assert_uint_eq(total, memories[_i].total);
}
END_TEST

START_TEST(this_host_has_memory)
{
    uint64_t available;
    uint64_t total;
    strain_look(&strain);
    (void)is_told_good("memory-available-kib", &available, &total);
    ck_assert_uint_gt(available, 0);
    ck_assert_uint_lt(available, total);
}
END_TEST

START_TEST(the_worst_lag_since_the_last_look)
{
    uint64_t worst;
    uint64_t most;
    strain_note_lag(&strain, 249);
    strain_look(&strain);
    ck_assert(is_told_good("loop-lag-ms", &worst, &most));
    strain_note_lag(&strain, 250);
    strain_note_lag(&strain, 3);
    strain_note_lag(&strain, -20);
    ck_assert(is_told_good("loop-lag-ms", &worst, &most)); /* judged at the next look */
    ck_assert_uint_eq(worst, 250);
    ck_assert_uint_eq(most, 250);
    strain_look(&strain);
    ck_assert(!is_told_good("loop-lag-ms", &worst, &most));
    strain_look(&strain);
    ck_assert(is_told_good("loop-lag-ms", &worst, &most));
    ck_assert_uint_eq(worst, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health/strain");
    TCase *tests = tcase_create("strain");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, descriptors_run_short);
    tcase_add_loop_test(tests, memory_runs_short, 0, (int)(sizeof memories / sizeof *memories));
    tcase_add_test(tests, this_host_has_memory);
    tcase_add_test(tests, the_worst_lag_since_the_last_look);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
