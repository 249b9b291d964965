/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/health.h"

#include "announce/next_hop.h"
#include "base/heart.h"
#include "base/log.h"
#include "health/asked.h"
#include "health/exec.h"
#include "health/flight.h"
#include "health/probe.h"
#include "health/strain.h"
#include "health/zones.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WATCH_MS       20 /* how often shared memory is looked at */
#define FLIGHT_TOLD    16 /* changes that `why` shows */
#define STRAIN_MS      10000
#define FIRST_RETRY_MS 100 /* between rounds before the first good verdict */
#define WHY_OCTETS     1400

#define FRESH_CHANGE_MS 10000 /* what goes bad so soon after a change may be bad because of it */
#define CLIENTS_LEAST   20    /* good answers in a round, beyond our own: clients are served */

#define SCOPE_NAME_OCTETS (INET6_ADDRSTRLEN + 8)

/* One verdict: an announced prefix, or everything when there is none. */
struct scope {
    struct settings_prefix prefix; /* family 0: everything; its text isn't used */
    struct verdict_state state;
    bool addresses[SETTINGS_MAX_ADDRESSES]; /* which listen addresses count */
    struct zones_effect zones;              /* as the last complete walk found them */
    size_t group;                           /* of zones that are its own */
    bool takes_common;                      /* zones without a prefix count for it */
    enum verdict told;                      /* what the log knows */
};

struct health {
    uv_loop_t *loop;
    uv_timer_t interval; /* a round */
    uv_timer_t watch;    /* a look at shared memory, and at the time */
    const struct shared_up *up;
    health_callback callback;
    void *arg;
    struct settings_health settings;
    struct verdict_rules rules;
    struct probe *probe;
    union settings_address listen[SETTINGS_MAX_ADDRESSES];
    size_t listen_count;
    struct scope scopes[SETTINGS_MAX_PREFIXES];
    size_t scope_count;
    bool has_prefixes;
    struct zones_scan scan;
    struct asked asked;    /* in the last round, or in the one under way */
    uint64_t refused;      /* of the last round: zones with bad answers */
    struct mono changed;   /* when the table of zones was last another one */
    uint64_t good_answers; /* by the server's count, when the round began */
    bool clients_good;     /* clients got good answers while the last round ran, more than our own */
    struct exec_checks *execs;
    struct flight *flight;
    struct strain strain;
    struct mono strain_at;
    int64_t unix_offset_s; /* wall time less monotonic time, as at the start */
    bool zones_too_old;
    bool serving;
    bool gone; /* the guard knows that the server can't answer */
    char gone_why[256];
    uint64_t rounds;
    struct probe_result results[SETTINGS_MAX_ADDRESSES * 2];
    size_t result_count;
    struct mono round_began;
    int64_t round_took_ms;
    struct mono watched_at;
    char why[WHY_OCTETS];
    bool stopping;
    unsigned open_handles;
};

/* --- telling
 * ---------------------------------------------------------------------------------------------------- */

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

/* The scope that its zones do most to; NULL: they do nothing to any. */
static const struct scope *health_zones_worst(const struct health *h)
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
    const char *but = !health_suspects(h) ? ""
                      : h->clients_good   ? " (suspect: clients get good answers)"
                                          : " (suspect: it came with a change that other PoPs may have too)";
    (void)snprintf(h->why, sizeof h->why, "%s over %s, %s: %s%s",
                   address_to_text(&h->listen[result->address], address, sizeof address),
                   transport_name(result->transport), name_to_text(result->name, name), result->why, but);
}

/* One line for what is worst. */
static void health_say_why(struct health *h)
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
    (void)snprintf(h->why, sizeof h->why, "%s",
                   h->rounds > 0 ? "every probe is answered well" : "not probed yet");
}

static int verdict_presence(enum verdict verdict)
{
    static const int presence[] = {
        [VERDICT_NONE] = 0, [VERDICT_BAD] = 1, [VERDICT_DEGRADED] = 2, [VERDICT_GOOD] = 3};
    return presence[verdict];
}

static enum verdict health_overall(const struct health *h)
{
    enum verdict best = VERDICT_NONE;
    for (size_t i = 0; i < h->scope_count; i++)
        if (verdict_presence(h->scopes[i].state.verdict) > verdict_presence(best))
            best = h->scopes[i].state.verdict;
    return best;
}

static struct verdict_report health_report(const struct health *h)
{
    struct verdict_report report = {.overall = health_overall(h)};
    for (size_t i = 0; h->has_prefixes && i < h->scope_count; i++) {
        const struct scope *scope = &h->scopes[i];
        struct verdict_of_prefix *v = &report.prefixes[report.count++];
        v->family = scope->prefix.family;
        v->bits = scope->prefix.bits;
        memcpy(v->octets, scope->prefix.octets, sizeof v->octets);
        v->verdict = scope->state.verdict;
    }
    return report;
}

static char *scope_name(const struct scope *scope, char name[SCOPE_NAME_OCTETS])
{
    char ip[INET6_ADDRSTRLEN] = "";
    (void)snprintf(name, SCOPE_NAME_OCTETS, "everything");
    if (scope->prefix.family == 0)
        return name;
    (void)inet_ntop(scope->prefix.family, scope->prefix.octets, ip, sizeof ip);
    (void)snprintf(name, SCOPE_NAME_OCTETS, "%s/%u", ip, scope->prefix.bits);
    return name;
}

static const char *scope_why(const struct health *h, const struct scope *scope)
{
    return scope->zones.withdraws && !h->gone && h->serving ? scope->zones.why : h->why;
}

/* All that happens to a prefix passes here, so that what changes it is on record. */
static void scope_step(struct health *h, struct scope *scope, struct mono now,
                       const struct verdict_input *input)
{
    struct flight_record record = {
        .at = now, .unix_s = (int64_t)time(NULL), .rules = h->rules, .before = scope->state, .input = *input};
    record.after = verdict_step(&scope->state, &h->rules, now, input);
    if (record.after == record.before.verdict)
        return;
    health_say_why(h);
    (void)scope_name(scope, record.prefix);
    (void)snprintf(record.why, sizeof record.why, "%.*s", (int)sizeof record.why - 1, scope_why(h, scope));
    flight_note(h->flight, &record);
}

static void scope_happens(struct health *h, struct scope *scope, struct mono now, enum verdict_kind kind)
{
    scope_step(h, scope, now, &(struct verdict_input){.kind = kind});
}

static void scope_log(const struct health *h, struct scope *scope)
{
    char name[SCOPE_NAME_OCTETS];
    enum verdict verdict = scope->state.verdict;
    if (verdict == scope->told)
        return;
    scope->told = verdict;
    log_write(verdict == VERDICT_GOOD ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "verdict on %s: %s: %s",
              scope_name(scope, name), verdict_name(verdict), scope_why(h, scope));
}

static void health_tell(struct health *h)
{
    struct verdict_report report = health_report(h);
    health_say_why(h);
    for (size_t i = 0; i < h->scope_count; i++)
        scope_log(h, &h->scopes[i]);
    h->callback(h->arg, &report, h->why);
}

/* --- rounds
 * ----------------------------------------------------------------------------------------------------- */

/* For any prefix: another may never become good, if its address isn't there. */
static bool health_has_been_good(const struct health *h)
{
    for (size_t i = 0; i < h->scope_count; i++)
        if (h->scopes[i].state.was_good)
            return true;
    return false;
}

static void on_interval(uv_timer_t *timer);

static void health_schedule(struct health *h, uint64_t ms)
{
    uv_update_time(h->loop);
    uv_timer_start(&h->interval, on_interval, ms, 0);
}

/* The next round begins an interval after the last one began; a failed one at a clean start sooner. */
static void health_schedule_next(struct health *h, struct mono now)
{
    int64_t interval = health_has_been_good(h) || h->settings.interval_ms < FIRST_RETRY_MS
                           ? h->settings.interval_ms
                           : FIRST_RETRY_MS;
    int64_t left = interval - mono_ms_between(h->round_began, now);
    health_schedule(h, left > 0 ? (uint64_t)left : 0);
}

static size_t scope_exec_checks(const struct health *h, struct check_result *checks)
{
    struct exec_result results[SETTINGS_MAX_EXECS];
    size_t count = exec_results(h->execs, results);
    for (size_t i = 0; i < count; i++)
        checks[i] = (struct check_result){results[i].class, results[i].good};
    return count;
}

/* Too old by the clock as it is and by the clock as it was at the start: one that is set while we run makes
 * no zone old. */
static void health_judge_age(struct health *h, struct mono now)
{
    int64_t most_s = h->settings.zone_max_age_ms / 1000;
    int64_t loaded = h->scan.last.oldest_unix_s;
    char name[NAME_TEXT_MAX];
    bool old = most_s > 0 && loaded > 0 && (int64_t)time(NULL) - loaded > most_s &&
               now.ns / 1000000000 + h->unix_offset_s - loaded > most_s;
    if (old && !h->zones_too_old)
        log_warn("zone %s was loaded longer ago than health.zone-max-age allows",
                 name_to_text(h->scan.last.oldest, name));
    h->zones_too_old = old;
}

/* A round's checks as one scope sees them. */
static size_t scope_checks(const struct health *h, const struct scope *scope, struct check_result *checks)
{
    size_t count = 0;
    for (size_t i = 0; i < h->result_count; i++)
        if (scope->addresses[h->results[i].address])
            checks[count++] = (struct check_result){CHECK_LOCAL, h->results[i].reached};
    if (count == 0)
        return 0;
    bool same_table = h->scan.complete && h->scan.sequence == h->asked.sequence;
    struct asked_effect refused =
        asked_judge(&h->asked, h->refused, same_table ? scope->group : ZONES_COMMON, scope->takes_common);
    if (scope->zones.withdraws || refused.own || asked_all_refused(&h->asked, h->refused))
        checks[count++] = (struct check_result){CHECK_LOCAL, false};
    if (scope->zones.degrades || refused.common)
        checks[count++] = (struct check_result){CHECK_SHARED, false};
    checks[count++] = (struct check_result){h->settings.zone_age, !h->zones_too_old};
    return count + scope_exec_checks(h, checks + count);
}

static bool health_nothing_is_reached(const struct health *h)
{
    for (size_t i = 0; i < h->result_count; i++)
        if (h->results[i].reached)
            return false;
    return h->result_count > 0;
}

/* Whether a bad round isn't to be believed at once: every single probe fails while clients get good answers,
 * so it may be the probes; or all zones are answered badly right after a change, so it may be the change,
 * which other PoPs have got too. */
static bool health_is_suspect(const struct health *h, struct mono now)
{
    bool fresh = h->changed.ns != 0 && mono_ms_between(h->changed, now) < FRESH_CHANGE_MS;
    if (health_nothing_is_reached(h))
        return h->clients_good;
    return asked_all_refused(&h->asked, h->refused) && (fresh || h->clients_good);
}

static void health_round_complete(struct health *h, struct mono now)
{
    struct check_result checks[SETTINGS_MAX_ADDRESSES * 2 + 3 + SETTINGS_MAX_EXECS];
    health_judge_age(h, now);
    bool suspect = health_is_suspect(h, now);
    h->rounds++;
    for (size_t i = 0; i < h->scope_count; i++) {
        struct scope *scope = &h->scopes[i];
        size_t count = scope_checks(h, scope, checks);
        struct verdict_input input = verdict_round_of(checks, count, suspect);
        scope_step(h, scope, now, &input);
    }
    health_tell(h);
}

static uint64_t health_good_answers(const struct health *h)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&h->up->good_answers, memory_order_relaxed);
}

/* A table that changed meanwhile makes refusals worthless: the zone may be none of ours any more. */
static void health_take_results(struct health *h, const struct probe_result *results, size_t count)
{
    uint64_t probed = 0;
    h->refused = 0;
    h->result_count = count;
    memcpy(h->results, results, count * sizeof *results);
    for (size_t i = 0; i < count; i++) {
        h->refused |= results[i].refused;
        probed += 2 * (uint64_t)results[i].asked; /* each may have been asked twice */
    }
    uint64_t now = health_good_answers(h);
    h->clients_good = now > h->good_answers && now - h->good_answers >= probed + CLIENTS_LEAST;
    if (zones_sequence(h->up) != h->asked.sequence)
        h->refused = 0;
    asked_note(&h->asked, h->refused);
}

static void on_probed(void *arg, const struct probe_result *results, size_t count)
{
    struct health *h = arg;
    struct mono now = mono_now();
    h->round_took_ms = mono_ms_between(h->round_began, now);
    health_take_results(h, results, count);
    if (!h->gone)
        health_round_complete(h, now);
    health_schedule_next(h, now);
}

/* Not one question was worth asking: every check of the round is bad. */
static void health_round_unasked(struct health *h, struct mono now)
{
    h->result_count = 0;
    h->refused = 0;
    if (!health_has_been_good(h))
        return; /* it is only starting */
    health_round_complete(h, now);
}

static void on_interval(uv_timer_t *timer)
{
    struct health *h = timer->data;
    static uint8_t names[PROBE_ZONES_MOST][NAME_MAX_OCTETS]; /* one loop, one thread */
    if (probe_is_running(h->probe))
        return;
    h->round_began = mono_now();
    if (h->gone || !h->serving) {
        if (!h->gone)
            health_round_unasked(h, h->round_began);
        health_schedule(h, h->settings.interval_ms);
        return;
    }
    asked_choose(&h->asked, h->up);
    for (int i = 0; i < h->asked.count; i++)
        memcpy(names[i], h->asked.zones[i].name, sizeof names[i]);
    h->good_answers = health_good_answers(h);
    probe_round(h->probe, names, h->asked.count, h->settings.timeout_ms);
}

/* --- between rounds
 * -------------------------------------------------------------------------------------------- */

static bool health_look_at_server(struct health *h)
{
    _Atomic uint32_t *flag = (_Atomic uint32_t *)(uintptr_t)&h->up->serving;
    bool serving = atomic_load_explicit(flag, memory_order_acquire) == 1;
    if (serving == h->serving)
        return false;
    h->serving = serving;
    if (serving && !h->gone)
        health_schedule(h, 0);
    return true;
}

/* Some prefix belongs to no zone, so it is where zones without a prefix are looked for. */
static bool health_has_common_scope(const struct health *h)
{
    for (size_t i = 0; i < h->scope_count; i++) {
        const struct settings_prefix *p = &h->scopes[i].prefix;
        if (zones_group_of(&h->scan.last, p->family, p->bits, p->octets) == ZONES_COMMON)
            return true;
    }
    return false;
}

/* A zone's state needs no probe to be believed. */
static void scope_take_zones(struct health *h, struct scope *scope, bool has_common, struct mono now)
{
    const struct settings_prefix *p = &scope->prefix;
    scope->group = zones_group_of(&h->scan.last, p->family, p->bits, p->octets);
    scope->takes_common = scope->group == ZONES_COMMON || !has_common;
    scope->zones = zones_judge(&h->scan.last, scope->group, scope->takes_common);
    if (scope->zones.only_stale && h->settings.zone_stale == CHECK_ADVISORY)
        scope->zones.degrades = false;
    if (scope->zones.withdraws && scope->state.was_good)
        scope_happens(h, scope, now, VERDICT_FAIL);
    if (scope->zones.degrades)
        scope_happens(h, scope, now, VERDICT_DEGRADE);
}

static bool health_look_at_zones(struct health *h, struct mono now)
{
    if (!h->serving || !zones_scan_step(&h->scan, h->up))
        return false;
    bool has_common = health_has_common_scope(h);
    if (health_has_been_good(h))
        h->changed = now;
    for (size_t i = 0; i < h->scope_count; i++)
        scope_take_zones(h, &h->scopes[i], has_common, now);
    return health_zones_worst(h) != NULL;
}

static bool health_judge_all(struct health *h, struct mono now)
{
    bool changed = false;
    for (size_t i = 0; i < h->scope_count; i++) {
        struct scope *scope = &h->scopes[i];
        enum verdict before = scope->state.verdict;
        scope_happens(h, scope, now, VERDICT_JUDGE);
        changed |= scope->state.verdict != before;
    }
    return changed;
}

/* What the loop slept beyond its time is no fault of the server's. */
static void health_excuse_lag(struct health *h, struct mono now)
{
    int64_t late = h->watched_at.ns != 0 ? mono_ms_between(h->watched_at, now) - WATCH_MS : 0;
    h->watched_at = now;
    strain_note_lag(&h->strain, late);
    if (late <= WATCH_MS)
        return;
    for (size_t i = 0; i < h->scope_count; i++)
        scope_step(h, &h->scopes[i], now, &(struct verdict_input){.kind = VERDICT_EXCUSE, .excuse_ms = late});
}

/* Workers' loops are late when their hearts are. */
static void health_look_at_strain(struct health *h, struct mono now)
{
    uint32_t workers =
        atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)&h->up->worker_count, memory_order_relaxed);
    for (uint32_t i = 0; h->serving && i < workers && i < SETTINGS_MAX_WORKERS; i++) {
        int64_t beat = atomic_load_explicit((_Atomic int64_t *)(uintptr_t)&h->up->worker_beat_ns[i],
                                            memory_order_relaxed);
        if (beat > 0)
            strain_note_lag(&h->strain, mono_ms_between((struct mono){beat}, now) - HEART_BEAT_MS);
    }
    if (h->strain_at.ns != 0 && mono_ms_between(h->strain_at, now) < STRAIN_MS)
        return;
    h->strain_at = now;
    strain_look(&h->strain);
}

static void on_watch(uv_timer_t *timer)
{
    struct health *h = timer->data;
    struct mono now = mono_now();
    health_excuse_lag(h, now);
    health_look_at_strain(h, now);
    bool changed = health_look_at_server(h);
    changed |= health_look_at_zones(h, now);
    if (!h->gone)
        changed |= health_judge_all(h, now);
    if (changed)
        health_tell(h);
}

void health_server_gone(struct health *h, const char *why)
{
    struct mono now = mono_now();
    bool before = h->gone;
    h->gone = true;
    (void)snprintf(h->gone_why, sizeof h->gone_why, "%s", why);
    if (before)
        return;
    for (size_t i = 0; i < h->scope_count; i++)
        if (h->scopes[i].state.verdict != VERDICT_NONE)
            scope_happens(h, &h->scopes[i], now, VERDICT_FAIL);
    health_tell(h);
}

void health_server_back(struct health *h)
{
    if (!h->gone)
        return;
    h->gone = false;
    for (size_t i = 0; i < h->scope_count; i++)
        scope_happens(h, &h->scopes[i], mono_now(), VERDICT_RESTART);
    zones_scan_again(&h->scan);
    health_schedule(h, 0);
}

size_t health_zones(const struct health *h, uint8_t digest[16])
{
    (void)crypto_generichash(digest, 16, (const uint8_t *)h->scan.last.digests, sizeof h->scan.last.digests,
                             NULL, 0);
    return h->scan.last.served;
}

/* --- settings
 * ---------------------------------------------------------------------------------------------------- */

static const uint8_t *address_octets(const union settings_address *address)
{
    return address->sa.sa_family == AF_INET ? (const uint8_t *)&address->in4.sin_addr
                                            : address->in6.sin6_addr.s6_addr;
}

static bool address_in(const union settings_address *address, const struct settings_prefix *prefix)
{
    return prefix_contains(prefix, (uint8_t)address->sa.sa_family, address_octets(address));
}

/* Whether the address counts for prefix `i`: it lies in it, or it lies in none and is of its family. */
static bool address_counts(const struct settings_announce *announce, const union settings_address *address,
                           size_t i)
{
    if (address_in(address, &announce->prefixes[i]))
        return true;
    for (size_t j = 0; j < announce->prefix_count; j++)
        if (address_in(address, &announce->prefixes[j]))
            return false;
    return address->sa.sa_family == announce->prefixes[i].family;
}

static bool scope_is_for(const struct scope *scope, const struct settings_prefix *prefix)
{
    return scope->prefix.family == prefix->family && scope->prefix.bits == prefix->bits &&
           memcmp(scope->prefix.octets, prefix->octets, sizeof prefix->octets) == 0;
}

static struct scope health_scope_for(const struct health *h, const struct settings_prefix *prefix)
{
    struct scope scope = {.prefix = *prefix};
    scope.prefix.text = NULL;
    for (size_t i = 0; i < h->scope_count; i++)
        if (scope_is_for(&h->scopes[i], prefix)) {
            scope.state = h->scopes[i].state;
            scope.told = h->scopes[i].told;
        }
    return scope;
}

static void health_take_scopes(struct health *h, const struct settings *settings)
{
    static const struct settings_prefix everything = {0};
    const struct settings_announce *announce = &settings->announce;
    struct scope next[SETTINGS_MAX_PREFIXES];
    size_t count = announce->prefix_count > 0 ? announce->prefix_count : 1;
    for (size_t i = 0; i < count; i++) {
        bool any = false;
        next[i] = health_scope_for(h, announce->prefix_count > 0 ? &announce->prefixes[i] : &everything);
        for (size_t j = 0; j < settings->server.listen_count; j++) {
            next[i].addresses[j] =
                announce->prefix_count == 0 || address_counts(announce, &settings->server.listen[j], i);
            any |= next[i].addresses[j];
        }
        if (!any)
            log_warn("route %s: no listen address lies in it, so nothing can tell that it is served",
                     announce->prefixes[i].text);
    }
    memcpy(h->scopes, next, count * sizeof next[0]);
    h->scope_count = count;
    h->has_prefixes = announce->prefix_count > 0;
}

int health_reload(struct health *h, const struct settings *settings)
{
    struct probe *probe = probe_new(h->loop, &settings->server, on_probed, h);
    struct exec_checks *execs = probe != NULL ? exec_start(h->loop, &settings->health, h->execs) : NULL;
    if (execs == NULL) {
        if (probe != NULL)
            probe_free(probe);
        return -ENOMEM;
    }
    exec_stop(h->execs);
    h->execs = execs;
    if (h->probe != NULL)
        probe_free(h->probe);
    h->probe = probe;
    h->settings = settings->health;
    h->rules = verdict_rules_of(&settings->health);
    memcpy(h->listen, settings->server.listen, sizeof h->listen);
    h->listen_count = settings->server.listen_count;
    h->result_count = 0;
    health_take_scopes(h, settings);
    zones_scan_again(&h->scan);
    health_schedule(h, 0);
    return 0;
}

struct health *health_start(uv_loop_t *loop, const struct settings *settings, const struct shared_up *up,
                            health_callback callback, void *arg)
{
    struct health *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->loop = loop;
    h->up = up;
    h->callback = callback;
    h->arg = arg;
    uv_timer_init(loop, &h->interval);
    uv_timer_init(loop, &h->watch);
    h->interval.data = h->watch.data = h;
    h->open_handles = 2;
    h->unix_offset_s = (int64_t)time(NULL) - mono_now().ns / 1000000000;
    strain_open(&h->strain);
    h->flight = flight_open(loop, settings->server.state_dir);
    if (h->flight == NULL) {
        health_stop(h);
        return NULL;
    }
    if (health_reload(h, settings) < 0) {
        health_stop(h);
        return NULL;
    }
    uv_timer_start(&h->watch, on_watch, WATCH_MS, WATCH_MS);
    return h;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct health *h = handle->data;
    if (--h->open_handles > 0)
        return;
    zones_scan_free(&h->scan);
    strain_close(&h->strain);
    free(h);
}

json_t *health_hand_over(const struct health *health)
{
    return json_pack("{s:o}", "execs", exec_hand_over(health->execs));
}

void health_take_over(struct health *health, const json_t *heritage)
{
    exec_take_over(health->execs, json_object_get(heritage, "execs"));
}

void health_stop(struct health *h)
{
    if (h->stopping)
        return;
    h->stopping = true;
    if (h->probe != NULL)
        probe_free(h->probe);
    exec_stop(h->execs);
    flight_close(h->flight);
    uv_close((uv_handle_t *)&h->interval, on_handle_closed);
    uv_close((uv_handle_t *)&h->watch, on_handle_closed);
}

/* --- why
 * ------------------------------------------------------------------------------------------------------------
 */

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
        "{s:s, s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "prefix", scope_name(scope, text),
        "verdict", verdict_name(s->verdict), "zones", scope->zones.why, "suspect", (int)s->suspects, "window",
        window, "since_ms", (json_int_t)(s->since.ns != 0 ? mono_ms_between(s->since, now) : 0),
        "good_in_a_row", (json_int_t)s->good_row, "bad_in_a_row", (json_int_t)s->bad_row, "flaps",
        (json_int_t)s->flaps, "held_down_ms", (json_int_t)(held_ms > 0 ? held_ms : 0), "last_round_ms",
        (json_int_t)(s->round_at.ns != 0 ? mono_ms_between(s->round_at, now) : -1));
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
    json_array_append_new(others, json_pack("{s:s, s:s, s:b}", "name", "zone-age", "class",
                                            h->settings.zone_age == CHECK_SHARED ? "SHARED" : "ADVISORY",
                                            "good", (int)!h->zones_too_old));
    exec_tell(h->execs, now, others);
    strain_tell(&h->strain, others);
    json_t *rules =
        json_pack("{s:I, s:I, s:I, s:I, s:I}", "interval_ms", (json_int_t)h->settings.interval_ms,
                  "timeout_ms", (json_int_t)h->settings.timeout_ms, "fall", (json_int_t)h->rules.fall, "rise",
                  (json_int_t)h->rules.rise, "stale_ms", (json_int_t)h->rules.stale_ms);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:i, s:o, s:o, s:o, s:o}", "verdict",
                     verdict_name(health_overall(h)), "why", h->why, "rules", rules, "server", server,
                     "zones", zones, "rounds", (json_int_t)h->rounds, "round_took_ms",
                     (json_int_t)h->round_took_ms, "asked_zones", h->asked.count, "checks", checks,
                     "other_checks", others, "flight", flight_tell(h->flight, now, FLIGHT_TOLD), "prefixes",
                     prefixes);
}
