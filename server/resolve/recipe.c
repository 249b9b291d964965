/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/recipe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RECIPE_PORTS        4096 /* questions upstream at a time, each from a port of its own */
#define RECIPE_CACHE_SHARE  2    /* half of `cache-size` is libunbound's; the answers have the other half */
#define RECIPE_NAMES_SHARE  4    /* of that a quarter is for whole messages, the rest for RRsets and keys */
#define RECIPE_LEAST_OCTETS (1024 * 1024)

/* Addresses that no public name should lead to: those of private networks, of links, of the host (RFC 1918,
 * 4193, 4291, 6890). */
static const char *const private_prefixes[] = {
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8",   "100.64.0.0/10",
    "0.0.0.0/8",  "fd00::/8",      "fe80::/10",      "::1/128",        "::ffff:0:0/96",
};

char *recipe_anchor_file(const struct recipe_place *place)
{
    char *path = NULL;
    if (asprintf(&path, "%s/root-%u.key", place->state_dir, place->engine) < 0)
        return NULL;
    return path;
}

static void write_memory(FILE *out, const struct settings_resolve *resolve, unsigned engines)
{
    uint64_t each = resolve->cache_octets / RECIPE_CACHE_SHARE / engines;
    if (each < RECIPE_NAMES_SHARE * (uint64_t)RECIPE_LEAST_OCTETS)
        each = RECIPE_NAMES_SHARE * (uint64_t)RECIPE_LEAST_OCTETS;
    uint64_t messages = each / RECIPE_NAMES_SHARE;
    uint64_t keys = each / (2ULL * RECIPE_NAMES_SHARE);
    (void)fprintf(out, "  msg-cache-size: %" PRIu64 "\n  key-cache-size: %" PRIu64 "\n", messages, keys);
    (void)fprintf(out, "  neg-cache-size: %" PRIu64 "\n", keys / 2);
    (void)fprintf(out, "  rrset-cache-size: %" PRIu64 "\n", each - messages - keys - keys / 2);
}

/* How it searches: little is told to servers that needn't know, and little is believed. */
static void write_manners(FILE *out, const struct settings_resolve *resolve)
{
    (void)fprintf(
        out,
        "  outgoing-range: %d\n  num-queries-per-thread: %d\n  outgoing-num-tcp: 64\n"
        "  incoming-num-tcp: 0\n  so-rcvbuf: 0\n  edns-buffer-size: 1232\n"
        "  minimal-responses: yes\n  qname-minimisation: yes\n  aggressive-nsec: yes\n"
        "  harden-glue: yes\n  harden-dnssec-stripped: yes\n  harden-below-nxdomain: yes\n"
        "  harden-referral-path: no\n  unwanted-reply-threshold: 1000000\n"
        "  prefetch-key: yes\n  rrset-roundrobin: no\n  cache-max-ttl: 86400\n"
        "  cache-max-negative-ttl: 3600\n  do-not-query-localhost: no\n  infra-cache-numhosts: 100000\n"
        "  use-caps-for-id: %s\n",
        RECIPE_PORTS, RECIPE_PORTS, resolve->mix_case ? "yes" : "no");
    for (size_t i = 0; resolve->private_addresses && i < sizeof private_prefixes / sizeof *private_prefixes;
         i++)
        (void)fprintf(out, "  private-address: %s\n", private_prefixes[i]);
}

static void write_trust(FILE *out, const struct settings_resolve *resolve, const struct recipe_place *place)
{
    char *anchor = resolve->trust_anchor != NULL ? recipe_anchor_file(place) : NULL;
    const char *modules = anchor != NULL ? "validator iterator" : "iterator";
    (void)fprintf(out, "  module-config: \"%s%s\"\n", resolve->dns64 != NULL ? "dns64 " : "", modules);
    if (anchor != NULL)
        (void)fprintf(out, "  auto-trust-anchor-file: \"%s\"\n  val-clean-additional: yes\n", anchor);
    if (resolve->dns64 != NULL)
        (void)fprintf(out, "  dns64-prefix: %s\n", resolve->dns64);
    for (size_t i = 0; i < resolve->route_count; i++) {
        if (!resolve->routes[i].validate)
            (void)fprintf(out, "  domain-insecure: \"%s\"\n", resolve->routes[i].name);
    }
    for (size_t i = 0; i < resolve->exempt_count; i++) {
        if (resolve->exempts[i].until_s > place->now_s)
            (void)fprintf(out, "  domain-insecure: \"%s\"\n", resolve->exempts[i].name);
    }
    free(anchor);
}

static const char *zone_type(const char *answer)
{
    if (strcmp(answer, "nxdomain") == 0)
        return "always_nxdomain";
    if (strcmp(answer, "nodata") == 0)
        return "always_nodata";
    if (strcmp(answer, "refuse") == 0)
        return "always_refuse";
    return "transparent";
}

static bool routes_lead_to(const struct settings_resolve *resolve, const char *name)
{
    for (size_t i = 0; i < resolve->route_count; i++) {
        if (strcasecmp(resolve->routes[i].name, name) == 0)
            return true;
    }
    return false;
}

/* A private network's names are answered here, unless other servers are named for just them. */
static void write_local(FILE *out, const struct settings_resolve *resolve)
{
    for (size_t i = 0; i < resolve->route_count; i++) {
        (void)fprintf(out, "  local-zone: \"%s\" transparent\n", resolve->routes[i].name);
        /* What isn't signed may well have private addresses. */
        if (resolve->private_addresses)
            (void)fprintf(out, "  private-domain: \"%s\"\n", resolve->routes[i].name);
    }
    for (size_t i = 0; i < resolve->local_count; i++) {
        const struct resolve_local *local = &resolve->locals[i];
        if (local->record != NULL)
            (void)fprintf(out, "  local-data: '%s'\n", local->record);
        else if (!routes_lead_to(resolve, local->name))
            (void)fprintf(out, "  local-zone: \"%s\" %s\n", local->name, zone_type(local->answer));
    }
}

static void write_routes(FILE *out, const struct settings_resolve *resolve)
{
    for (size_t i = 0; i < resolve->route_count; i++) {
        const struct resolve_route *route = &resolve->routes[i];
        const char *kind = route->forward ? "forward" : "stub";
        (void)fprintf(out, "%s-zone:\n  name: \"%s\"\n", kind, route->name);
        for (size_t k = 0; k < route->server_count; k++)
            (void)fprintf(out, "  %s-addr: %s\n", kind, route->servers[k]);
    }
    if (resolve->root_zone != NULL)
        (void)fprintf(out,
                      "auth-zone:\n  name: \".\"\n  zonefile: \"%s\"\n  for-downstream: no\n"
                      "  for-upstream: yes\n  fallback-enabled: yes\n",
                      resolve->root_zone);
}

char *recipe_write(const struct settings_resolve *resolve, const struct recipe_place *place)
{
    char *text = NULL;
    size_t octets = 0;
    FILE *out = open_memstream(&text, &octets);
    if (out == NULL)
        return NULL;
    (void)fputs("server:\n  verbosity: 0\n  chroot: \"\"\n  username: \"\"\n  directory: \"\"\n", out);
    write_memory(out, resolve, place->engines);
    write_manners(out, resolve);
    if (resolve->root_hints != NULL)
        (void)fprintf(out, "  root-hints: \"%s\"\n", resolve->root_hints);
    write_trust(out, resolve, place);
    write_local(out, resolve);
    write_routes(out, resolve);
    bool whole = ferror(out) == 0;
    if (fclose(out) != 0 || !whole) {
        free(text);
        return NULL;
    }
    return text;
}
