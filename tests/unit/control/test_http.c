/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The HTTP side over real connections on loopback, and the metrics' text.
 */
#include "control/http.h"

#include "control/metrics.h"
#include "control/samples.h"

#include <arpa/inet.h>
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPLY_OCTETS (1024 * 1024)

static struct shared_down *down;
static struct shared_up *up;
static struct worker_stats stats[2];
static const struct worker_stats *workers[2] = {&stats[0], &stats[1]};
static struct server_stats server;
static struct http_sources sources;
static struct http *http;
static union settings_address address;
static char reply[REPLY_OCTETS];

static void *shared(size_t octets)
{
    int fd = shared_create("test", octets);
    ck_assert_int_ge(fd, 0);
    void *map = shared_map(fd, octets, true);
    ck_assert_ptr_nonnull(map);
    close(fd);
    return map;
}

/* A port that nobody uses now. */
static void choose_port(void)
{
    socklen_t octets = sizeof address.in4;
    address.in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, &address.sa, octets), 0);
    ck_assert_int_eq(getsockname(fd, &address.sa, &octets), 0);
    close(fd);
}

static void set_up(void)
{
    static const char status[] =
        "{\"route\":{\"state\":\"up\",\"since_s\":5,\"why\":\"all checks are good\"}}";
    char why[128] = "";
    down = shared(sizeof *down);
    up = shared(sizeof *up);
    memset(stats, 0, sizeof stats);
    down->beat_ns = mono_now().ns;
    down->route_state = ROUTE_UP;
    shared_text_set(&down->status, status, sizeof status - 1);
    up->serving = 1;
    up->worker_count = 2;
    up->zone_count = 1;
    up->zones[0].state = SHARED_ZONE_SERVED;
    up->zones[0].serial = 2026080100;
    memcpy(up->zones[0].apex, "\4a\"\\b\3com", 10);
    stat_add(&stats[0].queries[STATS_UDP][0], 3);
    stat_add(&stats[1].queries[STATS_UDP][0], 4);
    stat_add(&stats[1].queries[STATS_UDP][1], 5);
    stat_add(&stats[1].rcodes[23], 2);
    stat_add(&stats[0].types[28], 7);
    stat_add(&stats[0].types[STATS_TYPES - 2], 1);
    sources = (struct http_sources){"pop-1", mono_now(), down, up, workers, 2, &server, NULL, NULL};
    choose_port();
    http = http_start(&address, &sources, why, sizeof why);
    ck_assert_msg(http != NULL, "%s", why);
}

static void tear_down(void)
{
    http_stop(http);
}

static int connect_http(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, &address.sa, sizeof address.in4), 0);
    return fd;
}

/* Sends the request and reads until the server closes. The status. */
static int ask_raw(const char *request)
{
    int status = 0;
    size_t octets = 0;
    int fd = connect_http();
    ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    for (;;) {
        ssize_t got = recv(fd, reply + octets, sizeof reply - 1 - octets, 0);
        if (got <= 0)
            break;
        octets += (size_t)got;
    }
    close(fd);
    reply[octets] = '\0';
    if (strncmp(reply, "HTTP/1.1 ", 9) == 0)
        status = (int)strtol(reply + 9, NULL, 10);
    return status;
}

static int ask(const char *method, const char *url)
{
    char request[256];
    (void)snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method,
                   url);
    return ask_raw(request);
}

static const char *body(void)
{
    const char *end = strstr(reply, "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    return end + 4;
}

static void expect_in_body(const char *part)
{
    ck_assert_msg(strstr(body(), part) != NULL, "'%s' is not in:\n%s", part, body());
}

START_TEST(metrics)
{
    ck_assert_int_eq(ask("GET", "/metrics"), 200);
    expect_in_body("hither_build_info{version=\"" HITHER_VERSION "\"} 1\n");
    expect_in_body("hither_queries_total{transport=\"udp\",family=\"ipv4\"} 7\n");
    expect_in_body("hither_queries_total{transport=\"udp\",family=\"ipv6\"} 5\n");
    expect_in_body("hither_queries_total{transport=\"tcp\",family=\"ipv4\"} 0\n");
    expect_in_body("hither_answers_by_rcode_total{rcode=\"NOERROR\"} 0\n");
    expect_in_body("hither_answers_by_rcode_total{rcode=\"BADCOOKIE\"} 2\n");
    expect_in_body("hither_queries_by_type_total{type=\"AAAA\"} 7\n");
    expect_in_body("hither_queries_by_type_total{type=\"other\"} 1\n");
    expect_in_body("hither_route_state{state=\"up\"} 1\n");
    expect_in_body("hither_route_state{state=\"withdrawn\"} 0\n");
    expect_in_body("hither_zones{state=\"served\"} 1\n");
    expect_in_body("hither_zone_serial{zone=\"a\\\\\\\"\\\\\\\\b.com.\"} 2026080100\n");
    expect_in_body("hither_heartbeat_age_seconds{heart=\"announcer\"} 0.");
    expect_in_body("process_resident_memory_bytes ");
    ck_assert_ptr_null(strstr(body(), "heart=\"worker-0\""));
}
END_TEST

/* Every line is a comment or NAME{LABELS} NUMBER, and each family is announced once. */
START_TEST(metrics_form)
{
    char *save = NULL;
    size_t lines = 0;
    ck_assert_int_eq(ask("GET", "/metrics"), 200);
    char *text = strdup(body());
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        char *end = NULL;
        lines++;
        if (strncmp(line, "# TYPE ", 7) == 0) {
            char again[256];
            (void)snprintf(again, sizeof again, "%s\n", line);
            const char *first = strstr(body(), again);
            ck_assert_ptr_null(strstr(first + 1, again));
        }
        if (line[0] == '#')
            continue;
        const char *space = strrchr(line, ' ');
        ck_assert_msg(space != NULL && space > line, "%s", line);
        (void)strtod(space + 1, &end);
        ck_assert_msg(end != space + 1 && *end == '\0', "%s", line);
        ck_assert_msg(strncmp(line, "hither_", 7) == 0 || strncmp(line, "process_", 8) == 0, "%s", line);
    }
    ck_assert_uint_gt(lines, 50);
    free(text);
}
END_TEST

START_TEST(health)
{
    static const int expected[] = {[ROUTE_INIT] = 503,
                                   [ROUTE_UP] = 200,
                                   [ROUTE_DEGRADED] = 200,
                                   [ROUTE_DRAINING] = 503,
                                   [ROUTE_WITHDRAWN] = 503};
    for (uint32_t state = ROUTE_INIT; state <= ROUTE_WITHDRAWN; state++) {
        down->route_state = state;
        ck_assert_int_eq(ask("GET", "/healthz"), expected[state]);
    }
    ck_assert_str_eq(body(), "withdrawn: all checks are good\n");
    down->route_state = ROUTE_UP;
    down->beat_ns = mono_add_ms(mono_now(), -60000).ns;
    ck_assert_int_eq(ask("GET", "/healthz"), 503);
    ck_assert_str_eq(body(), "the announcer's heart has stopped\n");
}
END_TEST

START_TEST(status_whole)
{
    ck_assert_int_eq(ask("GET", "/status"), 200);
    json_t *status = json_loads(body(), 0, NULL);
    const char *why = NULL;
    const char *zone = NULL;
    json_int_t udp = 0;
    ck_assert_int_eq(json_unpack(status, "{s:{s:{s:s}}, s:{s:I}, s:[{s:s}]}", "announcer", "route", "why",
                                 &why, "counters", "queries_udp", &udp, "zones", "name", &zone),
                     0);
    ck_assert_str_eq(why, "all checks are good");
    ck_assert_int_eq(udp, 12);
    ck_assert_str_eq(json_string_value(json_object_get(status, "identity")), "pop-1");
    ck_assert_str_eq(json_string_value(json_object_get(status, "route_state")), "up");
    ck_assert(json_is_true(json_object_get(status, "announcer_alive")));
    json_decref(status);
}
END_TEST

/* The oldest first, and no more than are kept. */
START_TEST(history)
{
    for (unsigned i = 0; i < SAMPLES_KEPT + 3; i++) {
        stat_add(&stats[0].answers, 1);
        stat_add(&stats[1].spans[STATS_TCP].counts[2], 1);
        http_sample(http);
    }
    ck_assert_int_eq(ask("GET", "/history"), 200);
    json_t *told = json_loads(body(), 0, NULL);
    const json_t *list = json_object_get(told, "samples");
    ck_assert_uint_eq(json_array_size(list), SAMPLES_KEPT);
    for (size_t i = 0; i < SAMPLES_KEPT; i++) {
        const json_t *counters = json_object_get(json_array_get(list, i), "counters");
        const json_t *spans = json_object_get(json_object_get(counters, "latency"), "counts");
        ck_assert_int_eq(json_integer_value(json_object_get(counters, "answers")), (json_int_t)i + 4);
        ck_assert_int_eq(json_integer_value(json_array_get(spans, 2)), (json_int_t)i + 4);
        ck_assert_int_eq(json_integer_value(json_object_get(counters, "queries_udp")), 12);
    }
    json_decref(told);
}
END_TEST

/* The announcer's text is from the other process: whatever it is, there is a status. */
START_TEST(status_without_the_announcer)
{
    shared_text_set(&down->status, "{\"route\":", 9);
    ck_assert_int_eq(ask("GET", "/status"), 200);
    expect_in_body("\"announcer\":null");
    down->status.sequence = 1;
    ck_assert_int_eq(ask("GET", "/status"), 200);
    expect_in_body("\"announcer\":null");
    ck_assert_int_eq(ask("GET", "/healthz"), 200);
    ck_assert_str_eq(body(), "up\n");
}
END_TEST

START_TEST(page)
{
    ck_assert_int_eq(ask("GET", "/"), 200);
    expect_in_body("<!doctype html>");
    expect_in_body("</html>");
    ck_assert_ptr_nonnull(strstr(reply, "Content-Security-Policy: default-src 'none'"));
    ck_assert_ptr_null(strstr(body(), "http://"));
    ck_assert_ptr_null(strstr(body(), "https://"));
}
END_TEST

START_TEST(methods_and_paths)
{
    ck_assert_int_eq(ask("GET", "/nothing"), 404);
    ck_assert_int_eq(ask("GET", "/metrics/"), 404);
    ck_assert_int_eq(ask("POST", "/status"), 405);
    ck_assert_ptr_nonnull(strstr(reply, "Allow: GET, HEAD"));
    ck_assert_int_eq(ask("DELETE", "/"), 405);
    ck_assert_int_eq(ask("HEAD", "/metrics"), 200);
    ck_assert_str_eq(body(), "");
    (void)ask_raw("nonsense\r\n\r\n");
    (void)ask_raw("POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    ck_assert_ptr_null(strstr(reply, " 200 "));
    ck_assert_int_eq(ask("GET", "/healthz"), 200);
}
END_TEST

START_TEST(many_connections)
{
    int fds[HTTP_MAX_CONNECTIONS];
    for (int i = 0; i < HTTP_MAX_CONNECTIONS; i++)
        fds[i] = connect_http();
    for (int i = 0; i < HTTP_MAX_CONNECTIONS; i++)
        close(fds[i]);
    ck_assert_int_eq(ask("GET", "/healthz"), 200);
}
END_TEST

START_TEST(taken_address)
{
    char why[128] = "";
    ck_assert_ptr_null(http_start(&address, &sources, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "Address already in use"));
}
END_TEST

START_TEST(names)
{
    char text[16];
    ck_assert_str_eq(metrics_rcode_name(0, text), "NOERROR");
    ck_assert_str_eq(metrics_rcode_name(12, text), "RCODE12");
    ck_assert_str_eq(metrics_type_name(1, text), "A");
    ck_assert_str_eq(metrics_type_name(65, text), "HTTPS");
    ck_assert_str_eq(metrics_type_name(255, text), "ANY");
    ck_assert_str_eq(metrics_type_name(0, text), "TYPE0");
    ck_assert_str_eq(metrics_type_name(200, text), "TYPE200");
    ck_assert_str_eq(metrics_type_name(STATS_TYPES - 2, text), "other");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control/http");
    TCase *tc = tcase_create("http");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, metrics);
    tcase_add_test(tc, metrics_form);
    tcase_add_test(tc, health);
    tcase_add_test(tc, status_whole);
    tcase_add_test(tc, history);
    tcase_add_test(tc, status_without_the_announcer);
    tcase_add_test(tc, page);
    tcase_add_test(tc, methods_and_paths);
    tcase_add_test(tc, many_connections);
    tcase_add_test(tc, taken_address);
    tcase_add_test(tc, names);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
