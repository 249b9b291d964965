/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The records of a zone transfer, a message at a time, as fast as the client takes them. A stream holds the
 * image (and with it the differences) that it began with, so a reload meanwhile changes nothing of it.
 *
 *     whole    SOA, every record of the image but that, SOA                       (RFC 5936 2.2)
 *     steps    SOA, for each difference: old SOA, what went, new SOA, what came; SOA   (RFC 1995 4)
 *
 * Owners are compressed against the apex and against themselves; names in rdata are spelt out. A record goes
 * with the case and the TTL that it has in the image. When the query was signed every message is (RFC
 * 8945 5.3.1).
 */
#ifndef HITHER_ANSWER_STREAM_H
#define HITHER_ANSWER_STREAM_H

#include "answer/query.h"
#include "wire/tsig.h"
#include "wire/writer.h"
#include "zone/image.h"

#include <stdbool.h>
#include <stdint.h>

struct edns_reply;
struct query;

/* A transfer of `image`, of which it takes a reference: the whole zone, or, when `steps`, the differences
 * from its history, from the `first`th on. `reply` is what the OPT of the first message says; those that
 * follow have a bare one. NULL when memory is short. Ends with answer_stream_close(). */
struct answer_stream *stream_begin(const struct query *query, const struct edns_reply *reply,
                                   struct zone_image *image, bool steps, size_t first);

/* Appends to `w`, which stands behind the question of the first message, as many records as fit. How many. */
uint16_t stream_fill_first(struct answer_stream *stream, struct writer *w);

/* Signs all messages that follow: the first, which `tsig` has just signed, stays as it is. `now_s` is a clock
 * (Unix time) that outlives the stream. */
void stream_sign(struct answer_stream *stream, const struct tsig *tsig, const uint32_t *now_s);

/* Whether all of it has been written. */
bool stream_is_done(const struct answer_stream *stream);

/* Whether it had to be given up, so that what the client has isn't a zone. */
bool stream_is_broken(const struct answer_stream *stream);

#endif
