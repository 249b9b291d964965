/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bfd_fsm.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define OURS     0x1001
#define THEIRS   0x2002
#define INTERVAL 100000
#define SLOW     BFD_SLOW_US

static struct bfd_fsm f;
static struct mono now;
static uint32_t seed;

static uint32_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static void begin(void)
{
    seed = 2463534242u;
    now = (struct mono){1000000000000};
    bfd_fsm_init(&f, OURS, INTERVAL, 3, now);
}

static void wait_us(int64_t us)
{
    now.ns += us * 1000;
}

static struct bfd_actions step(enum bfd_event_kind kind)
{
    struct bfd_event event = {.kind = kind, .random = draw()};
    return bfd_fsm_step(&f, &event, now);
}

static struct bfd_packet packet_of(enum bfd_state state)
{
    return (struct bfd_packet){.state = state,
                               .multiplier = 3,
                               .my_discriminator = THEIRS,
                               .your_discriminator = OURS,
                               .desired_tx_us = state == BFD_UP ? INTERVAL : SLOW,
                               .required_rx_us = INTERVAL};
}

static struct bfd_actions take(const struct bfd_packet *packet)
{
    struct bfd_event event = {.kind = BFD_EVENT_PACKET, .random = draw(), .packet = packet};
    return bfd_fsm_step(&f, &event, now);
}

static struct bfd_actions hear(enum bfd_state state)
{
    struct bfd_packet packet = packet_of(state);
    return take(&packet);
}

static void bring_to(enum bfd_state state)
{
    begin();
    if (state == BFD_ADMIN_DOWN)
        step(BFD_EVENT_DISABLE);
    if (state == BFD_INIT)
        hear(BFD_DOWN);
    if (state == BFD_UP)
        hear(BFD_INIT);
    ck_assert_int_eq(f.state, state);
}

static void bring_up_with_times_agreed(void)
{
    struct bfd_packet final = packet_of(BFD_UP);
    bring_to(BFD_UP);
    final.final = true;
    take(&final);
    ck_assert(!f.polling);
}

/* --- states ----------------------------------------------------------------------------------------------
 */

enum {
    UP = 1,
    DOWN = 2,
};

/* RFC 5880 6.8.6: in `state`, a packet that says `heard` leads to `next`. */
static const struct {
    enum bfd_state state, heard, next;
    unsigned told;
} table[] = {
    {BFD_ADMIN_DOWN, BFD_ADMIN_DOWN, BFD_ADMIN_DOWN, 0},
    {BFD_ADMIN_DOWN, BFD_DOWN, BFD_ADMIN_DOWN, 0},
    {BFD_ADMIN_DOWN, BFD_INIT, BFD_ADMIN_DOWN, 0},
    {BFD_ADMIN_DOWN, BFD_UP, BFD_ADMIN_DOWN, 0},
    {BFD_DOWN, BFD_ADMIN_DOWN, BFD_DOWN, 0},
    {BFD_DOWN, BFD_DOWN, BFD_INIT, 0},
    {BFD_DOWN, BFD_INIT, BFD_UP, UP},
    {BFD_DOWN, BFD_UP, BFD_DOWN, 0},
    {BFD_INIT, BFD_ADMIN_DOWN, BFD_DOWN, 0},
    {BFD_INIT, BFD_DOWN, BFD_INIT, 0},
    {BFD_INIT, BFD_INIT, BFD_UP, UP},
    {BFD_INIT, BFD_UP, BFD_UP, UP},
    {BFD_UP, BFD_ADMIN_DOWN, BFD_DOWN, 0}, /* by the peer's wish: no failure */
    {BFD_UP, BFD_DOWN, BFD_DOWN, DOWN},
    {BFD_UP, BFD_INIT, BFD_UP, 0},
    {BFD_UP, BFD_UP, BFD_UP, 0},
};

START_TEST(state_and_packet)
{
    bring_to(table[_i].state);
    struct bfd_actions actions = hear(table[_i].heard);
    ck_assert_int_eq(f.state, table[_i].next);
    ck_assert_uint_eq((actions.up ? UP : 0u) | (actions.down ? DOWN : 0u), table[_i].told);
    ck_assert(actions.send == (table[_i].next != table[_i].state)); /* what is new is told at once */
    ck_assert(!actions.send || actions.packet.state == f.state);
}
END_TEST

START_TEST(packets_of_another_session_are_not_heard)
{
    static const enum bfd_state states[] = {BFD_ADMIN_DOWN, BFD_DOWN, BFD_INIT, BFD_UP};
    struct bfd_packet packet = packet_of(states[_i]);
    packet.your_discriminator = OURS + 1;
    bring_to(BFD_UP);
    struct bfd_fsm before = f;
    take(&packet);
    ck_assert_mem_eq(&before, &f, sizeof f);
    bring_to(BFD_DOWN);
    take(&packet);
    ck_assert_int_eq(f.state, BFD_DOWN);
    ck_assert_uint_eq(f.your_discriminator, 0);
}
END_TEST

START_TEST(diagnostics)
{
    bring_to(BFD_UP);
    ck_assert_uint_eq(f.diagnostic, BFD_DIAG_NONE);
    hear(BFD_DOWN);
    ck_assert_uint_eq(f.diagnostic, BFD_DIAG_NEIGHBOR_DOWN);
    bring_to(BFD_UP);
    wait_us(1000000000);
    step(BFD_EVENT_TIMER);
    ck_assert_uint_eq(f.diagnostic, BFD_DIAG_EXPIRED);
    bring_to(BFD_ADMIN_DOWN);
    ck_assert_uint_eq(f.diagnostic, BFD_DIAG_ADMIN_DOWN);
}
END_TEST

/* --- time ------------------------------------------------------------------------------------------------
 */

START_TEST(the_first_packet_is_due_at_once)
{
    struct bfd_actions actions = step(BFD_EVENT_TIMER);
    ck_assert(actions.send);
    ck_assert_int_eq(actions.packet.state, BFD_DOWN);
    ck_assert_uint_eq(actions.packet.my_discriminator, OURS);
    ck_assert_uint_eq(actions.packet.your_discriminator, 0);
    ck_assert_uint_eq(actions.packet.desired_tx_us, SLOW);
    ck_assert_uint_eq(actions.packet.required_rx_us, INTERVAL);
    ck_assert_uint_eq(actions.packet.multiplier, 3);
    ck_assert(!step(BFD_EVENT_TIMER).send);
}
END_TEST

/* The shortest and longest of many gaps between periodic packets, in microseconds. */
static void measure_gaps(int64_t *least, int64_t *most)
{
    struct mono last = {0};
    *least = INT64_MAX;
    *most = 0;
    for (int i = 0; i < 3000; i++) {
        struct mono deadline = f.send_at;
        ck_assert_int_ne(deadline.ns, 0);
        now = deadline;
        f.detect_at = mono_add_ms(now, 1000000);
        ck_assert(step(BFD_EVENT_TIMER).send);
        int64_t gap = (now.ns - last.ns) / 1000;
        if (last.ns != 0 && gap < *least)
            *least = gap;
        if (last.ns != 0 && gap > *most)
            *most = gap;
        last = now;
    }
}

/* RFC 5880 6.8.7. */
static const struct {
    enum bfd_state state;
    uint8_t multiplier;
    uint32_t wanted_by_peer_us;
    int64_t least, most;
} gaps[] = {
    {BFD_DOWN, 3, INTERVAL, 750000, 1000000},
    {BFD_DOWN, 1, INTERVAL, 750000, 900000},
    {BFD_INIT, 3, INTERVAL, 750000, 1000000},
    {BFD_UP, 3, 1, 75000, 100000},
    {BFD_UP, 1, 1, 75000, 90000},
    {BFD_UP, 255, 1, 75000, 100000},
    {BFD_UP, 3, 300000, 225000, 300000},
    {BFD_UP, 3, 2000000, 1500000, 2000000},
};

START_TEST(jitter)
{
    int64_t least, most;
    bring_to(gaps[_i].state);
    f.multiplier = gaps[_i].multiplier;
    struct bfd_packet packet = packet_of(gaps[_i].state);
    packet.required_rx_us = gaps[_i].wanted_by_peer_us;
    packet.state = gaps[_i].state == BFD_UP ? BFD_UP : gaps[_i].state == BFD_INIT ? BFD_DOWN : BFD_UP;
    take(&packet);
    measure_gaps(&least, &most);
    ck_assert_int_ge(least, gaps[_i].least);
    ck_assert_int_le(most, gaps[_i].most);
    ck_assert_int_lt(least, gaps[_i].least + (gaps[_i].most - gaps[_i].least) / 10); /* all of it is used */
    ck_assert_int_gt(most, gaps[_i].most - (gaps[_i].most - gaps[_i].least) / 10);
}
END_TEST

/* RFC 5880 6.8.4: the peer's multiplier, and what the slower of both says. */
static const struct {
    uint8_t multiplier;
    uint32_t peer_us;
    int64_t us;
} detections[] = {
    {3, INTERVAL, 300000}, {3, 1, 300000},         {3, 0, 300000},
    {1, INTERVAL, 100000}, {255, 10000, 25500000}, {5, 400000, 2000000},
};

START_TEST(detection_time)
{
    bring_up_with_times_agreed();
    struct bfd_packet packet = packet_of(BFD_UP);
    packet.multiplier = detections[_i].multiplier;
    packet.desired_tx_us = detections[_i].peer_us;
    take(&packet);
    ck_assert_uint_eq(bfd_fsm_detection_us(&f), (uint64_t)detections[_i].us);
    wait_us(detections[_i].us - 1);
    ck_assert(!step(BFD_EVENT_TIMER).down);
    ck_assert_int_eq(f.state, BFD_UP);
    wait_us(1);
    struct bfd_actions actions = step(BFD_EVENT_TIMER);
    ck_assert(actions.down && actions.send);
    ck_assert_int_eq(actions.packet.state, BFD_DOWN);
    ck_assert_uint_eq(actions.packet.diagnostic, BFD_DIAG_EXPIRED);
    ck_assert_uint_eq(actions.packet.your_discriminator, 0);
    ck_assert_uint_eq(actions.packet.desired_tx_us, SLOW);
}
END_TEST

START_TEST(every_packet_keeps_it_up)
{
    bring_up_with_times_agreed();
    for (int i = 0; i < 1000; i++) {
        wait_us(299999);
        ck_assert(!step(BFD_EVENT_TIMER).down);
        hear(BFD_UP);
    }
    ck_assert_int_eq(f.state, BFD_UP);
}
END_TEST

START_TEST(a_peer_that_is_gone_is_forgotten_in_every_state)
{
    for (enum bfd_state state = BFD_ADMIN_DOWN; state <= BFD_UP; state++) {
        bring_to(state);
        hear(state == BFD_UP ? BFD_UP : BFD_ADMIN_DOWN);
        ck_assert_uint_eq(f.your_discriminator, THEIRS);
        wait_us(10000000);
        step(BFD_EVENT_TIMER);
        ck_assert_uint_eq(f.your_discriminator, 0);
        ck_assert_int_eq(f.state, state == BFD_ADMIN_DOWN ? BFD_ADMIN_DOWN : BFD_DOWN);
    }
}
END_TEST

START_TEST(a_peer_that_wants_no_packets_gets_none)
{
    struct bfd_packet packet = packet_of(BFD_UP);
    bring_up_with_times_agreed();
    packet.required_rx_us = 0;
    take(&packet);
    ck_assert_int_eq(f.send_at.ns, 0);
    ck_assert_int_ne(bfd_fsm_deadline(&f).ns, 0);
    hear(BFD_UP);
    ck_assert_int_ne(f.send_at.ns, 0);
}
END_TEST

START_TEST(a_peer_in_demand_mode_gets_polls_alone)
{
    struct bfd_packet packet = packet_of(BFD_UP);
    bring_to(BFD_UP);
    packet.demand = true;
    take(&packet);
    ck_assert(f.polling);
    ck_assert_int_ne(f.send_at.ns, 0);
    packet.final = true;
    take(&packet);
    ck_assert(!f.polling);
    ck_assert_int_eq(f.send_at.ns, 0);
}
END_TEST

/* --- polls -----------------------------------------------------------------------------------------------
 */

START_TEST(a_poll_is_answered_at_once)
{
    struct bfd_packet packet = packet_of(BFD_UP);
    bring_to(BFD_UP);
    packet.poll = true;
    struct bfd_actions actions = take(&packet);
    ck_assert(actions.send && actions.packet.final && !actions.packet.poll);
    bring_to(BFD_ADMIN_DOWN);
    ck_assert(!take(&packet).send);
}
END_TEST

START_TEST(coming_up_begins_a_poll)
{
    struct bfd_packet final = packet_of(BFD_UP);
    bring_to(BFD_INIT);
    struct bfd_actions actions = hear(BFD_UP);
    ck_assert(actions.packet.poll && !actions.packet.final);
    ck_assert_uint_eq(actions.packet.desired_tx_us, INTERVAL);
    wait_us(INTERVAL);
    ck_assert(step(BFD_EVENT_TIMER).packet.poll); /* until the answer */
    final.final = true;
    take(&final);
    wait_us(INTERVAL);
    actions = step(BFD_EVENT_TIMER);
    ck_assert(actions.send && !actions.packet.poll);
}
END_TEST

static struct bfd_actions set_times(uint32_t interval_us, uint8_t multiplier)
{
    struct bfd_event event = {
        .kind = BFD_EVENT_TIMES, .random = draw(), .interval_us = interval_us, .multiplier = multiplier};
    return bfd_fsm_step(&f, &event, now);
}

START_TEST(a_slower_pace_waits_for_the_end_of_the_poll)
{
    struct bfd_packet final = packet_of(BFD_UP);
    bring_up_with_times_agreed();
    set_times(500000, 3);
    ck_assert(f.polling);
    ck_assert_uint_eq(f.desired_tx_us, 500000);
    ck_assert_uint_eq(bfd_fsm_transmit_us(&f), INTERVAL);    /* the peer still waits by the old one */
    ck_assert_uint_eq(bfd_fsm_detection_us(&f), 3 * 500000); /* and may send by the new one already */
    final.final = true;
    take(&final);
    ck_assert_uint_eq(bfd_fsm_transmit_us(&f), 500000);
}
END_TEST

START_TEST(a_quicker_pace_waits_longer_until_the_end_of_the_poll)
{
    struct bfd_packet final = packet_of(BFD_UP);
    final.final = true;
    bring_up_with_times_agreed();
    set_times(20000, 3);
    ck_assert_uint_eq(bfd_fsm_transmit_us(&f), INTERVAL); /* the peer doesn't want more */
    ck_assert_uint_eq(bfd_fsm_detection_us(&f), 3 * INTERVAL);
    final.required_rx_us = final.desired_tx_us = 20000;
    take(&final);
    ck_assert_uint_eq(bfd_fsm_transmit_us(&f), 20000);
    ck_assert_uint_eq(bfd_fsm_detection_us(&f), 3 * 20000);
}
END_TEST

START_TEST(a_change_during_a_poll_takes_another)
{
    struct bfd_packet final = packet_of(BFD_UP);
    final.final = true;
    bring_up_with_times_agreed();
    set_times(500000, 3);
    set_times(700000, 3);
    take(&final);
    ck_assert(f.polling);
    ck_assert_uint_eq(bfd_fsm_transmit_us(&f), INTERVAL);
    take(&final);
    ck_assert(!f.polling);
    ck_assert_uint_eq(bfd_fsm_transmit_us(&f), 700000);
}
END_TEST

/* --- wishes ----------------------------------------------------------------------------------------------
 */

START_TEST(admin_down_is_said_a_few_times_at_the_old_pace)
{
    bring_up_with_times_agreed();
    struct bfd_actions actions = step(BFD_EVENT_DISABLE);
    ck_assert(actions.send && !actions.down);
    ck_assert_int_eq(actions.packet.state, BFD_ADMIN_DOWN);
    ck_assert_uint_eq(actions.packet.diagnostic, BFD_DIAG_ADMIN_DOWN);
    for (int i = 0; i < 3; i++) {
        ck_assert(!bfd_fsm_has_said_farewell(&f));
        wait_us(INTERVAL);
        ck_assert(step(BFD_EVENT_TIMER).send);
        hear(BFD_DOWN);
    }
    ck_assert(bfd_fsm_has_said_farewell(&f));
    wait_us(SLOW / 2);
    ck_assert(!step(BFD_EVENT_TIMER).send);
    wait_us(SLOW / 2);
    ck_assert(step(BFD_EVENT_TIMER).send);
}
END_TEST

START_TEST(there_is_no_farewell_to_nobody)
{
    step(BFD_EVENT_DISABLE);
    ck_assert(bfd_fsm_has_said_farewell(&f));
}
END_TEST

START_TEST(muted_nothing_is_sent)
{
    struct bfd_packet poll = packet_of(BFD_UP);
    bring_up_with_times_agreed();
    ck_assert(!step(BFD_EVENT_MUTE).send);
    poll.poll = true;
    ck_assert(!take(&poll).send);
    wait_us(INTERVAL);
    ck_assert(!step(BFD_EVENT_TIMER).send);
    ck_assert_int_ne(bfd_fsm_deadline(&f).ns, 0);
    ck_assert(hear(BFD_DOWN).down); /* but heard */
    struct bfd_actions actions = step(BFD_EVENT_UNMUTE);
    ck_assert(actions.send);
    ck_assert_int_eq(actions.packet.state, BFD_DOWN);
    ck_assert(!step(BFD_EVENT_UNMUTE).send);
}
END_TEST

/* --- two machines ----------------------------------------------------------------------------------------
 */

struct pair {
    struct bfd_fsm ends[2];
    struct mono now;
    bool cut[2]; /* what this end sends is lost */
    unsigned up[2], down[2];
};

static void pair_step(struct pair *p, int end, struct bfd_event event, int depth)
{
    event.random = draw();
    struct bfd_actions actions = bfd_fsm_step(&p->ends[end], &event, p->now);
    p->up[end] += actions.up;
    p->down[end] += actions.down;
    ck_assert_int_lt(depth, 20); /* no storm of packets that answer packets */
    if (actions.send && !p->cut[end])
        pair_step(p, !end, (struct bfd_event){.kind = BFD_EVENT_PACKET, .packet = &actions.packet},
                  depth + 1);
}

static void pair_run(struct pair *p, int64_t ms)
{
    struct mono until = mono_add_ms(p->now, ms);
    for (;;) {
        struct mono deadlines[2] = {bfd_fsm_deadline(&p->ends[0]), bfd_fsm_deadline(&p->ends[1])};
        int end = deadlines[1].ns < deadlines[0].ns;
        ck_assert_int_ne(deadlines[end].ns, 0);
        if (deadlines[end].ns > until.ns)
            break;
        p->now = deadlines[end];
        pair_step(p, end, (struct bfd_event){.kind = BFD_EVENT_TIMER}, 0);
    }
    p->now = until;
}

static struct pair pair_new(uint32_t a_us, uint8_t a_multiplier, uint32_t b_us, uint8_t b_multiplier)
{
    struct pair p = {.now = {1000000000}};
    bfd_fsm_init(&p.ends[0], OURS, a_us, a_multiplier, p.now);
    bfd_fsm_init(&p.ends[1], THEIRS, b_us, b_multiplier, p.now);
    return p;
}

START_TEST(two_come_up_and_agree)
{
    struct pair p = pair_new(100000, 3, 300000, 5);
    pair_run(&p, 5000);
    for (int end = 0; end < 2; end++) {
        ck_assert_int_eq(p.ends[end].state, BFD_UP);
        ck_assert(!p.ends[end].polling);
        ck_assert_uint_eq(bfd_fsm_transmit_us(&p.ends[end]), 300000);
    }
    ck_assert_uint_eq(bfd_fsm_detection_us(&p.ends[0]), 1500000);
    ck_assert_uint_eq(bfd_fsm_detection_us(&p.ends[1]), 900000);
    pair_run(&p, 3600000);
    ck_assert_uint_eq(p.up[0] + p.up[1], 2);
    ck_assert_uint_eq(p.down[0] + p.down[1], 0);
}
END_TEST

START_TEST(silence_of_one_takes_both_down_within_the_detection_time)
{
    struct pair p = pair_new(100000, 3, 100000, 3);
    pair_run(&p, 5000);
    p.cut[0] = true;
    pair_run(&p, 301);
    ck_assert_uint_eq(p.down[1], 1);
    ck_assert_uint_eq(p.down[0], 1); /* it has been told */
    pair_run(&p, 10000);
    ck_assert_uint_eq(p.up[0] + p.up[1], 2);
    p.cut[0] = false;
    pair_run(&p, 3000);
    ck_assert_uint_eq(p.up[0], 2);
    ck_assert_uint_eq(p.up[1], 2);
}
END_TEST

START_TEST(a_mute_one_is_found_out)
{
    struct pair p = pair_new(100000, 3, 100000, 3);
    pair_run(&p, 5000);
    pair_step(&p, 0, (struct bfd_event){.kind = BFD_EVENT_MUTE}, 0);
    pair_run(&p, 301);
    ck_assert_uint_eq(p.down[1], 1);
    pair_step(&p, 0, (struct bfd_event){.kind = BFD_EVENT_UNMUTE}, 0);
    pair_run(&p, 3000);
    ck_assert_int_eq(p.ends[1].state, BFD_UP);
}
END_TEST

START_TEST(a_wish_is_no_failure_at_either_end)
{
    struct pair p = pair_new(100000, 3, 100000, 3);
    pair_run(&p, 5000);
    pair_step(&p, 0, (struct bfd_event){.kind = BFD_EVENT_DISABLE}, 0);
    pair_run(&p, 60000);
    ck_assert_int_eq(p.ends[0].state, BFD_ADMIN_DOWN);
    ck_assert_int_eq(p.ends[1].state, BFD_DOWN);
    ck_assert_int_eq(p.ends[1].remote_state, BFD_ADMIN_DOWN);
    ck_assert_uint_eq(p.down[0] + p.down[1], 0);
}
END_TEST

START_TEST(other_times_do_not_take_it_down)
{
    static const uint32_t intervals[] = {500000, 10000, 2000000, 100000};
    struct pair p = pair_new(100000, 3, 50000, 3);
    pair_run(&p, 5000);
    for (size_t i = 0; i < 4; i++) {
        struct bfd_event event = {.kind = BFD_EVENT_TIMES, .interval_us = intervals[i], .multiplier = 3};
        pair_step(&p, 0, event, 0);
        pair_run(&p, 20000);
        ck_assert_uint_eq(bfd_fsm_transmit_us(&p.ends[0]), intervals[i] > 50000 ? intervals[i] : 50000);
    }
    ck_assert_uint_eq(p.down[0] + p.down[1], 0);
    ck_assert_uint_eq(p.up[0], 1);
}
END_TEST

START_TEST(a_peer_that_starts_anew_is_found_again)
{
    struct pair p = pair_new(100000, 3, 100000, 3);
    pair_run(&p, 5000);
    bfd_fsm_init(&p.ends[1], THEIRS + 1, 100000, 3, p.now);
    pair_run(&p, 5000);
    ck_assert_uint_eq(p.down[0], 1);
    ck_assert_int_eq(p.ends[0].state, BFD_UP);
    ck_assert_uint_eq(p.ends[0].your_discriminator, THEIRS + 1);
}
END_TEST

/* --- random events ---------------------------------------------------------------------------------------
 */

static struct bfd_packet draw_packet(void)
{
    static const uint32_t times[] = {0, 1, 10000, INTERVAL, SLOW, UINT32_MAX};
    return (struct bfd_packet){
        .diagnostic = draw() % 32,
        .state = draw() % 4,
        .poll = draw() % 4 == 0,
        .final = draw() % 4 == 0,
        .demand = draw() % 8 == 0,
        .multiplier = (uint8_t)(1 + draw() % 255),
        .my_discriminator = THEIRS + draw() % 2,
        .your_discriminator = draw() % 8 == 0 ? 0 : OURS + (draw() % 8 == 0),
        .desired_tx_us = times[draw() % 6],
        .required_rx_us = times[draw() % 6],
    };
}

static bool is_readable(const struct bfd_packet *packet)
{
    uint8_t bytes[BFD_PACKET_OCTETS];
    struct bfd_packet read;
    struct writer to = writer_to(bytes, sizeof bytes);
    bfd_write(&to, packet);
    return !to.failed && bfd_read(bytes, writer_offset(&to), &read);
}

/* What holds whatever happens, or else what doesn't. */
static const char *broken_invariant(const struct bfd_fsm *before, const struct bfd_event *event,
                                    const struct bfd_actions *a)
{
    bool packet = event->kind == BFD_EVENT_PACKET;
    bool came_up = before->state != BFD_UP && f.state == BFD_UP;
    bool shook_hands = packet && event->packet->your_discriminator == OURS &&
                       ((before->state == BFD_DOWN && event->packet->state == BFD_INIT) ||
                        (before->state == BFD_INIT && event->packet->state >= BFD_INIT));
    const struct {
        bool holds;
        const char *what;
    } invariants[] = {
        {!came_up || shook_hands, "nothing comes up without a peer that has heard us"},
        {a->up == came_up, "up is told exactly once"},
        {!a->down || (before->state == BFD_UP && f.state == BFD_DOWN), "down comes after up"},
        {bfd_fsm_deadline(&f).ns != 0, "something always wakes us"},
        {f.state < BFD_INIT || f.detect_at.ns != 0, "whoever is heard can be missed"},
        {f.state < BFD_INIT || f.your_discriminator != 0, "whoever is heard has a name"},
        {f.state == BFD_UP || f.desired_tx_us >= BFD_SLOW_US, "slow until it is up"},
        {f.state != BFD_UP || f.desired_tx_us == f.interval_us, "as wanted when it is up"},
        {!f.muted || !a->send, "nothing is sent when muted"},
        {!a->send || is_readable(&a->packet), "what is sent can be read"},
        {!a->send || !a->packet.poll || !a->packet.final, "poll or final, not both"},
        {!a->send || a->packet.state == f.state, "the state that is told is the state"},
        {!f.polling || f.your_discriminator != 0, "a poll has somebody to answer it"},
        {f.send_at.ns == 0 || f.send_at.ns <= now.ns + (int64_t)f.spacing_us * 1000, "sent in time"},
        {before->state != BFD_ADMIN_DOWN || f.state == BFD_ADMIN_DOWN, "what is disabled stays so"},
    };
    for (size_t i = 0; i < sizeof invariants / sizeof invariants[0]; i++)
        if (!invariants[i].holds)
            return invariants[i].what;
    return NULL;
}

START_TEST(random_events)
{
    unsigned ups = 0;
    begin();
    seed += (uint32_t)_i;
    for (int i = 0; i < 200000; i++) {
        struct bfd_packet packet = draw_packet();
        struct bfd_event event = {.kind = draw() % 4 != 0 ? draw() % 2 : draw() % (BFD_EVENT_TIMES + 1),
                                  .random = draw(),
                                  .packet = &packet,
                                  .interval_us = 10000 + draw() % 60000000,
                                  .multiplier = (uint8_t)(1 + draw() % 255)};
        if (f.state == BFD_ADMIN_DOWN && draw() % 16 == 0)
            bfd_fsm_init(&f, OURS, INTERVAL, 3, now);
        struct bfd_fsm before = f;
        if (event.kind == BFD_EVENT_TIMER)
            now = draw() % 4 == 0 ? mono_add_ms(now, draw() % 4096) : bfd_fsm_deadline(&f);
        if (now.ns < before.since.ns)
            now = before.since;
        struct bfd_actions actions = bfd_fsm_step(&f, &event, now);
        const char *broken = broken_invariant(&before, &event, &actions);
        if (broken != NULL)
            ck_abort_msg("%s (%s, event %d)", broken, bfd_state_name(before.state), event.kind);
        ups += actions.up;
    }
    ck_assert_uint_gt(ups, 100);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, state_and_packet, 0, sizeof table / sizeof table[0]);
    tcase_add_loop_test(tests, packets_of_another_session_are_not_heard, 0, 4);
    tcase_add_test(tests, diagnostics);
    tcase_add_test(tests, the_first_packet_is_due_at_once);
    tcase_add_loop_test(tests, jitter, 0, sizeof gaps / sizeof gaps[0]);
    tcase_add_loop_test(tests, detection_time, 0, sizeof detections / sizeof detections[0]);
    tcase_add_test(tests, every_packet_keeps_it_up);
    tcase_add_test(tests, a_peer_that_is_gone_is_forgotten_in_every_state);
    tcase_add_test(tests, a_peer_that_wants_no_packets_gets_none);
    tcase_add_test(tests, a_peer_in_demand_mode_gets_polls_alone);
    tcase_add_test(tests, a_poll_is_answered_at_once);
    tcase_add_test(tests, coming_up_begins_a_poll);
    tcase_add_test(tests, a_slower_pace_waits_for_the_end_of_the_poll);
    tcase_add_test(tests, a_quicker_pace_waits_longer_until_the_end_of_the_poll);
    tcase_add_test(tests, a_change_during_a_poll_takes_another);
    tcase_add_test(tests, admin_down_is_said_a_few_times_at_the_old_pace);
    tcase_add_test(tests, there_is_no_farewell_to_nobody);
    tcase_add_test(tests, muted_nothing_is_sent);
    tcase_add_test(tests, two_come_up_and_agree);
    tcase_add_test(tests, silence_of_one_takes_both_down_within_the_detection_time);
    tcase_add_test(tests, a_mute_one_is_found_out);
    tcase_add_test(tests, a_wish_is_no_failure_at_either_end);
    tcase_add_test(tests, other_times_do_not_take_it_down);
    tcase_add_test(tests, a_peer_that_starts_anew_is_found_again);
    tcase_add_loop_test(tests, random_events, 0, 5);
}

int main(void)
{
    Suite *suite = suite_create("announce/bfd_fsm");
    TCase *tests = tcase_create("bfd_fsm");
    tcase_add_checked_fixture(tests, begin, NULL);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
