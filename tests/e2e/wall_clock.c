/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A wall clock that a test can set while a program runs: loaded before the C library (LD_PRELOAD), it adds
 * what stands in the file HITHER_TEST_CLOCK (seconds, int64_t). Monotonic time stays as it is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset_s;
static int (*real_gettime)(clockid_t, struct timespec *);

/* Before main(), and so before any sandbox. */
__attribute__((constructor)) static void clock_begin(void)
{
    const char *path = getenv("HITHER_TEST_CLOCK");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page = fd >= 0 ? mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (page == MAP_FAILED)
        abort();
    offset_s = page;
    (void)close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    if (real_gettime == NULL)
        *(void **)&real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    int status = real_gettime(clock, at);
    if (status == 0 && offset_s != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        at->tv_sec += *offset_s;
    return status;
}

time_t time(time_t *to)
{
    struct timespec at = {0};
    (void)clock_gettime(CLOCK_REALTIME, &at);
    if (to != NULL)
        *to = at.tv_sec;
    return at.tv_sec;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now = {0};
    (void)zone;
    int status = clock_gettime(CLOCK_REALTIME, &now);
    *at = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return status;
}
