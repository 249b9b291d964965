/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/desk.h"

#include "base/clock.h"
#include "resolve/render.h"
#include "resolve/waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/urcu-qsbr.h>

#define DESK_RESPONSE_OCTETS 65535
#define PREFETCH_PART        10 /* in the last tenth of its life an answer that is asked for again is renewed */
#define TYPE_META_FIRST      128

struct desk {
    struct answer_context *context;
    struct resolver *resolver;
    struct cache *cache;
    struct waiting waiting;
    struct resolve_inbox inbox;
    uv_loop_t *loop;
    uv_timer_t tick;
    unsigned handles; /* that libuv hasn't closed yet */
    bool closing;
    int64_t flushed_ns; /* what was asked before this is old, monotonic */
    struct desk_figures figures;
    pthread_mutex_t lock; /* for what follows */
    struct errand *errand_first;
    struct errand **errand_last;
    struct resolved_room room;
    uint8_t response[DESK_RESPONSE_OCTETS];
};

const struct desk_figures *desk_figures(const struct desk *desk)
{
    return &desk->figures;
}

struct cache *desk_cache(struct desk *desk)
{
    return desk->cache;
}

/* --- searching
 * -------------------------------------------------------------------------------------------------- */

/* Two labels, as most names that are registered have. */
static uint64_t suffix_hash(const struct query *query)
{
    return query->name.hashes[query->name.labels < 2 ? query->name.labels : 2];
}

static void search_start(struct desk *desk, struct search *search, unsigned engine)
{
    search->task.engine = (uint8_t)(engine % RESOLVER_ENGINES);
    search->task.inbox = &desk->inbox;
    if (!uv_is_active((const uv_handle_t *)&desk->tick))
        (void)uv_timer_again(&desk->tick);
    resolver_ask(desk->resolver, &search->task);
    stat_set(&desk->figures.searches, desk->waiting.searches);
}

/* Asks before anybody has to wait: another engine than the one that has the answer still. */
static void prefetch(struct desk *desk, const struct cache_key *key, const struct query *query,
                     const struct cache_hit *hit)
{
    if (waiting_find(&desk->waiting, key) != NULL)
        return;
    struct search *search = waiting_begin(&desk->waiting, key, suffix_hash(query), uv_now(desk->loop));
    if (search == NULL)
        return;
    search->has_stale = true;
    stat_add(&desk->figures.prefetches, 1);
    search_start(desk, search, hit->source + 1U);
}

/* True when the client waits now. */
static bool wait_for(struct desk *desk, const struct cache_key *key, const struct query *query,
                     struct answer_message *message, const struct answer_policy *policy, bool has_stale)
{
    struct search *search = waiting_find(&desk->waiting, key);
    bool begun = search == NULL;
    if (begun)
        search = waiting_begin(&desk->waiting, key, suffix_hash(query), uv_now(desk->loop));
    struct waiter *waiter =
        search != NULL ? waiting_add(&desk->waiting, search, message, query->transport, policy->client_misses)
                       : NULL;
    if (search != NULL && begun && waiter == NULL) {
        waiting_end(&desk->waiting, search);
        free(search);
    }
    if (waiter == NULL)
        return false;
    search->has_stale |= has_stale;
    message->deferred = &waiter->deferred;
    if (begun)
        search_start(desk, search, (unsigned)(key->hash >> 60));
    else
        stat_add(&desk->figures.coalesced, 1);
    return true;
}

/* --- answering at once
 * ------------------------------------------------------------------------------------------ */

static size_t answer_without(struct query *query, const struct answer_policy *policy, uint32_t now_s,
                             uint16_t rcode, int error)
{
    const struct resolved nothing = resolved_failure(rcode, error);
    const struct rendering rendering = {.resolved = &nothing, .error = EDNS_ERROR_NONE};
    return render_answer(&rendering, query, policy, now_s);
}

static size_t answer_hit(const struct cache_hit *hit, struct query *query, const struct answer_policy *policy,
                         uint32_t now_s)
{
    /* A failure that is remembered says so (RFC 8914 4.14), unless more is known. */
    bool failed = hit->resolved.rcode == RCODE_SERVFAIL && hit->resolved.error == EDNS_ERROR_NO_REACHABLE;
    const struct rendering rendering = {
        .resolved = &hit->resolved,
        .age_s = hit->age_s,
        .error = failed ? EDNS_ERROR_CACHED : EDNS_ERROR_NONE,
    };
    return render_answer(&rendering, query, policy, now_s);
}

static size_t answer_stale(struct desk *desk, const struct cache_hit *hit, struct query *query,
                           const struct answer_policy *policy)
{
    bool nx = hit->resolved.rcode == RCODE_NXDOMAIN;
    const struct rendering rendering = {
        .resolved = &hit->resolved,
        .stale_ttl_s = DESK_STALE_TTL_S,
        .error = nx ? EDNS_ERROR_STALE_NXDOMAIN : EDNS_ERROR_STALE,
    };
    stat_add(&desk->figures.stale, 1);
    return render_answer(&rendering, query, policy, desk->context->now_s);
}

static bool is_allowed(const struct answer_policy *policy, const struct sockaddr *client)
{
    const uint8_t *address =
        client->sa_family == AF_INET
            ? (const uint8_t *)&((const struct sockaddr_in *)(const void *)client)->sin_addr
            : (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)client)->sin6_addr;
    return resolve_allows(&policy->allow, client->sa_family, address);
}

/* What can be searched for: no meta type but ANY (RFC 6895 3.1). */
static bool is_data(uint16_t type)
{
    return type != 0 && type != RR_OPT && (type < TYPE_META_FIRST || type >= RR_ANY);
}

static bool is_worth_giving(const struct cache_hit *hit, const struct answer_policy *policy)
{
    return hit->left_s + (int64_t)policy->stale_s >= 0 && hit->resolved.rcode != RCODE_SERVFAIL;
}

static struct cache_key key_of(const struct desk *desk, const struct query *query)
{
    struct cache_key key = {
        .name = query->name.folded,
        .octets = query->name.octets,
        .flags = (uint8_t)((query->edns.dnssec_ok ? CACHE_DNSSEC : 0) |
                           ((query->flags & FLAG_CD) != 0 ? CACHE_UNCHECKED : 0)),
        .type = query->qtype,
        .class = query->qclass,
    };
    key.hash = cache_hash(desk->cache, &key);
    return key;
}

size_t desk_take(struct desk *desk, struct query *query, struct answer_message *message,
                 const struct answer_policy *policy)
{
    uint32_t now_s = desk->context->now_s;
    struct cache_hit hit;
    if (!is_allowed(policy, message->client)) {
        stat_add(&desk->figures.refused, 1);
        return answer_without(query, policy, now_s, RCODE_REFUSED, EDNS_ERROR_PROHIBITED);
    }
    if (!is_data(query->qtype))
        return answer_without(query, policy, now_s, RCODE_NOTIMP, EDNS_ERROR_NOT_SUPPORTED);
    const struct cache_key key = key_of(desk, query);
    bool found = cache_find(desk->cache, &key, now_s, &hit);
    if (found && hit.left_s >= 0) {
        stat_add(&desk->figures.hits, 1);
        if (hit.again && now_s >= hit.retry_s && hit.left_s <= hit.resolved.ttl_s / PREFETCH_PART &&
            hit.resolved.rcode != RCODE_SERVFAIL)
            prefetch(desk, &key, query, &hit);
        return answer_hit(&hit, query, policy, now_s);
    }
    bool stale = found && is_worth_giving(&hit, policy);
    if (stale && now_s < hit.retry_s)
        return answer_stale(desk, &hit, query, policy);
    stat_add(&desk->figures.misses, 1);
    if (wait_for(desk, &key, query, message, policy, stale))
        return 0;
    stat_add(&desk->figures.limited, 1);
    if (stale)
        return answer_stale(desk, &hit, query, policy);
    return answer_without(query, policy, now_s, RCODE_SERVFAIL, EDNS_ERROR_NOT_READY);
}

/* --- answering later
 * -------------------------------------------------------------------------------------------- */

/* What the client that waited is told: `resolved`, or what is past its end. */
static size_t answer_waiter(struct desk *desk, const struct waiter *waiter, const struct resolved *resolved,
                            const struct cache_hit *stale)
{
    struct query query;
    struct tsig tsig;
    const struct answer_policy *policy = answer_policy_current();
    const struct answer_message message = {
        .query = waiter->query,
        .query_octets = waiter->query_octets,
        .client = &waiter->deferred.client.sa,
        .response = desk->response,
        .response_capacity = waiter->capacity,
    };
    if (query_parse(&query, &message, waiter->transport) != PARSE_PROCEED)
        return 0;
    /* It held when it came. */
    if (query.tsig_at != 0 && tsig_verify(&tsig, &policy->keys, waiter->query, waiter->query_octets,
                                          query.tsig_at, desk->context->now_s) == TSIG_HOLDS)
        query.tsig = &tsig;
    const struct rendering rendering = {.resolved = resolved, .error = EDNS_ERROR_NONE};
    size_t octets = stale != NULL ? answer_stale(desk, stale, &query, policy)
                                  : render_answer(&rendering, &query, policy, desk->context->now_s);
    struct worker_stats *stats = desk->context->stats;
    stat_add(&stats->answers, 1);
    stat_add(&stats->rcodes[query.rcode < STATS_RCODES ? query.rcode : 0], 1);
    if ((desk->response[2] & FLAG_TC >> 8) != 0)
        stat_add(&stats->truncated, 1);
    return octets;
}

static void answer_waiters(struct desk *desk, struct search *search, const struct resolved *resolved,
                           const struct cache_hit *stale)
{
    struct waiter *waiter = NULL;
    while ((waiter = waiting_take(&desk->waiting, search)) != NULL) {
        if (waiter->deferred.send != NULL)
            waiter->deferred.send(&waiter->deferred, desk->response,
                                  desk->closing ? 0 : answer_waiter(desk, waiter, resolved, stale));
        free(waiter);
    }
}

/* What the search came to, for these clients. */
static void take_result(struct desk *desk, const struct search *search, struct resolved *resolved)
{
    const struct resolve_task *task = &search->task;
    const struct resolved_question question = {task->name, task->type, (search->flags & CACHE_DNSSEC) != 0};
    bool unchecked = (search->flags & CACHE_UNCHECKED) != 0;
    if (task->rcode == RCODE_NOERROR && task->trust == ENGINE_BOGUS && !unchecked) {
        *resolved = resolved_failure(RCODE_SERVFAIL, task->error);
        resolved->ttl_s = RESOLVED_TTL_BOGUS;
        return;
    }
    if (task->rcode == RCODE_NOERROR &&
        resolved_take(resolved, &desk->room, &question, task->packet, task->octets)) {
        resolved->secure = task->trust == ENGINE_SECURE;
        return;
    }
    *resolved = resolved_failure(task->rcode != RCODE_NOERROR ? task->rcode : RCODE_SERVFAIL,
                                 EDNS_ERROR_NO_REACHABLE);
}

/* The stale answer for the search, if there is one that may be given. */
static bool find_stale(struct desk *desk, const struct cache_key *key, struct cache_hit *hit)
{
    return cache_find(desk->cache, key, desk->context->now_s, hit) &&
           is_worth_giving(hit, answer_policy_current());
}

static void finish_search(struct desk *desk, struct search *search)
{
    struct resolved resolved;
    struct cache_hit stale;
    const struct cache_key key = search_key(search);
    take_result(desk, search, &resolved);
    bool failed = resolved.rcode == RCODE_SERVFAIL;
    if (failed && find_stale(desk, &key, &stale)) {
        cache_defer(desk->cache, &key, desk->context->now_s + DESK_RETRY_S);
        answer_waiters(desk, search, NULL, &stale);
    } else {
        if (resolved.ttl_s > 0 && search->task.asked_ns >= desk->flushed_ns)
            (void)cache_put(desk->cache, &key, &resolved, desk->context->now_s, search->task.engine);
        answer_waiters(desk, search, &resolved, NULL);
    }
    waiting_end(&desk->waiting, search);
    free(search->task.packet);
    free(search);
}

static void desk_queue(struct desk *desk, struct errand *errand)
{
    errand->next = NULL;
    pthread_mutex_lock(&desk->lock);
    *desk->errand_last = errand;
    desk->errand_last = &errand->next;
    pthread_mutex_unlock(&desk->lock);
}

void desk_send(struct desk *desk, struct errand *errand)
{
    desk_queue(desk, errand);
    (void)uv_async_send(&desk->inbox.arrived);
}

/* One after the other: what is forgotten isn't to be taken in again by one that came before. */
static void desk_go_on(struct desk *desk, struct errand *errand)
{
    pthread_mutex_lock(&desk->lock);
    errand->next = desk->errand_first;
    desk->errand_first = errand;
    if (errand->next == NULL)
        desk->errand_last = &errand->next;
    pthread_mutex_unlock(&desk->lock);
}

/* One step of the errand that waits longest; the next one comes after whatever else the loop has to do. */
static void desk_run_errand(struct desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    struct errand *errand = desk->errand_first;
    if (errand != NULL)
        desk->errand_first = errand->next;
    if (desk->errand_first == NULL)
        desk->errand_last = &desk->errand_first;
    bool more = desk->errand_first != NULL;
    pthread_mutex_unlock(&desk->lock);
    if (errand == NULL || desk->closing)
        return;
    if (errand->kind == ERRAND_FLUSH && errand->at == 0)
        desk->flushed_ns = mono_now().ns;
    bool done = errand_step(errand, desk->cache, desk->context->now_s);
    if (!done)
        desk_go_on(desk, errand);
    if (more || !done)
        (void)uv_async_send(&desk->inbox.arrived);
    if (done)
        errand->done(errand);
}

static void desk_arrived(uv_async_t *arrived)
{
    struct desk *desk = arrived->data;
    struct resolve_task *task = resolve_inbox_take(&desk->inbox);
    struct resolve_task *next = NULL;
    urcu_qsbr_thread_online();
    for (; task != NULL; task = next) {
        next = task->next;
        finish_search(desk, (struct search *)(void *)task);
    }
    urcu_qsbr_thread_offline();
    desk_run_errand(desk);
    const struct cache_figures figures = cache_figures(desk->cache);
    stat_set(&desk->figures.entries, figures.entries);
    stat_set(&desk->figures.octets, figures.octets);
    stat_set(&desk->figures.evicted, figures.evicted);
    stat_set(&desk->figures.searches, desk->waiting.searches);
}

/* Clients don't wait for ever, and not for long when there is something to give them. */
static void desk_tick(uv_timer_t *timer)
{
    struct desk *desk = timer->data;
    uint64_t now_ms = uv_now(desk->loop);
    struct cache_hit stale;
    urcu_qsbr_thread_online();
    for (struct search *search = desk->waiting.oldest; search != NULL; search = search->newer) {
        uint64_t waited_ms = now_ms - search->since_ms;
        if (waited_ms < DESK_STALE_MS)
            break;
        if (search->waiters == NULL)
            continue;
        const struct cache_key key = search_key(search);
        if (search->has_stale && find_stale(desk, &key, &stale)) {
            cache_defer(desk->cache, &key, desk->context->now_s + DESK_RETRY_S);
            answer_waiters(desk, search, NULL, &stale);
        } else if (waited_ms >= DESK_WAIT_MS) {
            const struct resolved nothing = resolved_failure(RCODE_SERVFAIL, EDNS_ERROR_NO_REACHABLE);
            answer_waiters(desk, search, &nothing, NULL);
        }
    }
    urcu_qsbr_thread_offline();
    if (desk->waiting.oldest == NULL)
        (void)uv_timer_stop(&desk->tick);
}

/* --- beginning and end
 * ------------------------------------------------------------------------------------------ */

struct desk *desk_new(uv_loop_t *loop, struct answer_context *context, struct resolver *resolver,
                      size_t cache_octets, const uint64_t secret[2])
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        return NULL;
    desk->cache = cache_new(cache_octets, secret);
    if (desk->cache == NULL) {
        free(desk);
        return NULL;
    }
    desk->context = context;
    desk->resolver = resolver;
    desk->loop = loop;
    desk->waiting.secret = secret[0] ^ secret[1];
    desk->inbox.last = &desk->inbox.first;
    desk->errand_last = &desk->errand_first;
    (void)pthread_mutex_init(&desk->lock, NULL);
    (void)pthread_mutex_init(&desk->inbox.lock, NULL);
    (void)uv_async_init(loop, &desk->inbox.arrived, desk_arrived);
    (void)uv_timer_init(loop, &desk->tick);
    (void)uv_timer_start(&desk->tick, desk_tick, DESK_TICK_MS, DESK_TICK_MS);
    desk->inbox.arrived.data = desk->tick.data = desk;
    desk->handles = 2;
    return desk;
}

static void desk_closed(uv_handle_t *handle)
{
    struct desk *desk = handle->data;
    if (--desk->handles > 0)
        return;
    pthread_mutex_destroy(&desk->inbox.lock);
    pthread_mutex_destroy(&desk->lock);
    cache_free(desk->cache);
    free(desk);
}

void desk_close(struct desk *desk)
{
    desk->closing = true;
    desk_arrived(&desk->inbox.arrived);
    uv_close((uv_handle_t *)&desk->inbox.arrived, desk_closed);
    uv_close((uv_handle_t *)&desk->tick, desk_closed);
}
