/* SPDX-License-Identifier: BSD-2-Clause */
#include "spawn.h"

#include <check.h>
#include <stdlib.h>

START_TEST(descriptors_are_read)
{
    struct spawn_descriptors d;
    ck_assert(spawn_descriptors_read("3,4,50,6,1", &d));
    ck_assert_int_eq(d.down, 3);
    ck_assert_int_eq(d.up, 4);
    ck_assert_int_eq(d.channel, 50);
    ck_assert_int_eq(d.text, 6);
    ck_assert(d.first);
    ck_assert(spawn_descriptors_read("3,4,5,6,0", &d));
    ck_assert(!d.first);
}
END_TEST

static const char *const unsound[] = {
    "",
    "x",
    "3",
    "3,4,5,6",
    "3,4,5,6,",
    "3,4,5,6,x",
    "3,4,5,6,0,1",
    "3,,5,6,0",
    "-1,4,5,6,0",
    "99999999999999999999,4,5,6,0",
    "3;4;5;6;0",
    "3,4,5,6,0 ",
    "3,4,5,6.0,",
    "2000000000,4,5,6,0",
};

START_TEST(what_is_unsound_is_refused)
{
    struct spawn_descriptors d;
    ck_assert_msg(!spawn_descriptors_read(unsound[_i], &d), "%s", unsound[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spawn");
    TCase *tests = tcase_create("descriptors");
    tcase_add_test(tests, descriptors_are_read);
    tcase_add_loop_test(tests, what_is_unsound_is_refused, 0, sizeof unsound / sizeof unsound[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
