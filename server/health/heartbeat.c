/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/heartbeat.h"

#include "wire/reader.h"

#include <sodium.h>
#include <string.h>

#define MAGIC       0x4842 /* "HB" */
#define VERSION     1
#define TAG_OCTETS  16
#define ECHO_OCTETS 12

#define FLAG_BY_CHOICE 1

static void write_u64(struct writer *to, uint64_t v)
{
    writer_u32(to, (uint32_t)(v >> 32));
    writer_u32(to, (uint32_t)v);
}

static uint64_t read_u64(struct reader *from)
{
    uint64_t high = reader_u32(from);
    return high << 32 | reader_u32(from);
}

static void write_echoes(struct writer *to, const struct heartbeat *message)
{
    size_t fit = writer_left(to) > 1 + TAG_OCTETS ? (writer_left(to) - 1 - TAG_OCTETS) / ECHO_OCTETS : 0;
    size_t count = message->echo_count < fit ? message->echo_count : fit;
    writer_u8(to, (uint8_t)count);
    for (size_t i = 0; i < count; i++) {
        write_u64(to, message->echoes[i].boot);
        writer_u32(to, message->echoes[i].counter);
    }
}

static void heartbeat_tag(uint8_t tag[TAG_OCTETS], const uint8_t *bytes, size_t octets,
                          const uint8_t key[HEARTBEAT_KEY_OCTETS])
{
    (void)crypto_generichash(tag, TAG_OCTETS, bytes, octets, key, HEARTBEAT_KEY_OCTETS);
}

void heartbeat_write(struct writer *to, const struct heartbeat *message, const struct heartbeat_keys *keys)
{
    uint8_t tag[TAG_OCTETS];
    size_t identity_octets = strlen(message->identity);
    writer_u16(to, MAGIC);
    writer_u8(to, VERSION);
    writer_u8(to, message->by_choice ? FLAG_BY_CHOICE : 0);
    write_u64(to, message->boot);
    writer_u32(to, message->counter);
    writer_u8(to, (uint8_t)identity_octets);
    writer_bytes(to, message->identity, identity_octets);
    writer_bytes(to, message->zones_digest, sizeof message->zones_digest);
    writer_u32(to, message->zone_count);
    writer_u16(to, message->known);
    writer_u8(to, message->scope_count);
    for (size_t i = 0; i < message->scope_count; i++) {
        write_u64(to, message->scopes[i].key);
        writer_u8(to, (uint8_t)message->scopes[i].state);
    }
    write_echoes(to, message);
    if (to->failed)
        return;
    heartbeat_tag(tag, to->start, writer_offset(to), keys->octets[0]);
    writer_bytes(to, tag, sizeof tag);
}

static bool heartbeat_is_signed(const uint8_t *bytes, size_t octets, const struct heartbeat_keys *keys)
{
    uint8_t tag[TAG_OCTETS];
    if (octets < TAG_OCTETS || octets > HEARTBEAT_OCTETS)
        return false;
    for (size_t i = 0; i < keys->count; i++) {
        heartbeat_tag(tag, bytes, octets - TAG_OCTETS, keys->octets[i]);
        if (sodium_memcmp(tag, bytes + octets - TAG_OCTETS, TAG_OCTETS) == 0)
            return true;
    }
    return false;
}

/* Printable, as a configuration's identity is: it goes into logs and pages. */
static bool read_identity(struct reader *from, char identity[HEARTBEAT_IDENTITY_MOST + 1])
{
    size_t octets = reader_u8(from);
    const uint8_t *bytes = reader_bytes(from, octets);
    if (bytes == NULL || octets == 0)
        return false;
    for (size_t i = 0; i < octets; i++)
        if (bytes[i] < 0x20 || bytes[i] > 0x7e)
            return false;
    memcpy(identity, bytes, octets);
    identity[octets] = '\0';
    return true;
}

static bool read_scopes(struct reader *from, struct heartbeat *message)
{
    message->scope_count = reader_u8(from);
    if (message->scope_count > HEARTBEAT_SCOPES_MOST)
        return false;
    for (size_t i = 0; i < message->scope_count; i++) {
        message->scopes[i].key = read_u64(from);
        uint8_t state = reader_u8(from);
        if (state >= HEARTBEAT_STATES)
            return false;
        message->scopes[i].state = (enum heartbeat_state)state;
    }
    return !from->failed;
}

static bool read_echoes(struct reader *from, struct heartbeat *message)
{
    message->echo_count = reader_u8(from);
    if (message->echo_count > HEARTBEAT_ECHOES_MOST)
        return false;
    for (size_t i = 0; i < message->echo_count; i++) {
        message->echoes[i].boot = read_u64(from);
        message->echoes[i].counter = reader_u32(from);
    }
    return !from->failed;
}

bool heartbeat_read(struct heartbeat *message, const uint8_t *bytes, size_t octets,
                    const struct heartbeat_keys *keys)
{
    if (!heartbeat_is_signed(bytes, octets, keys))
        return false;
    struct reader from = reader_of(bytes, octets - TAG_OCTETS);
    if (reader_u16(&from) != MAGIC || reader_u8(&from) != VERSION)
        return false;
    message->by_choice = (reader_u8(&from) & FLAG_BY_CHOICE) != 0;
    message->boot = read_u64(&from);
    message->counter = reader_u32(&from);
    if (!read_identity(&from, message->identity))
        return false;
    const uint8_t *digest = reader_bytes(&from, sizeof message->zones_digest);
    if (digest == NULL)
        return false;
    memcpy(message->zones_digest, digest, sizeof message->zones_digest);
    message->zone_count = reader_u32(&from);
    message->known = reader_u16(&from);
    return read_scopes(&from, message) && read_echoes(&from, message) && reader_left(&from) == 0;
}
