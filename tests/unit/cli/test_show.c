/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Replies as people see them; a terminal's colours and a reply that lacks everything too.
 */
#include "cli/show.h"

#include "cli/progress.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char *text;

static void clean_up(void)
{
    free(text);
    text = NULL;
}

/* What `print` writes for the reply. */
static const char *shown(void (*print)(const struct show *, const json_t *), const char *reply, bool colours)
{
    size_t octets = 0;
    json_error_t error;
    json_t *object = json_loads(reply, 0, &error);
    ck_assert_msg(object != NULL, "%s", error.text);
    free(text);
    text = NULL;
    const struct show show = {open_memstream(&text, &octets), colours, 1785542400};
    ck_assert_ptr_nonnull(show.out);
    print(&show, object);
    ck_assert_int_eq(fclose(show.out), 0);
    json_decref(object);
    return text;
}

static const char status[] =
    "{\"ok\":true,\"identity\":\"chi-1\",\"version\":\"0.1.0\",\"uptime_s\":93784,"
    "\"route\":{\"state\":\"degraded\",\"since_s\":7500,\"why\":\"a zone is stale\"},"
    "\"announce\":{\"backend\":\"bgp\",\"drain_reason\":\"new disk\","
    "\"prefixes\":[{\"prefix\":\"203.0.113.0/24\",\"state\":\"up\",\"since_ms\":61000}],"
    "\"neighbors\":[{\"neighbor\":\"192.0.2.1\",\"remote_as\":64500,\"session\":\"Established\",\"since_ms\":"
    "5000,\"bfd\":{\"state\":\"AdminDown\",\"muted\":true},"
    "\"announced\":[\"203.0.113.0/24\",\"2001:db8::/48\"],\"last_error\":\"hold "
    "timer\",\"last_error_ms\":90000}]},"
    "\"server\":{\"serving\":true,\"workers\":2,\"queries\":1234567,\"restarts\":1,"
    "\"zones\":{\"count\":3,\"served\":2,\"stale\":1,\"failed\":0,\"loading\":0}}}";

START_TEST(status_in_full)
{
    ck_assert_str_eq(shown(show_status, status, false),
                     "chi-1  hither 0.1.0, up 1 d 2 h\n"
                     "announced, degraded for 2 h 5 min: a zone is stale\n"
                     "  prefixes    203.0.113.0/24           up for 1 min\n"
                     "  neighbours  192.0.2.1 AS64500 Established for 5 s, BFD AdminDown (silenced), told of "
                     "203.0.113.0/24, 2001:db8::/48; "
                     "last error 1 min ago: hold timer\n"
                     "  zones       2 served, 1 stale\n"
                     "  queries     1,234,567 answered\n"
                     "  server      serving, 2 workers, restarted 1 times\n");
}
END_TEST

START_TEST(status_in_colour)
{
    const char *said = shown(show_status, status, true);
    ck_assert_ptr_nonnull(strstr(said, "\033[33mannounced, degraded\033[0m for"));
    ck_assert_ptr_nonnull(strstr(said, "\033[32mup\033[0m"));
    ck_assert_ptr_null(strchr(shown(show_status, status, false), '\033'));
}
END_TEST

START_TEST(replies_that_lack_everything)
{
    static const char empty_parts[] =
        "{\"zones\":[{}],\"checks\":[{}],\"prefixes\":[7],\"neighbors\":[null],\"findings\":[{}],"
        "\"announce\":{\"neighbors\":[{}],\"prefixes\":[[]]},\"server\":{\"zones\":{}}}";
    static const char wrong_types[] =
        "{\"route\":7,\"announce\":[],\"server\":\"x\",\"zones\":{},\"checks\":1,\"findings\":\"y\"}";
    const char *const replies[] = {"{}", wrong_types, empty_parts};
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        ck_assert_ptr_nonnull(shown(show_status, replies[i], true));
        ck_assert_ptr_nonnull(shown(show_why, replies[i], true));
        ck_assert_ptr_nonnull(shown(show_zones, replies[i], true));
        ck_assert_ptr_nonnull(shown(show_done, replies[i], true));
    }
}
END_TEST

START_TEST(why)
{
    static const char reply[] =
        "{\"ok\":true,\"route\":{\"state\":\"withdrawn\",\"since_s\":3,\"why\":\"checks "
        "fail\"},\"verdict\":\"bad\","
        "\"why\":\"no answer\",\"rules\":{\"interval_ms\":500,\"fall\":3,\"rise\":5,\"stale_ms\":2000},"
        "\"zones\":{\"failed\":1,\"first_failed\":\"a.\"},"
        "\"prefixes\":[{\"prefix\":\"everything\",\"verdict\":\"bad\",\"since_ms\":3000,\"good_in_a_row\":0,"
        "\"bad_in_a_row\":6,\"flaps\":1,\"held_down_ms\":4500}],"
        "\"checks\":[{\"address\":\"127.0.0.1@53\",\"transport\":\"udp\",\"class\":\"LOCAL\",\"good\":false,"
        "\"asked\":2,\"answered\":1,\"name\":\"a.\",\"why\":\"SERVFAIL\"}],"
        "\"other_checks\":[{\"name\":\"disk\",\"class\":\"SHARED\",\"good\":false,\"why\":\"exit status 1\"},"
        "{\"name\":\"descriptors\",\"class\":\"ADVISORY\",\"good\":true,\"value\":7,\"of\":1024}],"
        "\"flight\":{\"changes\":[{\"ms_ago\":4000,\"prefix\":\"everything\",\"from\":\"good\",\"to\":"
        "\"bad\","
        "\"why\":\"no answer\"}]}}";
    ck_assert_str_eq(
        shown(show_why, reply, false),
        "withdrawn for 3 s: checks fail\n"
        "  verdict     bad: no answer\n"
        "  zones       1 can't be served, the first is a.\n"
        "  rules       a round each 500 ms, down after 3 bad, up after 5 good, no verdict without a "
        "round in 2 s\n"
        "  prefixes\n"
        "    everything               bad for 3 s, 6 bad rounds in a row, 1 flaps, held down for "
        "another 5 s\n"
        "  checks of the last round\n"
        "    bad  LOCAL    127.0.0.1@53 udp, 1 of 2 answered; a.: SERVFAIL\n"
        "  other checks\n"
        "    bad  SHARED   disk: exit status 1\n"
        "    good ADVISORY descriptors, 7 of 1024\n"
        "  changes\n"
        "    4 s ago everything: good -> bad: no answer\n");
}
END_TEST

START_TEST(zones)
{
    static const char reply[] =
        "{\"zones\":[{\"name\":\"example.com.\",\"state\":\"served\",\"serial\":4294967295,"
        "\"names\":1000,\"loaded_unix_s\":1785542340},{\"name\":\"a.\",\"state\":\"failed\","
        "\"serial\":0,\"names\":0,\"loaded_unix_s\":0}]}";
    ck_assert_str_eq(shown(show_zones, reply, false),
                     "zone         state        serial       names  loaded\n"
                     "example.com. served   4294967295       1,000  1 min ago\n"
                     "a.           failed            0           0  never\n");
    ck_assert_str_eq(shown(show_zones, "{\"zones\":[]}", false), "no zones\n");
}
END_TEST

START_TEST(done_with_findings)
{
    static const char reply[] =
        "{\"message\":\"3 zones\",\"findings\":[{\"file\":\"a.zone\",\"line\":7,\"level\":"
        "\"error\",\"text\":\"bad\"},{\"file\":\"b\",\"line\":0,\"level\":\"warning\","
        "\"text\":\"odd\"}]}";
    ck_assert_str_eq(shown(show_done, reply, false), "a.zone:7: error: bad\nb: warning: odd\n3 zones\n");
}
END_TEST

START_TEST(spans_of_time)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } spans[] = {{-5, "0 s"},         {59, "59 s"},
                 {60, "1 min"},       {3599, "59 min"},
                 {3600, "1 h 0 min"}, {86399, "23 h 59 min"},
                 {86400, "1 d 0 h"},  {INT64_MAX, "106751991167300 d 15 h"}};
    char room[32];
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
        ck_assert_str_eq(show_span(spans[i].seconds, room), spans[i].text);
}
END_TEST

START_TEST(counts)
{
    char room[32];
    ck_assert_str_eq(show_count(0, room), "0");
    ck_assert_str_eq(show_count(999, room), "999");
    ck_assert_str_eq(show_count(1000, room), "1,000");
    ck_assert_str_eq(show_count(UINT64_MAX, room), "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(progress)
{
    char line[160];
    struct zone_progress p = {0};
    ck_assert_str_eq(progress_to_text(&p, 100, line, sizeof line),
                     "reading the files, 0 records, 0 s so far");
    p.stage = ZONE_LOAD_READ;
    p.done_octets = 25000000;
    p.total_octets = 100000000;
    p.records = 1000000;
    ck_assert_str_eq(progress_to_text(&p, 1000, line, sizeof line),
                     "parsing [#####...............]  25 %, 25.0 MB/s, 3 s left, 1,000,000 records");
    p.done_octets = 100000001;
    ck_assert_str_eq(progress_to_text(&p, 4000, line, sizeof line),
                     "parsing [####################] 100 %, 25.0 MB/s, 0 s left, 1,000,000 records");
    p.stage = ZONE_LOAD_COMPILE;
    ck_assert_str_eq(progress_to_text(&p, 61000, line, sizeof line),
                     "compiling, 1,000,000 records, 1 min so far");
    p.stage = 99;
    ck_assert_ptr_nonnull(strstr(progress_to_text(&p, 1, line, sizeof line), "working"));
    p = (struct zone_progress){.zones_total = 1200, .all_octets = 4000000};
    ck_assert_str_eq(progress_to_text(&p, 100, line, sizeof line), "0 of 1,200 zones ");
    p.zones_done = 600;
    p.past_octets = 1900000;
    p.done_octets = 100000;
    ck_assert_str_eq(progress_to_text(&p, 4000, line, sizeof line),
                     "600 of 1,200 zones [##########..........]  50 %, 0.5 MB/s, 4 s left");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/show");
    TCase *tc = tcase_create("show");
    tcase_add_checked_fixture(tc, NULL, clean_up);
    tcase_add_test(tc, status_in_full);
    tcase_add_test(tc, status_in_colour);
    tcase_add_test(tc, replies_that_lack_everything);
    tcase_add_test(tc, why);
    tcase_add_test(tc, zones);
    tcase_add_test(tc, done_with_findings);
    tcase_add_test(tc, spans_of_time);
    tcase_add_test(tc, counts);
    tcase_add_test(tc, progress);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
