/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines in each form, whatever is in them, the journal's datagrams, and the bound on repetition.
 */
#include "base/log_line.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char octets[LOG_LINE_OCTETS + 1];

static const char *line_in(enum log_form form, const char *message, const char *name, const char *value)
{
    const struct log_field field = {name, value};
    const struct log_line line = {LOG_LEVEL_WARN, "server",      message, &field,
                                  name != NULL,   1795236570123, false};
    octets[log_line_put(form, &line, octets)] = '\0';
    return octets;
}

START_TEST(text)
{
    ck_assert_str_eq(line_in(LOG_FORM_TEXT, "two\nlines", NULL, NULL), "server: warning: two lines\n");
    ck_assert_str_eq(line_in(LOG_FORM_TEXT, "query", "name", "a\"b."),
                     "server: warning: query name=\"a\\\"b.\"\n");
    const struct log_line line = {.level = LOG_LEVEL_ERROR, .who = "a", .message = "b", .priority = true};
    octets[log_line_put(LOG_FORM_TEXT, &line, octets)] = '\0';
    ck_assert_str_eq(octets, "<3>a: error: b\n");
}
END_TEST

START_TEST(logfmt)
{
    ck_assert_str_eq(line_in(LOG_FORM_LOGFMT, "it went", "prefix", "192.0.2.0/24"),
                     "time=2026-11-21T04:49:30.123Z level=warning part=server msg=\"it went\" "
                     "prefix=192.0.2.0/24\n");
    ck_assert_str_eq(line_in(LOG_FORM_LOGFMT, "x", "name", ""),
                     "time=2026-11-21T04:49:30.123Z level=warning part=server msg=x name=\"\"\n");
}
END_TEST

/* Whatever the values, each line is one object with just these members. */
START_TEST(json_stays_json)
{
    static const char *const values[] = {
        "", "plain", "a\"b\\c", "line\nend\t\x01\x7f", "}{\",\"x\":\"y", "St\xc3\xb6rung"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const char *line = line_in(LOG_FORM_JSON, values[i], "name", values[i]);
        ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
        json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(json != NULL, "%s", line);
        ck_assert_uint_eq(json_object_size(json), 5);
        ck_assert_str_eq(json_string_value(json_object_get(json, "message")), values[i]);
        ck_assert_str_eq(json_string_value(json_object_get(json, "name")), values[i]);
        json_decref(json);
    }
}
END_TEST

START_TEST(what_is_no_utf8_is_no_harm)
{
    json_t *json = json_loads(line_in(LOG_FORM_JSON, "a\xff\xc3", "name", "\xe2\x82"), 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(json_string_value(json_object_get(json, "message")), "a??");
    json_decref(json);
}
END_TEST

/* Cut to what fits, and whole all the same. */
START_TEST(long_ones_are_cut)
{
    static char message[3 * LOG_LINE_OCTETS];
    for (size_t length = LOG_LINE_OCTETS - 200; length < LOG_LINE_OCTETS + 50; length++) {
        memset(message, length % 2 != 0 ? '"' : 'a', length);
        message[length] = '\0';
        for (enum log_form form = LOG_FORM_TEXT; form <= LOG_FORM_JSON; form++) {
            const char *line = line_in(form, message, "key", message);
            ck_assert_uint_le(strlen(line), LOG_LINE_OCTETS);
            ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
        }
        json_t *json = json_loads(octets, 0, NULL);
        ck_assert_msg(json != NULL, "%zu: %s", length, octets + strlen(octets) - 100);
        json_decref(json);
    }
}
END_TEST

START_TEST(journal)
{
    static const char wanted[] =
        "PRIORITY=4\nSYSLOG_IDENTIFIER=hitherd\nMESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n"
        "HITHER_PART=server\nHITHER_CLIENT=192.0.2.1\n";
    const struct log_field field = {"client", "192.0.2.1"};
    const struct log_line line = {LOG_LEVEL_WARN, "server", "two\nlines", &field, 1, 0, false};
    ck_assert_uint_eq(log_line_put_journal(&line, octets), sizeof wanted - 1);
    ck_assert_mem_eq(octets, wanted, sizeof wanted - 1);
}
END_TEST

START_TEST(journal_takes_datagrams)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char directory[] = "/tmp/hither-log-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", directory);
    struct log_settings settings = {.level = LOG_LEVEL_INFO};
    (void)snprintf(settings.target, sizeof settings.target, "%s", address.sun_path);
    ck_assert(!log_configure(&settings)); /* nobody is there yet */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert(log_configure(&settings));
    log_debug("not this");
    log_warn("the %s", "one");
    ssize_t got = recv(fd, octets, sizeof octets - 1, MSG_DONTWAIT);
    ck_assert_int_gt(got, 0);
    octets[got] = '\0';
    ck_assert_ptr_nonnull(strstr(octets, "PRIORITY=4\n"));
    ck_assert_ptr_nonnull(strstr(octets, "\nMESSAGE=the one\n"));
    ck_assert_int_lt(recv(fd, octets, sizeof octets, MSG_DONTWAIT), 0);
    ck_assert(log_configure(&(struct log_settings){.level = LOG_LEVEL_INFO}));
    close(fd);
    (void)unlink(address.sun_path);
    (void)rmdir(directory);
}
END_TEST

START_TEST(repetition_is_bounded)
{
    struct log_limit limit = {0};
    char message[64];
    uint32_t missed;
    unsigned written = 0;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(message, sizeof message, "port %d is taken", i * 37);
        written += log_limit_allows(&limit, message, 1000 + i, &missed);
        ck_assert_uint_eq(missed, 0);
    }
    ck_assert_uint_eq(written, LOG_BURST);
    ck_assert(log_limit_allows(&limit, "something else", 1100, &missed));
    ck_assert(!log_limit_allows(&limit, "port 5 is taken", 1000 + LOG_WINDOW_MS - 1, &missed));
    ck_assert(log_limit_allows(&limit, "port 5 is taken", 1000 + LOG_WINDOW_MS, &missed));
    ck_assert_uint_eq(missed, 100 + 1 - LOG_BURST);
    ck_assert(log_limit_allows(&limit, "port 6 is taken", 1000 + LOG_WINDOW_MS, &missed));
    ck_assert_uint_eq(missed, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/log");
    TCase *tc = tcase_create("log");
    tcase_add_test(tc, text);
    tcase_add_test(tc, logfmt);
    tcase_add_test(tc, json_stays_json);
    tcase_add_test(tc, what_is_no_utf8_is_no_harm);
    tcase_add_test(tc, long_ones_are_cut);
    tcase_add_test(tc, journal);
    tcase_add_test(tc, journal_takes_datagrams);
    tcase_add_test(tc, repetition_is_bounded);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
