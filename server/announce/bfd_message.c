/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bfd_message.h"

#include "wire/reader.h"

#define BFD_VERSION 1

/* The second octet, below the state. */
enum {
    FLAG_POLL = 0x20,
    FLAG_FINAL = 0x10,
    FLAG_AUTHENTICATED = 0x04,
    FLAG_DEMAND = 0x02,
    FLAG_MULTIPOINT = 0x01,
};

bool bfd_read(const uint8_t *bytes, size_t octets, struct bfd_packet *packet)
{
    struct reader from = reader_of(bytes, octets);
    uint8_t first = reader_u8(&from);
    uint8_t second = reader_u8(&from);
    uint8_t multiplier = reader_u8(&from);
    uint8_t length = reader_u8(&from);
    struct bfd_packet p = {
        .diagnostic = first & 0x1f,
        .state = (enum bfd_state)(second >> 6),
        .poll = (second & FLAG_POLL) != 0,
        .final = (second & FLAG_FINAL) != 0,
        .demand = (second & FLAG_DEMAND) != 0,
        .multiplier = multiplier,
    };
    p.my_discriminator = reader_u32(&from);
    p.your_discriminator = reader_u32(&from);
    p.desired_tx_us = reader_u32(&from);
    p.required_rx_us = reader_u32(&from);
    (void)reader_u32(&from); /* echo packets are never sent */
    if (from.failed || first >> 5 != BFD_VERSION || length < BFD_PACKET_OCTETS || length > octets ||
        multiplier == 0 || (second & (FLAG_MULTIPOINT | FLAG_AUTHENTICATED)) != 0 ||
        p.my_discriminator == 0 || (p.your_discriminator == 0 && p.state > BFD_DOWN))
        return false;
    *packet = p;
    return true;
}

void bfd_write(struct writer *to, const struct bfd_packet *packet)
{
    unsigned flags = (packet->poll ? FLAG_POLL : 0u) | (packet->final ? FLAG_FINAL : 0u) |
                     (packet->demand ? FLAG_DEMAND : 0u);
    writer_u8(to, (uint8_t)(BFD_VERSION << 5 | (packet->diagnostic & 0x1f)));
    writer_u8(to, (uint8_t)((unsigned)packet->state << 6 | flags));
    writer_u8(to, packet->multiplier);
    writer_u8(to, BFD_PACKET_OCTETS);
    writer_u32(to, packet->my_discriminator);
    writer_u32(to, packet->your_discriminator);
    writer_u32(to, packet->desired_tx_us);
    writer_u32(to, packet->required_rx_us);
    writer_u32(to, 0);
}

const char *bfd_state_name(enum bfd_state state)
{
    static const char *const names[] = {"AdminDown", "Down", "Init", "Up"};
    return names[state];
}

const char *bfd_diagnostic_name(uint8_t diagnostic)
{
    static const char *const names[] = {
        "no diagnostic",
        "control detection time expired",
        "echo function failed",
        "neighbor signaled session down",
        "forwarding plane reset",
        "path down",
        "concatenated path down",
        "administratively down",
        "reverse concatenated path down",
    };
    return diagnostic < sizeof names / sizeof names[0] ? names[diagnostic] : "unknown diagnostic";
}
