/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/probe_message.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct probe_question question;
static uint8_t bytes[1024];
static struct writer to;
static const char *why;

/* What an answer says; the fields are bent one by one. */
static struct {
    uint16_t id;
    uint16_t flags;
    uint16_t questions, answers, authorities, additionals;
    const char *name; /* of the question */
    uint16_t type, class;
    const char *owner; /* of the record; NULL: a pointer to the question */
    uint16_t pointer;
    uint16_t record_type, record_class;
    uint16_t rdata_octets;
    uint32_t opt_ttl;
    const char *nsid; /* NULL: no option */
} says;

static void begin(void)
{
    question = (struct probe_question){.kind = PROBE_SOA, .id = 0x1234};
    name_from_text(question.name, "example.com.");
    memset(&says, 0, sizeof says);
    says.id = 0x1234;
    says.flags = 0x8400;
    says.questions = says.answers = says.additionals = 1;
    says.name = "example.com.";
    says.type = says.record_type = 6;
    says.class = says.record_class = 1;
    says.pointer = 12;
    says.rdata_octets = 30;
    says.nsid = "pop1";
}

static void put_name(const char *text)
{
    uint8_t name[NAME_MAX_OCTETS];
    writer_bytes(&to, name, name_from_text(name, text));
}

static void put_record(void)
{
    if (says.owner != NULL)
        put_name(says.owner);
    else
        writer_u16(&to, 0xc000 | says.pointer);
    writer_u16(&to, says.record_type);
    writer_u16(&to, says.record_class);
    writer_u32(&to, 3600);
    writer_u16(&to, says.rdata_octets);
    for (unsigned i = 0; i < says.rdata_octets; i++)
        writer_u8(&to, 0);
}

static void put_opt(void)
{
    size_t octets = says.nsid != NULL ? strlen(says.nsid) : 0;
    writer_u8(&to, 0);
    writer_u16(&to, 41);
    writer_u16(&to, 1232);
    writer_u32(&to, says.opt_ttl);
    writer_u16(&to, (uint16_t)(says.nsid != NULL ? octets + 4 + 6 : 6));
    writer_u16(&to, 10); /* another option goes before */
    writer_u16(&to, 2);
    writer_u16(&to, 0);
    if (says.nsid == NULL)
        return;
    writer_u16(&to, 3);
    writer_u16(&to, (uint16_t)octets);
    writer_bytes(&to, says.nsid, octets);
}

static enum probe_outcome judge(void)
{
    to = writer_to(bytes, sizeof bytes);
    writer_u16(&to, says.id);
    writer_u16(&to, says.flags);
    writer_u16(&to, says.questions);
    writer_u16(&to, says.answers);
    writer_u16(&to, says.authorities);
    writer_u16(&to, says.additionals);
    put_name(says.name);
    writer_u16(&to, says.type);
    writer_u16(&to, says.class);
    if (says.answers > 0)
        put_record();
    if (says.additionals > 0)
        put_opt();
    return probe_judge_answer(&question, "pop1", bytes, writer_offset(&to), &why);
}

START_TEST(good_answers)
{
    ck_assert_int_eq(judge(), PROBE_GOOD);
    ck_assert_ptr_null(why);
    says.name = "EXAMPLE.com.";
    ck_assert_int_eq(judge(), PROBE_GOOD);
    says.owner = "eXample.com.";
    ck_assert_int_eq(judge(), PROBE_GOOD);
}
END_TEST

START_TEST(not_for_us)
{
    says.id = 0x1235;
    ck_assert_int_eq(judge(), PROBE_IGNORE);
    begin();
    says.flags = 0x0400; /* a query */
    ck_assert_int_eq(judge(), PROBE_IGNORE);
    begin();
    says.flags = 0xa400; /* a NOTIFY */
    ck_assert_int_eq(judge(), PROBE_IGNORE);
    begin();
    ck_assert_int_eq(judge(), PROBE_GOOD);
    ck_assert_int_eq(probe_judge_answer(&question, "pop1", bytes, 11, &why), PROBE_IGNORE);
}
END_TEST

#define JUDGED_IF(change, outcome)                                                                           \
    do {                                                                                                     \
        begin();                                                                                             \
        change;                                                                                              \
        ck_assert_msg(judge() == (outcome), "%s", #change);                                                  \
        ck_assert_ptr_nonnull(why);                                                                          \
    } while (0)

#define BAD_IF(change)     JUDGED_IF(change, PROBE_BAD)
#define REFUSED_IF(change) JUDGED_IF(change, PROBE_REFUSED) /* an answer of ours, without the zone's data */

START_TEST(bad_answers)
{
    REFUSED_IF(says.flags = 0x8402);
    REFUSED_IF(says.flags = 0x8405);
    REFUSED_IF(says.flags = 0x8403);
    REFUSED_IF(says.flags = 0x8000); /* not authoritative */
    REFUSED_IF(says.flags = 0x8600); /* truncated */
    BAD_IF(says.questions = 0);
    BAD_IF(says.questions = 2);
    BAD_IF(says.name = "example.org.");
    BAD_IF(says.type = 1);
    BAD_IF(says.class = 3);
    REFUSED_IF(says.answers = 0);
    REFUSED_IF(says.owner = "www.example.com.");
    REFUSED_IF(says.record_type = 2);
    REFUSED_IF(says.record_class = 3);
    REFUSED_IF(says.rdata_octets = 21);
    BAD_IF(says.nsid = "pop2");
    BAD_IF(says.nsid = "pop");
    BAD_IF(says.nsid = "pop11");
    BAD_IF(says.nsid = "");
    BAD_IF(says.nsid = NULL);
    BAD_IF(says.additionals = 0);
    BAD_IF(says.additionals = 2);
    BAD_IF(says.authorities = 1);
    BAD_IF(says.opt_ttl = 0x01000000);
    BAD_IF((says.flags = 0x8402, says.nsid = "pop2"));
    BAD_IF(says.pointer = 0);
    BAD_IF(says.pointer = 11);
    BAD_IF(says.pointer = 29); /* to itself */
    BAD_IF(says.pointer = 0x3fff);
}
END_TEST

/* An answer that was cut off anywhere is never good. */
START_TEST(cut_answers)
{
    ck_assert_int_eq(judge(), PROBE_GOOD);
    size_t octets = writer_offset(&to);
    for (size_t i = 0; i < octets; i++) {
        uint8_t *cut = malloc(i + 1);
        memcpy(cut, bytes, i);
        ck_assert_int_ne(probe_judge_answer(&question, "pop1", cut, i, &why), PROBE_GOOD);
        free(cut);
    }
}
END_TEST

START_TEST(question_as_written)
{
    static const uint8_t expected[] = "\x12\x34\0\0\0\1\0\0\0\0\0\1\7example\3com\0\0\6\0\1"
                                      "\0\0\x29\x04\xd0\0\0\0\0\0\4\0\3\0";
    uint8_t query[PROBE_QUERY_OCTETS];
    struct writer w = writer_to(query, sizeof query);
    probe_write_query(&w, &question);
    ck_assert(!w.failed);
    ck_assert_uint_eq(writer_offset(&w), sizeof expected); /* whose closing zero is the option's length */
    ck_assert_mem_eq(query, expected, sizeof expected);
}
END_TEST

START_TEST(longest_question_fits)
{
    char text[NAME_TEXT_MAX] = "";
    for (int i = 0; i < 127; i++)
        memcpy(text + 2 * i, "a.", 3);
    ck_assert_uint_eq(name_from_text(question.name, text), NAME_MAX_OCTETS);
    uint8_t query[PROBE_QUERY_OCTETS];
    struct writer w = writer_to(query, sizeof query);
    probe_write_query(&w, &question);
    ck_assert(!w.failed);
}
END_TEST

START_TEST(identity)
{
    question = probe_identity_question(0x1234);
    says.name = "id.server.";
    says.type = says.record_type = 16;
    says.class = says.record_class = 3;
    says.rdata_octets = 0;
    ck_assert_int_eq(judge(), PROBE_BAD);
    /* The record's rdata is zeros until we put the text in by hand: length 4, pop1. */
    says.rdata_octets = 5;
    ck_assert_int_eq(judge(), PROBE_BAD);
    memcpy(bytes + 12 + 11 + 4 + 12, "\4pop1", 5);
    ck_assert_int_eq(probe_judge_answer(&question, "pop1", bytes, writer_offset(&to), &why), PROBE_GOOD);
    ck_assert_int_eq(probe_judge_answer(&question, "pop2", bytes, writer_offset(&to), &why), PROBE_BAD);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health/probe_message");
    TCase *tests = tcase_create("probe_message");
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, good_answers);
    tcase_add_test(tests, not_for_us);
    tcase_add_test(tests, bad_answers);
    tcase_add_test(tests, cut_answers);
    tcase_add_test(tests, question_as_written);
    tcase_add_test(tests, longest_question_fits);
    tcase_add_test(tests, identity);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
