/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bfd_fsm.h"

static struct mono bfd_add_us(struct mono t, uint64_t us)
{
    return (struct mono){t.ns + (int64_t)us * 1000};
}

static uint32_t bfd_most(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* 75 to 100 % of the interval; at most 90 % when a single lost packet is a failure (6.8.7). */
static uint64_t bfd_jitter(uint32_t us, uint8_t multiplier, uint32_t random)
{
    uint64_t range = (uint64_t)us * (multiplier == 1 ? 15 : 25) / 100;
    return us - (uint64_t)us * (multiplier == 1 ? 10 : 0) / 100 - range * (random % 1024) / 1023;
}

uint32_t bfd_fsm_transmit_us(const struct bfd_fsm *f)
{
    if (f->remote_rx_us == 0)
        return 0;
    return bfd_most(f->farewells > 0 ? f->farewell_us : f->tx_us, f->remote_rx_us);
}

uint64_t bfd_fsm_detection_us(const struct bfd_fsm *f)
{
    return (uint64_t)f->remote_multiplier * bfd_most(f->rx_us, f->remote_tx_us);
}

/* 6.8.7: a peer may want none, or only those that belong to a poll. */
static bool bfd_sends_periodically(const struct bfd_fsm *f)
{
    bool demanded = f->remote_demand && f->state == BFD_UP && f->remote_state == BFD_UP;
    return f->remote_rx_us != 0 && (!demanded || f->polling);
}

/* Plans the next periodic packet anew when what it was planned by has changed. */
static void bfd_plan(struct bfd_fsm *f, uint32_t random, struct mono now)
{
    uint32_t spacing_us = bfd_sends_periodically(f) ? bfd_fsm_transmit_us(f) : 0;
    if (spacing_us == f->spacing_us)
        return;
    f->spacing_us = spacing_us;
    f->send_at = (struct mono){0};
    if (spacing_us == 0)
        return;
    f->send_at = bfd_add_us(f->sent_at, bfd_jitter(spacing_us, f->multiplier, random));
    if (f->send_at.ns < now.ns)
        f->send_at = now;
}

static struct bfd_packet bfd_packet_of(const struct bfd_fsm *f, bool final)
{
    return (struct bfd_packet){
        .diagnostic = f->diagnostic,
        .state = f->state,
        .poll = f->polling && !final,
        .final = final,
        .multiplier = f->multiplier,
        .my_discriminator = f->my_discriminator,
        .your_discriminator = f->your_discriminator,
        .desired_tx_us = f->desired_tx_us,
        .required_rx_us = f->required_rx_us,
    };
}

/* A new interval is told by a poll. Until that ends the peer may still go by the old one, so while the
 * session is up the quicker of both is sent and the slower of both is waited for (6.8.3). */
static void bfd_propose(struct bfd_fsm *f, uint32_t desired_tx_us, uint32_t required_rx_us)
{
    bool up = f->state == BFD_UP;
    if (f->desired_tx_us == desired_tx_us && f->required_rx_us == required_rx_us)
        return;
    f->desired_tx_us = desired_tx_us;
    f->required_rx_us = required_rx_us;
    f->tx_us = up && f->tx_us < desired_tx_us ? f->tx_us : desired_tx_us;
    f->rx_us = up && f->rx_us > required_rx_us ? f->rx_us : required_rx_us;
    f->poll_again = f->polling;
    f->polling = f->your_discriminator != 0;
}

static void bfd_end_poll(struct bfd_fsm *f)
{
    f->polling = f->poll_again;
    f->poll_again = false;
    if (f->polling)
        return;
    f->tx_us = f->desired_tx_us;
    f->rx_us = f->required_rx_us;
}

static void bfd_enter(struct bfd_fsm *f, enum bfd_state state, enum bfd_diagnostic why,
                      struct bfd_actions *actions, struct mono now)
{
    if (f->state == state)
        return;
    bool was_up = f->state == BFD_UP;
    f->state = state;
    f->diagnostic = (uint8_t)why;
    f->since = now;
    f->farewells = 0;
    bfd_propose(f, state == BFD_UP ? f->interval_us : bfd_most(f->interval_us, BFD_SLOW_US), f->interval_us);
    actions->send = true; /* 6.8.7: what is new is told at once */
    actions->up = state == BFD_UP;
    actions->down = was_up && state == BFD_DOWN && f->remote_state != BFD_ADMIN_DOWN;
}

/* As before the first packet. */
static void bfd_forget_peer(struct bfd_fsm *f)
{
    f->remote_state = BFD_DOWN;
    f->remote_demand = false;
    f->remote_multiplier = 0;
    f->your_discriminator = 0;
    f->remote_tx_us = 0;
    f->remote_rx_us = 1;
    f->polling = f->poll_again = false;
    f->tx_us = f->desired_tx_us;
    f->rx_us = f->required_rx_us;
    f->farewells = 0;
    f->detect_at = (struct mono){0};
}

/* The table of 6.8.6. */
static void bfd_follow_peer(struct bfd_fsm *f, struct bfd_actions *actions, struct mono now)
{
    switch (f->state) {
    case BFD_ADMIN_DOWN:
        return;
    case BFD_DOWN:
        if (f->remote_state == BFD_DOWN)
            bfd_enter(f, BFD_INIT, BFD_DIAG_NONE, actions, now);
        else if (f->remote_state == BFD_INIT)
            bfd_enter(f, BFD_UP, BFD_DIAG_NONE, actions, now);
        return;
    case BFD_INIT:
        if (f->remote_state == BFD_ADMIN_DOWN)
            bfd_enter(f, BFD_DOWN, BFD_DIAG_NEIGHBOR_DOWN, actions, now);
        else if (f->remote_state != BFD_DOWN)
            bfd_enter(f, BFD_UP, BFD_DIAG_NONE, actions, now);
        return;
    case BFD_UP:
        if (f->remote_state <= BFD_DOWN)
            bfd_enter(f, BFD_DOWN, BFD_DIAG_NEIGHBOR_DOWN, actions, now);
        return;
    }
}

static void bfd_take_packet(struct bfd_fsm *f, const struct bfd_packet *packet, struct bfd_actions *actions,
                            struct mono now)
{
    bool ours = packet->your_discriminator == f->my_discriminator;
    if (!ours && (packet->your_discriminator != 0 || packet->state > BFD_DOWN))
        return; /* meant for a session before this one */
    f->your_discriminator = packet->my_discriminator;
    f->remote_state = packet->state;
    f->remote_diagnostic = packet->diagnostic;
    f->remote_demand = packet->demand;
    f->remote_multiplier = packet->multiplier;
    f->remote_tx_us = packet->desired_tx_us;
    f->remote_rx_us = packet->required_rx_us;
    if (packet->final && f->polling)
        bfd_end_poll(f);
    bfd_follow_peer(f, actions, now);
    f->detect_at = bfd_add_us(now, bfd_fsm_detection_us(f));
    if (packet->poll && f->state != BFD_ADMIN_DOWN)
        actions->send = actions->final = true;
}

static void bfd_send_periodic(struct bfd_fsm *f, uint32_t random, struct bfd_actions *actions,
                              struct mono now)
{
    f->sent_at = now;
    if (f->farewells > 0)
        f->farewells--;
    f->spacing_us = bfd_sends_periodically(f) ? bfd_fsm_transmit_us(f) : 0;
    f->send_at = (struct mono){0};
    if (f->spacing_us > 0)
        f->send_at = bfd_add_us(now, bfd_jitter(f->spacing_us, f->multiplier, random));
    actions->send = true;
}

static void bfd_take_time(struct bfd_fsm *f, uint32_t random, struct bfd_actions *actions, struct mono now)
{
    if (mono_reached(now, f->detect_at)) {
        bfd_forget_peer(f);
        if (f->state >= BFD_INIT)
            bfd_enter(f, BFD_DOWN, BFD_DIAG_EXPIRED, actions, now);
    }
    if (mono_reached(now, f->send_at))
        bfd_send_periodic(f, random, actions, now);
}

static void bfd_disable(struct bfd_fsm *f, struct bfd_actions *actions, struct mono now)
{
    uint32_t pace_us = f->tx_us;
    if (f->state == BFD_ADMIN_DOWN)
        return;
    bfd_enter(f, BFD_ADMIN_DOWN, BFD_DIAG_ADMIN_DOWN, actions, now);
    if (f->your_discriminator == 0)
        return;
    f->farewells = f->multiplier;
    f->farewell_us = pace_us;
}

static void bfd_set_times(struct bfd_fsm *f, uint32_t interval_us, uint8_t multiplier)
{
    f->interval_us = interval_us;
    f->multiplier = multiplier;
    bfd_propose(f, f->state == BFD_UP ? interval_us : bfd_most(interval_us, BFD_SLOW_US), interval_us);
}

struct bfd_actions bfd_fsm_step(struct bfd_fsm *f, const struct bfd_event *event, struct mono now)
{
    struct bfd_actions actions = {0};
    switch (event->kind) {
    case BFD_EVENT_PACKET:
        bfd_take_packet(f, event->packet, &actions, now);
        break;
    case BFD_EVENT_TIMER:
        bfd_take_time(f, event->random, &actions, now);
        break;
    case BFD_EVENT_DISABLE:
        bfd_disable(f, &actions, now);
        break;
    case BFD_EVENT_MUTE:
        f->muted = true;
        break;
    case BFD_EVENT_UNMUTE:
        actions.send = f->muted;
        f->muted = false;
        break;
    case BFD_EVENT_TIMES:
        bfd_set_times(f, event->interval_us, event->multiplier);
        break;
    }
    bfd_plan(f, event->random, now);
    actions.send = actions.send && !f->muted;
    if (actions.send)
        actions.packet = bfd_packet_of(f, actions.final);
    return actions;
}

void bfd_fsm_init(struct bfd_fsm *f, uint32_t my_discriminator, uint32_t interval_us, uint8_t multiplier,
                  struct mono now)
{
    *f = (struct bfd_fsm){
        .state = BFD_DOWN,
        .since = now,
        .my_discriminator = my_discriminator,
        .interval_us = interval_us,
        .multiplier = multiplier,
        .desired_tx_us = bfd_most(interval_us, BFD_SLOW_US),
        .required_rx_us = interval_us,
        .sent_at = now,
        .send_at = now,
    };
    bfd_forget_peer(f);
    f->spacing_us = bfd_fsm_transmit_us(f);
}

struct mono bfd_fsm_deadline(const struct bfd_fsm *f)
{
    if (f->detect_at.ns == 0 || (f->send_at.ns != 0 && f->send_at.ns < f->detect_at.ns))
        return f->send_at;
    return f->detect_at;
}

bool bfd_fsm_has_said_farewell(const struct bfd_fsm *f)
{
    return f->state == BFD_ADMIN_DOWN && f->farewells == 0;
}
