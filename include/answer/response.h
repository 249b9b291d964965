/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A message being written: header, the question untouched, RRsets copied out of images with their pointers
 * set, OPT, TSIG. It holds back the room of OPT and TSIG from the start and knows each RRset's size before
 * copying it, so what doesn't fit is known before anything is half written.
 *
 * RFCs: 1035 4.1, 2181 9 (TC), 6891 6 (OPT), 9471 (glue).
 */
#ifndef HITHER_ANSWER_RESPONSE_H
#define HITHER_ANSWER_RESPONSE_H

#include "answer/context.h"
#include "answer/parse.h"
#include "zone/format.h"
#include "zone/image.h"

enum section {
    SECTION_ANSWER,
    SECTION_AUTHORITY,
    SECTION_ADDITIONAL,
};

struct response {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end; /* the room of OPT and TSIG is behind it */
    size_t tsig_octets;
    struct edns_reply reply;
    uint16_t question_name_octets; /* of the question's name; 0: there is no question */
    uint16_t counts[3];            /* by enum section */
    uint16_t flags;                /* AA and TC */
};

/* An RRset and how its names are to be found in the message. */
struct placement {
    const struct zone_image *image;
    const struct image_entry *entry;
    const struct image_node *node; /* the owner, for when it has to be written out */
    uint16_t owner_at;             /* octet of the message where the whole owner stands; 0: nowhere yet */
    uint16_t apex_at; /* the same for the image's apex, which stands there uncompressed; 0: nowhere */
};

/* Starts the answer to `query`: header and question, with room for OPT held back. `image` is the zone that it
 * is about, or NULL; `now_s` Unix time. */
void response_start(struct response *response, const struct query *query, const struct answer_policy *policy,
                    const struct zone_image *image, uint32_t now_s);

/* Appends the RRset, with its RRSIGs when `signatures`. False, and nothing is written, when it doesn't fit.
 * `records_at`, if asked for, becomes the octet where its records begin as they are in the image, 0 when they
 * were rewritten. */
bool response_put(struct response *response, enum section section, const struct placement *placement,
                  bool signatures, uint16_t *records_at);

/* Appends the RRSIGs of the RRset alone. */
bool response_put_signatures(struct response *response, enum section section,
                             const struct placement *placement);

/* Room for a body of `octets` with so many records in its sections, made elsewhere to stand right behind the
 * question. NULL when it doesn't fit. */
uint8_t *response_put_whole(struct response *response, size_t octets, const uint16_t counts[3]);

/* The octet where the name at octet `at` stands without its first `labels` labels; pointers are followed. */
uint16_t response_name_at(const struct response *response, uint16_t at, unsigned labels);

/* Spells out the name at octet `at` of what is written so far. Its octets, or 0 when it is broken. */
size_t response_name(const struct response *response, uint16_t at, uint8_t name[NAME_MAX_OCTETS]);

/* Takes back all RRsets and sets TC: the client asks again over TCP (RFC 2181 9). */
void response_truncate(struct response *response);

/* Writes the header and OPT, and signs when the query was signed. Octets of the whole message. */
size_t response_finish(struct response *response, const struct query *query);

#endif
