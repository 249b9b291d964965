/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/notify_message.h"

#include "wire/name.h"
#include "wire/rdata.h"
#include "wire/reader.h"
#include "wire/writer.h"
#include "zone/expand.h"

#define HEADER_OCTETS     12
#define FLAGS_NOTIFY      0x2400 /* opcode 4, AA (RFC 1996 3.7) */
#define FLAGS_ANSWERED    0x8000
#define FLAGS_OPCODE      0x7800
#define FLAGS_OPCODE_OURS 0x2000
#define QUESTION_POINTER  (0xc000 | HEADER_OCTETS)

size_t notify_message_write(uint8_t *message, size_t capacity, uint16_t id, const struct zone_image *image)
{
    const struct image_header *header = image->header;
    const struct image_node *apex = image_at(image->bytes, header->apex_node);
    const struct image_entry *soa = node_find(apex, RR_SOA);
    struct writer w = writer_to(message, capacity);
    if (soa == NULL)
        return 0;
    const struct rrset_view view = rrset_view(image->bytes, soa);
    writer_u16(&w, id);
    writer_u16(&w, FLAGS_NOTIFY);
    writer_u16(&w, 1);
    writer_u16(&w, 1);
    writer_u32(&w, 0);
    writer_bytes(&w, header->apex_cased, header->apex_octets);
    writer_u16(&w, RR_SOA);
    writer_u16(&w, CLASS_IN);
    writer_u16(&w, QUESTION_POINTER);
    return expand_record(&w, header, apex, &view, 0) && !w.failed ? writer_offset(&w) : 0;
}

/* Passes over a record; where it begins when it is a TSIG, else 0. */
static size_t read_record(struct reader *r, const uint8_t *message, size_t octets)
{
    uint8_t name[NAME_MAX_OCTETS];
    size_t at = reader_offset(r);
    size_t after = octets;
    if (name_unpack(name, message, octets, at, &after) == 0)
        r->failed = true;
    else
        (void)reader_bytes(r, after - at);
    uint16_t type = reader_u16(r);
    (void)reader_bytes(r, 6);
    (void)reader_bytes(r, reader_u16(r));
    return type == RR_TSIG ? at : 0;
}

static bool read_question(struct reader *r, const uint8_t *apex)
{
    size_t octets = name_check(r->at, reader_left(r));
    const uint8_t *name = reader_bytes(r, octets);
    uint16_t type = reader_u16(r);
    uint16_t class = reader_u16(r);
    return octets > 0 && !r->failed && type == RR_SOA && class == CLASS_IN && name_equal(name, apex);
}

/* Some answer without a question: then the id has to do (RFC 1996 4.7 shows it with one). */
bool notify_message_read(struct notify_answer *answer, const uint8_t *message, size_t octets,
                         const uint8_t *apex)
{
    struct reader r = reader_of(message, octets);
    (void)reader_u16(&r);
    uint16_t flags = reader_u16(&r);
    unsigned questions = reader_u16(&r);
    unsigned records = reader_u16(&r);
    records += reader_u16(&r);
    records += reader_u16(&r);
    if (r.failed || (flags & FLAGS_ANSWERED) == 0 || (flags & FLAGS_OPCODE) != FLAGS_OPCODE_OURS ||
        questions > 1 || (questions == 1 && !read_question(&r, apex)))
        return false;
    answer->rcode = flags & 15;
    answer->tsig_at = 0;
    for (unsigned i = 0; i < records && answer->tsig_at == 0; i++)
        answer->tsig_at = read_record(&r, message, octets);
    return !r.failed;
}
