/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/verdict.h"

#include <limits.h>

#define STALE_INTERVALS        3
#define HOLD_DOWN_USUAL_MS     5000
#define HOLD_DOWN_MAX_USUAL_MS 600000
#define CALM_MS                600000
#define SETTLE_HOLDS           6 /* first hold-downs */

struct verdict_rules verdict_rules_of(const struct settings_health *settings)
{
    int64_t hold_ms = settings->hold_down_ms > 0 ? settings->hold_down_ms : HOLD_DOWN_USUAL_MS;
    int64_t most_ms = settings->hold_down_max_ms > 0 ? settings->hold_down_max_ms : HOLD_DOWN_MAX_USUAL_MS;
    return (struct verdict_rules){
        .fall = settings->fall > 0 ? settings->fall : 1,
        .rise = settings->rise > 0 ? settings->rise : 1,
        .first_rise = 1,
        .stale_ms = (int64_t)settings->interval_ms * STALE_INTERVALS + settings->timeout_ms,
        .hold_down_ms = hold_ms,
        .hold_down_max_ms = most_ms,
        .window = settings->window,
        .window_fall = settings->window_fall,
        .suspect_ms = settings->suspect_ms,
        .calm_ms = CALM_MS,
        .settle_ms = SETTLE_HOLDS * hold_ms < most_ms ? SETTLE_HOLDS * hold_ms : most_ms,
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

static bool verdict_flaps(const struct verdict_state *s, const struct verdict_rules *rules, struct mono now)
{
    return s->flaps >= 2 || mono_ms_between(s->risen, now) < rules->calm_ms;
}

/* The pause before the next rise: none after the first fall, then doubling. A check that flaps gets the
 * longest one at once: nothing was repaired in between, as it was by a new server. */
static int64_t verdict_hold_ms(const struct verdict_state *s, const struct verdict_rules *rules,
                               struct mono now, bool certain)
{
    if (!certain)
        return verdict_flaps(s, rules, now) ? rules->hold_down_max_ms : rules->settle_ms;
    if (s->flaps < 2)
        return 0;
    int64_t ms = rules->hold_down_ms;
    for (unsigned i = 2; i < s->flaps && ms < rules->hold_down_max_ms; i++)
        ms *= 2;
    return ms < rules->hold_down_max_ms ? ms : rules->hold_down_max_ms;
}

static void verdict_fall(struct verdict_state *s, const struct verdict_rules *rules, struct mono now,
                         bool certain)
{
    if (verdict_is_up(s)) {
        s->flaps += s->flaps < VERDICT_FLAPS_MAX;
        s->held_until = mono_add_ms(now, verdict_hold_ms(s, rules, now, certain));
        s->unsettled = !certain && !verdict_flaps(s, rules, now);
    }
    s->good_row = 0;
    s->suspects = false;
    s->suspect_since = (struct mono){0};
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
    s->calm_since = s->risen = now;
    s->unsettled = false;
    s->window = 0;
    verdict_enter(s, s->degraded ? VERDICT_DEGRADED : VERDICT_GOOD, now);
}

static bool verdict_is_stale(const struct verdict_state *s, const struct verdict_rules *rules,
                             struct mono now)
{
    return s->round_at.ns != 0 && mono_ms_between(s->round_at, now) > rules->stale_ms;
}

static bool verdict_is_down_by_rows(const struct verdict_state *s, const struct verdict_rules *rules)
{
    uint64_t seen = rules->window >= VERDICT_WINDOW_MAX ? UINT64_MAX : (UINT64_C(1) << rules->window) - 1;
    unsigned bad = (unsigned)__builtin_popcountll(s->window & seen);
    return s->bad_row >= rules->fall || (rules->window_fall > 0 && bad >= rules->window_fall);
}

/* Suspicion begins with the first suspect round that would have withdrawn, and ends with the first good one.
 */
static bool verdict_must_fall(struct verdict_state *s, const struct verdict_rules *rules, struct mono now)
{
    if (!verdict_is_down_by_rows(s, rules)) {
        s->suspects = s->suspects && s->bad_row > 0;
        if (!s->suspects)
            s->suspect_since = (struct mono){0};
        return false;
    }
    if (!s->suspect)
        return true;
    if (s->suspect_since.ns == 0)
        s->suspect_since = now;
    s->suspects = true;
    return mono_ms_between(s->suspect_since, now) >= rules->suspect_ms;
}

static enum verdict verdict_judge(struct verdict_state *s, const struct verdict_rules *rules, struct mono now)
{
    verdict_calm(s, rules, now);
    if (verdict_is_stale(s, rules, now)) {
        s->good_row = s->shared_good_row = 0;
        if (verdict_is_up(s)) /* no check flaps; we are late */
            verdict_fall(s, rules, now, true);
        return s->verdict;
    }
    if (verdict_is_up(s)) {
        if (verdict_must_fall(s, rules, now))
            verdict_fall(s, rules, now, false);
        else
            verdict_enter(s, s->degraded || s->suspects ? VERDICT_DEGRADED : VERDICT_GOOD, now);
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

/* The first trouble ends as soon as it may, that of a check when it has settled; what comes and goes, or
 * comes soon after a rise, stays degraded for as long as the longest hold-down: routers are told at most
 * twice in that time. */
static void verdict_begin_degraded(struct verdict_state *s, const struct verdict_rules *rules,
                                   struct mono now, bool certain)
{
    bool soon = !certain && verdict_is_up(s) && mono_ms_between(s->risen, now) < rules->calm_ms;
    if (s->degraded)
        return;
    s->degraded = true;
    if (s->degraded_ended.ns != 0 && mono_ms_between(s->degraded_ended, now) >= rules->calm_ms)
        s->degrades = 0;
    s->degrades += s->degrades < VERDICT_FLAPS_MAX;
    s->degraded_unsettled = !certain && !soon && s->degrades < 2;
    int64_t hold_ms = s->degraded_unsettled ? rules->settle_ms : 0;
    s->degraded_held_until = mono_add_ms(now, soon || s->degrades >= 2 ? rules->hold_down_max_ms : hold_ms);
}

static void verdict_take_round(struct verdict_state *s, const struct verdict_rules *rules, struct mono now,
                               const struct verdict_input *input)
{
    verdict_count(&s->good_row, &s->bad_row, input->local_good);
    verdict_count(&s->shared_good_row, &s->shared_bad_row, input->shared_good);
    s->window = s->window << 1 | !input->local_good;
    s->suspect = input->suspect && !input->local_good;
    if (s->unsettled && !input->local_good)
        s->held_until = mono_add_ms(now, rules->settle_ms);
    if (s->shared_bad_row >= rules->fall)
        verdict_begin_degraded(s, rules, now, false);
    if (s->degraded && s->degraded_unsettled && !input->shared_good)
        s->degraded_held_until = mono_add_ms(now, rules->settle_ms);
    if (s->degraded && s->shared_good_row >= rules->rise && mono_reached(now, s->degraded_held_until)) {
        s->degraded = false;
        s->degraded_ended = now;
    }
    s->round_at = now;
}

struct verdict_input verdict_round_of(const struct check_result *results, size_t count, bool suspect)
{
    struct verdict_input input = {
        .kind = VERDICT_ROUND, .local_good = count > 0, .shared_good = true, .suspect = suspect};
    for (size_t i = 0; i < count; i++) {
        if (results[i].good)
            continue;
        input.local_good &= results[i].class != CHECK_LOCAL;
        input.shared_good &= results[i].class != CHECK_SHARED;
    }
    return input;
}

enum verdict verdict_step(struct verdict_state *s, const struct verdict_rules *rules, struct mono now,
                          const struct verdict_input *input)
{
    switch (input->kind) {
    case VERDICT_ROUND:
        verdict_take_round(s, rules, now, input);
        break;
    case VERDICT_FAIL:
        verdict_calm(s, rules, now);
        verdict_fall(s, rules, now, true);
        return s->verdict;
    case VERDICT_DEGRADE:
        verdict_begin_degraded(s, rules, now, true);
        s->shared_good_row = 0;
        break;
    case VERDICT_RESTART:
        s->was_good = false;
        s->good_row = s->bad_row = 0;
        s->window = 0;
        return s->verdict;
    case VERDICT_REPAIR:
        s->held_until = (struct mono){0};
        s->degraded_held_until = now;
        s->unsettled = s->degraded_unsettled = s->suspects = false;
        s->suspect_since = (struct mono){0};
        s->was_good = false;
        s->good_row = s->bad_row = 0;
        s->window = 0;
        return s->verdict;
    case VERDICT_EXCUSE:
        if (s->round_at.ns != 0)
            s->round_at = mono_add_ms(s->round_at, input->excuse_ms);
        return s->verdict;
    case VERDICT_JUDGE:
        break;
    }
    return verdict_judge(s, rules, now);
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"none", "good", "degraded", "bad"};
    return names[verdict];
}
