/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the server process may still do once it is ready to listen to strangers: read its zones, write its
 * state, and talk over sockets. What it never needs is taken from it by the kernel: files by Landlock, system
 * calls by a seccomp filter. Neither can be undone, by it or by whoever has got hold of it. Both come on top
 * of an ordinary user without capabilities (privilege.h), and each is left out where the kernel, or the
 * build, has none of it: the sanitizers need calls of their own.
 *
 *     serve --> sandbox_enter() --> sandbox/landlock: paths --> sandbox/filter: calls
 *
 * A call that the program just doesn't need is refused (EPERM): a library that tries one goes on without. One
 * that only an intruder makes, to run a program, look into another process, load code into the kernel or
 * become somebody else, ends the process: the next one is in its place within milliseconds, and the death is
 * recorded.
 */
#ifndef HITHER_SANDBOX_SANDBOX_H
#define HITHER_SANDBOX_SANDBOX_H

#include "config.h"

#include <stddef.h>

#define SANDBOX_PATHS_MOST 1024

/* A directory (with all below) or a file; what isn't there is passed over. */
struct sandbox_path {
    const char *path;
    bool writable;
};

/* Which of the two are in force. */
struct sandbox {
    int landlock; /* its version in this kernel; 0: none */
    bool filter;
};

/* For this thread and those that it starts: so before there are others. 0; or -errno when the kernel has what
 * is needed, and refuses it. */
int sandbox_enter(const struct sandbox_path *paths, size_t count, struct sandbox *sandbox);

/* The same with the paths that a server with these settings needs. */
int sandbox_enter_server(const struct settings *settings, struct sandbox *sandbox);

/* sandbox/landlock.c: the version; 0: the kernel has none; or -errno. */
int sandbox_restrict_paths(const struct sandbox_path *paths, size_t count);

/* sandbox/filter.c: 1; 0: the kernel has none, or the build; or -errno. */
int sandbox_filter_calls(void);

#endif
