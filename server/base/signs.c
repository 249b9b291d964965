/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/signs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIGNS_PATH_OCTETS 64
#define SIGNS_TEXT_OCTETS 512

/* The octets of a small file, zero-terminated; 0 when it can't be read. */
static size_t signs_read_file(pid_t pid, pid_t tid, const char *file, char text[SIGNS_TEXT_OCTETS])
{
    char path[SIGNS_PATH_OCTETS];
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/%s", (int)pid, (int)tid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t octets = fd >= 0 ? read(fd, text, SIGNS_TEXT_OCTETS - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[octets > 0 ? octets : 0] = '\0';
    return octets > 0 ? (size_t)octets : 0;
}

char signs_parse_state(const char *text, size_t octets)
{
    size_t at = octets;
    while (at > 0 && text[at - 1] != ')')
        at--;
    return at > 0 && at + 1 < octets && text[at] == ' ' ? text[at + 1] : 0;
}

struct heart_signs signs_read(pid_t pid, pid_t tid)
{
    char text[SIGNS_TEXT_OCTETS];
    struct heart_signs signs = {signs_parse_state(text, signs_read_file(pid, tid, "stat", text)), 0};
    char *end;
    errno = 0;
    if (signs.state == 0 || signs_read_file(pid, tid, "schedstat", text) == 0)
        return (struct heart_signs){0};
    signs.cpu_ns = strtoll(text, &end, 10);
    return end != text && errno == 0 ? signs : (struct heart_signs){0};
}
