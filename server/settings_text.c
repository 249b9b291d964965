/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* All of the open file, from its start. 0 or -errno. */
static int settings_text_load(int fd, struct settings_text *text)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    if (st.st_size > SETTINGS_TEXT_OCTETS)
        return -EFBIG;
    size_t size = (size_t)st.st_size;
    text->text = malloc(size + 1);
    if (text->text == NULL)
        return -ENOMEM;
    while (text->octets < size) {
        ssize_t got = pread(fd, text->text + text->octets, size - text->octets, (off_t)text->octets);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0)
            break;
        text->octets += got > 0 ? (size_t)got : 0;
    }
    text->text[text->octets] = '\0';
    return 0;
}

struct settings *settings_text_judge(struct settings_text *text, const char *path, struct findings *findings)
{
    struct settings *settings =
        settings_parse_secrets(text->text, text->octets, path, &text->vault, findings);
    if (settings != NULL)
        settings_forget_server(settings);
    return settings;
}

struct settings *settings_text_read(const char *path, struct settings_text *text, struct findings *findings)
{
    *text = (struct settings_text){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int error = fd < 0 ? -errno : settings_text_load(fd, text);
    if (fd >= 0)
        close(fd);
    if (error < 0) {
        findings_add(findings, FINDING_ERROR, path, 0,
                     "can't be read: %s; name the configuration with -c FILE", strerror(-error));
        return NULL;
    }
    return settings_text_judge(text, path, findings);
}

static int settings_text_write(int fd, const char *text, size_t octets, size_t at)
{
    size_t put = 0;
    while (put < octets) {
        ssize_t wrote = pwrite(fd, text + put, octets - put, (off_t)(at + put));
        if (wrote < 0 && errno != EINTR)
            return -errno;
        put += wrote > 0 ? (size_t)wrote : 0;
    }
    return 0;
}

/* The text holds no zero, so one ends it when there is something behind it. */
int settings_text_put(int fd, const struct settings_text *text)
{
    size_t octets = 0;
    if (ftruncate(fd, 0) < 0)
        return -errno;
    int error = settings_text_write(fd, text->text, text->octets, 0);
    if (error < 0 || text->vault.count == 0)
        return error;
    char *packed = vault_pack(&text->vault, &octets);
    error = packed != NULL ? settings_text_write(fd, "", 1, text->octets) : -ENOMEM;
    if (error == 0)
        error = settings_text_write(fd, packed, octets, text->octets + 1);
    if (packed != NULL)
        explicit_bzero(packed, octets);
    free(packed);
    return error;
}

/* The secrets from behind the text. */
static bool settings_text_split(struct settings_text *text)
{
    size_t whole = text->octets;
    text->octets = strnlen(text->text, whole);
    size_t secrets_at = text->octets < whole ? text->octets + 1 : whole;
    bool unpacked = vault_unpack(&text->vault, text->text + secrets_at, whole - secrets_at);
    explicit_bzero(text->text + text->octets, whole - text->octets);
    return unpacked;
}

int settings_text_take(int fd, struct settings_text *text)
{
    int error = settings_text_load(fd, text);
    if (error == 0 && !settings_text_split(text))
        error = -ENOMEM;
    vault_empty(&text->vault);
    return error;
}

struct settings *settings_text_get(int fd, const char *path, struct findings *findings)
{
    struct settings_text text = {0};
    struct settings *settings = NULL;
    int error = settings_text_load(fd, &text);
    if (error < 0)
        findings_add(findings, FINDING_ERROR, path, 0, "can't be taken over from the announcer: %s",
                     strerror(-error));
    else if (settings_text_split(&text))
        settings = settings_parse_secrets(text.text, text.octets, path, &text.vault, findings);
    else
        findings_add(findings, FINDING_ERROR, path, 0,
                     "can't be taken over from the announcer: memory is short");
    settings_text_free(&text);
    return settings;
}

bool settings_text_is(int fd, const struct settings_text *text)
{
    struct settings_text held = {0};
    bool same = settings_text_load(fd, &held) == 0 && held.text != NULL &&
                strnlen(held.text, held.octets) == text->octets &&
                memcmp(held.text, text->text, text->octets) == 0;
    if (held.text != NULL)
        explicit_bzero(held.text, held.octets);
    settings_text_free(&held);
    return same;
}

void settings_text_free(struct settings_text *text)
{
    free(text->text);
    vault_empty(&text->vault);
    *text = (struct settings_text){0};
}

static bool settings_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool settings_same_address(const union settings_address *a, const union settings_address *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET6)
        return a->in6.sin6_port == b->in6.sin6_port && a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
               IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
    return a->in4.sin_port == b->in4.sin_port && a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
}

static bool settings_same_listen(const struct settings_server *a, const struct settings_server *b)
{
    bool same = a->listen_count == b->listen_count;
    for (size_t i = 0; same && i < a->listen_count; i++)
        same = settings_same_address(&a->listen[i], &b->listen[i]);
    return same;
}

static bool settings_same_http(const struct settings_server *a, const struct settings_server *b)
{
    return a->http_enabled == b->http_enabled &&
           (!a->http_enabled || settings_same_address(&a->http, &b->http));
}

void settings_text_warn_of_restart(const struct settings *in_force, const struct settings *wanted,
                                   struct findings *findings)
{
    const struct settings_server *was = &in_force->server;
    const struct settings_server *is = &wanted->server;
    const struct {
        const char *key;
        bool same;
    } keys[] = {
        {"server.listen", settings_same_listen(was, is)},
        {"server.workers", was->workers == is->workers},
        {"server.user", settings_same_text(was->user, is->user)},
        {"server.state-dir", settings_same_text(was->state_dir, is->state_dir)},
        {"server.control", settings_same_text(was->control, is->control)},
        {"server.http", settings_same_http(was, is)},
        {"resolve.enabled", in_force->resolve.enabled == wanted->resolve.enabled},
        {"resolve.cache-size", in_force->resolve.cache_octets == wanted->resolve.cache_octets ||
                                   in_force->resolve.enabled != wanted->resolve.enabled},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!keys[i].same)
            findings_add(findings, FINDING_WARNING, wanted->path, 0,
                         "%s has changed, which takes a restart of hitherd; what was in force stays",
                         keys[i].key);
}

/* What of the server section isn't bound to anything, and so goes by the newest text. */
static void settings_copy_free(struct settings_server *to, const struct settings_server *from)
{
    to->identity = from->identity;
    to->cookies = from->cookies;
    to->require_cookies = from->require_cookies;
}

void settings_text_swap_bound(struct settings *in_force, struct settings *wanted)
{
    struct settings_server was = in_force->server;
    struct settings_server is = wanted->server;
    wanted->server = was;
    in_force->server = is;
    settings_copy_free(&wanted->server, &is);
    settings_copy_free(&in_force->server, &was);
    explicit_bzero(&was.cookies, sizeof was.cookies);
    explicit_bzero(&is.cookies, sizeof is.cookies);
}
