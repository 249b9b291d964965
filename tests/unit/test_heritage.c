/* SPDX-License-Identifier: BSD-2-Clause */
#include "heritage.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(octets_come_back_whole_or_not_at_all)
{
    const uint8_t octets[] = {0, 1, 0xab, 0xff};
    uint8_t back[5] = {0};
    json_t *object = json_object();
    (void)json_object_set_new(object, "octets", heritage_octets(octets, sizeof octets));
    (void)json_object_set_new(object, "none", heritage_octets(octets, 0));
    (void)json_object_set_new(object, "nonsense", json_string("0g"));
    ck_assert(heritage_octets_get(object, "octets", back, 4));
    ck_assert_mem_eq(back, octets, 4);
    ck_assert(heritage_octets_get(object, "none", back, 0));
    ck_assert(!heritage_octets_get(object, "octets", back, 3));
    ck_assert(!heritage_octets_get(object, "octets", back, 5));
    ck_assert(!heritage_octets_get(object, "nonsense", back, 1));
    ck_assert(!heritage_octets_get(object, "missing", back, 1));
    json_decref(object);
}
END_TEST

START_TEST(descriptors_are_ours_alone_from_then_on)
{
    int fd = open("/dev/null", O_RDONLY);
    ck_assert_int_gt(fd, STDERR_FILENO);
    json_t *object = json_pack("{s:i, s:i, s:i, s:s}", "fd", fd, "closed", 1 << 20, "stdin", 0, "text", "3");
    ck_assert_int_eq(heritage_fd(object, "fd"), fd);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(heritage_fd(object, "closed"), -1);
    ck_assert_int_eq(heritage_fd(object, "stdin"), -1);
    ck_assert_int_eq(heritage_fd(object, "text"), -1);
    ck_assert_int_eq(heritage_fd(NULL, "fd"), -1);
    json_decref(object);
    close(fd);
}
END_TEST

START_TEST(a_program_that_is_not_there_changes_nothing)
{
    char name[] = "hitherd";
    char *arguments[] = {name, NULL};
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    json_t *text = json_object();
    ck_assert_int_eq(heritage_leave("/nonexistent/hitherd", arguments, text, &fd, 1), -ENOENT);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_ptr_null(heritage_read());
    json_decref(text);
    close(fd);
}
END_TEST

START_TEST(nonsense_is_no_heritage)
{
    const char *numbers[] = {"", "soon", "0", "2", "1048576", "-1"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        (void)setenv(HERITAGE_VARIABLE, numbers[i], 1);
        ck_assert_ptr_null(heritage_read());
        ck_assert_ptr_null(getenv(HERITAGE_VARIABLE));
    }
    ck_assert_int_ge(fcntl(STDERR_FILENO, F_GETFD), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("heritage");
    TCase *tests = tcase_create("heritage");
    tcase_add_test(tests, octets_come_back_whole_or_not_at_all);
    tcase_add_test(tests, descriptors_are_ours_alone_from_then_on);
    tcase_add_test(tests, a_program_that_is_not_there_changes_nothing);
    tcase_add_test(tests, nonsense_is_no_heritage);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
