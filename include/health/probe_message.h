/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The DNS messages of the self-check: one builds the question, one judges the answer. Pure. An answer counts
 * only with the right id, question, AA, NOERROR, the record asked for, and our own NSID: with anycast it may
 * well be another PoP that answers, and then it isn't us who is well.
 *
 * RFCs: 1035 4 (messages), 6891 (EDNS), 5001 (NSID), 4892 (id.server).
 */
#ifndef HITHER_HEALTH_PROBE_MESSAGE_H
#define HITHER_HEALTH_PROBE_MESSAGE_H

#include "wire/name.h"
#include "wire/writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_QUERY_OCTETS 320 /* enough for any */

enum probe_kind {
    PROBE_SOA,      /* SOA IN of a zone that we serve */
    PROBE_IDENTITY, /* TXT CH id.server: when there is no zone to ask for */
};

struct probe_question {
    enum probe_kind kind;
    uint16_t id;
    uint8_t name[NAME_MAX_OCTETS]; /* checked; folded */
};

enum probe_outcome {
    PROBE_GOOD,
    PROBE_IGNORE,  /* the answer to something else: wait on */
    PROBE_REFUSED, /* we did answer, but not with the zone's data: the zone is in trouble */
    PROBE_BAD,     /* no answer of ours at all */
};

/* A question of PROBE_IDENTITY. */
struct probe_question probe_identity_question(uint16_t id);

void probe_write_query(struct writer *to, const struct probe_question *question);

/* Judges one message. `why` is set to a string that lives on when it is bad. */
enum probe_outcome probe_judge_answer(const struct probe_question *question, const char *identity,
                                      const uint8_t *bytes, size_t octets, const char **why);

#endif
