/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Queries and answers picked out for the query log and for dnstap: what a worker does of it. Rules say which;
 * what they pick is copied into the worker's ring, and the main thread empties the rings
 * (control/query_log.h). A ring that is full drops, and counts: a log never holds up an answer. Without rules
 * a batch costs one comparison.
 *
 *     net/udp, net/tcp -> tap_take() -> ring of this worker -> tap_next() -> the log, dnstap
 */
#ifndef HITHER_ANSWER_TAP_H
#define HITHER_ANSWER_TAP_H

#include "answer/query.h"
#include "base/stats.h"
#include "config.h"
#include "wire/name.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAP_RULES_MOST  SETTINGS_MAX_QUERY_RULES
#define TAP_RING_OCTETS (1024 * 1024) /* a power of two */
#define TAP_ANY_RCODE   255

/* In force for all workers; part of the policy. */
struct tap_rules {
    struct settings_query_rule rules[TAP_RULES_MOST];
    unsigned count;
    uint32_t dnstap_sample; /* one in so many goes to dnstap; 0: none */
};

static inline bool tap_is_on(const struct tap_rules *rules)
{
    return rules->count > 0 || rules->dnstap_sample > 0;
}

enum tap_purpose {
    TAP_LOG = 1,
    TAP_DNSTAP = 2,
};

struct tap_record {
    uint32_t octets;  /* of the whole record in the ring */
    uint8_t purposes; /* set of enum tap_purpose; 0: nothing is here, the ring goes on at its start */
    uint8_t transport;
    uint16_t query_octets;    /* what follows the record */
    uint32_t response_octets; /* as it was sent; 0: nothing was */
    uint32_t response_kept;   /* what follows the query */
    int64_t unix_ns;          /* of the batch */
    union settings_address client;
};

/* One writer, one reader. */
struct tap {
    _Atomic uint64_t written;
    _Atomic uint64_t read;
    stat_counter dropped;
    uint64_t matched[TAP_RULES_MOST]; /* the writer's own: which match is the next to be picked */
    uint64_t seen;
    _Alignas(8) uint8_t ring[TAP_RING_OCTETS];
};

/* Picks from a batch that was answered. */
void tap_take(struct tap *tap, const struct tap_rules *rules, enum answer_transport transport,
              const struct answer_message *messages, size_t count);

/* The oldest record, which stays until tap_done(); NULL: there is none. */
const struct tap_record *tap_next(struct tap *tap);
void tap_done(struct tap *tap, const struct tap_record *record);

static inline const uint8_t *tap_query(const struct tap_record *record)
{
    return (const uint8_t *)(record + 1);
}

static inline const uint8_t *tap_response(const struct tap_record *record)
{
    return tap_query(record) + record->query_octets;
}

/* Whether a rule means this query. `query` may be any octets. */
bool tap_matches(const struct settings_query_rule *rule, const struct sockaddr *client, const uint8_t *query,
                 size_t query_octets, unsigned rcode);

#endif
