/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The tree digest against libsodium's BLAKE2b taken leaf by leaf, with whatever lanes this processor has.
 */
#include "base/digest.h"
#include "base/digest_lanes.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>

#define LEAVES 21 /* not a multiple of any number of lanes, and more than twice the most */

static uint8_t *octets_make(size_t octets)
{
    uint8_t *bytes = malloc(octets);
    static const uint8_t seed[randombytes_SEEDBYTES] = {53};
    ck_assert_ptr_nonnull(bytes);
    randombytes_buf_deterministic(bytes, octets, seed);
    return bytes;
}

/* As the header describes it. */
static void digest_plainly(uint8_t digest[DIGEST_OCTETS], const uint8_t *bytes, size_t octets)
{
    uint8_t leaves[LEAVES + 1][DIGEST_OCTETS];
    size_t count = 0;
    for (size_t at = 0; at < octets; at += DIGEST_LEAF_OCTETS) {
        size_t leaf = octets - at < DIGEST_LEAF_OCTETS ? octets - at : DIGEST_LEAF_OCTETS;
        crypto_generichash(leaves[count++], DIGEST_OCTETS, bytes + at, leaf, NULL, 0);
    }
    crypto_generichash(digest, DIGEST_OCTETS, leaves[0], count * DIGEST_OCTETS, NULL, 0);
}

START_TEST(tree_is_what_it_says)
{
    static const size_t lengths[] = {0,
                                     1,
                                     DIGEST_LEAF_OCTETS - 1,
                                     DIGEST_LEAF_OCTETS,
                                     DIGEST_LEAF_OCTETS + 1,
                                     8 * DIGEST_LEAF_OCTETS,
                                     LEAVES * DIGEST_LEAF_OCTETS,
                                     LEAVES * DIGEST_LEAF_OCTETS + 77};
    uint8_t *bytes = octets_make(LEAVES * DIGEST_LEAF_OCTETS + 78);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t wanted[DIGEST_OCTETS];
        uint8_t got[DIGEST_OCTETS];
        digest_plainly(wanted, bytes + 1, lengths[i]);
        digest_tree(got, bytes + 1, lengths[i]);
        ck_assert_mem_eq(got, wanted, DIGEST_OCTETS);
    }
    free(bytes);
}
END_TEST

/* The octets of each leaf count, and only for that leaf. */
START_TEST(lanes_are_apart)
{
    struct digest_lanes lanes = digest_lanes_here();
    uint8_t before[8][DIGEST_OCTETS];
    uint8_t after[8][DIGEST_OCTETS];
    uint8_t *bytes = octets_make(8 * DIGEST_LEAF_OCTETS);
    size_t count = lanes.count > 0 ? lanes.count : 8;
    digest_leaves(before, bytes, count * DIGEST_LEAF_OCTETS);
    for (size_t changed = 0; changed < count; changed++) {
        size_t at = changed * DIGEST_LEAF_OCTETS + 8191 * (changed + 1);
        bytes[at] ^= 128;
        digest_leaves(after, bytes, count * DIGEST_LEAF_OCTETS);
        bytes[at] ^= 128;
        for (size_t i = 0; i < count; i++)
            ck_assert_int_eq(memcmp(before[i], after[i], DIGEST_OCTETS) != 0, i == changed);
    }
    free(bytes);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("base/digest");
    TCase *tests = tcase_create("digest");
    tcase_add_test(tests, tree_is_what_it_says);
    tcase_add_test(tests, lanes_are_apart);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
