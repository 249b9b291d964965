/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/why.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FLIGHT_TOLD 16 /* changes that `why` shows */

static char *address_to_text(const union settings_address *address, char *text, size_t size)
{
    char ip[INET6_ADDRSTRLEN] = "";
    bool ipv4 = address->sa.sa_family == AF_INET;
    const void *octets = ipv4 ? (const void *)&address->in4.sin_addr : (const void *)&address->in6.sin6_addr;
    (void)inet_ntop(address->sa.sa_family, octets, ip, sizeof ip);
    (void)snprintf(text, size, "%s@%u", ip, ntohs(ipv4 ? address->in4.sin_port : address->in6.sin6_port));
    return text;
}

static const char *transport_name(enum probe_transport transport)
{
    return transport == PROBE_UDP ? "UDP" : "TCP";
}

const struct scope *health_zones_worst(const struct health *h)
{
    const struct scope *worst = NULL;
    for (size_t i = 0; i < h->scope_count; i++) {
        const struct scope *scope = &h->scopes[i];
        if (scope->zones.withdraws || (scope->zones.degrades && worst == NULL))
            worst = scope;
        if (scope->zones.withdraws)
            return worst;
    }
    return worst;
}

static bool health_suspects(const struct health *h)
{
    for (size_t i = 0; i < h->scope_count; i++)
        if (h->scopes[i].state.suspects)
            return true;
    return false;
}

static void health_say_probe(struct health *h, const struct probe_result *result)
{
    char address[64];
    char name[NAME_TEXT_MAX];
    char worker[24] = "";
    const char *but = !health_suspects(h) ? ""
                      : h->clients_good   ? " (suspect: clients get good answers)"
                                          : " (suspect: it came with a change that other PoPs may have too)";
    if (result->steered)
        (void)snprintf(worker, sizeof worker, ", worker %u", result->worker);
    (void)snprintf(h->why, sizeof h->why, "%s over %s%s, %s: %s%s",
                   address_to_text(&h->listen[result->address], address, sizeof address),
                   transport_name(result->transport), worker, name_to_text(result->name, name), result->why,
                   but);
}

/* One line for what is worst. */
void health_say_why(struct health *h)
{
    if (h->gone) {
        (void)snprintf(h->why, sizeof h->why, "%s", h->gone_why);
        return;
    }
    if (!h->serving) {
        (void)snprintf(h->why, sizeof h->why, "the server isn't serving yet");
        return;
    }
    const struct scope *zones = health_zones_worst(h);
    if (zones != NULL && zones->zones.withdraws) {
        (void)snprintf(h->why, sizeof h->why, "%s", zones->zones.why);
        return;
    }
    for (size_t i = 0; i < h->result_count; i++) {
        if (h->results[i].good)
            continue;
        health_say_probe(h, &h->results[i]);
        return;
    }
    if (h->back[0] != '\0') {
        (void)snprintf(h->why, sizeof h->why, "%s", h->back);
        return;
    }
    if (exec_say_why(h->execs, h->why, sizeof h->why))
        return;
    if (zones != NULL) {
        (void)snprintf(h->why, sizeof h->why, "%s", zones->zones.why);
        return;
    }
    if (h->zones_too_old && h->settings.zone_age == CHECK_SHARED) {
        char name[NAME_TEXT_MAX];
        (void)snprintf(h->why, sizeof h->why, "zone %s was loaded longer ago than health.zone-max-age allows",
                       name_to_text(h->scan.last.oldest, name));
        return;
    }
    if (h->signatures_end && h->settings.zone_signatures == CHECK_SHARED) {
        char text[ZONES_SIGNATURE_OCTETS];
        (void)snprintf(h->why, sizeof h->why, "%s",
                       zones_say_signature(&h->scan.last, (int64_t)time(NULL), text));
        return;
    }
    (void)snprintf(h->why, sizeof h->why, "%s",
                   h->rounds > 0 ? "every probe is answered well" : "not probed yet");
}

static int verdict_presence(enum verdict verdict)
{
    static const int presence[] = {
        [VERDICT_NONE] = 0, [VERDICT_BAD] = 1, [VERDICT_DEGRADED] = 2, [VERDICT_GOOD] = 3};
    return presence[verdict];
}

enum verdict health_overall(const struct health *h)
{
    enum verdict best = VERDICT_NONE;
    for (size_t i = 0; i < h->scope_count; i++)
        if (verdict_presence(h->scopes[i].state.verdict) > verdict_presence(best))
            best = h->scopes[i].state.verdict;
    return best;
}

char *health_scope_name(const struct scope *scope, char name[SCOPE_NAME_OCTETS])
{
    char ip[INET6_ADDRSTRLEN] = "";
    (void)snprintf(name, SCOPE_NAME_OCTETS, "everything");
    if (scope->prefix.family == 0)
        return name;
    (void)inet_ntop(scope->prefix.family, scope->prefix.octets, ip, sizeof ip);
    (void)snprintf(name, SCOPE_NAME_OCTETS, "%s/%u", ip, scope->prefix.bits);
    return name;
}

const char *health_scope_why(const struct health *h, const struct scope *scope)
{
    return scope->zones.withdraws && !h->gone && h->serving ? scope->zones.why : h->why;
}

static json_t *why_check(const struct health *h, const struct probe_result *result)
{
    char address[64];
    char name[NAME_TEXT_MAX];
    json_t *check =
        json_pack("{s:s, s:s, s:s, s:b, s:i, s:i}", "address",
                  address_to_text(&h->listen[result->address], address, sizeof address), "transport",
                  transport_name(result->transport), "class", "LOCAL", "good", (int)result->good, "asked",
                  (int)result->asked, "answered", (int)result->answered);
    if (!result->good && check != NULL) {
        json_object_set_new(check, "name", json_string(name_to_text(result->name, name)));
        json_object_set_new(check, "why", json_string(result->why));
    }
    if (result->steered && check != NULL) {
        json_object_set_new(check, "lost_workers", health_workers_list(result->lost_workers));
        json_object_set_new(check, "wrong_workers", health_workers_list(result->wrong_workers));
    }
    return check;
}

static json_t *why_scope(const struct scope *scope, struct mono now)
{
    const struct verdict_state *s = &scope->state;
    char text[SCOPE_NAME_OCTETS];
    char window[VERDICT_WINDOW_MAX + 1];
    for (size_t i = 0; i < VERDICT_WINDOW_MAX; i++) /* the oldest first */
        window[i] = (s->window >> (VERDICT_WINDOW_MAX - 1 - i) & 1) != 0 ? 'x' : '.';
    window[VERDICT_WINDOW_MAX] = '\0';
    int64_t held_ms = s->held_until.ns != 0 ? mono_ms_between(now, s->held_until) : 0;
    return json_pack(
        "{s:s, s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "prefix", health_scope_name(scope, text),
        "verdict", verdict_name(s->verdict), "zones", scope->zones.why, "suspect", (int)s->suspects, "window",
        window, "since_ms", (json_int_t)(s->since.ns != 0 ? mono_ms_between(s->since, now) : 0),
        "good_in_a_row", (json_int_t)s->good_row, "bad_in_a_row", (json_int_t)s->bad_row, "flaps",
        (json_int_t)s->flaps, "held_down_ms", (json_int_t)(held_ms > 0 ? held_ms : 0), "last_round_ms",
        (json_int_t)(s->round_at.ns != 0 ? mono_ms_between(s->round_at, now) : -1));
}

static void why_zone_check(json_t *list, const char *name, enum check_class class, bool good, const char *why)
{
    json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:s}", "name", name, "class",
                                          class == CHECK_SHARED ? "SHARED" : "ADVISORY", "good", (int)good,
                                          "why", why));
}

static void why_zone_checks(const struct health *h, json_t *list)
{
    char signature[ZONES_SIGNATURE_OCTETS];
    why_zone_check(list, "zone-age", h->settings.zone_age, !h->zones_too_old, "");
    why_zone_check(list, "zone-signatures", h->settings.zone_signatures, !h->signatures_end,
                   zones_say_signature(&h->scan.last, (int64_t)time(NULL), signature));
    why_zone_check(list, "newest-zones", CHECK_SHARED, h->back[0] == '\0', h->back);
}

json_t *health_why(const struct health *h)
{
    struct mono now = mono_now();
    json_t *checks = json_array();
    json_t *prefixes = json_array();
    for (size_t i = 0; i < h->result_count; i++)
        json_array_append_new(checks, why_check(h, &h->results[i]));
    for (size_t i = 0; i < h->scope_count; i++)
        json_array_append_new(prefixes, why_scope(&h->scopes[i], now));
    json_t *server =
        json_pack("{s:b, s:s}", "serving", (int)h->serving, "trouble", h->gone ? h->gone_why : "");
    const struct zones_summary *sum = &h->scan.last;
    char first[NAME_TEXT_MAX];
    json_t *zones = json_pack("{s:s, s:I, s:I, s:I, s:I}", "first_failed", zones_first_failed(sum, first),
                              "total", (json_int_t)sum->total, "served", (json_int_t)sum->served, "failed",
                              (json_int_t)sum->failed, "stale", (json_int_t)sum->stale);
    json_t *others = json_array();
    why_zone_checks(h, others);
    exec_tell(h->execs, now, others);
    strain_tell(&h->strain, others);
    json_t *rules =
        json_pack("{s:I, s:I, s:I, s:I, s:I}", "interval_ms", (json_int_t)h->settings.interval_ms,
                  "timeout_ms", (json_int_t)h->settings.timeout_ms, "fall", (json_int_t)h->rules.fall, "rise",
                  (json_int_t)h->rules.rise, "stale_ms", (json_int_t)h->rules.stale_ms);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:i, s:b, s:o, s:o, s:o, s:o, s:o}", "verdict",
                     verdict_name(health_overall(h)), "why", h->why, "rules", rules, "server", server,
                     "zones", zones, "rounds", (json_int_t)h->rounds, "round_took_ms",
                     (json_int_t)h->round_took_ms, "asked_zones", h->asked.count, "steered", (int)h->lanes,
                     "workers", health_workers_tell(&h->workers, h->up, now), "checks", checks,
                     "other_checks", others, "flight", flight_tell(h->flight, now, FLIGHT_TOLD), "prefixes",
                     prefixes);
}
