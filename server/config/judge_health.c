/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/judgement.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_RESTART_GRACE_MS 50
#define DEFAULT_INTERVAL_MS      500
#define DEFAULT_FALL             3
#define DEFAULT_RISE             5
#define DEFAULT_HOLD_DOWN_MS     5000
#define DEFAULT_HOLD_DOWN_MAX_MS 600000
#define DEFAULT_WINDOW           20
#define DEFAULT_TRIAL_MS         60000
#define DEFAULT_SUSPECT_MS       10000
#define DEFAULT_EXEC_INTERVAL_MS 10000
#define DEFAULT_SIGNATURE_END_MS 259200000
#define LONGEST_AGE_MS           2592000000U
#define LONGEST_MS               86400000

static const char *const class_names[] = {
    [CHECK_LOCAL] = "local", [CHECK_SHARED] = "shared", [CHECK_ADVISORY] = "advisory"};

static enum check_class judge_class(struct judge *j, struct place at, const char *text,
                                    enum check_class otherwise)
{
    if (text == NULL)
        return otherwise;
    for (size_t i = 0; i < sizeof class_names / sizeof class_names[0]; i++)
        if (strcmp(text, class_names[i]) == 0)
            return (enum check_class)i;
    judge_say(j, FINDING_ERROR, &at, "is '%.60s': write local, shared or advisory", text);
    return otherwise;
}

/* A check whose cause may be the same at every PoP must not withdraw at every PoP. */
static enum check_class judge_shared_class(struct judge *j, struct place at, const char *text)
{
    enum check_class class = judge_class(j, at, text, CHECK_SHARED);
    if (class != CHECK_LOCAL)
        return class;
    judge_say(j, FINDING_ERROR, &at,
              "is 'local', which may withdraw the route: its cause can be the same at every PoP, and if all "
              "withdrew nobody would answer; write shared (less preferred) or advisory (told only)");
    return CHECK_SHARED;
}

/* False when there is no command to run. */
static bool judge_exec_command(struct judge *j, const struct place *entry, const struct raw_exec *raw)
{
    const struct place at = place("%s.command", entry->path);
    if (raw->command_count == 0) {
        judge_say_missing(j, entry, "command",
                          "the program and its arguments, for example command: [/usr/local/bin/check, disk]");
        return false;
    }
    if (raw->command[0] != NULL && raw->command[0][0] == '/')
        return true;
    judge_say(j, FINDING_ERROR, &at, "has no absolute path in front: write command: [/path/to/program]");
    return false;
}

static void judge_exec(struct judge *j, uint32_t i, const struct raw_exec *raw)
{
    const struct place entry = place("health.exec[%u]", i);
    struct settings_exec *exec = &j->settings->health.execs[j->settings->health.exec_count];
    exec->interval_ms = judge_duration(j, place("%s.interval", entry.path), raw->interval, 100, LONGEST_MS,
                                       DEFAULT_EXEC_INTERVAL_MS);
    exec->timeout_ms = judge_duration(j, place("%s.timeout", entry.path), raw->timeout, 10, exec->interval_ms,
                                      exec->interval_ms / 2);
    exec->class = judge_class(j, place("%s.class", entry.path), raw->class, CHECK_ADVISORY);
    if (raw->name == NULL)
        judge_say_missing(j, &entry, "name", "what the check is called in messages, for example name: disk");
    if (!judge_exec_command(j, &entry, raw) || raw->name == NULL)
        return;
    exec->name = strdup(raw->name);
    exec->command = calloc(raw->command_count + 1U, sizeof *exec->command);
    for (uint32_t k = 0; exec->command != NULL && k < raw->command_count; k++)
        exec->command[k] = strdup(raw->command[k] != NULL ? raw->command[k] : "");
    j->settings->health.exec_count++;
    if (exec->name == NULL || exec->command == NULL)
        judge_say(j, FINDING_ERROR, &entry, "can't be kept: memory is short");
}

static void judge_checks(struct judge *j, const struct raw_health *raw)
{
    static const struct raw_checks absent;
    const struct raw_checks *checks = raw->checks != NULL ? raw->checks : &absent;
    struct settings_health *health = &j->settings->health;
    health->zone_stale = judge_shared_class(j, place("health.checks.zone-stale"), checks->zone_stale);
    health->zone_age = judge_shared_class(j, place("health.checks.zone-age"), checks->zone_age);
    health->zone_max_age_ms =
        judge_duration(j, place("health.zone-max-age"), raw->zone_max_age, 1000, LONGEST_AGE_MS, 0);
    health->zone_signatures =
        judge_shared_class(j, place("health.checks.zone-signatures"), checks->zone_signatures);
    health->signature_end_ms = judge_duration(j, place("health.signature-end"), raw->signature_end, 0,
                                              LONGEST_AGE_MS, DEFAULT_SIGNATURE_END_MS);
    for (uint32_t i = 0; i < raw->execs_count && i < SETTINGS_MAX_EXECS; i++)
        judge_exec(j, i, &raw->execs[i]);
}

void judge_health(struct judge *j)
{
    static const struct raw_health absent;
    const struct raw_health *raw = j->raw->health != NULL ? j->raw->health : &absent;
    struct settings_health *health = &j->settings->health;
    health->interval_ms =
        judge_duration(j, place("health.interval"), raw->interval, 50, 60000, DEFAULT_INTERVAL_MS);
    uint32_t timeout_ms = health->interval_ms < 1000 ? health->interval_ms : 1000;
    health->timeout_ms = judge_duration(j, place("health.timeout"), raw->timeout, 10, 10000, timeout_ms);
    health->restart_grace_ms = judge_duration(j, place("health.restart-grace"), raw->restart_grace, 0, 10000,
                                              DEFAULT_RESTART_GRACE_MS);
    health->fall = (unsigned)judge_number(j, place("health.fall"), raw->fall, 1, 100, DEFAULT_FALL);
    health->rise = (unsigned)judge_number(j, place("health.rise"), raw->rise, 1, 100, DEFAULT_RISE);
    judge_checks(j, raw);
    health->window = (unsigned)judge_number(j, place("health.window"), raw->window, 2, 64, DEFAULT_WINDOW);
    unsigned half = health->window / 2 > health->fall ? health->window / 2 : health->fall;
    health->window_fall =
        (unsigned)judge_number(j, place("health.window-fall"), raw->window_fall, 0, health->window, half);
    health->trial_ms = judge_duration(j, place("health.trial"), raw->trial, 0, LONGEST_MS, DEFAULT_TRIAL_MS);
    health->suspect_ms =
        judge_duration(j, place("health.suspect-for"), raw->suspect_for, 0, LONGEST_MS, DEFAULT_SUSPECT_MS);
    health->hold_down_ms =
        judge_duration(j, place("health.hold-down"), raw->hold_down, 100, LONGEST_MS, DEFAULT_HOLD_DOWN_MS);
    uint32_t most_ms =
        health->hold_down_ms > DEFAULT_HOLD_DOWN_MAX_MS ? health->hold_down_ms : DEFAULT_HOLD_DOWN_MAX_MS;
    health->hold_down_max_ms = judge_duration(j, place("health.hold-down-max"), raw->hold_down_max,
                                              health->hold_down_ms, LONGEST_MS, most_ms);
}
