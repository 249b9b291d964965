/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The section `log`: where the log goes and in which form, which queries are in it, and dnstap.
 */
#include "config/judgement.h"
#include "control/dnstap.h"

#include <stdio.h>
#include <string.h>

/* The index of `text` in `words`, of `count`; a finding and `otherwise` when it is none of them. */
static unsigned judge_word(struct judge *j, const struct place *at, const char *text,
                           const char *const *words, unsigned count, unsigned otherwise)
{
    char all[128] = "";
    size_t octets = 0;
    if (text == NULL)
        return otherwise;
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
        octets += (size_t)snprintf(all + octets, sizeof all - octets, "%s%s",
                                   i == 0           ? ""
                                   : i + 1 == count ? " or "
                                                    : ", ",
                                   words[i]);
    }
    judge_say(j, FINDING_ERROR, at, "is '%.60s': write %s", text, all);
    return otherwise;
}

static void judge_target(struct judge *j, const char *text)
{
    struct place at = place("log.target");
    struct log_settings *log = &j->settings->log.how;
    const char *path = NULL;
    if (text == NULL || strcmp(text, "stderr") == 0)
        return;
    if (strcmp(text, "journal") == 0)
        path = LOG_JOURNAL;
    else if (text[0] == '/')
        path = text;
    if (path == NULL)
        judge_say(j, FINDING_ERROR, &at,
                  "is '%.60s': write stderr, journal, or the absolute path of a socket that takes the "
                  "journal's protocol",
                  text);
    else if (strlen(path) >= sizeof log->target)
        judge_say(j, FINDING_ERROR, &at, "is a path of more than %zu octets", sizeof log->target - 1);
    else
        memcpy(log->target, path, strlen(path) + 1);
}

static uint8_t judge_rcode(struct judge *j, const struct place *at, const char *text)
{
    static const char *const rcodes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                         "NOTIMP",  "REFUSED", "YXDOMAIN"};
    return (uint8_t)judge_word(j, at, text, rcodes, sizeof rcodes / sizeof rcodes[0], SETTINGS_ANY_RCODE);
}

static void judge_rule(struct judge *j, uint32_t i, const struct raw_query_rule *raw)
{
    struct settings_query_rule *rule = &j->settings->log.rules[j->settings->log.rule_count++];
    const struct place zone_at = place("log.queries[%u].zone", i);
    const struct place client_at = place("log.queries[%u].client", i);
    const struct place rcode_at = place("log.queries[%u].rcode", i);
    struct value_why why;
    uint8_t apex[NAME_MAX_OCTETS];
    *rule = (struct settings_query_rule){0};
    rule->sample =
        (uint32_t)judge_number(j, place("log.queries[%u].sample", i), raw->sample, 1, 1000000000, 1);
    rule->rcode = judge_rcode(j, &rcode_at, raw->rcode);
    if (raw->client != NULL && !value_prefix(raw->client, &rule->client, &why))
        judge_say_why(j, &client_at, &why);
    if (raw->zone == NULL)
        return;
    size_t octets = name_from_text(apex, raw->zone);
    if (octets == 0)
        judge_say(j, FINDING_ERROR, &zone_at, "is '%.60s', not a name: write one like example.com",
                  raw->zone);
    else
        name_fold(rule->zone, apex, octets);
}

static void judge_dnstap(struct judge *j, const struct raw_dnstap *raw)
{
    const struct place section = place("log.dnstap");
    struct settings_dnstap *dnstap = &j->settings->log.dnstap;
    if (raw == NULL)
        return;
    if (!dnstap_is_built)
        judge_say(j, FINDING_ERROR, &section,
                  "can't be had from this build: build with -Ddnstap=enabled, or take it away");
    if (raw->socket == NULL && raw->file == NULL)
        judge_say(j, FINDING_ERROR, &section, "needs a socket, a file, or both");
    if (raw->socket != NULL)
        dnstap->socket = judge_path(j, place("log.dnstap.socket"), raw->socket);
    if (raw->file != NULL)
        dnstap->file = judge_path(j, place("log.dnstap.file"), raw->file);
    dnstap->sample = (uint32_t)judge_number(j, place("log.dnstap.sample"), raw->sample, 1, 1000000000, 1);
}

void judge_log(struct judge *j)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    static const char *const forms[] = {"text", "logfmt", "json"};
    static const struct raw_log absent;
    const struct raw_log *raw = j->raw->log != NULL ? j->raw->log : &absent;
    struct settings_log *log = &j->settings->log;
    const struct place level_at = place("log.level");
    const struct place form_at = place("log.format");
    log->how.level = (enum log_level)judge_word(j, &level_at, raw->level, levels, 4, LOG_LEVEL_INFO);
    log->how.form = (enum log_form)judge_word(j, &form_at, raw->format, forms, 3, LOG_FORM_TEXT);
    judge_target(j, raw->target);
    for (uint32_t i = 0; i < raw->queries_count && i < SETTINGS_MAX_QUERY_RULES; i++)
        judge_rule(j, i, &raw->queries[i]);
    judge_dnstap(j, raw->dnstap);
}
