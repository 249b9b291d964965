/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bgp_fsm.h"

#define HOLD_TIME_LEAST_S 3

/* Random delay between three quarters of `ms` and all of it (RFC 4271 10). */
static int64_t bgp_jitter(int64_t ms, uint32_t random)
{
    return ms - (int64_t)((uint64_t)ms * (random % 1024) / 4096);
}

static int64_t bgp_retry_ms(const struct bgp_session *s, uint32_t random)
{
    int64_t most = s->protocol_failure ? BGP_RETRY_MAX_MS : BGP_RETRY_UNREACHABLE_MS;
    unsigned doublings = s->failures > 1 ? s->failures - 1 : 0;
    int64_t ms = doublings < 6 ? (int64_t)BGP_RETRY_FIRST_MS << doublings : BGP_RETRY_MAX_MS;
    return bgp_jitter(ms < most ? ms : most, random);
}

static int64_t bgp_connect_retry_ms(const struct bgp_session *s, uint32_t random)
{
    int64_t ms = bgp_retry_ms(s, random);
    return ms > BGP_CONNECT_TIMEOUT_MS ? ms : BGP_CONNECT_TIMEOUT_MS;
}

/* Not a third of the hold time, as RFC 4271 10 suggests, but well under a quarter: BIRD cuts its hold timer
 * by up to a quarter, and two keepalives may be lost. */
static int64_t bgp_keepalive_ms(const struct bgp_session *s, uint32_t random)
{
    return bgp_jitter((int64_t)s->agreed_hold_s * 2000 / 9, random);
}

static void bgp_enter(struct bgp_session *s, enum bgp_state state, struct mono now)
{
    s->state = state;
    s->since = now;
}

static void bgp_stop_timers(struct bgp_session *s)
{
    const struct mono never = {0};
    s->idle_until = s->connect_retry_at = s->hold_at = s->keepalive_at = s->send_hold_at = never;
}

static void bgp_count_failure(struct bgp_session *s, const struct bgp_event *event, struct mono now)
{
    if (s->state == BGP_ESTABLISHED && mono_ms_between(s->since, now) >= BGP_STABLE_MS)
        s->failures = 0;
    if (s->failures < 1000)
        s->failures++;
    s->protocol_failure = event->kind != BGP_EVENT_CONNECTION_FAILED &&
                          event->kind != BGP_EVENT_CONNECT_RETRY && event->kind != BGP_EVENT_BFD_DOWN;
}

/* The connection is given up; another follows after a pause, unless the operator stopped us. */
static struct bgp_actions bgp_to_idle(struct bgp_session *s, const struct bgp_event *event, struct mono now)
{
    struct bgp_actions actions = {.close = s->state != BGP_ACTIVE, .down = s->state == BGP_ESTABLISHED};
    bgp_stop_timers(s);
    s->open_checked = false;
    if (event->kind == BGP_EVENT_STOP) {
        s->failures = 0;
    } else {
        bgp_count_failure(s, event, now);
        s->idle_until = mono_add_ms(now, bgp_retry_ms(s, event->random));
    }
    bgp_enter(s, BGP_IDLE, now);
    return actions;
}

static struct bgp_actions bgp_notify(struct bgp_session *s, const struct bgp_event *event, struct mono now,
                                     const struct bgp_error *error)
{
    struct bgp_actions actions = bgp_to_idle(s, event, now);
    if (error != NULL) {
        actions.send_notification = true;
        actions.error = *error;
    }
    return actions;
}

static struct bgp_actions bgp_notify_code(struct bgp_session *s, const struct bgp_event *event,
                                          struct mono now, enum bgp_error_code code, uint8_t subcode)
{
    return bgp_notify(s, event, now, &(struct bgp_error){.code = (uint8_t)code, .subcode = subcode});
}

static struct bgp_actions bgp_start_connection(struct bgp_session *s, const struct bgp_event *event,
                                               struct mono now)
{
    bgp_stop_timers(s);
    s->connect_retry_at = mono_add_ms(now, bgp_connect_retry_ms(s, event->random));
    bgp_enter(s, BGP_CONNECT, now);
    return (struct bgp_actions){.connect = true};
}

/* RFC 4271 8.2.2, Idle state. */
static struct bgp_actions bgp_in_idle(struct bgp_session *s, const struct bgp_event *event, struct mono now)
{
    switch (event->kind) {
    case BGP_EVENT_START:
        return bgp_start_connection(s, event, now);
    case BGP_EVENT_STOP:
        bgp_stop_timers(s);
        s->failures = 0;
        return (struct bgp_actions){0};
    default:
        return (struct bgp_actions){0};
    }
}

/* RFC 4271 8.2.2, Connect state. */
static struct bgp_actions bgp_in_connect(struct bgp_session *s, const struct bgp_event *event,
                                         struct mono now)
{
    struct bgp_actions actions = {0};
    switch (event->kind) {
    case BGP_EVENT_START:
    case BGP_EVENT_SENT:
    case BGP_EVENT_BFD_DOWN:
        return actions;
    case BGP_EVENT_CONNECT_RETRY:
        bgp_count_failure(s, event, now);
        actions = bgp_start_connection(s, event, now);
        actions.close = true;
        return actions;
    case BGP_EVENT_CONNECTED:
        bgp_stop_timers(s);
        s->hold_at = mono_add_ms(now, BGP_OPEN_TIMEOUT_MS);
        bgp_enter(s, BGP_OPEN_SENT, now);
        actions.send_open = true;
        return actions;
    default: /* STOP, CONNECTION_FAILED and whatever can't be */
        return bgp_to_idle(s, event, now);
    }
}

/* RFC 4271 8.2.2, Active state: nobody can reach us, so it only waits. */
static struct bgp_actions bgp_in_active(struct bgp_session *s, const struct bgp_event *event, struct mono now)
{
    switch (event->kind) {
    case BGP_EVENT_START:
    case BGP_EVENT_SENT:
    case BGP_EVENT_BFD_DOWN:
        return (struct bgp_actions){0};
    case BGP_EVENT_CONNECT_RETRY:
        return bgp_start_connection(s, event, now);
    default:
        return bgp_to_idle(s, event, now);
    }
}

static struct bgp_actions bgp_accept_open(struct bgp_session *s, const struct bgp_event *event,
                                          struct mono now)
{
    bgp_stop_timers(s);
    s->peer = *event->open;
    s->open_checked = true;
    s->agreed_hold_s = s->peer.hold_time_s < s->hold_time_s ? s->peer.hold_time_s : s->hold_time_s;
    s->hold_at = mono_add_ms(now, (int64_t)s->agreed_hold_s * 1000);
    s->keepalive_at = mono_add_ms(now, bgp_keepalive_ms(s, event->random));
    bgp_enter(s, BGP_OPEN_CONFIRM, now);
    return (struct bgp_actions){.send_keepalive = true};
}

/* RFC 4271 8.2.2, OpenSent state. */
static struct bgp_actions bgp_in_open_sent(struct bgp_session *s, const struct bgp_event *event,
                                           struct mono now)
{
    struct bgp_actions actions = {0};
    switch (event->kind) {
    case BGP_EVENT_START:
    case BGP_EVENT_SENT:
        return actions;
    case BGP_EVENT_STOP:
    case BGP_EVENT_BAD_MESSAGE:
        return bgp_notify(s, event, now, event->error);
    case BGP_EVENT_HOLD:
        return bgp_notify_code(s, event, now, BGP_ERROR_HOLD_TIMER, 0);
    case BGP_EVENT_BFD_DOWN:
        return bgp_notify_code(s, event, now, BGP_ERROR_CEASE, BGP_CEASE_BFD_DOWN);
    case BGP_EVENT_CONNECTION_FAILED:
        bgp_stop_timers(s);
        bgp_count_failure(s, event, now);
        s->connect_retry_at = mono_add_ms(now, bgp_retry_ms(s, event->random));
        bgp_enter(s, BGP_ACTIVE, now);
        actions.close = true;
        return actions;
    case BGP_EVENT_OPEN:
        return bgp_accept_open(s, event, now);
    case BGP_EVENT_NOTIFICATION:
        return bgp_to_idle(s, event, now);
    default:
        return bgp_notify_code(s, event, now, BGP_ERROR_FSM, BGP_FSM_IN_OPEN_SENT);
    }
}

static struct bgp_actions bgp_establish(struct bgp_session *s, struct mono now)
{
    s->hold_at = mono_add_ms(now, (int64_t)s->agreed_hold_s * 1000);
    s->send_hold_at = mono_add_ms(now, (int64_t)s->agreed_hold_s * 2000);
    bgp_enter(s, BGP_ESTABLISHED, now);
    return (struct bgp_actions){.up = true};
}

static struct bgp_actions bgp_keep_alive(struct bgp_session *s, const struct bgp_event *event,
                                         struct mono now)
{
    s->keepalive_at = mono_add_ms(now, bgp_keepalive_ms(s, event->random));
    return (struct bgp_actions){.send_keepalive = true};
}

/* RFC 4271 8.2.2, OpenConfirm state. */
static struct bgp_actions bgp_in_open_confirm(struct bgp_session *s, const struct bgp_event *event,
                                              struct mono now)
{
    switch (event->kind) {
    case BGP_EVENT_START:
    case BGP_EVENT_SENT:
        return (struct bgp_actions){0};
    case BGP_EVENT_STOP:
    case BGP_EVENT_BAD_MESSAGE:
        return bgp_notify(s, event, now, event->error);
    case BGP_EVENT_HOLD:
        return bgp_notify_code(s, event, now, BGP_ERROR_HOLD_TIMER, 0);
    case BGP_EVENT_BFD_DOWN:
        return bgp_notify_code(s, event, now, BGP_ERROR_CEASE, BGP_CEASE_BFD_DOWN);
    case BGP_EVENT_KEEPALIVE_DUE:
        return bgp_keep_alive(s, event, now);
    case BGP_EVENT_CONNECTION_FAILED:
    case BGP_EVENT_NOTIFICATION:
        return bgp_to_idle(s, event, now);
    case BGP_EVENT_KEEPALIVE:
        return bgp_establish(s, now);
    default:
        return bgp_notify_code(s, event, now, BGP_ERROR_FSM, BGP_FSM_IN_OPEN_CONFIRM);
    }
}

/* RFC 4271 8.2.2, Established state. */
static struct bgp_actions bgp_in_established(struct bgp_session *s, const struct bgp_event *event,
                                             struct mono now)
{
    switch (event->kind) {
    case BGP_EVENT_START:
    case BGP_EVENT_ROUTE_REFRESH:
        return (struct bgp_actions){0};
    case BGP_EVENT_STOP:
    case BGP_EVENT_BAD_MESSAGE:
        return bgp_notify(s, event, now, event->error);
    case BGP_EVENT_HOLD:
        return bgp_notify_code(s, event, now, BGP_ERROR_HOLD_TIMER, 0);
    case BGP_EVENT_BFD_DOWN:
        return bgp_notify_code(s, event, now, BGP_ERROR_CEASE, BGP_CEASE_BFD_DOWN);
    case BGP_EVENT_SEND_HOLD:
        return bgp_notify_code(s, event, now, BGP_ERROR_SEND_HOLD_TIMER, 0);
    case BGP_EVENT_KEEPALIVE_DUE:
        return bgp_keep_alive(s, event, now);
    case BGP_EVENT_CONNECTION_FAILED:
    case BGP_EVENT_NOTIFICATION:
        return bgp_to_idle(s, event, now);
    case BGP_EVENT_KEEPALIVE:
    case BGP_EVENT_UPDATE:
        s->hold_at = mono_add_ms(now, (int64_t)s->agreed_hold_s * 1000);
        return (struct bgp_actions){0};
    case BGP_EVENT_SENT:
        s->send_hold_at = mono_add_ms(now, (int64_t)s->agreed_hold_s * 2000);
        return (struct bgp_actions){0};
    default:
        return bgp_notify_code(s, event, now, BGP_ERROR_FSM, BGP_FSM_IN_ESTABLISHED);
    }
}

struct bgp_actions bgp_fsm_step(struct bgp_session *session, const struct bgp_event *event, struct mono now)
{
    switch (session->state) {
    case BGP_IDLE:
        return bgp_in_idle(session, event, now);
    case BGP_CONNECT:
        return bgp_in_connect(session, event, now);
    case BGP_ACTIVE:
        return bgp_in_active(session, event, now);
    case BGP_OPEN_SENT:
        return bgp_in_open_sent(session, event, now);
    case BGP_OPEN_CONFIRM:
        return bgp_in_open_confirm(session, event, now);
    case BGP_ESTABLISHED:
        return bgp_in_established(session, event, now);
    }
    return (struct bgp_actions){0};
}

void bgp_fsm_init(struct bgp_session *session, uint16_t hold_time_s, struct mono now)
{
    *session = (struct bgp_session){
        .hold_time_s = hold_time_s < HOLD_TIME_LEAST_S ? HOLD_TIME_LEAST_S : hold_time_s, .since = now};
}

struct mono bgp_fsm_deadline(const struct bgp_session *session)
{
    const struct mono all[] = {session->idle_until, session->connect_retry_at, session->hold_at,
                               session->keepalive_at, session->send_hold_at};
    struct mono first = {0};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].ns != 0 && (first.ns == 0 || all[i].ns < first.ns))
            first = all[i];
    return first;
}

bool bgp_fsm_expired(const struct bgp_session *session, struct mono now, enum bgp_event_kind *kind)
{
    const struct {
        struct mono at;
        enum bgp_event_kind kind;
    } timers[] = {
        {session->hold_at, BGP_EVENT_HOLD},
        {session->send_hold_at, BGP_EVENT_SEND_HOLD},
        {session->keepalive_at, BGP_EVENT_KEEPALIVE_DUE},
        {session->connect_retry_at, BGP_EVENT_CONNECT_RETRY},
        {session->idle_until, BGP_EVENT_START},
    };
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
        if (!mono_reached(now, timers[i].at))
            continue;
        *kind = timers[i].kind;
        return true;
    }
    return false;
}

struct bgp_event bgp_fsm_event_of(enum bgp_read_result result, const struct bgp_message *message,
                                  const struct bgp_demand *demand, struct bgp_error *error)
{
    if (result != BGP_READ_MESSAGE)
        return (struct bgp_event){.kind = BGP_EVENT_BAD_MESSAGE, .error = &message->error};
    switch (message->type) {
    case BGP_OPEN:
        if (!bgp_open_check(&message->open, demand, error))
            return (struct bgp_event){.kind = BGP_EVENT_BAD_MESSAGE, .error = error};
        return (struct bgp_event){.kind = BGP_EVENT_OPEN, .open = &message->open};
    case BGP_NOTIFICATION:
        return (struct bgp_event){.kind = BGP_EVENT_NOTIFICATION, .error = &message->error};
    case BGP_KEEPALIVE:
        return (struct bgp_event){.kind = BGP_EVENT_KEEPALIVE};
    case BGP_UPDATE:
        return (struct bgp_event){.kind = BGP_EVENT_UPDATE};
    case BGP_ROUTE_REFRESH:
        break;
    }
    return (struct bgp_event){.kind = BGP_EVENT_ROUTE_REFRESH};
}

const char *bgp_state_name(enum bgp_state state)
{
    static const char *const names[] = {"Idle",     "Connect",     "Active",
                                        "OpenSent", "OpenConfirm", "Established"};
    return names[state];
}
