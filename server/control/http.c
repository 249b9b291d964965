/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/http.h"

#include "control/metrics.h"
#include "control/page.h"
#include "control/report.h"
#include "control/samples.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HTTP_MEMORY_OCTETS   16384 /* of a connection: request line and headers */
#define HTTP_BACKLOG         32
#define HTTP_MAX_ZONES       1000 /* in /status */
#define ANNOUNCER_PATIENCE_S 5    /* an announcer whose heart is older doesn't steer the route any more */

struct http {
    struct MHD_Daemon *daemon;
    struct http_sources sources;
    double start_unix_s;
    struct samples *samples;
    int statm_fd; /* opened before the sandbox closes; below 0: unknown */
};

/* What goes out: owned bytes, or the page. */
struct http_answer {
    unsigned status;
    const char *type;
    char *text; /* from malloc */
    size_t octets;
};

static double unix_now_s(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The announcer's half, as it wrote it. New reference, or NULL. */
static json_t *announcer_half(const struct http *http)
{
    char *text = malloc(SHARED_TEXT_OCTETS);
    json_t *half = NULL;
    if (text != NULL && shared_text_get(&http->sources.down->status, text) > 0)
        half = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    return half;
}

/* --- /metrics --- */

static struct metrics_process process_now(const struct http *http)
{
    struct metrics_process process = {-1, -1, http->start_unix_s};
    struct timespec cpu;
    char text[128] = "";
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
        process.cpu_seconds = (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9;
    if (http->statm_fd >= 0 && pread(http->statm_fd, text, sizeof text - 1, 0) > 0) {
        char *resident = strchr(text, ' ');
        if (resident != NULL)
            process.resident_bytes = strtoll(resident, NULL, 10) * sysconf(_SC_PAGESIZE);
    }
    return process;
}

static struct http_answer answer_metrics(const struct http *http)
{
    struct http_answer answer = {MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", NULL, 0};
    const struct metrics_process process = process_now(http);
    FILE *out = open_memstream(&answer.text, &answer.octets);
    if (out == NULL)
        return answer;
    json_t *half = announcer_half(http);
    metrics_write(out, &http->sources, &process, half, mono_now());
    json_decref(half);
    if (fclose(out) != 0) {
        free(answer.text);
        answer.text = NULL;
    }
    return answer;
}

/* --- /status and /healthz --- */

static bool announcer_is_fresh(const struct http *http, struct mono now)
{
    int64_t beat_ns = atomic_load_explicit((_Atomic int64_t *)(uintptr_t)&http->sources.down->beat_ns,
                                           memory_order_relaxed);
    return beat_ns > 0 && mono_ms_between((struct mono){beat_ns}, now) < ANNOUNCER_PATIENCE_S * 1000;
}

static uint32_t route_state(const struct http *http)
{
    return atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)&http->sources.down->route_state,
                                memory_order_relaxed);
}

static struct http_answer answer_health(const struct http *http)
{
    struct http_answer answer = {MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", NULL, 0};
    uint32_t state = route_state(http);
    json_t *half = announcer_half(http);
    const char *why = json_string_value(json_object_get(json_object_get(half, "route"), "why"));
    const char *separator = why != NULL && why[0] != '\0' ? ": " : "";
    bool fresh = announcer_is_fresh(http, mono_now());
    int octets = 0;
    if (!fresh)
        octets = asprintf(&answer.text, "the announcer's heart has stopped\n");
    else
        octets =
            asprintf(&answer.text, "%s%s%s\n", report_route_state(state), separator, why != NULL ? why : "");
    if (fresh && (state == ROUTE_UP || state == ROUTE_DEGRADED))
        answer.status = MHD_HTTP_OK;
    if (octets < 0)
        answer.text = NULL;
    else
        answer.octets = (size_t)octets;
    json_decref(half);
    return answer;
}

static struct http_answer answer_of_json(json_t *json)
{
    struct http_answer answer = {MHD_HTTP_OK, "application/json", NULL, 0};
    answer.text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    answer.octets = answer.text != NULL ? strlen(answer.text) : 0;
    json_decref(json);
    return answer;
}

static struct http_answer answer_history(const struct http *http)
{
    return answer_of_json(samples_as_json(http->samples));
}

static struct http_answer answer_status(const struct http *http)
{
    const struct http_sources *s = &http->sources;
    const struct sample sample = sample_now(s);
    struct mono now = mono_now();
    json_t *half = announcer_half(http);
    json_t *status = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:s, s:b, s:o, s:o, s:o, s:o}", "identity", s->identity, "version",
        HITHER_VERSION, "uptime_s", (json_int_t)(mono_ms_between(s->started, now) / 1000), "unix_s",
        (json_int_t)unix_now_s(), "unix_ms", (json_int_t)sample.unix_ms, "route_state",
        report_route_state(route_state(http)), "announcer_alive", announcer_is_fresh(http, now), "announcer",
        half != NULL ? half : json_null(), "server", report_server(s->up, now), "counters",
        sample_as_json(&sample), "zones", report_zones(s->up, HTTP_MAX_ZONES));
    return answer_of_json(status);
}

/* --- requests --- */

static struct MHD_Response *response_of(const struct http_answer *answer)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->octets, answer->text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        free(answer->text);
    else
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    return response;
}

static struct MHD_Response *response_of_text(const char *type, const void *text, size_t octets)
{
    /* The library takes no pointer to const, and doesn't write through this one. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(octets, (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
    if (response != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    return response;
}

static enum MHD_Result send_response(struct MHD_Connection *connection, unsigned status,
                                     struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO; /* Closes the connection. */
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_page(struct MHD_Connection *connection)
{
    struct MHD_Response *response =
        response_of_text("text/html; charset=utf-8", control_page, control_page_octets);
    if (response != NULL)
        (void)MHD_add_response_header(response, "Content-Security-Policy",
                                      "default-src 'none'; style-src 'unsafe-inline'; script-src "
                                      "'unsafe-inline'; connect-src 'self'; base-uri 'none'; "
                                      "form-action 'none'; frame-ancestors 'none'");
    return send_response(connection, MHD_HTTP_OK, response);
}

static enum MHD_Result send_plain(struct MHD_Connection *connection, unsigned status, const char *text)
{
    struct MHD_Response *response = response_of_text("text/plain; charset=utf-8", text, strlen(text));
    if (response != NULL && status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    return send_response(connection, status, response);
}

static const struct http_route {
    const char *url;
    struct http_answer (*answer)(const struct http *http);
} routes[] = {{"/metrics", answer_metrics},
              {"/healthz", answer_health},
              {"/status", answer_status},
              {"/history", answer_history}};

static enum MHD_Result http_route(const struct http *http, struct MHD_Connection *connection, const char *url)
{
    if (strcmp(url, "/") == 0)
        return send_page(connection);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(url, routes[i].url) != 0)
            continue;
        const struct http_answer answer = routes[i].answer(http);
        if (answer.text == NULL)
            return send_plain(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "memory is short\n");
        return send_response(connection, answer.status, response_of(&answer));
    }
    return send_plain(connection, MHD_HTTP_NOT_FOUND,
                      "there are /, /status, /history, /healthz and /metrics\n");
}

/* Called when the headers are there (*seen NULL), then for pieces of a body, then once more: then answered.
 */
static enum MHD_Result http_request(void *owner, struct MHD_Connection *connection, const char *url,
                                    const char *method, const char *version, const char *body,
                                    size_t *body_octets, void **seen)
{
    static char mark;
    (void)version;
    (void)body;
    if (*seen == NULL) {
        *seen = &mark;
        return MHD_YES;
    }
    if (*body_octets > 0)
        return MHD_NO; /* Nothing here takes a body. */
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return send_plain(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    return http_route(owner, connection, url);
}

/* --- start and stop --- */

/* A listening socket, or -errno. */
static int http_listen(const union settings_address *address)
{
    const int on = 1;
    int fd = socket(address->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->sa.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, &address->sa, settings_address_octets(address)) < 0 || listen(fd, HTTP_BACKLOG) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static void ignore_log(void *owner, const char *format, va_list args)
{
    (void)owner;
    (void)format;
    (void)args;
}

struct http *http_start(const union settings_address *address, const struct http_sources *sources, char *why,
                        size_t why_octets)
{
    char text[SETTINGS_ADDRESS_TEXT];
    struct http *http = calloc(1, sizeof *http);
    struct samples *samples = samples_new();
    int fd = http != NULL && samples != NULL ? http_listen(address) : -ENOMEM;
    if (fd < 0) {
        (void)snprintf(why, why_octets, "%s can't be listened on: %s",
                       settings_address_to_text(address, text), strerror(-fd));
        samples_free(samples);
        free(http);
        return NULL;
    }
    http->sources = *sources;
    http->samples = samples;
    http_sample(http);
    http->start_unix_s = unix_now_s() - (double)mono_ms_between(sources->started, mono_now()) / 1000;
    http->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    http->daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG, 0, NULL, NULL,
                         http_request, http, MHD_OPTION_EXTERNAL_LOGGER, ignore_log, NULL,
                         MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned)HTTP_MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY_OCTETS, MHD_OPTION_END);
    if (http->daemon != NULL)
        return http;
    (void)snprintf(why, why_octets, "the HTTP library can't begin: threads or memory are short");
    http_stop(http); /* Whether the library closed the socket differs by what failed: it is left alone. */
    return NULL;
}

void http_sample(struct http *http)
{
    samples_take(http->samples, &http->sources);
}

void http_stop(struct http *http)
{
    if (http == NULL)
        return;
    if (http->daemon != NULL)
        MHD_stop_daemon(http->daemon);
    if (http->statm_fd >= 0)
        close(http->statm_fd);
    samples_free(http->samples);
    free(http);
}
