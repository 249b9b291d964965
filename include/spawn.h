/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Starting ourselves as the server: fork, keep exactly the descriptors that it is to have, exec.
 */
#ifndef HITHER_SPAWN_H
#define HITHER_SPAWN_H

#include "base/shared.h"

#include <stdbool.h>
#include <sys/types.h>

/* Names, in the environment, the server's part and its descriptors: "DOWN,UP,CHANNEL,TEXT,FIRST". */
#define SPAWN_VARIABLE "HITHER_SERVER"

struct spawn_descriptors {
    int down;
    int up;
    int channel;
    int text;
    bool first; /* no server has served yet: what is wrong with a zone is a reason not to start */
};

/* The server's pid, or -errno. It dies with us, ignores the signals that are for us, and starts in main()
 * with `program` as argv[0] and `settings` after "-c". */
pid_t spawn_server(const char *program, const char *settings, const struct shared_down *down,
                   const struct spawn_descriptors *descriptors);

/* Runs the program at argv[0] with our environment and nothing of ours but standard error, for both its
 * outputs. What the kernel doesn't take for a program isn't run: no shell is asked to make sense of it. The
 * pid, or -errno; the caller waits for it, and 127 is the status when it wasn't run. */
pid_t spawn_program(char *const *argv);

/* What SPAWN_VARIABLE says; false when that is no sound text. */
bool spawn_descriptors_read(const char *text, struct spawn_descriptors *descriptors);

#endif
