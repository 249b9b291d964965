/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/key_file.h"
#include "config/judgement.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdlib.h>

#define DEFAULT_FLEET_PORT  7353
#define DEFAULT_INTERVAL_MS 200

static void judge_fleet_key(struct judge *j, const char *text)
{
    const struct place at = place("fleet.key-file");
    const struct place section = place("fleet");
    char why[KEY_FILE_WHY_OCTETS] = "";
    struct heartbeat_keys *keys = &j->settings->fleet.keys;
    struct key_file file = {keys->octets[0], HEARTBEAT_KEY_OCTETS, HEARTBEAT_KEYS_MOST, 0};
    if (text == NULL) {
        judge_say_missing(j, &section, "key-file",
                          "a file with a line of 64 hexadecimal digits, the same at every PoP");
        return;
    }
    struct vault_text secret;
    if (judge_secret_text(j, at, VAULT_OF_ANNOUNCER, text, &secret) &&
        !key_file_parse(&file, secret.text, why))
        judge_say(j, FINDING_ERROR, &at, "names %s: %s", text, why);
    sodium_memzero(&secret, sizeof secret);
    keys->count = (uint8_t)file.count;
}

static bool judge_fleet_address(struct judge *j, const struct place *at, const char *text,
                                union settings_address *address)
{
    struct value_why why;
    if (value_address(text, DEFAULT_FLEET_PORT, address, &why))
        return true;
    judge_say_why(j, at, &why);
    return false;
}

static void judge_fleet_peer(struct judge *j, uint32_t i, const char *text)
{
    const struct place at = place("fleet.peers[%u]", i);
    struct settings_fleet *fleet = &j->settings->fleet;
    union settings_address *peer = &fleet->peers[fleet->peer_count];
    if (!judge_fleet_address(j, &at, text, peer))
        return;
    if (!judge_address_is_unicast(peer))
        judge_say(j, FINDING_ERROR, &at, "is '%s': name a PoP's own unicast address", text);
    else if (peer->sa.sa_family != fleet->peers[0].sa.sa_family)
        judge_say(j, FINDING_ERROR, &at, "is '%s': write all peers as IPv4 addresses, or all as IPv6", text);
    for (size_t k = 0; k < fleet->peer_count; k++)
        if (judge_address_equal(peer, &fleet->peers[k]))
            judge_say(j, FINDING_ERROR, &at, "is '%s', which stands there already", text);
    for (size_t k = 0; k < j->settings->announce.prefix_count; k++)
        if (value_prefix_covers(&j->settings->announce.prefixes[k], peer))
            judge_say(
                j, FINDING_ERROR, &at,
                "is '%s', which lies in the announced prefix %s: name the PoP's own address, which nobody "
                "else answers on",
                text, j->settings->announce.prefixes[k].text);
    fleet->peer_count++;
}

static bool is_multicast(const union settings_address *a)
{
    return a->sa.sa_family == AF_INET ? IN_MULTICAST(ntohl(a->in4.sin_addr.s_addr))
                                      : IN6_IS_ADDR_MULTICAST(&a->in6.sin6_addr);
}

static void judge_fleet_group(struct judge *j, const char *text)
{
    const struct place at = place("fleet.multicast");
    struct settings_fleet *fleet = &j->settings->fleet;
    if (text == NULL || !judge_fleet_address(j, &at, text, &fleet->group))
        return;
    if (!is_multicast(&fleet->group))
        judge_say(j, FINDING_ERROR, &at, "is '%s', not a multicast address: write one like 239.192.53.53",
                  text);
    fleet->multicast = true;
}

/* Every address of the host, at the port that the others send to. */
static void judge_fleet_listen(struct judge *j, const char *text)
{
    const struct place at = place("fleet.listen");
    struct settings_fleet *fleet = &j->settings->fleet;
    const union settings_address *others = fleet->multicast ? &fleet->group : &fleet->peers[0];
    bool ipv6 = others->sa.sa_family == AF_INET6;
    if (text != NULL) {
        if (!judge_fleet_address(j, &at, text, &fleet->listen))
            return;
        if (fleet->listen.sa.sa_family != others->sa.sa_family)
            judge_say(j, FINDING_ERROR, &at, "is '%s', of another family than the addresses of the others",
                      text);
        if (fleet->multicast && fleet->listen.in4.sin_port != fleet->group.in4.sin_port)
            judge_say(j, FINDING_ERROR, &at, "is '%s': a group's members listen on the group's port", text);
        return;
    }
    if (ipv6)
        fleet->listen.in6 =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = others->in6.sin6_port};
    else
        fleet->listen.in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = others->in4.sin_port};
}

void judge_fleet(struct judge *j)
{
    const struct place section = place("fleet");
    const struct raw_fleet *raw = j->raw->fleet;
    struct settings_fleet *fleet = &j->settings->fleet;
    if (raw == NULL)
        return;
    judge_fleet_key(j, raw->key_file);
    for (uint32_t i = 0; i < raw->peers_count && i < SETTINGS_MAX_FLEET; i++)
        if (raw->peers[i] != NULL)
            judge_fleet_peer(j, i, raw->peers[i]);
    judge_fleet_group(j, raw->multicast);
    if ((raw->peers_count > 0) == (raw->multicast != NULL))
        judge_say(j, FINDING_ERROR, &section,
                  "needs either peers, the addresses of all PoPs, or multicast, a group that they share");
    judge_fleet_listen(j, raw->listen);
    fleet->interval_ms =
        judge_duration(j, place("fleet.interval"), raw->interval, 50, 10000, DEFAULT_INTERVAL_MS);
    fleet->min_announcers = (unsigned)judge_number(j, place("fleet.min-announcers"), raw->min_announcers, 1,
                                                   SETTINGS_MAX_FLEET, 1);
    fleet->enabled = true;
}
