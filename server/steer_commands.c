/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the control socket offers, and where each answer comes from.
 *
 *     status  announcer, guard, shared_up        drain, resume  announcer
 *     why     health                             reload         steer_reload.c, then the server
 *     zones   shared_up                          cache          the server
 */
#include "base/log.h"
#include "config/value.h"
#include "control/report.h"
#include "steer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_LONGEST_MS   2592000000U /* thirty days */
#define COMMANDS_MAX_ZONES 100000      /* that one reply tells of */

static const char *commands_backend(const struct steer *s)
{
    return settings_backend_name(s->settings->announce.backend);
}

/* The announcer's part. New reference, or NULL. */
static json_t *commands_announce(const struct steer *s)
{
    json_t *announce = s->announcer != NULL ? announcer_status(s->announcer, mono_now()) : json_object();
    if (announce != NULL)
        (void)json_object_set_new(announce, "backend", json_string(commands_backend(s)));
    return announce;
}

/* State and reason: a drain's, while there is one, for then health has no say. */
static json_t *commands_route(const struct steer *s, const json_t *announce)
{
    char why[STEER_WHY_OCTETS + 16];
    const char *drain = json_string_value(json_object_get(announce, "drain"));
    const char *reason = json_string_value(json_object_get(announce, "drain_reason"));
    bool drained = drain != NULL && strcmp(drain, "no") != 0;
    if (drained && reason != NULL && reason[0] != '\0')
        (void)snprintf(why, sizeof why, "drained: %s", reason);
    else
        (void)snprintf(why, sizeof why, "%s", drained ? "drained" : s->why);
    return json_pack("{s:s, s:I, s:s}", "state", route_state_name(s->route), "since_s",
                     (json_int_t)(mono_ms_between(s->route_since, mono_now()) / 1000), "why", why);
}

/* The other PoPs, where there is a fleet. */
static void commands_add_fleet(const struct steer *s, json_t *reply)
{
    if (s->fleet != NULL && reply != NULL)
        (void)json_object_set_new(reply, "fleet", fleet_status(s->fleet, mono_now()));
}

/* What we take of the host. New reference, or NULL. */
static json_t *commands_process(const struct steer *s)
{
    struct timespec cpu = {0};
    char text[128] = "";
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    ssize_t octets = s->statm_fd >= 0 ? pread(s->statm_fd, text, sizeof text - 1, 0) : -1;
    const char *resident = octets > 0 ? strchr(text, ' ') : NULL;
    json_int_t pages = resident != NULL ? strtoll(resident, NULL, 10) : -1;
    return json_pack("{s:I, s:f}", "resident_bytes", pages >= 0 ? pages * sysconf(_SC_PAGESIZE) : -1, "cpu_s",
                     (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
}

static json_int_t commands_unix_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

json_t *steer_status(const struct steer *s)
{
    struct mono now = mono_now();
    json_t *announce = commands_announce(s);
    json_t *route = commands_route(s, announce);
    json_t *status =
        json_pack("{s:s, s:s, s:I, s:I, s:o, s:o}", "identity", s->settings->server.identity, "version",
                  HITHER_VERSION, "uptime_s", (json_int_t)(mono_ms_between(s->started, now) / 1000),
                  "as_of_unix_ms", commands_unix_ms(), "route", route, "announce", announce);
    commands_add_fleet(s, status);
    if (status != NULL && s->health != NULL)
        (void)json_object_set_new(status, "health", health_why(s->health));
    if (status != NULL && s->guard != NULL)
        (void)json_object_set_new(status, "server_restarts",
                                  json_integer((json_int_t)guard_restarts(s->guard)));
    if (status != NULL)
        (void)json_object_set_new(status, "process", commands_process(s));
    return status;
}

static void commands_status(struct control_request *request, void *owner)
{
    const struct steer *s = owner;
    json_t *status = steer_status(s);
    json_t *server = report_server(s->up, mono_now());
    if (server != NULL)
        (void)json_object_set_new(server, "restarts", json_integer((json_int_t)guard_restarts(s->guard)));
    if (status != NULL)
        (void)json_object_set_new(status, "server", server);
    control_reply(request, status);
}

static void commands_why(struct control_request *request, void *owner)
{
    const struct steer *s = owner;
    json_t *why = s->health != NULL ? health_why(s->health) : json_object();
    json_t *announce = commands_announce(s);
    if (why != NULL)
        (void)json_object_set_new(why, "route", commands_route(s, announce));
    if (why != NULL) {
        (void)json_object_set_new(why, "last_good", steer_good_describe(s));
        (void)json_object_set_new(why, "last_death", steer_describe_death(s, mono_now()));
    }
    json_decref(announce);
    commands_add_fleet(s, why);
    control_reply(request, why);
}

void steer_answer_route(const struct steer *s, struct control_request *request, const char *message)
{
    json_t *announce = commands_announce(s);
    control_reply(request, json_pack("{s:o, s:s}", "route", commands_route(s, announce), "message", message));
    json_decref(announce);
}

static void commands_drain(struct control_request *request, void *owner)
{
    struct steer *s = owner;
    if (s->leaving != STEER_STAYS) {
        control_refuse(request, NULL, "hitherd is leaving already");
        return;
    }
    const char *span = control_text(request, "for");
    uint64_t for_ms = 0;
    struct value_why why;
    if (span != NULL && !value_duration(span, 1000, DRAIN_LONGEST_MS, &for_ms, &why)) {
        control_refuse(request, NULL, "--for %s", why.text);
        return;
    }
    steer_drain_ask(s, request, for_ms, json_is_true(json_object_get(control_body(request), "force")));
}

static void commands_resume(struct control_request *request, void *owner)
{
    struct steer *s = owner;
    if (s->leaving != STEER_STAYS) {
        control_refuse(request, NULL, "hitherd is leaving already");
        return;
    }
    log_info("told to resume");
    steer_note(s, EVENT_OPERATOR, true, "resume");
    steer_resume(s);
    steer_answer_route(s, request, "announcing again as soon as the checks are good");
}

static void commands_reload(struct control_request *request, void *owner)
{
    steer_reload(owner, request, control_text(request, "zone"));
}

static void commands_upgrade(struct control_request *request, void *owner)
{
    steer_upgrade(owner, request);
}

static void commands_zones(struct control_request *request, void *owner)
{
    const struct steer *s = owner;
    control_reply(request, json_pack("{s:o}", "zones", report_zones(s->up, COMMANDS_MAX_ZONES)));
}

static void commands_on_cache(void *arg, const char *json, size_t octets)
{
    if (json == NULL)
        control_refuse(arg, NULL, "the server died meanwhile, and its cache with it");
    else
        control_reply_text(arg, json, octets);
}

static void commands_cache(struct control_request *request, void *owner)
{
    const struct steer *s = owner;
    char *command = NULL;
    char *body = json_dumps(control_body(request), JSON_COMPACT);
    int octets = body != NULL ? asprintf(&command, "cache %s", body) : -1;
    free(body);
    if (octets < 0 || guard_ask(s->guard, command, commands_on_cache, request) < 0)
        control_refuse(request, NULL, "the server is down at the moment; try again");
    if (octets >= 0)
        free(command);
}

const struct control_command steer_commands[] = {
    {"status", commands_status},   {"why", commands_why},       {"drain", commands_drain},
    {"resume", commands_resume},   {"reload", commands_reload}, {"zones", commands_zones},
    {"upgrade", commands_upgrade}, {"cache", commands_cache},
};
const size_t steer_command_count = sizeof steer_commands / sizeof *steer_commands;
