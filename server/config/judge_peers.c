/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Keys, and to whom zones are handed on. An entry of `allow-transfer` or `notify` is an address (or, to
 * allow, a prefix), "key NAME", or both in this order.
 */
#include "config/judgement.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DNS_PORT          53
#define BASE64_MOST       (TSIG_SECRET_MOST / 3 * 4 + 4)
#define SECRET_FEW_OCTETS 16 /* fewer can be guessed */

/* --- keys
 * ------------------------------------------------------------------------------------------------------ */

/* The folded name, unless it isn't one. */
static bool key_name(const char *text, uint8_t name[NAME_MAX_OCTETS])
{
    size_t octets = name_from_text(name, text);
    name_fold(name, name, octets);
    return octets > 0;
}

static void judge_secret(struct judge *j, struct tsig_key *key, const struct place *at, const char *text)
{
    struct vault_text secret;
    size_t octets = 0;
    if (!judge_secret_text(j, *at, VAULT_OF_SERVER, text, &secret))
        return;
    size_t length = strcspn(secret.text, "\r\n");
    if (sodium_base642bin(key->secret, sizeof key->secret, secret.text, length, " \t", &octets, NULL,
                          sodium_base64_VARIANT_ORIGINAL) < 0 ||
        octets == 0)
        judge_say(j, FINDING_ERROR, at,
                  "names a file whose first line isn't base64: write one with openssl rand -base64 32");
    else if (octets < SECRET_FEW_OCTETS)
        judge_say(j, FINDING_WARNING, at, "names a secret of only %zu octets: use 32", octets);
    key->secret_octets = (uint16_t)octets;
    sodium_memzero(&secret, sizeof secret);
}

static void judge_key_name(struct judge *j, struct tsig_key *key, const struct place *entry, const char *text)
{
    const struct place at = place("%s.name", entry->path);
    if (!key_name(text, key->name))
        judge_say(j, FINDING_ERROR, &at, "is '%.260s', which isn't a domain name", text);
    else if (tsig_find_key(&j->settings->keys, key->name) != NULL)
        judge_say(j, FINDING_ERROR, &at, "is '%.260s', as another key's is", text);
}

static void judge_key(struct judge *j, const struct place *entry, const struct raw_key *raw)
{
    struct tsig_keys *keys = &j->settings->keys;
    struct tsig_key *key = &keys->list[keys->count];
    const struct place algorithm_at = place("%s.algorithm", entry->path);
    const struct place secret_at = place("%s.secret-file", entry->path);
    if (raw->name != NULL)
        judge_key_name(j, key, entry, raw->name);
    else
        judge_say_missing(j, entry, "name", "the key's name, for example name: xfr.example");
    key->algorithm = (uint8_t)(raw->algorithm != NULL ? tsig_algorithm_of(raw->algorithm) : TSIG_HMAC_SHA256);
    if (key->algorithm == TSIG_UNKNOWN)
        judge_say(j, FINDING_ERROR, &algorithm_at,
                  "is '%.60s': write hmac-sha256, hmac-sha384 or hmac-sha512", raw->algorithm);
    if (raw->secret_file != NULL)
        judge_secret(j, key, &secret_at, raw->secret_file);
    else
        judge_say_missing(j, entry, "secret-file", "a file with the secret in base64");
    keys->count++;
}

void judge_keys(struct judge *j)
{
    for (uint32_t i = 0; i < j->raw->keys_count && i < TSIG_KEYS_MOST; i++) {
        const struct place entry = place("keys[%u]", i);
        judge_key(j, &entry, &j->raw->keys[i]);
    }
}

/* --- peers
 * ----------------------------------------------------------------------------------------------------- */

/* The two parts of an entry; either may be empty. */
struct peer_words {
    char address[128];
    char key[NAME_TEXT_MAX];
};

/* False when the entry has another form. */
static bool peer_split(const char *text, struct peer_words *words)
{
    char keyword[8] = "";
    char rest[2] = "";
    words->address[0] = words->key[0] = '\0';
    if (sscanf(text, "key %1023s %1s", words->key, rest) == 1)
        return true;
    int count = sscanf(text, "%127s %7s %1023s %1s", words->address, keyword, words->key, rest);
    return count == 1 || (count == 3 && strcmp(keyword, "key") == 0);
}

static bool peer_key(struct judge *j, const struct place *at, const char *text, uint8_t name[NAME_MAX_OCTETS])
{
    if (key_name(text, name) && tsig_find_key(&j->settings->keys, name) != NULL)
        return true;
    judge_say(j, FINDING_ERROR, at, "names the key '%.260s', which isn't among `keys`", text);
    return false;
}

/* A prefix; one of length 0 (everybody) too; or a single address. */
static bool grant_address(struct zone_grant *grant, const char *text, struct value_why *why)
{
    struct settings_prefix prefix = {0};
    union settings_address address;
    char single[SETTINGS_ADDRESS_TEXT + 8];
    bool all4 = strcmp(text, "0.0.0.0/0") == 0;
    if (all4 || strcmp(text, "::/0") == 0) {
        grant->family = all4 ? AF_INET : AF_INET6;
        return true;
    }
    if (strchr(text, '/') == NULL) {
        if (!value_address(text, DNS_PORT, &address, why)) {
            (void)snprintf(why->text, sizeof why->text,
                           "is '%.60s': write 192.0.2.7, 192.0.2.0/24 or \"2001:db8:7::/48\", without a port",
                           text);
            return false;
        }
        (void)snprintf(single, sizeof single, "%.60s/%d", text, address.sa.sa_family == AF_INET ? 32 : 128);
        text = single;
    }
    if (!value_prefix(text, &prefix, why))
        return false;
    grant->family = prefix.family;
    grant->bits = prefix.bits;
    memcpy(grant->octets, prefix.octets, sizeof grant->octets);
    return true;
}

static void judge_grant(struct judge *j, const struct place *at, const char *text, struct zone_grant *grant)
{
    struct peer_words words;
    struct value_why why;
    if (!peer_split(text, &words)) {
        judge_say(j, FINDING_ERROR, at,
                  "is '%.200s': write 192.0.2.0/24, \"key xfr.example\" or \"192.0.2.0/24 key xfr.example\"",
                  text);
        return;
    }
    if (words.address[0] != '\0' && !grant_address(grant, words.address, &why))
        judge_say_why(j, at, &why);
    grant->keyed = words.key[0] != '\0' && peer_key(j, at, words.key, grant->key);
}

static void judge_target(struct judge *j, const struct place *at, const char *text,
                         struct zone_target *target)
{
    struct peer_words words;
    struct value_why why;
    union settings_address address = {0};
    if (!peer_split(text, &words) || words.address[0] == '\0') {
        judge_say(j, FINDING_ERROR, at,
                  "is '%.200s': write 192.0.2.7, 192.0.2.7@5353 or \"192.0.2.7 key xfr.example\"", text);
        return;
    }
    if (!value_address(words.address, DNS_PORT, &address, &why))
        judge_say_why(j, at, &why);
    else if (!judge_address_is_unicast(&address))
        judge_say(j, FINDING_ERROR, at, "is '%.60s', which isn't the address of a server", words.address);
    else
        memcpy(&target->address, &address, sizeof address);
    target->keyed = words.key[0] != '\0' && peer_key(j, at, words.key, target->key);
}

struct zone_access *judge_access(struct judge *j, struct place at, char *const *texts, uint32_t count)
{
    if (count == 0) {
        if (judge_line(j, &at) != 0)
            judge_say(j, FINDING_ERROR, &at, "is empty: name the prefixes, or leave the key out");
        return NULL;
    }
    struct zone_access *access = zone_access_new(count);
    if (access == NULL)
        judge_say(j, FINDING_ERROR, &at, "can't be kept: memory is short");
    for (uint32_t i = 0; access != NULL && i < count; i++) {
        const struct place entry = place("%s[%u]", at.path, i);
        judge_grant(j, &entry, texts[i], &access->grants[i]);
    }
    return access;
}

void judge_peers(struct judge *j, const struct place *entry, const struct raw_zone *raw,
                 struct settings_zone *zone)
{
    if (raw->allow_transfer_count == 0 && raw->notify_count == 0)
        return;
    zone->peers = zone_peers_new(raw->allow_transfer_count, raw->notify_count);
    if (zone->peers == NULL) {
        judge_say(j, FINDING_ERROR, entry, "can't be kept: memory is short");
        return;
    }
    for (uint32_t i = 0; i < raw->allow_transfer_count; i++) {
        const struct place at = place("%s.allow-transfer[%u]", entry->path, i);
        judge_grant(j, &at, raw->allow_transfer[i], &zone->peers->grants[i]);
    }
    for (uint32_t i = 0; i < raw->notify_count; i++) {
        const struct place at = place("%s.notify[%u]", entry->path, i);
        judge_target(j, &at, raw->notify[i], &zone->peers->targets[i]);
    }
}
