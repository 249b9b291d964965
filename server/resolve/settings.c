/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/settings.h"

#include "resolve/recipe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void free_routes(struct settings_resolve *resolve)
{
    for (size_t i = 0; i < resolve->route_count; i++) {
        for (size_t k = 0; k < resolve->routes[i].server_count; k++)
            free(resolve->routes[i].servers[k]);
        free(resolve->routes[i].name);
    }
    free(resolve->routes);
}

void settings_resolve_free(struct settings_resolve *resolve)
{
    free_routes(resolve);
    for (size_t i = 0; i < resolve->local_count; i++) {
        free(resolve->locals[i].name);
        free(resolve->locals[i].record);
        free(resolve->locals[i].answer);
    }
    for (size_t i = 0; i < resolve->exempt_count; i++)
        free(resolve->exempts[i].name);
    free(resolve->locals);
    free(resolve->exempts);
    free(resolve->root_hints);
    free(resolve->trust_anchor);
    free(resolve->root_zone);
    free(resolve->dns64);
    *resolve = (struct settings_resolve){0};
}

/* What libunbound is told is all that answers depend on; so its text is what is compared. */
bool settings_resolve_same(const struct settings_resolve *a, const struct settings_resolve *b)
{
    const struct recipe_place place = {.state_dir = "", .engine = 0, .engines = 1};
    char *left = recipe_write(a, &place);
    char *right = recipe_write(b, &place);
    bool same = left != NULL && right != NULL && strcmp(left, right) == 0;
    free(left);
    free(right);
    return same;
}

static bool is_in(const struct resolve_prefix *prefix, const uint8_t *address)
{
    size_t whole = prefix->bits / 8;
    unsigned rest = prefix->bits % 8;
    if (memcmp(prefix->octets, address, whole) != 0)
        return false;
    return rest == 0 || ((prefix->octets[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

bool resolve_allows(const struct resolve_allow *allow, int family, const uint8_t *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    /* An IPv4 client on a socket for both families (RFC 4291 2.5.5.2). */
    if (family == AF_INET6 && memcmp(address, mapped, sizeof mapped) == 0) {
        family = AF_INET;
        address += sizeof mapped;
    }
    for (uint32_t i = 0; i < allow->count; i++) {
        if (allow->list[i].family == family && is_in(&allow->list[i], address))
            return true;
    }
    return false;
}
