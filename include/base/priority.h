/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Loading zones beside answering from others: on the same cores, and behind.
 */
#ifndef HITHER_BASE_PRIORITY_H
#define HITHER_BASE_PRIORITY_H

#include <sys/types.h>

/* For a thread that loads zones: as everybody else, when the process is before everybody. */
void priority_of_loading(void);

/* For one that does so while others answer: whoever has something to answer breaks into its turn. Whoever
 * answers all the time leaves it nothing; so when that has lasted, `thread` is hurried, to a quarter of a
 * core. Where the system (RLIMIT_NICE) has no way back to that, it begins there. There is no way back to
 * priority_of_loading(). */
void priority_of_loading_beside_answers(void);
void priority_of_loading_hurried(pid_t thread);

#endif
