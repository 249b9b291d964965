/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The announcer's half: it comes as JSON from the other process, so nothing in it is believed to be there.
 */
#include "control/exposition.h"
#include "control/metrics.h"
#include "control/report.h"

#include <math.h>
#include <string.h>

#define sample(...) (&(struct exposition_sample){__VA_ARGS__})

static const char *text_in(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* Below 0: it isn't there. */
static double number_in(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    return json_is_number(number) ? json_number_value(number) : -1;
}

/* What is to be told of each object of a list. */
struct column {
    const char *family;
    const char *type;
    const char *help;
    const char *key;  /* in the object */
    const char *of;   /* the member of the object that has the key; NULL: the object itself */
    bool is_age_ms;   /* it says how long ago something was: told as a point in time */
    const char *only; /* 1 when the key's text is this one, else 0 */
};

static double column_value(const struct column *column, const json_t *object, double now_unix_s)
{
    if (column->of != NULL)
        object = json_object_get(object, column->of);
    if (column->only != NULL && json_is_object(object))
        return strcmp(text_in(object, column->key), column->only) == 0;
    const json_t *value = json_object_get(object, column->key);
    if (json_is_boolean(value))
        return json_is_true(value);
    double number = number_in(object, column->key);
    return column->is_age_ms && number >= 0 ? floor(now_unix_s - number / 1000) : number;
}

/* A family for each column, with a sample for each object, which `key` of it labels. */
static void put_table(FILE *out, const json_t *list, const char *label, const char *key,
                      const struct column *columns, size_t count, double now_unix_s)
{
    size_t i;
    const json_t *object;
    for (size_t c = 0; c < count && json_array_size(list) > 0; c++) {
        exposition_family(out, columns[c].family, columns[c].type, columns[c].help);
        json_array_foreach(list, i, object)
        {
            double value = column_value(&columns[c], object, now_unix_s);
            if (value >= 0)
                exposition_number(out, sample(columns[c].family, {{label, text_in(object, key)}}), value);
        }
    }
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void put_prefixes(FILE *out, const json_t *prefixes, double now_unix_s)
{
    static const struct column columns[] = {
        {"prefix_change_timestamp_seconds", "gauge", "When the state of the prefix changed last.",
         .key = "since_ms", .is_age_ms = true},
    };
    size_t i;
    const json_t *prefix;
    exposition_family(out, "prefix_state", "gauge",
                      "1 for the state that the prefix is in, 0 for the others.");
    json_array_foreach(prefixes, i, prefix)
    {
        for (uint32_t state = ROUTE_INIT; state <= ROUTE_WITHDRAWN; state++) {
            const char *name = report_route_state(state);
            exposition_count(out,
                             sample("prefix_state", {{"prefix", text_in(prefix, "prefix")}, {"state", name}}),
                             strcmp(text_in(prefix, "state"), name) == 0);
        }
    }
    put_table(out, prefixes, "prefix", "prefix", columns, COUNT(columns), now_unix_s);
}

static void put_messages(FILE *out, const json_t *neighbors)
{
    static const struct {
        const char *key, *direction;
    } ways[] = {{"messages_in", "in"}, {"messages_out", "out"}};
    size_t i;
    const json_t *n;
    if (json_array_size(neighbors) == 0)
        return;
    exposition_family(out, "bgp_messages_total", "counter", "BGP messages, by neighbour and direction.");
    json_array_foreach(neighbors, i, n)
    {
        for (size_t w = 0; w < COUNT(ways); w++)
            exposition_number(out,
                              sample("bgp_messages_total", {{"neighbor", text_in(n, "neighbor")},
                                                            {"direction", ways[w].direction}}),
                              number_in(n, ways[w].key));
    }
}

static void put_neighbors(FILE *out, const json_t *neighbors, double now_unix_s)
{
    static const struct column columns[] = {
        {"bgp_session_established", "gauge", "1 while the session with the neighbour is established.",
         .key = "session", .only = "Established"},
        {"bgp_session_change_timestamp_seconds", "gauge", "When the session's state changed last.",
         .key = "since_ms", .is_age_ms = true},
        {"bgp_sessions_established_total", "counter", "Times that a session was established.",
         .key = "established"},
        {"bgp_updates_received_total", "counter", "UPDATE messages that the neighbour sent.",
         .key = "updates_in"},
        {"bgp_announcements_sent_total", "counter", "Prefixes announced to the neighbour.",
         .key = "announcements_sent"},
        {"bgp_withdrawals_sent_total", "counter", "Prefixes withdrawn from the neighbour.",
         .key = "withdrawals_sent"},
        {"bfd_up", "gauge", "1 while the BFD session with the neighbour is up.", .key = "state", .of = "bfd",
         .only = "Up"},
        {"bfd_change_timestamp_seconds", "gauge", "When the BFD session's state changed last.",
         .key = "since_ms", .of = "bfd", .is_age_ms = true},
        {"bfd_packets_received_total", "counter", "BFD packets that came from the neighbour.",
         .key = "packets_in", .of = "bfd"},
        {"bfd_packets_sent_total", "counter", "BFD packets sent to the neighbour.", .key = "packets_out",
         .of = "bfd"},
        {"bfd_downs_total", "counter", "Times that the BFD session went down.", .key = "downs", .of = "bfd"},
        {"bfd_muted", "gauge", "1 while BFD is silent so that the neighbour takes us for dead.",
         .key = "muted", .of = "bfd"},
    };
    size_t i;
    const json_t *n;
    put_messages(out, neighbors);
    if (json_array_size(neighbors) > 0)
        exposition_family(out, "bgp_announced_prefixes", "gauge", "Prefixes that the neighbour has from us.");
    json_array_foreach(neighbors, i, n)
        exposition_count(out, sample("bgp_announced_prefixes", {{"neighbor", text_in(n, "neighbor")}}),
                         json_array_size(json_object_get(n, "announced")));
    put_table(out, neighbors, "neighbor", "neighbor", columns, COUNT(columns), now_unix_s);
}

/* Where another program announces. */
static void put_routes(FILE *out, const json_t *routes)
{
    static const struct column columns[] = {
        {"backend_verified", "gauge", "1 while the other program is known to have the prefix as we want it.",
         .key = "verified"},
        {"backend_changes_total", "counter", "Times that the other program was told to change the prefix.",
         .key = "changes"},
    };
    put_table(out, routes, "prefix", "prefix", columns, COUNT(columns), 0);
}

static void put_checks(FILE *out, const json_t *health)
{
    static const struct column others[] = {
        {"other_check_good", "gauge",
         "1 while the check is good: zones, commands, and what the host is short of.", .key = "good"},
    };
    size_t i;
    const json_t *check;
    const json_t *checks = json_object_get(health, "checks");
    exposition_family(out, "check_good", "gauge",
                      "1 where the last round of probes through the service address was good.");
    json_array_foreach(checks, i, check)
        exposition_count(out,
                         sample("check_good", {{"address", text_in(check, "address")},
                                               {"transport", text_in(check, "transport")}}),
                         json_is_true(json_object_get(check, "good")));
    put_table(out, json_object_get(health, "other_checks"), "check", "name", others, COUNT(others), 0);
    if (number_in(health, "rounds") >= 0)
        exposition_counter(out, "check_rounds_total", "Rounds of probes.", number_in(health, "rounds"));
    if (number_in(health, "round_took_ms") >= 0)
        exposition_gauge(out, "check_round_duration_seconds", "How long the last round of probes took.",
                         number_in(health, "round_took_ms") / 1000);
}

static void put_fleet(FILE *out, const json_t *fleet, double now_unix_s)
{
    static const struct column columns[] = {
        {"fleet_pop_heard_timestamp_seconds", "gauge", "How recent what we know of the PoP is.",
         .key = "age_ms", .is_age_ms = true},
        {"fleet_pop_zones_differ", "gauge", "1 where the PoP serves other zones than this one.",
         .key = "zones", .only = "different"},
    };
    size_t i;
    const json_t *pop;
    const json_t *pops = json_object_get(fleet, "pops");
    if (!json_is_object(fleet))
        return;
    exposition_gauge(out, "fleet_pops", "PoPs of the fleet, this one counted.", number_in(fleet, "size"));
    exposition_gauge(out, "fleet_pops_heard", "Other PoPs that are heard at the moment.",
                     number_in(fleet, "known"));
    exposition_gauge(out, "fleet_may_be_out", "PoPs that may be without the route at once.",
                     number_in(fleet, "may_be_out"));
    exposition_family(out, "fleet_pop_state", "gauge", "1, labelled with what each other PoP does.");
    json_array_foreach(pops, i, pop) exposition_count(
        out, sample("fleet_pop_state", {{"pop", text_in(pop, "identity")}, {"state", text_in(pop, "state")}}),
        1);
    put_table(out, pops, "pop", "identity", columns, COUNT(columns), now_unix_s);
}

static void put_process(FILE *out, const json_t *announcer)
{
    const json_t *process = json_object_get(announcer, "process");
    if (number_in(process, "resident_bytes") >= 0)
        exposition_gauge(out, "announcer_resident_memory_bytes", "Resident memory of the announcer process.",
                         number_in(process, "resident_bytes"));
    if (number_in(process, "cpu_s") >= 0) {
        exposition_counter(out, "announcer_cpu_seconds_total",
                           "User and system time of the announcer process.", number_in(process, "cpu_s"));
    }
    if (number_in(announcer, "server_restarts") >= 0)
        exposition_counter(out, "server_restarts_total",
                           "Times that a server process took a dead one's place.",
                           number_in(announcer, "server_restarts"));
}

void metrics_write_route(FILE *out, const json_t *announcer)
{
    double now_unix_s = number_in(announcer, "as_of_unix_ms") / 1000;
    const json_t *announce = json_object_get(announcer, "announce");
    double since_s = number_in(json_object_get(announcer, "route"), "since_s");
    if (since_s >= 0)
        exposition_gauge(out, "route_change_timestamp_seconds", "When the route's state changed last.",
                         floor(now_unix_s - since_s));
    put_prefixes(out, json_object_get(announce, "prefixes"), now_unix_s);
    put_neighbors(out, json_object_get(announce, "neighbors"), now_unix_s);
    put_routes(out, json_object_get(announce, "routes"));
    put_checks(out, json_object_get(announcer, "health"));
    put_fleet(out, json_object_get(announcer, "fleet"), now_unix_s);
    put_process(out, announcer);
}
