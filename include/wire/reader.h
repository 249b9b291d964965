/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A bounded reader of network-order bytes: DNS messages, BGP messages, whatever a stranger sent. A get past
 * the end reads nothing, gives 0 or NULL and sets `failed`, which stays set: so a parser may read a whole
 * group of fields and ask once. No parser holds raw offsets.
 */
#ifndef HITHER_WIRE_READER_H
#define HITHER_WIRE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number in two octets that are known to be there. */
static inline uint16_t octets_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

struct reader {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct reader reader_of(const uint8_t *bytes, size_t octets)
{
    return (struct reader){bytes, bytes, bytes + octets, false};
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

/* Octets from the start of what is read to where the reader stands. */
static inline size_t reader_offset(const struct reader *r)
{
    return (size_t)(r->at - r->start);
}

/* `octets` bytes in place, owned by whoever owns the input; NULL and failed when there are fewer. */
static inline const uint8_t *reader_bytes(struct reader *r, size_t octets)
{
    if (r->failed || octets > reader_left(r)) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *bytes = r->at;
    r->at += octets;
    return bytes;
}

static inline uint8_t reader_u8(struct reader *r)
{
    const uint8_t *b = reader_bytes(r, 1);
    return b != NULL ? b[0] : 0;
}

static inline uint16_t reader_u16(struct reader *r)
{
    const uint8_t *b = reader_bytes(r, 2);
    return b != NULL ? octets_u16(b) : 0;
}

static inline uint32_t reader_u32(struct reader *r)
{
    const uint8_t *b = reader_bytes(r, 4);
    return b != NULL ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

/* A reader of the next `octets` alone; failed (and `r` too) when there are fewer. */
static inline struct reader reader_part(struct reader *r, size_t octets)
{
    const uint8_t *bytes = reader_bytes(r, octets);
    if (bytes == NULL)
        return (struct reader){r->end, r->end, r->end, true};
    return reader_of(bytes, octets);
}

#endif
