/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct vault_secret {
    char *path;
    struct vault_text text;
};

static enum vault_result vault_refuse(struct value_why *why, const char *what, int error)
{
    (void)snprintf(why->text, sizeof why->text, "names a file that %s%s", what,
                   error != 0 ? strerror(error) : "");
    return VAULT_REFUSED;
}

static enum vault_result vault_read_fd(int fd, struct vault_text *text, struct value_why *why)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return vault_refuse(why, "isn't a regular file", 0);
    text->open_to_all = (st.st_mode & S_IROTH) != 0;
    ssize_t octets = read(fd, text->text, VAULT_TEXT_OCTETS);
    if (octets < 0)
        return vault_refuse(why, "can't be read: ", errno);
    text->text[octets] = '\0';
    return VAULT_READ;
}

static enum vault_result vault_read_file(const char *path, struct vault_text *text, struct value_why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return vault_refuse(why, "can't be opened: ", errno);
    enum vault_result result = vault_read_fd(fd, text, why);
    close(fd);
    return result;
}

/* Out of dumps and swap as far as the system lets us; wiped when it is freed. */
static struct vault_secret *vault_add(struct vault *vault, const char *path, const struct vault_text *text)
{
    struct vault_secret *secret = vault->count < VAULT_SECRETS_MOST ? sodium_malloc(sizeof *secret) : NULL;
    if (secret == NULL)
        return NULL;
    secret->path = strdup(path);
    secret->text = *text;
    if (secret->path == NULL) {
        sodium_free(secret);
        return NULL;
    }
    vault->list[vault->count++] = secret;
    return secret;
}

static const struct vault_secret *vault_find(const struct vault *vault, const char *path)
{
    for (size_t i = 0; i < vault->count; i++)
        if (strcmp(vault->list[i]->path, path) == 0)
            return vault->list[i];
    return NULL;
}

enum vault_result vault_read(struct vault *vault, enum vault_owner owner, const char *path,
                             struct vault_text *text, struct value_why *why)
{
    if (vault == NULL)
        return vault_read_file(path, text, why);
    if (vault->closed && owner == VAULT_OF_ANNOUNCER)
        return VAULT_NOT_OURS;
    const struct vault_secret *found = vault_find(vault, path);
    if (found != NULL) {
        *text = found->text;
        return VAULT_READ;
    }
    if (vault->closed)
        return vault_refuse(why, "the announcer didn't pass on", 0);
    enum vault_result result = vault_read_file(path, text, why);
    if (result == VAULT_READ && owner == VAULT_OF_SERVER && vault_add(vault, path, text) == NULL)
        return vault_refuse(why, "can't be kept: there are too many, or memory is short", 0);
    return result;
}

/* Each as three texts with their zeros: path, "1" when it is open to all, what the file holds. */
char *vault_pack(const struct vault *vault, size_t *octets)
{
    size_t most = 1;
    for (size_t i = 0; i < vault->count; i++)
        most += strlen(vault->list[i]->path) + strlen(vault->list[i]->text.text) + 4;
    char *packed = malloc(most);
    *octets = 0;
    for (size_t i = 0; packed != NULL && i < vault->count; i++) {
        const struct vault_secret *secret = vault->list[i];
        *octets += (size_t)snprintf(packed + *octets, most - *octets, "%s%c%c%c%s", secret->path, 0,
                                    secret->text.open_to_all ? '1' : '0', 0, secret->text.text) +
                   1;
    }
    return packed;
}

/* The next text; NULL when none ends in what is left. */
static const char *vault_next(const char **at, const char *end)
{
    const char *text = *at;
    const char *zero = memchr(text, 0, (size_t)(end - text));
    *at = zero != NULL ? zero + 1 : end;
    return zero != NULL ? text : NULL;
}

bool vault_unpack(struct vault *vault, const char *packed, size_t octets)
{
    const char *at = packed;
    const char *end = packed + octets;
    struct vault_text text;
    vault->closed = true;
    while (at < end) {
        const char *path = vault_next(&at, end);
        const char *open = vault_next(&at, end);
        const char *secret = vault_next(&at, end);
        if (path == NULL || open == NULL || secret == NULL || strlen(secret) > VAULT_TEXT_OCTETS)
            return false;
        text.open_to_all = open[0] == '1';
        (void)snprintf(text.text, sizeof text.text, "%s", secret);
        bool added = vault_add(vault, path, &text) != NULL;
        sodium_memzero(&text, sizeof text);
        if (!added)
            return false;
    }
    return true;
}

void vault_empty(struct vault *vault)
{
    for (size_t i = 0; i < vault->count; i++) {
        free(vault->list[i]->path);
        sodium_free(vault->list[i]);
    }
    *vault = (struct vault){0};
}
