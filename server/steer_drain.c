/* SPDX-License-Identifier: BSD-2-Clause
 *
 * `hither drain` and `hither resume`: a drain lasts over restarts, so that a machine that is being worked on
 * doesn't announce itself the moment it is back; with --for it takes itself back.
 *
 *     drain  -> health/fleet: may it go?             -> the next, or a refusal that names the rival
 *            -> STATE-DIR/drain (reason, when, for how long) -> announcer_drain(), a timer
 *     start  -> what is in the file, if its time isn't over  -> the same
 *     resume -> no file                                      -> announcer_resume()
 *
 * Within one life the time is monotonic; over a restart it has to be the wall clock's, and never more than
 * what was asked for.
 */
#include "base/log.h"
#include "steer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_REASON_OCTETS 128

static void drain_path(const struct steer *s, const char *suffix, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/drain%s", s->settings->server.state_dir, suffix);
}

/* 0 or -errno. */
static int drain_remember(const struct steer *s, const char *reason, uint64_t for_ms)
{
    char path[PATH_MAX];
    char next[PATH_MAX];
    drain_path(s, "", path);
    drain_path(s, ".new", next);
    json_t *json = json_pack("{s:s, s:I, s:I}", "reason", reason, "since_unix_s", (json_int_t)time(NULL),
                             "for_ms", (json_int_t)for_ms);
    int error = json != NULL && json_dump_file(json, next, JSON_COMPACT) == 0 ? 0 : -EIO;
    json_decref(json);
    if (error == 0 && rename(next, path) < 0)
        error = -errno;
    return error;
}

static void drain_forget(const struct steer *s)
{
    char path[PATH_MAX];
    drain_path(s, "", path);
    if (unlink(path) < 0 && errno != ENOENT)
        log_warn("%s can't be removed, so the next start will drain again: %s", path, strerror(errno));
}

static void drain_end(struct steer *s)
{
    (void)uv_timer_stop(&s->drain);
    drain_forget(s);
    announcer_resume(s->announcer);
}

static void drain_on_time(uv_timer_t *timer)
{
    struct steer *s = timer->data;
    if (s->leaving != STEER_STAYS)
        return;
    log_info("the time of the drain is over");
    drain_end(s);
}

/* `left_ms` 0: until it is taken back. */
static void drain_begin(struct steer *s, const char *reason, uint64_t left_ms)
{
    (void)uv_timer_stop(&s->drain);
    if (left_ms > 0)
        (void)uv_timer_start(&s->drain, drain_on_time, left_ms, 0);
    announcer_drain(s->announcer, reason, NULL, NULL);
}

/* What is left of the drain in the file; false: there is none, or its time is over. */
static bool drain_recall(const struct steer *s, char reason[DRAIN_REASON_OCTETS], uint64_t *left_ms)
{
    char path[PATH_MAX];
    drain_path(s, "", path);
    if (access(path, F_OK) < 0)
        return false;
    *left_ms = 0;
    json_t *json = json_load_file(path, 0, NULL);
    const char *text = json_string_value(json_object_get(json, "reason"));
    int64_t since_s = json_integer_value(json_object_get(json, "since_unix_s"));
    int64_t for_ms = json_integer_value(json_object_get(json, "for_ms"));
    if (json == NULL)
        text = "somebody drained this PoP (the note of it can't be read)";
    (void)snprintf(reason, DRAIN_REASON_OCTETS, "%s", text != NULL ? text : "");
    json_decref(json);
    if (for_ms <= 0)
        return true;
    int64_t gone_s = (int64_t)time(NULL) - (since_s > 0 ? since_s : 0);
    int64_t gone_ms = gone_s < 0 ? 0 : gone_s < for_ms / 1000 + 1 ? gone_s * 1000 : for_ms;
    *left_ms = gone_ms < for_ms ? (uint64_t)(for_ms - gone_ms) : 0;
    return gone_ms < for_ms;
}

json_t *steer_drain_hand_over(const struct steer *s)
{
    if (!announcer_is_drained(s->announcer))
        return json_null();
    return json_pack("{s:b, s:I}", "for", uv_is_active((const uv_handle_t *)&s->drain), "left_ms",
                     (json_int_t)uv_timer_get_due_in(&s->drain));
}

/* The announcer is drained already; what is missing is the end of it. */
static bool drain_take_over(struct steer *s)
{
    const json_t *left = json_object_get(s->heritage, "drain");
    json_int_t left_ms = json_integer_value(json_object_get(left, "left_ms"));
    if (!json_is_object(left))
        return false;
    if (json_is_true(json_object_get(left, "for")))
        (void)uv_timer_start(&s->drain, drain_on_time, left_ms > 0 ? (uint64_t)left_ms : 0, 0);
    return true;
}

void steer_drain_start(struct steer *s)
{
    char reason[DRAIN_REASON_OCTETS];
    uint64_t left_ms;
    (void)uv_timer_init(&s->loop, &s->drain);
    s->drain.data = s;
    if (drain_take_over(s) || s->settings->server.state_dir == NULL)
        return;
    if (!drain_recall(s, reason, &left_ms)) {
        drain_forget(s);
        return;
    }
    log_info("drained before this start: nothing is announced until `hither resume`");
    drain_begin(s, reason, left_ms);
}

int steer_drain(struct steer *s, const char *reason, uint64_t for_ms)
{
    const char *text = reason != NULL ? reason : "";
    int error = s->settings->server.state_dir != NULL ? drain_remember(s, text, for_ms) : -ENOENT;
    if (error < 0)
        log_warn("the drain won't last over a restart: %s can't be written: %s",
                 s->settings->server.state_dir != NULL ? s->settings->server.state_dir : "server.state-dir",
                 strerror(-error));
    drain_begin(s, text, for_ms);
    return error;
}

static void drain_do(struct steer *s, struct control_request *request, uint64_t for_ms)
{
    const char *reason = control_text(request, "reason");
    log_info("told to drain%s%s", reason != NULL ? ": " : "", reason != NULL ? reason : "");
    steer_note(s, EVENT_OPERATOR, false, "drain%s%s", reason != NULL ? ": " : "",
               reason != NULL ? reason : "");
    int error = steer_drain(s, reason, for_ms);
    steer_answer_route(s, request,
                       error < 0    ? "draining, but only until hitherd is restarted: see the log"
                       : for_ms > 0 ? "draining; takes itself back when the time is over"
                                    : "draining; `hither resume` takes it back");
}

void steer_drain_ask(struct steer *s, struct control_request *request, uint64_t for_ms, bool force)
{
    if (s->drain_request != NULL && !force) {
        control_refuse(request, NULL, "another drain is asking the fleet already");
        return;
    }
    steer_drain_cancel(s, "a forced drain came between");
    if (s->fleet == NULL || force || announcer_is_drained(s->announcer)) {
        drain_do(s, request, for_ms);
        return;
    }
    s->drain_request = request;
    s->drain_for_ms = for_ms;
    (void)fleet_wish_drain(s->fleet, mono_now());
    steer_drain_look(s);
    if (s->drain_request != NULL)
        fleet_socket_flush(s->fleet_socket);
}

void steer_drain_look(struct steer *s)
{
    struct control_request *request = s->drain_request;
    enum fleet_wish wish = request != NULL ? fleet_wish_of(s->fleet) : FLEET_WISH_NONE;
    if (wish != FLEET_WISH_GRANTED && wish != FLEET_WISH_REFUSED)
        return;
    s->drain_request = NULL;
    if (wish == FLEET_WISH_GRANTED) {
        drain_do(s, request, s->drain_for_ms);
    } else {
        log_warn("not drained: %s", fleet_wish_why(s->fleet));
        control_refuse(request, NULL,
                       "too few PoPs would be left: %s; drain again when `hither why` shows enough others "
                       "up, or `hither drain --force` does it all the same",
                       fleet_wish_why(s->fleet));
    }
    fleet_wish_end(s->fleet);
}

void steer_drain_cancel(struct steer *s, const char *why)
{
    if (s->drain_request == NULL)
        return;
    control_refuse(s->drain_request, NULL, "not drained: %s", why);
    s->drain_request = NULL;
    fleet_wish_end(s->fleet);
}

void steer_resume(struct steer *s)
{
    steer_drain_cancel(s, "`hither resume` came between");
    drain_end(s);
}
