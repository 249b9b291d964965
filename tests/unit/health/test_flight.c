/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Everything that changed a verdict can be judged again from its record alone.
 */
#include "health/flight.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct verdict_rules rules = {.fall = 3,
                                           .rise = 5,
                                           .first_rise = 1,
                                           .stale_ms = 2500,
                                           .hold_down_ms = 5000,
                                           .hold_down_max_ms = 600000,
                                           .window = 20,
                                           .window_fall = 10,
                                           .suspect_ms = 10000,
                                           .calm_ms = 600000};

static uint32_t random_bits(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static struct verdict_input random_input(uint32_t *seed)
{
    struct verdict_input input = {.kind = VERDICT_ROUND};
    uint32_t r = random_bits(seed);
    if (r % 50 == 0)
        input.kind = (enum verdict_kind)(1 + r / 50 % 5);
    input.local_good = r / 300 % 4 != 0;
    input.shared_good = r / 1200 % 5 != 0;
    input.suspect = r / 6000 % 3 == 0;
    input.excuse_ms = r % 100;
    return input;
}

/* Whatever happens: through JSON text and back, and judged again, it is what it was. */
START_TEST(replays_to_the_same)
{
    struct verdict_state s = {0};
    struct mono now = {(int64_t)1 << 40};
    uint32_t seed = 42u + (uint32_t)_i;
    unsigned changes = 0;
    for (int i = 0; i < 20000; i++) {
        struct flight_record record = {.at = now, .rules = rules, .before = s, .prefix = "203.0.113.0/24"};
        struct flight_record again;
        const char *why = NULL;
        record.input = random_input(&seed);
        record.after = verdict_step(&s, &rules, now, &record.input);
        changes += record.after != record.before.verdict;
        json_t *json = flight_as_json(&record);
        char *text = json_dumps(json, JSON_COMPACT);
        json_decref(json);
        json = json_loads(text, 0, NULL);
        ck_assert_msg(flight_of_json(json, &again, &why), "%s: %s", why, text);
        ck_assert_int_eq(again.after, record.after);
        ck_assert_int_eq(flight_replay(&again), record.after);
        json_decref(json);
        free(text);
        now = mono_add_ms(now, random_bits(&seed) % 900);
    }
    ck_assert_uint_gt(changes, 10);
}
END_TEST

static struct flight_record some_record(void)
{
    struct flight_record record = {.at = {123456789},
                                   .rules = rules,
                                   .prefix = "everything",
                                   .why = "a \"reason\"",
                                   .after = VERDICT_BAD};
    record.before.verdict = VERDICT_GOOD;
    record.before.window = UINT64_MAX;
    record.input.kind = VERDICT_FAIL;
    return record;
}

START_TEST(what_is_no_record_is_refused)
{
    static const char *const keys[] = {"at_ns", "prefix", "to", "rules", "before", "input"};
    struct flight_record record = some_record();
    struct flight_record read;
    const char *why = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_t *json = flight_as_json(&record);
        ck_assert(flight_of_json(json, &read, &why));
        json_object_del(json, keys[i]);
        ck_assert(!flight_of_json(json, &read, &why));
        json_object_set_new(json, keys[i], json_integer(-1));
        ck_assert(i == 0 || !flight_of_json(json, &read, &why));
        json_decref(json);
    }
    json_t *json = flight_as_json(&record);
    json_object_set_new(json_object_get(json, "input"), "kind", json_integer(99));
    ck_assert(!flight_of_json(json, &read, &why));
    json_decref(json);
}
END_TEST

static unsigned lines_in(const char *path)
{
    unsigned lines = 0;
    int c;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    while ((c = fgetc(file)) != EOF)
        lines += c == '\n';
    (void)fclose(file);
    return lines;
}

START_TEST(the_file_has_them_and_is_bounded)
{
    char directory[] = "/tmp/hither-flight-XXXXXX";
    char path[64];
    char before[64];
    struct stat st;
    uv_loop_t loop;
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/flight.log", directory);
    (void)snprintf(before, sizeof before, "%s/flight.log.1", directory);
    uv_loop_init(&loop);
    struct flight *flight = flight_open(&loop, directory);
    struct flight_record record = some_record();
    for (int i = 0; i < 3; i++)
        flight_note(flight, &record);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(lines_in(path), 3);
    for (int i = 0; i < 5000; i++) {
        flight_note(flight, &record);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    ck_assert_int_eq(stat(before, &st), 0);
    ck_assert_int_lt(st.st_size, FLIGHT_MOST_OCTETS + 4096);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_lt(st.st_size, FLIGHT_MOST_OCTETS + 4096);
    flight_close(flight);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    (void)unlink(path);
    (void)unlink(before);
    (void)rmdir(directory);
}
END_TEST

/* A place that can't be written costs the record in the file and nothing else. */
START_TEST(failures_are_counted)
{
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct flight *flight = flight_open(&loop, "/nowhere/at/all");
    struct flight_record record = some_record();
    for (int i = 0; i < 1000; i++)
        flight_note(flight, &record);
    uv_run(&loop, UV_RUN_DEFAULT);
    json_t *told = flight_tell(flight, record.at, 16);
    ck_assert_int_eq(json_integer_value(json_object_get(told, "lost")), 1000);
    ck_assert_int_eq(json_integer_value(json_object_get(told, "noted")), 1000);
    ck_assert_uint_eq(json_array_size(json_object_get(told, "changes")), 16);
    json_decref(told);
    flight_close(flight);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health/flight");
    TCase *tests = tcase_create("flight");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, replays_to_the_same, 0, 3);
    tcase_add_test(tests, what_is_no_record_is_refused);
    tcase_add_test(tests, the_file_has_them_and_is_bounded);
    tcase_add_test(tests, failures_are_counted);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
