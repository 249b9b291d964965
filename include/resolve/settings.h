/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the configuration says of the resolver, judged: `resolve:` of the file (config/judge_resolve).
 */
#ifndef HITHER_RESOLVE_SETTINGS_H
#define HITHER_RESOLVE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESOLVE_PREFIXES_MOST 128 /* of `allow` */
#define RESOLVE_ROUTES_MOST   256 /* forward zones and stub zones together */
#define RESOLVE_SERVERS_MOST  16  /* of one of them */
#define RESOLVE_LOCAL_MOST    256 /* entries of `local` */
#define RESOLVE_ANCHORS_MOST  64  /* negative trust anchors */

/* Flat, so that it can be compared and copied as it is; host bits are zero. */
struct resolve_prefix {
    uint8_t family; /* AF_INET, AF_INET6 */
    uint8_t bits;
    uint8_t octets[16];
};

/* Who may ask for names that aren't ours. */
struct resolve_allow {
    uint32_t count;
    struct resolve_prefix list[RESOLVE_PREFIXES_MOST];
};

/* Names that other servers are asked for: with recursion (forward) or without (stub). */
struct resolve_route {
    char *name; /* presentation form */
    bool forward;
    bool validate;
    char *servers[RESOLVE_SERVERS_MOST]; /* "ADDR@PORT" */
    size_t server_count;
};

/* One entry of `local`: a record of our own, or a name that is answered so and so. */
struct resolve_local {
    char *name;   /* presentation form */
    char *record; /* the whole record in presentation form; NULL: `answer` says it */
    char *answer; /* nxdomain, nodata, refuse, transparent */
};

/* A name below which signatures aren't looked at until `until_s` (RFC 7646). */
struct resolve_exempt {
    char *name;
    int64_t until_s; /* Unix time */
};

struct settings_resolve {
    bool enabled;
    struct resolve_allow allow;
    char *root_hints;   /* absolute path; NULL: those that libunbound is built with */
    char *trust_anchor; /* absolute path; NULL: no validation */
    char *root_zone;    /* absolute path of a copy of the root zone; NULL: none */
    struct resolve_route *routes;
    size_t route_count;
    struct resolve_local *locals;
    size_t local_count;
    struct resolve_exempt *exempts;
    size_t exempt_count;
    char *dns64;            /* the prefix "64:ff9b::/96"; NULL: none */
    bool private_addresses; /* public names may not lead to private addresses */
    bool mix_case;          /* 0x20 upstream */
    uint64_t cache_octets;  /* of answers and of what libunbound keeps, together */
    uint32_t serve_stale_s; /* how long past its end an answer may still be given; 0: never */
    uint32_t client_misses; /* questions of one client that may wait at a time */
};

void settings_resolve_free(struct settings_resolve *resolve);

/* Whether both lead to the same answers, so that nothing that is known has to be forgotten. `allow` and the
 * limits of clients aren't looked at. */
bool settings_resolve_same(const struct settings_resolve *a, const struct settings_resolve *b);

/* Whether an address (of `family`, in network order) is in one of the prefixes. */
bool resolve_allows(const struct resolve_allow *allow, int family, const uint8_t *address);

#endif
