/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The operator's own checks, run for real.
 */
#include "health/exec.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static uv_loop_t loop;
static struct exec_checks *checks;
static struct settings_health settings;
static char path[64];

static void begin(void)
{
    uv_loop_init(&loop);
    checks = NULL;
    (void)snprintf(path, sizeof path, "/tmp/hither-exec-%d", (int)getpid());
}

static void end(void)
{
    exec_stop(checks);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    (void)unlink(path);
}

static void start(char *script, enum check_class class, uint32_t timeout_ms)
{
    static char name[] = "mine";
    static char shell[] = "/bin/sh";
    static char option[] = "-c";
    static char *command[6];
    char *words[] = {shell, option, script, name, path, NULL};
    memcpy(command, words, sizeof words);
    settings.exec_count = 1;
    settings.execs[0] = (struct settings_exec){name, command, 50, timeout_ms, class};
    checks = exec_start(&loop, &settings, NULL);
    ck_assert_ptr_nonnull(checks);
}

static bool tells(const char *key)
{
    json_t *list = json_array();
    exec_tell(checks, mono_now(), list);
    bool is = json_is_true(json_object_get(json_array_get(list, 0), key));
    json_decref(list);
    return is;
}

static void wait_known(void)
{
    struct mono until = mono_add_ms(mono_now(), PATIENCE_MS);
    while (!tells("known")) {
        ck_assert(!mono_reached(mono_now(), until));
        uv_run(&loop, UV_RUN_ONCE);
    }
}

static struct exec_result result(void)
{
    struct exec_result results[SETTINGS_MAX_EXECS];
    ck_assert_uint_eq(exec_results(checks, results), 1);
    return results[0];
}

static struct {
    char script[128];
    bool good;
    const char *why;
} outcomes[] = {
    {"exit 0", true, "exit status 0"},
    {"exit 3", false, "exit status 3"},
    {"kill -9 $$", false, "ended by signal 9"},
    {"exec /nowhere/at/all", false, "exit status 127"},
};

START_TEST(exit_status_tells)
{
    char why[300] = "";
    start(outcomes[_i].script, CHECK_SHARED, 10000);
    wait_known();
    ck_assert_int_eq(result().good, outcomes[_i].good);
    ck_assert_int_eq(exec_say_why(checks, why, sizeof why), !outcomes[_i].good);
    ck_assert_msg(outcomes[_i].good || strstr(why, outcomes[_i].why) != NULL, "%s", why);
}
END_TEST

START_TEST(not_known_is_bad_only_when_local)
{
    char script[] = "exit 0";
    start(script, CHECK_LOCAL, 10000);
    ck_assert(!result().good);
    wait_known();
    ck_assert(result().good);
}
END_TEST

START_TEST(what_cannot_be_run_is_bad)
{
    static char name[] = "mine";
    static char nowhere[] = "/nowhere/at/all";
    static char *command[] = {nowhere, NULL};
    settings.exec_count = 1;
    settings.execs[0] = (struct settings_exec){name, command, 50, 1000, CHECK_ADVISORY};
    checks = exec_start(&loop, &settings, NULL);
    wait_known();
    ck_assert(!result().good);
}
END_TEST

static bool is_gone(pid_t pid)
{
    char text[64];
    char state = 'X';
    (void)snprintf(text, sizeof text, "/proc/%d/stat", (int)pid);
    FILE *stat = fopen(text, "r");
    if (stat == NULL)
        return true;
    int found = fscanf(stat, "%*d (%*[^)]) %c", &state);
    (void)fclose(stat);
    return found != 1 || state == 'Z' || state == 'X';
}

static pid_t written_pid(void)
{
    int pid = 0;
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%d", &pid), 1);
    (void)fclose(file);
    return pid;
}

static void wait_gone(pid_t pid)
{
    struct mono until = mono_add_ms(mono_now(), PATIENCE_MS);
    while (!is_gone(pid)) {
        ck_assert(!mono_reached(mono_now(), until));
        uv_run(&loop, UV_RUN_NOWAIT);
    }
}

/* A check that hangs, and started something that hangs too. */
START_TEST(the_whole_group_is_killed_when_time_is_up)
{
    char script[] = "sleep 1000 & echo $! > $1; wait";
    start(script, CHECK_LOCAL, 300);
    wait_known();
    ck_assert(!result().good);
    wait_gone(written_pid());
}
END_TEST

START_TEST(what_it_leaves_behind_is_killed)
{
    char script[] = "sleep 1000 & echo $! > $1";
    start(script, CHECK_LOCAL, 10000);
    wait_known();
    ck_assert(result().good);
    wait_gone(written_pid());
}
END_TEST

START_TEST(what_is_known_stays_over_a_reload)
{
    char script[] = "exit 0";
    start(script, CHECK_LOCAL, 10000);
    wait_known();
    struct exec_checks *next = exec_start(&loop, &settings, checks);
    exec_stop(checks);
    checks = next;
    ck_assert(result().good);
}
END_TEST

START_TEST(one_that_a_reload_brings_takes_nothing_away_before_it_ends)
{
    char script[] = "sleep 1000";
    start(script, CHECK_LOCAL, 10000);
    ck_assert(!result().good);
    struct exec_checks *same = exec_start(&loop, &settings, checks);
    exec_stop(checks);
    checks = same;
    ck_assert(!result().good);
    static char other[] = "other";
    settings.execs[0].name = other;
    struct exec_checks *next = exec_start(&loop, &settings, checks);
    exec_stop(checks);
    checks = next;
    ck_assert(result().good);
}
END_TEST

START_TEST(runs_again)
{
    char script[] = "echo x >> $1";
    start(script, CHECK_ADVISORY, 10000);
    struct mono until = mono_add_ms(mono_now(), PATIENCE_MS);
    long octets = 0;
    while (octets < 6) {
        ck_assert(!mono_reached(mono_now(), until));
        uv_run(&loop, UV_RUN_ONCE);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        (void)fseek(file, 0, SEEK_END);
        octets = ftell(file);
        (void)fclose(file);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health/exec");
    TCase *tests = tcase_create("exec");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, exit_status_tells, 0, (int)(sizeof outcomes / sizeof outcomes[0]));
    tcase_add_test(tests, not_known_is_bad_only_when_local);
    tcase_add_test(tests, what_cannot_be_run_is_bad);
    tcase_add_test(tests, the_whole_group_is_killed_when_time_is_up);
    tcase_add_test(tests, what_it_leaves_behind_is_killed);
    tcase_add_test(tests, what_is_known_stays_over_a_reload);
    tcase_add_test(tests, one_that_a_reload_brings_takes_nothing_away_before_it_ends);
    tcase_add_test(tests, runs_again);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
