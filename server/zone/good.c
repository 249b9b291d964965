/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/good.h"

#include "zone/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOOD_DIRECTORY "good"
#define GOOD_TEXT      "hither.yaml"
#define GOOD_SUFFIX    ".image"
#define GOOD_NEW       ".new"

char *zone_good_directory(const char *state_dir)
{
    char *path = NULL;
    return asprintf(&path, "%s/" GOOD_DIRECTORY, state_dir) < 0 ? NULL : path;
}

char *zone_good_text_path(const char *state_dir)
{
    char *path = NULL;
    return asprintf(&path, "%s/" GOOD_DIRECTORY "/" GOOD_TEXT, state_dir) < 0 ? NULL : path;
}

static bool is_image(const char *name)
{
    size_t octets = strlen(name);
    return octets > sizeof GOOD_SUFFIX - 1 &&
           strcmp(name + octets - (sizeof GOOD_SUFFIX - 1), GOOD_SUFFIX) == 0;
}

/* The same file under the same name in both; the old one stays until the new one is there. */
static int good_link(int from, int to, const char *name, int64_t until_unix_s)
{
    struct stat is;
    struct stat was;
    char next[NAME_MAX + sizeof GOOD_NEW];
    if (fstatat(from, name, &is, 0) < 0 || is.st_mtim.tv_sec > until_unix_s)
        return 0;
    if (fstatat(to, name, &was, 0) == 0 && was.st_ino == is.st_ino)
        return 0;
    (void)snprintf(next, sizeof next, "%s" GOOD_NEW, name);
    (void)unlinkat(to, next, 0);
    if (linkat(from, name, to, next, 0) < 0 || renameat(to, next, to, name) < 0)
        return -errno;
    return 0;
}

/* Calls `link` for each image in `from`, or forgets those in `to` that aren't in `from` any more. */
static int good_walk(int from, int to, bool forget, int64_t until_unix_s)
{
    int fd = openat(forget ? to : from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    int error = 0;
    if (directory == NULL) {
        error = -errno;
        if (fd >= 0)
            close(fd);
        return error;
    }
    const struct dirent *entry;
    while (error == 0 && (entry = readdir(directory)) != NULL) {
        if (!is_image(entry->d_name))
            continue;
        if (!forget)
            error = good_link(from, to, entry->d_name, until_unix_s);
        else if (faccessat(from, entry->d_name, F_OK, 0) < 0)
            (void)unlinkat(to, entry->d_name, 0);
    }
    (void)closedir(directory);
    return error;
}

static int good_write(int directory, const char *text, size_t octets)
{
    int fd = openat(directory, GOOD_TEXT GOOD_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    ssize_t wrote = write(fd, text, octets);
    int error = wrote == (ssize_t)octets ? 0 : wrote < 0 ? -errno : -ENOSPC;
    close(fd);
    if (error == 0 && renameat(directory, GOOD_TEXT GOOD_NEW, directory, GOOD_TEXT) < 0)
        error = -errno;
    return error;
}

static int good_open(int at, const char *path)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int zone_good_settle(const char *state_dir, int64_t until_unix_s, const char *text, size_t octets)
{
    char *path = zone_good_directory(state_dir);
    if (path == NULL)
        return -ENOMEM;
    int error = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : zone_cache_prepare(path);
    int good = error == 0 ? good_open(AT_FDCWD, path) : -1;
    int state = error == 0 ? good_open(AT_FDCWD, state_dir) : -1;
    int from = state >= 0 ? good_open(state, "zones") : -1;
    int to = good >= 0 ? good_open(good, "zones") : -1;
    if (error == 0 && (from < 0 || to < 0))
        error = from < 0 ? from : to;
    if (error == 0) {
        (void)unlinkat(good, GOOD_TEXT, 0); /* until all of it is there */
        error = good_walk(from, to, false, until_unix_s);
    }
    if (error == 0)
        error = good_walk(from, to, true, until_unix_s);
    if (error == 0)
        error = good_write(good, text, octets);
    const int fds[] = {good, state, from, to};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(path);
    return error;
}
