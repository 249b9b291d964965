/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a program leaves to the one that takes its place: descriptors, and a text (JSON) that says what they
 * are and how far their conversations have come. Both go through execve() in the same process, so the server
 * keeps its parent and the service manager its main process. The text names things, never memory layouts: the
 * heir may be another version, and does without what it doesn't understand.
 *
 *     steer_upgrade --> memfd, HITHER_HERITAGE=FD --execve()--> heritage_read() --> steer, guard, announcer
 */
#ifndef HITHER_HERITAGE_H
#define HITHER_HERITAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define HERITAGE_VARIABLE "HITHER_HERITAGE"

/* A program that is to take our place shows beforehand that it could: asked for with --check and this
 * variable, it leaves with this status instead of 0. So does no script, no older version and nothing else
 * that happens to stand where the program should be. */
#define HERITAGE_TRIAL         "HITHER_HERITAGE_TRIAL"
#define HERITAGE_TRIAL_VERSION "1" /* of what the heritage says */
#define HERITAGE_TRIAL_PASSED  87

/* Whether we are asked so, by a program whose heritage we understand. */
bool heritage_is_trial(void);

/* Leaves `text` (not taken over) and every descriptor in `fds`, and becomes `program` with `arguments`.
 * Comes back only when that failed: -errno, and all is as it was. */
int heritage_leave(const char *program, char *const *arguments, const json_t *text, const int *fds,
                   size_t count);

/* What was left to us; NULL: nothing. Descriptors are close-on-exec again once heritage_fd() has named them.
 */
json_t *heritage_read(void);

/* The descriptor that member `key` of `object` names, ours from now on; -1 when there is none open. */
int heritage_fd(const json_t *object, const char *key);

/* Octets as a string of hexadecimal digits, and back: true when it is exactly `octets` long. */
json_t *heritage_octets(const void *bytes, size_t octets);
bool heritage_octets_get(const json_t *object, const char *key, void *bytes, size_t octets);

#endif
