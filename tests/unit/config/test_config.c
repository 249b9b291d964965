/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whole configurations: what they become, and every kind of mistake with its line and remedy.
 */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTEN "server:\n  listen: [127.0.0.1@5353]\n" /* two lines */
#define ZONES  "zones:\n  - {name: example.com, file: a.zone}\n"

static struct settings *parse(const char *text, struct findings *findings)
{
    return settings_parse(text, strlen(text), "/etc/hither/hither.yaml", findings);
}

static void show(const struct findings *findings)
{
    char text[1024];
    for (size_t i = 0; i < findings->count; i++)
        (void)fprintf(stderr, "%s\n", finding_to_text(&findings->list[i], text, sizeof text));
}

static const char whole[] = "server:\n"
                            "  identity: \"%h-x\"\n"
                            "  listen: [203.0.113.53@53, \"2001:db8:53::53@53\"]\n"
                            "  workers: 3\n"
                            "  user: hither\n"
                            "  state-dir: state\n"
                            "  control: /run/hither/control.sock\n"
                            "  http: 127.0.0.1@9153\n"
                            "zones:\n"
                            "  - name: example.com\n"
                            "    file: example.com.zone\n"
                            "  - directory: zones.d\n"
                            "announce:\n"
                            "  backend: bgp\n"
                            "  prefixes: [203.0.113.0/24, \"2001:db8:53::/48\"]\n"
                            "  local-as: 64512\n"
                            "  router-id: 192.0.2.9\n"
                            "  med: 10\n"
                            "  communities: [64512:1]\n"
                            "  neighbors:\n"
                            "    - address: 192.0.2.1\n"
                            "      port: 1179\n"
                            "      remote-as: 64500\n"
                            "      hold-time: 30s\n"
                            "    - address: gateway\n"
                            "      remote-as: 4200000000\n"
                            "      ttl-security: true\n"
                            "      role: customer\n"
                            "      bfd: true\n"
                            "      bfd-interval: 50ms\n"
                            "      bfd-multiplier: 4\n"
                            "      med: 20\n"
                            "      communities: [64512:2, 64512:3]\n"
                            "      large-communities: [64512:1:2]\n"
                            "  drain-wait: 3s\n"
                            "  drain-linger: 1m\n"
                            "health:\n"
                            "  interval: 200ms\n"
                            "  fall: 2\n"
                            "  rise: 4\n"
                            "  hold-down: 1s\n";

START_TEST(whole_server)
{
    struct findings findings = {0};
    struct settings *settings = parse(whole, &findings);
    show(&findings);
    ck_assert_ptr_nonnull(settings);
    ck_assert_uint_eq(findings.count, 0);
    ck_assert_str_eq(settings->path, "/etc/hither/hither.yaml");
    char host[256] = "";
    char identity[300];
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(identity, sizeof identity, "%s-x", host);
    ck_assert_str_eq(settings->server.identity, identity);
    ck_assert_uint_eq(settings->server.listen_count, 2);
    ck_assert_uint_eq(ntohs(settings->server.listen[0].in4.sin_port), 53);
    ck_assert_int_eq(settings->server.listen[1].sa.sa_family, AF_INET6);
    ck_assert_uint_eq(settings->server.workers, 3);
    ck_assert_str_eq(settings->server.user, "hither");
    ck_assert_str_eq(settings->server.state_dir, "/etc/hither/state");
    ck_assert_str_eq(settings->server.control, "/run/hither/control.sock");
    ck_assert(settings->server.http_enabled);
    ck_assert_uint_eq(ntohs(settings->server.http.in4.sin_port), 9153);
    ck_assert_uint_eq(settings->zone_count, 2);
    ck_assert_str_eq(settings->zones[0].name, "example.com");
    ck_assert_str_eq(settings->zones[0].file, "/etc/hither/example.com.zone");
    ck_assert_uint_eq(settings->zones[0].line, 10);
    ck_assert_ptr_null(settings->zones[1].name);
    ck_assert_str_eq(settings->zones[1].directory, "/etc/hither/zones.d");
    settings_free(settings);
    findings_free(&findings);
}
END_TEST

START_TEST(whole_announce)
{
    struct findings findings = {0};
    struct settings *settings = parse(whole, &findings);
    ck_assert_ptr_nonnull(settings);
    const struct settings_announce *announce = &settings->announce;
    const struct settings_neighbor *first = &announce->neighbors[0];
    const struct settings_neighbor *second = &announce->neighbors[1];
    ck_assert_int_eq(announce->backend, ANNOUNCE_BGP);
    ck_assert_uint_eq(announce->prefix_count, 2);
    ck_assert_str_eq(announce->prefixes[1].text, "2001:db8:53::/48");
    ck_assert_uint_eq(announce->prefixes[1].bits, 48);
    ck_assert_uint_eq(announce->local_as, 64512);
    ck_assert_uint_eq(announce->router_id, inet_addr("192.0.2.9"));
    ck_assert_uint_eq(announce->neighbor_count, 2);
    ck_assert_uint_eq(ntohs(first->address.in4.sin_port), 1179);
    ck_assert_uint_eq(first->hold_time_s, 30);
    ck_assert_uint_eq(first->line, 21);
    ck_assert_uint_eq(first->policy.med, 10);
    ck_assert_uint_eq(first->policy.community_count, 1);
    ck_assert(second->gateway);
    ck_assert_uint_eq(second->port, 179);
    ck_assert_uint_eq(second->remote_as, 4200000000U);
    ck_assert_uint_eq(second->hold_time_s, 9);
    ck_assert(second->ttl_security);
    ck_assert_int_eq(second->role, ROLE_CUSTOMER);
    ck_assert_uint_eq(first->bfd.interval_ms, 0);
    ck_assert_uint_eq(second->bfd.interval_ms, 50);
    ck_assert_uint_eq(second->bfd.multiplier, 4);
    ck_assert_uint_eq(second->policy.med, 20);
    ck_assert_uint_eq(second->policy.community_count, 2);
    ck_assert_uint_eq(second->policy.communities[1], 64512U << 16 | 3);
    ck_assert_uint_eq(second->policy.large_community_count, 1);
    ck_assert_uint_eq(announce->drain_wait_ms, 3000);
    ck_assert_uint_eq(announce->drain_linger_ms, 60000);
    ck_assert_uint_eq(settings->health.interval_ms, 200);
    ck_assert_uint_eq(settings->health.timeout_ms, 200);
    ck_assert_uint_eq(settings->health.fall, 2);
    ck_assert_uint_eq(settings->health.rise, 4);
    ck_assert_uint_eq(settings->health.hold_down_ms, 1000);
    settings_free(settings);
    findings_free(&findings);
}
END_TEST

START_TEST(defaults)
{
    struct findings findings = {0};
    struct settings *settings = parse(LISTEN ZONES "announce:\nhealth:\n", &findings);
    show(&findings);
    ck_assert_ptr_nonnull(settings);
    ck_assert_uint_eq(findings.count, 0);
    ck_assert_int_ge((int)settings->server.workers, 1);
    ck_assert_ptr_null(settings->server.user);
    ck_assert_str_eq(settings->server.state_dir, "/var/lib/hither");
    ck_assert_str_eq(settings->server.control, "/run/hither/control.sock");
    ck_assert(!settings->server.http_enabled);
    ck_assert_int_eq(settings->announce.backend, ANNOUNCE_NONE);
    ck_assert_uint_eq(settings->health.interval_ms, 500);
    ck_assert_uint_eq(settings->health.timeout_ms, 500);
    ck_assert_uint_eq(settings->health.fall, 3);
    ck_assert_uint_eq(settings->health.rise, 5);
    settings_free(settings);
    findings_free(&findings);
}
END_TEST

/* A configuration with one mistake. */
struct mistake {
    const char *text;
    enum finding_level level;
    uint32_t line;
    const char *part; /* of the finding */
};

#define OTHER(backend, rest)                                                                                 \
    "server: {listen: [203.0.113.53]}\n" ZONES "announce:\n  backend: " backend                              \
    "\n  prefixes: [203.0.113.0/24]\n" rest
#define BGP(extra)                                                                                           \
    "server: {listen: [203.0.113.53]}\n" ZONES "announce:\n  backend: bgp\n  local-as: 64512\n" extra
#define PREFIX   "  prefixes: [203.0.113.0/24]\n"
#define NEIGHBOR "  neighbors:\n    - address: 192.0.2.1\n      remote-as: 64500\n"

#define OWN(prefix)                                                                                          \
    "server: {listen: [203.0.113.53]}\nzones:\n  - {name: a, file: b, prefix: " prefix "}\n"                 \
    "announce:\n  backend: bgp\n  local-as: 64512\n" PREFIX NEIGHBOR

#define PEERS(key, peer) LISTEN "zones:\n  - name: a\n    file: b\n    " key ": [\"" peer "\"]\n"

static const struct mistake mistakes[] = {
    /* shape */
    {"", FINDING_ERROR, 0, "nothing is configured"},
    {"# only a comment\n", FINDING_ERROR, 0, "nothing is configured"},
    {"just words\n", FINDING_ERROR, 1,
     "must be a section with keys: server, keys, zones, limits, announce, health"},
    {"- a\n- b\n", FINDING_ERROR, 1, "must be a section"},
    {LISTEN ZONES "servre: 1\n", FINDING_ERROR, 5,
     "unknown key 'servre' in the configuration: did you mean 'server'?"},
    {"server:\n  lisen: [127.0.0.1]\n  listen: [127.0.0.1]\n" ZONES, FINDING_ERROR, 2,
     "unknown key 'lisen' in server: did you mean 'listen'?"},
    {LISTEN ZONES "announce: {neighbours: []}\n", FINDING_ERROR, 5, "did you mean 'neighbors'?"},
    {LISTEN "  local-as: 5\n" ZONES, FINDING_ERROR, 3, "it belongs under 'announce'"},
    {LISTEN ZONES "health:\n  colour: blue\n", FINDING_ERROR, 6, "write one of interval, timeout"},
    {"server:\n  listen: 127.0.0.1@5353\n" ZONES, FINDING_ERROR, 2, "write '- 127.0.0.1@5353' on a line"},
    {"server:\n  listen: {a: b}\n" ZONES, FINDING_ERROR, 2, "begin each entry with"},
    {LISTEN "  user: [a]\n" ZONES, FINDING_ERROR, 3, "'server.user' takes one value, not a list"},
    {LISTEN "  user: {a: b}\n" ZONES, FINDING_ERROR, 3, "takes one value, not a section"},
    {LISTEN "  user:\n" ZONES, FINDING_ERROR, 3, "'server.user' has no value"},
    {LISTEN "  user: ~\n" ZONES, FINDING_ERROR, 3, "'server.user' has no value"},
    {LISTEN "  user: a\n  user: b\n" ZONES, FINDING_ERROR, 4, "'server.user' stands twice: first in line 3"},
    {LISTEN "zones: [example.com]\n", FINDING_ERROR, 3, "must be a section with keys: name, file, directory"},
    {LISTEN "  user: \"a\\0b\"\n" ZONES, FINDING_ERROR, 3, "has a zero octet"},
    {LISTEN "  user: \"a\\nb\"\n" ZONES, FINDING_ERROR, 3, "control character or a line break"},
    {"server: &x {listen: [127.0.0.1]}\nhealth: *x\n", FINDING_ERROR, 2, "aliases (*name) aren't taken"},
    {LISTEN ZONES "? [a, b]\n: c\n", FINDING_ERROR, 5, "must be a word"},
    {LISTEN ZONES "---\nserver: {}\n", FINDING_ERROR, 5, "a second document begins here"},
    /* YAML */
    {"server:\n  identity: %h\n", FINDING_ERROR, 2, "in double quotes"},
    {"server:\n\tlisten: [127.0.0.1]\n", FINDING_ERROR, 2, "indent with spaces"},
    {"server:\n  listen: [::1]\n" ZONES, FINDING_ERROR, 2, "begins with a colon in double quotes"},
    {"server:\n  listen: [127.0.0.1\nzones: []\n", FINDING_ERROR, 3, "not YAML"},
    {"server:\n  listen: [127.0.0.1]\n user: x\n", FINDING_ERROR, 3, "check the indentation"},
    /* server */
    {ZONES, FINDING_ERROR, 0, "server.listen is missing: write the service addresses"},
    {"server: {user: x}\n" ZONES, FINDING_ERROR, 1, "server.listen is missing"},
    {"server:\n  listen: []\n" ZONES, FINDING_ERROR, 2, "server.listen is empty: write"},
    {"server:\n  listen:\n  - 127.0.0.1\n  - 1.2.3\n" ZONES, FINDING_ERROR, 4, "'1.2.3', not an address"},
    {"server:\n  listen:\n  - 127.0.0.1\n  - 127.0.0.1@53\n" ZONES, FINDING_ERROR, 4,
     "stands in line 3 already"},
    {"server:\n  listen:\n  - 224.0.0.1\n" ZONES, FINDING_ERROR, 3, "name the service addresses"},
    {"server:\n  listen:\n  - \"ff02::1@53\"\n" ZONES, FINDING_ERROR, 3, "name the service addresses"},
    {LISTEN "  workers: many\n" ZONES, FINDING_ERROR, 3,
     "server.workers is 'many', not a whole number: write 0 to 64"},
    {LISTEN "  workers: 65\n" ZONES, FINDING_ERROR, 3, "write 0 to 64"},
    {LISTEN "  identity: \"%x\"\n" ZONES, FINDING_ERROR, 3, "write %h for the host's name"},
    {LISTEN "  user: \"a:b\"\n" ZONES, FINDING_ERROR, 3, "not a user's name"},
    {LISTEN "  http: 127.0.0.1:80\n" ZONES, FINDING_ERROR, 3, "write 127.0.0.1@80"},
    {LISTEN "  control: "
            "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "aaaaaaaaaa"
            "aa\n" ZONES,
     FINDING_ERROR, 3, "has at most 107"},
    /* zones */
    {LISTEN, FINDING_WARNING, 0, "every query will be refused"},
    {LISTEN "zones:\n", FINDING_WARNING, 3, "every query will be refused"},
    {LISTEN "zones:\n  - name: a\n", FINDING_ERROR, 4, "zones[0].file is missing"},
    {LISTEN "zones:\n  - file: a\n", FINDING_ERROR, 4, "zones[0].name is missing"},
    {LISTEN "zones:\n  - {name: a, directory: b}\n", FINDING_ERROR, 4, "make two entries of it"},
    {LISTEN "zones:\n  - {name: a..b, file: b}\n", FINDING_ERROR, 4, "isn't a domain name"},
    {LISTEN "zones:\n  - {name: a.b, file: b}\n  - {name: c, file: d}\n  - {name: A.B., file: e}\n",
     FINDING_ERROR, 6, "'A.B.' stands in line 4 already"},
    {LISTEN "zones:\n  - directory: a\n  - directory: a\n", FINDING_ERROR, 5, "stands in line 4 already"},
    /* a zone's own prefix */
    {OWN("203.0.113.0/25"), FINDING_ERROR, 3, "isn't one of announce.prefixes"},
    {OWN("203.0.113.0/24 198.51.100.0/24"), FINDING_ERROR, 3, "198.51.100.0/24, which isn't one"},
    {OWN("203.0.113.53/24"), FINDING_ERROR, 3, "write 203.0.113.0/24"},
    {OWN("mine"), FINDING_ERROR, 3, "is 'mine'"},
    /* keys, and to whom zones are handed on */
    {LISTEN "keys:\n  - {name: a, secret-file: /nowhere}\n" ZONES, FINDING_ERROR, 4, "can't be opened"},
    {LISTEN "keys:\n  - {name: a, secret-file: /dev/null}\n" ZONES, FINDING_ERROR, 4, "isn't a regular file"},
    {LISTEN "keys:\n  - {name: a}\n" ZONES, FINDING_ERROR, 4, "keys[0].secret-file is missing"},
    {PEERS("allow-transfer", "192.0.2.0/33"), FINDING_ERROR, 6, "write 1 to 32 behind the /"},
    {PEERS("allow-transfer", "192.0.2.1/24"), FINDING_ERROR, 6, "write 192.0.2.0/24"},
    {PEERS("allow-transfer", "everybody"), FINDING_ERROR, 6, "write 192.0.2.7, 192.0.2.0/24"},
    {PEERS("allow-transfer", "192.0.2.1 with a.key"), FINDING_ERROR, 6, "key xfr.example"},
    {PEERS("allow-transfer", "key nobody.knows"), FINDING_ERROR, 6,
     "names the key 'nobody.knows', which isn't among `keys`"},
    {PEERS("notify", "192.0.2.0/24"), FINDING_ERROR, 6, "write 192.0.2.0"},
    {PEERS("notify", "0.0.0.0"), FINDING_ERROR, 6, "isn't the address of a server"},
    {PEERS("notify", "key nobody.knows"), FINDING_ERROR, 6, "write 192.0.2.7, 192.0.2.7@5353"},
    /* what clients get */
    {PEERS("allow-query", "192.0.2.1/24"), FINDING_ERROR, 6, "write 192.0.2.0/24"},
    {LISTEN "zones:\n  - name: a\n    file: b\n    allow-query: []\n", FINDING_ERROR, 6,
     "is empty: name the prefixes"},
    {LISTEN ZONES "limits: {udp-octets: 999}\n", FINDING_ERROR, 5, "write 1000 to"},
    {LISTEN ZONES "limits: {ipv4-prefix: 33}\n", FINDING_ERROR, 5, "write 8 to 32"},
    {LISTEN ZONES "limits: {ipv6-prefix: 65}\n", FINDING_ERROR, 5, "write 16 to 64"},
    {LISTEN ZONES "limits: {refused: no}\n", FINDING_ERROR, 5, "write answer or drop"},
    {LISTEN ZONES "limits: {exempt: [10.0.0.1/8]}\n", FINDING_ERROR, 5, "write 10.0.0.0/8"},
    {LISTEN ZONES "limits: {exempt: [key a]}\n", FINDING_ERROR, 5, "among `keys`"},
    /* announce */
    {LISTEN ZONES "announce:\n  backend: ospf\n", FINDING_ERROR, 6,
     "'ospf': write bgp, bird, frr, exabgp, exec, tun or none"},
    {LISTEN ZONES "announce:\n  local-as: 5\n", FINDING_ERROR, 5,
     "announce.backend is missing: write backend: bgp"},
    {BGP(PREFIX), FINDING_ERROR, 4, "announce.neighbors is missing"},
    {BGP(NEIGHBOR), FINDING_ERROR, 4, "announce.prefixes is missing"},
    {"server: {listen: [203.0.113.53]}\n" ZONES "announce:\n  backend: bgp\n" PREFIX NEIGHBOR, FINDING_ERROR,
     4, "announce.local-as is missing"},
    {BGP("  prefixes: [203.0.113.53/24]\n" NEIGHBOR), FINDING_ERROR, 7, "write 203.0.113.0/24"},
    {BGP("  prefixes:\n  - 203.0.113.0/24\n  - 203.0.113.0/24\n" NEIGHBOR), FINDING_ERROR, 9,
     "stands in line 8 already"},
    {BGP(PREFIX "  router-id: 0.0.0.0\n" NEIGHBOR), FINDING_ERROR, 8, "not all zero"},
    {BGP(PREFIX "  drain-wait: 3\n" NEIGHBOR), FINDING_ERROR, 8, "write 3ms or 3s"},
    {BGP(PREFIX NEIGHBOR "      hold-time: 2\n"), FINDING_ERROR, 11, "write 3 to 65535 seconds"},
    {BGP(PREFIX NEIGHBOR "      hold-time: 0\n"), FINDING_ERROR, 11, "write 3 to 65535 seconds"},
    {BGP(PREFIX NEIGHBOR "      port: 0\n"), FINDING_ERROR, 11, "write 1 to 65535"},
    {BGP(PREFIX NEIGHBOR "      role: boss\n"), FINDING_ERROR, 11, "customer, peer, provider"},
    {BGP(PREFIX NEIGHBOR "      ttl-security: maybe\n"), FINDING_ERROR, 11, "write true or false"},
    {BGP(PREFIX NEIGHBOR "      local-address: \"::1\"\n"), FINDING_ERROR, 11, "of another family"},
    {BGP(PREFIX NEIGHBOR "      bfd: perhaps\n"), FINDING_ERROR, 11, "write true or false"},
    {BGP(PREFIX NEIGHBOR "      bfd: true\n      bfd-interval: 5ms\n"), FINDING_ERROR, 12,
     "write 10ms to 1m"},
    {BGP(PREFIX NEIGHBOR "      bfd: true\n      bfd-interval: 100\n"), FINDING_ERROR, 12, "without a unit"},
    {BGP(PREFIX NEIGHBOR "      bfd: true\n      bfd-multiplier: 0\n"), FINDING_ERROR, 12, "write 1 to 255"},
    {BGP(PREFIX NEIGHBOR "      bfd-multiplier: 5\n"), FINDING_WARNING, 11, "without bfd: true"},
    {BGP(PREFIX NEIGHBOR "      bfd: false\n      bfd-interval: 1s\n"), FINDING_WARNING, 12,
     "without bfd: true"},
    {BGP(PREFIX NEIGHBOR "      communities: [7]\n"), FINDING_ERROR, 11, "like 64512:100"},
    {BGP(PREFIX NEIGHBOR "      large-communities: [\"1:2\"]\n"), FINDING_ERROR, 11, "like 64512:1:2"},
    {BGP(PREFIX NEIGHBOR "      md5-password-file: /nowhere/at/all\n"), FINDING_ERROR, 11, "can't be opened"},
    {BGP(PREFIX NEIGHBOR "      md5-password-file: /\n"), FINDING_ERROR, 11, "isn't a regular file"},
    {BGP(PREFIX "  neighbors:\n    - address: 192.0.2.1\n"), FINDING_ERROR, 9,
     "neighbors[0].remote-as is missing"},
    {BGP(PREFIX "  neighbors:\n    - remote-as: 5\n"), FINDING_ERROR, 9, "neighbors[0].address is missing"},
    {BGP(PREFIX "  neighbors:\n    - {address: 192.0.2.1@179, remote-as: 5}\n"), FINDING_ERROR, 9,
     "port: 179"},
    {BGP(PREFIX NEIGHBOR "    - {address: 192.0.2.1, remote-as: 5}\n"), FINDING_ERROR, 11,
     "stands in line 9 already"},
    {BGP(PREFIX
         "  neighbors:\n    - {address: gateway, remote-as: 5}\n    - {address: gateway, remote-as: 6}\n"),
     FINDING_ERROR, 10, "stands in line 9 already"},
    {BGP("  prefixes: [203.0.113.0/24, 198.51.100.0/24]\n" NEIGHBOR), FINDING_WARNING, 7,
     "198.51.100.0/24, in which no address"},
    {"server: {listen: [203.0.113.53, 127.0.0.1]}\n" ZONES
     "announce:\n  backend: bgp\n  local-as: 64512\n" PREFIX NEIGHBOR,
     FINDING_WARNING, 1, "127.0.0.1@53, which is in none of announce.prefixes"},
    {"server: {listen: [203.0.113.53], http: 203.0.113.53}\n" ZONES
     "announce:\n  backend: bgp\n  local-as: 64512\n" PREFIX NEIGHBOR,
     FINDING_WARNING, 1, "the whole world can read it"},
    /* other backends */
    {OTHER("bird", ""), FINDING_ERROR, 4, "announce.bird-protocols is missing"},
    {OTHER("bird", "  bird-protocols: [a, b]\n"), FINDING_ERROR, 7, "2 names for 1 prefixes"},
    {OTHER("bird", "  bird-protocols: [\"a b\"]\n"), FINDING_ERROR, 7, "letters, digits, _ and -"},
    {OTHER("bird", "  bird-protocols: [a]\n  bird-lesser-protocols: [a]\n"), FINDING_ERROR, 8,
     "a protocol of its own"},
    {OTHER("bird", "  bird-protocols: [a]\n  neighbors: [{address: 192.0.2.1, remote-as: 5}]\n"),
     FINDING_ERROR, 8, "remove it, or write backend: bgp"},
    {OTHER("bird", "  bird-protocols: [a]\n  med: 5\n"), FINDING_ERROR, 8, "bgp or exabgp or exec"},
    {OTHER("bird", "  bird-protocols: [a]\n  command-timeout: 1\n"), FINDING_ERROR, 8, "write 1ms or 1s"},
    {OTHER("bird", "  bird-protocols: [a]\n  tun-device: a-name-too-long-for\n"), FINDING_ERROR, 8,
     "at most 15 letters"},
    {OTHER("frr", ""), FINDING_ERROR, 4, "announce.local-as is missing"},
    {OTHER("frr", "  local-as: 5\n  frr-route-map: 5\n"), FINDING_ERROR, 8, "begins with a letter"},
    {OTHER("frr", "  local-as: 5\n  router-id: 192.0.2.1\n"), FINDING_ERROR, 8,
     "does nothing with backend: frr"},
    {OTHER("exabgp", "  exabgp-pipe-in: a\n"), FINDING_ERROR, 4, "announce.exabgp-pipe-out is missing"},
    {OTHER("exabgp", "  bird-socket: a\n"), FINDING_ERROR, 7, "write backend: bird"},
    {OTHER("exec", ""), FINDING_ERROR, 4, "announce.command is missing"},
    {OTHER("tun", "  command: [a]\n"), FINDING_ERROR, 7, "write backend: exec"},
    {OTHER("tun", "  tun-device: a/b\n"), FINDING_ERROR, 7, "letters, digits, _ and -"},
    {"server: {listen: [203.0.113.53]}\n" ZONES
     "announce:\n  backend: tun\n  prefixes: [203.0.113.0/24, 198.51.100.0/24]\n",
     FINDING_ERROR, 6, "no address to put on its device"},
    {LISTEN ZONES "announce:\n  backend: tun\n", FINDING_ERROR, 5, "announce.prefixes is missing"},
    {BGP(PREFIX NEIGHBOR "  tun-device: a\n"), FINDING_ERROR, 11,
     "write backend: bird or frr or exabgp or exec or tun"},
    /* health */
    {LISTEN ZONES "health:\n  interval: 500\n", FINDING_ERROR, 6, "health.interval is 500 without a unit"},
    {LISTEN ZONES "health:\n  interval: 20ms\n", FINDING_ERROR, 6, "write 50ms to 1m"},
    {LISTEN ZONES "health:\n  fall: 0\n", FINDING_ERROR, 6, "write 1 to 100"},
    {LISTEN ZONES "health:\n  checks: {zone-stale: local}\n", FINDING_ERROR, 6, "nobody would answer"},
    {LISTEN ZONES "health:\n  checks: {zone-age: local}\n", FINDING_ERROR, 6, "nobody would answer"},
    {LISTEN ZONES "health:\n  checks: {zone-age: global}\n", FINDING_ERROR, 6, "shared or advisory"},
    {LISTEN ZONES "health:\n  zone-max-age: 10\n", FINDING_ERROR, 6, "without a unit"},
    {LISTEN ZONES "health:\n  checks: {zone-signatures: local}\n", FINDING_ERROR, 6, "nobody would answer"},
    {LISTEN ZONES "health:\n  signature-end: 721h\n", FINDING_ERROR, 6, "write 0ms to 720h"},
    {LISTEN ZONES "health:\n  exec:\n  - {name: a}\n", FINDING_ERROR, 7, "exec[0].command is missing"},
    {LISTEN ZONES "health:\n  exec:\n  - {command: [/bin/true]}\n", FINDING_ERROR, 7,
     "exec[0].name is missing"},
    {LISTEN ZONES "health:\n  exec:\n  - {name: a, command: [true]}\n", FINDING_ERROR, 7, "no absolute path"},
    {LISTEN ZONES "health:\n  exec:\n  - {name: a, command: [/bin/true], class: mine}\n", FINDING_ERROR, 7,
     "write local, shared or advisory"},
    {LISTEN ZONES "health:\n  exec:\n  - {name: a, command: [/bin/true], interval: 1s, timeout: 2s}\n",
     FINDING_ERROR, 7, "write 10ms to 1s"},
    {LISTEN ZONES "health:\n  window: 65\n", FINDING_ERROR, 6, "write 2 to 64"},
    {LISTEN ZONES "health:\n  rise: 101\n", FINDING_ERROR, 6, "write 1 to 100"},
    {LISTEN ZONES "health:\n  hold-down: 2s\n  hold-down-max: 1s\n", FINDING_ERROR, 7, "write 2s to 24h"},
};

#define MISTAKES (sizeof mistakes / sizeof mistakes[0])

START_TEST(prefixes_of_zones)
{
    static const char text[] = "server: {listen: [203.0.113.53, \"2001:db8:53::53\"]}\n"
                               "zones:\n"
                               "  - {name: a, file: a, prefix: 203.0.113.0/24}\n"
                               "  - {directory: b, prefix: \"203.0.113.0/24 2001:db8:53::/48\"}\n"
                               "  - {name: c, file: c}\n"
                               "announce:\n  backend: bgp\n  local-as: 64512\n"
                               "  prefixes: [203.0.113.0/24, \"2001:db8:53::/48\"]\n" NEIGHBOR;
    struct findings findings = {0};
    struct settings *settings = parse(text, &findings);
    show(&findings);
    ck_assert_ptr_nonnull(settings);
    ck_assert_uint_eq(settings->zones[0].prefixes, 1);
    ck_assert_uint_eq(settings->zones[1].prefixes, 3);
    ck_assert_uint_eq(settings->zones[2].prefixes, 0);
    settings_free(settings);
    findings_free(&findings);
}
END_TEST

START_TEST(bfd_defaults)
{
    struct findings findings = {0};
    struct settings *settings = parse(BGP(PREFIX NEIGHBOR "      bfd: true\n"), &findings);
    ck_assert_ptr_nonnull(settings);
    ck_assert_uint_eq(settings->announce.neighbors[0].bfd.interval_ms, 100);
    ck_assert_uint_eq(settings->announce.neighbors[0].bfd.multiplier, 3);
    settings_free(settings);
    findings_free(&findings);
}
END_TEST

START_TEST(one_mistake)
{
    const struct mistake *m = &mistakes[_i];
    struct findings findings = {0};
    struct settings *settings = parse(m->text, &findings);
    if (findings.count != 1)
        show(&findings);
    ck_assert_msg(findings.count == 1, "%zu findings for '%s'", findings.count, m->part);
    const struct finding *f = &findings.list[0];
    ck_assert_msg(strstr(f->text, m->part) != NULL, "'%s' is not in '%s'", m->part, f->text);
    ck_assert_msg(f->line == m->line, "line %u, not %u: %s", f->line, m->line, f->text);
    ck_assert_int_eq(f->level, m->level);
    ck_assert_str_eq(f->file, "/etc/hither/hither.yaml");
    ck_assert((settings == NULL) == (m->level == FINDING_ERROR));
    settings_free(settings);
    findings_free(&findings);
}
END_TEST

START_TEST(several_mistakes)
{
    static const char text[] = "server:\n"
                               "  listn: [127.0.0.1]\n"      /* 2 */
                               "  listen: [127.0.0.1]\n"     /* 3 */
                               "  workers: x\n"              /* 4 */
                               "zones:\n"                    /* 5 */
                               "  - {name: a..b, file: f}\n" /* 6 */
                               "health:\n"
                               "  fall: 0\n" /* 8 */
                               "  rise: \n"; /* 9 */
    static const uint32_t lines[] = {2, 4, 6, 8, 9};
    struct findings findings = {0};
    ck_assert_ptr_null(parse(text, &findings));
    show(&findings);
    ck_assert_uint_eq(findings.count, 5);
    for (size_t i = 0; i < 5; i++) {
        size_t seen = 0;
        for (size_t k = 0; k < findings.count; k++)
            seen += findings.list[k].line == lines[i];
        ck_assert_msg(seen == 1, "line %u has %zu findings", lines[i], seen);
    }
    findings_free(&findings);
}
END_TEST

/* Text that would grow without bound, or nest without end, is refused at once. */
START_TEST(hostile)
{
    struct findings findings = {0};
    static const char bomb[] = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                               "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nserver: *c\n";
    ck_assert_ptr_null(parse(bomb, &findings));
    findings_free(&findings);

    size_t octets = 8 * 1024 * 1024;
    char *deep = malloc(octets);
    ck_assert_ptr_nonnull(deep);
    memset(deep, '[', octets);
    memcpy(deep, "server: ", 8);
    ck_assert_ptr_null(settings_parse(deep, octets, "deep", &findings));
    findings_free(&findings);
    memset(deep, '{', octets);
    ck_assert_ptr_null(settings_parse(deep, octets, "deep", &findings));
    findings_free(&findings);
    free(deep);
}
END_TEST

START_TEST(too_large)
{
    struct findings findings = {0};
    size_t octets = 16 * 1024 * 1024 + 1;
    char *text = malloc(octets);
    ck_assert_ptr_nonnull(text);
    memset(text, '#', octets);
    memcpy(text, LISTEN ZONES, strlen(LISTEN ZONES));
    ck_assert_ptr_null(settings_parse(text, octets, "large", &findings));
    ck_assert_uint_eq(findings.errors, 1);
    ck_assert_ptr_nonnull(strstr(findings.list[0].text, "larger than 16 MB"));
    free(text);
    findings_free(&findings);
}
END_TEST

START_TEST(from_files)
{
    char directory[] = "/tmp/hither-config-XXXXXX";
    char path[64];
    char secret[64];
    struct findings findings = {0};
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/hither.yaml", directory);
    (void)snprintf(secret, sizeof secret, "%s/secret", directory);

    ck_assert_ptr_null(settings_read(path, &findings));
    ck_assert_ptr_nonnull(strstr(findings.list[0].text, "No such file"));
    findings_free(&findings);
    ck_assert_ptr_null(settings_read(directory, &findings));
    ck_assert_ptr_nonnull(strstr(findings.list[0].text, "directory"));
    findings_free(&findings);

    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs(BGP(PREFIX NEIGHBOR "      md5-password-file: secret\n"), file);
    ck_assert_int_eq(fclose(file), 0);
    file = fopen(secret, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs("tell nobody\n", file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(secret, 0600), 0);
    struct settings *settings = settings_read(path, &findings);
    show(&findings);
    ck_assert_ptr_nonnull(settings);
    ck_assert_str_eq(settings->announce.neighbors[0].md5_password, "tell nobody");
    char expected[80];
    (void)snprintf(expected, sizeof expected, "%s/a.zone", directory);
    ck_assert_str_eq(settings->zones[0].file, expected);
    settings_free(settings);
    ck_assert_uint_eq(findings.count, 0);
    (void)unlink(path);
    (void)unlink(secret);
    (void)rmdir(directory);
}
END_TEST

static void write_file(const char *directory, const char *name, const char *text, mode_t mode)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static const struct {
    const char *keys;
    const char *secret;
    mode_t mode;
    const char *finding; /* NULL: none */
    enum finding_level level;
} keyrings[] = {
    {"", "MDEyMzQ1Njc4OWFiY2RlZg==\n", 0600, NULL, FINDING_ERROR},
    {"", "MDEyMzQ1Njc4OWFiY2RlZg==", 0644, "every user may read", FINDING_WARNING},
    {"", "MDEyMw==\n", 0600, "only 4 octets", FINDING_WARNING},
    {"", "secret!\n", 0600, "isn't base64", FINDING_ERROR},
    {"  - {name: b.key, secret-file: secret, algorithm: hmac-md5}\n", "MDEyMzQ1Njc4OWFiY2RlZg==\n", 0600,
     "write hmac-sha256, hmac-sha384 or hmac-sha512", FINDING_ERROR},
    {"  - {name: A.KEY., secret-file: secret}\n", "MDEyMzQ1Njc4OWFiY2RlZg==\n", 0600, "as another key's is",
     FINDING_ERROR},
};

START_TEST(keys_and_peers)
{
    static const char text[] =
        LISTEN "keys:\n  - {name: a.Key, secret-file: secret, algorithm: HMAC-SHA512}\n%s"
               "zones:\n  - name: example\n    file: f\n"
               "    allow-transfer: [192.0.2.0/25, \"2001:db8::1\", key a.key,"
               " \"0.0.0.0/0 key A.KEY.\"]\n"
               "    notify: [192.0.2.7, \"2001:db8::7@5353 key a.key\"]\n"
               "  - directory: d\n";
    char directory[] = "/tmp/hither-config-XXXXXX";
    char path[128];
    char whole_text[1024];
    struct findings findings = {0};
    uint8_t name[NAME_MAX_OCTETS];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(whole_text, sizeof whole_text, text, keyrings[_i].keys);
    write_file(directory, "hither.yaml", whole_text, 0644);
    write_file(directory, "secret", keyrings[_i].secret, keyrings[_i].mode);
    (void)snprintf(path, sizeof path, "%s/hither.yaml", directory);
    struct settings *settings = settings_read(path, &findings);
    if (keyrings[_i].finding != NULL) {
        ck_assert_uint_eq(findings.count, 1);
        ck_assert_ptr_nonnull(strstr(findings.list[0].text, keyrings[_i].finding));
        ck_assert_int_eq(findings.list[0].level, keyrings[_i].level);
        ck_assert((settings == NULL) == (keyrings[_i].level == FINDING_ERROR));
    } else {
        show(&findings);
        ck_assert_uint_eq(findings.count, 0);
        const struct tsig_key *key = &settings->keys.list[0];
        ck_assert_int_eq(key->algorithm, TSIG_HMAC_SHA512);
        ck_assert_uint_eq(key->secret_octets, 16);
        ck_assert_mem_eq(key->secret, "0123456789abcdef", 16);
        ck_assert_mem_eq(key->name, "\1a\3key", 7);
        const struct zone_peers *peers = settings->zones[0].peers;
        ck_assert_uint_eq(peers->grant_count, 4);
        ck_assert_uint_eq(peers->grants[1].bits, 128);
        ck_assert(!peers->grants[0].keyed && peers->grants[2].keyed && peers->grants[2].family == 0);
        ck_assert(peers->grants[3].keyed && peers->grants[3].family == AF_INET && peers->grants[3].bits == 0);
        ck_assert_uint_eq(peers->target_count, 2);
        ck_assert_int_eq(ntohs(peers->targets[0].address.in4.sin_port), 53);
        ck_assert_int_eq(ntohs(peers->targets[1].address.in6.sin6_port), 5353);
        (void)name_from_text(name, "a.key");
        ck_assert(peers->targets[1].keyed && name_equal(peers->targets[1].key, name));
        ck_assert_ptr_null(settings->zones[1].peers);
    }
    settings_free(settings);
    findings_free(&findings);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/secret", directory);
    (void)unlink(path);
    (void)rmdir(directory);
}
END_TEST

#define KEY_1   "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f\n"
#define KEY_2   "100102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f # staged\n"
#define PEERS_2 "  peers: [192.0.2.1, 192.0.2.2@700]\n"

static const struct {
    const char *keys;
    const char *fleet;
    const char *finding; /* NULL: none */
} fleets[] = {
    {KEY_1 KEY_2, PEERS_2, NULL},
    {"00\n", PEERS_2, "a line isn't a secret of 64 hexadecimal digits"},
    {"", PEERS_2, "there is no secret in it"},
    {KEY_1, "", "fleet needs either peers"},
    {KEY_1, PEERS_2 "  multicast: 239.0.0.1\n", "fleet needs either peers"},
    {KEY_1, "  multicast: 192.0.2.1\n", "not a multicast address"},
    {KEY_1, "  multicast: 239.0.0.1@5\n  listen: 0.0.0.0@6\n", "listen on the group's port"},
    {KEY_1, "  peers: [192.0.2.1, 239.0.0.1]\n", "name a PoP's own unicast address"},
    {KEY_1, "  peers: [192.0.2.1, \"2001:db8::1\"]\n", "all as IPv6"},
    {KEY_1, "  peers: [192.0.2.1, 192.0.2.1@7353]\n", "stands there already"},
    {KEY_1, "  peers: [203.0.113.7]\n", "lies in the announced prefix 203.0.113.0/24"},
    {KEY_1, PEERS_2 "  listen: \"::@7353\"\n", "of another family"},
    {KEY_1, PEERS_2 "  interval: 10ms\n", "write 50ms to 10s"},
    {KEY_1, PEERS_2 "  min-announcers: 0\n", "write 1 to 512"},
};

static void check_fleet(const struct settings_fleet *fleet)
{
    ck_assert(fleet->enabled && !fleet->multicast);
    ck_assert_uint_eq(fleet->keys.count, 2);
    ck_assert_uint_eq(fleet->keys.octets[1][0], 0x10);
    ck_assert_uint_eq(fleet->peer_count, 2);
    ck_assert_int_eq(ntohs(fleet->peers[0].in4.sin_port), 7353);
    ck_assert_int_eq(ntohs(fleet->peers[1].in4.sin_port), 700);
    ck_assert_int_eq(ntohs(fleet->listen.in4.sin_port), 7353);
    ck_assert_uint_eq(fleet->listen.in4.sin_addr.s_addr, INADDR_ANY);
    ck_assert_uint_eq(fleet->interval_ms, 200);
    ck_assert_uint_eq(fleet->min_announcers, 1);
}

START_TEST(fleets_of_pops)
{
    static const char text[] =
        "server: {listen: [203.0.113.53]}\n" ZONES
        "announce:\n  backend: bgp\n  local-as: 64512\n" PREFIX NEIGHBOR "fleet:\n  key-file: fleet.key\n%s";
    char directory[] = "/tmp/hither-config-XXXXXX";
    char path[128];
    char whole_text[1024];
    struct findings findings = {0};
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(whole_text, sizeof whole_text, text, fleets[_i].fleet);
    write_file(directory, "hither.yaml", whole_text, 0644);
    write_file(directory, "fleet.key", fleets[_i].keys, 0600);
    (void)snprintf(path, sizeof path, "%s/hither.yaml", directory);
    struct settings *settings = settings_read(path, &findings);
    show(&findings);
    ck_assert_uint_eq(findings.count, fleets[_i].finding != NULL ? 1 : 0);
    if (fleets[_i].finding != NULL)
        ck_assert_ptr_nonnull(strstr(findings.list[0].text, fleets[_i].finding));
    else
        check_fleet(&settings->fleet);
    ck_assert((settings == NULL) == (fleets[_i].finding != NULL));
    settings_free(settings);
    findings_free(&findings);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/fleet.key", directory);
    (void)unlink(path);
    (void)rmdir(directory);
}
END_TEST

/* Who wants to ask the daemon needs the socket's path only, even when other values are wrong. */
START_TEST(control_alone)
{
    static const struct {
        const char *text;
        const char *control; /* NULL: not to be known */
    } cases[] = {
        {"server: {control: run/socket, workers: many}\n", "/run/socket"},
        {"server: {controll: x}\nhealth: {fall: 0}\n", "/run/hither/control.sock"},
        {"zones: []\n", "/run/hither/control.sock"},
        {"server: [\n", NULL},
    };
    char directory[] = "/tmp/hither-config-XXXXXX";
    char path[64];
    char expected[128];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/hither.yaml", directory);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct findings findings = {0};
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        (void)fputs(cases[i].text, file);
        ck_assert_int_eq(fclose(file), 0);
        char *control = settings_control(path, &findings);
        (void)snprintf(expected, sizeof expected, "%s%s", i == 0 ? directory : "",
                       cases[i].control != NULL ? cases[i].control : "");
        ck_assert_pstr_eq(control, cases[i].control != NULL ? expected : NULL);
        ck_assert(control != NULL || findings.errors > 0);
        free(control);
        findings_free(&findings);
    }
    (void)unlink(path);
    (void)rmdir(directory);
}
END_TEST

#define LOGGED LISTEN ZONES "log:\n"

START_TEST(log_is_understood)
{
    static const char text[] =
        LOGGED "  level: debug\n  format: json\n  target: journal\n  queries:\n"
               "    - {zone: Example.COM., client: 192.0.2.0/24, rcode: SERVFAIL, sample: 100}\n"
               "    - {sample: 7}\n";
    struct findings findings = {0};
    struct settings *settings = parse(text, &findings);
    show(&findings);
    ck_assert_ptr_nonnull(settings);
    const struct settings_log *log = &settings->log;
    ck_assert_int_eq(log->how.level, LOG_LEVEL_DEBUG);
    ck_assert_int_eq(log->how.form, LOG_FORM_JSON);
    ck_assert_str_eq(log->how.target, LOG_JOURNAL);
    ck_assert_uint_eq(log->rule_count, 2);
    ck_assert_mem_eq(log->rules[0].zone, "\7example\3com", 13);
    ck_assert_uint_eq(log->rules[0].client.bits, 24);
    ck_assert_uint_eq(log->rules[0].rcode, 2);
    ck_assert_uint_eq(log->rules[0].sample, 100);
    ck_assert_uint_eq(log->rules[1].rcode, SETTINGS_ANY_RCODE);
    ck_assert_uint_eq(log->rules[1].zone[0], 0);
    ck_assert_uint_eq(log->rules[1].sample, 7);
    ck_assert_uint_eq(log->dnstap.sample, 0);
    settings_free(settings);
    settings = parse(LISTEN ZONES, &findings);
    ck_assert_int_eq(settings->log.how.level, LOG_LEVEL_INFO);
    ck_assert_str_eq(settings->log.how.target, "");
    ck_assert_uint_eq(settings->log.rule_count, 0);
    settings_free(settings);
    findings_free(&findings);
}
END_TEST

static const struct {
    const char *text;
    unsigned line;
    const char *said;
} wrong_logs[] = {
    {"  level: verbose\n", 6, "log.level is 'verbose': write error, warning, info or debug"},
    {"  format: xml\n", 6, "log.format is 'xml': write text, logfmt or json"},
    {"  target: syslog\n", 6, "log.target is 'syslog': write stderr, journal, or the absolute path"},
    {"  queries:\n    - {zone: a..b}\n", 7, "log.queries[0].zone is 'a..b', not a name"},
    {"  queries:\n    - {client: 192.0.2.1/24}\n", 7, "log.queries[0].client"},
    {"  queries:\n    - {rcode: BROKEN}\n", 7, "log.queries[0].rcode is 'BROKEN': write NOERROR"},
    {"  queries:\n    - {sample: 0}\n", 7, "log.queries[0].sample"},
    {"  dnstap: {sample: 2}\n", 6, "log.dnstap needs a socket, a file, or both"},
    {"  dnstap: {file: a, sample: no}\n", 6, "log.dnstap.sample"},
};

START_TEST(log_is_refused)
{
    char text[400];
    struct findings findings = {0};
    bool found = false;
    (void)snprintf(text, sizeof text, "%s%s", LOGGED, wrong_logs[_i].text);
    ck_assert_ptr_null(parse(text, &findings));
    for (size_t i = 0; i < findings.count; i++)
        found = found || (findings.list[i].line == wrong_logs[_i].line &&
                          strstr(findings.list[i].text, wrong_logs[_i].said) != NULL);
    if (!found)
        show(&findings);
    ck_assert(found);
    findings_free(&findings);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tc = tcase_create("configurations");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, whole_server);
    tcase_add_test(tc, whole_announce);
    tcase_add_test(tc, defaults);
    tcase_add_test(tc, bfd_defaults);
    tcase_add_test(tc, prefixes_of_zones);
    tcase_add_loop_test(tc, one_mistake, 0, (int)MISTAKES);
    tcase_add_test(tc, several_mistakes);
    tcase_add_test(tc, hostile);
    tcase_add_test(tc, too_large);
    tcase_add_test(tc, from_files);
    tcase_add_loop_test(tc, keys_and_peers, 0, (int)(sizeof keyrings / sizeof keyrings[0]));
    tcase_add_loop_test(tc, fleets_of_pops, 0, sizeof fleets / sizeof fleets[0]);
    tcase_add_test(tc, control_alone);
    tcase_add_test(tc, log_is_understood);
    tcase_add_loop_test(tc, log_is_refused, 0, sizeof wrong_logs / sizeof wrong_logs[0]);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
