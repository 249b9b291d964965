/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/judge.h"

#include "config/judgement.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place place(const char *format, ...)
{
    struct place p;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(p.path, sizeof p.path, format, args);
    va_end(args);
    return p;
}

uint32_t judge_line(const struct judge *j, const struct place *at)
{
    return outline_line(j->outline, at->path);
}

void judge_say(struct judge *j, enum finding_level level, const struct place *at, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    findings_add(j->findings, level, j->settings->path, judge_line(j, at), "%s %s", at->path, text);
}

void judge_say_why(struct judge *j, const struct place *at, const struct value_why *why)
{
    judge_say(j, FINDING_ERROR, at, "%s", why->text);
}

void judge_say_missing(struct judge *j, const struct place *section, const char *key, const char *remedy)
{
    const struct place at = place("%s%s%s", section->path, section->path[0] != '\0' ? "." : "", key);
    if (judge_line(j, &at) == 0)
        findings_add(j->findings, FINDING_ERROR, j->settings->path, judge_line(j, section),
                     "%s is missing: write %s", at.path, remedy);
}

uint64_t judge_number(struct judge *j, struct place at, const char *text, uint64_t least, uint64_t most,
                      uint64_t otherwise)
{
    struct value_why why;
    uint64_t number;
    if (text == NULL)
        return otherwise;
    if (value_number(text, least, most, &number, &why))
        return number;
    judge_say_why(j, &at, &why);
    return otherwise;
}

uint32_t judge_duration(struct judge *j, struct place at, const char *text, uint32_t least_ms,
                        uint32_t most_ms, uint32_t otherwise_ms)
{
    struct value_why why;
    uint64_t ms;
    if (text == NULL)
        return otherwise_ms;
    if (value_duration(text, least_ms, most_ms, &ms, &why))
        return (uint32_t)ms;
    judge_say_why(j, &at, &why);
    return otherwise_ms;
}

char *judge_path(struct judge *j, struct place at, const char *text)
{
    struct value_why why;
    char *path = value_path(text, j->directory, &why);
    if (path == NULL)
        judge_say_why(j, &at, &why);
    return path;
}

/* A credential that systemd has put into a directory of this service's own (LoadCredential=). */
static char *judge_credential(struct judge *j, struct place at, const char *name)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    char *path = NULL;
    if (name[0] == '\0' || strchr(name, '/') != NULL)
        judge_say(j, FINDING_ERROR, &at,
                  "is 'credential:%.60s': write the name of a LoadCredential= after it", name);
    else if (directory == NULL)
        judge_say(j, FINDING_ERROR, &at,
                  "is a systemd credential, and there are none: start hitherd by a unit with "
                  "LoadCredential=%.60s:FILE",
                  name);
    else if (asprintf(&path, "%s/%s", directory, name) < 0)
        path = NULL;
    return path;
}

bool judge_secret_text(struct judge *j, struct place at, enum vault_owner owner, const char *name,
                       struct vault_text *text)
{
    static const char credential[] = "credential:";
    struct value_why why;
    bool is_credential = strncmp(name, credential, sizeof credential - 1) == 0;
    char *path =
        is_credential ? judge_credential(j, at, name + sizeof credential - 1) : judge_path(j, at, name);
    if (path == NULL)
        return false;
    enum vault_result result = vault_read(j->vault, owner, path, text, &why);
    free(path);
    if (result == VAULT_REFUSED)
        judge_say_why(j, &at, &why);
    else if (result == VAULT_READ && text->open_to_all)
        judge_say(j, FINDING_WARNING, &at, "names a file that every user may read: chmod o-r it");
    return result == VAULT_READ;
}

bool judge_address_equal(const union settings_address *a, const union settings_address *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET)
        return a->in4.sin_port == b->in4.sin_port && a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
    return a->in6.sin6_port == b->in6.sin6_port && IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

bool judge_address_is_unicast(const union settings_address *a)
{
    if (a->sa.sa_family == AF_INET)
        return a->in4.sin_addr.s_addr != INADDR_ANY && !IN_MULTICAST(ntohl(a->in4.sin_addr.s_addr));
    return !IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr) && !IN6_IS_ADDR_MULTICAST(&a->in6.sin6_addr);
}

bool judge_address_is_any(const union settings_address *a)
{
    if (a->sa.sa_family == AF_INET)
        return a->in4.sin_addr.s_addr == INADDR_ANY;
    return IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

char *judge_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

void judge_config(struct settings *settings, const struct raw_config *raw, const struct outline *outline,
                  const char *host, struct vault *vault, struct findings *findings)
{
    struct judge j = {settings, raw, outline, findings, host, judge_directory_of(settings->path), vault};
    if (j.directory == NULL) {
        findings_add(findings, FINDING_ERROR, settings->path, 0, "memory is short");
        return;
    }
    judge_server(&j);
    judge_keys(&j);
    judge_limits(&j);
    judge_zones(&j);
    judge_announce(&j);
    judge_zone_prefixes(&j);
    judge_health(&j);
    judge_fleet(&j);
    judge_log(&j);
    judge_resolve(&j);
    free(j.directory);
}
