/* SPDX-License-Identifier: BSD-2-Clause */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPAWN_VARIABLE_OCTETS 128

/* Signals that a terminal or a service manager may send to the whole group: the server obeys the announcer
 * alone, which gets them as well. */
static const int spawn_ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

static bool spawn_keep(int fd)
{
    return fcntl(fd, F_SETFD, 0) == 0;
}

static bool spawn_keep_all(const struct shared_down *down, const struct spawn_descriptors *descriptors)
{
    bool kept = syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
    kept = kept && spawn_keep(descriptors->down) && spawn_keep(descriptors->up);
    kept = kept && spawn_keep(descriptors->channel) && spawn_keep(descriptors->text);
    for (uint32_t i = 0; kept && i < down->socket_count; i++)
        kept = spawn_keep(down->sockets[i].fd);
    for (uint32_t i = 0; kept && i < down->image_count; i++)
        kept = spawn_keep(down->images[i]);
    return kept;
}

/* Between fork and exec: only what is async-signal-safe. All signals are blocked, so that none is taken by a
 * handler of the announcer's loop, which would tell the announcer of it. */
static void spawn_child(char *const *argv, char *const *environment, const struct shared_down *down,
                        const struct spawn_descriptors *descriptors, pid_t parent)
{
    sigset_t none;
    for (size_t i = 0; i < sizeof spawn_ignored / sizeof *spawn_ignored; i++)
        (void)signal(spawn_ignored[i], SIG_IGN);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent || !spawn_keep_all(down, descriptors))
        _exit(127);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execve("/proc/self/exe", argv, environment);
    _exit(127);
}

/* Our environment and `variable` behind it. NULL when memory is short; to be freed, but not its texts. */
static char **spawn_environment(char *variable)
{
    size_t count = 0;
    size_t kept = 0;
    while (environ[count] != NULL)
        count++;
    char **copy = calloc(count + 2, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) /* Readiness is for the announcer alone to tell. */
        if (strncmp(environ[i], "NOTIFY_SOCKET=", strlen("NOTIFY_SOCKET=")) != 0)
            copy[kept++] = environ[i];
    if (copy != NULL)
        copy[kept] = variable;
    return copy;
}

pid_t spawn_server(const char *program, const char *settings, const struct shared_down *down,
                   const struct spawn_descriptors *descriptors)
{
    union { /* execve() takes char *const *, and writes to none of it */
        const char *from;
        char *to;
    } name = {program}, path = {settings}, option = {"-c"};
    char *argv[] = {name.to, option.to, path.to, NULL};
    char variable[SPAWN_VARIABLE_OCTETS];
    (void)snprintf(variable, sizeof variable, SPAWN_VARIABLE "=%d,%d,%d,%d,%d", descriptors->down,
                   descriptors->up, descriptors->channel, descriptors->text, descriptors->first ? 1 : 0);
    char **environment = spawn_environment(variable);
    if (environment == NULL)
        return -ENOMEM;

    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t pid = fork();
    int error = errno;
    if (pid == 0)
        spawn_child(argv, environment, down, descriptors, parent);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    free(environment);
    return pid > 0 ? pid : -error;
}

/* As spawn_child(). */
static void spawn_program_child(char *const *argv)
{
    sigset_t none;
    int nothing = open("/dev/null", O_RDONLY);
    sigemptyset(&none);
    (void)signal(SIGCHLD, SIG_DFL);
    if (dup2(nothing, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
        syscall(SYS_close_range, (unsigned)STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
        _exit(127);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execve(argv[0], argv, environ);
    _exit(127);
}

pid_t spawn_program(char *const *argv)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    int error = errno;
    if (pid == 0)
        spawn_program_child(argv);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return pid > 0 ? pid : -error;
}

bool spawn_descriptors_read(const char *text, struct spawn_descriptors *descriptors)
{
    int fields[5];
    for (size_t i = 0; i < 5; i++) {
        char *end;
        errno = 0;
        long value = strtol(text, &end, 10);
        if (end == text || errno != 0 || value < 0 || value > 1 << 30 || *end != (i < 4 ? ',' : '\0'))
            return false;
        fields[i] = (int)value;
        text = end + 1;
    }
    *descriptors = (struct spawn_descriptors){fields[0], fields[1], fields[2], fields[3], fields[4] != 0};
    return true;
}
