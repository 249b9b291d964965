/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/signs.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(the_state_is_behind_the_name)
{
    static const struct {
        const char *text;
        char state;
    } cases[] = {
        {"17 (hitherd) R 1 17", 'R'},
        {"17 (a) S) b) T 1 17 17", 'T'},
        {"17 () D 1", 'D'},
        {"", 0},
        {")", 0},
        {"17 (hitherd)", 0},
        {"17 (hitherd) ", 0},
        {"no name at all", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(signs_parse_state(cases[i].text, strlen(cases[i].text)), cases[i].state);
}
END_TEST

START_TEST(we_run)
{
    struct heart_signs before = signs_read(getpid(), gettid());
    ck_assert_int_eq(before.state, 'R');
    struct heart_signs after = before;
    for (volatile unsigned i = 0; after.cpu_ns == before.cpu_ns; i++)
        after = signs_read(getpid(), gettid());
    ck_assert(after.cpu_ns > before.cpu_ns);
}
END_TEST

START_TEST(who_is_stopped_is_seen_to_be)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        for (;;)
            (void)pause();
    int status;
    (void)kill(child, SIGSTOP);
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert_int_eq(signs_read(child, child).state, 'T');
    (void)kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(signs_read(child, child).state, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/signs");
    TCase *tests = tcase_create("signs");
    tcase_add_test(tests, the_state_is_behind_the_name);
    tcase_add_test(tests, we_run);
    tcase_add_test(tests, who_is_stopped_is_seen_to_be);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
