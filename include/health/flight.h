/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The flight recorder: every change of a verdict with all that led to it, so that it can be judged again
 * later, elsewhere, and by a later version of the rules.
 *
 *     health/health --> flight_note() --> a ring in memory (for `why`)
 *                                     --> STATE-DIR/flight.log, one JSON object a line (for `hither replay`)
 *
 * A record is complete in itself: rules, state before, what happened, when, and the verdict that came of it.
 * The file is written in libuv's pool, one record at a time, and kept under a bound by moving it to
 * flight.log.1. A record that can't be written is counted and otherwise no trouble.
 */
#ifndef HITHER_HEALTH_FLIGHT_H
#define HITHER_HEALTH_FLIGHT_H

#include "health/verdict.h"

#include <jansson.h>
#include <netinet/in.h>
#include <uv.h>

#define FLIGHT_NAME_OCTETS (INET6_ADDRSTRLEN + 8)
#define FLIGHT_WHY_OCTETS  200
#define FLIGHT_RECORDS     256     /* in memory */
#define FLIGHT_MOST_OCTETS 1048576 /* of the file; twice that with the one before */

struct flight_record {
    struct mono at;
    int64_t unix_s; /* for the reader; nothing is decided by it */
    char prefix[FLIGHT_NAME_OCTETS];
    char why[FLIGHT_WHY_OCTETS];
    struct verdict_rules rules;
    struct verdict_state before;
    struct verdict_input input;
    enum verdict after;
};

struct flight;

/* The file goes into `state_dir`; NULL: memory alone. NULL when memory is short. */
struct flight *flight_open(uv_loop_t *loop, const char *state_dir);

void flight_note(struct flight *flight, const struct flight_record *record);

/* The newest ones, oldest first, at most `most`. New reference, or NULL. */
json_t *flight_tell(const struct flight *flight, struct mono now, size_t most);

/* Freed when what is being written is. NULL is allowed. */
void flight_close(struct flight *flight);

/* New reference, or NULL when memory is short. */
json_t *flight_as_json(const struct flight_record *record);

/* False when it isn't one; `why` says what is wrong. */
bool flight_of_json(const json_t *json, struct flight_record *record, const char **why);

/* Judges the record's input anew. What comes of it is `record->after` unless the rules have changed since. */
enum verdict flight_replay(const struct flight_record *record);

#endif
