/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NOTIFY as ldns reads it, and which octets count as an answer to one.
 */
#include "zone/notify_message.h"

#include "../support/zones.h"
#include "zone/format.h"

#include <check.h>
#include <ldns/ldns.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

START_TEST(what_is_sent)
{
    struct zone_image *image =
        zones_compile("eXample.", "@ 60 SOA ns.sub H 7 1 1 1 1\n@ 60 NS ns.sub\nns.sub 60 A 192.0.2.1\n");
    uint8_t message[NOTIFY_MESSAGE_OCTETS];
    ldns_pkt *packet = NULL;
    size_t octets = notify_message_write(message, sizeof message, 4711, image);
    ck_assert_uint_gt(octets, 0);
    ck_assert_int_eq(ldns_wire2pkt(&packet, message, octets), LDNS_STATUS_OK);
    ck_assert_int_eq(ldns_pkt_get_opcode(packet), LDNS_PACKET_NOTIFY);
    ck_assert(ldns_pkt_aa(packet) && !ldns_pkt_qr(packet));
    ck_assert_uint_eq(ldns_pkt_id(packet), 4711);
    char *question = ldns_rr_list2str(ldns_pkt_question(packet));
    char *answer = ldns_rr_list2str(ldns_pkt_answer(packet));
    ck_assert_str_eq(question, "eXample.\tIN\tSOA\n");
    ck_assert_str_eq(answer, "eXample.\t60\tIN\tSOA\tns.sub.eXample. H.eXample. 7 1 1 1 1\n");
    free(question);
    free(answer);
    ldns_pkt_free(packet);
    ck_assert_uint_eq(notify_message_write(message, octets - 1, 4711, image), 0);
    zone_image_release(image);
}
END_TEST

#define QUESTION "\7example\0\0\6\0\1"
#define TSIG     "\1k\0\0\xfa\0\xff\0\0\0\0\0\0"

static const struct {
    const char *octets;
    size_t count;
    int rcode; /* -1: no answer to it */
    size_t tsig_at;
} answers[] = {
#define ANSWER(text, rcode, tsig_at)                                                                         \
    {                                                                                                        \
        (text), sizeof(text) - 1, (rcode), (tsig_at)                                                         \
    }
    ANSWER("\1\2\xa4\0\0\1\0\0\0\0\0\0" QUESTION, 0, 0),
    ANSWER("\1\2\xa4\5\0\1\0\0\0\0\0\0\7eXAMple\0\0\6\0\1", 5, 0),
    ANSWER("\1\2\xa0\4\0\0\0\0\0\0\0\0", 4, 0),
    ANSWER("\1\2\xa4\0\0\1\0\0\0\0\0\1" QUESTION TSIG, 0, 25),
    ANSWER("\1\2\xa4\0\0\1\0\1\0\0\0\1" QUESTION "\xc0\14\0\1\0\1\0\0\0\0\0\2ab" TSIG, 0, 39),
    ANSWER("\1\2\x24\0\0\1\0\0\0\0\0\0" QUESTION, -1, 0),           /* a query */
    ANSWER("\1\2\x84\0\0\1\0\0\0\0\0\0" QUESTION, -1, 0),           /* another opcode */
    ANSWER("\1\2\xa4\0\0\1\0\0\0\0\0\0\3net\0\0\6\0\1", -1, 0),     /* another zone */
    ANSWER("\1\2\xa4\0\0\1\0\0\0\0\0\0\7example\0\0\1\0\1", -1, 0), /* another type */
    ANSWER("\1\2\xa4\0\0\2\0\0\0\0\0\0" QUESTION QUESTION, -1, 0),
    ANSWER("\1\2\xa4\0\0\1\0\0\0\0\0\1" QUESTION, -1, 0), /* cut off */
    ANSWER("\1\2\xa4\0\0\1\0\0\0\0\0\1" QUESTION "\xc0\31", -1, 0),
    ANSWER("\1\2\xa4", -1, 0),
};

START_TEST(what_comes_back)
{
    struct notify_answer answer;
    static const uint8_t apex[] = "\7example";
    /* Of just this size, so that a sanitizer sees a read behind it. */
    uint8_t *octets = malloc(answers[_i].count);
    ck_assert_ptr_nonnull(octets);
    memcpy(octets, answers[_i].octets, answers[_i].count);
    bool read = notify_message_read(&answer, octets, answers[_i].count, apex);
    ck_assert(read == (answers[_i].rcode >= 0));
    if (read) {
        ck_assert_int_eq(answer.rcode, answers[_i].rcode);
        ck_assert_uint_eq(answer.tsig_at, answers[_i].tsig_at);
    }
    free(octets);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("zone/notify_message");
    TCase *tests = tcase_create("notify_message");
    tcase_add_test(tests, what_is_sent);
    tcase_add_loop_test(tests, what_comes_back, 0, sizeof answers / sizeof answers[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
