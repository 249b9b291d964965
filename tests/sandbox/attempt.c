/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Confines itself as the server does, tries one thing, and says what came of it: "done", or the error's name.
 *
 *     sandbox-attempt READABLE WRITABLE ATTEMPT     two directories, and one of the names below
 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *readable;
static const char *writable;

static int read_at(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int in(const char *directory, const char *name, int flags)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return open(path, flags | O_CLOEXEC, 0600);
}

static int attempt_read_zone(void)
{
    return in(readable, "zone", O_RDONLY);
}

static int attempt_read_state(void)
{
    return in(writable, "image", O_RDONLY);
}

static int attempt_replace_state(void)
{
    char from[4096];
    char to[4096];
    (void)snprintf(from, sizeof from, "%s/new", writable);
    (void)snprintf(to, sizeof to, "%s/image", writable);
    return in(writable, "new", O_WRONLY | O_CREAT | O_TRUNC) < 0 ? -1 : rename(from, to);
}

static void *nothing(void *arg)
{
    return arg;
}

static int attempt_thread(void)
{
    pthread_t thread;
    errno = pthread_create(&thread, NULL, nothing, NULL);
    return errno == 0 ? pthread_join(thread, NULL) : -1;
}

static int attempt_udp(void)
{
    return socket(AF_INET6, SOCK_DGRAM, 0);
}

static int attempt_write_zone(void)
{
    return in(readable, "zone", O_WRONLY);
}

static int attempt_make_beside_zone(void)
{
    return in(readable, "new", O_WRONLY | O_CREAT);
}

static int attempt_remove_zone(void)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/zone", readable);
    return unlink(path);
}

static int attempt_read_elsewhere(void)
{
    return read_at("/etc/passwd");
}

static int attempt_read_memory_of_parent(void)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/mem", (int)getppid());
    return read_at(path);
}

static int attempt_run(void)
{
    return execl("/bin/true", "true", (char *)NULL);
}

static int attempt_fork(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid;
}

static int attempt_trace(void)
{
    return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int attempt_become(void)
{
    return setresuid(65534, 65534, 65534);
}

static int attempt_namespace(void)
{
    return (int)syscall(SYS_unshare, 0x10000000);
}

static int attempt_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int attempt_turn_into_code(void)
{
    void *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return data == MAP_FAILED ? -1 : mprotect(data, 4096, PROT_READ | PROT_EXEC);
}

static int attempt_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int attempt_packets(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0);
}

static int attempt_signal_init(void)
{
    return kill(1, 0);
}

static int attempt_signal_parent(void)
{
    return kill(getppid(), 0);
}

static int attempt_limit(void)
{
    const struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none);
}

static int attempt_ring(void)
{
    return (int)syscall(425, 1, NULL); /* io_uring_setup */
}

static const struct {
    const char *name;
    int (*attempt)(void);
} attempts[] = {
    {"read-zone", attempt_read_zone},
    {"read-state", attempt_read_state},
    {"replace-state", attempt_replace_state},
    {"thread", attempt_thread},
    {"udp", attempt_udp},
    {"write-zone", attempt_write_zone},
    {"make-beside-zone", attempt_make_beside_zone},
    {"remove-zone", attempt_remove_zone},
    {"read-elsewhere", attempt_read_elsewhere},
    {"read-memory-of-parent", attempt_read_memory_of_parent},
    {"run", attempt_run},
    {"fork", attempt_fork},
    {"trace", attempt_trace},
    {"become", attempt_become},
    {"namespace", attempt_namespace},
    {"code", attempt_code},
    {"turn-into-code", attempt_turn_into_code},
    {"netlink", attempt_netlink},
    {"packets", attempt_packets},
    {"signal-init", attempt_signal_init},
    {"signal-parent", attempt_signal_parent},
    {"limit", attempt_limit},
    {"ring", attempt_ring},
};

int main(int argc, char **argv)
{
    struct sandbox sandbox;
    if (argc != 4)
        return 2;
    readable = argv[1];
    writable = argv[2];
    const struct sandbox_path paths[] = {
        {readable, false}, {writable, true}, {"/proc", false}, {"/nonexistent", true}};
    int error = sandbox_enter(paths, sizeof paths / sizeof *paths, &sandbox);
    if (error < 0) {
        (void)fprintf(stderr, "not confined: %s\n", strerror(-error));
        return 2;
    }
    (void)fprintf(stderr, "landlock %d, filter %d\n", sandbox.landlock, sandbox.filter);
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        if (strcmp(attempts[i].name, argv[3]) != 0)
            continue;
        puts(attempts[i].attempt() < 0 ? strerrorname_np(errno) : "done");
        return 0;
    }
    return 2;
}
