/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/verdict.h"

#include <limits.h>

#define STALE_INTERVALS        3
#define HOLD_DOWN_USUAL_MS     5000
#define HOLD_DOWN_MAX_USUAL_MS 600000
#define CALM_MS                600000

struct verdict_rules verdict_rules_of(const struct settings_health *settings)
{
    return (struct verdict_rules){
        .fall = settings->fall > 0 ? settings->fall : 1,
        .rise = settings->rise > 0 ? settings->rise : 1,
        .first_rise = 1,
        .stale_ms = (int64_t)settings->interval_ms * STALE_INTERVALS + settings->timeout_ms,
        .hold_down_ms = settings->hold_down_ms > 0 ? settings->hold_down_ms : HOLD_DOWN_USUAL_MS,
        .hold_down_max_ms =
            settings->hold_down_max_ms > 0 ? settings->hold_down_max_ms : HOLD_DOWN_MAX_USUAL_MS,
        .calm_ms = CALM_MS,
    };
}

static bool verdict_is_up(const struct verdict_state *s)
{
    return s->verdict == VERDICT_GOOD || s->verdict == VERDICT_DEGRADED;
}

static void verdict_enter(struct verdict_state *s, enum verdict verdict, struct mono now)
{
    if (s->verdict == verdict)
        return;
    s->verdict = verdict;
    s->since = now;
}

/* The pause before the next rise: none after the first fall, then doubling. */
static int64_t verdict_hold_ms(const struct verdict_state *s, const struct verdict_rules *rules)
{
    if (s->flaps < 2)
        return 0;
    int64_t ms = rules->hold_down_ms;
    for (unsigned i = 2; i < s->flaps && ms < rules->hold_down_max_ms; i++)
        ms *= 2;
    return ms < rules->hold_down_max_ms ? ms : rules->hold_down_max_ms;
}

static void verdict_fall(struct verdict_state *s, const struct verdict_rules *rules, struct mono now)
{
    if (verdict_is_up(s)) {
        s->flaps += s->flaps < VERDICT_FLAPS_MAX;
        s->held_until = mono_add_ms(now, verdict_hold_ms(s, rules));
    }
    s->good_row = 0;
    verdict_enter(s, VERDICT_BAD, now);
}

/* Each calm stretch takes one doubling back. */
static void verdict_calm(struct verdict_state *s, const struct verdict_rules *rules, struct mono now)
{
    while (verdict_is_up(s) && s->flaps > 0 && mono_ms_between(s->calm_since, now) >= rules->calm_ms) {
        s->flaps--;
        s->calm_since = mono_add_ms(s->calm_since, rules->calm_ms);
    }
}

static void verdict_rise(struct verdict_state *s, const struct verdict_rules *rules, struct mono now)
{
    unsigned enough = s->was_good ? rules->rise : rules->first_rise;
    if (s->good_row < enough || (s->held_until.ns != 0 && !mono_reached(now, s->held_until)))
        return;
    s->was_good = true;
    s->held_until = (struct mono){0};
    s->calm_since = now;
    verdict_enter(s, s->degraded ? VERDICT_DEGRADED : VERDICT_GOOD, now);
}

static bool verdict_is_stale(const struct verdict_state *s, const struct verdict_rules *rules,
                             struct mono now)
{
    return s->round_at.ns != 0 && mono_ms_between(s->round_at, now) > rules->stale_ms;
}

enum verdict verdict_judge(struct verdict_state *s, const struct verdict_rules *rules, struct mono now)
{
    verdict_calm(s, rules, now);
    if (verdict_is_stale(s, rules, now)) {
        s->good_row = s->shared_good_row = 0;
        if (verdict_is_up(s))
            verdict_fall(s, rules, now);
        return s->verdict;
    }
    if (verdict_is_up(s)) {
        if (s->bad_row >= rules->fall)
            verdict_fall(s, rules, now);
        else
            verdict_enter(s, s->degraded ? VERDICT_DEGRADED : VERDICT_GOOD, now);
        return s->verdict;
    }
    if (s->bad_row >= rules->fall)
        verdict_enter(s, VERDICT_BAD, now);
    verdict_rise(s, rules, now);
    return s->verdict;
}

static void verdict_count(unsigned *good_row, unsigned *bad_row, bool good)
{
    unsigned *counted = good ? good_row : bad_row;
    *(good ? bad_row : good_row) = 0;
    *counted += *counted < UINT_MAX;
}

enum verdict verdict_round(struct verdict_state *s, const struct verdict_rules *rules, struct mono now,
                           const struct check_result *results, size_t count)
{
    bool local_good = count > 0;
    bool shared_good = true;
    for (size_t i = 0; i < count; i++) {
        if (results[i].good)
            continue;
        local_good &= results[i].class != CHECK_LOCAL;
        shared_good &= results[i].class != CHECK_SHARED;
    }
    verdict_count(&s->good_row, &s->bad_row, local_good);
    verdict_count(&s->shared_good_row, &s->shared_bad_row, shared_good);
    if (s->shared_bad_row >= rules->fall)
        s->degraded = true;
    if (s->shared_good_row >= rules->rise)
        s->degraded = false;
    s->round_at = now;
    return verdict_judge(s, rules, now);
}

enum verdict verdict_fail(struct verdict_state *s, const struct verdict_rules *rules, struct mono now)
{
    verdict_calm(s, rules, now);
    verdict_fall(s, rules, now);
    return s->verdict;
}

enum verdict verdict_degrade(struct verdict_state *s, const struct verdict_rules *rules, struct mono now)
{
    s->degraded = true;
    s->shared_good_row = 0;
    return verdict_judge(s, rules, now);
}

void verdict_restart(struct verdict_state *s)
{
    s->was_good = false;
    s->good_row = s->bad_row = 0;
}

void verdict_excuse(struct verdict_state *s, int64_t ms)
{
    if (s->round_at.ns != 0)
        s->round_at = mono_add_ms(s->round_at, ms);
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"none", "good", "degraded", "bad"};
    return names[verdict];
}
