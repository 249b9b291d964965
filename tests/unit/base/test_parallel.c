/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/parallel.h"

#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>

#define PARTS_MOST 1000

static atomic_int done[PARTS_MOST + 1];

static void part_do(size_t part, void *arg)
{
    ck_assert_ptr_eq(arg, done);
    atomic_fetch_add(&done[part], 1);
}

START_TEST(each_part_once)
{
    static const size_t counts[] = {0, 1, 2, PARALLEL_MOST, PARTS_MOST};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (size_t part = 0; part <= PARTS_MOST; part++)
            atomic_store(&done[part], 0);
        parallel_run(counts[i], part_do, done);
        for (size_t part = 0; part <= PARTS_MOST; part++)
            ck_assert_int_eq(atomic_load(&done[part]), part < counts[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/parallel");
    TCase *tests = tcase_create("parallel");
    tcase_add_test(tests, each_part_once);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
