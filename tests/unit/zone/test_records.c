/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/records.h"

#include "wire/name.h"
#include "zone/rdata.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Canonical order, from RFC 4034 6.1 and beyond: with octets 0, 1 and 255, and labels that begin alike. */
static const char *const in_order[] = {
    "example.",          "a.example.",           "yljkjljk.a.example.",
    "Z.a.example.",      "zABC.a.EXAMPLE.",      "a\\000.example.",
    "b.a\\000.example.", "a\\000\\000.example.", "a\\000\\001.example.",
    "a\\001.example.",   "a\\001\\000.example.", "a\\002.example.",
    "a-b.example.",      "ab.example.",          "z.example.",
    "\\001.z.example.",  "*.z.example.",         "\\200.z.example.",
    "\\255.z.example.",
};

#define NAMES (sizeof in_order / sizeof in_order[0])

static void add(struct zone_records *records, const char *owner, uint16_t type, const char *rdata,
                uint32_t line)
{
    uint8_t name[NAME_MAX_OCTETS];
    ck_assert_uint_gt(name_from_text(name, owner), 0);
    struct zone_record record = {.owner = name,
                                 .rdata = (const uint8_t *)rdata,
                                 .rdata_octets = (uint16_t)strlen(rdata),
                                 .type = type,
                                 .line = line,
                                 .class = 1};
    ck_assert_int_eq(zone_records_add(records, &record), 0);
}

static uint8_t apex_octets[NAME_MAX_OCTETS];

static void begin(struct zone_records *records, const char *apex)
{
    zone_records_init(records);
    name_from_text(apex_octets, apex);
    records->apex = apex_octets;
}

static void assert_owners(const struct zone_records *records, size_t each)
{
    uint8_t name[NAME_MAX_OCTETS];
    ck_assert_uint_eq(records->count, NAMES * each);
    for (size_t i = 0; i < records->count; i++) {
        name_from_text(name, in_order[i / each]);
        ck_assert_mem_eq(records->records[i].owner, name, name_octets(name));
    }
}

START_TEST(owners_in_any_order_come_out_canonical)
{
    struct zone_records records;
    unsigned state = (unsigned)_i;
    size_t order[NAMES];
    begin(&records, "example");
    for (size_t i = 0; i < NAMES; i++)
        order[i] = i;
    for (size_t i = NAMES - 1; _i > 0 && i > 0; i--) {
        state = state * 1103515245U + 12345U;
        size_t j = (state >> 16) % (i + 1);
        size_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    for (size_t i = 0; i < NAMES; i++) {
        add(&records, in_order[order[i]], 2, "b", 1);
        add(&records, in_order[order[i]], 1, "c", 1);
    }
    ck_assert_int_eq(zone_records_sort(&records), 0);
    assert_owners(&records, 2);
    for (size_t i = 0; i < records.count; i++)
        ck_assert_uint_eq(records.records[i].type, i % 2 + 1);
    zone_records_free(&records);
}
END_TEST

START_TEST(an_owner_above_the_apex_is_no_trouble)
{
    struct zone_records records;
    begin(&records, "a.example");
    for (size_t i = NAMES; i-- > 0;)
        add(&records, in_order[i], 1, "x", 1);
    ck_assert_int_eq(zone_records_sort(&records), 0);
    ck_assert_uint_eq(records.count, NAMES);
    zone_records_free(&records);
}
END_TEST

static const struct {
    const char *about;
    uint16_t type;
    const char *rdata[4]; /* lines 1, 2, ... */
    uint32_t lines[4];    /* what is left, in order */
} duplicate_cases[] = {
    {"octets decide", 1, {"b", "a", "ab", ""}, {2, 3, 1}},
    {"the first of equals stays", 1, {"b", "a", "b", "a"}, {2, 1}},
    {"names in NS are folded", 2, {"\1B", "\1a", "\1b", "\1A"}, {2, 1}},
    {"numbers before a name are not", 15, {"AA\1B", "aa\1b", "AA\1b", "aa\1a"}, {1, 4, 2}},
    {"text is not folded", 16, {"\1B", "\1b", "\1B"}, {1, 2}},
};

START_TEST(duplicates)
{
    struct zone_records records;
    begin(&records, "example");
    for (uint32_t i = 0; i < 4 && duplicate_cases[_i].rdata[i] != NULL; i++) {
        if (duplicate_cases[_i].rdata[i][0] != '\0')
            add(&records, "x.example.", duplicate_cases[_i].type, duplicate_cases[_i].rdata[i], i + 1);
    }
    ck_assert_int_eq(zone_records_sort(&records), 0);
    size_t i = 0;
    for (; i < 4 && duplicate_cases[_i].lines[i] != 0; i++) {
        ck_assert_uint_lt(i, records.count);
        ck_assert_uint_eq(records.records[i].line, duplicate_cases[_i].lines[i]);
    }
    ck_assert_uint_eq(records.count, i);
    zone_records_free(&records);
}
END_TEST

START_TEST(duplicates_of_another_case_far_apart)
{
    struct zone_records records;
    begin(&records, "example");
    add(&records, "X.example.", 1, "a", 1);
    add(&records, "y.example.", 1, "a", 2);
    add(&records, "x.EXAMPLE.", 1, "a", 3);
    ck_assert_int_eq(zone_records_sort(&records), 0);
    ck_assert_uint_eq(records.count, 2);
    ck_assert_uint_eq(records.records[0].line, 1);
    ck_assert_uint_eq(records.records[1].line, 2);
    zone_records_free(&records);
}
END_TEST

START_TEST(nothing_sorts_to_nothing)
{
    struct zone_records records;
    begin(&records, "example");
    ck_assert_int_eq(zone_records_sort(&records), 0);
    ck_assert_uint_eq(records.count, 0);
    zone_records_free(&records);
}
END_TEST

START_TEST(owners_that_follow_one_another_are_kept_once)
{
    struct zone_records records;
    begin(&records, "example");
    add(&records, "x.example.", 1, "a", 1);
    add(&records, "x.example.", 1, "b", 2);
    add(&records, "X.example.", 1, "c", 3);
    ck_assert_ptr_eq(records.records[0].owner, records.records[1].owner);
    ck_assert_ptr_ne(records.records[1].owner, records.records[2].owner);
    ck_assert_uint_eq(records.records[2].owner[1], 'X');
    zone_records_free(&records);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zone/records");
    TCase *tcase = tcase_create("records");
    tcase_add_loop_test(tcase, owners_in_any_order_come_out_canonical, 0, 200);
    tcase_add_test(tcase, an_owner_above_the_apex_is_no_trouble);
    tcase_add_loop_test(tcase, duplicates, 0, sizeof duplicate_cases / sizeof duplicate_cases[0]);
    tcase_add_test(tcase, duplicates_of_another_case_far_apart);
    tcase_add_test(tcase, nothing_sorts_to_nothing);
    tcase_add_test(tcase, owners_that_follow_one_another_are_kept_once);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
