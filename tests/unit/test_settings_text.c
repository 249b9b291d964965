/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings_text.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
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
    struct settings_text text = {.text = strdup(first), .octets = sizeof first - 1};
    ck_assert_int_eq(settings_text_put(fd, &text), 0);
    settings_text_free(&text);
    struct settings *settings = settings_text_get(fd, "/tmp/hither.yaml", &findings);
    ck_assert_ptr_nonnull(settings);
    ck_assert_str_eq(settings->server.identity, "one");
    settings_free(settings);

    /* A shorter text leaves nothing of the longer one. */
    text = (struct settings_text){.text = strdup("zones: ["), .octets = 8};
    ck_assert_int_eq(settings_text_put(fd, &text), 0);
    settings_text_free(&text);
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), 8);
    ck_assert_ptr_null(settings_text_get(fd, "/tmp/hither.yaml", &findings));
    ck_assert_uint_gt(findings.errors, 0);
    findings_free(&findings);
    close(fd);
}
END_TEST

static void write_file(const char *directory, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, 0600), 0);
}

static void remove_file(const char *directory, const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    ck_assert_int_eq(unlink(path), 0);
}

static const char with_secrets[] = "server:\n"
                                   "  listen: [127.0.0.1@5353]\n"
                                   "  cookie-secret-file: cookies\n"
                                   "keys:\n"
                                   "  - name: xfr\n"
                                   "    secret-file: credential:xfr\n"
                                   "announce:\n"
                                   "  backend: bgp\n"
                                   "  local-as: 64512\n"
                                   "  prefixes: [127.0.0.0/8]\n"
                                   "  neighbors:\n"
                                   "    - address: 192.0.2.1\n"
                                   "      remote-as: 64500\n"
                                   "      md5-password-file: bgp\n"
                                   "fleet:\n"
                                   "  key-file: fleet\n"
                                   "  peers: [192.0.2.10, 192.0.2.11]\n";

START_TEST(each_process_has_its_own_secrets_alone)
{
    static const uint8_t cookie[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const char *const files[] = {"hither.yaml", "cookies", "xfr", "bgp", "fleet"};
    char directory[] = "/tmp/hither-secrets-XXXXXX";
    char path[128];
    struct findings findings = {0};
    struct settings_text text;
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/hither.yaml", directory);
    write_file(directory, "hither.yaml", with_secrets);
    write_file(directory, "cookies", "000102030405060708090a0b0c0d0e0f # staged next week\n");
    write_file(directory, "xfr", "aGl0aGVyIGFuZCB0aGl0aGVyLCBmb3IgbG9uZw==\n");
    write_file(directory, "bgp", "password\n");
    write_file(directory, "fleet", "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f\n");
    (void)setenv("CREDENTIALS_DIRECTORY", directory, 1);

    struct settings *announcers = settings_text_read(path, &text, &findings);
    ck_assert_ptr_nonnull(announcers);
    ck_assert_str_eq(announcers->announce.neighbors[0].md5_password, "password");
    ck_assert_uint_eq(announcers->fleet.keys.count, 1);
    ck_assert(sodium_is_zero(announcers->server.cookies.octets[0], COOKIE_SECRET_OCTETS));
    ck_assert(sodium_is_zero(announcers->keys.list[0].secret, sizeof announcers->keys.list[0].secret));
    settings_free(announcers);

    /* What becomes of the files is nothing to the server. */
    int fd = memfd_create("test", MFD_CLOEXEC);
    ck_assert_int_eq(settings_text_put(fd, &text), 0);
    ck_assert(settings_text_is(fd, &text));
    settings_text_free(&text);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        remove_file(directory, files[i]);
    struct settings *servers = settings_text_get(fd, path, &findings);
    ck_assert_msg(servers != NULL, "%s", findings.count > 0 ? findings.list[0].text : "");
    ck_assert_uint_eq(servers->server.cookies.count, 1);
    ck_assert_mem_eq(servers->server.cookies.octets[0], cookie, sizeof cookie);
    ck_assert_mem_eq(servers->keys.list[0].secret, "hither and thither, for long", 28);
    ck_assert_ptr_null(servers->announce.neighbors[0].md5_password);
    ck_assert_uint_eq(servers->fleet.keys.count, 0);
    settings_free(servers);
    findings_free(&findings);
    close(fd);
    (void)unsetenv("CREDENTIALS_DIRECTORY");
    (void)rmdir(directory);
}
END_TEST

START_TEST(a_credential_that_is_not_there_is_refused)
{
    static const char *const names[] = {"credential:cookies", "credential:", "credential:../cookies"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[256];
        struct findings findings = {0};
        (void)snprintf(text, sizeof text, "server:\n  listen: [127.0.0.1@5353]\n  cookie-secret-file: '%s'\n",
                       names[i]);
        ck_assert_ptr_null(settings_parse(text, strlen(text), "/tmp/hither.yaml", &findings));
        ck_assert_uint_eq(findings.errors, 1);
        const struct finding *last =
            &findings.list[findings.count - 1]; /* behind a warning that has no line */
        ck_assert_uint_eq(last->line, 3);
        ck_assert_ptr_nonnull(strstr(last->text, "LoadCredential="));
        findings_free(&findings);
    }
}
END_TEST

START_TEST(octets_that_are_no_vault_are_refused)
{
    static const char *const packed[] = {"path", "path\0001", "path\0001\0text"};
    static const size_t octets[] = {4, 6, 11};
    for (size_t i = 0; i < sizeof octets / sizeof *octets; i++) {
        struct vault vault = {0};
        ck_assert(!vault_unpack(&vault, packed[i], octets[i]));
        vault_empty(&vault);
    }
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
    b->server.cookies = (struct cookie_secrets){.count = 1, .octets = {{2}}};
    b->server.require_cookies = true;
    settings_text_swap_bound(a, b);
    ck_assert_uint_eq(b->server.cookies.count, 1); /* rolled without a restart */
    ck_assert_uint_eq(b->server.cookies.octets[0][0], 2);
    ck_assert(b->server.require_cookies);
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
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("settings_text");
    TCase *tests = tcase_create("text");
    tcase_add_test(tests, both_processes_read_the_same);
    tcase_add_test(tests, each_process_has_its_own_secrets_alone);
    tcase_add_test(tests, a_credential_that_is_not_there_is_refused);
    tcase_add_test(tests, octets_that_are_no_vault_are_refused);
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
