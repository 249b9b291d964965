/* SPDX-License-Identifier: BSD-2-Clause
 *
 *     file -> text -> outline (positions, wrong keys) -> libcyaml (texts by schema) -> judge -> settings
 */
#include "config.h"

#include "base/secret.h"
#include "config/judge.h"
#include "config/outline.h"
#include "config/schema.h"
#include "config/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_MAX_OCTETS (16 * 1024 * 1024)

/* What libcyaml says last before it gives up. */
struct cyaml_words {
    char text[200];
};

static void __attribute__((format(printf, 3, 0)))
cyaml_listen(cyaml_log_t level, void *context, const char *format, va_list args)
{
    struct cyaml_words *words = context;
    if (level < CYAML_LOG_ERROR || words == NULL || words->text[0] != '\0')
        return;
    (void)vsnprintf(words->text, sizeof words->text, format, args);
    words->text[strcspn(words->text, "\n")] = '\0';
}

static cyaml_config_t cyaml_settings(struct cyaml_words *words)
{
    return (cyaml_config_t){
        .log_fn = cyaml_listen,
        .log_ctx = words,
        .log_level = CYAML_LOG_ERROR,
        .mem_fn = cyaml_mem,
        .flags = CYAML_CFG_IGNORE_UNKNOWN_KEYS | CYAML_CFG_NO_ALIAS,
    };
}

/* The path with the working directory in front of it when it is relative. */
static char *absolute_path(const char *path)
{
    char here[PATH_MAX];
    char *absolute = NULL;
    if (path[0] == '/')
        return strdup(path);
    if (getcwd(here, sizeof here) == NULL || asprintf(&absolute, "%s/%s", here, path) < 0)
        return NULL;
    return absolute;
}

/* The texts of the file by the schema; NULL after a finding. To be freed by raw_free(). */
static struct raw_config *raw_load(const char *text, size_t octets, const char *path,
                                   struct findings *findings)
{
    struct raw_config *raw = NULL;
    struct cyaml_words words = {""};
    const cyaml_config_t config = cyaml_settings(&words);
    cyaml_err_t error =
        cyaml_load_data((const uint8_t *)text, octets, &config, &config_schema, (cyaml_data_t **)&raw, NULL);
    if (error == CYAML_OK)
        return raw;
    findings_add(findings, FINDING_ERROR, path, 0, "can't be loaded: %s (%s)", cyaml_strerror(error),
                 words.text);
    return NULL;
}

static void raw_free(struct raw_config *raw)
{
    const cyaml_config_t config = cyaml_settings(NULL);
    (void)cyaml_free(&config, &config_schema, raw, 0);
}

static void settings_judge(struct settings *settings, const char *text, size_t octets,
                           const struct outline *outline, struct vault *vault, struct findings *findings)
{
    char host[256] = "localhost";
    struct raw_config *raw = raw_load(text, octets, settings->path, findings);
    if (raw == NULL)
        return;
    (void)gethostname(host, sizeof host - 1);
    judge_config(settings, raw, outline, host, vault, findings);
    raw_free(raw);
}

static bool size_is_allowed(size_t octets, const char *path, struct findings *findings)
{
    if (octets > CONFIG_MAX_OCTETS)
        findings_add(findings, FINDING_ERROR, path, 0, "is larger than %d MB: no configuration is",
                     CONFIG_MAX_OCTETS >> 20);
    return octets <= CONFIG_MAX_OCTETS;
}

static int compare_findings(const void *a, const void *b)
{
    const struct finding *x = a;
    const struct finding *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return strcmp(x->text, y->text);
}

struct settings *settings_parse_secrets(const char *text, size_t octets, const char *path,
                                        struct vault *vault, struct findings *findings)
{
    struct outline outline = {0};
    size_t errors = findings->errors;
    size_t first = findings->count;
    struct settings *settings = secret_new(sizeof *settings);
    if (settings != NULL)
        settings->path = absolute_path(path);
    if (settings == NULL || settings->path == NULL)
        findings_add(findings, FINDING_ERROR, path, 0, "memory is short");
    else if (size_is_allowed(octets, path, findings) &&
             outline_read(&outline, text, octets, settings->path, &config_schema, findings))
        settings_judge(settings, text, octets, &outline, vault, findings);
    outline_free(&outline);
    if (findings->count > first)
        qsort(findings->list + first, findings->count - first, sizeof findings->list[0], compare_findings);
    if (findings->errors == errors)
        return settings;
    settings_free(settings);
    return NULL;
}

struct settings *settings_parse(const char *text, size_t octets, const char *path, struct findings *findings)
{
    return settings_parse_secrets(text, octets, path, NULL, findings);
}

/* The whole file, up to one octet more than is allowed. Caller frees; NULL and errno. */
static char *read_whole(int fd, size_t *octets)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return NULL;
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return NULL;
    }
    char *text = malloc(CONFIG_MAX_OCTETS + 1);
    *octets = 0;
    while (text != NULL && *octets < CONFIG_MAX_OCTETS + 1) {
        ssize_t got = read(fd, text + *octets, CONFIG_MAX_OCTETS + 1 - *octets);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(text);
            return NULL;
        }
        if (got == 0)
            break;
        *octets += (size_t)got;
    }
    return text;
}

/* The file's text, from malloc; NULL after a finding. */
static char *read_file(const char *path, size_t *octets, struct findings *findings)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = fd >= 0 ? read_whole(fd, octets) : NULL;
    if (text == NULL)
        findings_add(findings, FINDING_ERROR, path, 0, "can't be read: %s%s", strerror(errno),
                     errno == ENOENT ? ": write it, or name another with -c FILE" : "");
    if (fd >= 0)
        close(fd);
    return text;
}

struct settings *settings_read(const char *path, struct findings *findings)
{
    size_t octets = 0;
    char *text = read_file(path, &octets, findings);
    if (text == NULL)
        return NULL;
    struct settings *settings = settings_parse(text, octets, path, findings);
    free(text);
    return settings;
}

/* The socket's path as an absolute one; NULL when memory is short or there is none that could be. */
static char *control_of(const struct raw_config *raw, const char *path)
{
    struct value_why why;
    const char *control = raw->server != NULL ? raw->server->control : NULL;
    char *absolute = absolute_path(path);
    char *directory = absolute != NULL ? judge_directory_of(absolute) : NULL;
    char *found = directory != NULL
                      ? value_path(control != NULL ? control : SETTINGS_DEFAULT_CONTROL, directory, &why)
                      : NULL;
    free(directory);
    free(absolute);
    return found;
}

char *settings_control(const char *path, struct findings *findings)
{
    size_t octets = 0;
    struct outline outline = {0};
    struct raw_config *raw = NULL;
    char *control = NULL;
    char *text = read_file(path, &octets, findings);
    if (text != NULL && size_is_allowed(octets, path, findings) &&
        outline_read(&outline, text, octets, path, &config_schema, findings))
        raw = raw_load(text, octets, path, findings);
    if (raw != NULL) {
        control = control_of(raw, path);
        raw_free(raw);
    }
    outline_free(&outline);
    free(text);
    return control;
}

void settings_forget_server(struct settings *settings)
{
    for (size_t i = 0; i < settings->keys.count; i++)
        explicit_bzero(settings->keys.list[i].secret, sizeof settings->keys.list[i].secret);
    explicit_bzero(settings->server.cookies.octets, sizeof settings->server.cookies.octets);
}

void settings_free(struct settings *settings)
{
    if (settings == NULL)
        return;
    for (size_t i = 0; i < settings->zone_count; i++) {
        free(settings->zones[i].name);
        free(settings->zones[i].file);
        free(settings->zones[i].directory);
        zone_peers_release(settings->zones[i].peers);
        zone_access_release(settings->zones[i].queries);
    }
    zone_access_release(settings->limits.exempt);
    zone_access_release(settings->limits.queries);
    for (size_t i = 0; i < settings->announce.prefix_count; i++)
        free(settings->announce.prefixes[i].text);
    for (size_t i = 0; i < settings->announce.neighbor_count; i++) {
        char *password = settings->announce.neighbors[i].md5_password;
        secret_free(password, password != NULL ? strlen(password) + 1 : 0);
        free(settings->announce.neighbors[i].text);
    }
    for (size_t i = 0; i < settings->health.exec_count; i++) {
        struct settings_exec *exec = &settings->health.execs[i];
        for (char **word = exec->command; word != NULL && *word != NULL; word++)
            free(*word);
        free(exec->command);
        free(exec->name);
    }
    settings_forget_server(settings);
    explicit_bzero(&settings->fleet.keys, sizeof settings->fleet.keys);
    free(settings->log.dnstap.socket);
    free(settings->log.dnstap.file);
    settings_resolve_free(&settings->resolve);
    free(settings->zones);
    free(settings->server.identity);
    free(settings->server.user);
    free(settings->server.state_dir);
    free(settings->server.control);
    free(settings->path);
    secret_free(settings, sizeof *settings);
}

const char *settings_backend_name(enum announce_backend backend)
{
    static const char *const names[] = {"none", "bgp", "bird", "frr", "exabgp", "exec", "tun"};
    return names[backend];
}

char *settings_address_to_text(const union settings_address *address, char text[SETTINGS_ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool v4 = address->sa.sa_family == AF_INET;
    const void *from = v4 ? (const void *)&address->in4.sin_addr : (const void *)&address->in6.sin6_addr;
    (void)inet_ntop(v4 ? AF_INET : AF_INET6, from, host, sizeof host);
    (void)snprintf(text, SETTINGS_ADDRESS_TEXT, "%s@%u", host,
                   ntohs(v4 ? address->in4.sin_port : address->in6.sin6_port));
    return text;
}

socklen_t settings_address_octets(const union settings_address *address)
{
    return address->sa.sa_family == AF_INET ? sizeof address->in4 : sizeof address->in6;
}
