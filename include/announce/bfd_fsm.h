/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The BFD state machine of one session: packets, timers and wishes in, actions out. It does no I/O, asks no
 * clock and draws no random numbers, so a scenario replays in virtual time and a fuzzer needs no socket.
 *
 * Asynchronous mode, in the active role. The peer's demand mode is respected (we fall silent but for polls),
 * ours is never asked for. A muted machine goes on listening but sends nothing at all: that is how a PoP that
 * must not be trusted with traffic lets its router find out.
 *
 * RFC 5880: 6.8.1 (variables), 6.8.2 and 6.8.3 (timers), 6.8.4 (detection time), 6.8.6 (reception), 6.8.7
 * (transmission), 6.8.16 (administrative control), 6.5 (polls).
 */
#ifndef HITHER_ANNOUNCE_BFD_FSM_H
#define HITHER_ANNOUNCE_BFD_FSM_H

#include "announce/bfd_message.h"
#include "base/clock.h"

#define BFD_SLOW_US 1000000 /* nobody sends faster while a session isn't up (6.8.3) */

enum bfd_event_kind {
    BFD_EVENT_PACKET,  /* for this session, from its peer, with the right TTL */
    BFD_EVENT_TIMER,   /* any deadline, or none, may have passed */
    BFD_EVENT_DISABLE, /* to AdminDown, for good */
    BFD_EVENT_MUTE,
    BFD_EVENT_UNMUTE,
    BFD_EVENT_TIMES, /* others are wanted */
};

struct bfd_event {
    enum bfd_event_kind kind;
    uint32_t random;                 /* fresh with every event */
    const struct bfd_packet *packet; /* BFD_EVENT_PACKET */
    uint32_t interval_us;            /* BFD_EVENT_TIMES */
    uint8_t multiplier;
};

struct bfd_actions {
    bool send;  /* `packet` */
    bool final; /* it answers a poll */
    bool up;    /* it has come up */
    bool down;  /* it was up, and that it isn't any more is a failure: neither side wished it */
    struct bfd_packet packet;
};

struct bfd_fsm {
    enum bfd_state state;
    uint8_t diagnostic;
    bool muted;
    struct mono since; /* of the state */
    uint32_t my_discriminator;
    /* Wanted; the same in both directions. */
    uint32_t interval_us;
    uint8_t multiplier;
    /* What our packets say, and what is in force until the peer has heard of it (6.8.3). */
    uint32_t desired_tx_us;
    uint32_t required_rx_us;
    uint32_t tx_us;
    uint32_t rx_us;
    bool polling;
    bool poll_again; /* something changed during the poll: its end doesn't say that the peer knows */
    /* Of the peer's last packet. */
    enum bfd_state remote_state;
    uint8_t remote_diagnostic;
    uint8_t remote_multiplier;
    bool remote_demand;
    uint32_t your_discriminator; /* 0: nothing came for a detection time */
    uint32_t remote_tx_us;
    uint32_t remote_rx_us;
    /* AdminDown is said a few times at the pace that the peer is used to, so that it hears of it before it
     * gives us up as dead. */
    uint8_t farewells;
    uint32_t farewell_us;
    struct mono sent_at;   /* the last periodic packet */
    uint32_t spacing_us;   /* by which the next was planned, before jitter */
    struct mono send_at;   /* deadlines; zero: not running */
    struct mono detect_at; /* when the peer is given up; runs whenever it has been heard */
};

/* Begins in state Down, with a packet due at once. `my_discriminator` isn't 0, nor is any time. */
void bfd_fsm_init(struct bfd_fsm *fsm, uint32_t my_discriminator, uint32_t interval_us, uint8_t multiplier,
                  struct mono now);

struct bfd_actions bfd_fsm_step(struct bfd_fsm *fsm, const struct bfd_event *event, struct mono now);

/* The earliest deadline; there always is one. */
struct mono bfd_fsm_deadline(const struct bfd_fsm *fsm);

/* After BFD_EVENT_DISABLE: the peer can be expected to have heard of it, or there is nobody to hear. */
bool bfd_fsm_has_said_farewell(const struct bfd_fsm *fsm);

/* As agreed with the peer: between our packets, before jitter (0: it wants none), and until it is given up
 * when none of its come (0: it hasn't been heard). */
uint32_t bfd_fsm_transmit_us(const struct bfd_fsm *fsm);
uint64_t bfd_fsm_detection_us(const struct bfd_fsm *fsm);

#endif
