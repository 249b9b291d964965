/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What PoPs tell each other, a few times a second: who I am, what my routes do, which zones I serve, and what
 * I heard of you last. Pure: one function writes a message, one reads it. Nothing of a message is believed
 * before its tag is found right, which takes the fleet's key (keyed BLAKE2b-128 by libsodium).
 *
 *     "HB" version flags (1: by choice) | boot counter | identity | zones | scopes | echoes | tag
 *
 * `boot` is drawn at random when a PoP starts, `counter` grows with each message. An echo says which message
 * of another PoP came last: so whoever finds an echo of a message that it sent a moment ago knows that what
 * it reads is no older than that, whatever a recording brings back, and no clocks need to agree.
 *
 * A flag that the reader doesn't know is none to it, so flags may only say what is safe to miss.
 */
#ifndef HITHER_HEALTH_HEARTBEAT_H
#define HITHER_HEALTH_HEARTBEAT_H

#include "wire/writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEARTBEAT_OCTETS        1200 /* fits every path without fragments */
#define HEARTBEAT_KEY_OCTETS    32
#define HEARTBEAT_KEYS_MOST     4
#define HEARTBEAT_IDENTITY_MOST 255
#define HEARTBEAT_SCOPES_MOST   64
#define HEARTBEAT_ECHOES_MOST   32
#define HEARTBEAT_DIGEST_OCTETS 16

/* The first signs, all of them check. */
struct heartbeat_keys {
    uint8_t count;
    uint8_t octets[HEARTBEAT_KEYS_MOST][HEARTBEAT_KEY_OCTETS];
};

/* What a PoP does with one of its routes. */
enum heartbeat_state {
    HEARTBEAT_SILENT, /* not announced: it is starting, or no router listens to it */
    HEARTBEAT_WELL,   /* announced, and it can answer */
    HEARTBEAT_ILL,    /* announced although it can't answer: it stays because too few others would be left */
    HEARTBEAT_ASKS,   /* announced still, and about to withdraw: don't count on it */
    HEARTBEAT_OUT,    /* withdrawn for health */
    HEARTBEAT_LEAVES, /* drained, or on its way to that */
};

#define HEARTBEAT_STATES (HEARTBEAT_LEAVES + 1)

/* A route is named by a digest of its prefix, which is the same at every PoP. */
struct heartbeat_scope {
    uint64_t key;
    enum heartbeat_state state;
};

struct heartbeat_echo {
    uint64_t boot;
    uint32_t counter;
};

struct heartbeat {
    uint64_t boot;
    uint32_t counter;
    char identity[HEARTBEAT_IDENTITY_MOST + 1]; /* zero-terminated, never empty */
    uint8_t zones_digest[HEARTBEAT_DIGEST_OCTETS];
    uint32_t zone_count;
    uint16_t known; /* other PoPs that the sender hears at the moment */
    bool by_choice; /* what it asks for is an operator's drain: it can answer */
    uint8_t scope_count;
    uint8_t echo_count;
    struct heartbeat_scope scopes[HEARTBEAT_SCOPES_MOST];
    struct heartbeat_echo echoes[HEARTBEAT_ECHOES_MOST];
};

/* Writes the message with as many of its echoes as fit. `to` has room for HEARTBEAT_OCTETS. */
void heartbeat_write(struct writer *to, const struct heartbeat *message, const struct heartbeat_keys *keys);

/* False when it isn't a whole message of ours with a tag by one of the keys; then nothing in `message` may be
 * used. */
bool heartbeat_read(struct heartbeat *message, const uint8_t *bytes, size_t octets,
                    const struct heartbeat_keys *keys);

#endif
