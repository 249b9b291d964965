/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/cache.h"

#include "answer/edns.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS             8  /* of a bucket: one cache line */
#define OCTETS_PER_SLOT   56 /* of the ring: half of what a small entry takes, so buckets are seldom full */
#define ENTRY_MOST_OCTETS (sizeof(struct entry) + sizeof(struct resolved_room) + NAME_MAX_OCTETS + 8)
#define SECOND_CHANCES                                                                                       \
    256               /* entries that go round again at most for one that is put in: some microseconds       \
                       */
#define PLACE_SHIFT 3 /* entries stand at multiples of eight octets */
#define FLAG_SECURE 1
#define FLAG_DEAD   2

struct slot {
    uint32_t tag;   /* of the hash */
    uint32_t place; /* in the ring, in units of eight octets, plus one; 0: empty */
};

struct bucket {
    struct slot slots[SLOTS];
} __attribute__((aligned(64)));

/* Then the octets of the TTLs, the name, the body. The first eight octets are all that a gap at the end of
 * the ring has. */
struct entry {
    uint32_t octets; /* of all of it, a multiple of eight */
    uint8_t flags;
    uint8_t asked; /* since it came to where it stands */
    uint8_t key_flags;
    uint8_t name_octets;
    uint64_t hash;
    uint32_t born_s;
    uint32_t ttl_s;
    uint32_t retry_s;
    uint16_t type;
    uint16_t class;
    uint16_t rcode;
    int16_t error;
    uint16_t counts[3];
    uint16_t body_octets;
    uint16_t ttl_count;
    uint8_t source;
    uint8_t unused[5];
};

_Static_assert(sizeof(struct entry) % 8 == 0, "an entry ends where the next may begin");

struct cache {
    struct bucket *buckets;
    uint64_t bucket_count;
    uint8_t *ring;
    uint64_t ring_octets;
    uint64_t head; /* octets ever written; the place is what is left by ring_octets */
    uint64_t tail; /* where the oldest entry begins */
    uint64_t secret[2];
    struct cache_figures figures;
    uint8_t *spare; /* for the entry that goes round */
};

/* --- memory
 * ----------------------------------------------------------------------------------------------------- */

struct cache *cache_new(size_t octets, const uint64_t secret[2])
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return NULL;
    if (octets < CACHE_LEAST_OCTETS)
        octets = CACHE_LEAST_OCTETS;
    uint64_t buckets = octets / OCTETS_PER_SLOT / SLOTS;
    cache->ring_octets = (octets - buckets * sizeof(struct bucket)) & ~(uint64_t)63;
    if (cache->ring_octets >> PLACE_SHIFT > UINT32_MAX - 1)
        cache->ring_octets = (uint64_t)(UINT32_MAX - 1) << PLACE_SHIFT;
    cache->bucket_count = buckets;
    cache->secret[0] = secret[0];
    cache->secret[1] = secret[1];
    cache->spare = malloc(ENTRY_MOST_OCTETS);
    cache->ring = malloc(cache->ring_octets);
    if (posix_memalign((void **)&cache->buckets, 64, buckets * sizeof(struct bucket)) != 0)
        cache->buckets = NULL;
    if (cache->spare == NULL || cache->ring == NULL || cache->buckets == NULL) {
        cache_free(cache);
        return NULL;
    }
    memset(cache->buckets, 0, buckets * sizeof(struct bucket));
    return cache;
}

void cache_free(struct cache *cache)
{
    if (cache == NULL)
        return;
    free(cache->buckets);
    free(cache->ring);
    free(cache->spare);
    free(cache);
}

static struct entry *entry_at(const struct cache *cache, uint64_t at)
{
    return (struct entry *)(void *)(cache->ring + at % cache->ring_octets);
}

static uint16_t *entry_ttls(const struct entry *entry)
{
    return (uint16_t *)(uintptr_t)(entry + 1);
}

static uint8_t *entry_name(const struct entry *entry)
{
    return (uint8_t *)(uintptr_t)(entry_ttls(entry) + entry->ttl_count);
}

static uint8_t *entry_body(const struct entry *entry)
{
    return entry_name(entry) + entry->name_octets;
}

static uint32_t place_of(const struct cache *cache, const struct entry *entry)
{
    return (uint32_t)(((uint64_t)((const uint8_t *)entry - cache->ring) >> PLACE_SHIFT) + 1);
}

static struct entry *entry_of(const struct cache *cache, uint32_t place)
{
    return (struct entry *)(void *)(cache->ring + ((uint64_t)(place - 1) << PLACE_SHIFT));
}

/* --- the index
 * -------------------------------------------------------------------------------------------------- */

/* The secret goes in with every word, so what collides under one secret doesn't under another. */
uint64_t cache_hash(const struct cache *cache, const struct cache_key *key)
{
    uint64_t hash = cache->secret[0] ^ (uint64_t)key->type << 32 ^ (uint64_t)key->class << 8 ^ key->flags;
    const uint8_t *at = key->name;
    size_t octets = key->octets;
    uint64_t v;
    for (; octets > 8; octets -= 8, at += 8) {
        memcpy(&v, at, 8);
        hash = name_hash_mix(hash + cache->secret[1], v);
    }
    memcpy(&v, at, 8);
    return name_hash_mix(hash + cache->secret[1], v & name_first_octets(octets));
}

static struct bucket *bucket_of(const struct cache *cache, uint64_t hash)
{
    /* The lower half scaled to the buckets; the upper one is the tag. */
    return &cache->buckets[(hash & UINT32_MAX) * cache->bucket_count >> 32];
}

void cache_ask(const struct cache *cache, uint64_t hash)
{
    __builtin_prefetch(bucket_of(cache, hash));
}

static bool is_entry_of(const struct entry *entry, const struct cache_key *key)
{
    return entry->hash == key->hash && entry->type == key->type && entry->class == key->class &&
           entry->key_flags == key->flags && entry->name_octets == key->octets &&
           memcmp(entry_name(entry), key->name, key->octets) == 0;
}

static struct slot *find_slot(const struct cache *cache, const struct cache_key *key)
{
    struct bucket *bucket = bucket_of(cache, key->hash);
    uint32_t tag = (uint32_t)(key->hash >> 32);
    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *slot = &bucket->slots[i];
        if (slot->place != 0 && slot->tag == tag && is_entry_of(entry_of(cache, slot->place), key))
            return slot;
    }
    return NULL;
}

static void bury(struct cache *cache, struct slot *slot)
{
    struct entry *entry = entry_of(cache, slot->place);
    entry->flags |= FLAG_DEAD;
    cache->figures.entries--;
    cache->figures.octets -= entry->octets;
    slot->place = 0;
}

/* Of a full bucket the one that is worth least goes: not asked for, and the oldest. */
static struct slot *free_slot(struct cache *cache, uint64_t hash)
{
    struct bucket *bucket = bucket_of(cache, hash);
    struct slot *least = NULL;
    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *slot = &bucket->slots[i];
        if (slot->place == 0)
            return slot;
        const struct entry *entry = entry_of(cache, slot->place);
        const struct entry *worst = least != NULL ? entry_of(cache, least->place) : NULL;
        if (worst == NULL || entry->asked < worst->asked ||
            (entry->asked == worst->asked && entry->born_s < worst->born_s))
            least = slot;
    }
    cache->figures.evicted++;
    bury(cache, least);
    return least;
}

static void forget(struct cache *cache, const struct entry *entry)
{
    struct bucket *bucket = bucket_of(cache, entry->hash);
    uint32_t place = place_of(cache, entry);
    for (unsigned i = 0; i < SLOTS; i++) {
        if (bucket->slots[i].place == place) {
            bury(cache, &bucket->slots[i]);
            return;
        }
    }
}

static void remember(struct cache *cache, const struct entry *entry)
{
    struct slot *slot = free_slot(cache, entry->hash);
    *slot = (struct slot){(uint32_t)(entry->hash >> 32), place_of(cache, entry)};
    cache->figures.entries++;
    cache->figures.octets += entry->octets;
}

/* --- the ring
 * --------------------------------------------------------------------------------------------------- */

/* Octets that writing an entry takes: one that doesn't fit before the end of the ring leaves a gap there. */
static uint64_t ring_needs(const struct cache *cache, uint64_t octets)
{
    uint64_t before_end = cache->ring_octets - cache->head % cache->ring_octets;
    return octets <= before_end ? octets : before_end + octets;
}

static uint64_t ring_room(const struct cache *cache)
{
    return cache->ring_octets - (cache->head - cache->tail);
}

/* There must be room. */
static struct entry *ring_append(struct cache *cache, uint64_t octets)
{
    uint64_t gap = ring_needs(cache, octets) - octets;
    if (gap > 0) {
        struct entry *filler = entry_at(cache, cache->head);
        filler->octets = (uint32_t)gap;
        filler->flags = FLAG_DEAD;
        cache->head += gap;
    }
    struct entry *entry = entry_at(cache, cache->head);
    cache->head += octets;
    return entry;
}

/* The oldest entry leaves, or goes to the young end if it was asked for and `chance`. Whether it did. */
static bool ring_turn(struct cache *cache, bool chance)
{
    struct entry *oldest = entry_at(cache, cache->tail);
    uint32_t octets = oldest->octets;
    bool asked = chance && (oldest->flags & FLAG_DEAD) == 0 && oldest->asked > 0;
    if (asked)
        memcpy(cache->spare, oldest, octets);
    if ((oldest->flags & FLAG_DEAD) == 0) {
        forget(cache, oldest);
        cache->figures.evicted += asked ? 0 : 1;
    }
    cache->tail += octets;
    if (!asked || ring_needs(cache, octets) > ring_room(cache))
        return false;
    struct entry *young = ring_append(cache, octets);
    memcpy(young, cache->spare, octets);
    young->asked = 0;
    remember(cache, young);
    return true;
}

static bool ring_make_room(struct cache *cache, uint64_t octets)
{
    unsigned chances = SECOND_CHANCES;
    if (octets > cache->ring_octets / 4)
        return false;
    while (ring_needs(cache, octets) > ring_room(cache)) {
        if (ring_turn(cache, chances > 0))
            chances--;
    }
    return true;
}

/* --- in and out
 * ------------------------------------------------------------------------------------------------- */

static void describe(const struct entry *entry, uint32_t now_s, struct cache_hit *hit)
{
    hit->resolved = (struct resolved){
        .rcode = entry->rcode,
        .error = entry->error,
        .secure = (entry->flags & FLAG_SECURE) != 0,
        .counts = {entry->counts[0], entry->counts[1], entry->counts[2]},
        .octets = entry->body_octets,
        .ttl_count = entry->ttl_count,
        .ttl_s = entry->ttl_s,
        .body = entry_body(entry),
        .ttl_at = entry_ttls(entry),
    };
    /* A clock that was set back makes nothing younger than it was. */
    hit->age_s = now_s > entry->born_s ? now_s - entry->born_s : 0;
    hit->left_s = (int64_t)entry->ttl_s - hit->age_s;
    hit->source = entry->source;
    hit->again = entry->asked > 0;
    hit->retry_s = entry->retry_s;
}

bool cache_find(struct cache *cache, const struct cache_key *key, uint32_t now_s, struct cache_hit *hit)
{
    struct slot *slot = find_slot(cache, key);
    if (slot == NULL)
        return false;
    struct entry *entry = entry_of(cache, slot->place);
    describe(entry, now_s, hit);
    if (entry->asked == 0)
        entry->asked = 1;
    return true;
}

static void fill(struct entry *entry, const struct cache_key *key, const struct resolved *resolved)
{
    entry->flags = resolved->secure ? FLAG_SECURE : 0;
    entry->key_flags = key->flags;
    entry->name_octets = key->octets;
    entry->hash = key->hash;
    entry->ttl_s = resolved->ttl_s;
    entry->type = key->type;
    entry->class = key->class;
    entry->rcode = resolved->rcode;
    entry->error = resolved->error;
    memcpy(entry->counts, resolved->counts, sizeof entry->counts);
    entry->body_octets = resolved->octets;
    entry->ttl_count = resolved->ttl_count;
    memcpy(entry_ttls(entry), resolved->ttl_at, resolved->ttl_count * sizeof *resolved->ttl_at);
    memcpy(entry_name(entry), key->name, key->octets);
    memcpy(entry_body(entry), resolved->body, resolved->octets);
}

bool cache_put(struct cache *cache, const struct cache_key *key, const struct resolved *resolved,
               uint32_t now_s, uint8_t source)
{
    uint64_t octets = sizeof(struct entry) + resolved->ttl_count * sizeof *resolved->ttl_at + key->octets +
                      resolved->octets;
    octets = (octets + 7) & ~(uint64_t)7;
    struct slot *before = find_slot(cache, key);
    uint8_t asked = before != NULL ? entry_of(cache, before->place)->asked : 0;
    if (before != NULL)
        bury(cache, before);
    if (!ring_make_room(cache, octets))
        return false;
    struct entry *entry = ring_append(cache, octets);
    *entry = (struct entry){.octets = (uint32_t)octets, .born_s = now_s, .source = source, .asked = asked};
    fill(entry, key, resolved);
    remember(cache, entry);
    return true;
}

void cache_defer(struct cache *cache, const struct cache_key *key, uint32_t retry_s)
{
    struct slot *slot = find_slot(cache, key);
    if (slot != NULL)
        entry_of(cache, slot->place)->retry_s = retry_s;
}

struct cache_figures cache_figures(const struct cache *cache)
{
    return cache->figures;
}

/* --- all entries
 * ------------------------------------------------------------------------------------------------ */

/* The entry that follows `*at`, which moves behind it; NULL at the end. */
static struct entry *next_alive(const struct cache *cache, uint64_t *at)
{
    while (*at < cache->head) {
        struct entry *entry = entry_at(cache, *at);
        *at += entry->octets;
        if ((entry->flags & FLAG_DEAD) == 0)
            return entry;
    }
    return NULL;
}

/* Where to go on: entries before the tail have gone meanwhile. */
static uint64_t place_from(const struct cache *cache, uint64_t at)
{
    return at < cache->tail ? cache->tail : at;
}

size_t cache_flush(struct cache *cache, const uint8_t *name, bool below, uint16_t type, uint64_t *at,
                   size_t most)
{
    size_t flushed = 0;
    uint64_t place = place_from(cache, *at);
    struct entry *entry = NULL;
    for (size_t met = 0; met < most && (entry = next_alive(cache, &place)) != NULL; met++) {
        const uint8_t *owner = entry_name(entry);
        bool hit = below ? name_is_at_or_below(owner, name) : name_equal(owner, name);
        if (!hit || (type != 0 && entry->type != type))
            continue;
        forget(cache, entry);
        flushed++;
    }
    *at = place < cache->head ? place : CACHE_END;
    return flushed;
}

void cache_walk(struct cache *cache, uint32_t now_s,
                bool (*each)(void *arg, const struct cache_key *key, const struct cache_hit *hit), void *arg,
                uint64_t *at, size_t most)
{
    uint64_t place = place_from(cache, *at);
    uint64_t before = place;
    struct entry *entry = NULL;
    for (size_t met = 0; met < most && (entry = next_alive(cache, &place)) != NULL; met++) {
        struct cache_hit hit;
        const struct cache_key key = {entry_name(entry), entry->name_octets, entry->key_flags,
                                      entry->type,       entry->class,       entry->hash};
        describe(entry, now_s, &hit);
        if (!each(arg, &key, &hit)) {
            *at = before;
            return;
        }
        before = place;
    }
    *at = place < cache->head ? place : CACHE_END;
}

bool cache_save(const struct cache *cache, bool (*put)(void *arg, const void *bytes, size_t octets),
                void *arg)
{
    uint64_t at = cache->tail;
    bool done = true;
    for (struct entry *entry = next_alive(cache, &at); entry != NULL && done; entry = next_alive(cache, &at))
        done = put(arg, entry, entry->octets);
    return done;
}

/* Whether what a file has is an entry, whole in `left` octets. */
static bool is_sound(const struct entry *entry, const uint8_t *bytes, size_t left)
{
    size_t inner =
        sizeof *entry + entry->ttl_count * sizeof(uint16_t) + entry->name_octets + entry->body_octets;
    if (entry->octets % 8 != 0 || entry->octets > left || entry->octets > ENTRY_MOST_OCTETS ||
        inner > entry->octets || (entry->flags & FLAG_DEAD) != 0 || entry->ttl_count > RESOLVED_RECORDS ||
        entry->body_octets > RESOLVED_BODY_OCTETS || entry->ttl_s > RESOLVED_TTL_MOST)
        return false;
    const uint8_t *name = bytes + sizeof *entry + entry->ttl_count * sizeof(uint16_t);
    if (name_check(name, entry->name_octets) != entry->name_octets || entry->name_octets == 0)
        return false;
    for (unsigned i = 0; i < entry->ttl_count; i++) {
        uint16_t at;
        memcpy(&at, bytes + sizeof *entry + i * sizeof at, sizeof at);
        if ((size_t)at + 4 > entry->body_octets)
            return false;
    }
    return true;
}

static bool load_one(struct cache *cache, const struct entry *from, const uint8_t *bytes,
                     uint16_t ttl_at[RESOLVED_RECORDS])
{
    uint8_t name[NAME_MAX_OCTETS + NAME_PADDING] = {0};
    const uint8_t *at = bytes + sizeof *from;
    memcpy(ttl_at, at, from->ttl_count * sizeof *ttl_at);
    at += from->ttl_count * sizeof *ttl_at;
    name_fold(name, at, from->name_octets);
    struct cache_key key = {name, from->name_octets, from->key_flags, from->type, from->class, 0};
    key.hash = cache_hash(cache, &key);
    const struct slot *newer = find_slot(cache, &key);
    if (newer != NULL && entry_of(cache, newer->place)->born_s >= from->born_s)
        return false;
    const struct resolved resolved = {
        .rcode = from->rcode,
        .error = from->error,
        .secure = (from->flags & FLAG_SECURE) != 0,
        .counts = {from->counts[0], from->counts[1], from->counts[2]},
        .octets = from->body_octets,
        .ttl_count = from->ttl_count,
        .ttl_s = from->ttl_s,
        .body = at + from->name_octets,
        .ttl_at = ttl_at,
    };
    return cache_put(cache, &key, &resolved, from->born_s, from->source);
}

size_t cache_load(struct cache *cache, const uint8_t *bytes, size_t octets, uint32_t now_s, uint32_t stale_s,
                  uint64_t *at, size_t most)
{
    size_t loaded = 0;
    uint16_t *ttl_at = malloc(RESOLVED_RECORDS * sizeof *ttl_at);
    struct entry entry;
    for (size_t met = 0; met < most && *at != CACHE_END; met++) {
        size_t left = octets - (size_t)*at;
        if (ttl_at != NULL && left >= sizeof entry)
            memcpy(&entry, bytes + *at, sizeof entry);
        if (ttl_at == NULL || left < sizeof entry || !is_sound(&entry, bytes + *at, left)) {
            *at = CACHE_END;
            break;
        }
        if (entry.born_s <= now_s && (uint64_t)entry.born_s + entry.ttl_s + stale_s >= now_s)
            loaded += load_one(cache, &entry, bytes + *at, ttl_at) ? 1 : 0;
        *at += entry.octets;
    }
    free(ttl_at);
    return loaded;
}
