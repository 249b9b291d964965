/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/judgement.h"

#include <sodium.h>

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define DEFAULT_IDENTITY  "%h"
#define DEFAULT_STATE_DIR "/var/lib/hither"
#define DEFAULT_DNS_PORT  53
#define DEFAULT_HTTP_PORT 9153

static void judge_identity(struct judge *j, const char *text)
{
    struct value_why why;
    const struct place at = place("server.identity");
    j->settings->server.identity = value_identity(text != NULL ? text : DEFAULT_IDENTITY, j->host, &why);
    if (j->settings->server.identity == NULL)
        judge_say_why(j, &at, &why);
}

static void judge_listen_address(struct judge *j, uint32_t i, const struct raw_server *raw)
{
    const char *text = raw->listen[i];
    struct settings_server *server = &j->settings->server;
    union settings_address *address = &server->listen[server->listen_count];
    const struct place at = place("server.listen[%u]", i);
    struct value_why why;
    if (!value_address(text, DEFAULT_DNS_PORT, address, &why)) {
        judge_say_why(j, &at, &why);
        return;
    }
    if (!judge_address_is_unicast(address) && !judge_address_is_any(address)) {
        judge_say(j, FINDING_ERROR, &at, "is '%s': name the service addresses, which are unicast", text);
        return;
    }
    for (uint32_t k = 0; k < i; k++) {
        union settings_address other;
        if (raw->listen[k] != NULL && value_address(raw->listen[k], DEFAULT_DNS_PORT, &other, &why) &&
            judge_address_equal(&other, address)) {
            const struct place first = place("server.listen[%u]", k);
            judge_say(j, FINDING_ERROR, &at, "is '%s', which stands in line %u already", text,
                      judge_line(j, &first));
            return;
        }
    }
    server->listen_count++;
}

static void judge_listen(struct judge *j, const struct raw_server *raw)
{
    const struct place section = place("server");
    for (uint32_t i = 0; i < raw->listen_count && i < SETTINGS_MAX_ADDRESSES; i++) {
        if (raw->listen[i] != NULL)
            judge_listen_address(j, i, raw);
    }
    if (raw->listen_count == 0) {
        const struct place at = place("server.listen");
        if (judge_line(j, &at) != 0)
            judge_say(j, FINDING_ERROR, &at,
                      "is empty: write the service addresses, for example [203.0.113.53@53]");
        else
            judge_say_missing(j, &section, "listen", "the service addresses, for example [203.0.113.53@53]");
    }
}

/* The cores that this process may run on: in a container fewer than the machine has. */
static unsigned count_cores(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0)
        return 1;
    int count = CPU_COUNT(&cores);
    if (count < 1)
        return 1;
    return count > SETTINGS_MAX_WORKERS ? SETTINGS_MAX_WORKERS : (unsigned)count;
}

static void judge_user(struct judge *j, const char *text)
{
    const struct place at = place("server.user");
    if (text == NULL)
        return;
    if (text[0] == '-' || strpbrk(text, ":/ ") != NULL)
        judge_say(j, FINDING_ERROR, &at, "is '%.60s', not a user's name: write a name like hither", text);
    j->settings->server.user = strdup(text);
}

static void judge_control(struct judge *j, const char *text)
{
    const struct place at = place("server.control");
    char *path = judge_path(j, at, text != NULL ? text : SETTINGS_DEFAULT_CONTROL);
    size_t most = sizeof((struct sockaddr_un *)0)->sun_path - 1;
    if (path != NULL && strlen(path) > most)
        judge_say(j, FINDING_ERROR, &at,
                  "is a path of %zu octets, and a socket's has at most %zu: choose a shorter one",
                  strlen(path), most);
    j->settings->server.control = path;
}

static void judge_http(struct judge *j, const char *text)
{
    const struct place at = place("server.http");
    struct value_why why;
    if (text == NULL)
        return;
    if (value_address(text, DEFAULT_HTTP_PORT, &j->settings->server.http, &why))
        j->settings->server.http_enabled = true;
    else
        judge_say_why(j, &at, &why);
}

/* The fleet's secrets, and whether a client must show that it has a cookie of ours. */
static void judge_cookies(struct judge *j, const struct raw_server *raw)
{
    const struct place file_at = place("server.cookie-secret-file");
    const struct place require_at = place("server.require-cookies");
    struct settings_server *server = &j->settings->server;
    struct value_why why;
    char reason[KEY_FILE_WHY_OCTETS] = "";
    if (raw->require_cookies != NULL && !value_switch(raw->require_cookies, &server->require_cookies, &why))
        judge_say_why(j, &require_at, &why);
    if (raw->cookie_secret_file == NULL)
        return;
    struct vault_text secret;
    if (judge_secret_text(j, file_at, VAULT_OF_SERVER, raw->cookie_secret_file, &secret) &&
        !cookie_secrets_parse(&server->cookies, secret.text, reason))
        judge_say(j, FINDING_ERROR, &file_at, "names %s: %s", raw->cookie_secret_file, reason);
    sodium_memzero(&secret, sizeof secret);
}

void judge_server(struct judge *j)
{
    static const struct raw_server absent;
    const struct raw_server *raw = j->raw->server != NULL ? j->raw->server : &absent;
    struct settings_server *server = &j->settings->server;
    judge_identity(j, raw->identity);
    judge_listen(j, raw);
    server->workers =
        (unsigned)judge_number(j, place("server.workers"), raw->workers, 0, SETTINGS_MAX_WORKERS, 0);
    if (server->workers == 0)
        server->workers = count_cores();
    judge_user(j, raw->user);
    server->state_dir =
        judge_path(j, place("server.state-dir"), raw->state_dir != NULL ? raw->state_dir : DEFAULT_STATE_DIR);
    judge_control(j, raw->control);
    judge_http(j, raw->http);
    judge_cookies(j, raw);
}
