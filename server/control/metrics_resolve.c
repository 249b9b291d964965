/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The resolver: what the desks of all workers did, and what came of the searches.
 */
#include "control/exposition.h"
#include "control/metrics.h"

#include <stddef.h>

#define sample(...) (&(struct exposition_sample){__VA_ARGS__})

/* The same figure of all desks. */
static uint64_t of_desks(const struct http_sources *s, size_t figure)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->worker_count; i++)
        sum += stat_read((const stat_counter *)(const void *)((const char *)s->desks[i] + figure));
    return sum;
}

#define OF_DESKS(s, member) of_desks(s, offsetof(struct desk_figures, member))

static uint64_t of_searches(const _Atomic uint64_t *figure)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)figure, memory_order_relaxed);
}

static void write_desks(FILE *out, const struct http_sources *s)
{
    exposition_family(out, "resolve_queries_total", "counter",
                      "Queries for other zones' names, by what they met.");
    const struct {
        const char *result;
        uint64_t count;
    } results[] = {
        {"hit", OF_DESKS(s, hits)},        {"miss", OF_DESKS(s, misses)},
        {"stale", OF_DESKS(s, stale)},     {"coalesced", OF_DESKS(s, coalesced)},
        {"refused", OF_DESKS(s, refused)}, {"limited", OF_DESKS(s, limited)},
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        exposition_count(out, sample("resolve_queries_total", {{"result", results[i].result}}),
                         results[i].count);
    exposition_counter(out, "resolve_prefetches_total", "Answers renewed before their end.",
                       (double)OF_DESKS(s, prefetches));
    exposition_counter(out, "resolve_cache_evicted_total", "Answers that had to make room for others.",
                       (double)OF_DESKS(s, evicted));
    exposition_gauge(out, "resolve_cache_entries", "Answers in the caches of all workers.",
                     (double)OF_DESKS(s, entries));
    exposition_gauge(out, "resolve_cache_bytes", "What they take.", (double)OF_DESKS(s, octets));
    exposition_gauge(out, "resolve_searches", "Searches under way.", (double)OF_DESKS(s, searches));
}

static void write_searches(FILE *out, const struct resolver_figures *f)
{
    const struct {
        const char *result;
        uint64_t count;
    } results[] = {
        {"secure", of_searches(&f->secure)},
        {"insecure", of_searches(&f->insecure)},
        {"bogus", of_searches(&f->bogus)},
        {"failed", of_searches(&f->failed)},
    };
    exposition_family(out, "resolve_searches_total", "counter",
                      "Searches, by what validation said of the answer; failed: there was none.");
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        exposition_count(out, sample("resolve_searches_total", {{"result", results[i].result}}),
                         results[i].count);
    static const char *const bounds[] = {"0.001", "0.005", "0.02", "0.05", "0.1", "0.5", "2", "+Inf"};
    uint64_t sum = 0;
    exposition_family(out, "resolve_search_seconds", "histogram", "How long searches took.");
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        sum += of_searches(&f->took_below_ms[i]);
        exposition_count(out, sample("resolve_search_seconds_bucket", {{"le", bounds[i]}}), sum);
    }
    exposition_number(out, sample("resolve_search_seconds_sum", {{NULL, NULL}}),
                      (double)of_searches(&f->took_us) / 1e6);
    exposition_count(out, sample("resolve_search_seconds_count", {{NULL, NULL}}), sum);
}

void metrics_write_resolve(FILE *out, const struct http_sources *sources)
{
    if (sources->resolver == NULL)
        return;
    write_desks(out, sources);
    write_searches(out, sources->resolver);
}
