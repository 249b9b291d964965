/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/bucket.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>

#define SECOND_NS UINT64_C(1000000000)

static struct bucket_table *table;

static void set_up(void)
{
    table = bucket_table_new();
    ck_assert_ptr_nonnull(table);
}

static void tear_down(void)
{
    bucket_table_free(table);
}

START_TEST(a_bucket_fills_and_leaks)
{
    uint64_t now_ns = 77 * SECOND_NS;
    struct bucket *bucket = bucket_find(table, 5, now_ns);
    unsigned given = 0;
    while (bucket_has_room(bucket, now_ns, SECOND_NS)) {
        bucket_charge(bucket, now_ns, SECOND_NS / 100);
        given++;
    }
    ck_assert_uint_eq(given, 100);
    ck_assert_ptr_eq(bucket_find(table, 5, now_ns), bucket);
    ck_assert(!bucket_has_room(bucket, now_ns, SECOND_NS));
    ck_assert(bucket_has_room(bucket, now_ns + 1, SECOND_NS));
    /* What isn't used isn't saved up beyond the burst. */
    now_ns += 100 * SECOND_NS;
    bucket_charge(bucket, now_ns, 2 * SECOND_NS);
    ck_assert(!bucket_has_room(bucket, now_ns + SECOND_NS, SECOND_NS));
}
END_TEST

/* Many more keys than places: one that owes is kept while others come and go. */
START_TEST(who_owes_most_stays)
{
    uint64_t now_ns = 77 * SECOND_NS;
    struct bucket *bucket = bucket_find(table, 1, now_ns);
    bucket_charge(bucket, now_ns, 50 * SECOND_NS);
    for (uint64_t key = 2; key < 20 * BUCKET_SETS * BUCKET_WAYS; key++)
        bucket_charge(bucket_find(table, key, now_ns), now_ns, SECOND_NS);
    ck_assert_ptr_eq(bucket_find(table, 1, now_ns), bucket);
    ck_assert(!bucket_has_room(bucket, now_ns, SECOND_NS));
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("bucket");
    TCase *tcase = tcase_create("bucket");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_bucket_fills_and_leaks);
    tcase_add_test(tcase, who_owes_most_stays);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
