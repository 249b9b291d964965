/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The self-check whole, against a server that a test tells how to answer, on one loop and real sockets.
 */
#include "health/health.h"

#include "net/lane.h"
#include "wire/name.h"
#include "wire/writer.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static uv_loop_t loop;
static struct settings settings;
static struct shared_up *up;
static struct health *health;

/* --- the server
 * ---------------------------------------------------------------------------------------------- */

static struct {
    uv_udp_t udp;
    uv_tcp_t listener;
    bool answers_udp, answers_tcp;
    unsigned deaf_to; /* so many datagrams more */
    uint8_t rcode;
    const char *bad_zone; /* presentation form: SERVFAIL for this one alone */
    const char *nsid;
    unsigned heard; /* datagrams */
    unsigned asked; /* questions that were answered */
    char in[1024];
    uint8_t out[1024];
} server;

/* The answer to a query of health/probe_message, behind `skip` octets. */
static size_t answer(const uint8_t *query, size_t octets, uint8_t *to, size_t skip)
{
    struct writer w = writer_to(to + skip, sizeof server.out - skip);
    size_t question = octets - 12 - 15; /* without header and OPT */
    size_t nsid = strlen(server.nsid);
    uint8_t bad[NAME_MAX_OCTETS];
    bool is_bad = server.bad_zone != NULL && name_from_text(bad, server.bad_zone) > 0 &&
                  memcmp(query + 12, bad, name_octets(bad)) == 0;
    writer_bytes(&w, query, 2);
    writer_u16(&w, (uint16_t)(0x8400 | (is_bad ? 2 : server.rcode)));
    writer_u16(&w, 1);
    writer_u16(&w, 1);
    writer_u16(&w, 0);
    writer_u16(&w, 1);
    writer_bytes(&w, query + 12, question);
    writer_u16(&w, 0xc00c);
    writer_bytes(&w, query + 12 + question - 4, 4); /* type and class */
    writer_u32(&w, 3600);
    bool soa = query[12 + question - 3] == 6;
    writer_u16(&w, soa ? 22 : 5);
    writer_bytes(&w, soa ? "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" : "\4pop1", soa ? 22 : 5);
    writer_bytes(&w, "\0\0\x29\x04\xd0\0\0\0\0", 9);
    writer_u16(&w, (uint16_t)(nsid + 4));
    writer_u16(&w, 3);
    writer_u16(&w, (uint16_t)nsid);
    writer_bytes(&w, server.nsid, nsid);
    ck_assert(!w.failed);
    server.asked++;
    return writer_offset(&w);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(server.in, sizeof server.in);
}

static void on_datagram(uv_udp_t *udp, ssize_t octets, const uv_buf_t *buffer, const struct sockaddr *from,
                        unsigned flags)
{
    (void)flags;
    server.heard += octets > 0 && from != NULL;
    if (octets <= 0 || from == NULL || !server.answers_udp)
        return;
    if (server.deaf_to > 0) {
        server.deaf_to--;
        return;
    }
    size_t length = answer((const uint8_t *)buffer->base, (size_t)octets, server.out, 0);
    uv_buf_t out = uv_buf_init((char *)server.out, (unsigned)length);
    (void)uv_udp_try_send(udp, &out, 1, from);
}

static void on_client_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_stream(uv_stream_t *stream, ssize_t octets, const uv_buf_t *buffer)
{
    if (octets < 0 || !server.answers_tcp) {
        uv_close((uv_handle_t *)stream, on_client_closed);
        return;
    }
    size_t length = answer((const uint8_t *)buffer->base + 2, (size_t)octets - 2, server.out, 2);
    server.out[0] = (uint8_t)(length >> 8);
    server.out[1] = (uint8_t)length;
    uv_buf_t out = uv_buf_init((char *)server.out, (unsigned)length + 2);
    (void)uv_try_write(stream, &out, 1);
}

static void on_connection(uv_stream_t *listener, int status)
{
    ck_assert_int_eq(status, 0);
    uv_tcp_t *client = malloc(sizeof *client);
    ck_assert_ptr_nonnull(client);
    uv_tcp_init(&loop, client);
    uv_accept(listener, (uv_stream_t *)client);
    uv_read_start((uv_stream_t *)client, on_room, on_stream);
}

/* UDP and TCP on the same free port. */
static void server_start(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int octets = sizeof any;
    memset(&server, 0, sizeof server);
    server.answers_udp = server.answers_tcp = true;
    server.nsid = "pop1";
    uv_tcp_init(&loop, &server.listener);
    ck_assert_int_eq(uv_tcp_bind(&server.listener, (struct sockaddr *)&any, 0), 0);
    ck_assert_int_eq(uv_listen((uv_stream_t *)&server.listener, 16, on_connection), 0);
    ck_assert_int_eq(uv_tcp_getsockname(&server.listener, (struct sockaddr *)&any, &octets), 0);
    uv_udp_init(&loop, &server.udp);
    ck_assert_int_eq(uv_udp_bind(&server.udp, (struct sockaddr *)&any, 0), 0);
    uv_udp_recv_start(&server.udp, on_room, on_datagram);
    settings.server.listen[0].in4 = any;
}

#define WORKERS 3

static struct {
    uv_udp_t udp[2 * WORKERS];
    uv_tcp_t tcp[2 * WORKERS];
    int deaf;  /* worker; -1: none */
    int wrong; /* the same */
    uint64_t probes[2 * WORKERS];
} group;

/* --- what health says
 * ------------------------------------------------------------------------------------------ */

static struct verdict_report told;
static char why[512];
static unsigned reports;

static void on_report(void *arg, const struct verdict_report *report, const char *text)
{
    (void)arg;
    told = *report;
    strncpy(why, text, sizeof why - 1);
    reports++;
}

static void begin(void)
{
    uv_loop_init(&loop);
    up = mmap(NULL, sizeof *up, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(up, MAP_FAILED);
    memset(&settings, 0, sizeof settings);
    static char identity[] = "pop1";
    settings.server.identity = identity;
    settings.server.listen_count = 1;
    settings.health = (struct settings_health){
        .interval_ms = 20, .timeout_ms = 400, .fall = 2, .rise = 2, .hold_down_ms = 1, .hold_down_max_ms = 1};
    server_start();
    up->zones[0].state = SHARED_ZONE_SERVED;
    name_from_text(up->zones[0].apex, "example.com.");
    up->zone_count = 1;
    up->zone_sequence = 2;
    up->serving = 1;
    told = (struct verdict_report){0};
    reports = 0;
    health = NULL;
}

static void start(void)
{
    health = health_start(&loop, &settings, up, false, on_report, NULL);
    ck_assert_ptr_nonnull(health);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    bool is_group = (char *)handle >= (char *)&group && (char *)handle < (char *)(&group + 1);
    bool is_client = handle->type == UV_TCP && handle != (uv_handle_t *)&server.listener && !is_group;
    if (!uv_is_closing(handle))
        uv_close(handle, is_client ? on_client_closed : NULL);
}

static void end(void)
{
    if (health != NULL)
        health_stop(health);
    uv_run(&loop, UV_RUN_NOWAIT);
    unsigned before = reports;
    uv_walk(&loop, close_handle, NULL); /* the server's; health has closed its own */
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(reports, before);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    munmap(up, sizeof *up);
}

static void wait_for(enum verdict verdict)
{
    struct mono until = mono_add_ms(mono_now(), PATIENCE_MS);
    while (told.overall != verdict) {
        ck_assert_msg(!mono_reached(mono_now(), until), "still %s: %s", verdict_name(told.overall), why);
        uv_run(&loop, UV_RUN_ONCE);
    }
}

static void run_reports(unsigned count)
{
    unsigned until = reports + count;
    struct mono limit = mono_add_ms(mono_now(), PATIENCE_MS);
    while (reports < until) {
        ck_assert(!mono_reached(mono_now(), limit));
        uv_run(&loop, UV_RUN_ONCE);
    }
}

/* --- tests
 * -------------------------------------------------------------------------------------------------------- */

START_TEST(good_answers_are_good)
{
    start();
    wait_for(VERDICT_GOOD);
    json_t *tree = health_why(health);
    ck_assert_int_eq(json_integer_value(json_object_get(tree, "rounds")), 1); /* enough for a clean start */
    json_decref(tree);
    run_reports(5);
    ck_assert_int_eq(told.overall, VERDICT_GOOD);
}
END_TEST

START_TEST(without_zones_the_identity_is_asked_for)
{
    up->zone_count = 0;
    start();
    wait_for(VERDICT_GOOD);
}
END_TEST

START_TEST(another_pops_answers_are_bad)
{
    start();
    wait_for(VERDICT_GOOD);
    server.nsid = "pop2";
    wait_for(VERDICT_BAD);
    ck_assert_ptr_nonnull(strstr(why, "NSID"));
    server.nsid = "pop1";
    wait_for(VERDICT_GOOD);
}
END_TEST

START_TEST(each_transport_has_to_answer)
{
    start();
    wait_for(VERDICT_GOOD);
    server.answers_tcp = false;
    wait_for(VERDICT_BAD);
    ck_assert_ptr_nonnull(strstr(why, "TCP"));
    server.answers_tcp = true;
    wait_for(VERDICT_GOOD);
    server.answers_udp = false;
    wait_for(VERDICT_BAD);
    ck_assert_ptr_nonnull(strstr(why, "UDP"));
}
END_TEST

START_TEST(a_lost_datagram_is_asked_for_again)
{
    settings.health.fall = 1;
    start();
    wait_for(VERDICT_GOOD);
    server.deaf_to = 1;
    while (server.deaf_to > 0)
        uv_run(&loop, UV_RUN_ONCE);
    run_reports(2);
    ck_assert_int_eq(told.overall, VERDICT_GOOD);
}
END_TEST

/* A round that runs into its time limit is as long as an interval; the next begins at once and asks anew. */
START_TEST(a_round_that_timed_out_leaves_the_next_alone)
{
    settings.health.fall = 1;
    settings.health.rise = 1;
    settings.health.timeout_ms = 20;
    start();
    wait_for(VERDICT_GOOD);
    server.answers_udp = false;
    wait_for(VERDICT_BAD);
    ck_assert_ptr_nonnull(strstr(why, "no answer in time"));
    server.heard = 0;
    run_reports(12);
    ck_assert_uint_ge(server.heard, 20); /* twice in every round but for those at the edges */
}
END_TEST

START_TEST(servfail_is_bad)
{
    start();
    wait_for(VERDICT_GOOD);
    server.rcode = 2;
    wait_for(VERDICT_BAD);
    ck_assert_ptr_nonnull(strstr(why, "SERVFAIL"));
}
END_TEST

START_TEST(nothing_is_said_before_the_server_serves)
{
    up->serving = 0;
    start();
    struct mono until = mono_add_ms(mono_now(), 200);
    while (!mono_reached(mono_now(), until))
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(server.asked, 0);
    ck_assert_int_eq(told.overall, VERDICT_NONE);
    up->serving = 1;
    wait_for(VERDICT_GOOD);
}
END_TEST

START_TEST(a_failed_zone_counts_at_once)
{
    settings.health.fall = 1000;
    start();
    wait_for(VERDICT_GOOD);
    up->zones[0].state = SHARED_ZONE_FAILED;
    up->zone_sequence += 2;
    wait_for(VERDICT_BAD);
    ck_assert_ptr_nonnull(strstr(why, "example.com."));
    up->zones[0].state = SHARED_ZONE_SERVED;
    up->zone_sequence += 2;
    wait_for(VERDICT_GOOD);
}
END_TEST

START_TEST(a_server_that_is_gone_counts_at_once)
{
    settings.health.fall = 1000;
    start();
    wait_for(VERDICT_GOOD);
    health_server_gone(health, "it was killed by signal 11");
    ck_assert_int_eq(told.overall, VERDICT_BAD);
    ck_assert_str_eq(why, "it was killed by signal 11");
    unsigned before = reports;
    health_server_gone(health, "it was killed by signal 11");
    ck_assert_uint_eq(reports, before);
    struct mono until = mono_add_ms(mono_now(), 200);
    while (!mono_reached(mono_now(), until)) /* good answers from whomever change nothing */
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_int_eq(told.overall, VERDICT_BAD);
    health_server_back(health);
    wait_for(VERDICT_GOOD);
}
END_TEST

START_TEST(a_socket_that_is_gone_is_told_by_its_error)
{
    start();
    wait_for(VERDICT_GOOD);
    uv_close((uv_handle_t *)&server.udp, NULL);
    wait_for(VERDICT_BAD);
    ck_assert_msg(strstr(why, "UDP") != NULL && strstr(why, "nobody listens") != NULL, "%s", why);
}
END_TEST

START_TEST(a_listener_for_nobody_else_leaves_a_prefix_alone)
{
    settings.announce.prefix_count = 2;
    settings.announce.prefixes[0] =
        (struct settings_prefix){.family = AF_INET, .bits = 24, .octets = {203, 0, 113}};
    settings.announce.prefixes[1] =
        (struct settings_prefix){.family = AF_INET6, .bits = 48, .octets = {0x20, 1}};
    static char text[] = "a prefix";
    settings.announce.prefixes[0].text = settings.announce.prefixes[1].text = text;
    start();
    wait_for(VERDICT_GOOD);
    run_reports(3);
    ck_assert_uint_eq(told.count, 2);
    ck_assert_int_eq(told.prefixes[0].verdict, VERDICT_GOOD);
    ck_assert_int_eq(told.prefixes[1].verdict, VERDICT_BAD); /* nobody listens there: nothing to believe */
}
END_TEST

static enum verdict of_prefix(size_t i)
{
    return i < told.count ? told.prefixes[i].verdict : VERDICT_NONE;
}

/* Two prefixes; the first is example.com's own, the second example.org's; example.net has none. */
static void three_zones(void)
{
    static char texts[] = "a prefix";
    static const char *const names[] = {"example.com.", "example.org.", "example.net."};
    settings.announce.prefix_count = up->prefix_count = 2;
    for (size_t i = 0; i < 2; i++) {
        settings.announce.prefixes[i] = (struct settings_prefix){
            .family = AF_INET, .bits = 24, .octets = {203, 0, (uint8_t)(113 + i)}, .text = texts};
        up->prefixes[i] =
            (struct shared_prefix){.family = AF_INET, .bits = 24, .octets = {203, 0, (uint8_t)(113 + i)}};
    }
    for (size_t i = 0; i < 3; i++) {
        up->zones[i].state = SHARED_ZONE_SERVED;
        up->zones[i].prefixes = i < 2 ? UINT64_C(1) << i : 0;
        name_from_text(up->zones[i].apex, names[i]);
    }
    up->zone_count = 3;
}

static void wait_for_both(enum verdict first, enum verdict second)
{
    struct mono until = mono_add_ms(mono_now(), PATIENCE_MS);
    while (of_prefix(0) != first || of_prefix(1) != second) {
        ck_assert_msg(!mono_reached(mono_now(), until), "still %s, %s: %s", verdict_name(of_prefix(0)),
                      verdict_name(of_prefix(1)), why);
        uv_run(&loop, UV_RUN_ONCE);
    }
}

START_TEST(a_zone_answered_badly_takes_its_own_prefix)
{
    three_zones();
    start();
    wait_for_both(VERDICT_GOOD, VERDICT_GOOD);
    server.bad_zone = "example.org.";
    wait_for_both(VERDICT_GOOD, VERDICT_BAD);
    run_reports(5);
    ck_assert_int_eq(of_prefix(0), VERDICT_GOOD);
    server.bad_zone = "example.net.";
    wait_for_both(VERDICT_DEGRADED, VERDICT_DEGRADED);
}
END_TEST

START_TEST(a_lost_zone_takes_its_own_prefix)
{
    settings.health.fall = 1000;
    three_zones();
    start();
    wait_for_both(VERDICT_GOOD, VERDICT_GOOD);
    up->zones[0].state = SHARED_ZONE_FAILED;
    up->zone_sequence += 2;
    wait_for_both(VERDICT_BAD, VERDICT_GOOD);
    ck_assert_ptr_nonnull(strstr(why, "example.com."));
    up->zones[1].state = SHARED_ZONE_STALE;
    up->zone_sequence += 2;
    wait_for_both(VERDICT_BAD, VERDICT_DEGRADED);
}
END_TEST

/* Every PoP has the same signatures, so they take no route away. */
START_TEST(signatures_near_their_end_degrade)
{
    settings.health.signature_end_ms = 3600000;
    settings.health.zone_signatures = CHECK_SHARED;
    up->zones[0].signature_end_unix_s = (int64_t)time(NULL) + 100000;
    start();
    wait_for(VERDICT_GOOD);
    up->zones[0].signature_end_unix_s = (int64_t)time(NULL) - 100000;
    up->zone_sequence += 2;
    wait_for(VERDICT_DEGRADED);
    ck_assert_msg(strstr(why, "zone example.com.: a signature ended 1 d 3 h 46 min ago") != NULL, "%s", why);
    run_reports(20);
    ck_assert_int_eq(told.overall, VERDICT_DEGRADED);
    up->zones[0].signature_end_unix_s = (int64_t)time(NULL) + 100000;
    up->zone_sequence += 2;
    wait_for(VERDICT_GOOD);
}
END_TEST

START_TEST(signatures_are_only_told_of_where_that_is_asked_for)
{
    settings.health.signature_end_ms = 3600000;
    settings.health.zone_signatures = CHECK_ADVISORY;
    up->zones[0].signature_end_unix_s = 1;
    start();
    wait_for(VERDICT_GOOD);
    run_reports(5);
    ck_assert_int_eq(told.overall, VERDICT_GOOD);
    json_t *tree = health_why(health);
    char *text = json_dumps(json_object_get(tree, "other_checks"), JSON_COMPACT);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "{\"name\":\"zone-signatures\",\"class\":\"ADVISORY\",\"good\":false,"
                                       "\"why\":\"zone example.com.: a signature ended "));
    free(text);
    json_decref(tree);
}
END_TEST

/* Every probe is lost, but clients are served: the probes are to be doubted, for a while. */
START_TEST(probes_that_clients_contradict_are_suspect)
{
    settings.health.suspect_ms = 1000;
    settings.health.timeout_ms = 40;
    start();
    wait_for(VERDICT_GOOD);
    struct mono from = mono_now();
    server.answers_udp = server.answers_tcp = false;
    bool degraded = false;
    while (told.overall != VERDICT_BAD) {
        ck_assert(mono_ms_between(from, mono_now()) < PATIENCE_MS);
        up->good_answers += 1000;
        uv_run(&loop, UV_RUN_ONCE);
        degraded |= told.overall == VERDICT_DEGRADED;
    }
    ck_assert(degraded);
    ck_assert_int_ge(mono_ms_between(from, mono_now()), 1000);
}
END_TEST

START_TEST(several_sockets_meet_several_workers)
{
    settings.server.workers = 4;
    start();
    wait_for(VERDICT_GOOD);
    json_t *tree = health_why(health);
    json_t *udp = json_array_get(json_object_get(tree, "checks"), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(udp, "asked")), 5);
    ck_assert_int_eq(json_integer_value(json_object_get(udp, "answered")), 5);
    json_decref(tree);
}
END_TEST

/* --- several workers, each with a lane */

static int worker_of(const void *handle, const void *first, size_t octets)
{
    return (int)((size_t)((const char *)handle - (const char *)first) / octets) % WORKERS;
}

static void on_group_datagram(uv_udp_t *udp, ssize_t octets, const uv_buf_t *buffer,
                              const struct sockaddr *from, unsigned flags)
{
    int worker = worker_of(udp, group.udp, sizeof *udp);
    (void)flags;
    if (octets <= 0 || from == NULL || worker == group.deaf)
        return;
    group.probes[udp - group.udp]++;
    server.rcode = worker == group.wrong ? 2 : 0;
    size_t length = answer((const uint8_t *)buffer->base, (size_t)octets, server.out, 0);
    uv_buf_t out = uv_buf_init((char *)server.out, (unsigned)length);
    (void)uv_udp_try_send(udp, &out, 1, from);
}

static void on_group_connection(uv_stream_t *listener, int status)
{
    int worker = worker_of(listener, group.tcp, sizeof(uv_tcp_t));
    uv_tcp_t *client = malloc(sizeof *client);
    ck_assert_int_eq(status, 0);
    ck_assert_ptr_nonnull(client);
    uv_tcp_init(&loop, client);
    uv_accept(listener, (uv_stream_t *)client);
    if (worker == group.deaf)
        uv_close((uv_handle_t *)client, on_client_closed);
    else
        uv_read_start((uv_stream_t *)client, on_room, on_stream);
}

static int group_socket(int type, struct sockaddr_in *at)
{
    socklen_t octets = sizeof *at;
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int)), 0);
    if (bind(fd, (struct sockaddr *)at, sizeof *at) < 0) {
        ck_assert_int_eq(errno, EADDRINUSE);
        close(fd);
        return -1;
    }
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)at, &octets), 0);
    return fd;
}

/* A port that is free for both: the kernel looks for one that is free for TCP. */
static void group_socket_pair(struct sockaddr_in *at, int *udp, int *tcp)
{
    bool first = at->sin_port == 0;
    *tcp = group_socket(SOCK_STREAM, at);
    while ((*udp = group_socket(SOCK_DGRAM, at)) < 0) {
        ck_assert(first);
        close(*tcp);
        at->sin_port = 0;
        *tcp = group_socket(SOCK_STREAM, at);
    }
    ck_assert_int_ge(*tcp, 0);
}

static void group_start(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    memset(&group, 0, sizeof group);
    group.deaf = group.wrong = -1;
    for (int i = 0; i < 2 * WORKERS; i++) {
        int udp;
        int tcp;
        group_socket_pair(&at, &udp, &tcp);
        uv_udp_init(&loop, &group.udp[i]);
        uv_tcp_init(&loop, &group.tcp[i]);
        ck_assert_int_eq(uv_udp_open(&group.udp[i], udp), 0);
        ck_assert_int_eq(uv_tcp_open(&group.tcp[i], tcp), 0);
        ck_assert_int_eq(uv_listen((uv_stream_t *)&group.tcp[i], 64, on_group_connection), 0);
        uv_udp_recv_start(&group.udp[i], on_room, on_group_datagram);
        if (i == 0) {
            ck_assert_int_eq(lane_attach(udp, AF_INET, WORKERS), 0);
            ck_assert_int_eq(lane_attach(tcp, AF_INET, WORKERS), 0);
        }
    }
    settings.server.listen[0].in4 = at;
    settings.server.workers = WORKERS;
    settings.health.timeout_ms = 200;
    health = health_start(&loop, &settings, up, true, on_report, NULL);
    ck_assert_ptr_nonnull(health);
    wait_for(VERDICT_GOOD);
}

/* Of the worker's object in `why`. */
static bool worker_is_good(int worker)
{
    json_t *tree = health_why(health);
    const json_t *one = json_array_get(json_object_get(tree, "workers"), (size_t)worker);
    ck_assert_int_eq(json_integer_value(json_object_get(one, "worker")), worker);
    bool good = json_is_true(json_object_get(one, "good"));
    json_decref(tree);
    return good;
}

START_TEST(each_worker_is_asked_by_itself)
{
    group_start();
    for (int i = 0; i < WORKERS; i++) {
        ck_assert(worker_is_good(i));
        ck_assert_uint_eq(group.probes[i], 0);
        ck_assert_uint_gt(group.probes[WORKERS + i], 0);
    }
}
END_TEST

START_TEST(a_dead_worker_is_known_by_its_number)
{
    group_start();
    group.deaf = _i;
    wait_for(VERDICT_BAD);
    char expected[32];
    (void)snprintf(expected, sizeof expected, "worker %d", _i);
    ck_assert_msg(strstr(why, expected) != NULL, "%s", why);
    for (int i = 0; i < WORKERS; i++)
        ck_assert(worker_is_good(i) == (i != _i));
    group.deaf = -1;
    wait_for(VERDICT_GOOD);
}
END_TEST

/* No zone is in trouble when the other workers answer it well: it is this worker that is. */
START_TEST(a_worker_that_contradicts_the_others_is_bad)
{
    group_start();
    group.wrong = 1;
    wait_for(VERDICT_BAD);
    ck_assert_msg(strstr(why, "worker 1") != NULL && strstr(why, "SERVFAIL") != NULL, "%s", why);
    ck_assert(worker_is_good(0) && !worker_is_good(1) && worker_is_good(2));
}
END_TEST

START_TEST(reload_keeps_what_is_known)
{
    start();
    wait_for(VERDICT_GOOD);
    server.nsid = "pop2";
    static char identity[] = "pop2";
    settings.server.identity = identity;
    ck_assert_int_eq(health_reload(health, &settings), 0);
    run_reports(3);
    ck_assert_int_eq(told.overall, VERDICT_GOOD);
    json_t *tree = health_why(health);
    ck_assert_ptr_nonnull(tree);
    ck_assert_str_eq(json_string_value(json_object_get(tree, "verdict")), "good");
    ck_assert_uint_eq(json_array_size(json_object_get(tree, "checks")), 2);
    json_decref(tree);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health/health");
    TCase *tests = tcase_create("health");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, good_answers_are_good);
    tcase_add_test(tests, without_zones_the_identity_is_asked_for);
    tcase_add_test(tests, another_pops_answers_are_bad);
    tcase_add_test(tests, each_transport_has_to_answer);
    tcase_add_test(tests, a_lost_datagram_is_asked_for_again);
    tcase_add_test(tests, a_round_that_timed_out_leaves_the_next_alone);
    tcase_add_test(tests, servfail_is_bad);
    tcase_add_test(tests, nothing_is_said_before_the_server_serves);
    tcase_add_test(tests, a_failed_zone_counts_at_once);
    tcase_add_test(tests, a_server_that_is_gone_counts_at_once);
    tcase_add_test(tests, a_socket_that_is_gone_is_told_by_its_error);
    tcase_add_test(tests, a_listener_for_nobody_else_leaves_a_prefix_alone);
    tcase_add_test(tests, a_zone_answered_badly_takes_its_own_prefix);
    tcase_add_test(tests, a_lost_zone_takes_its_own_prefix);
    tcase_add_test(tests, signatures_near_their_end_degrade);
    tcase_add_test(tests, signatures_are_only_told_of_where_that_is_asked_for);
    tcase_add_test(tests, probes_that_clients_contradict_are_suspect);
    tcase_add_test(tests, several_sockets_meet_several_workers);
    tcase_add_test(tests, each_worker_is_asked_by_itself);
    tcase_add_loop_test(tests, a_dead_worker_is_known_by_its_number, 0, WORKERS);
    tcase_add_test(tests, a_worker_that_contradicts_the_others_is_bad);
    tcase_add_test(tests, reload_keeps_what_is_known);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
