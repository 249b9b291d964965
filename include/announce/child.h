/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Running another program and waiting for what it says: in a process group of its own, with no descriptor of
 * ours but its output, for a limited time; then the whole group is killed. Nothing of the group outlives the
 * call.
 */
#ifndef HITHER_ANNOUNCE_CHILD_H
#define HITHER_ANNOUNCE_CHILD_H

#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define CHILD_OUTPUT_OCTETS (64 * 1024)
#define CHILD_MAX_VARIABLES 16

struct child_end {
    int error;  /* it couldn't be started: -errno */
    int status; /* exit status */
    int signal; /* that ended it; 0: none */
    bool timed_out;
    const char *output; /* of both its outputs, as far as it fits; ends with a zero */
};

/* Everything is closed when it is called. */
typedef void (*child_callback)(void *arg, const struct child_end *end);

/* Words of a command as exec wants them: `words` of the settings, then `more`, up to a NULL; the pointers
 * lead into both. False when there are more than `room`. */
bool child_words(const struct settings_command *command, const char *const *more, const char **words,
                 size_t room);

/* Runs it with our environment (without what concerns us alone) and `variables` ("NAME=VALUE", up to a NULL).
 * Always ends with one call of `done`, never before it returns. 0 or -ENOMEM, and then `done` isn't called.
 */
int child_run(uv_loop_t *loop, const char *const *words, const char *const *variables, uint32_t timeout_ms,
              child_callback done, void *arg);

/* What went wrong, for people: the reason and the last line of what it said. "" when nothing did. */
char *child_trouble(const struct child_end *end, uint32_t timeout_ms, char *text, size_t octets);

#endif
