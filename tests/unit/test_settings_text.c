/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char first[] = "server:\n"
                            "  identity: one\n"
                            "  listen: [127.0.0.1@5353]\n"
                            "  workers: 2\n"
                            "zones: []\n";
static const char second[] = "server:\n"
                             "  identity: two\n"
                             "  listen: [127.0.0.1@5354]\n"
                             "  workers: 3\n"
                             "zones: []\n";

static struct settings *parse(const char *text)
{
    struct findings findings = {0};
    struct settings *settings = settings_parse(text, strlen(text), "/tmp/hither.yaml", &findings);
    ck_assert_ptr_nonnull(settings);
    findings_free(&findings);
    return settings;
}

START_TEST(both_processes_read_the_same)
{
    struct findings findings = {0};
    int fd = memfd_create("test", MFD_CLOEXEC);
    struct settings_text text = {strdup(first), sizeof first - 1};
    ck_assert_int_eq(settings_text_put(fd, &text), 0);
    settings_text_free(&text);
    struct settings *settings = settings_text_get(fd, "/tmp/hither.yaml", &findings);
    ck_assert_ptr_nonnull(settings);
    ck_assert_str_eq(settings->server.identity, "one");
    settings_free(settings);

    /* A shorter text leaves nothing of the longer one. */
    text = (struct settings_text){strdup("zones: ["), 8};
    ck_assert_int_eq(settings_text_put(fd, &text), 0);
    settings_text_free(&text);
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), 8);
    ck_assert_ptr_null(settings_text_get(fd, "/tmp/hither.yaml", &findings));
    ck_assert_uint_gt(findings.errors, 0);
    findings_free(&findings);
    close(fd);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    struct findings findings = {0};
    struct settings_text text;
    ck_assert_ptr_null(settings_text_read("/nonexistent/hither.yaml", &text, &findings));
    ck_assert_uint_eq(findings.errors, 1);
    ck_assert_str_eq(findings.list[0].file, "/nonexistent/hither.yaml");
    settings_text_free(&text);
    ck_assert_ptr_null(settings_text_read("/", &text, &findings));
    ck_assert_uint_eq(findings.errors, 2);
    settings_text_free(&text);
    findings_free(&findings);
}
END_TEST

START_TEST(what_takes_a_restart_is_named)
{
    struct findings findings = {0};
    struct settings *a = parse(first);
    struct settings *b = parse(second);
    settings_text_warn_of_restart(a, a, &findings);
    ck_assert_uint_eq(findings.count, 0);
    settings_text_warn_of_restart(a, b, &findings);
    ck_assert_uint_eq(findings.count, 2);
    ck_assert_uint_eq(findings.errors, 0);
    ck_assert_ptr_nonnull(strstr(findings.list[0].text, "server.listen"));
    ck_assert_ptr_nonnull(strstr(findings.list[1].text, "server.workers"));
    findings_free(&findings);
    settings_free(a);
    settings_free(b);
}
END_TEST

START_TEST(what_was_bound_stays)
{
    struct settings *a = parse(first);
    struct settings *b = parse(second);
    settings_text_swap_bound(a, b);
    ck_assert_str_eq(b->server.identity, "two");
    ck_assert_uint_eq(b->server.workers, 2);
    ck_assert_uint_eq(ntohs(b->server.listen[0].in4.sin_port), 5353);
    settings_text_swap_bound(a, b);
    ck_assert_str_eq(a->server.identity, "one");
    ck_assert_uint_eq(a->server.workers, 2);
    ck_assert_uint_eq(b->server.workers, 3);
    settings_free(a);
    settings_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings_text");
    TCase *tests = tcase_create("text");
    tcase_add_test(tests, both_processes_read_the_same);
    tcase_add_test(tests, a_file_that_is_not_there_is_named);
    tcase_add_test(tests, what_takes_a_restart_is_named);
    tcase_add_test(tests, what_was_bound_stays);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
