/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The orders of negative proofs, against name_compare() and against looking at every entry.
 */
#include "zone/order.h"

#include "../support/zones.h"
#include "zone/nsec3.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>

/* A stream of numbers that is the same in every run. */
static uint64_t next_number(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state >> 33;
}

/* Labels of few different octets, so that names are often close to each other. */
static size_t random_owner(uint64_t *state, uint8_t owner[NAME_MAX_OCTETS])
{
    static const uint8_t letters[] = {0, 1, 2, '*', 'a', 'b', 0xff};
    size_t at = 0;
    for (uint64_t labels = next_number(state) % 4; labels > 0; labels--) {
        uint8_t octets = (uint8_t)(1 + next_number(state) % 12);
        owner[at++] = octets;
        for (unsigned i = 0; i < octets; i++)
            owner[at++] = letters[next_number(state) % sizeof letters];
    }
    owner[at] = 0;
    return at;
}

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static int keys_compare(const uint8_t *a, size_t a_octets, const uint8_t *b, size_t b_octets)
{
    int order = memcmp(a, b, a_octets < b_octets ? a_octets : b_octets);
    return order != 0 ? order : (a_octets > b_octets) - (a_octets < b_octets);
}

START_TEST(keys_compare_as_names)
{
    uint64_t state = 1;
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t names[2][NAME_MAX_OCTETS];
        uint8_t keys[2][ORDER_KEY_MOST];
        size_t octets[2];
        for (unsigned n = 0; n < 2; n++)
            octets[n] = order_key(keys[n], names[n], random_owner(&state, names[n]));
        int wanted = sign(name_compare(names[0], names[1]));
        ck_assert_int_eq(sign(keys_compare(keys[0], octets[0], keys[1], octets[1])), wanted);
        /* What comes first in the entries never contradicts. */
        int first = sign(memcmp(keys[0], keys[1], IMAGE_NSEC_KEY_OCTETS));
        ck_assert(first == 0 || first == wanted);
    }
}
END_TEST

static void whole_owner(const struct image_header *header, const struct image_node *node,
                        uint8_t owner[NAME_MAX_OCTETS + 1])
{
    memcpy(owner, node_owner(node), node->owner_octets);
    memcpy(owner + node->owner_octets, header->apex, header->apex_octets);
}

static const struct image_node *nsec_by_looking(const uint8_t *image, const uint8_t *name)
{
    const struct image_header *header = (const struct image_header *)(const void *)image;
    const struct image_nsec *order = image_at(image, header->nsec_order);
    const struct image_node *found = NULL;
    for (uint32_t i = 0; i < header->nsec_count; i++) {
        const struct image_node *node = image_at(image, order[i].node);
        uint8_t owner[NAME_MAX_OCTETS + 1];
        whole_owner(header, node, owner);
        if (name_compare(owner, name) <= 0)
            found = node;
    }
    return found;
}

START_TEST(nsec_is_the_last_at_or_before)
{
    struct zone_image *image = zones_compile_file("nsec.example.", "signed-nsec.zone");
    const struct image_header *header = image->header;
    const struct image_nsec *order = image_at(image->bytes, header->nsec_order);
    uint64_t state = 2;
    for (unsigned i = 0; i < 4000; i++) {
        uint8_t name[2 * NAME_MAX_OCTETS];
        size_t octets = random_owner(&state, name);
        /* Mostly near the names that are there. */
        if (i % 4 != 0) {
            const struct image_node *node =
                image_at(image->bytes, order[next_number(&state) % header->nsec_count].node);
            octets = i % 4 == 1 ? 0 : octets;
            memcpy(name + octets, node_owner(node), node->owner_octets);
            octets += node->owner_octets;
            if (i % 4 == 2 && octets > 1)
                name[octets - 1] = (uint8_t)(name[octets - 1] + 1);
        }
        memcpy(name + octets, header->apex, header->apex_octets);
        ck_assert_ptr_eq(order_find_nsec(image->bytes, name, octets), nsec_by_looking(image->bytes, name));
    }
    zone_image_release(image);
}
END_TEST

static int by_hash(const void *a, const void *b)
{
    return memcmp(a, b, NSEC3_HASH_OCTETS);
}

static const struct image_nsec3 *nsec3_by_looking(const struct image_nsec3 *order, uint32_t count,
                                                  const uint8_t *hash)
{
    const struct image_nsec3 *found = &order[count - 1];
    for (uint32_t i = 0; i < count && memcmp(order[i].hash, hash, NSEC3_HASH_OCTETS) <= 0; i++)
        found = &order[i];
    return found;
}

/* `skew`: so many first octets are the same, which no hash would do but an attacker might. */
static void search_nsec3(uint32_t count, unsigned skew)
{
    struct image_nsec3 *order = calloc(count, sizeof *order);
    uint64_t state = count + skew;
    for (uint32_t i = 0; i < count; i++) {
        for (unsigned k = skew; k < NSEC3_HASH_OCTETS; k++)
            order[i].hash[k] = (uint8_t)next_number(&state);
    }
    qsort(order, count, sizeof *order, by_hash);
    for (unsigned i = 0; i < 200; i++) {
        uint8_t hash[NSEC3_HASH_OCTETS];
        memcpy(hash, order[next_number(&state) % count].hash, sizeof hash);
        if (i % 3 != 0)
            hash[next_number(&state) % (i % 3 == 1 ? 8 : sizeof hash)] = (uint8_t)next_number(&state);
        ck_assert_ptr_eq(order_find_nsec3(order, count, hash), nsec3_by_looking(order, count, hash));
    }
    free(order);
}

START_TEST(nsec3_is_the_last_at_or_before)
{
    static const uint32_t counts[] = {1, 2, 3, 100, 1024, 1025, 5000, 40000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        search_nsec3(counts[i], 0);
        search_nsec3(counts[i], 3);
        search_nsec3(counts[i], 9);
    }
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("zone/order");
    TCase *tests = tcase_create("order");
    tcase_add_test(tests, keys_compare_as_names);
    tcase_add_test(tests, nsec_is_the_last_at_or_before);
    tcase_add_test(tests, nsec3_is_the_last_at_or_before);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
