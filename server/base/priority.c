/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/priority.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NICE_OF_LOADING     5                       /* a quarter of a core that answers want as well */
#define LIMIT_OF_NICE(nice) ((rlim_t)(20 - (nice))) /* as RLIMIT_NICE counts */

/* The C library has no name for it, and its own scheduling headers can't stand beside the kernel's. */
static void attributes_set(pid_t thread, uint32_t policy, int nice)
{
    struct sched_attr attributes = {
        .size = sizeof attributes,
        .sched_policy = policy,
        .sched_nice = nice,
    };
    (void)syscall(SYS_sched_setattr, thread, &attributes, 0U);
}

void priority_of_loading(void)
{
    if (getpriority(PRIO_PROCESS, 0) < 0)
        (void)setpriority(PRIO_PROCESS, 0, 0);
}

void priority_of_loading_beside_answers(void)
{
    struct rlimit back;
    int nice = getpriority(PRIO_PROCESS, 0);
    bool returns = getrlimit(RLIMIT_NICE, &back) == 0 && back.rlim_cur >= LIMIT_OF_NICE(NICE_OF_LOADING);
    attributes_set(0, returns ? SCHED_IDLE : SCHED_BATCH, nice > NICE_OF_LOADING ? nice : NICE_OF_LOADING);
}

void priority_of_loading_hurried(pid_t thread)
{
    attributes_set(thread, SCHED_BATCH, NICE_OF_LOADING);
}
