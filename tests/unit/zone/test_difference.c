/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What changed from one zone text to the next, read back by ldns; and how histories grow and are cut.
 */
#include "zone/difference.h"

#include "../support/zones.h"
#include "zone/format.h"

#include <check.h>
#include <ldns/ldns.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOA(serial) "@ 60 SOA ns h " #serial " 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n"

#define SOA_TEXT(serial) "example. 60 IN SOA ns.example. h.example. " #serial " 1 1 1 1\n"

static const struct {
    const char *before;
    const char *after;
    const char *difference;
} changes[] = {
    {SOA(1), SOA(2), SOA_TEXT(1) SOA_TEXT(2)},
    {SOA(1), SOA(2) "a 60 A 192.0.2.2\n", SOA_TEXT(1) SOA_TEXT(2) "a.example. 60 IN A 192.0.2.2\n"},
    {SOA(1) "a 60 A 192.0.2.2\n", SOA(2), SOA_TEXT(1) "a.example. 60 IN A 192.0.2.2\n" SOA_TEXT(2)},
    /* One record of several. */
    {SOA(1) "a 60 A 192.0.2.2\na 60 A 192.0.2.3\n", SOA(2) "a 60 A 192.0.2.3\na 60 A 192.0.2.4\n",
     SOA_TEXT(1) "a.example. 60 IN A 192.0.2.2\n" SOA_TEXT(2) "a.example. 60 IN A 192.0.2.4\n"},
    /* Another TTL is another RRset. */
    {SOA(1) "a 60 A 192.0.2.2\n", SOA(2) "a 61 A 192.0.2.2\n",
     SOA_TEXT(1) "a.example. 60 IN A 192.0.2.2\n" SOA_TEXT(2) "a.example. 61 IN A 192.0.2.2\n"},
    /* Another type. */
    {SOA(1) "a 60 A 192.0.2.2\n", SOA(2) "a 60 AAAA 2001:db8::\n",
     SOA_TEXT(1) "a.example. 60 IN A 192.0.2.2\n" SOA_TEXT(2) "a.example. 60 IN AAAA 2001:db8::\n"},
    /* The same records under pointers that differ: the first MX took the suffix that the second pointed to.
     */
    {SOA(1) "m 60 MX 1 a.b.net.\nm 60 MX 2 c.b.net.\n", SOA(2) "m 60 MX 2 c.b.net.\n",
     SOA_TEXT(1) "m.example. 60 IN MX 1 a.b.net.\n" SOA_TEXT(2)},
    /* Names in rdata: under the owner, under the apex, elsewhere. */
    {SOA(1) "n 60 NS x.n\nn 60 NS y\nx.n 60 A 192.0.2.9\n",
     SOA(2) "n 60 NS x.n\nn 60 NS z.net.\nx.n 60 A 192.0.2.9\n",
     SOA_TEXT(1) "n.example. 60 IN NS y.example.\n" SOA_TEXT(2) "n.example. 60 IN NS z.net.\n"},
    /* Glue and what is hidden below a cut are of the zone too. */
    {SOA(1) "n 60 NS x.n\nx.n 60 A 192.0.2.9\n", SOA(2) "n 60 NS x.n\nx.n 60 A 192.0.2.8\n",
     SOA_TEXT(1) "x.n.example. 60 IN A 192.0.2.9\n" SOA_TEXT(2) "x.n.example. 60 IN A 192.0.2.8\n"},
    /* A name between two others, and empty non-terminals that come and go. */
    {SOA(1) "a 60 A 192.0.2.2\nz.e 60 A 192.0.2.3\n", SOA(2) "a 60 A 192.0.2.2\nb.c.d 60 A 192.0.2.4\n",
     SOA_TEXT(1) "z.e.example. 60 IN A 192.0.2.3\n" SOA_TEXT(2) "b.c.d.example. 60 IN A 192.0.2.4\n"},
    /* Capitals in an owner are no change; in rdata they are. */
    {SOA(1) "a 60 A 192.0.2.2\n", SOA(2) "A 60 A 192.0.2.2\n", SOA_TEXT(1) SOA_TEXT(2)},
    {SOA(1) "c 60 CNAME a.net.\n", SOA(2) "c 60 CNAME A.net.\n",
     SOA_TEXT(1) "c.example. 60 IN CNAME a.net.\n" SOA_TEXT(2) "c.example. 60 IN CNAME A.net.\n"},
};

static char *difference_text(const struct zone_difference *difference)
{
    char *text = NULL;
    size_t size = 0;
    size_t at = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    while (at < difference->octets) {
        ldns_rr *rr = NULL;
        ck_assert_int_eq(ldns_wire2rr(&rr, difference->records, difference->octets, &at, LDNS_SECTION_ANSWER),
                         LDNS_STATUS_OK);
        char *line = ldns_rr2str(rr);
        for (char *c = line; *c != '\0'; c++)
            *c = *c == '\t' ? ' ' : *c;
        (void)fputs(line, out);
        free(line);
        ldns_rr_free(rr);
    }
    (void)fclose(out);
    return text;
}

START_TEST(changes_are_told)
{
    struct zone_image *before = zones_compile("example.", changes[_i].before);
    struct zone_image *after = zones_compile("example.", changes[_i].after);
    struct zone_difference *difference = zone_difference_make(before, after, SIZE_MAX);
    ck_assert_ptr_nonnull(difference);
    ck_assert_uint_eq(difference->from, 1);
    ck_assert_uint_eq(difference->to, 2);
    char *text = difference_text(difference);
    ck_assert_str_eq(text, changes[_i].difference);
    free(text);
    zone_difference_release(difference);
    zone_image_release(before);
    zone_image_release(after);
}
END_TEST

/* A zone of this serial that has `octets` of text that no other serial has. */
static struct zone_image *version(unsigned serial, unsigned octets)
{
    char text[1024];
    char filler[256] = "";
    memset(filler, (int)('a' + serial % 26), octets);
    (void)snprintf(text, sizeof text,
                   "@ 60 SOA ns h %u 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\nt 60 TXT \"%s\"\n", serial,
                   filler);
    return zones_compile("example.", text);
}

START_TEST(history_grows)
{
    struct zone_image *image = version(1, 10);
    size_t step = 99;
    for (unsigned serial = 2; serial <= 4; serial++) {
        struct zone_image *next = version(serial, 10);
        zone_history_continue(next, image);
        zone_image_release(image);
        image = next;
    }
    ck_assert_ptr_nonnull(image->history);
    ck_assert_uint_eq(image->history->count, 3);
    ck_assert(zone_history_find(image->history, 2, &step));
    ck_assert_uint_eq(step, 1);
    ck_assert_uint_eq(image->history->steps[1]->to, 3);
    ck_assert(!zone_history_find(image->history, 4, &step));
    ck_assert(!zone_history_find(NULL, 1, &step));
    zone_image_release(image);
}
END_TEST

/* Together the steps are never longer than the image, and the oldest make room. */
START_TEST(history_is_bounded)
{
    struct zone_image *image = version(1, 250);
    for (unsigned serial = 2; serial <= 200; serial++) {
        struct zone_image *next = version(serial, 250);
        zone_history_continue(next, image);
        zone_image_release(image);
        image = next;
        size_t octets = 0;
        ck_assert_ptr_nonnull(image->history);
        for (size_t i = 0; i < image->history->count; i++) {
            const struct zone_difference *step = image->history->steps[i];
            octets += step->octets;
            ck_assert_uint_eq(step->to, serial - (image->history->count - 1 - i));
        }
        ck_assert_uint_le(octets, image->octets);
    }
    ck_assert_uint_lt(image->history->count, 60);
    zone_image_release(image);
}
END_TEST

START_TEST(history_ends)
{
    struct zone_image *old = version(5, 10);
    struct zone_image *same = version(5, 20);
    struct zone_image *back = version(4, 10);
    zone_history_continue(same, old);
    ck_assert_ptr_null(same->history);
    zone_history_continue(back, old);
    ck_assert_ptr_null(back->history);
    ck_assert_ptr_null(zone_difference_make(old, back, 20));
    zone_image_release(old);
    zone_image_release(same);
    zone_image_release(back);
}
END_TEST

START_TEST(serials_go_round)
{
    struct zone_image *old = version(4294967295U, 10);
    struct zone_image *next = version(1, 10);
    zone_history_continue(next, old);
    ck_assert_ptr_nonnull(next->history);
    zone_image_release(old);
    zone_image_release(next);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("zone/difference");
    TCase *tests = tcase_create("difference");
    tcase_add_loop_test(tests, changes_are_told, 0, sizeof changes / sizeof changes[0]);
    tcase_add_test(tests, history_grows);
    tcase_add_test(tests, history_is_bounded);
    tcase_add_test(tests, history_ends);
    tcase_add_test(tests, serials_go_round);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
