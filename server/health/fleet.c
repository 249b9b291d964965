/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/fleet.h"

#include "base/log.h"
#include "base/secret.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRESH_INTERVALS 8 /* what was heard longer ago isn't known any more */
#define ASK_INTERVALS   5 /* who isn't answered within these, and ASK_MS, gives up for a while */
#define ASK_MS          1000
#define PAUSE_MS        2000 /* the first such while; doubles */
#define PAUSE_MOST_MS   600000
#define CALM_MS         600000 /* so long well, and the first pause is short again */
#define SPACING_MS      5      /* between two messages */
#define PREFIX_TEXT     (INET6_ADDRSTRLEN + 8)
#define SHOWN_MOST      200 /* PoPs in a status */

_Static_assert(SETTINGS_MAX_PREFIXES <= HEARTBEAT_SCOPES_MOST, "every prefix fits into a heartbeat");

struct guarded {
    struct settings_prefix prefix; /* family 0: everything; its text isn't used */
    uint64_t key;
    enum fleet_decision decision;
    enum verdict verdict; /* health's */
    enum verdict before;  /* the last one with which the route was announced; NONE: never was */
    bool kept;            /* announced as degraded since health wants it gone */
    bool heard;
    uint32_t asked; /* the first of our messages that asked */
    struct mono asked_at;
    struct mono paused_until;
    int64_t pause_ms; /* of the last pause; 0: none yet */
    struct mono well_since;
    char why[FLEET_WHY_OCTETS];
};

struct fleet {
    struct heartbeat_keys keys;
    int64_t interval_ms;
    size_t min_announcers;
    size_t configured; /* PoPs that the settings name */
    struct mono started;
    bool leaving;
    bool doubt;  /* a bad verdict may be near */
    bool urgent; /* something has changed that the others should know at once */
    struct mono sent_at;
    struct mono round_at;
    uint8_t zones_digest[HEARTBEAT_DIGEST_OCTETS];
    uint32_t zone_count;
    size_t count;
    struct guarded guarded[SETTINGS_MAX_PREFIXES];
    enum fleet_wish wish;
    char wish_why[FLEET_WHY_OCTETS];
    struct fleet_table table;
};

/* --- what is known, and what it allows
 * ---------------------------------------------------------------------- */

/* PoPs that have the route, all in all. At first nobody was heard yet, and nobody is forgotten for that. */
static size_t fleet_size(const struct fleet *f, struct mono now, const struct fleet_count *count)
{
    if (f->configured > count->size && mono_ms_between(f->started, now) < FLEET_MEMORY_MS)
        return f->configured;
    return count->size;
}

/* How many of them may be without it at once. */
static size_t fleet_may_be_out(size_t size)
{
    return size < 2 ? 0 : size < 6 ? 1 : size / 3;
}

/* Whether the route may be withdrawn with so many staying. */
static bool fleet_enough(const struct fleet *f, struct mono now, const struct fleet_count *count,
                         char why[FLEET_WHY_OCTETS])
{
    size_t size = fleet_size(f, now, count);
    size_t may = fleet_may_be_out(size);
    size_t out = size - count->staying; /* we are one of them */
    if (count->well < f->min_announcers) {
        (void)snprintf(why, FLEET_WHY_OCTETS, "%zu other PoP%s known to be well, and %zu must be",
                       count->well, count->well == 1 ? " is" : "s are", f->min_announcers);
        return false;
    }
    if (out <= may)
        return true;
    (void)snprintf(why, FLEET_WHY_OCTETS,
                   "%zu of the fleet's %zu PoPs would be known to announce it; at most %zu may be without it",
                   size - out, size, may);
    return false;
}

/* --- decisions
 * ---------------------------------------------------------------------------------------------- */

static const char *decision_name(enum fleet_decision decision)
{
    static const char *const names[] = {"in", "stays", "asks", "out"};
    return names[decision];
}

static void guarded_enter(struct fleet *f, struct guarded *g, enum fleet_decision decision)
{
    g->decision = decision;
    f->urgent = true;
}

/* Not again before a pause, which grows. */
static void guarded_pause(struct guarded *g, struct mono now)
{
    if (g->verdict != VERDICT_BAD)
        return; /* an operator may ask again at once */
    g->pause_ms = g->pause_ms == 0 ? PAUSE_MS : g->pause_ms * 2;
    if (g->pause_ms > PAUSE_MOST_MS)
        g->pause_ms = PAUSE_MOST_MS;
    g->paused_until = mono_add_ms(now, g->pause_ms);
}

/* In whose favour it stays. */
static void why_add_rival(const struct fleet_count *count, char why[FLEET_WHY_OCTETS])
{
    size_t used = strlen(why);
    if (count->rival != NULL)
        (void)snprintf(why + used, FLEET_WHY_OCTETS - used, "; it yields to %.60s, which wants to go too",
                       count->rival->identity);
    else if (count->gone != NULL)
        (void)snprintf(why + used, FLEET_WHY_OCTETS - used, "; %.60s has gone", count->gone->identity);
}

/* Those that go before us, and we, would not be too many. */
static bool guarded_has_room(const struct fleet *f, const struct guarded *g, struct mono now,
                             char why[FLEET_WHY_OCTETS])
{
    struct fleet_count count = fleet_table_count(&f->table, now, g->key, 0);
    count.staying += count.asking - count.first;
    count.well += count.asking_well - count.first_well;
    if (fleet_enough(f, now, &count, why))
        return true;
    why_add_rival(&count, why);
    return false;
}

static void guarded_ask(struct fleet *f, struct guarded *g, struct mono now)
{
    g->asked = f->table.counter + 1;
    g->asked_at = now;
    guarded_enter(f, g, FLEET_ASKS);
}

static void guarded_stays(struct fleet *f, struct guarded *g, struct mono now)
{
    if (!guarded_has_room(f, g, now, g->why))
        return;
    if (f->wish != FLEET_WISH_ASKS && g->paused_until.ns != 0 && !mono_reached(now, g->paused_until)) {
        (void)snprintf(g->why, sizeof g->why,
                       "too few other PoPs could be heard a while ago; it asks them again in %" PRId64 " s",
                       mono_ms_between(now, g->paused_until) / 1000 + 1);
        return;
    }
    guarded_ask(f, g, now);
}

static void guarded_asks(struct fleet *f, struct guarded *g, struct mono now)
{
    struct fleet_count count = fleet_table_count(&f->table, now, g->key, g->asked);
    int64_t most_ms = f->interval_ms * ASK_INTERVALS > ASK_MS ? f->interval_ms * ASK_INTERVALS : ASK_MS;
    if (fleet_enough(f, now, &count, g->why)) {
        guarded_enter(f, g, FLEET_OUT);
    } else if (!guarded_has_room(f, g, now, g->why)) {
        guarded_enter(f, g, FLEET_STAYS);
    } else if (mono_ms_between(g->asked_at, now) > most_ms) {
        guarded_pause(g, now);
        (void)snprintf(g->why, sizeof g->why, "too few other PoPs have answered that they stay");
        guarded_enter(f, g, FLEET_STAYS);
    }
}

/* Those that ask are there still, and they count us as gone. */
static void guarded_out(struct fleet *f, struct guarded *g, struct mono now)
{
    struct fleet_count count = fleet_table_count(&f->table, now, g->key, 0);
    count.staying += count.asking;
    count.well += count.asking_well;
    if (fleet_enough(f, now, &count, g->why))
        return;
    guarded_pause(g, now);
    guarded_enter(f, g, FLEET_STAYS);
}

static void guarded_in(struct fleet *f, struct guarded *g, struct mono now)
{
    if (g->decision != FLEET_IN) {
        guarded_enter(f, g, FLEET_IN);
        g->well_since = now;
    }
    if (g->pause_ms != 0 && mono_ms_between(g->well_since, now) > CALM_MS)
        g->pause_ms = 0;
}

/* Asks beforehand, where it may: then the answers are there when the verdict comes. Until then it goes on. */
static void guarded_doubts(struct fleet *f, struct guarded *g, struct mono now)
{
    bool paused = g->paused_until.ns != 0 && !mono_reached(now, g->paused_until);
    bool may = !paused && guarded_has_room(f, g, now, g->why);
    if (g->decision == FLEET_IN && may)
        guarded_ask(f, g, now);
    else if (g->decision != FLEET_ASKS || !may)
        guarded_in(f, g, now);
}

/* One step; true when there may be another one to make at once. */
static bool guarded_step(struct fleet *f, struct guarded *g, struct mono now)
{
    enum fleet_decision before = g->decision;
    bool wants = f->wish == FLEET_WISH_ASKS || (g->verdict == VERDICT_BAD && g->before != VERDICT_NONE);
    if (!wants && f->doubt && g->before != VERDICT_NONE)
        guarded_doubts(f, g, now);
    else if (!wants)
        guarded_in(f, g, now);
    else if (before == FLEET_IN || before == FLEET_STAYS)
        guarded_stays(f, g, now);
    else if (before == FLEET_ASKS)
        guarded_asks(f, g, now);
    else
        guarded_out(f, g, now);
    if (wants && g->decision == FLEET_IN)
        guarded_enter(f, g, FLEET_STAYS);
    return g->decision != before;
}

static const char *guarded_name(const struct guarded *g, char name[PREFIX_TEXT])
{
    char ip[INET6_ADDRSTRLEN] = "";
    (void)snprintf(name, PREFIX_TEXT, "everything");
    if (g->prefix.family == 0)
        return name;
    (void)inet_ntop(g->prefix.family, g->prefix.octets, ip, sizeof ip);
    (void)snprintf(name, PREFIX_TEXT, "%s/%u", ip, g->prefix.bits);
    return name;
}

static void guarded_log(const struct guarded *g)
{
    char prefix[PREFIX_TEXT];
    (void)guarded_name(g, prefix);
    if (g->decision == FLEET_STAYS)
        log_warn("fleet: %s stays although it should go: %s", prefix, g->why);
    else if (g->decision == FLEET_OUT)
        log_info("fleet: %s may go: enough other PoPs stay", prefix);
}

static bool fleet_step(struct fleet *f, struct mono now)
{
    bool changed = false;
    for (size_t i = 0; i < f->count; i++) {
        struct guarded *g = &f->guarded[i];
        enum fleet_decision before = g->decision;
        /* At most two steps: it comes to stay, and may ask at once. */
        if (guarded_step(f, g, now))
            (void)guarded_step(f, g, now);
        g->kept = g->decision == FLEET_STAYS || (g->kept && g->decision == FLEET_ASKS);
        if (g->decision == before)
            continue;
        guarded_log(g);
        changed = true;
    }
    return changed;
}

/* One route that may not go is enough to refuse; all must be free to go. True when it is settled. */
static bool wish_settle(struct fleet *f)
{
    size_t out = 0;
    for (size_t i = 0; i < f->count; i++) {
        const struct guarded *g = &f->guarded[i];
        out += g->decision == FLEET_OUT;
        if (g->decision != FLEET_STAYS)
            continue;
        (void)snprintf(f->wish_why, sizeof f->wish_why, "%s", g->why);
        f->wish = FLEET_WISH_REFUSED;
        return true;
    }
    if (out < f->count)
        return false;
    f->wish = FLEET_WISH_GRANTED;
    f->leaving = true;
    return true;
}

/* A drain of a PoP that may be needed less than it seems isn't a choice any more. */
static bool wish_is_by_choice(const struct fleet *f)
{
    bool bad = f->doubt;
    for (size_t i = 0; i < f->count; i++)
        bad |= f->guarded[i].verdict == VERDICT_BAD;
    return f->wish == FLEET_WISH_ASKS && !bad;
}

bool fleet_judge(struct fleet *f, struct mono now)
{
    f->table.by_choice = wish_is_by_choice(f);
    bool changed = fleet_step(f, now);
    if (f->wish != FLEET_WISH_ASKS || !wish_settle(f))
        return changed;
    (void)fleet_step(f, now); /* by the verdicts alone again */
    return true;
}

enum fleet_wish fleet_wish_drain(struct fleet *f, struct mono now)
{
    f->wish = FLEET_WISH_ASKS;
    (void)fleet_judge(f, now);
    return f->wish;
}

enum fleet_wish fleet_wish_of(const struct fleet *fleet)
{
    return fleet->wish;
}

const char *fleet_wish_why(const struct fleet *fleet)
{
    return fleet->wish_why;
}

void fleet_wish_end(struct fleet *fleet)
{
    fleet->wish = FLEET_WISH_NONE;
}

bool fleet_set_verdicts(struct fleet *f, struct mono now, const struct verdict_report *report)
{
    for (size_t i = 0; i < f->count; i++) {
        struct guarded *g = &f->guarded[i];
        if (g->prefix.family == 0)
            g->verdict = report->overall;
        for (size_t j = 0; j < report->count; j++) {
            const struct verdict_of_prefix *v = &report->prefixes[j];
            if (v->family == g->prefix.family && v->bits == g->prefix.bits &&
                memcmp(v->octets, g->prefix.octets, sizeof v->octets) == 0)
                g->verdict = v->verdict;
        }
        if (g->verdict == VERDICT_GOOD || g->verdict == VERDICT_DEGRADED)
            g->before = g->verdict;
    }
    return fleet_judge(f, now);
}

static enum verdict guarded_verdict(const struct guarded *g)
{
    if (g->verdict != VERDICT_BAD || g->before == VERDICT_NONE)
        return g->verdict;
    switch (g->decision) {
    case FLEET_STAYS:
        return VERDICT_DEGRADED;
    case FLEET_ASKS:
        /* For a moment only: a change of the route, and then another, would cost routers more. */
        return g->kept ? VERDICT_DEGRADED : g->before;
    case FLEET_IN:
    case FLEET_OUT:
        break;
    }
    return g->verdict;
}

struct verdict_report fleet_guard(const struct fleet *f, const struct verdict_report *report)
{
    struct verdict_report guarded = *report;
    for (size_t i = 0; i < f->count; i++) {
        const struct guarded *g = &f->guarded[i];
        for (size_t j = 0; j < guarded.count; j++) {
            struct verdict_of_prefix *v = &guarded.prefixes[j];
            if (v->family == g->prefix.family && v->bits == g->prefix.bits &&
                memcmp(v->octets, g->prefix.octets, sizeof v->octets) == 0)
                v->verdict = guarded_verdict(g);
        }
        enum verdict verdict = guarded_verdict(g);
        if (g->prefix.family == 0 || (report->overall == VERDICT_BAD && verdict != VERDICT_BAD))
            guarded.overall = verdict;
    }
    return guarded;
}

const char *fleet_why(const struct fleet *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->guarded[i].decision == FLEET_STAYS)
            return f->guarded[i].why;
    return NULL;
}

enum fleet_decision fleet_decision_of(const struct fleet *f, size_t i)
{
    return i < f->count ? f->guarded[i].decision : FLEET_IN;
}

/* --- messages
 * ---------------------------------------------------------------------------------------------- */

bool fleet_take(struct fleet *f, struct mono now, const uint8_t *bytes, size_t octets, uint32_t origin)
{
    struct heartbeat message;
    if (!heartbeat_read(&message, bytes, octets, &f->keys) ||
        !fleet_table_take(&f->table, now, &message, origin))
        return false;
    return fleet_judge(f, now);
}

bool fleet_owes(const struct fleet *f, uint32_t peer)
{
    for (size_t i = 0; i < f->table.count; i++)
        if (f->table.members[i].owed && (peer == FLEET_NOWHERE || f->table.members[i].origin == peer))
            return true;
    return false;
}

enum fleet_send fleet_begin(struct fleet *f, struct mono now)
{
    if (f->sent_at.ns != 0 && mono_ms_between(f->sent_at, now) < SPACING_MS)
        return FLEET_SEND_NOTHING;
    bool due = f->round_at.ns == 0 || mono_ms_between(f->round_at, now) >= f->interval_ms;
    if (!due && !f->urgent && !fleet_owes(f, FLEET_NOWHERE))
        return FLEET_SEND_NOTHING;
    (void)fleet_table_send(&f->table, now);
    f->sent_at = now;
    if (!due && !f->urgent)
        return FLEET_SEND_ANSWERS;
    f->round_at = now;
    f->urgent = false;
    return FLEET_SEND_ALL;
}

static enum heartbeat_state guarded_state(const struct fleet *f, const struct guarded *g)
{
    if (f->leaving)
        return HEARTBEAT_LEAVES;
    if (g->decision == FLEET_OUT)
        return HEARTBEAT_OUT;
    if (g->decision == FLEET_ASKS)
        return HEARTBEAT_ASKS;
    if (!g->heard || (g->decision == FLEET_IN && (g->verdict == VERDICT_NONE || g->verdict == VERDICT_BAD)))
        return HEARTBEAT_SILENT;
    return g->decision == FLEET_STAYS ? HEARTBEAT_ILL : HEARTBEAT_WELL;
}

void fleet_write(struct fleet *f, struct mono now, uint32_t peer, struct writer *to)
{
    struct heartbeat message = {
        .boot = f->table.boot,
        .counter = f->table.counter,
        .zone_count = f->zone_count,
        .known = (uint16_t)fleet_table_known(&f->table, now),
        .by_choice = wish_is_by_choice(f),
        .scope_count = (uint8_t)f->count,
    };
    memcpy(message.identity, f->table.identity, sizeof message.identity);
    memcpy(message.zones_digest, f->zones_digest, sizeof message.zones_digest);
    for (size_t i = 0; i < f->count; i++)
        message.scopes[i] = (struct heartbeat_scope){f->guarded[i].key, guarded_state(f, &f->guarded[i])};
    fleet_table_echo(&f->table, peer, &message);
    heartbeat_write(to, &message, &f->keys);
}

void fleet_end(struct fleet *f)
{
    for (size_t i = 0; i < f->table.count; i++)
        f->table.members[i].owed = false;
}

/* --- settings
 * ---------------------------------------------------------------------------------------------- */

struct fleet *fleet_new(const char *identity, uint64_t boot)
{
    struct fleet *f = secret_new(sizeof *f);
    if (f != NULL)
        fleet_table_init(&f->table, identity, boot);
    return f;
}

bool fleet_is_called(const struct fleet *fleet, const char *identity)
{
    return fleet != NULL && strcmp(fleet->table.identity, identity) == 0;
}

void fleet_free(struct fleet *fleet)
{
    secret_free(fleet, sizeof *fleet);
}

static bool prefix_same(const struct settings_prefix *a, const struct settings_prefix *b)
{
    return a->family == b->family && a->bits == b->bits &&
           memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

static uint64_t key_of(const struct settings_prefix *prefix)
{
    uint8_t name[18] = {prefix->family == AF_INET6 ? 6 : prefix->family == AF_INET ? 4 : 0, prefix->bits};
    uint64_t key = 0;
    memcpy(name + 2, prefix->octets, sizeof prefix->octets);
    (void)crypto_generichash((uint8_t *)&key, sizeof key, name, sizeof name, NULL, 0);
    return key;
}

static void fleet_take_prefixes(struct fleet *f, const struct settings_announce *announce)
{
    static const struct settings_prefix everything = {0};
    struct guarded next[SETTINGS_MAX_PREFIXES];
    size_t count = announce->prefix_count > 0 ? announce->prefix_count : 1;
    for (size_t i = 0; i < count; i++) {
        const struct settings_prefix *prefix =
            announce->prefix_count > 0 ? &announce->prefixes[i] : &everything;
        next[i] = (struct guarded){.prefix = *prefix, .key = key_of(prefix)};
        next[i].prefix.text = NULL;
        for (size_t j = 0; j < f->count; j++)
            if (prefix_same(&f->guarded[j].prefix, prefix))
                next[i] = f->guarded[j];
    }
    memcpy(f->guarded, next, count * sizeof next[0]);
    f->count = count;
}

void fleet_configure(struct fleet *f, struct mono now, const struct settings_fleet *settings,
                     const struct settings_announce *announce)
{
    f->keys = settings->keys;
    f->interval_ms = settings->interval_ms;
    f->table.fresh_ms = f->interval_ms * FRESH_INTERVALS;
    f->min_announcers = settings->min_announcers;
    f->configured = settings->peer_count;
    if (f->started.ns == 0)
        f->started = now;
    f->urgent = true;
    fleet_take_prefixes(f, announce);
}

void fleet_set_zones(struct fleet *f, const uint8_t digest[HEARTBEAT_DIGEST_OCTETS], uint32_t count)
{
    memcpy(f->zones_digest, digest, sizeof f->zones_digest);
    f->zone_count = count;
}

void fleet_set_heard(struct fleet *f, size_t i, bool heard)
{
    if (i < f->count && f->guarded[i].heard != heard) {
        f->guarded[i].heard = heard;
        f->urgent = true;
    }
}

void fleet_set_doubt(struct fleet *f, bool doubt)
{
    f->doubt = doubt;
}

void fleet_set_leaving(struct fleet *f, bool leaving)
{
    leaving |= f->wish == FLEET_WISH_GRANTED;
    f->urgent |= f->leaving != leaving;
    f->leaving = leaving;
}

/* --- telling
 * ---------------------------------------------------------------------------------------------- */

/* Of all its routes that are ours too, the state that says most. */
static const char *member_state(const struct fleet *f, const struct fleet_member *m, struct mono now)
{
    static const char *const names[] = {"silent", "up", "degraded", "asks", "out", "leaves"};
    static const int weight[] = {1, 2, 4, 5, 6, 3};
    enum heartbeat_state most = HEARTBEAT_SILENT;
    if (!fleet_member_is_fresh(&f->table, m, now))
        return m->proven ? "lost" : "unproven";
    for (size_t i = 0; i < f->count; i++) {
        enum heartbeat_state state;
        if (fleet_member_state(m, f->guarded[i].key, &state) && weight[state] > weight[most])
            most = state;
    }
    return names[most];
}

static json_t *member_json(const struct fleet *f, const struct fleet_member *m, struct mono now)
{
    bool same = m->zone_count == f->zone_count &&
                memcmp(m->zones_digest, f->zones_digest, sizeof m->zones_digest) == 0;
    return json_pack("{s:s, s:s, s:I, s:s, s:I, s:I}", "identity", m->identity, "state",
                     member_state(f, m, now), "age_ms",
                     (json_int_t)(m->proven ? mono_ms_between(m->as_of, now) : -1), "zones",
                     !m->proven ? "unknown"
                     : same     ? "same"
                                : "different",
                     "zone_count", (json_int_t)m->zone_count, "knows", (json_int_t)m->known);
}

static json_t *guarded_json(const struct guarded *g)
{
    char prefix[PREFIX_TEXT];
    return json_pack("{s:s, s:s, s:s}", "prefix", guarded_name(g, prefix), "decision",
                     decision_name(g->decision), "why", g->decision == FLEET_STAYS ? g->why : "");
}

json_t *fleet_status(const struct fleet *f, struct mono now)
{
    json_t *pops = json_array();
    json_t *guard = json_array();
    struct fleet_count count = fleet_table_count(&f->table, now, f->guarded[0].key, 0);
    size_t size = fleet_size(f, now, &count);
    bool namesake = f->table.namesake.ns != 0 && mono_ms_between(f->table.namesake, now) < FLEET_MEMORY_MS;
    for (size_t i = 0; i < f->count; i++)
        json_array_append_new(guard, guarded_json(&f->guarded[i]));
    for (size_t i = 0; i < f->table.count && i < SHOWN_MOST; i++)
        json_array_append_new(pops, member_json(f, &f->table.members[i], now));
    return json_pack("{s:I, s:I, s:I, s:I, s:b, s:o, s:o}", "size", (json_int_t)size, "may_be_out",
                     (json_int_t)fleet_may_be_out(size), "min_announcers", (json_int_t)f->min_announcers,
                     "known", (json_int_t)fleet_table_known(&f->table, now), "namesake", (int)namesake,
                     "guard", guard, "pops", pops);
}
