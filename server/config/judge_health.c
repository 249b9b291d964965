/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/judgement.h"

#define DEFAULT_INTERVAL_MS      500
#define DEFAULT_FALL             3
#define DEFAULT_RISE             5
#define DEFAULT_HOLD_DOWN_MS     5000
#define DEFAULT_HOLD_DOWN_MAX_MS 600000
#define DEFAULT_WINDOW           20
#define DEFAULT_SUSPECT_MS       10000
#define LONGEST_MS               86400000

void judge_health(struct judge *j)
{
    static const struct raw_health absent;
    const struct raw_health *raw = j->raw->health != NULL ? j->raw->health : &absent;
    struct settings_health *health = &j->settings->health;
    health->interval_ms =
        judge_duration(j, place("health.interval"), raw->interval, 50, 60000, DEFAULT_INTERVAL_MS);
    uint32_t timeout_ms = health->interval_ms < 1000 ? health->interval_ms : 1000;
    health->timeout_ms = judge_duration(j, place("health.timeout"), raw->timeout, 10, 10000, timeout_ms);
    health->fall = (unsigned)judge_number(j, place("health.fall"), raw->fall, 1, 100, DEFAULT_FALL);
    health->rise = (unsigned)judge_number(j, place("health.rise"), raw->rise, 1, 100, DEFAULT_RISE);
    health->window = (unsigned)judge_number(j, place("health.window"), raw->window, 2, 64, DEFAULT_WINDOW);
    unsigned half = health->window / 2 > health->fall ? health->window / 2 : health->fall;
    health->window_fall =
        (unsigned)judge_number(j, place("health.window-fall"), raw->window_fall, 0, health->window, half);
    health->suspect_ms =
        judge_duration(j, place("health.suspect-for"), raw->suspect_for, 0, LONGEST_MS, DEFAULT_SUSPECT_MS);
    health->hold_down_ms =
        judge_duration(j, place("health.hold-down"), raw->hold_down, 100, LONGEST_MS, DEFAULT_HOLD_DOWN_MS);
    uint32_t most_ms =
        health->hold_down_ms > DEFAULT_HOLD_DOWN_MAX_MS ? health->hold_down_ms : DEFAULT_HOLD_DOWN_MAX_MS;
    health->hold_down_max_ms = judge_duration(j, place("health.hold-down-max"), raw->hold_down_max,
                                              health->hold_down_ms, LONGEST_MS, most_ms);
}
