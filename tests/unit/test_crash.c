/* SPDX-License-Identifier: BSD-2-Clause */
#include "crash.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct shared_up *up;

static void setup(void)
{
    int fd = shared_create("test-up", sizeof *up);
    ck_assert_int_ge(fd, 0);
    up = shared_map(fd, sizeof *up, true);
    ck_assert_ptr_nonnull(up);
    close(fd);
}

static const struct crash_story story = {
    .why = "the server was ended by signal 11 (Segmentation fault)",
    .pid = 4711,
    .lived_ms = 1234,
    .row = 3,
    .unix_ms = 1767225599123, /* 2025-12-31T23:59:59.123Z */
    .server = "chicago",
};

static union settings_address client(uint16_t port)
{
    union settings_address address = {.in4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
    address.in4.sin_addr.s_addr = htonl(0xc0000201);
    return address;
}

static const char *text_of(const struct crash *crash)
{
    static char text[65536];
    FILE *out = fmemopen(text, sizeof text, "w");
    ck_assert_ptr_nonnull(out);
    crash_write(crash, out);
    (void)fclose(out);
    return text;
}

static void put_udp(struct flight *flight, size_t at, const char *bytes)
{
    size_t octets = strlen(bytes);
    memcpy(flight->udp[at], bytes, octets);
    flight->udp_octets[at] = (uint16_t)octets;
    flight->udp_clients[at] = client((uint16_t)(1000 + at));
}

START_TEST(what_was_being_answered_is_told)
{
    const union settings_address over_tcp = client(2000);
    uint8_t long_query[FLIGHT_TCP_OCTETS + 88];
    memset(long_query, 'x', sizeof long_query);
    up->worker_count = 2;
    put_udp(&up->flights[1], 0, "first query, here");
    put_udp(&up->flights[1], 1, "\x01\xff");
    flight_begin_udp(&up->flights[1], 2);
    flight_begin_tcp(&up->flights[0], &over_tcp, long_query, sizeof long_query);

    struct crash *crash = crash_take(&story, up);
    ck_assert_ptr_nonnull(crash);
    ck_assert_uint_eq(crash_queries(crash), 3);
    ck_assert_str_eq(crash_name(crash), "crash-20251231T235959.123Z.txt");
    const char *text = text_of(crash);
    static const char *const parts[] = {
        "at chicago: the server was ended by signal 11 (Segmentation fault)\n",
        "# 2025-12-31T23:59:59.123Z, process 4711, after 1234 ms; death 3 in a row\n",
        "# queries that were being answered: 3\n",
        "\n# worker 0, from 192.0.2.1@2000 over TCP, 600 octets, of which the first 512\n"
        "000000  78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78  xxxxxxxxxxxxxxxx\n",
        "\n# worker 1, from 192.0.2.1@1000 over UDP, 17 octets\n"
        "000000  66 69 72 73 74 20 71 75 65 72 79 2c 20 68 65 72  first.query,.her\n"
        "000010  65                                               e\n",
        "\n# worker 1, from 192.0.2.1@1001 over UDP, 2 octets\n000000  01 ff ",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        ck_assert_msg(strstr(text, parts[i]) != NULL, "%s\nisn't in\n%s", parts[i], text);
    crash_free(crash);
}
END_TEST

START_TEST(what_is_answered_is_forgotten)
{
    const union settings_address over_tcp = client(2000);
    up->worker_count = 1;
    put_udp(&up->flights[0], 0, "query");
    flight_begin_udp(&up->flights[0], 1);
    flight_end_udp(&up->flights[0]);
    flight_begin_tcp(&up->flights[0], &over_tcp, (const uint8_t *)"query", 5);
    flight_end_tcp(&up->flights[0]);
    struct crash *crash = crash_take(&story, up);
    ck_assert_ptr_nonnull(crash);
    ck_assert_uint_eq(crash_queries(crash), 0);
    ck_assert_uint_eq(up->flights[0].batches, 2);
    crash_free(crash);
}
END_TEST

/* A server that lost its mind may have written anything. */
START_TEST(nonsense_is_bounded)
{
    memset(up->flights, 0xff, sizeof up->flights);
    up->worker_count = UINT32_MAX;
    struct crash *crash = crash_take(&story, up);
    ck_assert_ptr_nonnull(crash);
    ck_assert_uint_eq(crash_queries(crash), SETTINGS_MAX_WORKERS * (FLIGHT_BATCH + 1));
    FILE *out = fopen("/dev/null", "w");
    ck_assert_ptr_nonnull(out);
    crash_write(crash, out);
    (void)fclose(out);
    crash_free(crash);
}
END_TEST

static size_t records_in(const char *directory, bool *has_other)
{
    size_t count = 0;
    DIR *list = opendir(directory);
    ck_assert_ptr_nonnull(list);
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        count += strncmp(entry->d_name, "crash-", 6) == 0;
        *has_other = *has_other || strcmp(entry->d_name, "other.txt") == 0;
    }
    (void)closedir(list);
    return count;
}

static void remove_directory(const char *directory)
{
    char path[512];
    DIR *list = opendir(directory);
    ck_assert_ptr_nonnull(list);
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        (void)unlink(path);
    }
    (void)closedir(list);
    ck_assert_int_eq(rmdir(directory), 0);
}

START_TEST(the_oldest_records_go)
{
    char directory[] = "/tmp/hither-test-crash-XXXXXX";
    char path[128];
    bool has_other = false;
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/other.txt", directory);
    FILE *other = fopen(path, "w");
    ck_assert_ptr_nonnull(other);
    (void)fclose(other);
    struct crash_story again = story;
    for (int i = 0; i < CRASH_MOST_FILES + 5; i++) {
        again.unix_ms += 1000;
        struct crash *crash = crash_take(&again, up);
        ck_assert_ptr_nonnull(crash);
        ck_assert_int_eq(crash_save(crash, directory), 0);
        (void)snprintf(path, sizeof path, "%s/%s", directory, crash_name(crash));
        ck_assert_int_eq(access(path, F_OK), 0);
        crash_free(crash);
    }
    ck_assert_uint_eq(records_in(directory, &has_other), CRASH_MOST_FILES);
    ck_assert(has_other);
    remove_directory(directory);
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_told_of)
{
    struct crash *crash = crash_take(&story, up);
    ck_assert_ptr_nonnull(crash);
    ck_assert_int_lt(crash_save(crash, "/nonexistent/directory"), 0);
    crash_free(crash);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crash");
    TCase *tests = tcase_create("crash");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, what_was_being_answered_is_told);
    tcase_add_test(tests, what_is_answered_is_forgotten);
    tcase_add_test(tests, nonsense_is_bounded);
    tcase_add_test(tests, the_oldest_records_go);
    tcase_add_test(tests, a_directory_that_is_not_there_is_told_of);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
