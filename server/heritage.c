/* SPDX-License-Identifier: BSD-2-Clause */
#include "heritage.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The descriptor of a memfd with the text, at its beginning; or -errno. */
static int heritage_put(const json_t *text)
{
    int fd = memfd_create("hither-heritage", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (json_dumpfd(text, fd, JSON_COMPACT) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        close(fd);
        return -EIO;
    }
    return fd;
}

static int heritage_keep(const int *fds, size_t count, bool keep)
{
    int error = 0;
    for (size_t i = 0; i < count; i++)
        if (fcntl(fds[i], F_SETFD, keep ? 0 : FD_CLOEXEC) < 0)
            error = -errno;
    return error;
}

int heritage_leave(const char *program, char *const *arguments, const json_t *text, const int *fds,
                   size_t count)
{
    char number[16];
    int fd = heritage_put(text);
    if (fd < 0)
        return fd;
    (void)snprintf(number, sizeof number, "%d", fd);
    int error = heritage_keep(fds, count, true);
    if (error == 0)
        error = heritage_keep(&fd, 1, true);
    if (error == 0 && setenv(HERITAGE_VARIABLE, number, 1) < 0)
        error = -errno;
    if (error == 0) {
        (void)execv(program, arguments);
        error = -errno;
    }
    (void)unsetenv(HERITAGE_VARIABLE);
    (void)heritage_keep(fds, count, false);
    close(fd);
    return error;
}

bool heritage_is_trial(void)
{
    const char *version = getenv(HERITAGE_TRIAL);
    return version != NULL && strcmp(version, HERITAGE_TRIAL_VERSION) == 0;
}

json_t *heritage_read(void)
{
    const char *number = getenv(HERITAGE_VARIABLE);
    if (number == NULL)
        return NULL;
    int fd = atoi(number);
    (void)unsetenv(HERITAGE_VARIABLE);
    json_t *text = fd > STDERR_FILENO ? json_loadfd(fd, 0, NULL) : NULL;
    if (fd > STDERR_FILENO)
        close(fd);
    return text;
}

int heritage_fd(const json_t *object, const char *key)
{
    json_int_t fd = json_integer_value(json_object_get(object, key));
    if (fd <= STDERR_FILENO || fd > 1 << 30 || fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
        return -1;
    return (int)fd;
}

json_t *heritage_octets(const void *bytes, size_t octets)
{
    char *hex = malloc(2 * octets + 1);
    if (hex == NULL)
        return NULL;
    (void)sodium_bin2hex(hex, 2 * octets + 1, bytes, octets);
    json_t *text = json_string(hex);
    free(hex);
    return text;
}

bool heritage_octets_get(const json_t *object, const char *key, void *bytes, size_t octets)
{
    const char *hex = json_string_value(json_object_get(object, key));
    size_t got = 0;
    return hex != NULL && sodium_hex2bin(bytes, octets, hex, strlen(hex), NULL, &got, NULL) == 0 &&
           got == octets;
}
