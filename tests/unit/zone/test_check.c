/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Records below a sound beginning, and what is said of them: "LEVEL LINE: words", all of which have to be in
 * the finding. The beginning takes lines 1 to 3.
 */
#include "zone/check.h"

#include "wire/name.h"
#include "zone/load.h"
#include "zone/read.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGINNING    "$TTL 60\n@ SOA ns.example.net. h 5 2 3 4 5\n@ NS ns.example.net.\n"
#define DS           " DS 1 8 2 00\n"
#define SIGNED(type) " RRSIG " type " 8 3 60 20260904170000 20260822160000 57780 example.com. AQID\n"

static const struct {
    const char *about;
    const char *text;
    const char *findings; /* one to a line, in order; NULL: none */
} cases[] = {
    {"nothing more", "", NULL},
    {"plain things", "a A 192.0.2.1\na AAAA ::1\n*.b CNAME a\n_x._y SRV 1 1 1 a\n@ MX 10 a\n", NULL},
    {"a second SOA", "@ SOA x. h 6 2 3 4 5\n", "error 4: second SOA line 2\n"},
    {"a second SOA that is the same", "@ SOA ns.example.net. h 5 2 3 4 5\n", NULL},
    {"an SOA elsewhere", "a SOA x. h 6 2 3 4 5\n", "error 4: a.example.com. SOA\n"},
    {"a CNAME and other data", "a CNAME b\na A 192.0.2.1\n", "error 4: a.example.com. CNAME line 5\n"},
    {"a CNAME at the apex", "@ CNAME b\n", "error 4: CNAME other data\n"},
    {"a CNAME and what proves it",
     "a CNAME b\na NSEC b CNAME RRSIG NSEC\na" SIGNED("CNAME") "a" SIGNED("NSEC"), NULL},
    {"two CNAMEs", "a CNAME c\na CNAME b\n", "error 5: second CNAME line 4\n"},
    {"a CNAME twice the same, but for case", "a CNAME b\nA CNAME B\n", NULL},
    {"two DNAMEs", "a DNAME b\na DNAME c\n", "error 5: second DNAME line 4\n"},
    {"a CNAME beside a DNAME", "a CNAME b\na DNAME c\n", "error 4: CNAME line 5\n"},
    {"a DNAME at the apex", "@ DNAME example.net.\n", NULL},
    {"data below a DNAME", "a DNAME b\nx.a A 192.0.2.1\ny.a A 192.0.2.1\nab A 192.0.2.1\n",
     "warning 5: x.a.example.com. hidden DNAME a.example.com.\n"},
    {"NS beside a DNAME", "a DNAME b\na NS ns.example.net.\n", "warning 4: DNAME NS\n"},
    {"data below a cut", "a NS ns.a\nns.a A 192.0.2.1\nns.a TXT x\ny.a TXT x\n",
     "warning 6: ns.a.example.com. hidden delegation a.example.com.\n"},
    {"data at a cut", "a NS ns.example.net.\na TXT x\na" DS "a NSEC b NS DS RRSIG NSEC\n",
     "warning 5: hidden delegation\n"},
    {"a cut below a cut", "a NS ns.example.net.\nb.a NS ns.example.net.\nc.b.a A 192.0.2.1\n",
     "warning 5: b.a.example.com. hidden\n"},
    {"glue", "a NS ns.a\nns.a A 192.0.2.1\nb NS ns.a\nb NS b\nb AAAA ::1\n", NULL},
    {"missing glue", "a NS ns.a\n", "warning 4: ns.a.example.com. glue missing\n"},
    {"missing glue below another cut", "a NS ns.b\nb NS ns.example.net.\n", NULL},
    {"a server in the zone without address", "a NS ns\n", "warning 4: ns.example.com. no address\n"},
    {"a server in the zone that a wildcard answers for", "a NS ns.w\n*.w A 192.0.2.1\n", NULL},
    {"the apex's server in the zone without address", "@ NS ns\n", "warning 4: ns.example.com. no address\n"},
    {"NS to a CNAME", "a NS b\nb CNAME c\n", "warning 4: NS b.example.com. CNAME\n"},
    {"MX to a CNAME", "a MX 10 b\nb CNAME c\n", "warning 4: MX b.example.com. CNAME\n"},
    {"SRV to a CNAME", "a SRV 1 1 1 b\nb CNAME c\n", "warning 4: SRV b.example.com. CNAME\n"},
    {"no mail and no service", "a MX 0 .\na SRV 0 0 0 .\n", NULL},
    {"NS at a wildcard", "*.a NS ns.example.net.\n", "warning 4: *.a.example.com. wildcard\n"},
    {"DS at the apex", "@" DS, "warning 4: example.com. DS\n"},
    {"DS without NS", "a" DS, "warning 4: a.example.com. DS\n"},
    {"DS with NS", "a" DS "a NS ns.example.net.\n", NULL},
    {"TTLs that differ", "a 60 A 192.0.2.1\na 5 A 192.0.2.2\na 90 A 192.0.2.3\na 7 TXT x\n",
     "warning 5: TTLs 5 60 lowest\n"},
    {"signatures' TTLs may differ by type",
     "a 60 A 192.0.2.1\na 5 TXT x\na 60" SIGNED("A") "a 5" SIGNED("TXT"), NULL},
    {"a signature over nothing", "a A 192.0.2.1\na" SIGNED("TXT"), "warning 5: RRSIG over TXT\n"},
    {"NSEC and NSEC3",
     "a NSEC b A\n@ NSEC3PARAM 1 0 0 -\nb NSEC3 1 0 0 - H6AS9FEBMP4UF4S4T0EC2A6KTLTQ5OQ2 A\n",
     "warning 6: NSEC3 NSEC line 4\n"},
    {"NSEC3 without parameters", "b NSEC3 1 0 0 - H6AS9FEBMP4UF4S4T0EC2A6KTLTQ5OQ2 A\n",
     "warning 4: NSEC3PARAM\n"},
    {"NSEC3 that nobody can validate",
     "@ NSEC3PARAM 2 0 501 -\nb NSEC3 2 0 501 - 04 A\nc NSEC3 2 0 501 - 04 A\n",
     "warning 4: hash\nwarning 4: iterations 9276\nwarning 5: 20 octets\n"},
    {"NSEC3 with as many iterations as may be", "@ NSEC3PARAM 1 0 500 -\n", NULL},
};

/* Reads, sorts and checks; the caller frees both. */
static bool check_text(struct zone_records *records, const char *text, const uint32_t *serial,
                       struct findings *findings)
{
    struct zone_text loaded;
    uint8_t apex[NAME_MAX_OCTETS];
    name_from_text(apex, "example.com");
    zone_records_init(records);
    ck_assert_int_eq(zone_text_of_memory(&loaded, "test.zone", text, strlen(text)), 0);
    ck_assert_msg(zone_read(records, &loaded, apex, findings, NULL), "%s", text);
    ck_assert_int_eq(zone_records_sort(records), 0);
    zone_text_free(&loaded);
    return zone_check(records, serial, findings);
}

static bool finding_matches(const struct finding *finding, const char *expected)
{
    char text[256];
    (void)snprintf(text, sizeof text, "%s", expected);
    char *rest = strchr(text, ' ');
    const char *level = finding->level == FINDING_ERROR ? "error" : "warning";
    if (strncmp(text, level, strlen(level)) != 0 || strtoul(rest, &rest, 10) != finding->line)
        return false;
    for (const char *word = strtok(rest + 1, " "); word != NULL; word = strtok(NULL, " ")) {
        if (strstr(finding->text, word) == NULL)
            return false;
    }
    return true;
}

static void assert_findings(const struct findings *findings, const char *expected, const char *about)
{
    char text[512] = "none";
    char line[256];
    size_t i = 0;
    for (const char *at = expected != NULL ? expected : ""; *at != '\0'; i++) {
        size_t octets = strcspn(at, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)octets, at);
        if (i < findings->count)
            finding_to_text(&findings->list[i], text, sizeof text);
        ck_assert_msg(i < findings->count && finding_matches(&findings->list[i], line),
                      "%s: \"%s\" isn't \"%s\"", about, text, line);
        at += octets + 1;
    }
    if (i < findings->count)
        finding_to_text(&findings->list[i], text, sizeof text);
    ck_assert_msg(i == findings->count, "%s: one too many: %s", about, text);
}

START_TEST(judges)
{
    char text[2048];
    struct zone_records records;
    struct findings findings = {0};
    (void)snprintf(text, sizeof text, BEGINNING "%s", cases[_i].text);
    bool ok = check_text(&records, text, NULL, &findings);
    assert_findings(&findings, cases[_i].findings, cases[_i].about);
    ck_assert(ok == (findings.errors == 0));
    zone_records_free(&records);
    findings_free(&findings);
}
END_TEST

static const struct {
    const char *text;
    const char *findings;
} whole_cases[] = {
    {"", "error 0: no SOA\nerror 0: no NS\n"},
    {"a 60 A 192.0.2.1\n", "error 0: no SOA\nerror 0: no NS\n"},
    {"@ 60 SOA x. h 6 2 3 4 5\n", "error 0: no NS\n"},
    {"@ 60 NS x.\n", "error 0: no SOA\n"},
};

START_TEST(wholes)
{
    struct zone_records records;
    struct findings findings = {0};
    ck_assert(!check_text(&records, whole_cases[_i].text, NULL, &findings));
    assert_findings(&findings, whole_cases[_i].findings, whole_cases[_i].text);
    zone_records_free(&records);
    findings_free(&findings);
}
END_TEST

START_TEST(the_lowest_ttl_is_for_all)
{
    struct zone_records records;
    struct findings findings = {0};
    check_text(&records, BEGINNING "a 60 A 192.0.2.1\na 5 A 192.0.2.2\na 9 TXT x\n", NULL, &findings);
    ck_assert_uint_eq(records.records[2].ttl, 5);
    ck_assert_uint_eq(records.records[3].ttl, 5);
    ck_assert_uint_eq(records.records[4].ttl, 9);
    zone_records_free(&records);
    findings_free(&findings);
}
END_TEST

/* What no message of 65,535 octets holds (RFC 7766 8): 12 of header, owner and 4 of question, and 12 and the
 * data of each record. */
static const struct {
    size_t addresses; /* of a.example.com. */
    size_t octets;    /* of the data of its TYPE65400 */
    const char *findings;
} sizes[] = {
    {4094, 1, NULL},
    {4095, 1, "warning 4: a.example.com. A 65551 65535\n"},
    {1, 65492, NULL},
    {1, 65493, "error 5: a.example.com. TYPE65400 65536 65535\n"},
};

/* The caller frees it. */
static char *text_of_size(size_t addresses, size_t octets)
{
    char *text = malloc(sizeof BEGINNING + addresses * 32 + octets * 2 + 64);
    ck_assert_ptr_nonnull(text);
    char *at = text + sprintf(text, BEGINNING);
    for (size_t i = 0; i < addresses; i++)
        at += sprintf(at, "a A 10.%zu.%zu.1\n", i >> 8, i & 255);
    at += sprintf(at, "a TYPE65400 \\# %zu ", octets);
    for (size_t i = 0; i < octets; i++)
        at += sprintf(at, "00");
    (void)sprintf(at, "\n");
    return text;
}

START_TEST(what_no_message_holds)
{
    struct zone_records records;
    struct findings findings = {0};
    char *text = text_of_size(sizes[_i].addresses, sizes[_i].octets);
    check_text(&records, text, NULL, &findings);
    assert_findings(&findings, sizes[_i].findings, "size");
    zone_records_free(&records);
    findings_free(&findings);
    free(text);
}
END_TEST

START_TEST(records_outside_are_refused)
{
    struct zone_records records;
    struct findings findings = {0};
    uint8_t apex[NAME_MAX_OCTETS];
    check_text(&records, BEGINNING "a A 192.0.2.1\n", NULL, &findings);
    name_from_text(apex, "b.example.com");
    records.apex = apex;
    ck_assert(!zone_check(&records, NULL, &findings));
    ck_assert_ptr_nonnull(strstr(findings.list[0].text, "outside"));
    zone_records_free(&records);
    findings_free(&findings);
}
END_TEST

/* The serial is 5. */
static const struct {
    uint32_t served;
    const char *finding;
} serials[] = {
    {4, NULL},
    {5, "warning 2: still 5\n"},
    {6, "warning 2: backwards 6 5\n"},
    {0xffffffff, NULL},
    {0x80000006, NULL},
    {0x80000005, "warning 2: backwards\n"},
    {0x80000004, "warning 2: backwards\n"},
};

START_TEST(serial_arithmetic)
{
    struct zone_records records;
    struct findings findings = {0};
    ck_assert(check_text(&records, BEGINNING, &serials[_i].served, &findings));
    assert_findings(&findings, serials[_i].finding, "serial");
    zone_records_free(&records);
    findings_free(&findings);
}
END_TEST

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

int main(void)
{
    Suite *suite = suite_create("zone/check");
    TCase *tcase = tcase_create("check");
    tcase_add_loop_test(tcase, judges, 0, COUNT_OF(cases));
    tcase_add_loop_test(tcase, wholes, 0, COUNT_OF(whole_cases));
    tcase_add_test(tcase, the_lowest_ttl_is_for_all);
    tcase_add_test(tcase, records_outside_are_refused);
    tcase_add_loop_test(tcase, what_no_message_holds, 0, COUNT_OF(sizes));
    tcase_add_loop_test(tcase, serial_arithmetic, 0, COUNT_OF(serials));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
