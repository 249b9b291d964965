/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bgp_fsm.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define KINDS (BGP_EVENT_BFD_DOWN + 1)

static const struct bgp_open peer = {
    .as = 64500, .hold_time_s = 90, .identifier = 1, .families = BGP_IPV4 | BGP_IPV6, .four_octet_as = true};
static const struct bgp_error bad = {.code = BGP_ERROR_HEADER, .subcode = BGP_HEADER_BAD_TYPE};

static struct bgp_session s;
static struct mono now;

static void begin(void)
{
    now = (struct mono){1000000000000};
    bgp_fsm_init(&s, 9, now);
}

static struct bgp_actions step(enum bgp_event_kind kind)
{
    struct bgp_event event = {.kind = kind, .open = &peer, .error = &bad, .random = 0};
    return bgp_fsm_step(&s, &event, now);
}

static void bring_to(enum bgp_state state)
{
    static const enum bgp_event_kind way[] = {BGP_EVENT_START, BGP_EVENT_CONNECTED, BGP_EVENT_OPEN,
                                              BGP_EVENT_KEEPALIVE};
    begin();
    for (size_t i = 0; s.state != state && i < sizeof way / sizeof way[0] && state != BGP_ACTIVE; i++)
        step(way[i]);
    if (state == BGP_ACTIVE) {
        step(BGP_EVENT_START);
        step(BGP_EVENT_CONNECTED);
        step(BGP_EVENT_CONNECTION_FAILED);
    }
    ck_assert_int_eq(s.state, state);
}

/* The table of RFC 4271 8.2.2 as we have it: in `state`, `event` leads to `next` with these actions. */
#define N(code, subcode) ((code) << 8 | (subcode))
enum {
    OPEN = 1,
    KEEPALIVE = 2,
    CLOSE = 4,
    CONNECT = 8,
    UP = 16,
    DOWN = 32,
};

static const struct {
    enum bgp_state state;
    enum bgp_event_kind event;
    enum bgp_state next;
    unsigned actions;
    unsigned notification; /* N(code, subcode) */
} table[] = {
    {BGP_IDLE, BGP_EVENT_START, BGP_CONNECT, CONNECT, 0},
    {BGP_IDLE, BGP_EVENT_STOP, BGP_IDLE, 0, 0},
    {BGP_IDLE, BGP_EVENT_OPEN, BGP_IDLE, 0, 0},
    {BGP_IDLE, BGP_EVENT_HOLD, BGP_IDLE, 0, 0},
    {BGP_IDLE, BGP_EVENT_CONNECTION_FAILED, BGP_IDLE, 0, 0},
    {BGP_IDLE, BGP_EVENT_BFD_DOWN, BGP_IDLE, 0, 0},

    {BGP_CONNECT, BGP_EVENT_START, BGP_CONNECT, 0, 0},
    {BGP_CONNECT, BGP_EVENT_STOP, BGP_IDLE, CLOSE, 0},
    {BGP_CONNECT, BGP_EVENT_CONNECT_RETRY, BGP_CONNECT, CLOSE | CONNECT, 0},
    {BGP_CONNECT, BGP_EVENT_CONNECTED, BGP_OPEN_SENT, OPEN, 0},
    {BGP_CONNECT, BGP_EVENT_CONNECTION_FAILED, BGP_IDLE, CLOSE, 0},
    {BGP_CONNECT, BGP_EVENT_KEEPALIVE, BGP_IDLE, CLOSE, 0},
    {BGP_CONNECT, BGP_EVENT_BFD_DOWN, BGP_CONNECT, 0, 0},

    {BGP_ACTIVE, BGP_EVENT_START, BGP_ACTIVE, 0, 0},
    {BGP_ACTIVE, BGP_EVENT_STOP, BGP_IDLE, 0, 0},
    {BGP_ACTIVE, BGP_EVENT_CONNECT_RETRY, BGP_CONNECT, CONNECT, 0},
    {BGP_ACTIVE, BGP_EVENT_OPEN, BGP_IDLE, 0, 0},
    {BGP_ACTIVE, BGP_EVENT_BFD_DOWN, BGP_ACTIVE, 0, 0},

    {BGP_OPEN_SENT, BGP_EVENT_START, BGP_OPEN_SENT, 0, 0},
    {BGP_OPEN_SENT, BGP_EVENT_STOP, BGP_IDLE, CLOSE, N(1, 3)},
    {BGP_OPEN_SENT, BGP_EVENT_HOLD, BGP_IDLE, CLOSE, N(4, 0)},
    {BGP_OPEN_SENT, BGP_EVENT_CONNECTION_FAILED, BGP_ACTIVE, CLOSE, 0},
    {BGP_OPEN_SENT, BGP_EVENT_OPEN, BGP_OPEN_CONFIRM, KEEPALIVE, 0},
    {BGP_OPEN_SENT, BGP_EVENT_BAD_MESSAGE, BGP_IDLE, CLOSE, N(1, 3)},
    {BGP_OPEN_SENT, BGP_EVENT_NOTIFICATION, BGP_IDLE, CLOSE, 0},
    {BGP_OPEN_SENT, BGP_EVENT_KEEPALIVE, BGP_IDLE, CLOSE, N(5, 1)},
    {BGP_OPEN_SENT, BGP_EVENT_UPDATE, BGP_IDLE, CLOSE, N(5, 1)},
    {BGP_OPEN_SENT, BGP_EVENT_ROUTE_REFRESH, BGP_IDLE, CLOSE, N(5, 1)},
    {BGP_OPEN_SENT, BGP_EVENT_SENT, BGP_OPEN_SENT, 0, 0},
    {BGP_OPEN_SENT, BGP_EVENT_BFD_DOWN, BGP_IDLE, CLOSE, N(6, 10)},

    {BGP_OPEN_CONFIRM, BGP_EVENT_START, BGP_OPEN_CONFIRM, 0, 0},
    {BGP_OPEN_CONFIRM, BGP_EVENT_STOP, BGP_IDLE, CLOSE, N(1, 3)},
    {BGP_OPEN_CONFIRM, BGP_EVENT_HOLD, BGP_IDLE, CLOSE, N(4, 0)},
    {BGP_OPEN_CONFIRM, BGP_EVENT_KEEPALIVE_DUE, BGP_OPEN_CONFIRM, KEEPALIVE, 0},
    {BGP_OPEN_CONFIRM, BGP_EVENT_CONNECTION_FAILED, BGP_IDLE, CLOSE, 0},
    {BGP_OPEN_CONFIRM, BGP_EVENT_OPEN, BGP_IDLE, CLOSE, N(5, 2)},
    {BGP_OPEN_CONFIRM, BGP_EVENT_BAD_MESSAGE, BGP_IDLE, CLOSE, N(1, 3)},
    {BGP_OPEN_CONFIRM, BGP_EVENT_NOTIFICATION, BGP_IDLE, CLOSE, 0},
    {BGP_OPEN_CONFIRM, BGP_EVENT_KEEPALIVE, BGP_ESTABLISHED, UP, 0},
    {BGP_OPEN_CONFIRM, BGP_EVENT_UPDATE, BGP_IDLE, CLOSE, N(5, 2)},
    {BGP_OPEN_CONFIRM, BGP_EVENT_BFD_DOWN, BGP_IDLE, CLOSE, N(6, 10)},

    {BGP_ESTABLISHED, BGP_EVENT_START, BGP_ESTABLISHED, 0, 0},
    {BGP_ESTABLISHED, BGP_EVENT_STOP, BGP_IDLE, CLOSE | DOWN, N(1, 3)},
    {BGP_ESTABLISHED, BGP_EVENT_HOLD, BGP_IDLE, CLOSE | DOWN, N(4, 0)},
    {BGP_ESTABLISHED, BGP_EVENT_SEND_HOLD, BGP_IDLE, CLOSE | DOWN, N(8, 0)},
    {BGP_ESTABLISHED, BGP_EVENT_KEEPALIVE_DUE, BGP_ESTABLISHED, KEEPALIVE, 0},
    {BGP_ESTABLISHED, BGP_EVENT_CONNECTION_FAILED, BGP_IDLE, CLOSE | DOWN, 0},
    {BGP_ESTABLISHED, BGP_EVENT_OPEN, BGP_IDLE, CLOSE | DOWN, N(5, 3)},
    {BGP_ESTABLISHED, BGP_EVENT_BAD_MESSAGE, BGP_IDLE, CLOSE | DOWN, N(1, 3)},
    {BGP_ESTABLISHED, BGP_EVENT_NOTIFICATION, BGP_IDLE, CLOSE | DOWN, 0},
    {BGP_ESTABLISHED, BGP_EVENT_KEEPALIVE, BGP_ESTABLISHED, 0, 0},
    {BGP_ESTABLISHED, BGP_EVENT_UPDATE, BGP_ESTABLISHED, 0, 0},
    {BGP_ESTABLISHED, BGP_EVENT_ROUTE_REFRESH, BGP_ESTABLISHED, 0, 0},
    {BGP_ESTABLISHED, BGP_EVENT_SENT, BGP_ESTABLISHED, 0, 0},
    {BGP_ESTABLISHED, BGP_EVENT_BFD_DOWN, BGP_IDLE, CLOSE | DOWN, N(6, 10)},
};

static unsigned actions_bits(const struct bgp_actions *a)
{
    return (a->send_open ? OPEN : 0u) | (a->send_keepalive ? KEEPALIVE : 0u) | (a->close ? CLOSE : 0u) |
           (a->connect ? CONNECT : 0u) | (a->up ? UP : 0u) | (a->down ? DOWN : 0u);
}

START_TEST(state_and_event)
{
    bring_to(table[_i].state);
    struct bgp_actions actions = step(table[_i].event);
    ck_assert_int_eq(s.state, table[_i].next);
    ck_assert_uint_eq(actions_bits(&actions), table[_i].actions);
    ck_assert_uint_eq(actions.send_notification ? N(actions.error.code, actions.error.subcode) : 0,
                      table[_i].notification);
}
END_TEST

START_TEST(timers_of_an_established_session)
{
    bring_to(BGP_ESTABLISHED);
    ck_assert_uint_eq(s.agreed_hold_s, 9);
    ck_assert_int_eq(mono_ms_between(now, s.hold_at), 9000);
    ck_assert_int_eq(mono_ms_between(now, s.send_hold_at), 18000);
    /* BIRD's hold timer may run out after three quarters: two keepalives may be lost before that. */
    ck_assert_int_le(mono_ms_between(now, s.keepalive_at) * 3, 9000 * 3 / 4);
    now = mono_add_ms(now, 5000);
    step(BGP_EVENT_UPDATE);
    ck_assert_int_eq(mono_ms_between(now, s.hold_at), 9000);
    ck_assert_int_eq(mono_ms_between(now, s.send_hold_at), 13000);
    step(BGP_EVENT_SENT);
    ck_assert_int_eq(mono_ms_between(now, s.send_hold_at), 18000);
}
END_TEST

START_TEST(the_shorter_hold_time_counts)
{
    bgp_fsm_init(&s, 240, now);
    step(BGP_EVENT_START);
    step(BGP_EVENT_CONNECTED);
    step(BGP_EVENT_OPEN);
    ck_assert_uint_eq(s.agreed_hold_s, 90);
}
END_TEST

/* Steps at each deadline until the state is `state`; the milliseconds that took. */
static int64_t wait_for(enum bgp_state state, uint32_t random)
{
    struct mono from = now;
    while (s.state != state) {
        struct bgp_event event = {.random = random};
        struct mono deadline = bgp_fsm_deadline(&s);
        ck_assert_int_ne(deadline.ns, 0);
        now = deadline;
        ck_assert(bgp_fsm_expired(&s, now, &event.kind));
        bgp_fsm_step(&s, &event, now);
    }
    return mono_ms_between(from, now);
}

START_TEST(backing_off)
{
    static const int64_t protocol[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    static const int64_t unreachable[] = {1000, 2000, 4000, 8000, 10000, 10000};
    step(BGP_EVENT_START);
    for (size_t i = 0; i < sizeof protocol / sizeof protocol[0]; i++) {
        step(BGP_EVENT_CONNECTED);
        step(BGP_EVENT_BAD_MESSAGE);
        ck_assert_int_eq(wait_for(BGP_CONNECT, 0), protocol[i]);
    }
    begin();
    step(BGP_EVENT_START);
    for (size_t i = 0; i < sizeof unreachable / sizeof unreachable[0]; i++) {
        step(BGP_EVENT_CONNECTION_FAILED);
        ck_assert_int_eq(wait_for(BGP_CONNECT, 0), unreachable[i]);
    }
}
END_TEST

START_TEST(jitter_takes_at_most_a_quarter)
{
    for (uint32_t random = 0; random < 1024; random++) {
        begin();
        step(BGP_EVENT_START);
        struct bgp_event event = {.kind = BGP_EVENT_CONNECTION_FAILED, .random = random * 4194301u};
        bgp_fsm_step(&s, &event, now);
        int64_t ms = wait_for(BGP_CONNECT, random);
        ck_assert_int_ge(ms, 750);
        ck_assert_int_le(ms, 1000);
    }
}
END_TEST

START_TEST(a_stable_session_forgives)
{
    step(BGP_EVENT_START);
    for (int i = 0; i < 5; i++) {
        step(BGP_EVENT_CONNECTED);
        step(BGP_EVENT_BAD_MESSAGE);
        wait_for(BGP_CONNECT, 0);
    }
    step(BGP_EVENT_CONNECTED);
    step(BGP_EVENT_OPEN);
    step(BGP_EVENT_KEEPALIVE);
    now = mono_add_ms(now, BGP_STABLE_MS);
    step(BGP_EVENT_NOTIFICATION);
    ck_assert_int_eq(wait_for(BGP_CONNECT, 0), 1000);
    step(BGP_EVENT_CONNECTED);
    step(BGP_EVENT_OPEN);
    step(BGP_EVENT_KEEPALIVE);
    now = mono_add_ms(now, BGP_STABLE_MS - 1);
    step(BGP_EVENT_NOTIFICATION);
    ck_assert_int_eq(wait_for(BGP_CONNECT, 0), 2000);
}
END_TEST

START_TEST(a_stopped_session_stays_stopped)
{
    for (enum bgp_state state = BGP_IDLE; state <= BGP_ESTABLISHED; state++) {
        bring_to(state);
        step(BGP_EVENT_STOP);
        ck_assert_int_eq(s.state, BGP_IDLE);
        ck_assert_int_eq(bgp_fsm_deadline(&s).ns, 0);
    }
}
END_TEST

/* --- random events ---------------------------------------------------------------------------------------
 */

static uint32_t seed;

static uint32_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

/* What holds whatever happens, or else what doesn't. `stopped`: by the operator, so that Idle may be without
 * a timer. */
static const char *broken_invariant(enum bgp_state before, const struct bgp_actions *actions, bool stopped)
{
    static const bool connected[] = {false, true, false, true, true, true};
    const struct {
        bool holds;
        const char *what;
    } invariants[] = {
        {s.state < BGP_OPEN_CONFIRM || s.open_checked,
         "no OpenConfirm or Established without a checked OPEN"},
        {actions->up == (before != BGP_ESTABLISHED && s.state == BGP_ESTABLISHED), "up is told exactly once"},
        {actions->down == (before == BGP_ESTABLISHED && s.state != BGP_ESTABLISHED),
         "down is told exactly once"},
        {!actions->up || before == BGP_OPEN_CONFIRM, "Established comes after OpenConfirm"},
        {!actions->send_notification || actions->close, "a NOTIFICATION closes"},
        {!actions->send_notification || actions->error.code != 0, "a NOTIFICATION says why"},
        {!connected[before] || connected[s.state] || actions->close, "no connection is left behind"},
        {!actions->connect || !connected[before] || actions->close, "there is one connection at most"},
        {actions->connect || connected[before] || !connected[s.state], "no state without its connection"},
        {(s.state == BGP_IDLE && stopped) || bgp_fsm_deadline(&s).ns != 0, "something always wakes us"},
        {s.state < BGP_OPEN_SENT || s.hold_at.ns != 0, "the hold timer runs"},
        {s.state < BGP_OPEN_CONFIRM || s.keepalive_at.ns != 0, "the keepalive timer runs"},
        {s.state != BGP_ESTABLISHED || s.send_hold_at.ns != 0, "the send hold timer runs"},
    };
    for (size_t i = 0; i < sizeof invariants / sizeof invariants[0]; i++)
        if (!invariants[i].holds)
            return invariants[i].what;
    return NULL;
}

START_TEST(random_events)
{
    bool stopped = true;
    unsigned established = 0;
    seed = 2463534242u + (uint32_t)_i;
    begin();
    for (int i = 0; i < 200000; i++) {
        enum bgp_state before = s.state;
        struct bgp_event event = {.kind = draw() % KINDS, .open = &peer, .error = &bad, .random = draw()};
        if (draw() % 3 == 0 && !bgp_fsm_expired(&s, now, &event.kind))
            now = mono_add_ms(now, draw() % 4096);
        else if (draw() % 2 == 0 && s.state >= BGP_CONNECT) /* lead it on, or it would never get far */
            event.kind = s.state == BGP_CONNECT     ? BGP_EVENT_CONNECTED
                         : s.state == BGP_OPEN_SENT ? BGP_EVENT_OPEN
                                                    : BGP_EVENT_KEEPALIVE;
        if (event.kind == BGP_EVENT_STOP)
            stopped = true;
        if (event.kind == BGP_EVENT_START)
            stopped = false;
        struct bgp_actions actions = bgp_fsm_step(&s, &event, now);
        const char *broken = broken_invariant(before, &actions, stopped);
        if (broken != NULL)
            ck_abort_msg("%s (%s, event %d)", broken, bgp_state_name(before), event.kind);
        established += actions.up;
    }
    ck_assert_uint_gt(established, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("announce/bgp_fsm");
    TCase *tests = tcase_create("bgp_fsm");
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, state_and_event, 0, sizeof table / sizeof table[0]);
    tcase_add_test(tests, timers_of_an_established_session);
    tcase_add_test(tests, the_shorter_hold_time_counts);
    tcase_add_test(tests, backing_off);
    tcase_add_test(tests, jitter_takes_at_most_a_quarter);
    tcase_add_test(tests, a_stable_session_forgives);
    tcase_add_test(tests, a_stopped_session_stays_stopped);
    tcase_add_loop_test(tests, random_events, 0, 5);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
