/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The way out, in an order that costs no query: route first, answers last.
 *
 *     drain (GRACEFUL_SHUTDOWN, wait, withdraw) -> linger until queries stop -> Cease, close -> server -> end
 */
#include "base/log.h"
#include "base/manager.h"
#include "steer.h"

#define LEAVE_LOOK_MS  50
#define LEAVE_QUIET_MS 500 /* no query for so long: they have stopped */

static void leave_close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* What was on the loop for its whole life; afterwards the loop ends by itself. */
static void leave_end(void *arg)
{
    struct steer *s = arg;
    if (s->control != NULL)
        control_close(s->control);
    s->control = NULL;
    steer_fleet_stop(s);
    leave_close_handle((uv_handle_t *)&s->hup);
    leave_close_handle((uv_handle_t *)&s->term);
    leave_close_handle((uv_handle_t *)&s->interrupt);
    leave_close_handle((uv_handle_t *)&s->linger);
    leave_close_handle((uv_handle_t *)&s->drain);
    leave_close_handle((uv_handle_t *)&s->watchdog);
    leave_close_handle((uv_handle_t *)&s->usr2);
    leave_close_handle((uv_handle_t *)&s->upgrade.delay);
    log_info("left");
}

static void leave_stop_server(void *arg)
{
    struct steer *s = arg;
    s->announcer = NULL;
    s->leaving = STEER_ENDS;
    guard_stop(s->guard, leave_end, s);
}

static void leave_close_sessions(struct steer *s)
{
    s->leaving = STEER_CLOSES;
    (void)uv_timer_stop(&s->linger);
    if (s->health != NULL)
        health_stop(s->health);
    s->health = NULL;
    announcer_stop(s->announcer, leave_stop_server, s);
}

static void leave_on_look(uv_timer_t *timer)
{
    struct steer *s = timer->data;
    struct mono now = mono_now();
    uint64_t queries =
        atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&s->up->queries, memory_order_relaxed);
    if (queries != s->queries)
        s->quiet_since = now;
    s->queries = queries;
    if (mono_ms_between(s->quiet_since, now) >= LEAVE_QUIET_MS || mono_reached(now, s->linger_until))
        leave_close_sessions(s);
}

/* The route is gone. Our own probes would look like queries that don't stop. */
static void leave_linger(void *arg)
{
    struct steer *s = arg;
    if (s->leaving != STEER_DRAINS)
        return;
    log_info("withdrawn; answering until queries stop, at most %u ms", s->settings->announce.drain_linger_ms);
    s->leaving = STEER_LINGERS;
    health_stop(s->health);
    s->health = NULL;
    s->quiet_since = mono_now();
    s->linger_until = mono_add_ms(s->quiet_since, s->settings->announce.drain_linger_ms);
    (void)uv_timer_start(&s->linger, leave_on_look, LEAVE_LOOK_MS, LEAVE_LOOK_MS);
}

/* Somebody may be sending us queries because of what we told a router. */
static bool leave_is_announced(const struct steer *s)
{
    enum route_state state = announcer_route_state(s->announcer);
    return s->settings->announce.backend != ANNOUNCE_NONE && s->settings->announce.prefix_count > 0 &&
           (state == ROUTE_UP || state == ROUTE_DEGRADED || state == ROUTE_DRAINING);
}

void steer_leave(struct steer *s, const char *reason)
{
    if (s->leaving != STEER_STAYS) {
        log_warn("leaving now");
        steer_leave_now(s, 0);
        return;
    }
    manager_stopping();
    steer_drain_cancel(s, "hitherd is leaving");
    s->leaving = STEER_DRAINS;
    if (leave_is_announced(s)) {
        log_info("%s: draining", reason);
        announcer_drain(s->announcer, reason, leave_linger, s);
    } else {
        log_info("%s: nothing is announced, leaving", reason);
        leave_close_sessions(s);
    }
}

void steer_leave_now(struct steer *s, int status)
{
    manager_stopping();
    steer_drain_cancel(s, "hitherd is leaving");
    s->status = status;
    if (s->leaving == STEER_ENDS) {
        guard_kill(s->guard);
        return;
    }
    if (s->announcer != NULL && s->leaving != STEER_CLOSES)
        announcer_stop(s->announcer, NULL, NULL);
    if (s->health != NULL)
        health_stop(s->health);
    s->announcer = NULL;
    s->health = NULL;
    s->leaving = STEER_ENDS;
    guard_kill(s->guard);
    leave_end(s);
}
