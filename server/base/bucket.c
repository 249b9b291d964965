/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/bucket.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct bucket_table {
    struct bucket sets[BUCKET_SETS][BUCKET_WAYS];
    uint8_t secret[crypto_shorthash_KEYBYTES];
};

_Static_assert(sizeof(struct bucket) * BUCKET_WAYS == 64, "a set is a cache line");
_Static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "a hash is a number");

struct bucket_table *bucket_table_new(void)
{
    struct bucket_table *table = NULL;
    if (posix_memalign((void **)&table, 64, sizeof *table) != 0)
        return NULL;
    memset(table, 0, sizeof *table);
    crypto_shorthash_keygen(table->secret);
    return table;
}

void bucket_table_free(struct bucket_table *table)
{
    free(table);
}

uint64_t bucket_hash(const struct bucket_table *table, uint64_t key)
{
    uint8_t octets[crypto_shorthash_BYTES];
    uint64_t hash;
    (void)crypto_shorthash(octets, (const unsigned char *)&key, sizeof key, table->secret);
    memcpy(&hash, octets, sizeof hash);
    return hash;
}

struct bucket *bucket_find(struct bucket_table *table, uint64_t key, uint64_t now_ns)
{
    struct bucket *set = table->sets[bucket_hash(table, key) % BUCKET_SETS];
    struct bucket *least = set;
    for (unsigned i = 0; i < BUCKET_WAYS; i++) {
        if (atomic_load_explicit(&set[i].key, memory_order_relaxed) == key)
            return &set[i];
        if (atomic_load_explicit(&set[i].paid_ns, memory_order_relaxed) <
            atomic_load_explicit(&least->paid_ns, memory_order_relaxed))
            least = &set[i];
    }
    atomic_store_explicit(&least->key, key, memory_order_relaxed);
    atomic_store_explicit(&least->paid_ns, now_ns, memory_order_relaxed);
    return least;
}
