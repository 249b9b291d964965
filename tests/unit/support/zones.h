/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests: zone text in memory -> an image, and a question -> its answer in text, decoded by ldns and not
 * by us.
 */
#ifndef HITHER_TESTS_ZONES_H
#define HITHER_TESTS_ZONES_H

#include "answer/query.h"
#include "zone/image.h"

#include <stddef.h>
#include <stdint.h>

/* Compiles `text` as the zone `name`; aborts with the findings on standard error when it can't. */
struct zone_image *zones_compile(const char *name, const char *text);

/* The same for the file `file` in tests/zones. */
struct zone_image *zones_compile_file(const char *name, const char *file);

/* Makes these images (references are taken over) the zones that answer_batch() answers from. */
void zones_publish(struct zone_image **images, size_t count);

struct zones_question {
    const char *name;
    const char *type;
    unsigned dnssec_ok;
    unsigned udp_octets; /* 0: no EDNS */
    enum answer_transport transport;
};

/* Builds the query's bytes into `query` of 512; octets. */
size_t zones_question_bytes(const struct zones_question *question, uint8_t *query);

/* Answers bytes into `response` of 65535; octets, 0 when dropped. */
size_t zones_answer(const uint8_t *query, size_t octets, enum answer_transport transport, uint8_t *response);

/* The answer as text: "RCODE FLAGS", then for each section that isn't empty a line "answer:" (authority:,
 * additional:) and its records sorted, one a line, without RRSIG's signature. To be freed. */
char *zones_answer_text(const struct zones_question *question);

#endif
