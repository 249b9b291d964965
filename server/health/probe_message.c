/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/probe_message.h"

#include "wire/reader.h"

#include <string.h>

enum {
    TYPE_SOA = 6,
    TYPE_TXT = 16,
    TYPE_OPT = 41,
    CLASS_IN = 1,
    CLASS_CHAOS = 3,
    OPTION_NSID = 3,
};

#define FLAG_RESPONSE 0x8000
#define FLAG_AA       0x0400
#define FLAG_TC       0x0200
#define OPCODE_MASK   0x7800
#define RCODE_MASK    0x000f
#define UDP_OCTETS    1232
#define HEADER_OCTETS 12
#define SOA_LEAST     22 /* two root names and five numbers */
#define RECORDS_MOST  64 /* more than any answer of ours to such a question has */
#define POINTERS_MOST 16

struct record {
    uint8_t owner[NAME_MAX_OCTETS];
    uint16_t type;
    uint16_t class;
    uint32_t ttl;
    struct reader rdata;
};

static uint16_t probe_type(const struct probe_question *question)
{
    return question->kind == PROBE_SOA ? TYPE_SOA : TYPE_TXT;
}

static uint16_t probe_class(const struct probe_question *question)
{
    return question->kind == PROBE_SOA ? CLASS_IN : CLASS_CHAOS;
}

struct probe_question probe_identity_question(uint16_t id)
{
    static const uint8_t name[] = "\2id\6server";
    struct probe_question question = {.kind = PROBE_IDENTITY, .id = id};
    memcpy(question.name, name, sizeof name); /* its closing zero is the root label */
    return question;
}

void probe_write_query(struct writer *to, const struct probe_question *question)
{
    writer_u16(to, question->id);
    writer_u16(to, 0); /* a plain query, no recursion desired */
    writer_u16(to, 1);
    writer_u16(to, 0);
    writer_u16(to, 0);
    writer_u16(to, 1);
    writer_bytes(to, question->name, name_octets(question->name));
    writer_u16(to, probe_type(question));
    writer_u16(to, probe_class(question));
    writer_u8(to, 0); /* OPT: root, payload size, no extended rcode, one empty NSID option */
    writer_u16(to, TYPE_OPT);
    writer_u16(to, UDP_OCTETS);
    writer_u32(to, 0);
    writer_u16(to, 4);
    writer_u16(to, OPTION_NSID);
    writer_u16(to, 0);
}

/* Labels up to the root or a pointer are appended to `name` from `at`; the pointer's target, or 0 at the
 * root. */
static size_t probe_read_labels(struct reader *from, uint8_t name[NAME_MAX_OCTETS], size_t *at)
{
    for (;;) {
        uint8_t length = reader_u8(from);
        if ((length & 0xc0) == 0xc0) {
            size_t target = (size_t)(length & 0x3f) << 8 | reader_u8(from);
            from->failed |= target < HEADER_OCTETS;
            return target;
        }
        if (length > NAME_MAX_LABEL || *at + length + 1 > NAME_MAX_OCTETS)
            from->failed = true;
        const uint8_t *label = reader_bytes(from, length);
        if (label == NULL)
            return 0;
        name[*at] = length;
        memcpy(name + *at + 1, label, length);
        *at += (size_t)length + 1;
        if (length == 0)
            return 0;
    }
}

/* A name that may be compressed, uncompressed into `name`; `from` then stands behind it. */
static void probe_read_name(struct reader *from, uint8_t name[NAME_MAX_OCTETS])
{
    size_t at = 0;
    size_t target = probe_read_labels(from, name, &at);
    for (int hops = 0; target != 0 && !from->failed; hops++) {
        struct reader there = reader_of(from->start, (size_t)(from->end - from->start));
        (void)reader_bytes(&there, target);
        target = probe_read_labels(&there, name, &at);
        from->failed |= there.failed || hops >= POINTERS_MOST;
    }
    if (from->failed)
        name[0] = 0;
}

static void probe_read_record(struct reader *from, struct record *record)
{
    probe_read_name(from, record->owner);
    record->type = reader_u16(from);
    record->class = reader_u16(from);
    record->ttl = reader_u32(from);
    record->rdata = reader_part(from, reader_u16(from));
}

static bool probe_record_answers(const struct record *record, const struct probe_question *question,
                                 const char *identity)
{
    if (record->type != probe_type(question) || record->class != probe_class(question) ||
        !name_equal(record->owner, question->name))
        return false;
    struct reader rdata = record->rdata;
    if (question->kind == PROBE_SOA)
        return reader_left(&rdata) >= SOA_LEAST;
    size_t octets = strlen(identity);
    const uint8_t *text = reader_bytes(&rdata, reader_u8(&rdata));
    return text != NULL && (size_t)(rdata.at - text) == octets && memcmp(text, identity, octets) == 0;
}

/* Whether the OPT record carries exactly our NSID. */
static bool probe_nsid_is_ours(const struct record *opt, const char *identity)
{
    struct reader options = opt->rdata;
    while (reader_left(&options) > 0 && !options.failed) {
        uint16_t code = reader_u16(&options);
        uint16_t octets = reader_u16(&options);
        const uint8_t *value = reader_bytes(&options, octets);
        if (code == OPTION_NSID && value != NULL)
            return octets == strlen(identity) && memcmp(value, identity, octets) == 0;
    }
    return false;
}

static const char *probe_judge_flags(uint16_t flags, const struct probe_question *question)
{
    if ((flags & RCODE_MASK) != 0)
        return (flags & RCODE_MASK) == 2   ? "SERVFAIL"
               : (flags & RCODE_MASK) == 5 ? "REFUSED"
                                           : "the answer's rcode isn't NOERROR";
    if ((flags & FLAG_TC) != 0)
        return "the answer is truncated";
    if ((flags & FLAG_AA) == 0 && question->kind == PROBE_SOA)
        return "the answer isn't authoritative";
    return NULL;
}

/* Everything after the question. `ours` says whether our NSID was there. */
static const char *probe_judge_records(struct reader *from, const uint16_t counts[3],
                                       const struct probe_question *question, const char *identity,
                                       bool *ours)
{
    bool answered = false;
    size_t total = (size_t)counts[0] + counts[1] + counts[2];
    if (total > RECORDS_MOST)
        return "the answer has too many records";
    for (size_t i = 0; i < total; i++) {
        struct record record;
        probe_read_record(from, &record);
        if (from->failed)
            return "the answer is malformed";
        if (i < counts[0])
            answered |= probe_record_answers(&record, question, identity);
        else if (i >= (size_t)counts[0] + counts[1] && record.type == TYPE_OPT) {
            if (record.ttl >> 24 != 0)
                return "the answer's extended rcode isn't NOERROR";
            *ours |= probe_nsid_is_ours(&record, identity);
        }
    }
    if (!*ours)
        return "the answer doesn't carry our NSID: another server gave it";
    return answered ? NULL : "the answer lacks the record asked for";
}

enum probe_outcome probe_judge_answer(const struct probe_question *question, const char *identity,
                                      const uint8_t *bytes, size_t octets, const char **why)
{
    struct reader from = reader_of(bytes, octets);
    uint8_t name[NAME_MAX_OCTETS];
    uint16_t id = reader_u16(&from);
    uint16_t flags = reader_u16(&from);
    uint16_t questions = reader_u16(&from);
    uint16_t counts[3];
    for (size_t i = 0; i < 3; i++)
        counts[i] = reader_u16(&from);
    if (from.failed || id != question->id || (flags & FLAG_RESPONSE) == 0 || (flags & OPCODE_MASK) != 0)
        return PROBE_IGNORE;
    *why = "the answer's question isn't ours";
    if (questions != 1)
        return PROBE_BAD;
    probe_read_name(&from, name);
    uint16_t type = reader_u16(&from);
    uint16_t class = reader_u16(&from);
    if (from.failed || type != probe_type(question) || class != probe_class(question) ||
        !name_equal(name, question->name))
        return PROBE_BAD;
    bool ours = false;
    const char *of_flags = probe_judge_flags(flags, question);
    *why = probe_judge_records(&from, counts, question, identity, &ours);
    if (of_flags != NULL)
        *why = of_flags;
    if (*why == NULL)
        return PROBE_GOOD;
    return ours && !from.failed && question->kind == PROBE_SOA ? PROBE_REFUSED : PROBE_BAD;
}
