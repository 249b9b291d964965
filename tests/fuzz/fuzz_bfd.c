/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A peer's datagrams, and what happens besides, -> reader and state machine, the way bfd_session drives them.
 * The input is a list of steps: an octet that says what happens and, for a datagram, how long it is. Checks
 * what must hold whatever comes: nothing comes up before the peer has named our discriminator, something
 * always wakes us, what we send is a packet.
 */
#include "announce/bfd_fsm.h"
#include "wire/reader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OURS 1

struct walk {
    struct bfd_fsm fsm;
    struct mono now;
    uint32_t random;
};

static void insist(bool holds)
{
    if (!holds)
        abort();
}

static void check_packet(const struct bfd_packet *packet)
{
    uint8_t bytes[BFD_PACKET_OCTETS];
    struct bfd_packet read;
    struct writer to = writer_to(bytes, sizeof bytes);
    bfd_write(&to, packet);
    insist(!to.failed && writer_offset(&to) == BFD_PACKET_OCTETS && bfd_read(bytes, sizeof bytes, &read));
    insist(!read.poll || !read.final);
}

static void walk_step(struct walk *w, struct bfd_event event)
{
    enum bfd_state before = w->fsm.state;
    event.random = w->random = w->random * 1664525u + 1013904223u;
    struct bfd_actions actions = bfd_fsm_step(&w->fsm, &event, w->now);
    const struct bfd_fsm *f = &w->fsm;
    bool came_up = before != BFD_UP && f->state == BFD_UP;
    if (actions.send)
        check_packet(&actions.packet);
    insist(!actions.send || !f->muted);
    insist(bfd_fsm_deadline(f).ns != 0);
    insist(actions.up == came_up);
    insist(!came_up || (event.kind == BFD_EVENT_PACKET && event.packet->your_discriminator == OURS));
    insist(!actions.down || (before == BFD_UP && f->state == BFD_DOWN));
    insist(f->state < BFD_INIT || (f->detect_at.ns != 0 && f->your_discriminator != 0));
    insist(f->state == BFD_UP || f->desired_tx_us >= BFD_SLOW_US);
}

static void walk_receive(struct walk *w, struct reader *from)
{
    struct bfd_packet packet;
    size_t octets = reader_u8(from);
    octets = octets < reader_left(from) ? octets : reader_left(from);
    const uint8_t *bytes = reader_bytes(from, octets);
    if (bytes != NULL && bfd_read(bytes, octets, &packet))
        walk_step(w, (struct bfd_event){.kind = BFD_EVENT_PACKET, .packet = &packet});
}

static void walk_wait(struct walk *w)
{
    struct mono deadline = bfd_fsm_deadline(&w->fsm);
    if (deadline.ns > w->now.ns)
        w->now = deadline;
    walk_step(w, (struct bfd_event){.kind = BFD_EVENT_TIMER});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader from = reader_of(data, size);
    struct walk w = {.now = {1000000000}};
    bfd_fsm_init(&w.fsm, OURS, 100000, 3, w.now);
    while (reader_left(&from) > 0 && !from.failed) {
        switch (reader_u8(&from)) {
        case 0:
            walk_wait(&w);
            break;
        case 1:
            walk_step(&w, (struct bfd_event){.kind = BFD_EVENT_DISABLE});
            break;
        case 2:
            bfd_fsm_init(&w.fsm, OURS, 100000, 3, w.now);
            break;
        case 3:
            walk_step(&w, (struct bfd_event){.kind = w.fsm.muted ? BFD_EVENT_UNMUTE : BFD_EVENT_MUTE});
            break;
        case 4:
            walk_step(&w, (struct bfd_event){.kind = BFD_EVENT_TIMES,
                                             .interval_us = 10000u + reader_u16(&from) * 900u,
                                             .multiplier = reader_u8(&from) | 1});
            break;
        case 5:
            w.now = mono_add_ms(w.now, reader_u16(&from));
            break;
        default:
            walk_receive(&w, &from);
            break;
        }
    }
    return 0;
}
