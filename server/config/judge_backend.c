/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/judgement.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_BIRD_SOCKET        "/run/bird/bird.ctl"
#define DEFAULT_VTYSH              "/usr/bin/vtysh"
#define DEFAULT_PIPE_IN            "/run/exabgp/exabgp.in"
#define DEFAULT_PIPE_OUT           "/run/exabgp/exabgp.out"
#define DEFAULT_TUN_DEVICE         "hither0"
#define DEFAULT_COMMAND_TIMEOUT_MS 2000
#define DEFAULT_VERIFY_INTERVAL_MS 1000

#define FOR(backend)  (1U << (backend))
#define FOR_ALL_OTHER (FOR(ANNOUNCE_BIRD) | FOR(ANNOUNCE_FRR) | FOR(ANNOUNCE_EXABGP) | FOR(ANNOUNCE_EXEC))

/* A key, whether it is there, and the set of backends that know what to do with it. */
struct backend_key {
    const char *key;
    bool there;
    unsigned backends;
};

/* "bgp", "bird or exec". */
static const char *backends_to_text(unsigned backends, char *text, size_t octets)
{
    text[0] = '\0';
    for (unsigned b = ANNOUNCE_BGP; b <= ANNOUNCE_TUN; b++) {
        size_t at = strlen(text);
        if ((backends & FOR(b)) != 0)
            (void)snprintf(text + at, octets - at, "%s%s", at > 0 ? " or " : "",
                           settings_backend_name((enum announce_backend)b));
    }
    return text;
}

/* A key that does nothing would look as if it did something. */
static void judge_belonging(struct judge *j, const struct backend_key *keys, size_t count)
{
    const struct settings_announce *announce = &j->settings->announce;
    char text[80];
    for (size_t i = 0; i < count; i++) {
        const struct place at = place("announce.%s", keys[i].key);
        if (keys[i].there && (keys[i].backends & FOR(announce->backend)) == 0)
            judge_say(j, FINDING_ERROR, &at, "does nothing with backend: %s: remove it, or write backend: %s",
                      settings_backend_name(announce->backend),
                      backends_to_text(keys[i].backends, text, sizeof text));
    }
}

static void judge_keys_belong(struct judge *j, const struct raw_announce *raw)
{
    const struct raw_backend *o = &raw->other;
    const unsigned policy = FOR(ANNOUNCE_BGP) | FOR(ANNOUNCE_EXABGP) | FOR(ANNOUNCE_EXEC);
    const struct backend_key keys[] = {
        {"bird-socket", o->bird_socket != NULL, FOR(ANNOUNCE_BIRD)},
        {"bird-protocols", o->bird_protocols_count > 0, FOR(ANNOUNCE_BIRD)},
        {"bird-lesser-protocols", o->bird_lesser_protocols_count > 0, FOR(ANNOUNCE_BIRD)},
        {"vtysh", o->vtysh_count > 0, FOR(ANNOUNCE_FRR)},
        {"frr-route-map", o->frr_route_map != NULL, FOR(ANNOUNCE_FRR)},
        {"frr-lesser-route-map", o->frr_lesser_route_map != NULL, FOR(ANNOUNCE_FRR)},
        {"exabgp-pipe-in", o->exabgp_pipe_in != NULL, FOR(ANNOUNCE_EXABGP)},
        {"exabgp-pipe-out", o->exabgp_pipe_out != NULL, FOR(ANNOUNCE_EXABGP)},
        {"command", o->command_count > 0, FOR(ANNOUNCE_EXEC)},
        {"verify-command", o->verify_command_count > 0, FOR(ANNOUNCE_EXEC)},
        {"tun-device", o->tun_device != NULL, FOR_ALL_OTHER | FOR(ANNOUNCE_TUN)},
        {"command-timeout", o->command_timeout != NULL, FOR_ALL_OTHER},
        {"verify-interval", o->verify_interval != NULL, FOR_ALL_OTHER | FOR(ANNOUNCE_TUN)},
        {"neighbors", raw->neighbors_count > 0, FOR(ANNOUNCE_BGP)},
        {"router-id", raw->router_id != NULL, FOR(ANNOUNCE_BGP)},
        {"local-as", raw->local_as != NULL, FOR(ANNOUNCE_BGP) | FOR(ANNOUNCE_FRR)},
        {"med", raw->policy.med != NULL, policy},
        {"local-pref", raw->policy.local_pref != NULL, FOR(ANNOUNCE_BGP) | FOR(ANNOUNCE_EXABGP)},
        {"prepend", raw->policy.prepend != NULL, FOR(ANNOUNCE_BGP)},
        {"communities", raw->policy.communities_count > 0, FOR(ANNOUNCE_BGP) | FOR(ANNOUNCE_EXABGP)},
        {"large-communities", raw->policy.large_communities_count > 0,
         FOR(ANNOUNCE_BGP) | FOR(ANNOUNCE_EXABGP)},
    };
    judge_belonging(j, keys, sizeof keys / sizeof keys[0]);
}

/* A name that goes into another program's command as it is. */
static bool judge_word(struct judge *j, struct place at, const char *text, char *word, size_t octets)
{
    size_t length = strlen(text);
    bool sound = length > 0 && length < octets && !isdigit((unsigned char)text[0]);
    for (size_t i = 0; i < length; i++)
        sound = sound && (isalnum((unsigned char)text[i]) || text[i] == '_' || (i > 0 && text[i] == '-'));
    if (sound)
        memcpy(word, text, length + 1);
    else
        judge_say(
            j, FINDING_ERROR, &at,
            "is '%.80s': write a name of at most %zu letters, digits, _ and -, which begins with a letter",
            text, octets - 1);
    return sound;
}

static void judge_socket_path(struct judge *j, struct place at, const char *text, const char *otherwise,
                              char path[SETTINGS_BACKEND_PATH])
{
    char *absolute = judge_path(j, at, text != NULL ? text : otherwise);
    if (absolute == NULL)
        return;
    if (strlen(absolute) < SETTINGS_BACKEND_PATH)
        memcpy(path, absolute, strlen(absolute) + 1);
    else
        judge_say(j, FINDING_ERROR, &at, "is a path of more than %d octets: use a shorter one",
                  SETTINGS_BACKEND_PATH - 1);
    free(absolute);
}

static bool command_add(struct settings_command *command, const char *word)
{
    size_t octets = strlen(word) + 1;
    if (octets > sizeof command->words - command->octets)
        return false;
    memcpy(command->words + command->octets, word, octets);
    command->octets += (uint32_t)octets;
    command->count++;
    return true;
}

/* The program is a path, so that it doesn't depend on who started us with which PATH. */
static void judge_command(struct judge *j, struct place at, char *const *words, uint32_t count,
                          struct settings_command *command)
{
    for (uint32_t i = 0; i < count; i++) {
        char *program = i == 0 && words[0] != NULL ? judge_path(j, at, words[0]) : NULL;
        const char *word = program != NULL ? program : words[i];
        if (word == NULL || word[0] == '\0')
            judge_say(j, FINDING_ERROR, &at, "has an empty word: write [program, argument, ...]");
        else if (!command_add(command, word))
            judge_say(j, FINDING_ERROR, &at, "is longer than %d octets: put it into a script",
                      SETTINGS_COMMAND_OCTETS);
        free(program);
    }
}

/* One protocol for each prefix, and none for two: what one prefix needs mustn't move another. */
static void judge_protocols(struct judge *j, const char *key, char *const *names, uint32_t count, bool lesser)
{
    struct settings_announce *announce = &j->settings->announce;
    const struct place list = place("announce.%s", key);
    if (j->raw->announce->prefixes_count != announce->prefix_count)
        return; /* one of the prefixes is wrong, and so would be what is said of names */
    if (count != announce->prefix_count) {
        judge_say(j, FINDING_ERROR, &list,
                  "has %u names for %zu prefixes: write the name of one protocol static for each prefix, in "
                  "the order of announce.prefixes",
                  count, announce->prefix_count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct place at = place("announce.%s[%u]", key, i);
        char *word = lesser ? announce->bird[i].lesser : announce->bird[i].usual;
        if (names[i] == NULL || !judge_word(j, at, names[i], word, SETTINGS_WORD))
            continue;
        bool again = lesser && strcmp(announce->bird[i].usual, word) == 0;
        for (uint32_t k = 0; k < announce->prefix_count; k++)
            again = again || (k < i && (strcmp(announce->bird[k].usual, word) == 0 ||
                                        strcmp(announce->bird[k].lesser, word) == 0));
        if (again)
            judge_say(j, FINDING_ERROR, &at,
                      "is '%s', which stands here already: each prefix needs a protocol of its own", word);
    }
}

static void judge_bird(struct judge *j, const struct raw_backend *raw)
{
    const struct place section = place("announce");
    judge_socket_path(j, place("announce.bird-socket"), raw->bird_socket, DEFAULT_BIRD_SOCKET,
                      j->settings->announce.other.bird_socket);
    if (raw->bird_protocols_count == 0)
        judge_say_missing(j, &section, "bird-protocols",
                          "the names of BIRD's protocols static, one for each prefix, for example "
                          "bird-protocols: [hither4, hither6]");
    else
        judge_protocols(j, "bird-protocols", raw->bird_protocols, raw->bird_protocols_count, false);
    if (raw->bird_lesser_protocols_count > 0)
        judge_protocols(j, "bird-lesser-protocols", raw->bird_lesser_protocols,
                        raw->bird_lesser_protocols_count, true);
}

static void judge_frr(struct judge *j, const struct raw_announce *raw)
{
    static char path[] = DEFAULT_VTYSH;
    static char *const words[] = {path};
    const struct raw_backend *o = &raw->other;
    struct settings_backend *other = &j->settings->announce.other;
    const struct place section = place("announce");
    other->local_as = j->settings->announce.local_as;
    judge_command(j, place("announce.vtysh"), o->vtysh_count > 0 ? o->vtysh : words,
                  o->vtysh_count > 0 ? o->vtysh_count : 1, &other->vtysh);
    if (raw->local_as == NULL)
        judge_say_missing(j, &section, "local-as", "the number that stands in FRR's `router bgp`");
    if (o->frr_route_map != NULL)
        judge_word(j, place("announce.frr-route-map"), o->frr_route_map, other->frr_route_map, SETTINGS_WORD);
    if (o->frr_lesser_route_map != NULL)
        judge_word(j, place("announce.frr-lesser-route-map"), o->frr_lesser_route_map,
                   other->frr_lesser_route_map, SETTINGS_WORD);
}

static void judge_exabgp(struct judge *j, const struct raw_backend *raw)
{
    struct settings_backend *other = &j->settings->announce.other;
    const struct place section = place("announce");
    if ((raw->exabgp_pipe_in == NULL) != (raw->exabgp_pipe_out == NULL))
        judge_say_missing(j, &section, raw->exabgp_pipe_in == NULL ? "exabgp-pipe-in" : "exabgp-pipe-out",
                          "both pipes, or neither for " DEFAULT_PIPE_IN " and " DEFAULT_PIPE_OUT);
    judge_socket_path(j, place("announce.exabgp-pipe-in"), raw->exabgp_pipe_in, DEFAULT_PIPE_IN,
                      other->exabgp_pipe_in);
    judge_socket_path(j, place("announce.exabgp-pipe-out"), raw->exabgp_pipe_out, DEFAULT_PIPE_OUT,
                      other->exabgp_pipe_out);
}

static void judge_exec(struct judge *j, const struct raw_backend *raw)
{
    struct settings_backend *other = &j->settings->announce.other;
    const struct place section = place("announce");
    if (raw->command_count == 0)
        judge_say_missing(
            j, &section, "command",
            "the program that announces and withdraws, for example command: [/etc/hither/route]");
    judge_command(j, place("announce.command"), raw->command, raw->command_count, &other->command);
    judge_command(j, place("announce.verify-command"), raw->verify_command, raw->verify_command_count,
                  &other->verify_command);
}

static bool prefix_is_served(const struct settings *settings, const struct settings_prefix *prefix)
{
    for (size_t i = 0; i < settings->server.listen_count; i++) {
        if (value_prefix_covers(prefix, &settings->server.listen[i]))
            return true;
    }
    return false;
}

static void judge_tun(struct judge *j)
{
    const struct settings *settings = j->settings;
    const struct place prefixes = place("announce.prefixes");
    for (size_t i = 0; i < settings->announce.prefix_count; i++) {
        if (!prefix_is_served(settings, &settings->announce.prefixes[i]))
            judge_say(j, FINDING_ERROR, &prefixes,
                      "has %s, in which no address of server.listen lies: backend: tun has no address to put "
                      "on its device; add one to server.listen, or remove the prefix",
                      settings->announce.prefixes[i].text);
    }
}

static void judge_times(struct judge *j, const struct raw_backend *raw)
{
    struct settings_backend *other = &j->settings->announce.other;
    const char *device = raw->tun_device;
    other->command_timeout_ms = judge_duration(j, place("announce.command-timeout"), raw->command_timeout,
                                               100, 60000, DEFAULT_COMMAND_TIMEOUT_MS);
    other->verify_interval_ms = judge_duration(j, place("announce.verify-interval"), raw->verify_interval,
                                               100, 3600000, DEFAULT_VERIFY_INTERVAL_MS);
    if (device == NULL && other->kind == ANNOUNCE_TUN)
        device = DEFAULT_TUN_DEVICE;
    if (device != NULL)
        judge_word(j, place("announce.tun-device"), device, other->tun_device, SETTINGS_DEVICE);
}

void judge_backend_keys(struct judge *j, const struct raw_announce *raw)
{
    const struct place section = place("announce");
    struct settings_announce *announce = &j->settings->announce;
    if (announce->backend == ANNOUNCE_NONE)
        return; /* switched off, or wrong itself: the rest may be waiting for another day */
    judge_keys_belong(j, raw);
    if (announce->backend == ANNOUNCE_BGP)
        return;
    announce->other.kind = announce->backend;
    if (raw->prefixes_count == 0) {
        judge_say_missing(j, &section, "prefixes",
                          "what is announced, for example prefixes: [203.0.113.0/24]");
        return;
    }
    judge_times(j, &raw->other);
    if (announce->backend == ANNOUNCE_BIRD)
        judge_bird(j, &raw->other);
    else if (announce->backend == ANNOUNCE_FRR)
        judge_frr(j, raw);
    else if (announce->backend == ANNOUNCE_EXABGP)
        judge_exabgp(j, &raw->other);
    else if (announce->backend == ANNOUNCE_EXEC)
        judge_exec(j, &raw->other);
    else if (announce->prefix_count == raw->prefixes_count)
        judge_tun(j);
}
