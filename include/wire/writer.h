/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A bounded writer of network-order bytes. A put that doesn't fit writes nothing and sets `failed`, which
 * stays set: so a message is written whole and asked about once. Lengths that are known late are patched by
 * writer_set_u16().
 */
#ifndef HITHER_WIRE_WRITER_H
#define HITHER_WIRE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Puts a number into two octets that are known to be there. */
static inline void octets_set_u16(uint8_t *at, unsigned v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

struct writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

static inline struct writer writer_to(uint8_t *buffer, size_t octets)
{
    return (struct writer){buffer, buffer, buffer + octets, false};
}

static inline size_t writer_left(const struct writer *w)
{
    return (size_t)(w->end - w->at);
}

static inline size_t writer_offset(const struct writer *w)
{
    return (size_t)(w->at - w->start);
}

/* Room for `octets` that the caller fills in; NULL and failed when it doesn't fit. */
static inline uint8_t *writer_room(struct writer *w, size_t octets)
{
    if (w->failed || octets > writer_left(w)) {
        w->failed = true;
        return NULL;
    }
    uint8_t *room = w->at;
    w->at += octets;
    return room;
}

static inline void writer_bytes(struct writer *w, const void *bytes, size_t octets)
{
    uint8_t *room = writer_room(w, octets);
    if (room != NULL && octets > 0)
        memcpy(room, bytes, octets);
}

static inline void writer_u8(struct writer *w, uint8_t v)
{
    writer_bytes(w, &v, 1);
}

static inline void writer_u16(struct writer *w, uint16_t v)
{
    const uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    writer_bytes(w, b, sizeof b);
}

static inline void writer_u32(struct writer *w, uint32_t v)
{
    const uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    writer_bytes(w, b, sizeof b);
}

/* Overwrites the two octets at `offset`, which must have been written already; failed when they were not. */
static inline void writer_set_u16(struct writer *w, size_t offset, uint16_t v)
{
    if (w->failed || writer_offset(w) < 2 || offset > writer_offset(w) - 2) {
        w->failed = true;
        return;
    }
    octets_set_u16(w->start + offset, v);
}

#endif
