/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Messages from upstream and what is made of them. ldns makes the messages, and reads what came out.
 */
#include "resolve/resolved.h"

#include "answer/edns.h"
#include "answer/parse.h"
#include "wire/name.h"
#include "wire/rdata.h"
#include "wire/writer.h"

#include <check.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

static struct resolved_room room;

/* The question, and records in presentation form: "+" in front for the authority section. */
static size_t message_of(uint8_t **wire, const char *name, ldns_rr_type type, const char *const *records)
{
    size_t octets = 0;
    ldns_pkt *packet =
        ldns_pkt_query_new(ldns_dname_new_frm_str(name), type, LDNS_RR_CLASS_IN, LDNS_QR | LDNS_RD);
    for (; *records != NULL; records++) {
        ldns_rr *rr = NULL;
        bool authority = (*records)[0] == '+';
        ck_assert_int_eq(ldns_rr_new_frm_str(&rr, *records + authority, 0, NULL, NULL), LDNS_STATUS_OK);
        (void)ldns_pkt_push_rr(packet, authority ? LDNS_SECTION_AUTHORITY : LDNS_SECTION_ANSWER, rr);
    }
    ldns_pkt_set_edns_udp_size(packet, 1232);
    ldns_pkt_set_edns_do(packet, true);
    ck_assert_int_eq(ldns_pkt2wire(wire, packet, &octets), LDNS_STATUS_OK);
    ldns_pkt_free(packet);
    return octets;
}

/* The whole message that a client would get, as ldns reads it. */
static ldns_pkt *read_back(const struct resolved *resolved, const uint8_t *name, uint16_t type)
{
    static uint8_t bytes[65535];
    ldns_pkt *packet = NULL;
    struct writer w = writer_to(bytes, sizeof bytes);
    writer_u16(&w, 1);
    writer_u16(&w, FLAG_QR);
    writer_u16(&w, 1);
    for (unsigned i = 0; i < 3; i++)
        writer_u16(&w, resolved->counts[i]);
    writer_bytes(&w, name, name_octets(name));
    writer_u16(&w, type);
    writer_u16(&w, CLASS_IN);
    writer_bytes(&w, resolved->body, resolved->octets);
    ck_assert_int_eq(ldns_wire2pkt(&packet, bytes, writer_offset(&w)), LDNS_STATUS_OK);
    return packet;
}

#define SIG " RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA"

static const struct {
    const char *name;
    uint16_t type;
    bool dnssec;
    const char *records[6];
    unsigned counts[2];
    unsigned ttl_s;
} messages[] = {
    {"www.example.", RR_A, false, {"www.example. 300 A 192.0.2.1"}, {1, 0}, 300},
    {"www.example.", RR_A, false, {"www.example. 300 A 192.0.2.1", "www.example. 200" SIG}, {1, 0}, 300},
    {"www.example.", RR_A, true, {"www.example. 300 A 192.0.2.1", "www.example. 200" SIG}, {2, 0}, 200},
    {"www.example.", RR_RRSIG, false, {"www.example. 200" SIG}, {1, 0}, 200},
    {"a.example.",
     RR_A,
     false,
     {"a.example. 600 CNAME b.c.example.", "b.c.example. 60 A 192.0.2.1", "b.c.example. 60 A 192.0.2.2"},
     {3, 0},
     60},
    {"example.",
     RR_MX,
     true,
     {"example. 90 MX 10 mail.example.", "example. 90 MX 20 mail.other."},
     {2, 0},
     90},
    {"no.example.", RR_A, false, {"+example. 900 SOA ns.example. h.example. 1 2 3 4 30"}, {0, 1}, 30},
    {"no.example.",
     RR_A,
     false,
     {"+example. 20 SOA ns.example. h.example. 1 2 3 4 30", "+a.example. 10 NSEC b.example. A"},
     {0, 1},
     20},
    {"week.example.", RR_A, false, {"week.example. 604800 A 192.0.2.1"}, {1, 0}, 86400},
    {"old.example.", RR_A, false, {"old.example. 3000000000 A 192.0.2.1"}, {1, 0}, 0},
    {"none.example.", RR_A, false, {NULL}, {0, 0}, 0},
};

START_TEST(taken_apart)
{
    uint8_t *wire = NULL;
    uint8_t name[NAME_MAX_OCTETS];
    struct resolved resolved;
    size_t octets = message_of(&wire, messages[_i].name, messages[_i].type, messages[_i].records);
    ck_assert_uint_gt(name_from_text(name, messages[_i].name), 0);
    const struct resolved_question question = {name, messages[_i].type, messages[_i].dnssec};
    ck_assert(resolved_take(&resolved, &room, &question, wire, octets));
    ck_assert_uint_eq(resolved.counts[0], messages[_i].counts[0]);
    ck_assert_uint_eq(resolved.counts[1], messages[_i].counts[1]);
    ck_assert_uint_eq(resolved.counts[2], 0);
    ck_assert_uint_eq(resolved.ttl_s, messages[_i].ttl_s);
    ldns_pkt *packet = read_back(&resolved, name, messages[_i].type);
    ldns_rr_list *answers = ldns_pkt_answer(packet);
    for (size_t i = 0; i < ldns_rr_list_rr_count(answers); i++) {
        ldns_rr *expected = NULL;
        ck_assert_int_eq(ldns_rr_new_frm_str(&expected, messages[_i].records[i], 0, NULL, NULL),
                         LDNS_STATUS_OK);
        ck_assert_int_eq(ldns_rr_compare(ldns_rr_list_rr(answers, i), expected), 0);
        ldns_rr_free(expected);
    }
    for (unsigned i = 0; i < resolved.ttl_count; i++)
        ck_assert_uint_le(resolved.ttl_at[i] + 4U, resolved.octets);
    ldns_pkt_free(packet);
    free(wire);
}
END_TEST

/* Whatever is cut off or turned over, nothing is read that isn't there (the sanitizers see to that), and what
 * is made of it stays within itself. */
START_TEST(broken_messages)
{
    uint8_t *wire = NULL;
    uint8_t name[NAME_MAX_OCTETS];
    struct resolved resolved;
    static const char *const records[] = {"a.example. 600 CNAME b.c.example.",
                                          "b.c.example. 60 MX 1 a.example.", NULL};
    size_t octets = message_of(&wire, "a.example.", LDNS_RR_TYPE_MX, records);
    ck_assert_uint_gt(name_from_text(name, "a.example."), 0);
    const struct resolved_question question = {name, RR_MX, true};
    const struct resolved_question other = {name, RR_A, true};
    ck_assert(resolved_take(&resolved, &room, &question, wire, octets));
    ck_assert(!resolved_take(&resolved, &room, &other, wire, octets));
    for (size_t cut = 0; cut < octets - 11; cut++) {
        uint8_t *part = malloc(cut > 0 ? cut : 1);
        memcpy(part, wire, cut);
        ck_assert(!resolved_take(&resolved, &room, &question, part, cut));
        free(part);
    }
    for (size_t at = 12; at < octets; at++) {
        uint8_t was = wire[at];
        wire[at] = 0xc0;
        if (resolved_take(&resolved, &room, &question, wire, octets))
            for (unsigned i = 0; i < resolved.ttl_count; i++)
                ck_assert_uint_le(resolved.ttl_at[i] + 4U, resolved.octets);
        wire[at] = was;
    }
    free(wire);
}
END_TEST

static const struct {
    const char *words;
    int error;
} reasons[] = {
    {"validation failure <bad.example. A IN>: signature expired from 192.0.2.1 for key bad.example.", 7},
    {"validation failure <bad.example. A IN>: signature before inception date from 192.0.2.1", 8},
    {"validation failure <bad.example. A IN>: no DNSKEY rrset for key bad.example. while building chain", 9},
    {"validation failure <bad.example. A IN>: No DNSKEY record for key bad.example. while building chain of "
     "trust",
     9},
    {"validation failure <bad.example. A IN>: no signatures from 192.0.2.1", 10},
    {"validation failure <bad.example. A IN>: nodata proof failed from 192.0.2.1", 12},
    {"validation failure <bad.example. A IN>: signature crypto failed from 192.0.2.1", 6},
    {NULL, 6},
};

START_TEST(why_bogus)
{
    ck_assert_int_eq(resolved_why_bogus(reasons[_i].words), reasons[_i].error);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolve/resolved");
    TCase *tests = tcase_create("resolved");
    tcase_add_loop_test(tests, taken_apart, 0, sizeof messages / sizeof messages[0]);
    tcase_add_test(tests, broken_messages);
    tcase_add_loop_test(tests, why_bogus, 0, sizeof reasons / sizeof reasons[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
