/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum tint {
    TINT_NONE,
    TINT_GOOD,
    TINT_WARN,
    TINT_BAD,
    TINT_SOFT,
    TINT_STRONG,
};

struct show show_to(FILE *out)
{
    const char *terminal = getenv("TERM");
    const char *none = getenv("NO_COLOR");
    bool colours = isatty(fileno(out)) && terminal != NULL && strcmp(terminal, "dumb") != 0 &&
                   (none == NULL || none[0] == '\0');
    return (struct show){out, colours, (int64_t)time(NULL)};
}

static const char *tint_on(const struct show *show, enum tint tint)
{
    static const char *const codes[] = {"", "\033[32m", "\033[33m", "\033[31m", "\033[2m", "\033[1m"};
    return show->colours ? codes[tint] : "";
}

static const char *tint_off(const struct show *show, enum tint tint)
{
    return show->colours && tint != TINT_NONE ? "\033[0m" : "";
}

/* The text, filled up with blanks to `width` columns outside of the colour. */
static void show_tinted(const struct show *show, enum tint tint, const char *text, int width)
{
    int length = (int)strlen(text);
    (void)fprintf(show->out, "%s%s%s%*s", tint_on(show, tint), text, tint_off(show, tint),
                  width > length ? width - length : 0, "");
}

char *show_span(int64_t seconds, char text[32])
{
    int64_t s = seconds > 0 ? seconds : 0;
    if (s < 60)
        (void)snprintf(text, 32, "%" PRId64 " s", s);
    else if (s < 3600)
        (void)snprintf(text, 32, "%" PRId64 " min", s / 60);
    else if (s < 86400)
        (void)snprintf(text, 32, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
    else
        (void)snprintf(text, 32, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
    return text;
}

char *show_count(uint64_t number, char text[32])
{
    char digits[24];
    size_t at = 0;
    size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, number);
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

/* The member's text; "" when there is none. Lives as long as the reply. */
static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

/* The member's number; -1 when there is none. */
static int64_t number_of(const json_t *object, const char *name)
{
    const json_t *number = json_object_get(object, name);
    return json_is_integer(number) ? (int64_t)json_integer_value(number) : -1;
}

static enum tint tint_of_state(const char *state)
{
    static const struct {
        const char *state;
        enum tint tint;
    } tints[] = {
        {"up", TINT_GOOD},          {"good", TINT_GOOD},        {"served", TINT_GOOD},
        {"Established", TINT_GOOD}, {"established", TINT_GOOD}, {"degraded", TINT_WARN},
        {"draining", TINT_WARN},    {"stale", TINT_WARN},       {"withdrawn", TINT_BAD},
        {"failed", TINT_BAD},       {"bad", TINT_BAD},          {"asks", TINT_WARN},
        {"leaves", TINT_WARN},      {"stays", TINT_WARN},       {"out", TINT_BAD},
        {"lost", TINT_BAD},         {"unproven", TINT_BAD},
    };
    for (size_t i = 0; i < sizeof tints / sizeof tints[0]; i++) {
        if (strcmp(tints[i].state, state) == 0)
            return tints[i].tint;
    }
    return TINT_NONE;
}

/* "announced for 2 h 5 min: all checks are good"; `silent` when there is no backend that announces. */
static void show_route(const struct show *show, const json_t *route, bool silent)
{
    static const struct {
        const char *state;
        const char *words;
    } words[] = {{"init", "starting"},
                 {"up", "announced"},
                 {"degraded", "announced, degraded"},
                 {"draining", "draining"},
                 {"withdrawn", "withdrawn"}};
    char span[32];
    const char *state = text_of(route, "state");
    const char *said = state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].state, state) == 0 && !silent)
            said = words[i].words;
    }
    if (state[0] == '\0')
        return;
    show_tinted(show, tint_of_state(state), said, 0);
    if (number_of(route, "since_s") >= 0)
        (void)fprintf(show->out, " for %s", show_span(number_of(route, "since_s"), span));
    if (text_of(route, "why")[0] != '\0')
        (void)fprintf(show->out, ": %s", text_of(route, "why"));
    (void)fputc('\n', show->out);
}

static void show_label(const struct show *show, const char *label)
{
    (void)fputs("  ", show->out);
    show_tinted(show, TINT_SOFT, label, 12);
}

/* Since when, from a member in milliseconds. */
static void show_since(const struct show *show, const json_t *object, const char *name)
{
    char span[32];
    if (number_of(object, name) >= 0)
        (void)fprintf(show->out, " for %s", show_span(number_of(object, name) / 1000, span));
}

static void show_prefixes(const struct show *show, const json_t *prefixes)
{
    size_t i;
    json_t *prefix;
    json_array_foreach(prefixes, i, prefix)
    {
        const char *state = text_of(prefix, "state");
        show_label(show, i == 0 ? "prefixes" : "");
        (void)fprintf(show->out, "%-24s ", text_of(prefix, "prefix"));
        show_tinted(show, tint_of_state(state), state, 0);
        show_since(show, prefix, "since_ms");
        (void)fputc('\n', show->out);
    }
}

static void show_announced(const struct show *show, const json_t *prefixes)
{
    size_t i;
    json_t *prefix;
    json_array_foreach(prefixes, i, prefix)
    {
        const char *text = json_string_value(prefix);
        (void)fprintf(show->out, "%s%s", i == 0 ? ", told of " : ", ", text != NULL ? text : "?");
    }
}

static void show_bfd(const struct show *show, const json_t *bfd)
{
    const char *state = text_of(bfd, "state");
    if (bfd == NULL)
        return;
    (void)fputs(", BFD ", show->out);
    show_tinted(show, strcmp(state, "Up") == 0 ? TINT_GOOD : TINT_BAD, state, 0);
    if (json_is_true(json_object_get(bfd, "muted")))
        (void)fputs(" (silenced)", show->out);
}

static void show_neighbors(const struct show *show, const json_t *neighbors)
{
    char span[32];
    size_t i;
    json_t *n;
    json_array_foreach(neighbors, i, n)
    {
        const char *session = text_of(n, "session");
        const char *error = text_of(n, "last_error");
        show_label(show, i == 0 ? "neighbours" : "");
        (void)fprintf(show->out, "%s AS%" PRId64 " ", text_of(n, "neighbor"), number_of(n, "remote_as"));
        show_tinted(show, tint_of_state(session), session, 0);
        show_since(show, n, "since_ms");
        show_bfd(show, json_object_get(n, "bfd"));
        show_announced(show, json_object_get(n, "announced"));
        if (error[0] != '\0')
            (void)fprintf(show->out, "; last error %s ago: %s",
                          show_span(number_of(n, "last_error_ms") / 1000, span), error);
        (void)fputc('\n', show->out);
    }
}

static void show_server(const struct show *show, const json_t *server)
{
    static const char *const troubles[] = {"failed", "stale", "loading"};
    char text[32];
    const json_t *zones = json_object_get(server, "zones");
    if (zones != NULL) {
        show_label(show, "zones");
        (void)fprintf(show->out, "%s served", show_count((uint64_t)number_of(zones, "served"), text));
        for (size_t i = 0; i < 3; i++) {
            if (number_of(zones, troubles[i]) <= 0)
                continue;
            (void)fprintf(show->out, ", %s ", show_count((uint64_t)number_of(zones, troubles[i]), text));
            show_tinted(show, tint_of_state(troubles[i]), troubles[i], 0);
        }
        (void)fputc('\n', show->out);
    }
    if (number_of(server, "queries") >= 0) {
        show_label(show, "queries");
        (void)fprintf(show->out, "%s answered\n", show_count((uint64_t)number_of(server, "queries"), text));
    }
    if (number_of(server, "workers") >= 0) {
        show_label(show, "server");
        (void)fprintf(show->out, "%s, %" PRId64 " workers",
                      json_is_true(json_object_get(server, "serving")) ? "serving" : "not serving",
                      number_of(server, "workers"));
        if (number_of(server, "restarts") > 0)
            (void)fprintf(show->out, ", restarted %" PRId64 " times", number_of(server, "restarts"));
        (void)fputc('\n', show->out);
    }
}

/* Where the fleet's guard has anything to say. */
static void show_guard(const struct show *show, const json_t *guard)
{
    size_t i;
    json_t *g;
    json_array_foreach(guard, i, g)
    {
        const char *decision = text_of(g, "decision");
        if (strcmp(decision, "in") == 0)
            continue;
        show_label(show, "guard");
        (void)fprintf(show->out, "%s ", text_of(g, "prefix"));
        show_tinted(show, tint_of_state(decision), decision, 0);
        (void)fprintf(show->out, "%s%s\n", text_of(g, "why")[0] != '\0' ? ": " : "", text_of(g, "why"));
    }
}

static void show_pop(const struct show *show, const json_t *pop)
{
    const char *state = text_of(pop, "state");
    show_label(show, "");
    (void)fprintf(show->out, "%-24s ", text_of(pop, "identity"));
    show_tinted(show, tint_of_state(state), state, 0);
    if (number_of(pop, "age_ms") >= 0)
        (void)fprintf(show->out, ", %s zones, heard %" PRId64 " ms ago", text_of(pop, "zones"),
                      number_of(pop, "age_ms"));
    (void)fputc('\n', show->out);
}

static void show_fleet(const struct show *show, const json_t *fleet)
{
    size_t i;
    json_t *pop;
    if (!json_is_object(fleet))
        return;
    show_label(show, "fleet");
    (void)fprintf(show->out,
                  "%" PRId64 " PoPs, %" PRId64 " others heard; %" PRId64 " may be out at once, %" PRId64
                  " others must be well\n",
                  number_of(fleet, "size"), number_of(fleet, "known"), number_of(fleet, "may_be_out"),
                  number_of(fleet, "min_announcers"));
    if (json_is_true(json_object_get(fleet, "namesake"))) {
        show_label(show, "");
        show_tinted(show, TINT_BAD, "another PoP has our identity", 0);
        (void)fputc('\n', show->out);
    }
    show_guard(show, json_object_get(fleet, "guard"));
    json_array_foreach(json_object_get(fleet, "pops"), i, pop) show_pop(show, pop);
}

void show_status(const struct show *show, const json_t *reply)
{
    char span[32];
    const json_t *announce = json_object_get(reply, "announce");
    bool silent = strcmp(text_of(announce, "backend"), "none") == 0;
    show_tinted(show, TINT_STRONG, text_of(reply, "identity"), 0);
    (void)fprintf(show->out, "  hither %s", text_of(reply, "version"));
    if (number_of(reply, "uptime_s") >= 0)
        (void)fprintf(show->out, ", up %s", show_span(number_of(reply, "uptime_s"), span));
    (void)fputc('\n', show->out);
    show_route(show, json_object_get(reply, "route"), silent);
    show_prefixes(show, json_object_get(announce, "prefixes"));
    show_neighbors(show, json_object_get(announce, "neighbors"));
    if (silent) {
        show_label(show, "announce");
        (void)fputs("nothing (backend: none)\n", show->out);
    }
    show_fleet(show, json_object_get(reply, "fleet"));
    show_server(show, json_object_get(reply, "server"));
}

/* "; worker 1, 3 without an answer" */
static void show_numbers(const struct show *show, const json_t *list, const char *what)
{
    size_t i;
    const json_t *number;
    json_array_foreach(list, i, number)(void)
        fprintf(show->out, "%s%" PRId64, i == 0 ? "; worker " : ", ", (int64_t)json_integer_value(number));
    if (json_array_size(list) > 0)
        (void)fprintf(show->out, " %s", what);
}

static void show_worker(const struct show *show, const json_t *worker)
{
    bool good = json_is_true(json_object_get(worker, "good"));
    (void)fputs("    ", show->out);
    show_tinted(show, good ? TINT_GOOD : TINT_BAD, good ? "good" : "bad", 5);
    (void)fprintf(show->out, "worker %" PRId64 " %s", number_of(worker, "worker"), text_of(worker, "state"));
    if (number_of(worker, "taken") >= 0)
        (void)fprintf(show->out, "; %" PRId64 " queries in a round", number_of(worker, "taken"));
    if (number_of(worker, "heart_ms") >= 0)
        (void)fprintf(show->out, "; its heart beat %" PRId64 " ms ago", number_of(worker, "heart_ms"));
    (void)fputc('\n', show->out);
}

static void show_check(const struct show *show, const json_t *check)
{
    bool good = json_is_true(json_object_get(check, "good"));
    (void)fputs("    ", show->out);
    show_tinted(show, good ? TINT_GOOD : TINT_BAD, good ? "good" : "bad", 5);
    (void)fprintf(show->out, "%-8s %s %s", text_of(check, "class"), text_of(check, "address"),
                  text_of(check, "transport"));
    if (number_of(check, "asked") >= 0)
        (void)fprintf(show->out, ", %" PRId64 " of %" PRId64 " answered", number_of(check, "answered"),
                      number_of(check, "asked"));
    show_numbers(show, json_object_get(check, "lost_workers"), "without an answer");
    show_numbers(show, json_object_get(check, "wrong_workers"), "with another answer than the rest");
    if (text_of(check, "name")[0] != '\0')
        (void)fprintf(show->out, "; %s", text_of(check, "name"));
    if (text_of(check, "why")[0] != '\0')
        (void)fprintf(show->out, ": %s", text_of(check, "why"));
    (void)fputc('\n', show->out);
}

static void show_scope(const struct show *show, const json_t *scope)
{
    char span[32];
    const char *verdict = text_of(scope, "verdict");
    (void)fprintf(show->out, "    %-24s ", text_of(scope, "prefix"));
    show_tinted(show, tint_of_state(verdict), verdict, 0);
    show_since(show, scope, "since_ms");
    if (number_of(scope, "good_in_a_row") > 0)
        (void)fprintf(show->out, ", %" PRId64 " good rounds in a row", number_of(scope, "good_in_a_row"));
    if (number_of(scope, "bad_in_a_row") > 0)
        (void)fprintf(show->out, ", %" PRId64 " bad rounds in a row", number_of(scope, "bad_in_a_row"));
    if (number_of(scope, "flaps") > 0)
        (void)fprintf(show->out, ", %" PRId64 " flaps", number_of(scope, "flaps"));
    if (number_of(scope, "held_down_ms") > 0)
        (void)fprintf(show->out, ", held down for another %s",
                      show_span((number_of(scope, "held_down_ms") + 999) / 1000, span));
    (void)fputc('\n', show->out);
}

static void show_list(const struct show *show, const char *title, const json_t *list,
                      void (*entry)(const struct show *show, const json_t *object))
{
    size_t i;
    json_t *object;
    if (json_array_size(list) == 0)
        return;
    (void)fputs("  ", show->out);
    show_tinted(show, TINT_SOFT, title, 0);
    (void)fputc('\n', show->out);
    json_array_foreach(list, i, object) entry(show, object);
}

/* The last server that died, and where its last queries are. */
static void show_death(const struct show *show, const json_t *death)
{
    char span[32];
    if (!json_is_object(death))
        return;
    show_label(show, "last death");
    (void)fprintf(show->out, "%s, %s ago", text_of(death, "why"), show_span(number_of(death, "ago_s"), span));
    if (number_of(death, "in_a_row") > 1)
        (void)fprintf(show->out, ", the %" PRId64 ". in a row, the next one started after %" PRId64 " ms",
                      number_of(death, "in_a_row"), number_of(death, "pause_ms"));
    (void)fputc('\n', show->out);
    if (text_of(death, "record")[0] == '\0')
        return;
    show_label(show, "record");
    (void)fprintf(show->out, "%s (queries: %" PRId64 ")\n", text_of(death, "record"),
                  number_of(death, "queries"));
}

static void show_other_check(const struct show *show, const json_t *check)
{
    (void)fprintf(show->out, "    %s %-8s %s", json_is_true(json_object_get(check, "good")) ? "good" : "bad ",
                  text_of(check, "class"), text_of(check, "name"));
    if (number_of(check, "of") >= 0)
        (void)fprintf(show->out, ", %" PRId64 " of %" PRId64, number_of(check, "value"),
                      number_of(check, "of"));
    if (text_of(check, "why")[0] != '\0')
        (void)fprintf(show->out, ": %s", text_of(check, "why"));
    (void)fputc('\n', show->out);
}

static void show_change(const struct show *show, const json_t *change)
{
    char span[32];
    (void)fprintf(show->out, "    %s ago %s: %s -> %s: %s\n",
                  show_span(number_of(change, "ms_ago") / 1000, span), text_of(change, "prefix"),
                  text_of(change, "from"), text_of(change, "to"), text_of(change, "why"));
}

void show_why(const struct show *show, const json_t *reply)
{
    char span[32];
    const json_t *server = json_object_get(reply, "server");
    const json_t *zones = json_object_get(reply, "zones");
    const json_t *rules = json_object_get(reply, "rules");
    show_route(show, json_object_get(reply, "route"), false);
    if (text_of(reply, "verdict")[0] != '\0') {
        show_label(show, "verdict");
        show_tinted(show, tint_of_state(text_of(reply, "verdict")), text_of(reply, "verdict"), 0);
        (void)fprintf(show->out, "%s%s\n", text_of(reply, "why")[0] != '\0' ? ": " : "",
                      text_of(reply, "why"));
    }
    if (text_of(server, "trouble")[0] != '\0') {
        show_label(show, "server");
        (void)fprintf(show->out, "%s\n", text_of(server, "trouble"));
    }
    show_death(show, json_object_get(reply, "last_death"));
    if (number_of(zones, "failed") > 0) {
        show_label(show, "zones");
        (void)fprintf(show->out, "%" PRId64 " can't be served, the first is %s\n", number_of(zones, "failed"),
                      text_of(zones, "first_failed"));
    }
    if (number_of(rules, "interval_ms") >= 0) {
        show_label(show, "rules");
        (void)fprintf(show->out,
                      "a round each %" PRId64 " ms, down after %" PRId64 " bad, up after %" PRId64
                      " good, no verdict without a round in %s\n",
                      number_of(rules, "interval_ms"), number_of(rules, "fall"), number_of(rules, "rise"),
                      show_span((number_of(rules, "stale_ms") + 999) / 1000, span));
    }
    show_fleet(show, json_object_get(reply, "fleet"));
    show_list(show, "prefixes", json_object_get(reply, "prefixes"), show_scope);
    show_list(show, "checks of the last round", json_object_get(reply, "checks"), show_check);
    show_list(show, "workers", json_object_get(reply, "workers"), show_worker);
    if (json_is_false(json_object_get(reply, "steered"))) {
        show_label(show, "workers");
        (void)fputs("met by chance: the kernel doesn't let probes choose them\n", show->out);
    }
    show_list(show, "other checks", json_object_get(reply, "other_checks"), show_other_check);
    show_list(show, "changes", json_object_get(json_object_get(reply, "flight"), "changes"), show_change);
}

static int widest_name(const json_t *zones)
{
    size_t i;
    json_t *zone;
    size_t widest = 4;
    json_array_foreach(zones, i, zone)
    {
        size_t length = strlen(text_of(zone, "name"));
        widest = length > widest ? length : widest;
    }
    return widest < 48 ? (int)widest : 48;
}

void show_zones(const struct show *show, const json_t *reply)
{
    char names[32];
    char span[32];
    size_t i;
    json_t *zone;
    const json_t *zones = json_object_get(reply, "zones");
    int width = widest_name(zones);
    if (json_array_size(zones) == 0) {
        (void)fputs("no zones\n", show->out);
        return;
    }
    (void)fprintf(show->out, "%s%-*s %-8s %10s %11s  %s%s\n", tint_on(show, TINT_SOFT), width, "zone",
                  "state", "serial", "names", "loaded", tint_off(show, TINT_SOFT));
    json_array_foreach(zones, i, zone)
    {
        const char *state = text_of(zone, "state");
        int64_t loaded = number_of(zone, "loaded_unix_s");
        (void)fprintf(show->out, "%-*s ", width, text_of(zone, "name"));
        show_tinted(show, tint_of_state(state), state, 8);
        (void)fprintf(show->out, " %10" PRId64 " %11s  %s%s\n", number_of(zone, "serial"),
                      show_count((uint64_t)number_of(zone, "names"), names),
                      loaded > 0 ? show_span(show->now_unix_s - loaded, span) : "never",
                      loaded > 0 ? " ago" : "");
    }
}

static void show_finding(const struct show *show, const char *file, int64_t line, bool is_error,
                         const char *text)
{
    (void)fputs(file, show->out);
    if (line > 0)
        (void)fprintf(show->out, ":%" PRId64, line);
    (void)fputs(": ", show->out);
    show_tinted(show, is_error ? TINT_BAD : TINT_WARN, is_error ? "error" : "warning", 0);
    (void)fprintf(show->out, ": %s\n", text);
}

void show_findings(const struct show *show, const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->list[i];
        show_finding(show, f->file, f->line, f->level == FINDING_ERROR, f->text);
    }
    if (findings->left_out > 0)
        (void)fprintf(show->out, "%zu more findings are not shown\n", findings->left_out);
}

void show_findings_json(const struct show *show, const json_t *findings)
{
    size_t i;
    json_t *f;
    json_array_foreach(findings, i, f)
    {
        show_finding(show, text_of(f, "file"), number_of(f, "line"),
                     strcmp(text_of(f, "level"), "warning") != 0, text_of(f, "text"));
    }
}

void show_done(const struct show *show, const json_t *reply)
{
    const char *message = text_of(reply, "message");
    show_findings_json(show, json_object_get(reply, "findings"));
    if (message[0] != '\0')
        (void)fprintf(show->out, "%s\n", message);
    show_route(show, json_object_get(reply, "route"), false);
}
