/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A message from upstream -> what stands behind the question of each client that asks for it: records written
 * anew, with the octets where their TTLs are, so that ageing an answer is a few stores. Signatures and proofs
 * are left out for clients that don't want them (RFC 4035 3.2.1), OPT always. Pure.
 *
 * The message comes from libunbound, which has it from strangers: nothing in it is trusted to be well-formed.
 *
 * RFCs: 1035 4.1, 2181 8 (TTLs), 2308 5 (how long a negative answer lasts), 4035 3.2 (DNSSEC).
 */
#ifndef HITHER_RESOLVE_RESOLVED_H
#define HITHER_RESOLVE_RESOLVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESOLVED_BODY_OCTETS 65000 /* what fits behind any question, with an OPT */
#define RESOLVED_RECORDS     4096
#define RESOLVED_TTL_MOST    86400
#define RESOLVED_TTL_BAD     5  /* seconds that a failure is remembered (RFC 9520 3.2) */
#define RESOLVED_TTL_BOGUS   60 /* and one of validation, with its reason: as long as libunbound does */

/* `body` and `ttl_at` are another's: of a struct resolved_room, or of the cache. */
struct resolved {
    uint16_t rcode;
    int16_t error; /* enum edns_error */
    bool secure;   /* AD, if the client asks for it */
    uint16_t counts[3];
    uint16_t octets;
    uint16_t ttl_count;
    uint32_t ttl_s; /* the least of all */
    const uint8_t *body;
    const uint16_t *ttl_at; /* octets into the body, not aligned for anything else */
};

struct resolved_room {
    uint8_t body[RESOLVED_BODY_OCTETS];
    uint16_t ttl_at[RESOLVED_RECORDS];
};

/* What it is the answer to. */
struct resolved_question {
    const uint8_t *name; /* wire form */
    uint16_t type;
    bool dnssec; /* signatures and proofs are wanted */
};

/* Takes the message apart into `room`. False when it is broken, too large or answers something else. */
bool resolved_take(struct resolved *resolved, struct resolved_room *room,
                   const struct resolved_question *question, const uint8_t *message, size_t octets);

/* An answer without records. */
struct resolved resolved_failure(uint16_t rcode, int error);

/* What libunbound says of signatures that don't hold -> INFO-CODE of RFC 8914. */
int resolved_why_bogus(const char *text);

#endif
