/* SPDX-License-Identifier: BSD-2-Clause */
#include "sandbox/sandbox.h"

#include "config/judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* The state of other threads and of the announcer, and which processors there are (malloc asks). What another
 * process's memory holds isn't to be read there: Landlock forbids that to whoever it restricts. */
static const struct sandbox_path sandbox_usual[] = {
    {"/proc", false},         {"/sys/devices/system/cpu", false}, {"/dev/null", true},
    {"/dev/urandom", false},  {"/etc/localtime", false},          {"/etc/protocols", false},
    {"/etc/services", false}, {"/etc/nsswitch.conf", false},      {"/etc/resolv.conf", false},
    {"/etc/hosts", false},    {"/usr/share/zoneinfo", false},
};

#define SANDBOX_USUAL (sizeof sandbox_usual / sizeof *sandbox_usual)

/* Paths, and the texts that were made for them. */
struct sandbox_list {
    size_t count;
    struct sandbox_path paths[SANDBOX_PATHS_MOST];
    char *owned[SANDBOX_PATHS_MOST];
};

static void list_add(struct sandbox_list *list, char *path, bool writable)
{
    if (path == NULL || list->count == SANDBOX_PATHS_MOST) {
        free(path);
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->paths[i].writable == writable && strcmp(list->paths[i].path, path) == 0) {
            free(path);
            return;
        }
    }
    list->owned[list->count] = path;
    list->paths[list->count++] = (struct sandbox_path){path, writable};
}

/* A file is replaced by another one of the same name: so what is allowed is its directory; and the one that
 * it really lies in, when the name is a link. */
static void list_add_around(struct sandbox_list *list, const char *path, bool writable)
{
    char *real = realpath(path, NULL);
    list_add(list, judge_directory_of(path), writable);
    if (real != NULL)
        list_add(list, judge_directory_of(real), writable);
    free(real);
}

static void list_add_zones(struct sandbox_list *list, const struct settings *settings)
{
    for (size_t i = 0; i < settings->zone_count; i++) {
        if (settings->zones[i].file != NULL)
            list_add_around(list, settings->zones[i].file, false);
        if (settings->zones[i].directory != NULL)
            list_add(list, strdup(settings->zones[i].directory), false);
    }
}

int sandbox_enter(const struct sandbox_path *paths, size_t count, struct sandbox *sandbox)
{
    *sandbox = (struct sandbox){0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    int landlock = sandbox_restrict_paths(paths, count);
    if (landlock < 0)
        return landlock;
    sandbox->landlock = landlock;
    int filter = sandbox_filter_calls();
    sandbox->filter = filter > 0;
    return filter < 0 ? filter : 0;
}

int sandbox_enter_server(const struct settings *settings, struct sandbox *sandbox)
{
    struct sandbox_list *list = calloc(1, sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < SANDBOX_USUAL; i++)
        list_add(list, strdup(sandbox_usual[i].path), sandbox_usual[i].writable);
    if (settings->server.state_dir != NULL)
        list_add(list, strdup(settings->server.state_dir), true);
    const char *const resolvers[] = {settings->resolve.root_hints, settings->resolve.trust_anchor,
                                     settings->resolve.root_zone};
    for (size_t i = 0; i < sizeof resolvers / sizeof *resolvers; i++)
        if (resolvers[i] != NULL)
            list_add_around(list, resolvers[i], false);
    if (settings->log.dnstap.file != NULL)
        list_add_around(list, settings->log.dnstap.file, true);
    list_add_zones(list, settings);
    int error = sandbox_enter(list->paths, list->count, sandbox);
    for (size_t i = 0; i < list->count; i++)
        free(list->owned[i]);
    free(list);
    return error;
}
