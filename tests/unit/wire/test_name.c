/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/name.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    size_t octets;    /* 0: not a name */
    const char *back; /* what it reads as again; NULL: `text` */
} texts[] = {
    /* clang-format off */
    {".", 1, NULL},
    {"com.", 5, NULL},
    {"com", 5, "com."},
    {"www.Example.com.", 17, NULL},
    {"a\\.b.c.", 7, NULL},
    {"\\000\\255.x.", 6, NULL},
    {"sp\\032ace.", 8, NULL},
    {"", 0, NULL},
    {"..", 0, NULL},
    {"a..b.", 0, NULL},
    {".a.", 0, NULL},
    {"\\256.", 0, NULL},
    {"\\25", 0, NULL},
    {"a\\", 0, NULL},
    /* clang-format on */
};

START_TEST(text_to_wire_and_back)
{
    uint8_t name[NAME_MAX_OCTETS];
    char text[NAME_TEXT_MAX];
    size_t octets = name_from_text(name, texts[_i].text);
    ck_assert_uint_eq(octets, texts[_i].octets);
    if (octets > 0) {
        ck_assert_uint_eq(name_check(name, sizeof name), octets);
        ck_assert_uint_eq(name_octets(name), octets);
        ck_assert_str_eq(name_to_text(name, text), texts[_i].back != NULL ? texts[_i].back : texts[_i].text);
    }
}
END_TEST

/* `labels` labels of `octets` each, as text. */
static char *repeat(unsigned labels, unsigned octets)
{
    static char text[2048];
    char *at = text;
    for (unsigned l = 0; l < labels; l++) {
        for (unsigned i = 0; i < octets; i++)
            *at++ = 'a';
        *at++ = '.';
    }
    *at = '\0';
    return text;
}

START_TEST(longest_names)
{
    uint8_t name[NAME_MAX_OCTETS];
    ck_assert_uint_eq(name_from_text(name, repeat(1, 63)), 65);
    ck_assert_uint_eq(name_from_text(name, repeat(1, 64)), 0);
    ck_assert_uint_eq(name_from_text(name, repeat(127, 1)), 255);
    ck_assert_uint_eq(name_labels(name), 127);
    ck_assert_uint_eq(name_from_text(name, repeat(128, 1)), 0);
    ck_assert_uint_eq(name_from_text(name, repeat(4, 63)), 0);
    char text[NAME_TEXT_MAX];
    snprintf(text, sizeof text, "%s%s", repeat(3, 63),
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.");
    ck_assert_uint_eq(name_from_text(name, text), 255);
    text[strlen(text) - 1] = '\0';
    ck_assert_uint_eq(name_from_text(name, text), 255);
    snprintf(text, sizeof text, "%s%s", repeat(3, 63),
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    ck_assert_uint_eq(name_from_text(name, text), 0);
}
END_TEST

static const struct {
    const char *bytes;
    size_t octets;
    size_t name; /* what name_check() gives */
} wires[] = {
    {"", 0, 0},     {"\0", 1, 1},      {"\3com", 4, 0},   {"\3com\0", 5, 5}, {"\3com\0tail", 9, 5},
    {"\3co", 3, 0}, {"\300\14", 2, 0}, {"\100a\0", 3, 0}, {"\200a\0", 3, 0}, {"\1\300\0", 3, 3},
};

START_TEST(check_wire)
{
    ck_assert_uint_eq(name_check((const uint8_t *)wires[_i].bytes, wires[_i].octets), wires[_i].name);
}
END_TEST

/* RFC 4034 6.1's own example, in order. */
static const char *const ordered[] = {"example.",         "a.example.",      "yljkjljk.a.example.",
                                      "Z.a.example.",     "zABC.a.EXAMPLE.", "z.example.",
                                      "\\001.z.example.", "*.z.example.",    "\\200.z.example."};

START_TEST(canonical_order)
{
    size_t count = sizeof ordered / sizeof ordered[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            uint8_t a[NAME_MAX_OCTETS];
            uint8_t b[NAME_MAX_OCTETS];
            name_from_text(a, ordered[i]);
            name_from_text(b, ordered[j]);
            int order = name_compare(a, b);
            ck_assert_int_eq((order > 0) - (order < 0), (i > j) - (i < j));
            ck_assert(name_equal(a, b) == (i == j));
        }
    }
}
END_TEST

START_TEST(fold_every_octet)
{
    uint8_t from[256 + 7];
    uint8_t to[256 + 7];
    for (unsigned shift = 0; shift < 8; shift++) {
        for (unsigned i = 0; i < 256; i++)
            from[i] = (uint8_t)(i + shift);
        name_fold(to, from, 256);
        for (unsigned i = 0; i < 256; i++)
            ck_assert_uint_eq(to[i], from[i] >= 'A' && from[i] <= 'Z' ? from[i] + 32 : from[i]);
    }
}
END_TEST

static const struct {
    const char *name;
    const char *ancestor;
    bool below;
} kin[] = {
    {"a.b.", "b.", true},  {"a.B.", "b.", true},     {"b.", "b.", true}, {"b.", "a.b.", false},
    {"ab.", "b.", false},  {"a.b.", ".", true},      {".", ".", true},   {".", "b.", false},
    {"a.c.", "b.", false}, {"\\001b.", "b.", false},
};

START_TEST(at_or_below)
{
    uint8_t a[NAME_MAX_OCTETS];
    uint8_t b[NAME_MAX_OCTETS];
    name_from_text(a, kin[_i].name);
    name_from_text(b, kin[_i].ancestor);
    ck_assert(name_is_at_or_below(a, b) == kin[_i].below);
}
END_TEST

static const struct {
    const char *message;
    size_t octets;
    size_t at;
    const char *name; /* NULL: broken */
    size_t after;
} packed[] = {
    {"\1a\0", 3, 0, "a.", 3},
    {"\0", 1, 0, ".", 1},
    {"\1a\0\1b\300\0x", 8, 3, "b.a.", 7},
    {"\1a\0\1b\300\0\1c\300\3", 11, 7, "c.b.a.", 11},
    {"\1a\0\300\0", 5, 3, "a.", 5},
    {"\300\0", 2, 0, NULL, 0},            /* to itself */
    {"\1a\300\0", 4, 0, NULL, 0},         /* round */
    {"\300\2\0", 3, 0, NULL, 0},          /* forward */
    {"\1a\0\300\4\300\3", 7, 5, NULL, 0}, /* back, then forward */
    {"\1a", 2, 0, NULL, 0},
    {"\2a", 2, 0, NULL, 0},
    {"\1a\300", 3, 0, NULL, 0},
    {"\100a\0", 3, 0, NULL, 0},
    {"\0", 1, 1, NULL, 0},
};

START_TEST(unpack)
{
    uint8_t name[NAME_MAX_OCTETS];
    char text[NAME_TEXT_MAX];
    size_t after = 0;
    /* Of just this size, so that a sanitizer sees a read behind it. */
    uint8_t *message = malloc(packed[_i].octets);
    ck_assert_ptr_nonnull(message);
    memcpy(message, packed[_i].message, packed[_i].octets);
    size_t octets = name_unpack(name, message, packed[_i].octets, packed[_i].at, &after);
    ck_assert((octets > 0) == (packed[_i].name != NULL));
    if (octets > 0) {
        ck_assert_str_eq(name_to_text(name, text), packed[_i].name);
        ck_assert_uint_eq(after, packed[_i].after);
    }
    free(message);
}
END_TEST

/* 255 octets are a name, 256 are none. */
START_TEST(unpack_longest)
{
    uint8_t name[NAME_MAX_OCTETS];
    uint8_t message[400] = {0};
    size_t after = 0;
    size_t octets = name_from_text(message, repeat(126, 1));
    ck_assert_uint_eq(octets, 253);
    memcpy(message + 253, "\1b\300\0\2bb\300\0", 9);
    ck_assert_uint_eq(name_unpack(name, message, sizeof message, 253, &after), 255);
    ck_assert_uint_eq(name_unpack(name, message, sizeof message, 257, &after), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire/name");
    TCase *tests = tcase_create("name");
    tcase_add_loop_test(tests, text_to_wire_and_back, 0, sizeof texts / sizeof texts[0]);
    tcase_add_test(tests, longest_names);
    tcase_add_loop_test(tests, check_wire, 0, sizeof wires / sizeof wires[0]);
    tcase_add_test(tests, canonical_order);
    tcase_add_test(tests, fold_every_octet);
    tcase_add_loop_test(tests, unpack, 0, sizeof packed / sizeof packed[0]);
    tcase_add_test(tests, unpack_longest);
    tcase_add_loop_test(tests, at_or_below, 0, sizeof kin / sizeof kin[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
