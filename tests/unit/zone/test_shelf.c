/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An image on the shelf is the one that was there, at the same place, and nobody can change it any more; what
 * isn't sealed or isn't an image is left alone.
 */
#include "../support/zones.h"
#include "zone/shelf.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAMES       40000
#define LINE_OCTETS 64

static struct zone_image *large;

static void make_large(void)
{
    char *text = malloc((size_t)NAMES * LINE_OCTETS);
    ck_assert_ptr_nonnull(text);
    int at = sprintf(text, "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");
    for (int i = 0; i < NAMES; i++)
        at += sprintf(text + at, "host%d A 192.0.%d.%d\n", i, i / 250 % 250, i % 250);
    large = zones_compile("example.", text);
    ck_assert_uint_ge(large->octets, SHELF_LEAST_OCTETS);
    free(text);
}

static void let_large_go(void)
{
    zone_image_release(large);
}

/* Adds up the image again and again while it is being moved. */
static atomic_bool done;
static uint64_t wrong_sums;

static uint64_t sum_of(const struct zone_image *image)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < image->octets; i += 64)
        sum = sum * 31 + image->bytes[i];
    return sum;
}

static void *read_on(void *right)
{
    const uint64_t *sum = right;
    while (!atomic_load(&done))
        wrong_sums += sum_of(large) != *sum;
    return NULL;
}

START_TEST(readers_notice_nothing)
{
    pthread_t reader;
    const uint8_t *bytes = large->bytes;
    uint64_t sum = sum_of(large);
    ck_assert_int_eq(pthread_create(&reader, NULL, read_on, &sum), 0);
    int error = zone_shelf_put(large);
    ck_assert_int_eq(zone_shelf_put(large), error);
    atomic_store(&done, true);
    ck_assert_int_eq(pthread_join(reader, NULL), 0);
    ck_assert_int_eq(error, 0);
    ck_assert_int_ge(large->fd, 0);
    ck_assert_ptr_eq(large->bytes, bytes);
    ck_assert_uint_eq(wrong_sums, 0);
    ck_assert_uint_eq(sum_of(large), sum);
}
END_TEST

START_TEST(nobody_can_change_it)
{
    ck_assert_int_eq(zone_shelf_put(large), 0);
    ck_assert_int_eq(pwrite(large->fd, "x", 1, 0), -1);
    ck_assert_int_eq(errno, EPERM);
    ck_assert_int_eq(ftruncate(large->fd, 0), -1);
    ck_assert_ptr_eq(mmap(NULL, large->octets, PROT_READ | PROT_WRITE, MAP_SHARED, large->fd, 0), MAP_FAILED);
    ck_assert_int_eq(mprotect((void *)(uintptr_t)large->bytes, 4096, PROT_READ | PROT_WRITE), -1);
    ck_assert_int_eq(errno, EACCES);
}
END_TEST

START_TEST(another_takes_it_as_it_is)
{
    ck_assert_int_eq(zone_shelf_put(large), 0);
    int fds[] = {fcntl(large->fd, F_DUPFD_CLOEXEC, 0)};
    struct zone_shelf *shelf = zone_shelf_new(fds, 1);
    struct zone_image *found = zone_shelf_find(shelf, (const uint8_t *)"\7EXAMPLE");
    ck_assert_ptr_nonnull(found);
    ck_assert_ptr_ne(found->bytes, large->bytes);
    ck_assert_uint_eq(found->octets, large->octets);
    ck_assert_mem_eq(found->bytes, large->bytes, large->octets);
    ck_assert_ptr_null(zone_shelf_find(shelf, (const uint8_t *)"\5other"));
    zone_shelf_free(shelf);
    ck_assert_uint_eq(zone_image_serial(found), 1); /* the shelf is gone, the image isn't */
    zone_image_release(found);
}
END_TEST

static int memfd_with(const void *bytes, size_t octets, unsigned seals)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, octets), (ssize_t)octets);
    ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

START_TEST(what_is_not_sealed_or_no_image_is_refused)
{
    const char *why = NULL;
    uint8_t *other_version = malloc(large->octets);
    ck_assert_ptr_nonnull(other_version);
    memcpy(other_version, large->bytes, large->octets);
    other_version[8]++;
    const int fds[] = {
        memfd_with(large->bytes, large->octets, ALL_SEALS & ~(unsigned)F_SEAL_WRITE),
        memfd_with(large->bytes, large->octets, ALL_SEALS & ~(unsigned)F_SEAL_SHRINK),
        memfd_with(large->bytes, large->octets - 64, ALL_SEALS),
        memfd_with(large->bytes + 64, large->octets - 64, ALL_SEALS),
        memfd_with(large->bytes, 100, ALL_SEALS),
        memfd_with(other_version, large->octets, ALL_SEALS),
        open("/dev/zero", O_RDONLY | O_CLOEXEC),
    };
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        ck_assert_msg(zone_shelf_take(fds[i], &why) == NULL, "%zu was taken", i);
        close(fds[i]);
    }
    free(other_version);
}
END_TEST

START_TEST(a_small_image_stays_where_it_is)
{
    struct zone_image *small =
        zones_compile("example.", "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");
    ck_assert_int_lt(zone_shelf_put(small), 0);
    ck_assert_int_eq(small->fd, -1);
    zone_image_release(small);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shelf");
    TCase *tests = tcase_create("shelf");
    tcase_add_checked_fixture(tests, make_large, let_large_go);
    tcase_add_test(tests, readers_notice_nothing);
    tcase_add_test(tests, nobody_can_change_it);
    tcase_add_test(tests, another_takes_it_as_it_is);
    tcase_add_test(tests, what_is_not_sealed_or_no_image_is_refused);
    tcase_add_test(tests, a_small_image_stays_where_it_is);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
