/* SPDX-License-Identifier: BSD-2-Clause
 *
 * BFD control packets: 24 octets that a router and we send each other many times a second. Reader and writer,
 * both bounded, and what a packet alone can be refused for.
 *
 *     octets --> bfd_read --> struct bfd_packet --> announce/bfd_fsm --> struct bfd_packet --> bfd_write
 *
 * RFCs: 5880 4.1 (format), 6.8.6 (reception, as far as it needs no session). Authentication (4.2 to 4.4)
 * isn't spoken: a packet has to come from the same link instead (5881 5).
 */
#ifndef HITHER_ANNOUNCE_BFD_MESSAGE_H
#define HITHER_ANNOUNCE_BFD_MESSAGE_H

#include "wire/writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BFD_PACKET_OCTETS 24

/* The numbers are those on the wire. */
enum bfd_state {
    BFD_ADMIN_DOWN,
    BFD_DOWN,
    BFD_INIT,
    BFD_UP,
};

/* Why a session left its last state; those that we give or know the meaning of. */
enum bfd_diagnostic {
    BFD_DIAG_NONE = 0,
    BFD_DIAG_EXPIRED = 1,       /* control detection time expired */
    BFD_DIAG_NEIGHBOR_DOWN = 3, /* neighbor signaled session down */
    BFD_DIAG_ADMIN_DOWN = 7,
};

struct bfd_packet {
    uint8_t diagnostic;
    enum bfd_state state;
    bool poll;
    bool final;
    bool demand;
    uint8_t multiplier;
    uint32_t my_discriminator;
    uint32_t your_discriminator; /* 0: not known */
    uint32_t desired_tx_us;
    uint32_t required_rx_us; /* 0: doesn't want any */
};

/* Whether the octets of a datagram are a packet to be looked at further; what isn't leaves `packet` unset. */
bool bfd_read(const uint8_t *bytes, size_t octets, struct bfd_packet *packet);

/* Without echo (Required Min Echo RX Interval 0), and control plane dependent (C clear): our packets stop
 * when we do. */
void bfd_write(struct writer *to, const struct bfd_packet *packet);

/* "AdminDown", "Down", "Init", "Up". */
const char *bfd_state_name(enum bfd_state state);

/* "control detection time expired" and so on, for every number. */
const char *bfd_diagnostic_name(uint8_t diagnostic);

#endif
