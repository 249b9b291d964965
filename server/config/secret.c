/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_FILE_OCTETS 512

/* The octets read, at most `size`; below 0 with `why` said. */
static ssize_t secret_bytes(int fd, char *bytes, size_t size, bool *open_to_all, struct value_why *why)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        (void)snprintf(why->text, sizeof why->text, "names something that isn't a regular file");
        return -1;
    }
    *open_to_all = (st.st_mode & S_IROTH) != 0;
    ssize_t octets = read(fd, bytes, size);
    if (octets < 0)
        (void)snprintf(why->text, sizeof why->text, "names a file that can't be read: %s", strerror(errno));
    return octets;
}

char *secret_read(const char *path, size_t most, bool *open_to_all, struct value_why *why)
{
    char bytes[SECRET_FILE_OCTETS] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        (void)snprintf(why->text, sizeof why->text, "names a file that can't be opened: %s", strerror(errno));
        return NULL;
    }
    ssize_t octets = secret_bytes(fd, bytes, sizeof bytes - 1, open_to_all, why);
    close(fd);
    if (octets < 0)
        return NULL;
    size_t length = strcspn(bytes, "\r\n");
    if (length == 0 || length > most) {
        (void)snprintf(why->text, sizeof why->text,
                       "names a file whose first line isn't a password: write 1 to %zu characters", most);
        return NULL;
    }
    char *secret = strndup(bytes, length);
    explicit_bzero(bytes, sizeof bytes);
    return secret;
}
