/* SPDX-License-Identifier: BSD-2-Clause
 *
 * AXFR and IXFR: who gets the zone, and in which form.
 *
 *     AXFR over TCP                     the whole zone
 *     AXFR over UDP                     FORMERR (RFC 5936 4.2: it isn't defined)
 *     IXFR, the client is up to date    our SOA alone (RFC 1995 2)
 *     IXFR over UDP                     our SOA alone: the client comes again over TCP (RFC 1995 2)
 *     IXFR, we know the client's serial the differences since
 *     IXFR, we don't                    the whole zone
 *
 * Who isn't allowed is REFUSED; a name that is no apex of ours is NOTAUTH (RFC 5936 2.2.1).
 */
#ifndef HITHER_ANSWER_TRANSFER_H
#define HITHER_ANSWER_TRANSFER_H

#include "answer/response.h"
#include "wire/rdata.h"
#include "zone/set.h"

static inline bool transfer_is_asked(const struct query *query)
{
    return query->qtype == RR_AXFR || query->qtype == RR_IXFR;
}

/* Answers such a query; `image` is the zone found for its name, or NULL. What doesn't fit into the first
 * message comes from the stream that is returned; NULL when there is no more. */
struct answer_stream *transfer_respond(struct response *response, struct query *query,
                                       const struct zone_set *set, const struct zone_image *image);

#endif
