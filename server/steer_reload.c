/* SPDX-License-Identifier: BSD-2-Clause
 *
 * SIGHUP and `hither reload`: the configuration is read and judged here; then both processes go by it. What
 * is wrong with it is told, and everything stays.
 *
 *     settings_text -> health, announcer -> the server's text -> "reload" down the channel -> the reply
 */
#include "base/log.h"
#include "base/manager.h"
#include "steer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RELOAD_COMMAND_OCTETS 1200 /* a name in presentation form has at most 1,004 */

static void reload_refuse(struct control_request *request, const struct findings *findings, const char *error)
{
    manager_reload_ends();
    log_error("not reloaded: %s", error);
    if (request != NULL)
        control_refuse(request, json_pack("{s:o}", "findings", control_findings(findings)), "%s", error);
}

static void reload_on_reply(void *arg, const char *json, size_t octets)
{
    struct control_request *request = arg;
    manager_reload_ends();
    if (request == NULL)
        return; /* The server has logged what came of it. */
    if (json == NULL)
        control_refuse(request, NULL, "the server died meanwhile; try again");
    else
        control_reply_text(request, json, octets);
}

int steer_apply(struct steer *s, struct settings *wanted)
{
    struct settings was;
    settings_text_swap_bound(s->settings, wanted);
    int error = health_reload(s->health, wanted);
    if (error == 0) {
        error = announcer_reload(s->announcer, wanted);
        if (error < 0)
            (void)health_reload(s->health, s->settings);
    }
    if (error < 0) {
        settings_text_swap_bound(s->settings, wanted);
        return error;
    }
    was = *s->settings;
    guard_set_grace(s->guard, wanted->health.restart_grace_ms);
    *s->settings = *wanted;
    (void)log_configure(&s->settings->log.how);
    *wanted = was;
    explicit_bzero(&was, sizeof was);
    (void)steer_fleet_apply(s);
    return 0;
}

static void reload_judged(struct steer *s, struct control_request *request, const char *only_zone,
                          struct settings *wanted, const struct settings_text *text,
                          struct findings *findings)
{
    char command[RELOAD_COMMAND_OCTETS] = "reload";
    settings_text_warn_of_restart(s->settings, wanted, findings);
    findings_log(findings);
    if (only_zone != NULL && !s->good.back) /* else all are older than their sources */
        (void)snprintf(command, sizeof command, "reload %s", only_zone);
    int error = settings_text_put(s->text_fd, text);
    if (error == 0)
        error = steer_apply(s, wanted);
    settings_free(wanted); /* or those that they took the place of */
    if (error < 0) {
        reload_refuse(request, findings, strerror(-error));
        return;
    }
    steer_good_trial(s);
    if (guard_ask(s->guard, command, reload_on_reply, request) == 0)
        return;
    manager_reload_ends();
    if (request != NULL)
        control_refuse(request, NULL,
                       "the server is down at the moment; it starts with the new configuration");
}

void steer_reload(struct steer *s, struct control_request *request, const char *only_zone)
{
    struct findings findings = {0};
    struct settings_text text = {0};
    manager_reload_begins(mono_now());
    if (s->leaving != STEER_STAYS) {
        reload_refuse(request, &findings, "hitherd is leaving");
        return;
    }
    log_info("reading %s again", s->path);
    steer_note(s, EVENT_OPERATOR, true, "reload%s%s", only_zone != NULL ? " of " : "",
               only_zone != NULL ? only_zone : "");
    struct settings *wanted = settings_text_read(s->path, &text, &findings);
    if (wanted != NULL) {
        reload_judged(s, request, only_zone, wanted, &text, &findings);
    } else {
        findings_log(&findings);
        reload_refuse(request, &findings, "the configuration has errors; what was in force stays");
    }
    settings_text_free(&text);
    findings_free(&findings);
}
