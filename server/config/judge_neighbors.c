/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/secret.h"
#include "config/judgement.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_BGP_PORT  179
#define DEFAULT_HOLD_S    9
#define MOST_PREPENDED    16
#define DEFAULT_BFD_MS    100
#define LEAST_BFD_MS      10
#define MOST_BFD_MS       60000
#define DEFAULT_BFD_LOST  3
#define MD5_PASSWORD_MOST 80 /* characters: what the kernel takes (RFC 2385) */

static uint16_t judge_hold_time(struct judge *j, struct place at, const char *text)
{
    struct value_why why;
    uint64_t seconds;
    uint64_t ms;
    if (text == NULL)
        return DEFAULT_HOLD_S;
    if (text[0] != '\0' && text[strspn(text, "0123456789")] != '\0') {
        if (value_duration(text, 3000, 65535000, &ms, &why) && ms % 1000 == 0)
            return (uint16_t)(ms / 1000);
        judge_say(j, FINDING_ERROR, &at, "is '%.60s': write whole seconds from 3 to 65535", text);
        return DEFAULT_HOLD_S;
    }
    if (value_number(text, 3, UINT16_MAX, &seconds, &why))
        return (uint16_t)seconds;
    judge_say(j, FINDING_ERROR, &at,
              "is %.40s: write 3 to 65535 seconds, else a dead PoP would keep its route", text);
    return DEFAULT_HOLD_S;
}

static bool judge_neighbor_address(struct judge *j, struct settings_neighbor *neighbor, struct place at,
                                   const char *text)
{
    struct value_why why;
    neighbor->gateway = strcmp(text, "gateway") == 0;
    neighbor->text = strdup(text);
    if (neighbor->gateway)
        return true;
    if (strchr(text, '@') != NULL)
        judge_say(j, FINDING_ERROR, &at, "is '%.60s': write the port as a key of its own, port: 179", text);
    else if (!value_address(text, neighbor->port, &neighbor->address, &why))
        judge_say_why(j, &at, &why);
    else if (!judge_address_is_unicast(&neighbor->address))
        judge_say(j, FINDING_ERROR, &at, "is '%s', which isn't a router's address", text);
    else
        return true;
    return false;
}

static void judge_same_neighbor(struct judge *j, size_t i)
{
    const struct settings_neighbor *list = j->settings->announce.neighbors;
    const struct place at = place("announce.neighbors[%zu]", i);
    for (size_t k = 0; k < i; k++) {
        bool same = list[i].gateway ? list[k].gateway && list[k].port == list[i].port
                                    : !list[k].gateway && list[k].address.sa.sa_family != 0 &&
                                          judge_address_equal(&list[k].address, &list[i].address);
        if (same) {
            judge_say(j, FINDING_ERROR, &at, "is %s, which stands in line %u already", list[i].text,
                      list[k].line);
            return;
        }
    }
}

static void judge_communities(struct judge *j, const struct place *section, const struct raw_policy *raw,
                              struct settings_policy *policy)
{
    struct value_why why;
    if (raw->communities_count > 0)
        policy->community_count = 0;
    for (uint32_t i = 0; i < raw->communities_count && i < SETTINGS_MAX_COMMUNITIES; i++) {
        const struct place at = place("%s.communities[%u]", section->path, i);
        if (raw->communities[i] == NULL)
            continue;
        if (value_community(raw->communities[i], &policy->communities[policy->community_count], &why))
            policy->community_count++;
        else
            judge_say_why(j, &at, &why);
    }
}

static void judge_large_communities(struct judge *j, const struct place *section,
                                    const struct raw_policy *raw, struct settings_policy *policy)
{
    struct value_why why;
    if (raw->large_communities_count > 0)
        policy->large_community_count = 0;
    for (uint32_t i = 0; i < raw->large_communities_count && i < SETTINGS_MAX_COMMUNITIES; i++) {
        const struct place at = place("%s.large-communities[%u]", section->path, i);
        struct settings_large_community *next = &policy->large_communities[policy->large_community_count];
        if (raw->large_communities[i] == NULL)
            continue;
        if (value_large_community(raw->large_communities[i], next, &why))
            policy->large_community_count++;
        else
            judge_say_why(j, &at, &why);
    }
}

void judge_policy(struct judge *j, const struct place *section, const struct raw_policy *raw,
                  struct settings_policy *policy)
{
    policy->med_set = policy->med_set || raw->med != NULL;
    policy->med =
        (uint32_t)judge_number(j, place("%s.med", section->path), raw->med, 0, UINT32_MAX, policy->med);
    policy->local_pref = (uint32_t)judge_number(j, place("%s.local-pref", section->path), raw->local_pref, 1,
                                                UINT32_MAX, policy->local_pref);
    policy->prepend = (uint8_t)judge_number(j, place("%s.prepend", section->path), raw->prepend, 0,
                                            MOST_PREPENDED, policy->prepend);
    judge_communities(j, section, raw, policy);
    judge_large_communities(j, section, raw, policy);
}

static enum settings_role judge_role(struct judge *j, struct place at, const char *text)
{
    static const char *const names[] = {"provider", "rs", "rs-client", "customer", "peer"};
    if (text == NULL)
        return ROLE_UNSAID;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0)
            return (enum settings_role)(ROLE_PROVIDER + i);
    }
    judge_say(j, FINDING_ERROR, &at,
              "is '%.60s': write what we are to it: customer, peer, provider, rs or rs-client", text);
    return ROLE_UNSAID;
}

static void judge_local_address(struct judge *j, struct settings_neighbor *neighbor, struct place at,
                                const char *text)
{
    struct value_why why;
    if (strchr(text, '@') != NULL)
        judge_say(j, FINDING_ERROR, &at, "is '%.60s': write the address alone", text);
    else if (!value_address(text, 0, &neighbor->local_address, &why))
        judge_say_why(j, &at, &why);
    else if (!judge_address_is_unicast(&neighbor->local_address))
        judge_say(j, FINDING_ERROR, &at, "is '%s', which isn't an address of this host", text);
    else if (neighbor->address.sa.sa_family != 0 &&
             neighbor->address.sa.sa_family != neighbor->local_address.sa.sa_family)
        judge_say(j, FINDING_ERROR, &at, "is '%s', of another family than the neighbour's %s", text,
                  neighbor->text);
}

static void judge_password(struct judge *j, struct settings_neighbor *neighbor, struct place at,
                           const char *text)
{
    struct vault_text secret;
    if (!judge_secret_text(j, at, VAULT_OF_ANNOUNCER, text, &secret))
        return;
    size_t octets = strcspn(secret.text, "\r\n");
    if (octets > 0 && octets <= MD5_PASSWORD_MOST)
        neighbor->md5_password = secret_new(octets + 1);
    else
        judge_say(j, FINDING_ERROR, &at,
                  "names a file whose first line isn't a password: write 1 to %d characters",
                  MD5_PASSWORD_MOST);
    if (neighbor->md5_password != NULL)
        memcpy(neighbor->md5_password, secret.text, octets);
    explicit_bzero(&secret, sizeof secret);
}

/* The keys that harden a session. */
static void judge_session(struct judge *j, struct settings_neighbor *neighbor, const struct place *entry,
                          const struct raw_neighbor *raw)
{
    const struct place ttl = place("%s.ttl-security", entry->path);
    struct value_why why;
    if (raw->ttl_security != NULL && !value_switch(raw->ttl_security, &neighbor->ttl_security, &why))
        judge_say_why(j, &ttl, &why);
    if (raw->local_address != NULL)
        judge_local_address(j, neighbor, place("%s.local-address", entry->path), raw->local_address);
    if (raw->md5_password_file != NULL)
        judge_password(j, neighbor, place("%s.md5-password-file", entry->path), raw->md5_password_file);
    neighbor->role = judge_role(j, place("%s.role", entry->path), raw->role);
}

static void judge_bfd(struct judge *j, struct settings_bfd *bfd, const struct place *entry,
                      const struct raw_neighbor *raw)
{
    const struct place at = place("%s.bfd", entry->path);
    const struct place interval = place("%s.bfd-interval", entry->path);
    const struct place multiplier = place("%s.bfd-multiplier", entry->path);
    const bool refined = raw->bfd_interval != NULL || raw->bfd_multiplier != NULL;
    struct value_why why;
    bool on = false;
    uint32_t ms = judge_duration(j, interval, raw->bfd_interval, LEAST_BFD_MS, MOST_BFD_MS, DEFAULT_BFD_MS);
    uint64_t lost = judge_number(j, multiplier, raw->bfd_multiplier, 1, UINT8_MAX, DEFAULT_BFD_LOST);
    if (raw->bfd != NULL && !value_switch(raw->bfd, &on, &why))
        judge_say_why(j, &at, &why);
    else if (!on && refined)
        judge_say(j, FINDING_WARNING, raw->bfd_interval != NULL ? &interval : &multiplier,
                  "has no effect: there is no BFD with this neighbour without bfd: true");
    if (on)
        *bfd = (struct settings_bfd){ms, (uint8_t)lost};
}

static void judge_neighbor(struct judge *j, uint32_t i, const struct raw_neighbor *raw)
{
    struct settings_announce *announce = &j->settings->announce;
    struct settings_neighbor *neighbor = &announce->neighbors[announce->neighbor_count++];
    const struct place entry = place("announce.neighbors[%u]", i);
    const struct place remote = place("%s.remote-as", entry.path);
    struct value_why why;
    neighbor->line = judge_line(j, &entry);
    neighbor->port =
        (uint16_t)judge_number(j, place("%s.port", entry.path), raw->port, 1, UINT16_MAX, DEFAULT_BGP_PORT);
    neighbor->hold_time_s = judge_hold_time(j, place("%s.hold-time", entry.path), raw->hold_time);
    if (raw->remote_as == NULL)
        judge_say_missing(j, &entry, "remote-as", "the neighbour's AS number, for example remote-as: 64500");
    else if (!value_as_number(raw->remote_as, &neighbor->remote_as, &why))
        judge_say_why(j, &remote, &why);
    if (raw->address == NULL)
        judge_say_missing(j, &entry, "address",
                          "the router's address, or gateway for the default route's next hop");
    else if (judge_neighbor_address(j, neighbor, place("%s.address", entry.path), raw->address))
        judge_same_neighbor(j, i);
    judge_session(j, neighbor, &entry, raw);
    judge_bfd(j, &neighbor->bfd, &entry, raw);
    neighbor->policy = announce->policy;
    judge_policy(j, &entry, &raw->policy, &neighbor->policy);
}

void judge_neighbors(struct judge *j, const struct raw_announce *raw)
{
    for (uint32_t i = 0; i < raw->neighbors_count && i < SETTINGS_MAX_NEIGHBORS; i++)
        judge_neighbor(j, i, &raw->neighbors[i]);
}
