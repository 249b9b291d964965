/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/announcer.h"

#include "announce/announcer_state.h"
#include "announce/bgp_write.h"
#include "base/log.h"
#include "base/secret.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UPDATE_OCTETS        1024 /* an announcement of one prefix with everything that a policy can hold */
#define LAPSE_INTERVALS      3    /* a verdict that wasn't repeated for so many is no verdict */
#define FLUSH_MOST_MS        3000 /* how long a drain waits for a neighbour that doesn't read */
#define NEXT_HOP_RETRY_TICKS 20
#define WITHDRAWN_MOST_MS    1000 /* until a neighbour's host acknowledges a withdrawal; then BFD says it */

/* --- desired state against sent state
 * ----------------------------------------------------------------------- */

static void neighbor_complain(struct neighbor *n, const struct prefix *prefix, const char *why)
{
    uint8_t family = prefix->is.family == AF_INET6 ? BGP_IPV6 : BGP_IPV4;
    if ((n->complained & family) != 0)
        return;
    n->complained |= family;
    log_warn("neighbor %s: %s is not announced: %s", n->settings.text, prefix->text, why);
}

static void neighbor_withdraw(struct neighbor *n, size_t i)
{
    uint8_t bytes[UPDATE_OCTETS];
    if (n->withdrawing_since.ns == 0)
        n->withdrawing_since = mono_now();
    struct writer to = writer_to(bytes, sizeof bytes);
    bgp_write_withdrawal(&to, &n->announcer->prefixes[i].is);
    if (to.failed || !bgp_peer_write(n->peer, bytes, writer_offset(&to)))
        return; /* tried again when there is room */
    n->sent[i].announced = false;
    n->withdrawals++;
}

static void neighbor_announce(struct neighbor *n, size_t i, const struct bgp_route *route)
{
    uint8_t bytes[UPDATE_OCTETS];
    uint8_t digest[DIGEST_OCTETS];
    struct writer to = writer_to(bytes, sizeof bytes);
    bgp_write_announcement(&to, route, &n->announcer->prefixes[i].is);
    if (to.failed)
        return;
    crypto_generichash(digest, sizeof digest, bytes, writer_offset(&to), NULL, 0);
    if (n->sent[i].announced && memcmp(digest, n->sent[i].digest, sizeof digest) == 0)
        return;
    if (!bgp_peer_write(n->peer, bytes, writer_offset(&to)))
        return;
    n->sent[i].announced = true;
    memcpy(n->sent[i].digest, digest, sizeof digest);
    n->announcements++;
}

/* Whether prefix `i` should stand at this neighbour, and how. */
static bool neighbor_wants(struct neighbor *n, size_t i, struct bgp_route *route)
{
    const struct prefix *prefix = &n->announcer->prefixes[i];
    if (!route_is_announced(prefix->state))
        return false;
    const char *why = route_for_session(bgp_peer_session(n->peer), &n->settings, &n->hops, &n->policy,
                                        prefix->state, prefix->is.family, route);
    if (why != NULL)
        neighbor_complain(n, prefix, why);
    return why == NULL;
}

static void neighbor_end_of_rib(struct neighbor *n)
{
    static const enum bgp_family families[] = {BGP_IPV4, BGP_IPV6};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        uint8_t bytes[64];
        struct writer to = writer_to(bytes, sizeof bytes);
        bgp_write_end_of_rib(&to, families[i]);
        if ((bgp_peer_session(n->peer)->peer.families & families[i]) != 0)
            (void)bgp_peer_write(n->peer, bytes, writer_offset(&to));
    }
    n->initial = false;
}

/* Withdrawals first: traffic that we can't answer is the greater harm. */
static void neighbor_mend(struct neighbor *n)
{
    struct bgp_route route;
    if (!n->up)
        return;
    for (size_t i = 0; i < n->announcer->prefix_count; i++)
        if (n->sent[i].announced && !neighbor_wants(n, i, &route))
            neighbor_withdraw(n, i);
    for (size_t i = 0; i < n->announcer->prefix_count; i++)
        if (neighbor_wants(n, i, &route))
            neighbor_announce(n, i, &route);
    if (n->initial)
        neighbor_end_of_rib(n);
}

static bool neighbor_has_sent_any(const struct neighbor *n)
{
    for (size_t i = 0; i < n->announcer->prefix_count; i++)
        if (n->up && n->sent[i].announced)
            return true;
    return false;
}

/* Every withdrawal has arrived, as far as can be known. */
static bool neighbor_has_withdrawn(struct neighbor *n)
{
    struct bgp_route route;
    for (size_t i = 0; i < n->announcer->prefix_count; i++)
        if (n->sent[i].announced && !neighbor_wants(n, i, &route))
            return false;
    return bgp_peer_is_acknowledged(n->peer);
}

/* What BFD has to say besides that we live. */
static void neighbor_mend_bfd(struct neighbor *n, struct mono now)
{
    const struct announcer *a = n->announcer;
    if (n->withdrawing_since.ns != 0 && (!n->up || neighbor_has_withdrawn(n)))
        n->withdrawing_since = (struct mono){0};
    if (n->bfd_session == NULL)
        return;
    bool holds = neighbor_has_sent_any(n) || n->withdrawing_since.ns != 0;
    bool overdue =
        n->withdrawing_since.ns != 0 && mono_ms_between(n->withdrawing_since, now) >= WITHDRAWN_MOST_MS;
    bfd_session_set_muted(n->bfd_session, overdue || (holds && a->server_gone));
}

static bool announcer_has_sent_any(const struct announcer *a)
{
    if (a->other != NULL && backend_holds_any(a->other))
        return true;
    for (size_t i = 0; i < a->neighbor_count; i++)
        if (neighbor_has_sent_any(a->neighbors[i]))
            return true;
    return false;
}

static void prefix_enter(struct announcer *a, struct prefix *prefix, enum route_state state, struct mono now)
{
    if (prefix->state == state)
        return;
    log_info("route %s: %s (was %s)", prefix->text, route_state_name(state), route_state_name(prefix->state));
    prefix->state = state;
    prefix->since = now;
    a->something_changed = true;
}

static void announcer_tell(struct announcer *a)
{
    if (!a->something_changed)
        return;
    a->something_changed = false;
    if (a->changed != NULL)
        a->changed(a->changed_arg);
}

static void drain_check(struct announcer *a, struct mono now);

/* The one place where anything is sent: what should be is made out anew, and whatever differs is mended. */
static void announcer_mend(struct announcer *a, struct mono now)
{
    if (a->stopping)
        return;
    bool fresh = a->verdict_age_ms <= a->verdict_lapse_ms;
    for (size_t i = 0; i < a->prefix_count; i++)
        prefix_enter(a, &a->prefixes[i], route_state_of(a->prefixes[i].verdict, fresh, a->drain), now);
    for (size_t i = 0; i < a->neighbor_count; i++)
        neighbor_mend(a->neighbors[i]);
    for (size_t i = 0; i < a->neighbor_count; i++)
        neighbor_mend_bfd(a->neighbors[i], now);
    for (size_t i = 0; a->other != NULL && i < a->prefix_count; i++)
        backend_want(a->other, &a->prefixes[i].is, a->prefixes[i].state);
    drain_check(a, now);
    announcer_tell(a);
}

/* --- drain
 * --------------------------------------------------------------------------------------------------- */

static bool announcer_is_flushed(const struct announcer *a)
{
    for (size_t i = 0; i < a->neighbor_count; i++)
        if (a->neighbors[i]->up && !bgp_peer_is_flushed(a->neighbors[i]->peer))
            return false;
    return !announcer_has_sent_any(a) && (a->other == NULL || backend_is_settled(a->other));
}

/* Tells, once, that the drain is over. */
static void drain_check(struct announcer *a, struct mono now)
{
    if (a->drain != DRAIN_WITHDRAWN || a->drained == NULL)
        return;
    if (!announcer_is_flushed(a) && !mono_reached(now, a->flush_until))
        return;
    announcer_callback drained = a->drained;
    a->drained = NULL;
    drained(a->drained_arg);
}

static void drain_withdraw(struct announcer *a)
{
    struct mono now = mono_now();
    a->drain = DRAIN_WITHDRAWN;
    a->flush_until = mono_add_ms(now, a->other != NULL ? backend_patience_ms(a->other) : FLUSH_MOST_MS);
    a->something_changed = true;
    announcer_mend(a, now);
}

static void on_drain_timer(uv_timer_t *timer)
{
    drain_withdraw(timer->data);
}

void announcer_drain_goes_on(struct announcer *a, uint64_t wait_ms)
{
    uv_update_time(a->loop);
    uv_timer_start(&a->drain_timer, on_drain_timer, wait_ms, 0);
}

void announcer_drain(struct announcer *a, const char *reason, announcer_callback done, void *arg)
{
    a->drained = done;
    a->drained_arg = arg;
    (void)snprintf(a->reason, sizeof a->reason, "%s", reason != NULL ? reason : "");
    if (a->drain == DRAIN_NONE) {
        a->drain = DRAIN_MARKED;
        a->something_changed = true;
        log_info("draining%s%s", a->reason[0] != '\0' ? ": " : "", a->reason);
        announcer_mend(a, mono_now());
        /* Nobody has to find another way when nothing was announced. Never from inside: a caller may not be
         * ready to hear that it is over before this call is. */
        announcer_drain_goes_on(a, announcer_has_sent_any(a) ? a->drain_wait_ms : 0);
    } else if (a->drain == DRAIN_WITHDRAWN) {
        uv_timer_start(&a->drain_timer, on_drain_timer, 0, 0);
    }
}

void announcer_resume(struct announcer *a)
{
    if (a->drain == DRAIN_NONE)
        return;
    uv_timer_stop(&a->drain_timer);
    a->drain = DRAIN_NONE;
    a->drained = NULL;
    a->reason[0] = '\0';
    a->something_changed = true;
    log_info("resumed");
    announcer_mend(a, mono_now());
}

/* --- neighbours
 * ----------------------------------------------------------------------------------------------- */

void neighbor_find_next_hops(struct neighbor *n)
{
    struct settings_prefix avoid[SETTINGS_MAX_PREFIXES];
    for (size_t i = 0; i < n->announcer->prefix_count; i++)
        avoid[i] = n->announcer->prefixes[i].is;
    n->hops = next_hops_find(bgp_peer_local(n->peer), avoid, n->announcer->prefix_count);
}

static void on_bfd_up(void *arg)
{
    struct neighbor *n = arg;
    if (!n->leaving)
        bgp_peer_hurry(n->peer);
}

static void on_bfd_down(void *arg, const char *why)
{
    struct neighbor *n = arg;
    if (!n->leaving)
        bgp_peer_bfd_down(n->peer, why);
}

static void on_session_changed(void *arg);

static void neighbor_end_bfd(struct neighbor *n)
{
    if (n->bfd_session != NULL)
        bfd_session_stop(n->bfd_session);
    n->bfd_session = NULL;
}

/* As soon as a TCP connection says between which addresses, and not only when BGP is up: some routers wait
 * for BFD before they go on. It stays when BGP goes, to see the neighbour come back. */
static void neighbor_keep_bfd(struct neighbor *n)
{
    static const struct bfd_callbacks callbacks = {on_bfd_up, on_bfd_down, on_session_changed};
    const union settings_address *local = bgp_peer_local(n->peer);
    const union settings_address *remote = bgp_peer_remote(n->peer);
    bool connected = local->sa.sa_family != 0;
    bool wanted = n->bfd.interval_ms != 0;
    bool elsewhere =
        n->bfd_session != NULL && connected && !bfd_session_is_between(n->bfd_session, local, remote);
    if (!wanted || elsewhere)
        neighbor_end_bfd(n);
    if (n->bfd_session != NULL)
        bfd_session_set_times(n->bfd_session, &n->bfd);
    else if (wanted && connected)
        n->bfd_session =
            bfd_session_start(n->announcer->bfd, n->settings.text, &n->bfd, local, remote, &callbacks, n);
}

static void on_up(void *arg)
{
    struct neighbor *n = arg;
    n->up = true;
    n->initial = true;
    n->complained = 0;
    memset(n->sent, 0, sizeof n->sent);
    neighbor_find_next_hops(n);
    announcer_mend(n->announcer, mono_now());
}

static void on_down(void *arg)
{
    struct neighbor *n = arg;
    n->up = false;
    memset(n->sent, 0, sizeof n->sent);
    announcer_mend(n->announcer, mono_now()); /* a drain may have waited for this one only */
}

/* Everything of these families counts as announced in a way that isn't wanted. */
static void on_refresh(void *arg, uint8_t families)
{
    struct neighbor *n = arg;
    for (size_t i = 0; i < n->announcer->prefix_count; i++) {
        uint8_t family = n->announcer->prefixes[i].is.family == AF_INET6 ? BGP_IPV6 : BGP_IPV4;
        if ((families & family) != 0)
            memset(n->sent[i].digest, 0, sizeof n->sent[i].digest);
    }
    announcer_mend(n->announcer, mono_now());
}

static void on_sent(void *arg)
{
    struct neighbor *n = arg;
    announcer_mend(n->announcer, mono_now());
}

static void on_session_changed(void *arg)
{
    struct neighbor *n = arg;
    if (n->leaving)
        return;
    neighbor_keep_bfd(n);
    n->announcer->something_changed = true;
    announcer_tell(n->announcer);
}

static struct neighbor *neighbor_new(struct announcer *a, const struct bgp_peer_settings *settings,
                                     const struct settings_policy *policy)
{
    static const struct bgp_peer_callbacks callbacks = {on_up, on_down, on_refresh, on_sent,
                                                        on_session_changed};
    struct neighbor *n = secret_new(sizeof *n);
    if (n == NULL)
        return NULL;
    n->announcer = a;
    memcpy(&n->settings, settings, sizeof n->settings);
    n->policy = *policy;
    n->peer = bgp_peer_new(a->loop, settings, &callbacks, n);
    if (n->peer == NULL) {
        secret_free(n, sizeof *n);
        return NULL;
    }
    return n;
}

static void on_backend_changed(void *arg)
{
    struct announcer *a = arg;
    a->something_changed = true;
    announcer_mend(a, mono_now());
}

static void announcer_one_left(struct announcer *a)
{
    if (--a->leaving > 0 || !a->stopping)
        return;
    announcer_callback stopped = a->stopped;
    void *arg = a->stopped_arg;
    free(a);
    if (stopped != NULL)
        stopped(arg);
}

static void on_bfd_gone(void *arg)
{
    announcer_one_left(arg);
}

/* BFD goes last. BIRD takes AdminDown for a failure (RFC 5882 3.2 says otherwise), and a neighbour that
 * failed has to wait a minute before it may come back; one that said Cease doesn't. */
static void announcer_close_bfd(struct announcer *a)
{
    if (a->stopping && a->neighbors_leaving == 0)
        bfd_close(a->bfd, on_bfd_gone, a);
}

static void on_neighbor_gone(void *arg)
{
    struct neighbor *n = arg;
    struct announcer *a = n->announcer;
    bfd_stop_of(a->bfd, n);
    a->neighbors_leaving--;
    announcer_close_bfd(a);
    secret_free(n, sizeof *n);
    announcer_one_left(a);
}

static void neighbor_end(struct neighbor *n, uint8_t subcode, const char *text)
{
    struct bgp_error cease = {.code = BGP_ERROR_CEASE, .subcode = subcode};
    size_t octets = strlen(text);
    if (octets > 0) { /* RFC 9003 2 */
        cease.data[0] = (uint8_t)octets;
        memcpy(cease.data + 1, text, octets);
        cease.data_octets = (uint8_t)(octets + 1);
    }
    n->leaving = true;
    n->announcer->leaving++;
    n->announcer->neighbors_leaving++;
    n->up = false;
    bgp_peer_stop(n->peer, &cease, on_neighbor_gone, n);
}

/* --- time
 * ------------------------------------------------------------------------------------------------------- */

/* An address that was missing may have come since. */
static void announcer_retry_next_hops(struct announcer *a)
{
    for (size_t i = 0; i < a->neighbor_count; i++) {
        struct neighbor *n = a->neighbors[i];
        if (n->up && (n->hops.ipv4.family == 0 || n->hops.ipv6.family == 0))
            neighbor_find_next_hops(n);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct announcer *a = timer->data;
    a->verdict_age_ms += a->tick_ms;
    if (++a->ticks % NEXT_HOP_RETRY_TICKS == 0)
        announcer_retry_next_hops(a);
    announcer_mend(a, mono_now());
}

static void announcer_set_times(struct announcer *a, const struct settings *settings)
{
    int64_t interval = settings->health.interval_ms;
    a->drain_wait_ms = settings->announce.drain_wait_ms;
    a->verdict_lapse_ms = LAPSE_INTERVALS * interval + settings->health.timeout_ms;
    a->tick_ms = interval / 4 < 50 ? 50 : interval / 4 > 1000 ? 1000 : interval / 4;
    uv_timer_start(&a->tick, on_tick, (uint64_t)a->tick_ms, (uint64_t)a->tick_ms);
}

/* --- settings
 * --------------------------------------------------------------------------------------------------- */

static bool prefix_same(const struct settings_prefix *a, const struct settings_prefix *b)
{
    return a->family == b->family && a->bits == b->bits &&
           memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

/* The index of a prefix; `count` when it isn't there. */
static size_t prefix_find(const struct prefix *prefixes, size_t count, const struct settings_prefix *prefix)
{
    size_t i = 0;
    while (i < count && !prefix_same(&prefixes[i].is, prefix))
        i++;
    return i;
}

static struct prefix prefix_of(const struct settings_prefix *is, struct mono now)
{
    struct prefix p = {.is = *is, .since = now};
    char address[INET6_ADDRSTRLEN] = "";
    p.is.text = NULL;
    (void)inet_ntop(is->family, is->octets, address, sizeof address);
    (void)snprintf(p.text, sizeof p.text, "%s/%u", address, is->bits);
    return p;
}

/* A neighbour that stays forgets prefixes that went, and keeps what it was told of the others under their new
 * index. One that can't take the withdrawals starts anew, which withdraws everything. */
static void neighbor_renumber(struct neighbor *n, const struct prefix *to, size_t to_count)
{
    struct announcer *a = n->announcer;
    struct sent sent[SETTINGS_MAX_PREFIXES] = {0};
    bool stuck = false;
    for (size_t i = 0; i < a->prefix_count; i++) {
        size_t at = prefix_find(to, to_count, &a->prefixes[i].is);
        if (at < to_count)
            sent[at] = n->sent[i];
        else if (n->up && n->sent[i].announced)
            neighbor_withdraw(n, i);
        stuck |= at == to_count && n->up && n->sent[i].announced;
    }
    memcpy(n->sent, sent, sizeof n->sent);
    if (stuck)
        bgp_peer_reset(n->peer,
                       &(struct bgp_error){.code = BGP_ERROR_CEASE, .subcode = BGP_CEASE_CONFIG_CHANGE});
}

static void announcer_take_prefixes(struct announcer *a, const struct settings_announce *settings)
{
    struct mono now = mono_now();
    struct prefix next[SETTINGS_MAX_PREFIXES];
    for (size_t i = 0; i < settings->prefix_count; i++) {
        size_t at = prefix_find(a->prefixes, a->prefix_count, &settings->prefixes[i]);
        next[i] = at < a->prefix_count ? a->prefixes[at] : prefix_of(&settings->prefixes[i], now);
    }
    for (size_t i = 0; i < a->neighbor_count; i++)
        neighbor_renumber(a->neighbors[i], next, settings->prefix_count);
    memcpy(a->prefixes, next, settings->prefix_count * sizeof next[0]);
    a->prefix_count = settings->prefix_count;
}

/* The running neighbour with exactly these settings, taken out of the list; NULL when there is none. */
static struct neighbor *announcer_take_neighbor(struct announcer *a, const struct bgp_peer_settings *settings)
{
    for (size_t i = 0; i < a->neighbor_count; i++) {
        struct neighbor *n = a->neighbors[i];
        if (n == NULL || !bgp_peer_settings_equal(&n->settings, settings))
            continue;
        a->neighbors[i] = NULL;
        return n;
    }
    return NULL;
}

/* The neighbours that the settings ask for: those that run already are moved over, others are made and `made`
 * by their place. False when memory is short, and then everything is as before. */
static bool announcer_plan_neighbors(struct announcer *a, const struct settings *settings,
                                     struct neighbor **next, bool *made)
{
    size_t count = settings->announce.backend == ANNOUNCE_BGP ? settings->announce.neighbor_count : 0;
    struct neighbor *before[SETTINGS_MAX_NEIGHBORS];
    memcpy(before, a->neighbors, sizeof before);
    for (size_t i = 0; i < count; i++) {
        const struct settings_neighbor *wanted = &settings->announce.neighbors[i];
        struct bgp_peer_settings s =
            bgp_peer_settings_of(&settings->announce, wanted, settings->server.identity);
        next[i] = announcer_take_neighbor(a, &s);
        made[i] = next[i] == NULL;
        if (next[i] == NULL)
            next[i] = neighbor_new(a, &s, &wanted->policy);
        sodium_memzero(&s, sizeof s);
        if (next[i] != NULL)
            continue;
        memcpy(a->neighbors, before, sizeof before);
        for (size_t j = 0; j < i; j++)
            if (made[j])
                neighbor_end(next[j], BGP_CEASE_CONFIG_CHANGE, "");
        return false;
    }
    return true;
}

static void on_backend_gone(void *arg)
{
    announcer_one_left(arg);
}

/* The backend for these settings: the running one, where it can take them over. False when memory is short,
 * and then the running one stays. */
static bool announcer_apply_other(struct announcer *a, const struct settings *settings)
{
    bool wanted = settings->announce.other.kind != ANNOUNCE_NONE;
    if (wanted && a->other != NULL && backend_reload(a->other, settings))
        return true;
    struct backend *next =
        wanted ? backend_open(a->loop, settings, json_object_get(a->heritage, "other"), on_backend_changed, a)
               : NULL;
    if (wanted && next == NULL)
        return false;
    if (a->other != NULL) {
        a->leaving++;
        backend_close(a->other, on_backend_gone, a);
    }
    a->other = next;
    return true;
}

/* A neighbour that is made anew goes on with the BFD session of the one before it: stopping that would be a
 * failure to some routers. `next` are those that stay or are new, a->neighbors those that leave. */
static void announcer_pass_bfd_on(struct announcer *a, const struct settings *settings,
                                  struct neighbor **next, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < a->neighbor_count; k++) {
            struct neighbor *before = a->neighbors[k];
            if (before == NULL || next[i] == NULL || before->bfd_session == NULL ||
                next[i]->bfd_session != NULL || settings->announce.neighbors[i].bfd.interval_ms == 0 ||
                strcmp(before->settings.text, next[i]->settings.text) != 0)
                continue;
            next[i]->bfd_session = before->bfd_session;
            before->bfd_session = NULL;
            bfd_session_pass_on(next[i]->bfd_session, next[i]);
        }
    }
}

static int announcer_apply(struct announcer *a, const struct settings *settings)
{
    struct neighbor *next[SETTINGS_MAX_NEIGHBORS] = {0};
    bool made[SETTINGS_MAX_NEIGHBORS] = {0};
    size_t count = settings->announce.backend == ANNOUNCE_BGP ? settings->announce.neighbor_count : 0;
    if (!announcer_apply_other(a, settings) || !announcer_plan_neighbors(a, settings, next, made))
        return -ENOMEM;
    announcer_pass_bfd_on(a, settings, next, count);
    for (size_t i = 0; i < a->neighbor_count; i++)
        if (a->neighbors[i] != NULL)
            neighbor_end(a->neighbors[i], BGP_CEASE_DECONFIGURED, "");
    memcpy(a->neighbors, next, sizeof next);
    a->neighbor_count = count;
    a->backend = settings->announce.backend;
    announcer_take_prefixes(a, &settings->announce);
    announcer_take_over_verdicts(a);
    announcer_set_times(a, settings);
    for (size_t i = 0; i < count; i++) {
        a->neighbors[i]->policy = settings->announce.neighbors[i].policy;
        a->neighbors[i]->bfd = settings->announce.neighbors[i].bfd;
        if (made[i] && !neighbor_take_over(a->neighbors[i]))
            bgp_peer_start(a->neighbors[i]->peer);
        neighbor_keep_bfd(a->neighbors[i]);
        if (made[i])
            continue;
        if (a->neighbors[i]->up)
            neighbor_find_next_hops(a->neighbors[i]); /* what is to be avoided may have changed */
    }
    a->something_changed = true;
    announcer_mend(a, mono_now());
    return 0;
}

int announcer_reload(struct announcer *a, const struct settings *settings)
{
    return announcer_apply(a, settings);
}

struct announcer *announcer_new(uv_loop_t *loop, const struct settings *settings, const json_t *heritage)
{
    struct announcer *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    a->loop = loop;
    a->bfd = bfd_new(loop);
    if (a->bfd == NULL) {
        free(a);
        return NULL;
    }
    uv_timer_init(loop, &a->tick);
    uv_timer_init(loop, &a->drain_timer);
    a->tick.data = a->drain_timer.data = a;
    a->heritage = heritage;
    bfd_take_over(a->bfd, json_object_get(heritage, "bfd"));
    if (announcer_apply(a, settings) < 0) {
        announcer_stop(a, NULL, NULL);
        return NULL;
    }
    a->heritage = NULL;
    return a;
}

void announcer_watch(struct announcer *a, announcer_callback changed, void *arg)
{
    a->changed = changed;
    a->changed_arg = arg;
}

static const struct verdict_of_prefix *report_find(const struct verdict_report *report,
                                                   const struct settings_prefix *prefix)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct verdict_of_prefix *v = &report->prefixes[i];
        if (v->family == prefix->family && v->bits == prefix->bits &&
            memcmp(v->octets, prefix->octets, sizeof v->octets) == 0)
            return v;
    }
    return NULL;
}

void announcer_set_verdict(struct announcer *a, struct mono now, const struct verdict_report *report)
{
    if (a->took_over && report->overall == VERDICT_NONE) {
        /* The server of the program before us answers until ours does, and that may take its time. */
        if (!mono_reached(now, a->took_over_until))
            a->verdict_age_ms = 0;
        return;
    }
    a->took_over = false;
    a->verdict_age_ms = 0;
    a->overall = report->overall;
    for (size_t i = 0; i < a->prefix_count; i++) {
        const struct verdict_of_prefix *v = report_find(report, &a->prefixes[i].is);
        if (v != NULL)
            a->prefixes[i].verdict = v->verdict;
    }
    announcer_mend(a, now);
}

void announcer_set_server(struct announcer *a, bool answers)
{
    a->server_gone = !answers;
    announcer_mend(a, mono_now());
}

static void on_own_handle_closed(uv_handle_t *handle)
{
    announcer_one_left(handle->data);
}

void announcer_stop(struct announcer *a, announcer_callback done, void *arg)
{
    if (a->stopping)
        return;
    a->stopping = true;
    a->stopped = done;
    a->stopped_arg = arg;
    a->leaving += 3;
    for (size_t i = 0; i < a->neighbor_count; i++)
        neighbor_end(a->neighbors[i], BGP_CEASE_SHUTDOWN, a->reason);
    a->neighbor_count = 0;
    announcer_close_bfd(a);
    if (a->other != NULL) {
        a->leaving++;
        backend_close(a->other, on_backend_gone, a);
        a->other = NULL;
    }
    uv_close((uv_handle_t *)&a->tick, on_own_handle_closed);
    uv_close((uv_handle_t *)&a->drain_timer, on_own_handle_closed);
}

/* --- telling
 * ------------------------------------------------------------------------------------------------------ */

enum route_state announcer_route_state(const struct announcer *a)
{
    enum route_state state = ROUTE_INIT;
    if (a->prefix_count == 0)
        return route_state_of(a->overall, a->verdict_age_ms <= a->verdict_lapse_ms, a->drain);
    for (size_t i = 0; i < a->prefix_count; i++)
        state = route_state_more_present(state, a->prefixes[i].state);
    return state;
}

bool announcer_is_drained(const struct announcer *a)
{
    return a->drain != DRAIN_NONE;
}

bool announcer_is_heard(const struct announcer *a, const struct settings_prefix *prefix)
{
    size_t at = prefix_find(a->prefixes, a->prefix_count, prefix);
    if (a->backend != ANNOUNCE_BGP || at == a->prefix_count)
        return true;
    for (size_t i = 0; i < a->neighbor_count; i++)
        if (a->neighbors[i]->up && a->neighbors[i]->sent[at].announced)
            return true;
    return false;
}

static json_t *prefixes_status(const struct announcer *a, struct mono now)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->prefix_count; i++) {
        const struct prefix *p = &a->prefixes[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I}", "prefix", p->text, "state",
                                              route_state_name(p->state), "verdict", verdict_name(p->verdict),
                                              "since_ms", (json_int_t)mono_ms_between(p->since, now)));
    }
    return list;
}

static json_t *neighbor_status(const struct neighbor *n, struct mono now)
{
    json_t *status = bgp_peer_status(n->peer, now);
    json_t *announced = json_array();
    for (size_t i = 0; i < n->announcer->prefix_count; i++)
        if (n->up && n->sent[i].announced)
            json_array_append_new(announced, json_string(n->announcer->prefixes[i].text));
    if (n->bfd_session != NULL)
        json_object_set_new(status, "bfd", bfd_session_status(n->bfd_session, now));
    json_object_set_new(status, "announced", announced);
    json_object_set_new(status, "announcements_sent", json_integer((json_int_t)n->announcements));
    json_object_set_new(status, "withdrawals_sent", json_integer((json_int_t)n->withdrawals));
    return status;
}

json_t *announcer_status(const struct announcer *a, struct mono now)
{
    static const char *const phases[] = {"no", "marked", "withdrawn"};
    json_t *neighbors = json_array();
    for (size_t i = 0; i < a->neighbor_count; i++)
        json_array_append_new(neighbors, neighbor_status(a->neighbors[i], now));
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o*}", "backend",
                     settings_backend_name(a->backend), "state", route_state_name(announcer_route_state(a)),
                     "drain", phases[a->drain], "drain_reason", a->reason, "verdict_fresh",
                     (int)(a->verdict_age_ms <= a->verdict_lapse_ms), "prefixes", prefixes_status(a, now),
                     "neighbors", neighbors, "routes", a->other != NULL ? backend_status(a->other) : NULL);
}
