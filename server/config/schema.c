/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/schema.h"

#include "config.h"

#define FLAGS (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER_NULL_STR)

#define FIELD_TEXT(key, structure, member)                                                                   \
    CYAML_FIELD_STRING_PTR(key, FLAGS, structure, member, 0, CYAML_UNLIMITED)

#define FIELD_LIST(key, structure, member, entry, most)                                                      \
    CYAML_FIELD_SEQUENCE(key, FLAGS, structure, member, entry, 0, most)

#define FIELD_SECTION(key, structure, member, fields)                                                        \
    CYAML_FIELD_MAPPING_PTR(key, FLAGS, structure, member, fields)

/* `structure` has a member `policy`. */
#define FIELDS_OF_POLICY(structure)                                                                          \
    FIELD_TEXT("med", structure, policy.med), FIELD_TEXT("local-pref", structure, policy.local_pref),        \
        FIELD_TEXT("prepend", structure, policy.prepend),                                                    \
        FIELD_LIST("communities", structure, policy.communities, &text_schema, SETTINGS_MAX_COMMUNITIES),    \
        FIELD_LIST("large-communities", structure, policy.large_communities, &text_schema,                   \
                   SETTINGS_MAX_COMMUNITIES)

#define FIELD_OTHER_TEXT(key, member) FIELD_TEXT(key, struct raw_announce, other.member)
#define FIELD_OTHER_LIST(key, member, most)                                                                  \
    FIELD_LIST(key, struct raw_announce, other.member, &text_schema, most)

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED),
};

static const cyaml_schema_field_t server_fields[] = {
    FIELD_TEXT("identity", struct raw_server, identity),
    FIELD_LIST("listen", struct raw_server, listen, &text_schema, SETTINGS_MAX_ADDRESSES),
    FIELD_TEXT("workers", struct raw_server, workers),
    FIELD_TEXT("user", struct raw_server, user),
    FIELD_TEXT("state-dir", struct raw_server, state_dir),
    FIELD_TEXT("control", struct raw_server, control),
    FIELD_TEXT("http", struct raw_server, http),
    FIELD_TEXT("cookie-secret-file", struct raw_server, cookie_secret_file),
    FIELD_TEXT("require-cookies", struct raw_server, require_cookies),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t limits_fields[] = {
    FIELD_TEXT("udp-octets", struct raw_limits, udp_octets),
    FIELD_TEXT("ipv4-prefix", struct raw_limits, ipv4_prefix),
    FIELD_TEXT("ipv6-prefix", struct raw_limits, ipv6_prefix),
    FIELD_TEXT("slip", struct raw_limits, slip),
    FIELD_TEXT("tcp-connections", struct raw_limits, tcp_connections),
    FIELD_TEXT("tcp-accepts", struct raw_limits, tcp_accepts),
    FIELD_TEXT("refused", struct raw_limits, refused),
    FIELD_LIST("exempt", struct raw_limits, exempt, &text_schema, SETTINGS_MAX_PEERS),
    FIELD_LIST("allow-query", struct raw_limits, allow_query, &text_schema, SETTINGS_MAX_PEERS),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t zone_fields[] = {
    FIELD_TEXT("name", struct raw_zone, name),
    FIELD_TEXT("file", struct raw_zone, file),
    FIELD_TEXT("directory", struct raw_zone, directory),
    FIELD_TEXT("prefix", struct raw_zone, prefix),
    FIELD_LIST("allow-transfer", struct raw_zone, allow_transfer, &text_schema, SETTINGS_MAX_PEERS),
    FIELD_LIST("allow-query", struct raw_zone, allow_query, &text_schema, SETTINGS_MAX_PEERS),
    FIELD_LIST("notify", struct raw_zone, notify, &text_schema, SETTINGS_MAX_PEERS),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t key_fields[] = {
    FIELD_TEXT("name", struct raw_key, name),
    FIELD_TEXT("algorithm", struct raw_key, algorithm),
    FIELD_TEXT("secret-file", struct raw_key, secret_file),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t key_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_key, key_fields),
};

static const cyaml_schema_value_t zone_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_zone, zone_fields),
};

static const cyaml_schema_field_t neighbor_fields[] = {
    FIELD_TEXT("address", struct raw_neighbor, address),
    FIELD_TEXT("port", struct raw_neighbor, port),
    FIELD_TEXT("remote-as", struct raw_neighbor, remote_as),
    FIELD_TEXT("hold-time", struct raw_neighbor, hold_time),
    FIELD_TEXT("local-address", struct raw_neighbor, local_address),
    FIELD_TEXT("md5-password-file", struct raw_neighbor, md5_password_file),
    FIELD_TEXT("ttl-security", struct raw_neighbor, ttl_security),
    FIELD_TEXT("role", struct raw_neighbor, role),
    FIELD_TEXT("bfd", struct raw_neighbor, bfd),
    FIELD_TEXT("bfd-interval", struct raw_neighbor, bfd_interval),
    FIELD_TEXT("bfd-multiplier", struct raw_neighbor, bfd_multiplier),
    FIELDS_OF_POLICY(struct raw_neighbor),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t neighbor_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_neighbor, neighbor_fields),
};

static const cyaml_schema_field_t announce_fields[] = {
    FIELD_TEXT("backend", struct raw_announce, backend),
    FIELD_LIST("prefixes", struct raw_announce, prefixes, &text_schema, SETTINGS_MAX_PREFIXES),
    FIELD_TEXT("local-as", struct raw_announce, local_as),
    FIELD_TEXT("router-id", struct raw_announce, router_id),
    FIELD_LIST("neighbors", struct raw_announce, neighbors, &neighbor_schema, SETTINGS_MAX_NEIGHBORS),
    FIELDS_OF_POLICY(struct raw_announce),
    FIELD_OTHER_TEXT("tun-device", tun_device),
    FIELD_OTHER_TEXT("bird-socket", bird_socket),
    FIELD_OTHER_LIST("bird-protocols", bird_protocols, SETTINGS_MAX_PREFIXES),
    FIELD_OTHER_LIST("bird-lesser-protocols", bird_lesser_protocols, SETTINGS_MAX_PREFIXES),
    FIELD_OTHER_LIST("vtysh", vtysh, SETTINGS_MAX_WORDS),
    FIELD_OTHER_TEXT("frr-route-map", frr_route_map),
    FIELD_OTHER_TEXT("frr-lesser-route-map", frr_lesser_route_map),
    FIELD_OTHER_TEXT("exabgp-pipe-in", exabgp_pipe_in),
    FIELD_OTHER_TEXT("exabgp-pipe-out", exabgp_pipe_out),
    FIELD_OTHER_LIST("command", command, SETTINGS_MAX_WORDS),
    FIELD_OTHER_LIST("verify-command", verify_command, SETTINGS_MAX_WORDS),
    FIELD_OTHER_TEXT("command-timeout", command_timeout),
    FIELD_OTHER_TEXT("verify-interval", verify_interval),
    FIELD_TEXT("drain-wait", struct raw_announce, drain_wait),
    FIELD_TEXT("drain-linger", struct raw_announce, drain_linger),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t exec_fields[] = {
    FIELD_TEXT("name", struct raw_exec, name),
    FIELD_LIST("command", struct raw_exec, command, &text_schema, SETTINGS_MAX_EXEC_WORDS),
    FIELD_TEXT("interval", struct raw_exec, interval),
    FIELD_TEXT("timeout", struct raw_exec, timeout),
    FIELD_TEXT("class", struct raw_exec, class),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t exec_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_exec, exec_fields),
};

static const cyaml_schema_field_t checks_fields[] = {
    FIELD_TEXT("zone-stale", struct raw_checks, zone_stale),
    FIELD_TEXT("zone-age", struct raw_checks, zone_age),
    FIELD_TEXT("zone-signatures", struct raw_checks, zone_signatures),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t health_fields[] = {
    FIELD_TEXT("interval", struct raw_health, interval),
    FIELD_TEXT("timeout", struct raw_health, timeout),
    FIELD_TEXT("fall", struct raw_health, fall),
    FIELD_TEXT("rise", struct raw_health, rise),
    FIELD_TEXT("restart-grace", struct raw_health, restart_grace),
    FIELD_TEXT("window", struct raw_health, window),
    FIELD_TEXT("window-fall", struct raw_health, window_fall),
    FIELD_TEXT("suspect-for", struct raw_health, suspect_for),
    FIELD_TEXT("trial", struct raw_health, trial),
    FIELD_TEXT("hold-down", struct raw_health, hold_down),
    FIELD_TEXT("hold-down-max", struct raw_health, hold_down_max),
    FIELD_SECTION("checks", struct raw_health, checks, checks_fields),
    FIELD_LIST("exec", struct raw_health, execs, &exec_schema, SETTINGS_MAX_EXECS),
    FIELD_TEXT("zone-max-age", struct raw_health, zone_max_age),
    FIELD_TEXT("signature-end", struct raw_health, signature_end),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t fleet_fields[] = {
    FIELD_TEXT("key-file", struct raw_fleet, key_file),
    FIELD_TEXT("listen", struct raw_fleet, listen),
    FIELD_LIST("peers", struct raw_fleet, peers, &text_schema, SETTINGS_MAX_FLEET),
    FIELD_TEXT("multicast", struct raw_fleet, multicast),
    FIELD_TEXT("interval", struct raw_fleet, interval),
    FIELD_TEXT("min-announcers", struct raw_fleet, min_announcers),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t query_rule_fields[] = {
    FIELD_TEXT("zone", struct raw_query_rule, zone),
    FIELD_TEXT("client", struct raw_query_rule, client),
    FIELD_TEXT("rcode", struct raw_query_rule, rcode),
    FIELD_TEXT("sample", struct raw_query_rule, sample),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t query_rule_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_query_rule, query_rule_fields),
};

static const cyaml_schema_field_t dnstap_fields[] = {
    FIELD_TEXT("socket", struct raw_dnstap, socket),
    FIELD_TEXT("file", struct raw_dnstap, file),
    FIELD_TEXT("sample", struct raw_dnstap, sample),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t log_fields[] = {
    FIELD_TEXT("level", struct raw_log, level),
    FIELD_TEXT("format", struct raw_log, format),
    FIELD_TEXT("target", struct raw_log, target),
    FIELD_LIST("queries", struct raw_log, queries, &query_rule_schema, SETTINGS_MAX_QUERY_RULES),
    FIELD_SECTION("dnstap", struct raw_log, dnstap, dnstap_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t route_fields[] = {
    FIELD_TEXT("name", struct raw_route, name),
    FIELD_LIST("to", struct raw_route, to, &text_schema, RESOLVE_SERVERS_MOST),
    FIELD_TEXT("validate", struct raw_route, validate),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t route_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_route, route_fields),
};

static const cyaml_schema_field_t resolve_fields[] = {
    FIELD_TEXT("enabled", struct raw_resolve, enabled),
    FIELD_LIST("allow", struct raw_resolve, allow, &text_schema, RESOLVE_PREFIXES_MOST),
    FIELD_TEXT("root-hints", struct raw_resolve, root_hints),
    FIELD_TEXT("trust-anchor", struct raw_resolve, trust_anchor),
    FIELD_TEXT("root-zone", struct raw_resolve, root_zone),
    FIELD_LIST("forward", struct raw_resolve, forward, &route_schema, RESOLVE_ROUTES_MOST),
    FIELD_LIST("stub", struct raw_resolve, stub, &route_schema, RESOLVE_ROUTES_MOST),
    FIELD_LIST("local", struct raw_resolve, local, &text_schema, RESOLVE_LOCAL_MOST),
    FIELD_LIST("negative-trust-anchors", struct raw_resolve, anchors, &text_schema, RESOLVE_ANCHORS_MOST),
    FIELD_TEXT("dns64", struct raw_resolve, dns64),
    FIELD_TEXT("refuse-private-addresses", struct raw_resolve, private_addresses),
    FIELD_TEXT("mix-case", struct raw_resolve, mix_case),
    FIELD_TEXT("cache-size", struct raw_resolve, cache_size),
    FIELD_TEXT("serve-stale", struct raw_resolve, serve_stale),
    FIELD_TEXT("client-misses", struct raw_resolve, client_misses),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t config_fields[] = {
    FIELD_SECTION("server", struct raw_config, server, server_fields),
    FIELD_LIST("keys", struct raw_config, keys, &key_schema, TSIG_KEYS_MOST),
    FIELD_LIST("zones", struct raw_config, zones, &zone_schema, CYAML_UNLIMITED),
    FIELD_SECTION("limits", struct raw_config, limits, limits_fields),
    FIELD_SECTION("announce", struct raw_config, announce, announce_fields),
    FIELD_SECTION("health", struct raw_config, health, health_fields),
    FIELD_SECTION("fleet", struct raw_config, fleet, fleet_fields),
    FIELD_SECTION("log", struct raw_config, log, log_fields),
    FIELD_SECTION("resolve", struct raw_config, resolve, resolve_fields),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t config_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, config_fields),
};
