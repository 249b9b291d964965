/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Query bytes -> answer, on fixed images: plain, signed with NSEC, signed with NSEC3 and opt-out. The first
 * octet chooses the transport. Whatever comes back is judged: it fits, it echoes, its pointers go backwards
 * only, its sections hold what the header says, and ldns can read it.
 */
#include "../unit/support/zones.h"
#include "answer/context.h"
#include "answer/query.h"
#include "wire/reader.h"
#include "zone/set.h"

#include <ldns/ldns.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets);

static const char *const zones[][2] = {
    {"example.", "example.zone"},
    {"nsec.example.", "signed-nsec.zone"},
    {"nsec3.example.", "signed-nsec3.zone"},
};

static char *read_file(const char *name)
{
    char path[4096];
    char *text = calloc(1, 1 << 20);
    snprintf(path, sizeof path, "%s/zones/%s", HITHER_TESTS, name);
    FILE *in = fopen(path, "r");
    if (in == NULL || text == NULL || fread(text, 1, (1 << 20) - 1, in) == 0) {
        fprintf(stderr, "can't read %s\n", path);
        abort();
    }
    fclose(in);
    return text;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct zone_image *images[3];
    if (sodium_init() < 0)
        abort();
    for (size_t i = 0; i < 3; i++) {
        char *text = read_file(zones[i][1]);
        images[i] = zones_compile(zones[i][0], text);
        free(text);
    }
    zones_publish(images, 3);
    const struct answer_policy policy = {.identity = "fuzz", .identity_octets = 4, .udp_octets = 1232};
    if (answer_policy_publish(&policy) < 0)
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

/* Walks one name; every pointer in it leads to before itself. */
static void judge_name(struct reader *r)
{
    size_t before = reader_offset(r);
    for (;;) {
        uint8_t label = reader_u8(r);
        insist(!r->failed, "a name ends inside the message");
        if (label == 0)
            return;
        if (label >= 0xc0) {
            size_t to = (size_t)(label & 0x3f) << 8 | reader_u8(r);
            insist(!r->failed && to >= 12 && to < before, "pointers lead backwards");
            return;
        }
        insist(label < 64, "labels are plain");
        (void)reader_bytes(r, label);
    }
}

static void judge_sections(const uint8_t *response, size_t octets)
{
    struct reader r = reader_of(response, octets);
    (void)reader_bytes(&r, 4);
    unsigned questions = reader_u16(&r);
    unsigned records = reader_u16(&r);
    records += reader_u16(&r);
    records += reader_u16(&r);
    insist(questions <= 1, "at most one question");
    if (questions == 1) {
        judge_name(&r);
        (void)reader_u32(&r);
    }
    for (; records > 0; records--) {
        judge_name(&r);
        (void)reader_bytes(&r, 8);
        (void)reader_bytes(&r, reader_u16(&r));
    }
    insist(!r.failed && reader_left(&r) == 0, "the sections fill the message");
}

static void judge(const uint8_t *query, size_t query_octets, const uint8_t *response, size_t octets,
                  enum answer_transport transport)
{
    insist(query_octets >= 12 && (query[2] & 0x80) == 0, "only queries are answered");
    insist(octets >= 12 && (response[2] & 0x80) != 0, "an answer is a response");
    insist(memcmp(query, response, 2) == 0, "the id is echoed");
    insist(transport == ANSWER_TCP || octets <= 1232, "UDP answers fit");
    judge_sections(response, octets);
    if (response[5] == 1) {
        size_t name = name_octets(response + 12);
        insist(12 + name + 4 <= query_octets && memcmp(query + 12, response + 12, name + 4) == 0,
               "the question is echoed");
    }
    ldns_pkt *packet = NULL;
    ldns_status status = ldns_wire2pkt(&packet, response, octets);
    if (status != LDNS_STATUS_OK)
        fprintf(stderr, "ldns: %s\n", ldns_get_errorstr_by_id(status));
    insist(status == LDNS_STATUS_OK, "ldns reads it");
    ldns_pkt_free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
    static uint8_t response[65535];
    if (octets < 1)
        return 0;
    enum answer_transport transport = (data[0] & 1) != 0 ? ANSWER_TCP : ANSWER_UDP;
    size_t answered = zones_answer(data + 1, octets - 1, transport, response);
    if (answered > 0)
        judge(data + 1, octets - 1, response, answered, transport);
    urcu_qsbr_quiescent_state();
    return 0;
}
