/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The answer cache: what is kept, for how long, and what has to go when memory is full.
 */
#include "resolve/cache.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1700000000

static const uint64_t secret[2] = {0x0123456789abcdef, 0xfedcba9876543210};

/* A question and the memory of its name. */
struct question {
    uint8_t name[NAME_MAX_OCTETS + NAME_PADDING];
    struct cache_key key;
};

static void ask(struct question *q, const struct cache *cache, const char *name, uint16_t type, uint8_t flags)
{
    memset(q->name, 0, sizeof q->name);
    size_t octets = name_from_text(q->name, name);
    ck_assert_uint_gt(octets, 0);
    name_fold(q->name, q->name, octets);
    q->key = (struct cache_key){q->name, (uint8_t)octets, flags, type, 1, 0};
    q->key.hash = cache_hash(cache, &q->key);
}

/* One record whose TTL stands at octet 6, its rdata `fill` all over. */
static struct resolved answer(uint8_t *body, uint16_t octets, uint8_t fill, uint32_t ttl_s)
{
    static const uint16_t ttl_at[1] = {6};
    memset(body, fill, octets);
    return (struct resolved){.error = -1,
                             .counts = {1, 0, 0},
                             .octets = octets,
                             .ttl_count = 1,
                             .ttl_s = ttl_s,
                             .body = body,
                             .ttl_at = ttl_at};
}

static void put(struct cache *cache, const char *name, uint8_t fill, uint32_t ttl_s, uint32_t now_s)
{
    struct question q;
    uint8_t body[40];
    const struct resolved resolved = answer(body, sizeof body, fill, ttl_s);
    ask(&q, cache, name, 1, 0);
    ck_assert(cache_put(cache, &q.key, &resolved, now_s, 0));
}

static bool find(struct cache *cache, const char *name, uint32_t now_s, struct cache_hit *hit)
{
    struct question q;
    ask(&q, cache, name, 1, 0);
    return cache_find(cache, &q.key, now_s, hit);
}

static struct cache *fresh(size_t octets)
{
    struct cache *cache = cache_new(octets, secret);
    ck_assert_ptr_nonnull(cache);
    return cache;
}

START_TEST(an_answer_ages)
{
    struct cache *cache = fresh(CACHE_LEAST_OCTETS);
    struct cache_hit hit;
    put(cache, "www.example.", 7, 300, NOW);
    ck_assert(find(cache, "www.example.", NOW + 100, &hit));
    ck_assert_uint_eq(hit.age_s, 100);
    ck_assert_int_eq(hit.left_s, 200);
    ck_assert_uint_eq(hit.resolved.octets, 40);
    ck_assert_uint_eq(hit.resolved.body[39], 7);
    ck_assert_uint_eq(hit.resolved.ttl_at[0], 6);
    ck_assert(!hit.again);
    ck_assert(find(cache, "WWW.example.", NOW + 301, &hit));
    ck_assert_int_eq(hit.left_s, -1);
    ck_assert(hit.again);
    ck_assert(find(cache, "www.example.", NOW - 50, &hit));
    ck_assert_uint_eq(hit.age_s, 0);
    cache_free(cache);
}
END_TEST

START_TEST(every_part_of_the_key_counts)
{
    struct cache *cache = fresh(CACHE_LEAST_OCTETS);
    struct question asked;
    struct question other;
    struct cache_hit hit;
    uint8_t body[40];
    const struct resolved resolved = answer(body, sizeof body, 1, 60);
    ask(&asked, cache, "www.example.", 1, CACHE_DNSSEC);
    ck_assert(cache_put(cache, &asked.key, &resolved, NOW, 0));
    ck_assert(cache_find(cache, &asked.key, NOW, &hit));
    ask(&other, cache, "www.example.", 28, CACHE_DNSSEC);
    ck_assert(!cache_find(cache, &other.key, NOW, &hit));
    ask(&other, cache, "www.example.", 1, CACHE_DNSSEC | CACHE_UNCHECKED);
    ck_assert(!cache_find(cache, &other.key, NOW, &hit));
    ask(&other, cache, "example.", 1, CACHE_DNSSEC);
    ck_assert(!cache_find(cache, &other.key, NOW, &hit));
    other = asked;
    other.key.name = other.name;
    other.key.class = 3;
    other.key.hash = cache_hash(cache, &other.key);
    ck_assert(!cache_find(cache, &other.key, NOW, &hit));
    cache_free(cache);
}
END_TEST

START_TEST(the_newer_answer_counts)
{
    struct cache *cache = fresh(CACHE_LEAST_OCTETS);
    struct cache_hit hit;
    put(cache, "www.example.", 1, 60, NOW);
    put(cache, "www.example.", 2, 90, NOW + 10);
    ck_assert(find(cache, "www.example.", NOW + 10, &hit));
    ck_assert_uint_eq(hit.resolved.body[0], 2);
    ck_assert_int_eq(hit.left_s, 90);
    ck_assert_uint_eq(cache_figures(cache).entries, 1);
    cache_free(cache);
}
END_TEST

/* A flood of names that nobody asks for twice, many times what fits. */
START_TEST(a_flood_doesnt_wash_out_what_is_asked_for)
{
    struct cache *cache = fresh(CACHE_LEAST_OCTETS);
    struct cache_hit hit;
    char name[64];
    unsigned kept = 0;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "popular%d.example.", i);
        put(cache, name, (uint8_t)i, 3600, NOW);
    }
    for (int i = 0; i < 50000; i++) {
        (void)snprintf(name, sizeof name, "x%d.flood.test.", i);
        put(cache, name, 0, 3600, NOW);
        (void)snprintf(name, sizeof name, "popular%d.example.", i % 100);
        (void)find(cache, name, NOW, &hit);
    }
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "popular%d.example.", i);
        if (find(cache, name, NOW, &hit)) {
            ck_assert_int_eq(hit.resolved.body[0], i);
            kept++;
        }
    }
    ck_assert_uint_ge(kept, 95);
    ck_assert_uint_lt(cache_figures(cache).entries, 5000);
    ck_assert_uint_gt(cache_figures(cache).evicted, 40000);
    ck_assert(find(cache, "x49999.flood.test.", NOW, &hit));
    ck_assert(!find(cache, "x0.flood.test.", NOW, &hit));
    cache_free(cache);
}
END_TEST

/* Answers of all sizes, so that they meet the end of the ring in every way. */
START_TEST(what_is_found_is_what_was_put_in)
{
    static uint8_t body[6000];
    struct cache *cache = fresh(CACHE_LEAST_OCTETS);
    struct question q;
    struct cache_hit hit;
    char name[64];
    unsigned found = 0;
    for (unsigned i = 0; i < 20000; i++) {
        uint16_t octets = (uint16_t)(20 + i * 2654435761U % 5900);
        const struct resolved resolved = answer(body, octets, (uint8_t)i, 60);
        (void)snprintf(name, sizeof name, "n%u.example.", i % 500);
        ask(&q, cache, name, (uint16_t)(1 + i % 3), 0);
        ck_assert(cache_put(cache, &q.key, &resolved, NOW + i, (uint8_t)i));
        (void)snprintf(name, sizeof name, "n%u.example.", (i + 480) % 500);
        ask(&q, cache, name, (uint16_t)(1 + (i + 7) % 3), 0);
        if (!cache_find(cache, &q.key, NOW + i, &hit))
            continue;
        found++;
        memset(body, hit.source, hit.resolved.octets);
        ck_assert_mem_eq(hit.resolved.body, body, hit.resolved.octets);
    }
    ck_assert_uint_gt(found, 100);
    cache_free(cache);
}
END_TEST

/* In the smallest steps that there are. */
static size_t flush(struct cache *cache, const uint8_t *name, bool below, uint16_t type)
{
    size_t flushed = 0;
    for (uint64_t at = 0; at != CACHE_END;)
        flushed += cache_flush(cache, name, below, type, &at, 1);
    return flushed;
}

START_TEST(flushed_by_name_suffix_and_type)
{
    struct cache *cache = fresh(CACHE_LEAST_OCTETS);
    struct cache_hit hit;
    struct question q;
    uint8_t name[NAME_MAX_OCTETS];
    put(cache, "example.", 1, 60, NOW);
    put(cache, "www.example.", 1, 60, NOW);
    put(cache, "a.www.example.", 1, 60, NOW);
    put(cache, "wwwexample.", 1, 60, NOW);
    ck_assert_uint_gt(name_from_text(name, "www.example."), 0);
    ck_assert_uint_eq(flush(cache, name, true, 28), 0);
    ck_assert_uint_eq(flush(cache, name, false, 0), 1);
    ck_assert(!find(cache, "www.example.", NOW, &hit));
    ck_assert(find(cache, "a.www.example.", NOW, &hit));
    ask(&q, cache, "example.", 28, 0);
    ck_assert_uint_gt(name_from_text(name, "example."), 0);
    ck_assert_uint_eq(flush(cache, name, true, 1), 2);
    ck_assert(find(cache, "wwwexample.", NOW, &hit));
    ck_assert_uint_eq(cache_figures(cache).entries, 1);
    cache_free(cache);
}
END_TEST

struct saved {
    uint8_t bytes[1024];
    size_t octets;
};

static bool save(void *arg, const void *bytes, size_t octets)
{
    struct saved *saved = arg;
    if (octets > sizeof saved->bytes - saved->octets)
        return false;
    memcpy(saved->bytes + saved->octets, bytes, octets);
    saved->octets += octets;
    return true;
}

static size_t load(struct cache *cache, const struct saved *saved, size_t octets, uint32_t now_s)
{
    size_t loaded = 0;
    for (uint64_t at = 0; at != CACHE_END;)
        loaded += cache_load(cache, saved->bytes, octets, now_s, 100, &at, 1);
    return loaded;
}

/* What one process saved another takes in, under another secret; damage costs what follows it, no more. */
START_TEST(kept_over_a_restart)
{
    const uint64_t other[2] = {1, 2};
    struct cache *before = fresh(CACHE_LEAST_OCTETS);
    struct cache *after = cache_new(CACHE_LEAST_OCTETS, other);
    struct cache_hit hit;
    struct saved saved = {.octets = 0};
    put(before, "one.example.", 1, 60, NOW);
    put(before, "two.example.", 2, 60, NOW);
    ck_assert(cache_save(before, save, &saved));
    ck_assert_uint_eq(load(after, &saved, saved.octets, NOW - 1), 0);
    ck_assert_uint_eq(load(after, &saved, saved.octets, NOW + 161), 0);
    put(after, "one.example.", 3, 60, NOW + 1);
    ck_assert_uint_eq(load(after, &saved, saved.octets - 1, NOW + 1), 0);
    ck_assert_uint_eq(load(after, &saved, saved.octets, NOW + 160), 1);
    ck_assert(find(after, "one.example.", NOW + 20, &hit));
    ck_assert_uint_eq(hit.resolved.body[5], 3);
    ck_assert(find(after, "two.example.", NOW + 20, &hit));
    ck_assert_int_eq(hit.left_s, 40);
    ck_assert_uint_eq(hit.resolved.body[5], 2);
    memset(saved.bytes, 0xff, saved.octets);
    ck_assert_uint_eq(load(after, &saved, saved.octets, NOW), 0);
    cache_free(before);
    cache_free(after);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolve/cache");
    TCase *tests = tcase_create("cache");
    tcase_add_test(tests, an_answer_ages);
    tcase_add_test(tests, every_part_of_the_key_counts);
    tcase_add_test(tests, the_newer_answer_counts);
    tcase_add_test(tests, a_flood_doesnt_wash_out_what_is_asked_for);
    tcase_add_test(tests, what_is_found_is_what_was_put_in);
    tcase_add_test(tests, flushed_by_name_suffix_and_type);
    tcase_add_test(tests, kept_over_a_restart);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
