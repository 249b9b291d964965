/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/metrics.h"

#include "control/report.h"
#include "wire/name.h"

#include <inttypes.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_TEXT (2 * NAME_TEXT_MAX)

static void sum_counter(stat_counter *to, const stat_counter *from)
{
    stat_add(to, stat_read(from));
}

static void sum_worker(struct worker_stats *sum, const struct worker_stats *worker)
{
    sum_counter(&sum->queries_udp, &worker->queries_udp);
    sum_counter(&sum->queries_tcp, &worker->queries_tcp);
    sum_counter(&sum->answers, &worker->answers);
    sum_counter(&sum->dropped_short, &worker->dropped_short);
    sum_counter(&sum->dropped_response, &worker->dropped_response);
    sum_counter(&sum->dropped_limit, &worker->dropped_limit);
    sum_counter(&sum->truncated, &worker->truncated);
    sum_counter(&sum->octets_in, &worker->octets_in);
    sum_counter(&sum->octets_out, &worker->octets_out);
    sum_counter(&sum->send_failed, &worker->send_failed);
    sum_counter(&sum->tcp_accepted, &worker->tcp_accepted);
    sum_counter(&sum->tcp_refused, &worker->tcp_refused);
    sum_counter(&sum->tcp_idle_closed, &worker->tcp_idle_closed);
    for (size_t i = 0; i < STATS_RCODES; i++)
        sum_counter(&sum->rcodes[i], &worker->rcodes[i]);
    for (size_t i = 0; i < STATS_TYPES; i++)
        sum_counter(&sum->types[i], &worker->types[i]);
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

/* A label's value with what the format wants escaped: backslash, quote, line end. Returns `to`. */
static char *escape_label(char to[LABEL_TEXT], const char *from)
{
    size_t at = 0;
    for (; *from != '\0' && at < LABEL_TEXT - 2; from++) {
        char c = *from;
        if (c == '\\' || c == '"' || c == '\n')
            to[at++] = '\\';
        if (c == '\n')
            c = 'n';
        to[at++] = c;
    }
    to[at] = '\0';
    return to;
}

static void family(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP hither_%s %s\n# TYPE hither_%s %s\n", name, help, name, type);
}

/* A family of one counter without labels. */
static void counter(FILE *out, const char *name, const char *help, const stat_counter *value)
{
    family(out, name, "counter", help);
    (void)fprintf(out, "hither_%s %" PRIu64 "\n", name, stat_read(value));
}

/* One line of a family with one label. */
static void labelled(FILE *out, const char *name, const char *label, const char *value, uint64_t number)
{
    (void)fprintf(out, "hither_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, value, number);
}

static void write_queries(FILE *out, const struct worker_stats *sum)
{
    char text[16];
    family(out, "queries_total", "counter", "Queries received.");
    labelled(out, "queries_total", "transport", "udp", stat_read(&sum->queries_udp));
    labelled(out, "queries_total", "transport", "tcp", stat_read(&sum->queries_tcp));
    counter(out, "answers_total", "Answers sent.", &sum->answers);
    family(out, "answers_by_rcode_total", "counter", "Answers sent, by response code.");
    for (unsigned i = 0; i < STATS_RCODES; i++) {
        if (i <= 5 || stat_read(&sum->rcodes[i]) > 0)
            labelled(out, "answers_by_rcode_total", "rcode", metrics_rcode_name(i, text),
                     stat_read(&sum->rcodes[i]));
    }
    family(out, "queries_by_type_total", "counter", "Queries received, by the type asked for.");
    for (unsigned i = 0; i < STATS_TYPES; i++) {
        if (stat_read(&sum->types[i]) > 0)
            labelled(out, "queries_by_type_total", "type", metrics_type_name(i, text),
                     stat_read(&sum->types[i]));
    }
}

static void write_traffic(FILE *out, const struct worker_stats *sum)
{
    family(out, "dropped_total", "counter", "Messages that got no answer, by reason.");
    labelled(out, "dropped_total", "reason", "short", stat_read(&sum->dropped_short));
    labelled(out, "dropped_total", "reason", "response", stat_read(&sum->dropped_response));
    labelled(out, "dropped_total", "reason", "limit", stat_read(&sum->dropped_limit));
    counter(out, "truncated_total", "Answers cut to fit, with the TC bit.", &sum->truncated);
    counter(out, "received_bytes_total", "Octets of DNS messages received.", &sum->octets_in);
    counter(out, "sent_bytes_total", "Octets of DNS messages sent.", &sum->octets_out);
    counter(out, "send_failures_total", "Answers that the kernel didn't take.", &sum->send_failed);
    family(out, "tcp_connections_total", "counter", "TCP connections, by what became of them.");
    labelled(out, "tcp_connections_total", "event", "accepted", stat_read(&sum->tcp_accepted));
    labelled(out, "tcp_connections_total", "event", "refused", stat_read(&sum->tcp_refused));
    labelled(out, "tcp_connections_total", "event", "idle_closed", stat_read(&sum->tcp_idle_closed));
}

/* Seconds since a heart beat; nothing is written for one that hasn't yet. */
static void write_beat(FILE *out, const char *heart, const _Atomic int64_t *beat_ns, struct mono now)
{
    int64_t ns = atomic_load_explicit((_Atomic int64_t *)(uintptr_t)beat_ns, memory_order_relaxed);
    if (ns > 0)
        (void)fprintf(out, "hither_heartbeat_age_seconds{heart=\"%s\"} %.3f\n", heart,
                      ns < now.ns ? (double)(now.ns - ns) / 1e9 : 0.0);
}

static void write_state(FILE *out, const struct http_sources *s, struct mono now)
{
    char name[32];
    uint32_t state =
        atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)&s->down->route_state, memory_order_relaxed);
    family(out, "build_info", "gauge", "1, labelled with the version.");
    labelled(out, "build_info", "version", HITHER_VERSION, 1);
    family(out, "uptime_seconds", "gauge", "Seconds since the server began.");
    (void)fprintf(out, "hither_uptime_seconds %.3f\n", (double)(now.ns - s->started.ns) / 1e9);
    family(out, "route_state", "gauge", "1 for the state that the route is in, 0 for the others.");
    for (uint32_t i = ROUTE_INIT; i <= ROUTE_WITHDRAWN; i++)
        labelled(out, "route_state", "state", report_route_state(i), i == state);
    family(out, "serving", "gauge", "1 once zones are published and the workers run.");
    (void)fprintf(
        out, "hither_serving %d\n",
        atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)&s->up->serving, memory_order_relaxed) == 1);
    family(out, "heartbeat_age_seconds", "gauge", "Seconds since each heart beat last.");
    write_beat(out, "announcer", &s->down->beat_ns, now);
    write_beat(out, "main", &s->up->beat_ns, now);
    for (uint32_t i = 0; i < report_worker_count(s->up); i++) {
        (void)snprintf(name, sizeof name, "worker-%" PRIu32, i);
        write_beat(out, name, &s->up->worker_beat_ns[i], now);
    }
}

/* A family with a line for each zone; `value` picks what it tells. */
static void write_zone_family(FILE *out, const char *name, const char *help, const struct shared_zone *zones,
                              size_t count, uint64_t (*value)(const struct shared_zone *zone))
{
    char text[NAME_TEXT_MAX];
    char label[LABEL_TEXT];
    family(out, name, "gauge", help);
    for (size_t i = 0; i < count; i++)
        labelled(out, name, "zone", escape_label(label, name_to_text(zones[i].apex, text)), value(&zones[i]));
}

static uint64_t zone_serial(const struct shared_zone *zone)
{
    return zone->serial;
}

static uint64_t zone_names(const struct shared_zone *zone)
{
    return zone->names;
}

static uint64_t zone_loaded(const struct shared_zone *zone)
{
    return zone->loaded_unix_s > 0 ? (uint64_t)zone->loaded_unix_s : 0;
}

static uint64_t zone_is_current(const struct shared_zone *zone)
{
    return zone->state == SHARED_ZONE_SERVED;
}

static void write_zones(FILE *out, const struct shared_up *up)
{
    struct report_totals totals;
    struct shared_zone *zones = calloc(METRICS_MAX_ZONES, sizeof *zones);
    size_t count = zones != NULL ? report_copy_zones(up, zones, METRICS_MAX_ZONES, &totals)
                                 : report_copy_zones(up, NULL, 0, &totals);
    family(out, "zones", "gauge", "Zones, by state.");
    for (uint32_t i = 0; i <= SHARED_ZONE_STALE; i++)
        labelled(out, "zones", "state", report_zone_state(i), totals.by_state[i]);
    family(out, "images_bytes", "gauge", "Octets of all zone images.");
    (void)fprintf(out, "hither_images_bytes %" PRIu64 "\n", totals.image_octets);
    family(out, "zones_unlabelled", "gauge", "Zones without lines of their own below, for their number.");
    (void)fprintf(out, "hither_zones_unlabelled %" PRIu64 "\n", totals.zones - count);
    write_zone_family(out, "zone_serial", "The serial being served.", zones, count, zone_serial);
    write_zone_family(out, "zone_names", "Names in the zone.", zones, count, zone_names);
    write_zone_family(out, "zone_loaded_timestamp_seconds", "When the zone's image was loaded.", zones, count,
                      zone_loaded);
    write_zone_family(out, "zone_current", "1 while the newest source of the zone is being served.", zones,
                      count, zone_is_current);
    free(zones);
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
                   struct mono now)
{
    struct worker_stats sum;
    metrics_sum(sources, &sum);
    write_state(out, sources, now);
    write_queries(out, &sum);
    write_traffic(out, &sum);
    write_zones(out, sources->up);
    write_process(out, process);
}
