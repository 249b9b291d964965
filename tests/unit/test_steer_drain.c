/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A drain's note over restarts, by whatever clock, and its end; the announcer is the real one, without a
 * router.
 */
#include "steer.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static struct steer s;
static struct settings settings;
static char directory[64];
static char note[PATH_MAX];

static void start(void)
{
    memset(&s, 0, sizeof s);
    s.settings = &settings;
    ck_assert_int_eq(uv_loop_init(&s.loop), 0);
    s.announcer = announcer_new(&s.loop, &settings, NULL);
    ck_assert_ptr_nonnull(s.announcer);
}

static void leave(void)
{
    if (s.drain.loop != NULL)
        uv_close((uv_handle_t *)&s.drain, NULL);
    announcer_stop(s.announcer, NULL, NULL);
    ck_assert_int_eq(uv_run(&s.loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&s.loop), 0);
    json_decref(s.heritage);
}

static void begin(void)
{
    memset(&settings, 0, sizeof settings);
    (void)snprintf(directory, sizeof directory, "/tmp/hither-drain-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(note, sizeof note, "%s/drain", directory);
    settings.server.state_dir = directory;
    start();
}

static void end(void)
{
    leave();
    (void)unlink(note);
    ck_assert_int_eq(rmdir(directory), 0); /* nothing else is left */
}

static void restart(void)
{
    leave();
    start();
    steer_drain_start(&s);
}

static bool ends_by_itself(void)
{
    return uv_is_active((uv_handle_t *)&s.drain);
}

static void ck_assert_reason(const char *reason)
{
    json_t *status = announcer_status(s.announcer, mono_now());
    ck_assert_str_eq(json_string_value(json_object_get(status, "drain_reason")), reason);
    json_decref(status);
}

static void run_until(bool (*reached)(void))
{
    struct mono limit = mono_add_ms(mono_now(), PATIENCE_MS);
    while (!reached()) {
        ck_assert(!mono_reached(mono_now(), limit));
        uv_run(&s.loop, UV_RUN_ONCE);
    }
}

START_TEST(a_drain_lasts_until_it_is_taken_back)
{
    steer_drain_start(&s);
    ck_assert(!announcer_is_drained(s.announcer));
    ck_assert_int_eq(steer_drain(&s, "new \"disk\"", 0), 0);
    for (int i = 0; i < 2; i++) {
        restart();
        ck_assert(announcer_is_drained(s.announcer));
        ck_assert(!ends_by_itself());
        ck_assert_reason("new \"disk\"");
    }
    steer_resume(&s);
    ck_assert(!announcer_is_drained(s.announcer));
    restart();
    ck_assert(!announcer_is_drained(s.announcer));
}
END_TEST

static bool time_is_over(void)
{
    return !ends_by_itself();
}

START_TEST(a_drain_for_some_time_takes_itself_back)
{
    steer_drain_start(&s);
    ck_assert_int_eq(steer_drain(&s, NULL, 30), 0);
    ck_assert(announcer_is_drained(s.announcer) && ends_by_itself());
    run_until(time_is_over);
    ck_assert(!announcer_is_drained(s.announcer));
    ck_assert_int_eq(access(note, F_OK), -1);
}
END_TEST

/* Whoever is on the way out is drained for that, and for the next start the note counts. */
START_TEST(its_time_ends_no_drain_of_one_that_leaves)
{
    steer_drain_start(&s);
    ck_assert_int_eq(steer_drain(&s, NULL, 30), 0);
    s.leaving = STEER_DRAINS;
    run_until(time_is_over);
    ck_assert(announcer_is_drained(s.announcer));
    ck_assert_int_eq(access(note, F_OK), 0);
}
END_TEST

START_TEST(a_drain_replaces_the_one_before)
{
    steer_drain_start(&s);
    ck_assert_int_eq(steer_drain(&s, "for an hour", 3600000), 0);
    ck_assert_int_eq(steer_drain(&s, "for good", 0), 0);
    ck_assert(!ends_by_itself());
    restart();
    ck_assert(announcer_is_drained(s.announcer) && !ends_by_itself());
    ck_assert_reason("for good");
}
END_TEST

#define MINUTE_MS 60000
#define FOR_EVER  (-1)
#define NOT       (-2)

static const struct {
    const char *note; /* behind it: the time, if `timed` */
    bool timed;
    int64_t ago_s;   /* that time, before now */
    int64_t left_ms; /* at most; not more than 20 s less */
    const char *reason;
} notes[] = {
    {"{\"reason\":\"a\",\"for_ms\":60000,\"since_unix_s\":", true, 0, MINUTE_MS, "a"},
    {"{\"reason\":\"a\",\"for_ms\":60000,\"since_unix_s\":", true, 30, MINUTE_MS / 2, "a"},
    {"{\"reason\":\"a\",\"for_ms\":60000,\"since_unix_s\":", true, 61, NOT, ""},
    {"{\"reason\":\"a\",\"for_ms\":60000,\"since_unix_s\":", true, 1000000000, NOT, ""},
    /* the clock was set back: never longer than was asked for */
    {"{\"reason\":\"a\",\"for_ms\":60000,\"since_unix_s\":", true, -3600, MINUTE_MS, "a"},
    {"{\"reason\":\"a\",\"for_ms\":60000,\"since_unix_s\":", true, -4000000000000, MINUTE_MS, "a"},
    {"{\"reason\":\"a\",\"for_ms\":0,\"since_unix_s\":", true, 1000000, FOR_EVER, "a"},
    {"{\"reason\":\"a\",\"for_ms\":-5,\"since_unix_s\":", true, 1000000, FOR_EVER, "a"},
    {"{\"since_unix_s\":", true, 0, FOR_EVER, ""},
    /* numbers that we never wrote */
    {"{\"reason\":\"a\",\"for_ms\":60000,\"since_unix_s\":-9223372036854775808}", false, 0, NOT, ""},
    {"{\"reason\":\"a\",\"for_ms\":60000,\"since_unix_s\":9223372036854775807}", false, 0, MINUTE_MS, "a"},
    /* somebody wanted a drain, and so it is one */
    {"{\"reason\":", false, 0, FOR_EVER, "somebody drained this PoP (the note of it can't be read)"},
    {"", false, 0, FOR_EVER, "somebody drained this PoP (the note of it can't be read)"},
    {"[1]", false, 0, FOR_EVER, ""},
};

START_TEST(a_note_is_kept_to)
{
    FILE *file = fopen(note, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs(notes[_i].note, file);
    if (notes[_i].timed)
        (void)fprintf(file, "%" PRId64 "}", (int64_t)time(NULL) - notes[_i].ago_s);
    ck_assert_int_eq(fclose(file), 0);
    steer_drain_start(&s);
    int64_t left_ms = notes[_i].left_ms;
    ck_assert_int_eq(announcer_is_drained(s.announcer), left_ms != NOT);
    ck_assert_int_eq(ends_by_itself(), left_ms >= 0);
    ck_assert_int_eq(access(note, F_OK), left_ms == NOT ? -1 : 0);
    ck_assert_reason(notes[_i].reason);
    if (left_ms < 0)
        return;
    ck_assert_int_le((int64_t)uv_timer_get_due_in(&s.drain), left_ms);
    ck_assert_int_ge((int64_t)uv_timer_get_due_in(&s.drain), left_ms - 20000);
}
END_TEST

/* It is drained all the same; only the next start won't know. */
START_TEST(a_drain_that_cannot_be_kept_is_one)
{
    steer_drain_start(&s);
    settings.server.state_dir = NULL;
    ck_assert_int_eq(steer_drain(&s, "a", 0), -ENOENT);
    ck_assert(announcer_is_drained(s.announcer));
    char missing[] = "/nonexistent/of/hither";
    settings.server.state_dir = missing;
    ck_assert_int_eq(steer_drain(&s, "a", 0), -EIO);
    ck_assert(announcer_is_drained(s.announcer));
    settings.server.state_dir = directory;
    restart();
    ck_assert(!announcer_is_drained(s.announcer));
}
END_TEST

/* The heir's announcer is drained by its own heritage; what it needs from here is the end. */
static void inherit(json_t *drain)
{
    leave();
    start();
    s.heritage = json_pack("{s:o}", "drain", drain);
    steer_drain_start(&s);
}

START_TEST(an_heir_knows_when_it_ends)
{
    steer_drain_start(&s);
    json_t *none = steer_drain_hand_over(&s);
    ck_assert(json_is_null(none));
    ck_assert_int_eq(steer_drain(&s, "a", 3600000), 0);
    inherit(steer_drain_hand_over(&s));
    ck_assert(ends_by_itself());
    ck_assert_uint_le(uv_timer_get_due_in(&s.drain), 3600000);
    ck_assert_uint_gt(uv_timer_get_due_in(&s.drain), 3500000);
    announcer_drain(s.announcer, "a", NULL, NULL);
    ck_assert_int_eq(steer_drain(&s, "a", 0), 0);
    inherit(steer_drain_hand_over(&s));
    ck_assert(!ends_by_itself());
    inherit(none); /* and one that has no drain to take over looks for the note, as at any start */
    ck_assert(announcer_is_drained(s.announcer));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("steer_drain");
    TCase *tests = tcase_create("drain");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_drain_lasts_until_it_is_taken_back);
    tcase_add_test(tests, a_drain_for_some_time_takes_itself_back);
    tcase_add_test(tests, its_time_ends_no_drain_of_one_that_leaves);
    tcase_add_test(tests, a_drain_replaces_the_one_before);
    tcase_add_loop_test(tests, a_note_is_kept_to, 0, (int)(sizeof notes / sizeof *notes));
    tcase_add_test(tests, a_drain_that_cannot_be_kept_is_one);
    tcase_add_test(tests, an_heir_knows_when_it_ends);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
