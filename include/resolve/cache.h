/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The answer cache of one worker: folded question, class, DO and CD -> a whole answer. Pure: bytes and Unix
 * time in, bytes out.
 *
 *     index   64-octet buckets of (tag, place); the hash is keyed, so nobody can aim at a bucket
 *     ring    entries one behind the other in a fixed piece of memory; the oldest makes room for the newest,
 *             unless it was asked for since it was written, and then it goes round once more
 *
 * So memory is bounded and never fragmented, and a flood of names that are asked for once passes through
 * without washing out those that are asked for again. An entry past its end stays until the ring comes round:
 * it may still have to be given (RFC 8767).
 */
#ifndef HITHER_RESOLVE_CACHE_H
#define HITHER_RESOLVE_CACHE_H

#include "resolve/resolved.h"
#include "wire/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_LEAST_OCTETS (256 * 1024)

enum cache_key_flag {
    CACHE_DNSSEC = 1,    /* DO */
    CACHE_UNCHECKED = 2, /* CD */
};

struct cache;

struct cache_key {
    const uint8_t *name; /* folded, with NAME_PADDING octets behind it */
    uint8_t octets;
    uint8_t flags; /* enum cache_key_flag */
    uint16_t type;
    uint16_t class;
    uint64_t hash; /* by cache_hash() */
};

/* What was found; points into the cache, until something is put in. */
struct cache_hit {
    struct resolved resolved;
    uint32_t age_s;
    int64_t left_s; /* until its end; below 0: past it */
    uint8_t source; /* as it was put in */
    bool again;     /* it was asked for before */
    uint32_t retry_s;
};

struct cache_figures {
    uint64_t entries;
    uint64_t octets; /* of the entries */
    uint64_t evicted;
};

/* Room for about `octets`, index and all. NULL when memory is short. `secret` keys the hash. */
struct cache *cache_new(size_t octets, const uint64_t secret[2]);

void cache_free(struct cache *cache);

uint64_t cache_hash(const struct cache *cache, const struct cache_key *key);

/* Asks for the memory that looking up will need. */
void cache_ask(const struct cache *cache, uint64_t hash);

/* False: there is none. `now_s` is Unix time. */
bool cache_find(struct cache *cache, const struct cache_key *key, uint32_t now_s, struct cache_hit *hit);

/* Puts the answer in, in place of one with the same key. `source` is the caller's to mean something by. False
 * when it is larger than all of the cache allows. */
bool cache_put(struct cache *cache, const struct cache_key *key, const struct resolved *resolved,
               uint32_t now_s, uint8_t source);

/* An answer past its end couldn't be had anew: until `retry_s` it is given without asking again. */
void cache_defer(struct cache *cache, const struct cache_key *key, uint32_t retry_s);

/* What follows goes through all entries, the oldest first, in steps of `most` entries, so that it never holds
 * up who owns the cache: `*at` is 0 at first and CACHE_END when all were met. In between it is another's to
 * keep, never to change. */
#define CACHE_END UINT64_MAX

/* Forgets what is there for the folded `name`, and below it too if `below`; of one type alone unless `type`
 * is 0. How many entries in this step. */
size_t cache_flush(struct cache *cache, const uint8_t *name, bool below, uint16_t type, uint64_t *at,
                   size_t most);

/* Calls `each` for every entry, until it gives false: that one is met again in the next step. */
void cache_walk(struct cache *cache, uint32_t now_s,
                bool (*each)(void *arg, const struct cache_key *key, const struct cache_hit *hit), void *arg,
                uint64_t *at, size_t most);

struct cache_figures cache_figures(const struct cache *cache);

/* Gives `put` the entries, in the form that cache_load() reads again, until it gives false. False then. */
bool cache_save(const struct cache *cache, bool (*put)(void *arg, const void *bytes, size_t octets),
                void *arg);

/* Takes in at most `most` entries of what was saved, from `*at` octets on, which moves; what is in it may be
 * anything. Left out are those that are newer in the cache, are of the future, or ended more than `stale_s`
 * ago. `*at` is CACHE_END when nothing (sound) is left. How many entries. */
size_t cache_load(struct cache *cache, const uint8_t *bytes, size_t octets, uint32_t now_s, uint32_t stale_s,
                  uint64_t *at, size_t most);

#endif
