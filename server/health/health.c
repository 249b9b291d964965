/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/health.h"

#include "announce/next_hop.h"
#include "base/heart.h"
#include "base/log.h"
#include "health/state.h"
#include "health/why.h"

#include <errno.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WATCH_MS       20 /* how often shared memory is looked at */
#define STRAIN_MS      10000
#define FIRST_RETRY_MS 100 /* between rounds before the first good verdict */

#define FRESH_CHANGE_MS 10000 /* what goes bad so soon after a change may be bad because of it */
#define CLIENTS_LEAST   20    /* good answers in a round, beyond our own: clients are served */

static struct verdict_report health_report(const struct health *h)
{
    struct verdict_report report = {.overall = health_overall(h)};
    for (size_t i = 0; !h->gone && i < h->scope_count; i++) {
        const struct verdict_state *state = &h->scopes[i].state;
        report.failing |= state->suspects || (state->verdict == VERDICT_BAD && state->was_good);
    }
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
    (void)health_scope_name(scope, record.prefix);
    (void)snprintf(record.why, sizeof record.why, "%.*s", (int)sizeof record.why - 1,
                   health_scope_why(h, scope));
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
              health_scope_name(scope, name), verdict_name(verdict), health_scope_why(h, scope));
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

/* What has become trouble with time alone. */
static void health_judge_time(struct health *h, struct mono now)
{
    char name[NAME_TEXT_MAX];
    char text[ZONES_SIGNATURE_OCTETS];
    const struct zones_summary *sum = &h->scan.last;
    const struct zones_time at = {(int64_t)time(NULL), now.ns / 1000000000 + h->unix_offset_s};
    bool old = zones_are_old(sum, at, h->settings.zone_max_age_ms / 1000, h->zones_too_old);
    bool end = zones_signatures_end(sum, at, h->settings.signature_end_ms / 1000, h->signatures_end);
    if (old && !h->zones_too_old)
        log_warn("zone %s was loaded longer ago than health.zone-max-age allows",
                 name_to_text(sum->oldest, name));
    if (end && !h->signatures_end)
        log_warn("%s: sign the zone anew", zones_say_signature(sum, at.wall_unix_s, text));
    h->zones_too_old = old;
    h->signatures_end = end;
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
    checks[count++] = (struct check_result){h->settings.zone_signatures, !h->signatures_end};
    checks[count++] = (struct check_result){CHECK_SHARED, h->back[0] == '\0'};
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
    struct check_result checks[SETTINGS_MAX_ADDRESSES * 2 + 5 + SETTINGS_MAX_EXECS];
    health_judge_time(h, now);
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
    bool same_table = zones_sequence(h->up) == h->asked.sequence;
    if (!same_table)
        h->refused = 0;
    for (size_t i = 0; i < count; i++)
        h->results[i].reached &= !same_table || results[i].wrong_workers == 0;
    health_workers_take(&h->workers, h->results, count);
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
    health_workers_begin(&h->workers, h->up, h->round_began);
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

void health_look(struct health *h)
{
    struct mono now = mono_now();
    bool changed = health_look_at_server(h);
    changed |= health_look_at_zones(h, now);
    if (!h->gone)
        changed |= health_judge_all(h, now);
    if (changed)
        health_tell(h);
}

static void on_watch(uv_timer_t *timer)
{
    struct health *h = timer->data;
    struct mono now = mono_now();
    health_excuse_lag(h, now);
    health_look_at_strain(h, now);
    health_look(h);
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

void health_set_back(struct health *h, const char *why)
{
    bool was = h->back[0] != '\0';
    (void)snprintf(h->back, sizeof h->back, "%s", why != NULL ? why : "");
    for (size_t i = 0; was != (why != NULL) && i < h->scope_count; i++)
        scope_happens(h, &h->scopes[i], mono_now(), VERDICT_REPAIR);
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
    struct probe *probe = probe_new(h->loop, &settings->server, h->lanes, on_probed, h);
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
                            bool lanes, health_callback callback, void *arg)
{
    struct health *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->loop = loop;
    h->up = up;
    h->lanes = lanes;
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
