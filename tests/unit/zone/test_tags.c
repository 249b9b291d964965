/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Both ways to find a tag in a bucket, on whatever processor this runs, against a look at each slot.
 */
#define tags_slots portable_slots
#define tags_find  portable_find
#define tags_slot  portable_slot
#include "zone/tags_any.h"
#undef tags_slots
#undef tags_find
#undef tags_slot
#include "zone/lookup.h"

#include <check.h>
#include <stdlib.h>

#define TAGS  5 /* few, so that a bucket has some more than once */
#define TURNS 2000

static void check_bucket(const struct image_bucket *bucket, uint16_t tag)
{
    unsigned wanted = 0;
    unsigned by_any = 0;
    unsigned by_ours = 0;
    for (unsigned slot = 0; slot < BUCKET_SLOTS; slot++)
        wanted |= bucket->tags[slot] == tag ? 1U << slot : 0;
    for (portable_slots slots = portable_find(bucket, tag); slots != 0; slots &= slots - 1)
        by_any |= 1U << portable_slot(slots);
    for (tags_slots slots = tags_find(bucket, tag); slots != 0; slots &= slots - 1)
        by_ours |= 1U << tags_slot(slots);
    ck_assert_uint_eq(by_any, wanted);
    ck_assert_uint_eq(by_ours, wanted);
}

START_TEST(test_finds_every_slot_of_a_tag)
{
    static const uint16_t tags[TAGS] = {0, 1, 0x7fff, 0x8000, 0xffff};
    struct image_bucket bucket = {.passed_on = 0xffff, .spare = 0xffff};
    srandom(1);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        for (unsigned slot = 0; slot < BUCKET_SLOTS; slot++)
            bucket.tags[slot] = tags[random() % TAGS];
        for (unsigned i = 0; i < TAGS; i++)
            check_bucket(&bucket, tags[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zone/tags");
    TCase *tags = tcase_create("tags");
    tcase_add_test(tags, test_finds_every_slot_of_a_tag);
    suite_add_tcase(suite, tags);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
