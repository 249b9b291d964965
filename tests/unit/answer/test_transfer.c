/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Transfers through the whole query walk: every message is read by ldns, signatures are checked by ldns, and
 * what came is compared, record by record, with the zone's text as ldns reads it.
 */
#include "answer/transfer.h"

#include "../support/zones.h"
#include "answer/context.h"
#include "answer/query.h"
#include "zone/difference.h"
#include "zone/set.h"

#include <arpa/inet.h>
#include <check.h>
#include <ldns/ldns.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <urcu-qsbr.h>

#define SECRET "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" /* of "0123456789abcdef" twice */

static const char *const texts[] = {
    "@ 60 SOA ns h 2 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\nMiXed 60 A 192.0.2.2\n*.w 60 MX 5 Mail.w\n"
    "mail.w 60 A 192.0.2.3\nsub 60 NS ns.sub\nns.sub 60 A 192.0.2.4\nx.ent 60 TXT \"a\" \"b\"\n"
    "t 60 TYPE65280 \\# 3 010203\nc 60 CNAME x.ent\ns 60 SRV 1 2 3 mail.w\nd 60 DNAME example.net.\n"
    "under.d 60 A 192.0.2.5\n",
    "@ 60 SOA ns h 3 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\nns 60 A 192.0.2.8\n",
    "@ 60 SOA ns h 4 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.8\nother 60 A 192.0.2.9\n",
};

static struct worker_stats stats;
static struct answer_context context = {.stats = &stats};

static void publish(struct zone_image *image)
{
    struct zone_set *set = zone_set_new(&image, 1);
    struct zone_peers *peers = zone_peers_new(2, 0);
    ck_assert_ptr_nonnull(set);
    ck_assert_ptr_nonnull(peers);
    peers->grants[0] =
        (struct zone_grant){.family = AF_INET, .bits = 25, .octets = {192, 0, 2, 128}, .keyed = false};
    peers->grants[1].keyed = true;
    (void)name_from_text(peers->grants[1].key, "xfr.example.");
    zone_set_give(set, image, peers);
    zone_peers_release(peers);
    urcu_qsbr_thread_offline();
    zone_set_publish(set);
    urcu_qsbr_thread_online();
}

static void publish_policy(void)
{
    struct answer_policy policy = {.identity = "unit", .identity_octets = 4, .udp_octets = 1232};
    policy.keys.count = 1;
    (void)name_from_text(policy.keys.list[0].name, "xfr.example.");
    policy.keys.list[0].algorithm = TSIG_HMAC_SHA256;
    policy.keys.list[0].secret_octets = 32;
    memcpy(policy.keys.list[0].secret, "0123456789abcdef0123456789abcdef", 32);
    urcu_qsbr_thread_offline();
    ck_assert_int_eq(answer_policy_publish(&policy), 0);
    urcu_qsbr_thread_online();
}

/* --- a client
 * -------------------------------------------------------------------------------------------------- */

struct client {
    const char *name; /* of the zone it asks for */
    ldns_rr_type type;
    uint32_t serial; /* for IXFR */
    const char *address;
    bool udp;
    bool signs;
    size_t capacity; /* of the buffer for each message behind the first */
    bool edns;
};

/* What came. */
struct got {
    ldns_rr_list *records;
    ldns_pkt_rcode rcode;
    unsigned messages;
    bool signatures_hold;
};

static size_t question(const struct client *client, uint8_t *query, ldns_rdf **mac)
{
    ldns_pkt *packet =
        ldns_pkt_query_new(ldns_dname_new_frm_str(client->name), client->type, LDNS_RR_CLASS_IN, 0);
    char soa[200];
    uint8_t *wire = NULL;
    size_t octets = 0;
    ldns_rr *rr = NULL;
    if (client->type == LDNS_RR_TYPE_IXFR) {
        (void)snprintf(soa, sizeof soa, "%s 0 IN SOA . . %u 0 0 0 0", client->name, client->serial);
        ck_assert_int_eq(ldns_rr_new_frm_str(&rr, soa, 0, NULL, NULL), LDNS_STATUS_OK);
        ldns_pkt_push_rr(packet, LDNS_SECTION_AUTHORITY, rr);
    }
    if (client->edns)
        ldns_pkt_set_edns_udp_size(packet, 1232);
    if (client->signs) {
        ck_assert_int_eq(ldns_pkt_tsig_sign(packet, "xfr.example.", SECRET, 300, "hmac-sha256.", NULL),
                         LDNS_STATUS_OK);
        *mac = ldns_rdf_clone(ldns_rr_rdf(ldns_pkt_tsig(packet), 3));
    }
    ck_assert_int_eq(ldns_pkt2wire(&wire, packet, &octets), LDNS_STATUS_OK);
    memcpy(query, wire, octets);
    free(wire);
    ldns_pkt_free(packet);
    return octets;
}

/* Takes one message in. */
static void take(struct got *got, const struct client *client, const uint8_t *response, size_t octets,
                 ldns_rdf **mac)
{
    ldns_pkt *packet = NULL;
    ck_assert_int_eq(ldns_wire2pkt(&packet, response, octets), LDNS_STATUS_OK);
    if (client->signs) {
        got->signatures_hold &= ldns_pkt_tsig_verify_next(packet, response, octets, "xfr.example.", SECRET,
                                                          *mac, got->messages > 0);
        ldns_rdf_deep_free(*mac);
        *mac = ldns_rdf_clone(ldns_rr_rdf(ldns_pkt_tsig(packet), 3));
    }
    ck_assert(ldns_pkt_edns(packet) == client->edns);
    got->rcode = ldns_pkt_get_rcode(packet);
    got->messages++;
    ldns_rr_list *answer = ldns_pkt_get_section_clone(packet, LDNS_SECTION_ANSWER);
    ldns_rr_list_cat(got->records, answer);
    ldns_rr_list_free(answer);
    ldns_pkt_free(packet);
}

/* Asks, and takes all that comes; `between` is called behind the first message. */
static struct got transfer(const struct client *client, void (*between)(void))
{
    static uint8_t response[65535];
    uint8_t query[1024];
    ldns_rdf *mac = NULL;
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct got got = {.records = ldns_rr_list_new(), .signatures_hold = true};
    inet_pton(AF_INET, client->address, &address.sin_addr);
    context.now_s = (uint32_t)time(NULL);
    struct answer_message message = {
        .query = query,
        .query_octets = question(client, query, &mac),
        .client = (const struct sockaddr *)&address,
        .response = response,
        .response_capacity = client->capacity != 0 ? 1232 : sizeof response,
    };
    answer_batch(&context, client->udp ? ANSWER_UDP : ANSWER_TCP, &message, 1);
    take(&got, client, response, message.response_octets, &mac);
    if (between != NULL)
        between();
    while (message.stream != NULL) {
        size_t octets = answer_stream_next(message.stream, response,
                                           client->capacity != 0 ? client->capacity : sizeof response);
        if (octets == 0)
            break;
        take(&got, client, response, octets, &mac);
    }
    answer_stream_close(message.stream);
    ldns_rdf_deep_free(mac);
    return got;
}

/* The records as text, sorted unless `in_order`. */
static char *text_of(ldns_rr_list *records, bool in_order)
{
    if (!in_order)
        ldns_rr_list_sort(records);
    char *text = ldns_rr_list2str(records);
    ldns_rr_list_deep_free(records);
    return text;
}

/* The records of a zone's text, as ldns reads them, with the SOA once more at the end. */
static char *zone_text(const char *text, const char *origin)
{
    ldns_rr_list *records = ldns_rr_list_new();
    ldns_rdf *apex = ldns_dname_new_frm_str(origin);
    ldns_rdf *before = NULL;
    uint32_t ttl = 60;
    FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    int line = 0;
    ck_assert_ptr_nonnull(in);
    while (!feof(in)) {
        ldns_rr *rr = NULL;
        if (ldns_rr_new_frm_fp_l(&rr, in, &ttl, &apex, &before, &line) != LDNS_STATUS_OK)
            continue;
        if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA)
            ldns_rr_list_push_rr(records, ldns_rr_clone(rr));
        ldns_rr_list_push_rr(records, rr);
    }
    (void)fclose(in);
    ldns_rdf_deep_free(apex);
    ldns_rdf_deep_free(before);
    return text_of(records, false);
}

static void expect_zone(struct got *got, const char *text, const char *origin)
{
    size_t last = ldns_rr_list_rr_count(got->records) - 1;
    ck_assert_int_eq(got->rcode, LDNS_RCODE_NOERROR);
    ck_assert(got->signatures_hold);
    ck_assert_int_eq(ldns_rr_get_type(ldns_rr_list_rr(got->records, 0)), LDNS_RR_TYPE_SOA);
    ck_assert_int_eq(ldns_rr_get_type(ldns_rr_list_rr(got->records, last)), LDNS_RR_TYPE_SOA);
    char *expected = zone_text(text, origin);
    char *came = text_of(got->records, false);
    ck_assert_str_eq(came, expected);
    free(expected);
    free(came);
}

/* --- tests
 * ----------------------------------------------------------------------------------------------------- */

static const struct client whole_clients[] = {
    {"example.", LDNS_RR_TYPE_AXFR, 0, "192.0.2.130", false, false, 0, false},
    {"eXample.", LDNS_RR_TYPE_AXFR, 0, "192.0.2.130", false, false, 0, false},
    {"example.", LDNS_RR_TYPE_AXFR, 0, "192.0.2.1", false, true, 0, false},
    {"example.", LDNS_RR_TYPE_AXFR, 0, "192.0.2.1", false, true, 300, true},
    {"example.", LDNS_RR_TYPE_IXFR, 1, "192.0.2.255", false, false, 0, false},
};

START_TEST(whole_zone)
{
    struct zone_image *image = zones_compile("example.", texts[0]);
    publish(image);
    struct got got = transfer(&whole_clients[_i], NULL);
    expect_zone(&got, texts[0], "example.");
    zone_image_release(image);
}
END_TEST

/* Many messages, each of 400 octets at most but the first. */
START_TEST(many_messages)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)fputs(texts[0], out);
    for (int i = 0; i < 2000; i++)
        (void)fprintf(out, "h%d 60 A 10.0.%d.%d\nh%d 60 MX 1 mail%d.w\n", i, i / 256, i % 256, i, i);
    (void)fclose(out);
    struct zone_image *image = zones_compile("example.", text);
    publish(image);
    struct client client = whole_clients[3];
    client.capacity = 400;
    client.edns = true;
    struct got got = transfer(&client, NULL);
    ck_assert_uint_gt(got.messages, 100);
    expect_zone(&got, text, "example.");
    zone_image_release(image);
    free(text);
}
END_TEST

static void publish_another(void)
{
    struct zone_image *image = zones_compile("example.", texts[1]);
    publish(image);
    zone_image_release(image);
}

/* What began with one image ends with it. */
START_TEST(under_reload)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)fputs(texts[0], out);
    for (int i = 0; i < 200; i++)
        (void)fprintf(out, "h%d 60 TXT \"%d\"\n", i, i);
    (void)fclose(out);
    struct zone_image *image = zones_compile("example.", text);
    publish(image);
    zone_image_release(image);
    struct client client = whole_clients[3];
    struct got got = transfer(&client, publish_another);
    ck_assert_uint_gt(got.messages, 2);
    expect_zone(&got, text, "example.");
    free(text);
}
END_TEST

/* Signed zones, from files, and the root. */
START_TEST(signed_zones)
{
    static const char *const files[][2] = {{"nsec.example.", "signed-nsec.zone"},
                                           {"nsec3.example.", "signed-nsec3.zone"}};
    char path[4096];
    static char text[1 << 20];
    (void)snprintf(path, sizeof path, "%s/zones/%s", getenv("HITHER_TESTS"), files[_i][1]);
    FILE *in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    memset(text, 0, sizeof text);
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, in), 0);
    (void)fclose(in);
    struct zone_image *image = zones_compile(files[_i][0], text);
    publish(image);
    struct client client = {files[_i][0], LDNS_RR_TYPE_AXFR, 0, "192.0.2.130", false, false, 700, false};
    struct got got = transfer(&client, NULL);
    ck_assert_uint_gt(got.messages, 2);
    expect_zone(&got, text, files[_i][0]);
    zone_image_release(image);
}
END_TEST

#define SOA_OF(serial) "example.\t60\tIN\tSOA\tns.example. h.example. " #serial " 1 1 1 1\n"

static const struct {
    struct client client;
    ldns_pkt_rcode rcode;
    const char *answer; /* in this order */
} answers[] = {
    /* up to date, ahead, over UDP */
    {{"example.", LDNS_RR_TYPE_IXFR, 4, "192.0.2.130", false, false, 0, false}, 0, SOA_OF(4)},
    {{"example.", LDNS_RR_TYPE_IXFR, 5, "192.0.2.130", false, true, 0, false}, 0, SOA_OF(4)},
    {{"example.", LDNS_RR_TYPE_IXFR, 3, "192.0.2.130", true, false, 0, false}, 0, SOA_OF(4)},
    /* one step, and both */
    {{"example.", LDNS_RR_TYPE_IXFR, 3, "192.0.2.130", false, false, 0, false},
     0,
     SOA_OF(4) SOA_OF(3) "ns.example.\t60\tIN\tA\t192.0.2.1\n" SOA_OF(
         4) "other.example.\t60\tIN\tA\t192.0.2.9\n" SOA_OF(4)},
    {{"example.", LDNS_RR_TYPE_IXFR, 33, "192.0.2.130", false, true, 0, false}, 0, SOA_OF(4)},
    /* nobody's, not an apex, not allowed, not over UDP, no serial */
    {{"nobody.", LDNS_RR_TYPE_AXFR, 0, "192.0.2.130", false, false, 0, false}, LDNS_RCODE_NOTAUTH, ""},
    {{"ns.example.", LDNS_RR_TYPE_AXFR, 0, "192.0.2.130", false, false, 0, false}, LDNS_RCODE_NOTAUTH, ""},
    {{"example.", LDNS_RR_TYPE_AXFR, 0, "192.0.2.127", false, false, 0, false}, LDNS_RCODE_REFUSED, ""},
    {{"example.", LDNS_RR_TYPE_IXFR, 4, "192.0.2.127", false, false, 0, false}, LDNS_RCODE_REFUSED, ""},
    {{"example.", LDNS_RR_TYPE_AXFR, 0, "192.0.2.130", true, false, 0, false}, LDNS_RCODE_FORMERR, ""},
    {{"example.", LDNS_RR_TYPE_SOA, 0, "192.0.2.1", false, true, 0, false}, 0, SOA_OF(4)},
};

/* The newest of three images, with the differences from the others. */
static void publish_history(void)
{
    struct zone_image *before = zones_compile("example.", texts[0]);
    for (int i = 1; i < 3; i++) {
        struct zone_image *image = zones_compile("example.", texts[i]);
        zone_history_continue(image, before);
        zone_image_release(before);
        before = image;
    }
    publish(before);
    zone_image_release(before);
}

START_TEST(short_answers)
{
    publish_history();
    struct got got = transfer(&answers[_i].client, NULL);
    ck_assert_int_eq(got.rcode, answers[_i].rcode);
    ck_assert(got.signatures_hold);
    ck_assert_uint_eq(got.messages, 1);
    char *text = text_of(got.records, true);
    ck_assert_str_eq(text, answers[_i].answer);
    free(text);
}
END_TEST

static ldns_rr *rr_at(struct got *got, size_t i)
{
    return ldns_rr_list_rr(got->records, i);
}

/* Both steps, in messages so small that records are spread over them. */
START_TEST(steps_in_many_messages)
{
    publish_history();
    struct client client = {"example.", LDNS_RR_TYPE_IXFR, 2,    "192.0.2.1", false,
                            true,       _i == 0 ? 0 : 250, false};
    struct got got = transfer(&client, NULL);
    const uint32_t serials[] = {4, 2, 3, 3, 4, 4};
    unsigned seen = 0;
    ck_assert(got.signatures_hold);
    for (size_t i = 0; i < ldns_rr_list_rr_count(got.records); i++) {
        if (ldns_rr_get_type(rr_at(&got, i)) != LDNS_RR_TYPE_SOA)
            continue;
        ck_assert_uint_lt(seen, 6);
        ck_assert_uint_eq(ldns_rdf2native_int32(ldns_rr_rdf(rr_at(&got, i), 2)), serials[seen++]);
    }
    ck_assert_uint_eq(seen, 6);
    ldns_rr_list_deep_free(got.records);
}
END_TEST

START_TEST(ixfr_without_serial)
{
    const struct zones_question question_text = {"example.", "IXFR", 0, 0, ANSWER_TCP};
    uint8_t query[512];
    uint8_t response[1232];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000282)};
    publish_history();
    struct answer_message message = {.query = query,
                                     .query_octets = zones_question_bytes(&question_text, query),
                                     .client = (const struct sockaddr *)&address,
                                     .response = response,
                                     .response_capacity = sizeof response};
    answer_batch(&context, ANSWER_TCP, &message, 1);
    ck_assert_uint_gt(message.response_octets, 12);
    ck_assert_uint_eq(response[3] & 15, RCODE_FORMERR);
    ck_assert_ptr_null(message.stream);
}
END_TEST

static void set_up(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    urcu_qsbr_register_thread();
    publish_policy();
}

static void tear_down(void)
{
    urcu_qsbr_thread_offline();
    zone_set_publish(NULL);
    urcu_qsbr_unregister_thread();
}

int main(void)
{
    Suite *suite = suite_create("answer/transfer");
    TCase *tests = tcase_create("transfer");
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, whole_zone, 0, sizeof whole_clients / sizeof whole_clients[0]);
    tcase_add_test(tests, many_messages);
    tcase_add_test(tests, under_reload);
    tcase_add_loop_test(tests, signed_zones, 0, 2);
    tcase_add_loop_test(tests, short_answers, 0, sizeof answers / sizeof answers[0]);
    tcase_add_loop_test(tests, steps_in_many_messages, 0, 2);
    tcase_add_test(tests, ixfr_without_serial);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
