/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/judgement.h"
#include "resolve/engine.h"
#include "wire/name.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DNS_PORT              53
#define DEFAULT_ROOT_HINTS    "/usr/share/dns/root.hints"
#define DEFAULT_TRUST_ANCHOR  "/usr/share/dns/root.key"
#define DEFAULT_CACHE         (256ULL << 20)
#define LEAST_CACHE           (16ULL << 20)
#define MOST_CACHE            (1ULL << 40)
#define DEFAULT_STALE_MS      (24 * 3600000U)
#define MOST_STALE_MS         (72 * 3600000U)
#define DEFAULT_CLIENT_MISSES 100

/* The host itself and private networks (RFC 1918, 3927, 4193, 4291). */
static const char *const private_networks[] = {"127.0.0.0/8",   "::1/128",        "10.0.0.0/8",
                                               "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
                                               "fc00::/7",      "fe80::/10"};

/* --- who may ask
 * ------------------------------------------------------------------------------------------------ */

static bool parse_network(const char *text, struct resolve_prefix *network, struct value_why *why)
{
    struct settings_prefix prefix = {0};
    bool all4 = strcmp(text, "0.0.0.0/0") == 0;
    if (all4 || strcmp(text, "::/0") == 0)
        prefix.family = all4 ? AF_INET : AF_INET6;
    else if (!value_prefix(text, &prefix, why))
        return false;
    *network = (struct resolve_prefix){.family = prefix.family, .bits = prefix.bits};
    memcpy(network->octets, prefix.octets, sizeof network->octets);
    return true;
}

static void judge_allow(struct judge *j, const struct raw_resolve *raw)
{
    struct resolve_allow *allow = &j->settings->resolve.allow;
    struct value_why why;
    size_t defaults = sizeof private_networks / sizeof *private_networks;
    for (size_t i = 0; raw->allow_count == 0 && i < defaults; i++)
        allow->count += parse_network(private_networks[i], &allow->list[allow->count], &why);
    for (uint32_t i = 0; i < raw->allow_count && i < RESOLVE_PREFIXES_MOST; i++) {
        const struct place at = place("resolve.allow[%u]", i);
        if (raw->allow[i] == NULL)
            continue;
        if (parse_network(raw->allow[i], &allow->list[allow->count], &why))
            allow->count++;
        else
            judge_say_why(j, &at, &why);
    }
}

/* --- texts that libunbound is given
 * ------------------------------------------------------------------------------ */

/* A domain name of letters, digits, '-', '_' and '*' only: any other has no place here. Caller frees. */
static char *judge_name(struct judge *j, const struct place *at, const char *text)
{
    uint8_t name[NAME_MAX_OCTETS];
    char spelt[NAME_TEXT_MAX];
    bool plain =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*.") == strlen(text);
    size_t octets = plain ? name_from_text(name, text) : 0;
    if (octets == 0) {
        judge_say(j, FINDING_ERROR, at, "is '%.260s', which isn't a domain name", text);
        return NULL;
    }
    name_fold(name, name, octets);
    return strdup(name_to_text(name, spelt));
}

static char *judge_file(struct judge *j, const char *key, const char *text)
{
    const struct place at = place("resolve.%s", key);
    char *path = judge_path(j, at, text);
    if (path != NULL && strpbrk(path, "\"\n\r") != NULL)
        judge_say(j, FINDING_ERROR, &at, "is a path with a quote or line end in it: choose another");
    else if (path != NULL && access(path, R_OK) < 0)
        judge_say(j, FINDING_ERROR, &at,
                  "names %s, which can't be read: install dns-root-data, or name another file", path);
    return path;
}

/* --- other servers for some names
 * -------------------------------------------------------------------------------- */

static void judge_route_server(struct judge *j, const struct place *at, const char *text,
                               struct resolve_route *route)
{
    struct value_why why;
    union settings_address address;
    char spelt[SETTINGS_ADDRESS_TEXT];
    if (!value_address(text, DNS_PORT, &address, &why)) {
        judge_say_why(j, at, &why);
        return;
    }
    if (!judge_address_is_unicast(&address))
        judge_say(j, FINDING_ERROR, at, "is '%s': name a server's unicast address", text);
    for (size_t i = 0; i < j->settings->server.listen_count; i++) {
        if (judge_address_equal(&j->settings->server.listen[i], &address))
            judge_say(j, FINDING_ERROR, at,
                      "is '%s', which we listen on ourselves: names of our own zones need no such entry",
                      text);
    }
    route->servers[route->server_count++] = strdup(settings_address_to_text(&address, spelt));
}

static void judge_route(struct judge *j, const char *list, uint32_t i, const struct raw_route *raw,
                        bool forward)
{
    struct settings_resolve *resolve = &j->settings->resolve;
    struct resolve_route *route = &resolve->routes[resolve->route_count++];
    const struct place entry = place("resolve.%s[%u]", list, i);
    const struct place name_at = place("%s.name", entry.path);
    const struct place validate_at = place("%s.validate", entry.path);
    struct value_why why;
    *route = (struct resolve_route){.forward = forward, .validate = true};
    if (raw->name != NULL)
        route->name = judge_name(j, &name_at, raw->name);
    else
        judge_say_missing(j, &entry, "name", "the zone's name, for example name: corp.example");
    if (raw->to_count == 0)
        judge_say_missing(j, &entry, "to", "the servers to ask, for example to: [10.0.0.53@53]");
    for (uint32_t k = 0; k < raw->to_count && k < RESOLVE_SERVERS_MOST; k++) {
        const struct place at = place("%s.to[%u]", entry.path, k);
        if (raw->to[k] != NULL)
            judge_route_server(j, &at, raw->to[k], route);
    }
    if (raw->validate != NULL && !value_switch(raw->validate, &route->validate, &why))
        judge_say_why(j, &validate_at, &why);
    for (size_t k = 0; route->name != NULL && k + 1 < resolve->route_count; k++) {
        if (resolve->routes[k].name != NULL && strcmp(resolve->routes[k].name, route->name) == 0)
            judge_say(j, FINDING_ERROR, &name_at, "is '%s', as another entry's is", raw->name);
    }
}

static void judge_routes(struct judge *j, const struct raw_resolve *raw)
{
    struct settings_resolve *resolve = &j->settings->resolve;
    uint32_t count = raw->forward_count + raw->stub_count;
    resolve->routes = calloc(count > 0 ? count : 1, sizeof *resolve->routes);
    for (uint32_t i = 0; resolve->routes != NULL && i < raw->forward_count; i++)
        judge_route(j, "forward", i, &raw->forward[i], true);
    for (uint32_t i = 0; resolve->routes != NULL && i < raw->stub_count; i++)
        judge_route(j, "stub", i, &raw->stub[i], false);
}

/* --- names that are answered here, names that aren't validated
 * --------------------------------------------------- */

static bool is_answer(const char *word)
{
    return strcmp(word, "nxdomain") == 0 || strcmp(word, "nodata") == 0 || strcmp(word, "refuse") == 0 ||
           strcmp(word, "transparent") == 0;
}

/* "NAME nxdomain", or a record. */
static void judge_local(struct judge *j, uint32_t i, const char *text)
{
    struct settings_resolve *resolve = &j->settings->resolve;
    struct resolve_local *local = &resolve->locals[resolve->local_count++];
    const struct place at = place("resolve.local[%u]", i);
    char name[NAME_TEXT_MAX] = "";
    char word[16] = "";
    char more[2] = "";
    int words = sscanf(text, "%1023s %15s %1s", name, word, more);
    if (words == 2 && is_answer(word)) {
        local->name = judge_name(j, &at, name);
        local->answer = strdup(word);
        return;
    }
    if (words < 3 || strpbrk(text, "'\n\r") != NULL) {
        judge_say(
            j, FINDING_ERROR, &at,
            "is '%.100s': write a record like www.corp.example 3600 A 10.0.0.80, or a name with nxdomain, "
            "nodata, refuse or transparent",
            text);
        return;
    }
    local->name = judge_name(j, &at, name);
    local->record = strdup(text);
}

/* "NAME until 2026-12-31": an exemption without an end is forgotten (RFC 7646 2). */
static void judge_exempt(struct judge *j, uint32_t i, const char *text)
{
    struct settings_resolve *resolve = &j->settings->resolve;
    struct resolve_exempt *exempt = &resolve->exempts[resolve->exempt_count++];
    const struct place at = place("resolve.negative-trust-anchors[%u]", i);
    char name[NAME_TEXT_MAX] = "";
    char date[16] = "";
    char more[2] = "";
    struct tm tm = {0};
    int words = sscanf(text, "%1023s until %15s %1s", name, date, more);
    const char *end = words == 2 ? strptime(date, "%Y-%m-%d", &tm) : NULL;
    if (end == NULL || *end != '\0') {
        judge_say(j, FINDING_ERROR, &at,
                  "is '%.100s': write a name and its last day, like broken.example until 2030-12-31", text);
        return;
    }
    exempt->name = judge_name(j, &at, name);
    exempt->until_s = (int64_t)timegm(&tm) + 86400;
    if (exempt->until_s <= (int64_t)time(NULL))
        judge_say(j, FINDING_WARNING, &at, "has ended: take it away");
}

static void judge_lists(struct judge *j, const struct raw_resolve *raw)
{
    struct settings_resolve *resolve = &j->settings->resolve;
    resolve->locals = calloc(raw->local_count + 1U, sizeof *resolve->locals);
    resolve->exempts = calloc(raw->anchors_count + 1U, sizeof *resolve->exempts);
    for (uint32_t i = 0; resolve->locals != NULL && i < raw->local_count; i++)
        if (raw->local[i] != NULL)
            judge_local(j, i, raw->local[i]);
    for (uint32_t i = 0; resolve->exempts != NULL && i < raw->anchors_count; i++)
        if (raw->anchors[i] != NULL)
            judge_exempt(j, i, raw->anchors[i]);
}

/* --- the rest
 * --------------------------------------------------------------------------------------------------- */

static void judge_resolve_switch(struct judge *j, const char *key, const char *text, bool *on)
{
    const struct place at = place("resolve.%s", key);
    struct value_why why;
    if (text != NULL && !value_switch(text, on, &why))
        judge_say_why(j, &at, &why);
}

/* RFC 6052 2.2 knows these lengths. */
static void judge_dns64(struct judge *j, const char *text)
{
    const struct place at = place("resolve.dns64");
    struct settings_prefix prefix = {0};
    struct value_why why;
    if (text == NULL)
        return;
    if (!value_prefix(text, &prefix, &why)) {
        judge_say_why(j, &at, &why);
        return;
    }
    bool length = prefix.bits >= 32 && prefix.bits <= 96 && prefix.bits % 8 == 0 && prefix.bits != 72 &&
                  prefix.bits != 80 && prefix.bits != 88;
    if (prefix.family != AF_INET6 || !length)
        judge_say(j, FINDING_ERROR, &at,
                  "is '%s': write an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits, like 64:ff9b::/96", text);
    j->settings->resolve.dns64 = strdup(text);
}

static void judge_cache_size(struct judge *j, const char *text)
{
    const struct place at = place("resolve.cache-size");
    struct value_why why;
    j->settings->resolve.cache_octets = DEFAULT_CACHE;
    if (text != NULL &&
        !value_octets(text, LEAST_CACHE, MOST_CACHE, &j->settings->resolve.cache_octets, &why))
        judge_say_why(j, &at, &why);
}

static void judge_trust(struct judge *j, const struct raw_resolve *raw)
{
    struct settings_resolve *resolve = &j->settings->resolve;
    const char *hints = raw->root_hints;
    if (hints == NULL && access(DEFAULT_ROOT_HINTS, R_OK) == 0)
        hints = DEFAULT_ROOT_HINTS;
    if (hints != NULL)
        resolve->root_hints = judge_file(j, "root-hints", hints);
    if (raw->trust_anchor == NULL || strcmp(raw->trust_anchor, "none") != 0)
        resolve->trust_anchor = judge_file(
            j, "trust-anchor", raw->trust_anchor != NULL ? raw->trust_anchor : DEFAULT_TRUST_ANCHOR);
    if (raw->root_zone != NULL)
        resolve->root_zone = judge_file(j, "root-zone", raw->root_zone);
}

void judge_resolve(struct judge *j)
{
    const struct place section = place("resolve");
    const struct raw_resolve *raw = j->raw->resolve;
    struct settings_resolve *resolve = &j->settings->resolve;
    if (raw == NULL)
        return;
    resolve->enabled = true;
    judge_resolve_switch(j, "enabled", raw->enabled, &resolve->enabled);
    if (!resolve->enabled)
        return;
    if (!engine_is_built())
        judge_say(
            j, FINDING_ERROR, &section,
            "needs libunbound, which this hitherd was built without: install libunbound-dev and build again, "
            "or take the section away");
    judge_allow(j, raw);
    judge_trust(j, raw);
    judge_routes(j, raw);
    judge_lists(j, raw);
    judge_dns64(j, raw->dns64);
    judge_resolve_switch(j, "refuse-private-addresses", raw->private_addresses, &resolve->private_addresses);
    judge_resolve_switch(j, "mix-case", raw->mix_case, &resolve->mix_case);
    judge_cache_size(j, raw->cache_size);
    resolve->serve_stale_s = judge_duration(j, place("resolve.serve-stale"), raw->serve_stale, 0,
                                            MOST_STALE_MS, DEFAULT_STALE_MS) /
                             1000;
    resolve->client_misses = (uint32_t)judge_number(j, place("resolve.client-misses"), raw->client_misses, 1,
                                                    10000, DEFAULT_CLIENT_MISSES);
}
