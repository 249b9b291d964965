/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The signs of life of a thread, of whichever process, as the kernel tells them (proc(5)): for base/heart.h.
 */
#ifndef HITHER_BASE_SIGNS_H
#define HITHER_BASE_SIGNS_H

#include "base/heart.h"

#include <stddef.h>
#include <sys/types.h>

/* What thread `tid` of process `pid` does; all zero when the kernel doesn't say. */
struct heart_signs signs_read(pid_t pid, pid_t tid);

/* The state in the text of /proc/PID/task/TID/stat, whose second field is a name that may hold anything; 0
 * when there is none. */
char signs_parse_state(const char *text, size_t octets);

#endif
