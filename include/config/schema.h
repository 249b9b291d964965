/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The shape of the configuration file: which keys there are, and which hold a text, a list or a section. The
 * schema is the only place that lists them; it is read twice, by config/outline for positions and wrong keys,
 * and by libcyaml to load the texts. What the texts mean is config/judge's business, so all values are texts
 * here.
 */
#ifndef HITHER_CONFIG_SCHEMA_H
#define HITHER_CONFIG_SCHEMA_H

#include <cyaml/cyaml.h>
#include <stdint.h>

/* The texts as written. NULL: the key is absent or has no value. */
struct raw_server {
    char *identity;
    char **listen;
    uint32_t listen_count;
    char *workers;
    char *user;
    char *state_dir;
    char *control;
    char *http;
    char *cookie_secret_file;
    char *require_cookies;
};

struct raw_limits {
    char *udp_octets;
    char *ipv4_prefix;
    char *ipv6_prefix;
    char *slip;
    char *tcp_connections;
    char *tcp_accepts;
    char *refused;
    char **exempt;
    uint32_t exempt_count;
    char **allow_query;
    uint32_t allow_query_count;
};

struct raw_zone {
    char *name;
    char *file;
    char *directory;
    char *prefix;
    char **allow_transfer;
    uint32_t allow_transfer_count;
    char **allow_query;
    uint32_t allow_query_count;
    char **notify;
    uint32_t notify_count;
};

struct raw_key {
    char *name;
    char *algorithm;
    char *secret_file;
};

/* What goes with a route: in `announce` for all neighbours, in a neighbour for itself. */
struct raw_policy {
    char *med;
    char *local_pref;
    char *prepend;
    char **communities;
    uint32_t communities_count;
    char **large_communities;
    uint32_t large_communities_count;
};

struct raw_neighbor {
    char *address;
    char *port;
    char *remote_as;
    char *hold_time;
    char *local_address;
    char *md5_password_file;
    char *ttl_security;
    char *role;
    char *bfd;
    char *bfd_interval;
    char *bfd_multiplier;
    struct raw_policy policy;
};

/* The keys of the backends that steer another program. */
struct raw_backend {
    char *tun_device;
    char *bird_socket;
    char **bird_protocols;
    uint32_t bird_protocols_count;
    char **bird_lesser_protocols;
    uint32_t bird_lesser_protocols_count;
    char **vtysh;
    uint32_t vtysh_count;
    char *frr_route_map;
    char *frr_lesser_route_map;
    char *exabgp_pipe_in;
    char *exabgp_pipe_out;
    char **command;
    uint32_t command_count;
    char **verify_command;
    uint32_t verify_command_count;
    char *command_timeout;
    char *verify_interval;
};

struct raw_announce {
    char *backend;
    struct raw_backend other;
    char **prefixes;
    uint32_t prefixes_count;
    char *local_as;
    char *router_id;
    struct raw_neighbor *neighbors;
    uint32_t neighbors_count;
    struct raw_policy policy;
    char *drain_wait;
    char *drain_linger;
};

struct raw_exec {
    char *name;
    char **command;
    uint32_t command_count;
    char *interval;
    char *timeout;
    char *class;
};

/* The class of each check that has a choice. */
struct raw_checks {
    char *zone_stale;
    char *zone_age;
    char *zone_signatures;
};

struct raw_health {
    struct raw_checks *checks;
    struct raw_exec *execs;
    uint32_t execs_count;
    char *zone_max_age;
    char *signature_end;
    char *interval;
    char *timeout;
    char *restart_grace;
    char *fall;
    char *rise;
    char *window;
    char *window_fall;
    char *suspect_for;
    char *trial;
    char *hold_down;
    char *hold_down_max;
};

struct raw_fleet {
    char *key_file;
    char *listen;
    char **peers;
    uint32_t peers_count;
    char *multicast;
    char *interval;
    char *min_announcers;
};

struct raw_query_rule {
    char *zone;
    char *client;
    char *rcode;
    char *sample;
};

struct raw_dnstap {
    char *socket;
    char *file;
    char *sample;
};

struct raw_log {
    char *level;
    char *format;
    char *target;
    struct raw_query_rule *queries;
    uint32_t queries_count;
    struct raw_dnstap *dnstap;
};

/* Of `forward` and of `stub`. */
struct raw_route {
    char *name;
    char **to;
    uint32_t to_count;
    char *validate;
};

struct raw_resolve {
    char *enabled;
    char **allow;
    uint32_t allow_count;
    char *root_hints;
    char *trust_anchor;
    char *root_zone;
    struct raw_route *forward;
    uint32_t forward_count;
    struct raw_route *stub;
    uint32_t stub_count;
    char **local;
    uint32_t local_count;
    char **anchors;
    uint32_t anchors_count;
    char *dns64;
    char *private_addresses;
    char *mix_case;
    char *cache_size;
    char *serve_stale;
    char *client_misses;
};

struct raw_config {
    struct raw_server *server;
    struct raw_key *keys;
    uint32_t keys_count;
    struct raw_zone *zones;
    uint32_t zones_count;
    struct raw_limits *limits;
    struct raw_announce *announce;
    struct raw_health *health;
    struct raw_fleet *fleet;
    struct raw_log *log;
    struct raw_resolve *resolve;
};

/* The whole file: a mapping, as a pointer to struct raw_config. */
extern const cyaml_schema_value_t config_schema;

#endif
