/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The operator's own checks: programs that say by their exit status whether all is well (0) or not. Each runs
 * at its interval, in a process group of its own, without a shell and without any of our descriptors. One
 * that takes longer than its timeout has failed; its whole group is killed then, and whatever it left behind
 * when it ended by itself.
 *
 *     health.exec --> exec_start() --> health/health: one check_result for each in every round
 */
#ifndef HITHER_HEALTH_EXEC_H
#define HITHER_HEALTH_EXEC_H

#include "base/clock.h"
#include "config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct exec_checks;

struct exec_result {
    enum check_class class;
    bool good; /* before its first result a LOCAL check isn't, unless others ran already when it came */
};

/* Begins to run them; copies what it needs. `before` (may be NULL) are those that these replace: what is
 * known of a check with the same name stays until there is something newer. NULL when memory is short. */
struct exec_checks *exec_start(uv_loop_t *loop, const struct settings_health *settings,
                               const struct exec_checks *before);

/* The newest results, at most SETTINGS_MAX_EXECS. How many. */
size_t exec_results(const struct exec_checks *checks, struct exec_result *results);

/* The first that isn't good, of the gravest class there is: one line in `why`. False when all are good. */
bool exec_say_why(const struct exec_checks *checks, char *why, size_t octets);

/* Adds one object for each to `list`. */
void exec_tell(const struct exec_checks *checks, struct mono now, json_t *list);

/* What is known, and what runs, for the program that takes our place; and that taken over, before the loop
 * runs: what ran is killed, because nobody would hear of its end. New reference, or NULL. */
json_t *exec_hand_over(const struct exec_checks *checks);
void exec_take_over(struct exec_checks *checks, const json_t *heritage);

/* Kills what runs; freed when the loop has closed what was open. NULL is allowed. */
void exec_stop(struct exec_checks *checks);

#endif
