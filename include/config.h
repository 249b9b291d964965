/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration: YAML text -> read-only settings. Nothing in it names a PoP: the same file runs
 * everywhere, and identity comes from the host (%h). Read by both halves, at start and at SIGHUP; whatever is
 * wrong becomes a finding with file, line and remedy, and then the settings in force stay.
 */
#ifndef HITHER_CONFIG_H
#define HITHER_CONFIG_H

#include "answer/cookie.h"
#include "base/finding.h"
#include "base/log.h"
#include "health/heartbeat.h"
#include "resolve/settings.h"
#include "wire/name.h"
#include "wire/tsig.h"
#include "zone/access.h"
#include "zone/peers.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define SETTINGS_MAX_ADDRESSES   64
#define SETTINGS_MAX_WORKERS     64
#define SETTINGS_MAX_PREFIXES    64
#define SETTINGS_MAX_NEIGHBORS   32
#define SETTINGS_DEFAULT_CONTROL "/run/hither/control.sock"
#define SETTINGS_MAX_PEERS       256 /* of one entry of `zones`, each way */
#define SETTINGS_ADDRESS_TEXT    64  /* room for an address as text */

union settings_address {
    struct sockaddr sa;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
};

struct settings_prefix {
    uint8_t family;     /* AF_INET or AF_INET6 */
    uint8_t bits;       /* prefix length */
    uint8_t octets[16]; /* network order; host bits are zero */
    char *text;         /* "203.0.113.0/24" */
};

struct settings_zone {
    char *name;                  /* "example.com", no closing dot needed; NULL for a directory */
    char *file;                  /* absolute path; NULL for a directory */
    char *directory;             /* absolute path; NULL for a file */
    uint32_t line;               /* in the configuration, for messages */
    uint64_t prefixes;           /* its own: a set of the bits 1 << index into announce.prefixes */
    struct zone_peers *peers;    /* to whom the zone is handed on; a reference; NULL: to nobody */
    struct zone_access *queries; /* who may ask it; a reference; NULL: everybody */
};

#define SETTINGS_MAX_COMMUNITIES 16

struct settings_large_community {
    uint32_t global, local_1, local_2;
};

/* What goes with a route. A neighbour's is the announcer's own, with what the neighbour's own keys say. */
struct settings_policy {
    bool med_set;
    uint32_t med;
    uint32_t local_pref; /* to neighbours of the same AS; 0: 100 */
    uint8_t prepend;     /* times that the own AS is repeated beyond the first */
    uint8_t community_count;
    uint8_t large_community_count;
    uint32_t communities[SETTINGS_MAX_COMMUNITIES]; /* "64512:100" is 64512 << 16 | 100 */
    struct settings_large_community large_communities[SETTINGS_MAX_COMMUNITIES];
};

/* Ours towards a neighbour (RFC 9234). */
enum settings_role {
    ROLE_UNSAID,
    ROLE_PROVIDER,
    ROLE_RS,
    ROLE_RS_CLIENT,
    ROLE_CUSTOMER,
    ROLE_PEER,
};

/* BFD with a neighbour (RFC 5880): the same interval is wanted in both directions. */
struct settings_bfd {
    uint32_t interval_ms; /* 0: none */
    uint8_t multiplier;   /* lost packets in a row until the other side is dead */
};

struct settings_neighbor {
    union settings_address address; /* port filled in; unused when `gateway` */
    bool gateway;                   /* the default route's next hop */
    uint16_t port;
    uint32_t remote_as;
    uint16_t hold_time_s;
    char *text; /* "192.0.2.1" or "gateway" */
    uint32_t line;
    union settings_address local_address; /* local-address; family 0: as the kernel chooses */
    char *md5_password;                   /* content of md5-password-file without its line end; NULL: none */
    bool ttl_security;                    /* RFC 5082, for neighbours on the same link */
    enum settings_role role;
    struct settings_bfd bfd;
    struct settings_policy policy;
};

enum announce_backend {
    ANNOUNCE_NONE,
    ANNOUNCE_BGP,
    ANNOUNCE_BIRD,
    ANNOUNCE_FRR,
    ANNOUNCE_EXABGP,
    ANNOUNCE_EXEC,
    ANNOUNCE_TUN,
};

#define SETTINGS_MAX_WORDS      32 /* of a command */
#define SETTINGS_COMMAND_OCTETS 1024
#define SETTINGS_BACKEND_PATH   108 /* what the address of a local socket holds */
#define SETTINGS_WORD           64
#define SETTINGS_DEVICE         16

/* A program and its arguments: words one after the other, each with its closing zero. */
struct settings_command {
    uint32_t count; /* 0: none */
    uint32_t octets;
    char words[SETTINGS_COMMAND_OCTETS];
};

/* Of the backends that steer another program. Flat, and zero where nothing is: copied and compared as it is.
 */
struct settings_backend {
    enum announce_backend kind;
    uint32_t command_timeout_ms;
    uint32_t verify_interval_ms;
    uint32_t local_as;
    char tun_device[SETTINGS_DEVICE]; /* "": none */
    char bird_socket[SETTINGS_BACKEND_PATH];
    struct settings_command vtysh;
    char frr_route_map[SETTINGS_WORD];
    char frr_lesser_route_map[SETTINGS_WORD];
    char exabgp_pipe_in[SETTINGS_BACKEND_PATH];
    char exabgp_pipe_out[SETTINGS_BACKEND_PATH];
    struct settings_command command;
    struct settings_command verify_command;
};

/* Of one prefix: BIRD's protocols that carry it. */
struct settings_bird_protocols {
    char usual[SETTINGS_WORD];
    char lesser[SETTINGS_WORD]; /* in its stead while degraded or draining; "": none */
};

struct settings_server {
    char *identity; /* %h already replaced */
    union settings_address listen[SETTINGS_MAX_ADDRESSES];
    size_t listen_count;
    unsigned workers; /* never 0 here: the cores were counted */
    char *user;       /* NULL: stay who we are */
    char *state_dir;  /* absolute */
    char *control;    /* absolute path of the control socket */
    union settings_address http;
    bool http_enabled;
    struct cookie_secrets cookies; /* the fleet's, from cookie-secret-file; count 0: this PoP makes its own */
    bool require_cookies;
};

/* What clients get. */
struct settings_limits {
    uint32_t udp_octets; /* of answers a second to a prefix of unproven clients; 0: no limit */
    uint8_t ipv4_prefix;
    uint8_t ipv6_prefix;
    unsigned slip;               /* of what is too much one in so many is answered, cut short; 0: none */
    uint32_t tcp_connections;    /* of a prefix at a time; 0: no limit */
    uint32_t tcp_accepts;        /* of a prefix a second; 0: no limit */
    bool drop_refused;           /* REFUSED isn't sent over UDP */
    struct zone_access *exempt;  /* from limits; NULL: nobody but this host */
    struct zone_access *queries; /* who may ask zones that don't say; NULL: everybody */
};

struct settings_announce {
    enum announce_backend backend;
    struct settings_prefix prefixes[SETTINGS_MAX_PREFIXES];
    size_t prefix_count;
    uint32_t local_as;
    uint32_t
        router_id; /* network order; 0: the session's local IPv4 address, else a digest of the identity */
    struct settings_neighbor neighbors[SETTINGS_MAX_NEIGHBORS];
    size_t neighbor_count;
    struct settings_policy policy; /* what neighbours without keys of their own get */
    uint32_t drain_wait_ms;        /* between GRACEFUL_SHUTDOWN and the withdrawal */
    uint32_t drain_linger_ms;      /* the longest to go on answering after the withdrawal */
    struct settings_backend other; /* for other backends than our own BGP */
    struct settings_bird_protocols bird[SETTINGS_MAX_PREFIXES]; /* by the index of the prefix */
};

/* What a check may do: see health/verdict.h. */
enum check_class {
    CHECK_LOCAL,
    CHECK_SHARED,
    CHECK_ADVISORY,
};

#define SETTINGS_MAX_EXECS      16
#define SETTINGS_MAX_EXEC_WORDS 64

/* A check of the operator's own. */
struct settings_exec {
    char *name;
    char **command; /* the program and its arguments, ending with NULL */
    uint32_t interval_ms;
    uint32_t timeout_ms;
    enum check_class class;
};

/* "bgp", "bird" ...: as the configuration writes it. */
const char *settings_backend_name(enum announce_backend backend);

struct settings_health {
    uint32_t interval_ms;
    uint32_t timeout_ms;
    uint32_t restart_grace_ms; /* a server that died and is back within this time keeps its route */
    unsigned fall;
    unsigned rise;
    unsigned window;      /* the last so many rounds */
    unsigned window_fall; /* so many bad of them: down; 0: only those in a row count */
    uint32_t trial_ms;    /* trial: what fails so soon after a reload is taken back; 0: never */
    uint32_t suspect_ms;  /* suspect-for: how long a failure that clients don't see is only suspected */
    enum check_class zone_stale; /* SHARED or ADVISORY, like the next */
    enum check_class zone_age;
    enum check_class zone_signatures;
    uint32_t zone_max_age_ms;  /* since a zone was loaded; 0: never too old */
    uint32_t signature_end_ms; /* signature-end: a signature that ends so soon is trouble; 0: never */
    struct settings_exec execs[SETTINGS_MAX_EXECS];
    size_t exec_count;
    uint32_t hold_down_ms;     /* hold-down: the first pause of a flapping prefix; 0: 5000 */
    uint32_t hold_down_max_ms; /* hold-down-max: the longest; 0: 600000 */
};

#define SETTINGS_MAX_FLEET 512

/* The PoPs that tell each other how they are; `enabled` is false where there is no such section. */
struct settings_fleet {
    bool enabled;
    bool multicast; /* `group` rather than `peers` */
    struct heartbeat_keys keys;
    union settings_address listen;
    union settings_address group;
    union settings_address peers[SETTINGS_MAX_FLEET]; /* all PoPs, and so us too */
    size_t peer_count;
    uint32_t interval_ms;
    unsigned min_announcers;
};

#define SETTINGS_MAX_QUERY_RULES 16
#define SETTINGS_ANY_RCODE       255

/* Which queries are logged: those of which all of this is true, one in `sample`. */
struct settings_query_rule {
    struct settings_prefix client; /* family 0: any; its text isn't used */
    uint8_t zone[NAME_MAX_OCTETS]; /* folded: names at or below it; the root: any */
    uint8_t rcode;                 /* of the header, or SETTINGS_ANY_RCODE */
    uint32_t sample;
};

/* Absolute paths; both NULL: no dnstap. */
struct settings_dnstap {
    char *socket; /* that a collector listens on */
    char *file;
    uint32_t sample; /* one message in so many */
};

struct settings_log {
    struct log_settings how;
    struct settings_query_rule rules[SETTINGS_MAX_QUERY_RULES];
    size_t rule_count;
    struct settings_dnstap dnstap;
};

struct settings {
    char *path; /* absolute path of the file */
    struct settings_server server;
    struct tsig_keys keys;
    struct settings_zone *zones;
    size_t zone_count;
    struct settings_limits limits;
    struct settings_announce announce;
    struct settings_health health;
    struct settings_fleet fleet;
    struct settings_log log;
    struct settings_resolve resolve;
};

/* Reads and judges the file at `path`. NULL when anything in it is an error, and `findings` says what;
 * warnings may be there too when it isn't NULL. Caller owns the result: settings_free(). Touches only that
 * file, the files with passwords and secrets that it names, and the host's name. */
struct settings *settings_read(const char *path, struct findings *findings);

/* The same for text in memory, of `octets`, that would stand in `path`. For tests and the fuzzer. */
struct settings *settings_parse(const char *text, size_t octets, const char *path, struct findings *findings);

struct vault; /* config/vault.h */

/* The same with secrets by way of `vault`: read from their files and the server's kept in it, or, when it is
 * closed, the server's taken from it and the announcer's left out. */
struct settings *settings_parse_secrets(const char *text, size_t octets, const char *path,
                                        struct vault *vault, struct findings *findings);

/* Wipes the secrets that are the server's. */
void settings_forget_server(struct settings *settings);

/* Only the control socket's path of the file at `path`, for whoever wants to ask the daemon: other values in
 * it may be wrong. Caller frees; NULL when the file can't be understood, and `findings` says why. */
char *settings_control(const char *path, struct findings *findings);

void settings_free(struct settings *settings);

/* "ADDR@PORT", as the configuration writes it. Returns `text`. */
char *settings_address_to_text(const union settings_address *address, char text[SETTINGS_ADDRESS_TEXT]);

/* Octets of the socket address, for bind(2) and connect(2). */
socklen_t settings_address_octets(const union settings_address *address);

#endif
