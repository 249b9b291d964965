/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What an image promises: the same records give the same bytes, a file is served as it was written, and one
 * that isn't whole is refused.
 */
#include "../support/zones.h"
#include "zone/format.h"
#include "zone/image.h"
#include "zone/memory.h"
#include "zone/set.h"

#include <check.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char in_order[] = "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nWWW A 192.0.2.2\n"
                               "a.b.c TXT \"x\"\nsub NS ns.sub\nns.sub A 192.0.2.3\n";
static const char shuffled[] = "$TTL 300\nns.sub A 192.0.2.3\na.b.c TXT \"x\"\n@ NS ns\nWWW A 192.0.2.2\n"
                               "WWW A 192.0.2.2\nsub NS ns.sub\nns A 192.0.2.1\n@ SOA ns h 1 2 3 4 5\n";

START_TEST(same_records_same_bytes)
{
    struct zone_image *a = zones_compile("example.", in_order);
    struct zone_image *b = zones_compile("example.", shuffled);
    ck_assert_uint_eq(a->octets, b->octets);
    ck_assert_mem_eq(a->bytes, b->bytes, a->octets);
    ck_assert_uint_eq(zone_image_serial(a), 1);
    ck_assert_uint_eq(zone_image_records(a), 7);
    /* example. ns WWW a.b.c b.c c sub ns.sub */
    ck_assert_uint_eq(zone_image_names(a), 8);
    zone_image_release(a);
    zone_image_release(b);
}
END_TEST

START_TEST(one_octet_other_digest)
{
    struct zone_image *a = zones_compile("example.", in_order);
    struct zone_image *b = zones_compile_file("example.", "example.zone");
    ck_assert_mem_ne(zone_image_digest(a), zone_image_digest(b), IMAGE_DIGEST_OCTETS);
    zone_image_release(a);
    zone_image_release(b);
}
END_TEST

/* Every node is met by walking from one to the next, parents before children. */
START_TEST(nodes_follow_one_another)
{
    struct zone_image *image = zones_compile_file("nsec3.example.", "signed-nsec3.zone");
    const struct image_header *header = image->header;
    uint64_t nodes = 0;
    for (image_ref at = header->nodes; at != header->nsec3_nodes_end; nodes++) {
        ck_assert_uint_lt(at, header->nsec3_nodes_end);
        at = image_node_after(image->bytes, at);
    }
    ck_assert_uint_eq(nodes, header->name_count);
    zone_image_release(image);
}
END_TEST

static void write_file(const char *path, const uint8_t *bytes, size_t octets)
{
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, octets, out), octets);
    ck_assert_int_eq(fclose(out), 0);
}

static struct zone_image *file_read(const char *path, size_t octets, const char **why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    struct zone_image *image = zone_image_read(fd, octets, why);
    close(fd);
    return image;
}

START_TEST(file_comes_back_whole_or_not_at_all)
{
    char path[] = "/tmp/hither-image-XXXXXX";
    const char *why = NULL;
    struct zone_image *image = zones_compile("example.", in_order);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(zone_image_save(image, NULL, 0, path), 0);
    struct zone_image *again = file_read(path, image->octets, &why);
    ck_assert_ptr_nonnull(again);
    ck_assert_mem_eq(again->bytes, image->bytes, image->octets);
    zone_image_release(again);

    uint8_t *bytes = malloc(image->octets);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, image->bytes, image->octets);
    bytes[image->octets / 2] ^= 1;
    write_file(path, bytes, image->octets);
    ck_assert_ptr_null(file_read(path, image->octets, &why));
    ck_assert_ptr_nonnull(why);
    write_file(path, image->bytes, image->octets - 4);
    ck_assert_ptr_null(file_read(path, image->octets, &why));
    write_file(path, image->bytes, 3);
    ck_assert_ptr_null(file_read(path, image->octets, &why));
    ck_assert_int_eq(unlink(path), 0);
    free(bytes);
    zone_image_release(image);
}
END_TEST

/* The soonest, also beyond 2106 and across the end of 32 bits. */
START_TEST(first_signature_to_end)
{
    static const char text[] = "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n"
                               "@ RRSIG SOA 13 1 300 99 20260101000000 1 a. AAAA\n"
                               "@ RRSIG NS 13 1 300 4294967290 20260101000000 1 a. AAAA\n"
                               "@ RRSIG TXT 13 1 300 9 20260101000000 1 a. AAAA\n";
    struct zone_image *image = zones_compile_file("nsec.example.", "signed-nsec.zone");
    ck_assert_int_eq(zone_image_signature_end(image, 1800000000), 2114380800);
    zone_image_release(image);
    image = zones_compile("a.", in_order);
    ck_assert_int_eq(zone_image_signature_end(image, 1800000000), 0);
    zone_image_release(image);
    image = zones_compile("a.", text);
    ck_assert_int_eq(zone_image_signature_end(image, 4294967200), 4294967290);
    ck_assert_int_eq(zone_image_signature_end(image, 4294967400), 4294967290);
    zone_image_release(image);
}
END_TEST

#define MANY_NAMES 80000 /* for an image that several threads judge */

static struct zone_image *large_compile(void)
{
    static const char head[] = "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";
    size_t room = sizeof head + MANY_NAMES * (size_t)32;
    char *text = malloc(room);
    ck_assert_ptr_nonnull(text);
    size_t at = (size_t)sprintf(text, "%s", head);
    for (unsigned i = 0; i < MANY_NAMES; i++)
        at += (size_t)snprintf(text + at, room - at, "n%08x MX 1 ns\n", i * 2654435761U);
    struct zone_image *image = zones_compile("example.", text);
    free(text);
    return image;
}

static bool edited_is_adopted(const struct zone_image *image, size_t at, uint8_t value)
{
    const char *why = NULL;
    uint8_t *bytes = image_memory_take(image->octets);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, image->bytes, image->octets);
    bytes[at] = value;
    struct zone_image *edited = zone_image_adopt(bytes, image->octets, &why);
    zone_image_release(edited);
    return edited != NULL;
}

/* Whichever thread meets it: a node, a link or a bucket that is wrong. */
START_TEST(large_image_is_judged_whole)
{
    struct zone_image *image = large_compile();
    const struct image_header *header = image->header;
    ck_assert_uint_gt(image->octets, (size_t)4 * 1024 * 1024);
    ck_assert(edited_is_adopted(image, 0, image->bytes[0]));
    unsigned nodes = 0;
    for (image_ref at = header->nodes; at != header->nodes_end; nodes++) {
        const struct image_node *node = image_at(image->bytes, at);
        const uint8_t *count = (const uint8_t *)&node->rrset_count;
        if (nodes % 7919 == 0) /* It claims to have many more RRsets. */
            ck_assert(!edited_is_adopted(image, (size_t)(count + 1 - image->bytes), 0xff));
        at = image_node_after(image->bytes, at);
    }
    for (uint32_t i = 0; i < header->bucket_count; i += 997) {
        const struct image_bucket *bucket =
            (const struct image_bucket *)image_at(image->bytes, header->index) + i;
        size_t at = (size_t)((const uint8_t *)&bucket->nodes[0] - image->bytes);
        ck_assert(!edited_is_adopted(image, at, (uint8_t)(image->bytes[at] ^ 1)));
    }
    zone_image_release(image);
}
END_TEST

START_TEST(set_refuses_an_apex_twice)
{
    struct zone_image *a = zones_compile("example.", in_order);
    struct zone_image *b = zones_compile("EXAMPLE.", shuffled);
    struct zone_image *both[] = {a, b};
    ck_assert_ptr_null(zone_set_new(both, 2));
    zone_image_release(a);
    zone_image_release(b);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("zone/image");
    TCase *tests = tcase_create("image");
    tcase_add_test(tests, same_records_same_bytes);
    tcase_add_test(tests, one_octet_other_digest);
    tcase_add_test(tests, nodes_follow_one_another);
    tcase_add_test(tests, file_comes_back_whole_or_not_at_all);
    tcase_add_test(tests, first_signature_to_end);
    tcase_add_test(tests, large_image_is_judged_whole);
    tcase_add_test(tests, set_refuses_an_apex_twice);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
