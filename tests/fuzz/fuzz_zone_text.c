/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Zone text -> records -> findings -> image -> answers. Whatever the text is: reading ends in records or in
 * an error that names a line; records that pass the check compile, twice to the same bytes; and every owner
 * of the image, with a name below it, is asked for and the answer judged.
 */
#include "../unit/support/zones.h"
#include "answer/context.h"
#include "judge.h"
#include "wire/name.h"
#include "wire/writer.h"
#include "zone/check.h"
#include "zone/compile.h"
#include "zone/rdata.h"
#include "zone/read.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#define RECORDS_ASKED 48

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    const struct answer_policy policy = {.identity = "fuzz", .identity_octets = 4, .udp_octets = 1232};
    if (sodium_init() < 0 || answer_policy_publish(&policy) < 0)
        abort();
    urcu_qsbr_register_thread();
    return 0;
}

static void insist(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "invariant broken: %s\n", what);
        abort();
    }
}

static void ask_wire(const uint8_t *name, uint16_t type, enum answer_transport transport)
{
    static uint8_t response[65535];
    uint8_t query[512];
    struct writer w = writer_to(query, sizeof query);
    writer_bytes(&w, "\0\1\0\0\0\1\0\0\0\0\0\1", 12);
    writer_bytes(&w, name, name_octets(name));
    writer_u16(&w, type);
    writer_u16(&w, 1);
    writer_bytes(&w, "\0\0\x29\x10\0\0\0\x80\0\0\0", 11);
    size_t answered = zones_answer(query, writer_offset(&w), transport, response);
    insist(answered > 0, "a plain query is answered");
    judge_answer(query, writer_offset(&w), response, answered, transport);
}

static void ask(const struct zone_record *record)
{
    uint8_t below[NAME_MAX_OCTETS + 2] = {1, 'x'};
    size_t octets = name_octets(record->owner);
    ask_wire(record->owner, record->type, ANSWER_UDP);
    ask_wire(record->owner, record->type, ANSWER_TCP);
    ask_wire(record->owner, 255, ANSWER_TCP);
    ask_wire(record->owner, 65000, ANSWER_UDP);
    if (octets + 2 > NAME_MAX_OCTETS)
        return;
    memcpy(below + 2, record->owner, octets);
    ask_wire(below, record->type, ANSWER_UDP);
}

static void judge_findings(const struct findings *findings, bool ok)
{
    insist(ok == (findings->errors == 0), "what fails has an error");
    for (size_t i = 0; i < findings->count; i++) {
        for (const char *c = findings->list[i].text; *c != '\0'; c++)
            insist(*c >= ' ' && *c < 0x7f, "a finding is one line of printable text");
    }
}

static void judge_records(const struct zone_records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        const struct zone_record *r = &records->records[i];
        insist(name_check(r->owner, NAME_MAX_OCTETS) > 0, "owners are names");
        insist(r->line > 0 && r->ttl <= ZONE_TTL_MAX, "records have a line and a TTL");
        insist(zone_rdata_is_sound(r->type, r->rdata, r->rdata_octets), "ldns reads the rdata");
    }
}

static void walk_image(struct zone_records *records)
{
    const uint8_t digest[IMAGE_DIGEST_OCTETS] = {0};
    const char *why = NULL;
    struct zone_image *image = zone_compile(records, digest, &why);
    struct zone_image *again = zone_compile(records, digest, &why);
    insist((image == NULL) == (again == NULL), "compiling the same records ends the same way");
    insist(image != NULL || why != NULL, "what can't be compiled has a reason");
    if (image == NULL)
        return;
    insist(memcmp(zone_image_digest(image), zone_image_digest(again), IMAGE_DIGEST_OCTETS) == 0,
           "the same records give the same image");
    zone_image_release(again);
    urcu_qsbr_thread_offline();
    zones_publish(&image, 1);
    urcu_qsbr_thread_online();
    for (size_t i = 0; i < records->count && i < RECORDS_ASKED; i++)
        ask(&records->records[i]);
    urcu_qsbr_quiescent_state();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
    uint8_t apex[NAME_MAX_OCTETS];
    struct zone_text text;
    struct zone_records records;
    struct findings findings = {0};
    zone_records_init(&records);
    (void)name_from_text(apex, "example");
    insist(zone_text_of_memory(&text, "fuzz.zone", (const char *)data, octets) == 0, "memory");
    bool ok = zone_read(&records, &text, apex, &findings, NULL);
    judge_findings(&findings, ok);
    judge_records(&records);
    insist(zone_records_sort(&records) == 0, "memory");
    bool sound = zone_check(&records, NULL, &findings);
    judge_findings(&findings, ok && sound);
    if (ok && sound)
        walk_image(&records);
    zone_records_free(&records);
    zone_text_free(&text);
    findings_free(&findings);
    return 0;
}
