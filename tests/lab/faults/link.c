/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A link with a length, where the kernel has no netem: link NETNS NETNS INTERFACE INTERFACE MICROSECONDS
 *
 * Makes a TAP interface in each of the two network namespaces and carries every frame from one to the other,
 * as late as it is told. It goes with the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define FRAME_OCTETS 2048
#define ROOM         4096 /* frames on their way, in one direction */

struct way {
    int from;
    int to;
    unsigned first, count;
    struct frame {
        int64_t due_ns;
        ssize_t octets;
        char bytes[FRAME_OCTETS];
    } frames[ROOM];
};

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_end(const char *netns, const char *name)
{
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int there = open(netns, O_RDONLY | O_CLOEXEC);
    if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
        fail(netns);
    int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0)
        fail(name);
    if (setns(home, CLONE_NEWNET) < 0)
        fail("going back");
    close(home);
    close(there);
    return tap;
}

static void take(struct way *way, int64_t delay_ns)
{
    while (way->count < ROOM) {
        struct frame *frame = &way->frames[(way->first + way->count) % ROOM];
        frame->octets = read(way->from, frame->bytes, sizeof frame->bytes);
        if (frame->octets <= 0)
            return;
        frame->due_ns = now_ns() + delay_ns;
        way->count++;
    }
}

static void deliver(struct way *way)
{
    while (way->count > 0 && way->frames[way->first].due_ns <= now_ns()) {
        const struct frame *frame = &way->frames[way->first];
        (void)!write(way->to, frame->bytes, (size_t)frame->octets);
        way->first = (way->first + 1) % ROOM;
        way->count--;
    }
}

static int64_t next_due(const struct way *ways)
{
    int64_t due = INT64_MAX;
    for (int i = 0; i < 2; i++)
        if (ways[i].count > 0 && ways[i].frames[ways[i].first].due_ns < due)
            due = ways[i].frames[ways[i].first].due_ns;
    return due;
}

int main(int argc, char **argv)
{
    static struct way ways[2];
    if (argc != 6)
        return 2;
    (void)prctl(PR_SET_TIMERSLACK, 1000UL);
    (void)setpriority(PRIO_PROCESS, 0, -15); /* what is measured is the others' lateness */
    int64_t delay_ns = strtoll(argv[5], NULL, 10) * 1000;
    ways[0].from = ways[1].to = open_end(argv[1], argv[3]);
    ways[0].to = ways[1].from = open_end(argv[2], argv[4]);
    (void)puts("up");
    (void)fflush(stdout);
    for (;;) {
        struct pollfd ends[2] = {{ways[0].from, POLLIN, 0}, {ways[1].from, POLLIN, 0}};
        int64_t due = next_due(ways);
        int64_t left = due == INT64_MAX ? INT64_MAX : due - now_ns();
        struct timespec wait = {left > 0 ? left / 1000000000 : 0, left > 0 ? left % 1000000000 : 0};
        (void)ppoll(ends, 2, due == INT64_MAX ? NULL : &wait, NULL);
        for (int i = 0; i < 2; i++) {
            take(&ways[i], delay_ns);
            deliver(&ways[i]);
        }
    }
}
