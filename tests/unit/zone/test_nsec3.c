/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NSEC3 hashes: the example of RFC 5155 appendix A, and that many at once are what each is by itself.
 */
#include "zone/nsec3.h"

#include "wire/name.h"
#include "zone/sha1_lanes.h"

#include <check.h>
#include <nettle/sha1.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t salt[] = {0xaa, 0xbb, 0xcc, 0xdd};

static const struct {
    const char *name;
    const char *label; /* that it hashes to, with its length before it */
} example[] = {
    {"example.", "\0400p9mhaveqvm6t7vbl5lop2u3t2rp3tom"},
    {"a.example.", "\04035mthgpgcu1qg68fab165klnsnk3dpvl"},
    {"*.w.example.", "\040r53bq7cc2uvmubfu5ocmm6pers9tk9en"},
    {"x.y.w.example.", "\0402vptu5timamqttgl4luu9kg21e0aor3s"},
};

START_TEST(hashes_as_the_example)
{
    uint8_t name[NAME_MAX_OCTETS];
    uint8_t wanted[NSEC3_HASH_OCTETS];
    uint8_t hash[NSEC3_HASH_OCTETS];
    size_t octets = name_from_text(name, example[_i].name);
    ck_assert(nsec3_hash_of_owner(wanted, (const uint8_t *)example[_i].label));
    nsec3_hash(hash, name, octets, salt, sizeof salt, 12);
    ck_assert_mem_eq(hash, wanted, sizeof hash);
}
END_TEST

#define NAMES 43

/* Names of all lengths around a block's, with and without salt and iterations, among one another. */
START_TEST(many_at_once_are_as_each)
{
    uint8_t octets[NAMES + 64];
    uint8_t hashes[NAMES][NSEC3_HASH_OCTETS];
    struct nsec3_name names[NAMES] = {0};
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(i * 37 + 11);
    size_t count = (size_t)_i;
    for (size_t i = 0; i < count; i++)
        names[i] = (struct nsec3_name){.name = octets + i,
                                       .salt = salt,
                                       .octets = 1 + i * 7 % 61,
                                       .salt_octets = i % 3 == 0 ? sizeof salt : 0,
                                       .iterations = i % 11 == 5 ? 2 : 0,
                                       .hash = hashes[i]};
    nsec3_hash_all(names, count);
    for (size_t i = 0; i < count; i++) {
        uint8_t hash[NSEC3_HASH_OCTETS];
        nsec3_hash(hash, names[i].name, names[i].octets, names[i].salt, names[i].salt_octets,
                   names[i].iterations);
        ck_assert_mem_eq(hashes[i], hash, sizeof hash);
    }
}
END_TEST

/* The width that every processor has, also where a wider one is taken. */
START_TEST(four_lanes_are_sha1)
{
    uint8_t blocks[4][SHA1_BLOCK_OCTETS] = {0};
    uint8_t digests[4][SHA1_OCTETS];
    for (size_t lane = 0; lane < 4; lane++) {
        memset(blocks[lane], (int)('a' + lane), 10 * (lane + 1));
        blocks[lane][10 * (lane + 1)] = 0x80;
        blocks[lane][SHA1_BLOCK_OCTETS - 2] = (uint8_t)(80 * (lane + 1) >> 8);
        blocks[lane][SHA1_BLOCK_OCTETS - 1] = (uint8_t)(80 * (lane + 1));
    }
    sha1_four(digests, (const uint8_t(*)[SHA1_BLOCK_OCTETS])blocks);
    for (size_t lane = 0; lane < 4; lane++) {
        struct sha1_ctx sha1;
        uint8_t wanted[SHA1_OCTETS];
        sha1_init(&sha1);
        sha1_update(&sha1, 10 * (lane + 1), blocks[lane]);
        sha1_digest(&sha1, sizeof wanted, wanted);
        ck_assert_mem_eq(digests[lane], wanted, sizeof wanted);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zone/nsec3");
    TCase *tests = tcase_create("nsec3");
    tcase_add_loop_test(tests, hashes_as_the_example, 0, sizeof example / sizeof example[0]);
    tcase_add_loop_test(tests, many_at_once_are_as_each, 1, NAMES + 1);
    tcase_add_test(tests, four_lanes_are_sha1);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
