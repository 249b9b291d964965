/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/judgement.h"

#include <string.h>

#define DEFAULT_WAIT_MS   2000
#define DEFAULT_LINGER_MS 10000
#define LONGEST_DRAIN_MS  600000

static void judge_backend(struct judge *j, const struct raw_announce *raw)
{
    const struct place at = place("announce.backend");
    const struct place section = place("announce");
    struct settings_announce *announce = &j->settings->announce;
    if (raw->backend == NULL) {
        if (raw->neighbors_count > 0 || raw->local_as != NULL || raw->prefixes_count > 0)
            judge_say_missing(j, &section, "backend", "backend: bgp, or backend: none to announce nothing");
        return;
    }
    for (unsigned b = ANNOUNCE_NONE; b <= ANNOUNCE_TUN; b++) {
        if (strcmp(raw->backend, settings_backend_name((enum announce_backend)b)) != 0)
            continue;
        announce->backend = (enum announce_backend)b;
        return;
    }
    judge_say(j, FINDING_ERROR, &at, "is '%.60s': write bgp, bird, frr, exabgp, exec, tun or none",
              raw->backend);
}

static void judge_prefix(struct judge *j, uint32_t i, const struct raw_announce *raw)
{
    const char *text = raw->prefixes[i];
    struct settings_announce *announce = &j->settings->announce;
    struct settings_prefix *prefix = &announce->prefixes[announce->prefix_count];
    const struct place at = place("announce.prefixes[%u]", i);
    struct value_why why;
    if (!value_prefix(text, prefix, &why)) {
        judge_say_why(j, &at, &why);
        return;
    }
    for (uint32_t k = 0; k < i; k++) {
        const struct place first = place("announce.prefixes[%u]", k);
        struct settings_prefix other;
        if (raw->prefixes[k] != NULL && value_prefix(raw->prefixes[k], &other, &why) &&
            other.family == prefix->family && other.bits == prefix->bits &&
            memcmp(other.octets, prefix->octets, sizeof prefix->octets) == 0) {
            judge_say(j, FINDING_ERROR, &at, "is '%s', which stands in line %u already", text,
                      judge_line(j, &first));
            return;
        }
    }
    prefix->text = strdup(text);
    announce->prefix_count++;
}

static bool prefix_has_listener(const struct settings *settings, const struct settings_prefix *prefix)
{
    for (size_t i = 0; i < settings->server.listen_count; i++) {
        if (value_prefix_covers(prefix, &settings->server.listen[i]))
            return true;
    }
    return false;
}

static bool address_has_prefix(const struct settings *settings, const union settings_address *address)
{
    for (size_t i = 0; i < settings->announce.prefix_count; i++) {
        if (value_prefix_covers(&settings->announce.prefixes[i], address))
            return true;
    }
    return false;
}

/* What is announced must be served, and what is served should be announced. */
static void judge_coverage(struct judge *j, const struct raw_announce *raw)
{
    const struct settings *settings = j->settings;
    uint32_t listen_count = j->raw->server != NULL ? j->raw->server->listen_count : 0;
    const struct place listen = place("server.listen");
    const struct place prefixes = place("announce.prefixes");
    char text[SETTINGS_ADDRESS_TEXT];
    if (raw->prefixes_count == 0 || settings->announce.prefix_count != raw->prefixes_count ||
        settings->server.listen_count != listen_count)
        return;
    for (size_t i = 0; i < settings->server.listen_count; i++) {
        if (!address_has_prefix(settings, &settings->server.listen[i]))
            judge_say(j, FINDING_WARNING, &listen,
                      "has %s, which is in none of announce.prefixes: nobody is led to it",
                      settings_address_to_text(&settings->server.listen[i], text));
    }
    for (size_t i = 0; i < settings->announce.prefix_count; i++) {
        if (settings->announce.backend != ANNOUNCE_TUN && /* to which it is an error */
            !prefix_has_listener(settings, &settings->announce.prefixes[i]))
            judge_say(j, FINDING_WARNING, &prefixes, "has %s, in which no address of server.listen lies",
                      settings->announce.prefixes[i].text);
    }
    if (settings->server.http_enabled && address_has_prefix(settings, &settings->server.http)) {
        const struct place http = place("server.http");
        judge_say(j, FINDING_WARNING, &http, "is in an announced prefix: the whole world can read it");
    }
}

static void judge_bgp(struct judge *j, const struct raw_announce *raw)
{
    const struct place section = place("announce");
    if (raw->local_as == NULL)
        judge_say_missing(j, &section, "local-as", "the number of your AS, for example local-as: 64512");
    if (raw->neighbors_count == 0)
        judge_say_missing(j, &section, "neighbors", "at least one router, with address: and remote-as:");
    if (raw->prefixes_count == 0)
        judge_say_missing(j, &section, "prefixes",
                          "what is announced, for example prefixes: [203.0.113.0/24]");
}

void judge_announce(struct judge *j)
{
    static const struct raw_announce absent;
    const struct raw_announce *raw = j->raw->announce != NULL ? j->raw->announce : &absent;
    struct settings_announce *announce = &j->settings->announce;
    const struct place section = place("announce");
    struct value_why why;
    judge_backend(j, raw);
    for (uint32_t i = 0; i < raw->prefixes_count && i < SETTINGS_MAX_PREFIXES; i++) {
        if (raw->prefixes[i] != NULL)
            judge_prefix(j, i, raw);
    }
    if (raw->local_as != NULL && !value_as_number(raw->local_as, &announce->local_as, &why)) {
        const struct place at = place("announce.local-as");
        judge_say_why(j, &at, &why);
    }
    if (raw->router_id != NULL && !value_router_id(raw->router_id, &announce->router_id, &why)) {
        const struct place at = place("announce.router-id");
        judge_say_why(j, &at, &why);
    }
    judge_policy(j, &section, &raw->policy, &announce->policy);
    judge_neighbors(j, raw);
    announce->drain_wait_ms = judge_duration(j, place("announce.drain-wait"), raw->drain_wait, 0,
                                             LONGEST_DRAIN_MS, DEFAULT_WAIT_MS);
    announce->drain_linger_ms = judge_duration(j, place("announce.drain-linger"), raw->drain_linger, 0,
                                               LONGEST_DRAIN_MS, DEFAULT_LINGER_MS);
    if (announce->backend == ANNOUNCE_BGP)
        judge_bgp(j, raw);
    judge_backend_keys(j, raw);
    if (announce->backend != ANNOUNCE_NONE)
        judge_coverage(j, raw);
}
