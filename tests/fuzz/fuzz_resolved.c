/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the resolver reads of strangers' making: a message from upstream, taken apart, put into the cache and
 * found again; and a file of saved answers. The first octet chooses which, and whether the client wants
 * signatures.
 */
#include "resolve/cache.h"
#include "resolve/resolved.h"

#include "wire/reader.h"

#include <stdlib.h>
#include <string.h>

#define HEADER 12
#define NOW_S  1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct resolved_room room;

/* Every TTL stands within the body, and what went into the cache comes out of it. */
static void keep(struct cache *cache, const uint8_t *name, uint16_t type, const struct resolved *resolved)
{
    uint8_t folded[NAME_MAX_OCTETS + NAME_PADDING] = {0};
    struct cache_hit hit;
    for (unsigned i = 0; i < resolved->ttl_count; i++)
        if (resolved->ttl_at[i] + 4U > resolved->octets)
            abort();
    name_fold(folded, name, name_octets(name));
    struct cache_key key = {folded, (uint8_t)name_octets(name), 0, type, 1, 0};
    key.hash = cache_hash(cache, &key);
    if (!cache_put(cache, &key, resolved, NOW_S, 0))
        return;
    if (!cache_find(cache, &key, NOW_S, &hit) || hit.resolved.octets != resolved->octets ||
        memcmp(hit.resolved.body, resolved->body, resolved->octets) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t secret[2] = {1, 2};
    uint8_t name[NAME_MAX_OCTETS + NAME_PADDING] = {0};
    struct resolved resolved;
    size_t after = 0;
    if (size < 1)
        return 0;
    struct cache *cache = cache_new(CACHE_LEAST_OCTETS, secret);
    const uint8_t *message = data + 1;
    if (cache == NULL)
        return 0;
    uint64_t at = 0;
    if ((data[0] & 2) != 0)
        (void)cache_load(cache, message, size - 1, NOW_S, 86400, &at, SIZE_MAX);
    else if (name_unpack(name, message, size - 1, HEADER, &after) > 0 && after + 4 < size) {
        const struct resolved_question question = {name, octets_u16(message + after), (data[0] & 1) != 0};
        if (resolved_take(&resolved, &room, &question, message, size - 1))
            keep(cache, name, question.type, &resolved);
    }
    cache_free(cache);
    return 0;
}
