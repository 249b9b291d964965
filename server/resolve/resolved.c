/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/resolved.h"

#include "answer/parse.h"
#include "wire/name.h"
#include "wire/rdata.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include <string.h>

#define POINTER       0xc000
#define POINTER_REACH 0x3fff
#define NAMES_MOST    64 /* that later ones may point to */
#define RECORD_FIXED  10

/* The message being read and the body being written. Offsets of names count from the header, as pointers do.
 */
struct rewriting {
    const uint8_t *message;
    size_t octets;
    struct writer body;
    size_t base; /* octet of the message that the body begins at */
    const struct resolved_question *question;
    unsigned name_count;
    struct {
        uint16_t at;
        uint8_t octets;
        uint8_t name[NAME_MAX_OCTETS];
    } names[NAMES_MOST]; /* every suffix of what was written, while there is room */
};

/* --- names
 * ------------------------------------------------------------------------------------------------------ */

static uint16_t find_name(const struct rewriting *r, const uint8_t *name, size_t octets)
{
    for (unsigned i = 0; i < r->name_count; i++) {
        if (r->names[i].octets == octets && name_equal(r->names[i].name, name))
            return r->names[i].at;
    }
    return 0;
}

static void note_name(struct rewriting *r, const uint8_t *name, size_t octets, size_t at)
{
    if (r->name_count == NAMES_MOST || at > POINTER_REACH)
        return;
    r->names[r->name_count].at = (uint16_t)at;
    r->names[r->name_count].octets = (uint8_t)octets;
    memcpy(r->names[r->name_count].name, name, octets);
    r->name_count++;
}

/* Writes the name, with a pointer to what stands already. */
static void put_name(struct rewriting *r, const uint8_t *name, size_t octets)
{
    while (octets > 1) {
        uint16_t at = find_name(r, name, octets);
        if (at != 0) {
            writer_u16(&r->body, (uint16_t)(POINTER | at));
            return;
        }
        note_name(r, name, octets, r->base + writer_offset(&r->body));
        writer_bytes(&r->body, name, 1U + name[0]);
        octets -= 1U + name[0];
        name = name_parent(name);
    }
    writer_u8(&r->body, 0);
}

/* The question's name and all its suffixes stand at octet 12, whatever their case there. */
static void note_question(struct rewriting *r)
{
    const uint8_t *name = r->question->name;
    size_t left = name_octets(name);
    for (size_t at = MESSAGE_HEADER_OCTETS; left > 1 && r->name_count < NAMES_MOST / 2;) {
        note_name(r, name, left, at);
        at += 1U + name[0];
        left -= 1U + name[0];
        name = name_parent(name);
    }
}

/* --- rdata
 * ------------------------------------------------------------------------------------------------------ */

/* Copies rdata whose names a server may have compressed. */
static bool put_rdata_names(struct rewriting *r, struct rdata_names names, size_t at, size_t end)
{
    if (end - at < names.before)
        return false;
    writer_bytes(&r->body, r->message + at, names.before);
    at += names.before;
    for (unsigned i = 0; i < names.count; i++) {
        uint8_t name[NAME_MAX_OCTETS];
        size_t after = 0;
        size_t octets = name_unpack(name, r->message, end, at, &after);
        if (octets == 0 || after > end)
            return false;
        put_name(r, name, octets);
        at = after;
    }
    writer_bytes(&r->body, r->message + at, end - at);
    return true;
}

static bool put_rdata(struct rewriting *r, uint16_t type, size_t at, size_t octets)
{
    const struct rdata_names names = rdata_compressible(type);
    size_t length_at = writer_offset(&r->body);
    writer_u16(&r->body, (uint16_t)octets);
    if (names.count == 0) {
        writer_bytes(&r->body, r->message + at, octets);
        return true;
    }
    if (!put_rdata_names(r, names, at, at + octets))
        return false;
    writer_set_u16(&r->body, length_at, (uint16_t)(writer_offset(&r->body) - length_at - 2));
    return true;
}

/* --- records
 * ---------------------------------------------------------------------------------------------------- */

static bool is_left_out(const struct rewriting *r, uint16_t type)
{
    if (type == RR_OPT)
        return true;
    bool proof = type == RR_RRSIG || type == RR_NSEC || type == RR_NSEC3;
    return proof && !r->question->dnssec && type != r->question->type && r->question->type != RR_ANY;
}

/* How long the record may be kept. In a negative answer the SOA's own field says it too (RFC 2308 5). */
static uint32_t lifetime(const struct rewriting *r, uint16_t type, uint32_t ttl, unsigned section, size_t end)
{
    if ((ttl & 0x80000000U) != 0)
        ttl = 0; /* RFC 2181 8 */
    if (type == RR_SOA && section == 1) {
        struct reader minimum = reader_of(r->message + end - 4, 4);
        uint32_t most = reader_u32(&minimum);
        ttl = most < ttl ? most : ttl;
    }
    return ttl < RESOLVED_TTL_MOST ? ttl : RESOLVED_TTL_MOST;
}

static bool take_record(struct rewriting *r, struct resolved *resolved, struct resolved_room *room,
                        struct reader *in, unsigned section)
{
    uint8_t owner[NAME_MAX_OCTETS];
    size_t after = 0;
    size_t owner_octets = name_unpack(owner, r->message, r->octets, reader_offset(in), &after);
    if (owner_octets == 0 || reader_bytes(in, after - reader_offset(in)) == NULL)
        return false;
    uint16_t type = reader_u16(in);
    uint16_t class = reader_u16(in);
    uint32_t ttl = reader_u32(in);
    uint16_t octets = reader_u16(in);
    size_t rdata_at = reader_offset(in);
    if (reader_bytes(in, octets) == NULL || (type == RR_SOA && octets < 22))
        return false;
    if (is_left_out(r, type))
        return true;
    if (resolved->ttl_count == RESOLVED_RECORDS)
        return false;
    ttl = lifetime(r, type, ttl, section, rdata_at + octets);
    if (ttl < resolved->ttl_s)
        resolved->ttl_s = ttl;
    put_name(r, owner, owner_octets);
    writer_u16(&r->body, type);
    writer_u16(&r->body, class);
    room->ttl_at[resolved->ttl_count++] = (uint16_t)writer_offset(&r->body);
    writer_u32(&r->body, ttl);
    resolved->counts[section]++;
    return put_rdata(r, type, rdata_at, octets);
}

/* Passes over the question, which has to be the one that was asked. */
static bool take_question(const struct rewriting *r, struct reader *in)
{
    uint8_t name[NAME_MAX_OCTETS];
    size_t after = 0;
    if (name_unpack(name, r->message, r->octets, reader_offset(in), &after) == 0 ||
        !name_equal(name, r->question->name) || reader_bytes(in, after - reader_offset(in)) == NULL)
        return false;
    uint16_t type = reader_u16(in);
    (void)reader_u16(in);
    return !in->failed && type == r->question->type;
}

bool resolved_take(struct resolved *resolved, struct resolved_room *room,
                   const struct resolved_question *question, const uint8_t *message, size_t octets)
{
    struct rewriting r;
    struct reader in = reader_of(message, octets);
    const uint8_t *header = reader_bytes(&in, MESSAGE_HEADER_OCTETS);
    if (header == NULL || octets_u16(header + 4) != 1)
        return false;
    r.message = message;
    r.octets = octets;
    r.body = writer_to(room->body, sizeof room->body);
    r.base = MESSAGE_HEADER_OCTETS + name_octets(question->name) + 4;
    r.question = question;
    r.name_count = 0;
    note_question(&r);
    *resolved = (struct resolved){
        .rcode = octets_u16(header + 2) & 15,
        .error = EDNS_ERROR_NONE,
        .ttl_s = RESOLVED_TTL_MOST,
        .body = room->body,
        .ttl_at = room->ttl_at,
    };
    if (!take_question(&r, &in))
        return false;
    for (unsigned section = 0; section < 3; section++) {
        for (unsigned left = octets_u16(header + 6 + 2 * (size_t)section); left > 0; left--) {
            if (!take_record(&r, resolved, room, &in, section))
                return false;
        }
    }
    /* Without a record to say how long: not at all. */
    if (resolved->ttl_count == 0)
        resolved->ttl_s = 0;
    resolved->octets = (uint16_t)writer_offset(&r.body);
    return !r.body.failed;
}

struct resolved resolved_failure(uint16_t rcode, int error)
{
    static const uint8_t nothing[1];
    static const uint16_t nowhere[1];
    return (struct resolved){.rcode = rcode,
                             .error = (int16_t)error,
                             .ttl_s = RESOLVED_TTL_BAD,
                             .body = nothing,
                             .ttl_at = nowhere};
}

int resolved_why_bogus(const char *text)
{
    static const struct {
        const char *words;
        int error;
    } reasons[] = {
        {"signature expired", EDNS_ERROR_SIGNATURE_EXPIRED},
        {"before inception", EDNS_ERROR_SIGNATURE_NOT_YET},
        {"inception", EDNS_ERROR_SIGNATURE_NOT_YET},
        {"no DNSKEY", EDNS_ERROR_DNSKEY_MISSING},
        {"DNSKEY rrset", EDNS_ERROR_DNSKEY_MISSING},
        {"DNSKEY missing", EDNS_ERROR_DNSKEY_MISSING},
        {"to a DNSKEY", EDNS_ERROR_DNSKEY_MISSING},
        {"no signatures", EDNS_ERROR_RRSIGS_MISSING},
        {"missing RRSIG", EDNS_ERROR_RRSIGS_MISSING},
        {"nodata proof", EDNS_ERROR_NSEC_MISSING},
        {"nameerror proof", EDNS_ERROR_NSEC_MISSING},
        {"NSEC", EDNS_ERROR_NSEC_MISSING},
        {"no keys have a DS", EDNS_ERROR_DNSKEY_MISSING},
        {"key for", EDNS_ERROR_DNSKEY_MISSING},
    };
    for (size_t i = 0; text != NULL && i < sizeof reasons / sizeof *reasons; i++) {
        if (strcasestr(text, reasons[i].words) != NULL)
            return reasons[i].error;
    }
    return EDNS_ERROR_BOGUS;
}
