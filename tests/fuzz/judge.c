/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge.h"

#include "wire/name.h"
#include "wire/reader.h"

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void judge_answer(const uint8_t *query, size_t query_octets, const uint8_t *response, size_t octets,
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
