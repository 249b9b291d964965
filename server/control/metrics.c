/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/metrics.h"

#include "control/exposition.h"
#include "control/report.h"

#include <inttypes.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#define sample(...) (&(struct exposition_sample){__VA_ARGS__})

static const char *const transports[STATS_TRANSPORTS] = {"udp", "tcp"};

static void sum_counter(stat_counter *to, const stat_counter *from)
{
    stat_add(to, stat_read(from));
}

static void sum_many(stat_counter *to, const stat_counter *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        stat_add(&to[i], stat_read(&from[i]));
}

static void sum_transport(struct worker_stats *sum, const struct worker_stats *worker, size_t i)
{
    sum_many(sum->queries[i], worker->queries[i], 2);
    sum_many(&sum->sizes[i].octets, &worker->sizes[i].octets, 1);
    sum_many(sum->sizes[i].counts, worker->sizes[i].counts, STATS_SIZES + 1);
    sum_many(&sum->spans[i].ns, &worker->spans[i].ns, 1);
    sum_many(sum->spans[i].counts, worker->spans[i].counts, STATS_SPANS);
}

static void sum_worker(struct worker_stats *sum, const struct worker_stats *worker)
{
    for (size_t i = 0; i < STATS_TRANSPORTS; i++)
        sum_transport(sum, worker, i);
    sum_counter(&sum->answers, &worker->answers);
    sum_counter(&sum->dropped_short, &worker->dropped_short);
    sum_counter(&sum->dropped_response, &worker->dropped_response);
    sum_counter(&sum->dropped_limit, &worker->dropped_limit);
    sum_counter(&sum->dropped_refused, &worker->dropped_refused);
    sum_counter(&sum->limited_truncated, &worker->limited_truncated);
    sum_counter(&sum->limited_badcookie, &worker->limited_badcookie);
    sum_counter(&sum->dropped_queue, &worker->dropped_queue);
    sum_counter(&sum->truncated, &worker->truncated);
    sum_counter(&sum->cookies_client, &worker->cookies_client);
    sum_counter(&sum->cookies_both, &worker->cookies_both);
    sum_counter(&sum->octets_in, &worker->octets_in);
    sum_counter(&sum->octets_out, &worker->octets_out);
    sum_counter(&sum->send_failed, &worker->send_failed);
    sum_counter(&sum->tcp_accepted, &worker->tcp_accepted);
    sum_counter(&sum->tcp_refused, &worker->tcp_refused);
    sum_counter(&sum->tcp_limited, &worker->tcp_limited);
    sum_counter(&sum->tcp_idle_closed, &worker->tcp_idle_closed);
    sum_counter(&sum->tcp_open, &worker->tcp_open);
    sum_many(sum->rcodes, worker->rcodes, STATS_RCODES);
    sum_many(sum->types, worker->types, STATS_TYPES);
    sum_many(sum->zones, worker->zones, STATS_ZONES);
}

void metrics_sum(const struct http_sources *sources, struct worker_stats *sum)
{
    memset(sum, 0, sizeof *sum);
    for (size_t i = 0; i < sources->worker_count; i++)
        sum_worker(sum, sources->workers[i]);
}

char *metrics_rcode_name(unsigned rcode, char text[16])
{
    static const char *const names[STATS_RCODES] = {
        [0] = "NOERROR",  [1] = "FORMERR",  [2] = "SERVFAIL",  [3] = "NXDOMAIN",  [4] = "NOTIMP",
        [5] = "REFUSED",  [6] = "YXDOMAIN", [7] = "YXRRSET",   [8] = "NXRRSET",   [9] = "NOTAUTH",
        [10] = "NOTZONE", [16] = "BADVERS", [17] = "BADKEY",   [18] = "BADTIME",  [19] = "BADMODE",
        [20] = "BADNAME", [21] = "BADALG",  [22] = "BADTRUNC", [23] = "BADCOOKIE"};
    if (rcode < STATS_RCODES && names[rcode] != NULL)
        (void)snprintf(text, 16, "%s", names[rcode]);
    else
        (void)snprintf(text, 16, "RCODE%u", rcode % 65536);
    return text;
}

char *metrics_type_name(unsigned type, char text[16])
{
    static const char *const metas[] = {"IXFR", "AXFR", "MAILB", "MAILA", "ANY"}; /* 251-255 */
    const ldns_rr_descriptor *descriptor = type < STATS_TYPES - 2 ? ldns_rr_descript((uint16_t)type) : NULL;
    if (type >= STATS_TYPES - 2)
        (void)snprintf(text, 16, "other");
    else if (type >= 251 && type <= 255)
        (void)snprintf(text, 16, "%s", metas[type - 251]);
    else if (type > 0 && descriptor != NULL && descriptor->_type == type && descriptor->_name != NULL)
        (void)snprintf(text, 16, "%s", descriptor->_name);
    else
        (void)snprintf(text, 16, "TYPE%u", type % 65536);
    return text;
}

/* A sample with one label. */
static void labelled(FILE *out, const char *name, const char *label, const char *value, uint64_t number)
{
    exposition_count(out, sample(name, {{label, value}}), number);
}

static void write_queries(FILE *out, const struct worker_stats *sum)
{
    char text[16];
    exposition_family(out, "queries_total", "counter", "Queries received.");
    for (unsigned t = 0; t < STATS_TRANSPORTS; t++) {
        for (unsigned ipv6 = 0; ipv6 < 2; ipv6++)
            exposition_count(
                out,
                sample("queries_total", {{"transport", transports[t]}, {"family", ipv6 ? "ipv6" : "ipv4"}}),
                stat_read(&sum->queries[t][ipv6]));
    }
    exposition_counter(out, "answers_total", "Answers sent.", (double)stat_read(&sum->answers));
    exposition_family(out, "answers_by_rcode_total", "counter", "Answers sent, by response code.");
    for (unsigned i = 0; i < STATS_RCODES; i++) {
        if (i <= 5 || stat_read(&sum->rcodes[i]) > 0)
            labelled(out, "answers_by_rcode_total", "rcode", metrics_rcode_name(i, text),
                     stat_read(&sum->rcodes[i]));
    }
    exposition_family(out, "queries_by_type_total", "counter", "Queries received, by the type asked for.");
    for (unsigned i = 0; i < STATS_TYPES; i++) {
        if (stat_read(&sum->types[i]) > 0)
            labelled(out, "queries_by_type_total", "type", metrics_type_name(i, text),
                     stat_read(&sum->types[i]));
    }
    exposition_family(out, "cookies_total", "counter",
                      "Queries with a cookie: the client's part alone, or with the server's part as well.");
    labelled(out, "cookies_total", "parts", "client", stat_read(&sum->cookies_client));
    labelled(out, "cookies_total", "parts", "both", stat_read(&sum->cookies_both));
}

static void write_histograms(FILE *out, const struct worker_stats *sum)
{
    exposition_family(out, "answer_size_bytes", "histogram",
                      "Sizes of answers, zone transfers left out; of one batch in 16.");
    for (unsigned t = 0; t < STATS_TRANSPORTS; t++)
        exposition_histogram(out, "answer_size_bytes", (struct exposition_label){"transport", transports[t]},
                             sum->sizes[t].counts, STATS_SIZES + 1, 1,
                             (double)stat_read(&sum->sizes[t].octets));
    exposition_family(out, "answer_latency_seconds", "histogram",
                      "From taking a query to handing its answer to the kernel; of one batch in 16.");
    for (unsigned t = 0; t < STATS_TRANSPORTS; t++)
        exposition_histogram(out, "answer_latency_seconds",
                             (struct exposition_label){"transport", transports[t]}, sum->spans[t].counts,
                             STATS_SPANS, 1024e-9, (double)stat_read(&sum->spans[t].ns) / 1e9);
}

static void write_traffic(FILE *out, const struct worker_stats *sum)
{
    exposition_family(out, "dropped_total", "counter", "Messages that got no answer, by reason.");
    labelled(out, "dropped_total", "reason", "short", stat_read(&sum->dropped_short));
    labelled(out, "dropped_total", "reason", "response", stat_read(&sum->dropped_response));
    labelled(out, "dropped_total", "reason", "limit", stat_read(&sum->dropped_limit));
    labelled(out, "dropped_total", "reason", "refused", stat_read(&sum->dropped_refused));
    labelled(out, "dropped_total", "reason", "queue_full", stat_read(&sum->dropped_queue));
    exposition_family(out, "limited_total", "counter",
                      "Queries over the limit of their prefix, by what became of them.");
    labelled(out, "limited_total", "action", "dropped", stat_read(&sum->dropped_limit));
    labelled(out, "limited_total", "action", "truncated", stat_read(&sum->limited_truncated));
    labelled(out, "limited_total", "action", "badcookie", stat_read(&sum->limited_badcookie));
    exposition_counter(out, "truncated_total", "Answers cut to fit, with the TC bit.",
                       (double)stat_read(&sum->truncated));
    exposition_counter(out, "received_bytes_total", "Octets of DNS messages received.",
                       (double)stat_read(&sum->octets_in));
    exposition_counter(out, "sent_bytes_total", "Octets of DNS messages sent.",
                       (double)stat_read(&sum->octets_out));
    exposition_counter(out, "send_failures_total", "Answers that the kernel didn't take.",
                       (double)stat_read(&sum->send_failed));
    exposition_family(out, "tcp_connections_total", "counter", "TCP connections, by what became of them.");
    labelled(out, "tcp_connections_total", "event", "accepted", stat_read(&sum->tcp_accepted));
    labelled(out, "tcp_connections_total", "event", "refused", stat_read(&sum->tcp_refused));
    labelled(out, "tcp_connections_total", "event", "limited", stat_read(&sum->tcp_limited));
    labelled(out, "tcp_connections_total", "event", "idle_closed", stat_read(&sum->tcp_idle_closed));
    exposition_gauge(out, "tcp_connections_open", "TCP connections at the moment.",
                     (double)stat_read(&sum->tcp_open));
}

/* A family with a sample for each worker. */
static void write_of_workers(FILE *out, const struct http_sources *s, const char *name, const char *type,
                             const char *help, double (*value)(const struct worker_stats *stats))
{
    char worker[24];
    exposition_family(out, name, type, help);
    for (size_t i = 0; i < s->worker_count; i++) {
        (void)snprintf(worker, sizeof worker, "%zu", i);
        exposition_number(out, sample(name, {{"worker", worker}}), value(s->workers[i]));
    }
}

static double worker_queries(const struct worker_stats *stats)
{
    return (double)(stats_queries(stats, STATS_UDP) + stats_queries(stats, STATS_TCP));
}

static double worker_cpu(const struct worker_stats *stats)
{
    return (double)stat_read(&stats->cpu_ns) / 1e9;
}

static double worker_lag(const struct worker_stats *stats)
{
    return (double)stat_read(&stats->lag_ns) / 1e9;
}

static void write_workers(FILE *out, const struct http_sources *s)
{
    write_of_workers(out, s, "worker_queries_total", "counter", "Queries that each worker took.",
                     worker_queries);
    write_of_workers(out, s, "worker_cpu_seconds_total", "counter", "Processor time of each worker.",
                     worker_cpu);
    write_of_workers(out, s, "worker_loop_lag_seconds", "gauge",
                     "The most that each worker's loop was late in the last half minute to minute.",
                     worker_lag);
}

static void write_reloads(FILE *out, const struct server_stats *server)
{
    if (server == NULL)
        return;
    exposition_counter(out, "log_dropped_total",
                       "Queries that were to be logged or sent to dnstap, and weren't.",
                       (double)stat_read(&server->log_dropped));
    exposition_family(out, "reloads_total", "counter",
                      "Reloads, by outcome: refused means in whole or in part.");
    labelled(out, "reloads_total", "outcome", "done", stat_read(&server->reloads_done));
    labelled(out, "reloads_total", "outcome", "refused", stat_read(&server->reloads_refused));
    exposition_counter(out, "reload_seconds_total", "How long all reloads took together.",
                       (double)stat_read(&server->reload_ns) / 1e9);
    if (stat_read(&server->last_reload_unix_s) == 0)
        return;
    exposition_gauge(out, "last_reload_timestamp_seconds", "When the last reload ended.",
                     (double)stat_read(&server->last_reload_unix_s));
    exposition_gauge(out, "last_reload_duration_seconds", "How long the last reload took.",
                     (double)stat_read(&server->last_reload_ns) / 1e9);
    exposition_gauge(out, "last_reload_good", "1 when nothing of the last reload was refused.",
                     (double)stat_read(&server->last_reload_good));
}

/* Seconds since a heart beat; nothing is written for one that hasn't yet. */
static void write_beat(FILE *out, const char *heart, const _Atomic int64_t *beat_ns, struct mono now)
{
    int64_t ns = atomic_load_explicit((_Atomic int64_t *)(uintptr_t)beat_ns, memory_order_relaxed);
    if (ns > 0)
        exposition_number(out, sample("heartbeat_age_seconds", {{"heart", heart}}),
                          ns < now.ns ? (double)(now.ns - ns) / 1e9 : 0.0);
}

static void write_state(FILE *out, const struct http_sources *s, struct mono now)
{
    char name[32];
    uint32_t state =
        atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)&s->down->route_state, memory_order_relaxed);
    exposition_family(out, "build_info", "gauge", "1, labelled with the version.");
    labelled(out, "build_info", "version", HITHER_VERSION, 1);
    exposition_gauge(out, "uptime_seconds", "Seconds since the server began.",
                     (double)(now.ns - s->started.ns) / 1e9);
    exposition_family(out, "route_state", "gauge", "1 for the state that the route is in, 0 for the others.");
    for (uint32_t i = ROUTE_INIT; i <= ROUTE_WITHDRAWN; i++)
        labelled(out, "route_state", "state", report_route_state(i), i == state);
    exposition_gauge(
        out, "serving", "1 once zones are published and the workers run.",
        atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)&s->up->serving, memory_order_relaxed) == 1);
    exposition_family(out, "heartbeat_age_seconds", "gauge", "Seconds since each heart beat last.");
    write_beat(out, "announcer", &s->down->beat_ns, now);
    write_beat(out, "main", &s->up->beat_ns, now);
    for (uint32_t i = 0; i < report_worker_count(s->up); i++) {
        (void)snprintf(name, sizeof name, "worker-%" PRIu32, i);
        write_beat(out, name, &s->up->worker_beat_ns[i], now);
    }
}

static void write_process(FILE *out, const struct metrics_process *process)
{
    if (process->resident_bytes >= 0)
        (void)fprintf(out,
                      "# HELP process_resident_memory_bytes Resident memory of the server process.\n"
                      "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %" PRId64
                      "\n",
                      process->resident_bytes);
    if (process->cpu_seconds >= 0)
        (void)fprintf(out,
                      "# HELP process_cpu_seconds_total User and system time of the server process.\n"
                      "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.3f\n",
                      process->cpu_seconds);
    if (process->start_unix_s >= 0)
        (void)fprintf(out,
                      "# HELP process_start_time_seconds When the server process began.\n"
                      "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %.3f\n",
                      process->start_unix_s);
}

void metrics_write(FILE *out, const struct http_sources *sources, const struct metrics_process *process,
                   const json_t *announcer, struct mono now)
{
    struct worker_stats *sum = calloc(1, sizeof *sum);
    write_state(out, sources, now);
    if (sum != NULL) {
        metrics_sum(sources, sum);
        write_queries(out, sum);
        write_histograms(out, sum);
        write_traffic(out, sum);
        metrics_write_zones(out, sources->up, sum);
    }
    write_workers(out, sources);
    write_reloads(out, sources->server);
    metrics_write_resolve(out, sources);
    metrics_write_route(out, announcer);
    write_process(out, process);
    free(sum);
}
