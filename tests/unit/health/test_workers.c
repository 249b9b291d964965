/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/workers.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ROUND_MS 1000

static struct shared_up *up;
static struct health_workers workers;
static struct mono now;

static void begin(void)
{
    up = mmap(NULL, sizeof *up, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(up, MAP_FAILED);
    memset(&workers, 0, sizeof workers);
    now = (struct mono){1000000000};
}

static void end(void)
{
    munmap(up, sizeof *up);
}

/* Two workers answer over UDP and TCP; by its own count the second one takes `second` of its two probes. */
static void rounds(unsigned count, uint64_t second)
{
    const struct probe_result results[] = {{.steered = true, .workers = 3, .reached = true},
                                           {.steered = true, .workers = 3, .reached = true}};
    for (unsigned i = 0; i < count; i++) {
        health_workers_begin(&workers, up, now);
        health_workers_take(&workers, results, 2);
        up->worker_queries[0] += 2;
        up->worker_queries[1] += second;
        now = mono_add_ms(now, ROUND_MS);
    }
    health_workers_begin(&workers, up, now);
}

START_TEST(counts_that_show_the_probes_prove_them)
{
    rounds(10, 2);
    ck_assert_uint_eq(workers.strayed, 0);
    ck_assert_int_eq(workers.taken[1], 2);
}
END_TEST

START_TEST(probes_that_a_worker_never_counts_are_strays)
{
    rounds(10, 0);
    ck_assert_uint_eq(workers.strayed, 2);
    rounds(2, 2);
    ck_assert_uint_eq(workers.strayed, 0);
}
END_TEST

START_TEST(a_new_server_that_counts_from_zero_is_no_stray)
{
    rounds(5, 2);
    up->worker_queries[0] = up->worker_queries[1] = 0;
    rounds(1, 2);
    ck_assert_uint_eq(workers.strayed, 0);
}
END_TEST

START_TEST(rounds_without_lanes_say_nothing_of_workers)
{
    const struct probe_result result = {.reached = false, .lost_workers = 1};
    health_workers_take(&workers, &result, 1);
    json_t *list = health_workers_tell(&workers, up, now);
    ck_assert_uint_eq(json_array_size(list), 0);
    json_decref(list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health/workers");
    TCase *tests = tcase_create("workers");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, counts_that_show_the_probes_prove_them);
    tcase_add_test(tests, probes_that_a_worker_never_counts_are_strays);
    tcase_add_test(tests, a_new_server_that_counts_from_zero_is_no_stray);
    tcase_add_test(tests, rounds_without_lanes_say_nothing_of_workers);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
