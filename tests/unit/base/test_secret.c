/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/secret.h"

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether the kernel leaves the page of this address out of cores: "dd" in its VmFlags (proc(5)). */
static bool is_left_out(const void *memory)
{
    char line[512];
    uintptr_t from = 0;
    uintptr_t to = 0;
    FILE *maps = fopen("/proc/self/smaps", "r");
    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        char *end;
        uintptr_t start = strtoul(line, &end, 16);
        if (*end == '-' && end > line) {
            from = start;
            to = strtoul(end + 1, NULL, 16);
        } else if ((uintptr_t)memory >= from && (uintptr_t)memory < to &&
                   strncmp(line, "VmFlags:", strlen("VmFlags:")) == 0) {
            (void)fclose(maps);
            return strstr(line, " dd") != NULL;
        }
    }
    ck_abort_msg("no mapping holds it");
}

START_TEST(all_of_it_is_left_out_of_cores)
{
    static const size_t sizes[] = {1, 80, 4096, 4097, 300000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *memory = secret_new(sizes[i]);
        ck_assert_ptr_nonnull(memory);
        for (size_t at = 0; at < sizes[i]; at++)
            ck_assert_int_eq(memory[at], 0);
        ck_assert(is_left_out(memory));
        ck_assert(is_left_out(memory + sizes[i] - 1));
        secret_free(memory, sizes[i]);
    }
}
END_TEST

START_TEST(others_memory_is_in_cores)
{
    char *others = malloc(300000);
    ck_assert_ptr_nonnull(others);
    memset(others, 1, 300000);
    ck_assert(!is_left_out(others));
    free(others);
}
END_TEST

START_TEST(there_may_be_nothing_or_too_much)
{
    secret_free(NULL, 0);
    ck_assert_ptr_null(secret_new(SIZE_MAX));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("secret");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, all_of_it_is_left_out_of_cores);
    tcase_add_test(tests, others_memory_is_in_cores);
    tcase_add_test(tests, there_may_be_nothing_or_too_much);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
