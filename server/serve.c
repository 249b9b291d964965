/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve.h"

#include "answer/context.h"
#include "answer/limit.h"
#include "base/channel.h"
#include "base/clock.h"
#include "base/heart.h"
#include "base/log.h"
#include "base/shared.h"
#include "base/signs.h"
#include "control/control.h"
#include "control/http.h"
#include "control/query_log.h"
#include "control/samples.h"
#include "keeper.h"
#include "net/tcp.h"
#include "privilege.h"
#include "resolve/clerk.h"
#include "resolve/resolver.h"
#include "sandbox/sandbox.h"
#include "settings_text.h"
#include "spawn.h"
#include "worker.h"
#include "zone/good.h"
#include "zone/notify.h"
#include "zone/reload.h"
#include "zone/set.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define SERVE_UDP_OCTETS   1232 /* RFC 9715 */
#define SERVE_LARGE_OCTETS (512 * 1024)
#define SERVE_HTTP_BEATS   20 /* until the port that a server before us had is tried again */

#define SERVE_CACHE_BEATS 100   /* a second */
#define SERVE_KEPT_MS     60000 /* for so long the server before may still leave us its answers */

struct serve_reload;

/* The zones that are served are being kept as the last good ones. */
struct serve_settle {
    uv_work_t work;
    struct serve *serve;
    uint32_t id;
    char *state_dir;
    int64_t until_unix_s;
    struct settings_text text;
    int error;
};

struct serve {
    uv_loop_t loop;
    uv_timer_t beat;
    uv_poll_t channel;
    struct spawn_descriptors descriptors;
    const char *settings_path;
    struct settings *settings; /* in force */
    char identity[256];        /* as at the start */
    size_t worker_count;
    const struct shared_down *down;
    struct shared_up *up;
    struct heart parent_heart;
    pid_t parent;
    struct mono started;
    struct zone_reload *zones;
    struct notifier *notifier;
    struct keeper *keeper;
    struct resolver *resolver; /* NULL: for own zones only */
    struct workers *workers;
    struct clerk *clerk; /* NULL: there is no resolver */
    struct http *http;
    struct server_stats stats;
    struct dnstap *dnstap;        /* NULL: none is wanted, or it can't be */
    struct serve_reload *reloads; /* under way */
    int status;
    bool leaving;
    bool bequeathed; /* the announcer becomes another program, whose heart is elsewhere */
    unsigned beats;
    int64_t exempt_looked_s; /* Unix time */
    struct channel_message message;
};

/* A "reload" under way. */
struct serve_reload {
    struct serve *serve;
    struct serve_reload *next;
    uint32_t id;
    struct findings findings; /* of the configuration */
    struct mono began;
};

static void serve_leave(struct serve *s, int status)
{
    if (s->leaving)
        return;
    s->leaving = true;
    s->status = status;
    uv_close((uv_handle_t *)&s->beat, NULL);
    uv_close((uv_handle_t *)&s->channel, NULL);
    if (s->zones != NULL)
        zone_reload_close(s->zones);
    if (s->notifier != NULL)
        notifier_close(s->notifier);
    if (s->keeper != NULL)
        keeper_close(s->keeper);
    if (s->clerk != NULL)
        clerk_close(s->clerk);
}

static bool serve_announcer_is_hung(struct serve *s, struct mono now)
{
    int64_t beat =
        atomic_load_explicit((_Atomic int64_t *)(uintptr_t)&s->down->beat_ns, memory_order_relaxed);
    int64_t still_ms = heart_still_ms(&s->parent_heart, beat, now);
    return still_ms >= HEART_DOUBT_MS &&
           heart_is_hung(&s->parent_heart, HEART_OF_MAIN, still_ms, signs_read(s->parent, s->parent));
}

/* The route must not outlive the answers, nor a hung announcer go on holding it. */
static void serve_check_announcer(struct serve *s, struct mono now)
{
    if (getppid() != s->parent) {
        log_error("the announcer is gone; leaving");
        serve_leave(s, SERVE_EXIT_FAILED);
    } else if (!s->bequeathed && serve_announcer_is_hung(s, now)) {
        log_error("the announcer hung: its heart stands still; killing it");
        (void)kill(s->parent, SIGKILL);
        serve_leave(s, SERVE_EXIT_FAILED);
    }
}

static bool serve_start_http(struct serve *s, bool again);

/* What the workers picked out since the last beat. */
static void serve_empty_taps(struct serve *s)
{
    uint64_t dropped = s->dnstap != NULL ? dnstap_dropped(s->dnstap) : 0;
    for (size_t i = 0; i < s->worker_count; i++) {
        struct tap *tap = workers_tap(s->workers, i);
        if (tap == NULL)
            continue;
        query_log_empty(tap, s->dnstap);
        dropped += stat_read(&tap->dropped);
    }
    stat_set(&s->stats.log_dropped, dropped);
}

static bool serve_keep(const struct serve *s, struct keep *keep)
{
    return s->settings->server.state_dir != NULL &&
           keep_init(keep, s->settings->server.state_dir, &s->settings->resolve, time(NULL));
}

/* A server that hands over keeps its answers when this one serves already: so they are looked for again. */
static void serve_take_kept(struct serve *s)
{
    struct keep keep;
    if (serve_keep(s, &keep))
        clerk_take_kept(s->clerk, &keep, s->settings->resolve.serve_stale_s);
}

/* Names whose signatures weren't looked at are to be believed no more than others when that ends (RFC 7646).
 */
static void serve_end_exempts(struct serve *s)
{
    const struct settings_resolve *resolve = &s->settings->resolve;
    int64_t now_s = time(NULL);
    for (size_t i = 0; i < resolve->exempt_count; i++) {
        int64_t until_s = resolve->exempts[i].until_s;
        if (until_s <= s->exempt_looked_s || until_s > now_s)
            continue;
        log_info("resolve: the negative trust anchor for %s has ended", resolve->exempts[i].name);
        (void)resolver_renew(s->resolver, resolve, false);
        clerk_forget(s->clerk, resolve->exempts[i].name);
    }
    s->exempt_looked_s = now_s;
}

static void serve_look_at_caches(struct serve *s, struct mono now)
{
    if (s->clerk == NULL || s->leaving || s->beats % SERVE_CACHE_BEATS != 0)
        return;
    serve_end_exempts(s);
    if (mono_ms_between(s->started, now) < SERVE_KEPT_MS)
        serve_take_kept(s);
}

static void serve_on_beat(uv_timer_t *timer)
{
    struct serve *s = timer->data;
    struct mono now = mono_now();
    atomic_store_explicit(&s->up->beat_ns, now.ns, memory_order_relaxed);
    if (s->workers != NULL) {
        workers_publish(s->workers, s->up);
        serve_empty_taps(s);
    }
    zone_reload_hurry(s->zones, now);
    serve_check_announcer(s, now);
    s->beats++;
    serve_look_at_caches(s, now);
    if (s->http != NULL && s->beats % (SAMPLES_EVERY_MS / HEART_BEAT_MS) == 0)
        http_sample(s->http);
    if (s->workers != NULL && s->http == NULL && !s->leaving && s->beats % SERVE_HTTP_BEATS == 0)
        (void)serve_start_http(s, true);
}

/* Without the fleet's secret the cookies are this PoP's own, the same ones over reloads. */
static void serve_choose_cookies(struct answer_policy *policy, const struct settings_server *server)
{
    static struct cookie_secrets own;
    if (own.count == 0)
        cookie_secrets_random(&own);
    policy->cookies = server->cookies.count > 0 ? server->cookies : own;
    policy->cookies_required = server->require_cookies;
}

/* Loopback and the service addresses: what comes from there is this host's, for the kernel lets none of it in
 * from outside. */
static struct zone_access *serve_own_addresses(const struct settings_server *server)
{
    struct zone_access *own = zone_access_new(server->listen_count + 2);
    if (own == NULL)
        return NULL;
    for (size_t i = 0; i < server->listen_count; i++)
        zone_grant_address(&own->grants[i], &server->listen[i].sa);
    own->grants[server->listen_count] = (struct zone_grant){.family = AF_INET, .bits = 8, .octets = {127}};
    own->grants[server->listen_count + 1] =
        (struct zone_grant){.family = AF_INET6, .bits = 128, .octets = {[15] = 1}};
    return own;
}

static void serve_choose_limits(struct limit_policy *limit, const struct settings *settings)
{
    const struct settings_limits *limits = &settings->limits;
    limit_policy_set_rate(limit, limits->udp_octets, settings->server.workers);
    limit->ipv4_mask = UINT32_MAX << (32 - limits->ipv4_prefix);
    limit->ipv6_mask = UINT64_MAX << (64 - limits->ipv6_prefix);
    limit->slip = limits->slip;
    limit->tcp_connections = limits->tcp_connections;
    limit->tcp_accept_ns = limits->tcp_accepts > 0 ? 1000000000 / limits->tcp_accepts : 0;
    limit->drop_refused = limits->drop_refused;
    limit->exempt = limits->exempt;
    limit->own = serve_own_addresses(&settings->server);
}

static void serve_choose_taps(struct tap_rules *taps, const struct settings_log *log)
{
    taps->count = (unsigned)log->rule_count;
    memcpy(taps->rules, log->rules, sizeof taps->rules);
    taps->dnstap_sample = log->dnstap.sample;
}

static int serve_publish_policy(const struct settings *settings)
{
    struct answer_policy policy = {.udp_octets = SERVE_UDP_OCTETS, .tcp_idle_100ms = TCP_IDLE_MS / 100};
    serve_choose_cookies(&policy, &settings->server);
    serve_choose_limits(&policy.limit, settings);
    size_t octets = strnlen(settings->server.identity, sizeof policy.identity - 1);
    memcpy(policy.identity, settings->server.identity, octets);
    policy.identity_octets = (uint8_t)octets;
    policy.keys = settings->keys;
    serve_choose_taps(&policy.taps, &settings->log);
    policy.allow = settings->resolve.allow;
    policy.stale_s = settings->resolve.serve_stale_s;
    policy.client_misses = settings->resolve.client_misses;
    int error = answer_policy_publish(&policy);
    zone_access_release(policy.limit.own);
    explicit_bzero(&policy, sizeof policy);
    return error;
}

static bool serve_same_path(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The log and dnstap as `wanted` says, in place of the settings in force; NULL: those are the first. */
static void serve_apply_log(struct serve *s, const struct settings *wanted)
{
    char why[200];
    const struct settings_log *log = wanted != NULL ? &wanted->log : &s->settings->log;
    const struct settings_dnstap *was = &s->settings->log.dnstap;
    if (!log_configure(&log->how))
        log_warn("log.target: nobody takes what is sent to %s; standard error has it", log->how.target);
    if (wanted != NULL && serve_same_path(was->file, log->dnstap.file) &&
        serve_same_path(was->socket, log->dnstap.socket))
        return;
    dnstap_close(s->dnstap);
    s->dnstap = NULL;
    if (log->dnstap.sample == 0)
        return;
    s->dnstap = dnstap_open(&log->dnstap, s->identity, why, sizeof why);
    if (s->dnstap == NULL)
        log_error("log.dnstap: %s; nothing is written", why);
}

/* Answers a command; takes over `reply`. */
static void serve_reply(const struct serve *s, uint32_t id, json_t *reply)
{
    static const char failed[] = "{\"ok\": false, \"error\": \"memory is short\"}";
    char *text = reply != NULL ? json_dumps(reply, JSON_COMPACT) : NULL;
    const char *sent = text != NULL ? text : failed;
    if (strlen(sent) >= CHANNEL_TEXT_OCTETS)
        sent = "{\"ok\": false, \"error\": \"too much to tell: the log has all of it\"}";
    if (channel_send(s->descriptors.channel, id, sent, strlen(sent)) < 0)
        log_warn("the announcer doesn't take the reply to a command");
    free(text);
    json_decref(reply);
}

static void serve_reload_free(struct serve_reload *reload)
{
    findings_free(&reload->findings);
    free(reload);
}

static void serve_reload_end(struct serve_reload *reload)
{
    struct serve_reload **at = &reload->serve->reloads;
    while (*at != reload)
        at = &(*at)->next;
    *at = reload->next;
    serve_reload_free(reload);
}

/* Nobody waits for those that are under way any more. */
static void serve_reloads_forget(struct serve *s)
{
    struct serve_reload *next = NULL;
    for (struct serve_reload *reload = s->reloads; reload != NULL; reload = next) {
        next = reload->next;
        serve_reload_free(reload);
    }
    s->reloads = NULL;
}

static json_t *serve_describe_reload(const struct serve_reload *reload, const struct zone_report *report)
{
    json_t *findings = control_findings(&reload->findings);
    json_t *of_zones = control_findings(report->findings);
    char text[200];
    (void)snprintf(text, sizeof text, "%zu zones served: %zu loaded, %zu unchanged, %zu removed%s%s",
                   report->zones, report->loaded + report->cached, report->kept, report->removed,
                   report->stale > 0 ? "; some were refused, and older ones are still served" : "",
                   report->failed > 0 ? "; some were refused, and nothing is there to serve" : "");
    (void)json_array_extend(findings, of_zones);
    json_decref(of_zones);
    json_t *reply = json_pack("{s:b, s:s, s:o}", "ok", report->ok, "message", text, "findings", findings);
    if (!report->ok && reply != NULL)
        (void)json_object_set_new(reply, "error",
                                  json_string("not all zones could be loaded; what was served stays"));
    return reply;
}

/* Another zone may be lost: a prefix that should go waits for nothing. */
static void serve_say(const struct serve *s, const char *news)
{
    (void)channel_send(s->descriptors.channel, CHANNEL_NEWS, news, strlen(news));
}

/* Only a run publishes, and the next one doesn't begin before this one's callback is over: so the set stays.
 */
static void serve_notify(struct serve *s, const struct zone_report *report)
{
    if (!report->published || s->leaving)
        return;
    serve_say(s, "zones");
    notifier_update(s->notifier, zone_set_current(), s->settings);
    keeper_update(s->keeper, zone_set_current());
}

static void serve_count_reload(const struct serve_reload *reload, bool good)
{
    struct server_stats *stats = &reload->serve->stats;
    int64_t took_ns = mono_now().ns - reload->began.ns;
    stat_add(good ? &stats->reloads_done : &stats->reloads_refused, 1);
    stat_add(&stats->reload_ns, (uint64_t)took_ns);
    stat_set(&stats->last_reload_ns, (uint64_t)took_ns);
    stat_set(&stats->last_reload_good, good);
    stat_set(&stats->last_reload_unix_s, (uint64_t)time(NULL));
}

static void serve_reloaded(const struct zone_report *report, void *arg)
{
    struct serve_reload *reload = arg;
    serve_notify(reload->serve, report);
    serve_count_reload(reload, report->ok && reload->findings.errors == 0);
    serve_reply(reload->serve, reload->id, serve_describe_reload(reload, report));
    serve_reload_end(reload);
}

static void serve_refuse_reload(struct serve_reload *reload, const char *error)
{
    serve_count_reload(reload, false);
    serve_reply(reload->serve, reload->id,
                json_pack("{s:b, s:s, s:o}", "ok", 0, "error", error, "findings",
                          control_findings(&reload->findings)));
    serve_reload_end(reload);
}

/* The configuration again, then the zones, or `only_zone` alone; or back to the last good ones. */
static void serve_reload(struct serve *s, uint32_t id, const char *only_zone, enum zone_reload_mode mode)
{
    struct serve_reload *reload = calloc(1, sizeof *reload);
    if (reload == NULL) {
        serve_reply(s, id, NULL);
        return;
    }
    reload->serve = s;
    reload->began = mono_now();
    reload->id = id;
    reload->next = s->reloads;
    s->reloads = reload;
    struct settings *wanted = settings_text_get(s->descriptors.text, s->settings_path, &reload->findings);
    if (wanted == NULL) {
        serve_refuse_reload(reload, "the configuration has errors; what was in force stays");
        return;
    }
    settings_text_warn_of_restart(s->settings, wanted, &reload->findings);
    settings_text_swap_bound(s->settings, wanted);
    if (serve_publish_policy(wanted) < 0 ||
        zone_reload_run(s->zones, wanted, only_zone, mode, serve_reloaded, reload) < 0) {
        settings_text_swap_bound(s->settings, wanted);
        settings_free(wanted);
        serve_refuse_reload(reload, "memory is short; what was in force stays");
        return;
    }
    serve_apply_log(s, wanted);
    if (s->clerk != NULL && wanted->resolve.enabled && resolver_renew(s->resolver, &wanted->resolve, false))
        clerk_forget(s->clerk, ".");
    settings_free(s->settings);
    s->settings = wanted;
}

static void serve_settle_work(uv_work_t *work)
{
    struct serve_settle *settle = work->data;
    settle->error =
        zone_good_settle(settle->state_dir, settle->until_unix_s, settle->text.text, settle->text.octets);
}

static void serve_settle_done(uv_work_t *work, int status)
{
    struct serve_settle *settle = work->data;
    struct serve *s = settle->serve;
    if (settle->error < 0)
        log_warn("the zones that are served are good, but can't be kept as such: %s",
                 strerror(-settle->error));
    if (status == 0 && !s->leaving)
        serve_reply(s, settle->id, json_pack("{s:b}", "ok", settle->error == 0));
    settings_text_free(&settle->text);
    free(settle->state_dir);
    free(settle);
}

/* Not while a reload is under way: its images have stood nothing yet. */
static void serve_settle(struct serve *s, uint32_t id)
{
    struct serve_settle *settle = calloc(1, sizeof *settle);
    bool ready = settle != NULL && !zone_reload_is_running(s->zones) &&
                 s->settings->server.state_dir != NULL &&
                 (settle->state_dir = strdup(s->settings->server.state_dir)) != NULL &&
                 settings_text_take(s->descriptors.text, &settle->text) == 0;
    if (ready) {
        settle->serve = s;
        settle->id = id;
        settle->until_unix_s = time(NULL);
        settle->work.data = settle;
        ready = uv_queue_work(&s->loop, &settle->work, serve_settle_work, serve_settle_done) == 0;
    }
    if (ready)
        return;
    if (settle != NULL) {
        settings_text_free(&settle->text);
        free(settle->state_dir);
    }
    free(settle);
    serve_reply(s, id, json_pack("{s:b, s:s}", "ok", 0, "error", "not now"));
}

static void serve_cache(struct serve *s, uint32_t id, const char *request)
{
    if (s->clerk != NULL && !s->leaving)
        clerk_command(s->clerk, id, request, &s->settings->resolve);
    else
        serve_reply(s, id,
                    json_pack("{s:b, s:s}", "ok", 0, "error",
                              "there is no cache: set resolve.enabled, and start hitherd again"));
}

static void serve_on_message(struct serve *s)
{
    static const char one[] = "reload ";
    static const char cache[] = "cache ";
    const char *text = s->message.text;
    if (strcmp(text, "stop") == 0)
        serve_leave(s, 0);
    else if (strcmp(text, "heir") == 0)
        s->bequeathed = true;
    else if (strcmp(text, "no heir") == 0)
        s->bequeathed = false;
    else if (strcmp(text, "reload") == 0)
        serve_reload(s, s->message.id, NULL, ZONE_RELOAD_AGAIN);
    else if (strcmp(text, "back") == 0)
        serve_reload(s, s->message.id, NULL, ZONE_RELOAD_BACK);
    else if (strcmp(text, "good") == 0)
        serve_settle(s, s->message.id);
    else if (strncmp(text, one, sizeof one - 1) == 0)
        serve_reload(s, s->message.id, text + sizeof one - 1, ZONE_RELOAD_AGAIN);
    else if (strncmp(text, cache, sizeof cache - 1) == 0)
        serve_cache(s, s->message.id, text + sizeof cache - 1);
    else
        serve_reply(s, s->message.id, json_pack("{s:b, s:s}", "ok", 0, "error", "no such command"));
}

static void serve_on_channel(uv_poll_t *poll, int status, int events)
{
    struct serve *s = poll->data;
    (void)events;
    int got = status < 0 ? status : channel_receive(s->descriptors.channel, &s->message);
    if (got > 0)
        serve_on_message(s);
    else if (got < 0) {
        log_error("the announcer has closed the channel; leaving");
        serve_leave(s, SERVE_EXIT_FAILED);
    }
}

/* `again`: the port was another's at the first try, and who is interested knows. */
static bool serve_start_http(struct serve *s, bool again)
{
    char why[200];
    struct http_sources sources = {
        .identity = s->identity,
        .started = s->started,
        .down = s->down,
        .up = s->up,
        .workers = workers_stats(s->workers),
        .worker_count = s->worker_count,
        .server = &s->stats,
        .resolver = s->resolver != NULL ? resolver_figures(s->resolver) : NULL,
        .desks = workers_desks(s->workers),
    };
    if (!s->settings->server.http_enabled)
        return true;
    s->http = http_start(&s->settings->server.http, &sources, why, sizeof why);
    if (s->http == NULL && !again)
        log_error("server.http: %s", why);
    return s->http != NULL;
}

/* True when it runs, or isn't wanted. */
static bool serve_start_resolver(struct serve *s)
{
    char why[ENGINE_WHY_OCTETS];
    if (!s->settings->resolve.enabled)
        return true;
    s->resolver = resolver_new(&s->settings->resolve, s->settings->server.state_dir, why);
    if (s->resolver == NULL)
        log_error("resolve: %s", why);
    return s->resolver != NULL;
}

static void serve_cache_reply(void *arg, uint32_t id, json_t *reply)
{
    serve_reply(arg, id, reply);
}

/* Who looks after the workers' caches. */
static int serve_start_clerk(struct serve *s)
{
    const struct clerk_setup setup = {
        .desks = workers_each_desk(s->workers),
        .count = s->worker_count,
        .resolver = s->resolver,
        .reply = serve_cache_reply,
        .arg = s,
    };
    if (s->resolver != NULL)
        s->clerk = clerk_new(&s->loop, &setup);
    s->exempt_looked_s = time(NULL);
    if (s->clerk != NULL)
        serve_take_kept(s);
    return s->resolver == NULL || s->clerk != NULL ? 0 : -ENOMEM;
}

/* After the first load: the workers begin to answer. */
static void serve_begin(struct serve *s)
{
    int error = serve_start_resolver(s) ? workers_start(&s->workers, s->worker_count, s->down, s->up,
                                                        s->resolver, s->settings->resolve.cache_octets / 2)
                                        : -ENOMEM;
    if (error == 0)
        error = serve_start_clerk(s);
    if (error < 0) {
        log_error("can't start the workers: %s", uv_strerror(error));
        serve_leave(s, SERVE_EXIT_FAILED);
        return;
    }
    /* Figures are worth less than answers: a server that replaces another goes on without them. */
    if (!serve_start_http(s, false) && s->descriptors.first) {
        serve_leave(s, SERVE_EXIT_REFUSED);
        return;
    }
    atomic_store_explicit(&s->up->serving, 1, memory_order_release);
    serve_say(s, "serving");
}

/* It has logged what it found. */
static void serve_rechecked(const struct zone_report *report, void *arg)
{
    serve_notify(arg, report);
}

/* What is newer has failed: nothing newer is looked for. */
static bool serve_is_back(const struct serve *s)
{
    return atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)&s->down->last_good, memory_order_acquire) ==
           1;
}

static void serve_loaded(const struct zone_report *report, void *arg)
{
    struct serve *s = arg;
    if (!report->published) {
        log_error("not started: the zones have errors");
        serve_leave(s, SERVE_EXIT_REFUSED);
        return;
    }
    serve_begin(s);
    serve_notify(s, report);
    if (!s->leaving && !s->descriptors.first && !serve_is_back(s) &&
        zone_reload_run(s->zones, s->settings, NULL, ZONE_RELOAD_AGAIN, serve_rechecked, s) < 0)
        log_warn("memory is short: the zones' sources weren't looked at");
}

/* As many as there are sockets for, whatever the configuration says since they were bound. */
static size_t serve_count_workers(const struct shared_down *down)
{
    size_t count = 0;
    for (uint32_t i = 0; i < down->socket_count && i < SHARED_MAX_SOCKETS; i++)
        if (down->sockets[i].worker >= count)
            count = down->sockets[i].worker + 1U;
    return count <= SETTINGS_MAX_WORKERS ? count : 0;
}

static bool serve_map(struct serve *s)
{
    s->down = shared_map(s->descriptors.down, sizeof *s->down, false);
    s->up = shared_map(s->descriptors.up, sizeof *s->up, true);
    if (s->down == NULL || s->up == NULL || s->down->magic != SHARED_MAGIC) {
        log_error("can't map the memory shared with the announcer");
        return false;
    }
    s->up->magic = SHARED_MAGIC;
    s->worker_count = serve_count_workers(s->down);
    return s->worker_count > 0;
}

static bool serve_bind_fate(struct serve *s)
{
    struct mono now = mono_now();
    s->parent = getppid();
    int error = privilege_forsake();
    if (error < 0) {
        log_error("can't give up privileges: %s", strerror(-error));
        return false;
    }
    /* Again, because a change of credentials may have cleared it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return false;
    s->started = now;
    s->parent_heart = heart_watch(0, now);
    return getppid() == s->parent;
}

static bool serve_settings(struct serve *s)
{
    struct findings findings = {0};
    s->settings = settings_text_get(s->descriptors.text, s->settings_path, &findings);
    if (s->settings == NULL)
        findings_log(&findings);
    else
        (void)snprintf(s->identity, sizeof s->identity, "%s", s->settings->server.identity);
    if (s->settings != NULL)
        serve_apply_log(s, NULL);
    findings_free(&findings);
    return s->settings != NULL;
}

/* They are as good as those in the cache, and there already. */
static void serve_inherit_images(struct serve *s)
{
    size_t count = s->down->image_count <= SHARED_MAX_IMAGES ? s->down->image_count : 0;
    if (count > 0)
        zone_reload_inherit(s->zones, zone_shelf_new(s->down->images, count));
}

/* True when the loop has something to do. */
static bool serve_start(struct serve *s)
{
    enum zone_reload_mode mode = serve_is_back(s)       ? ZONE_RELOAD_BACK
                                 : s->descriptors.first ? ZONE_RELOAD_START
                                                        : ZONE_RELOAD_RECOVER;
    (void)uv_timer_init(&s->loop, &s->beat);
    int error = uv_poll_init(&s->loop, &s->channel, s->descriptors.channel);
    s->beat.data = s->channel.data = s;
    if (error == 0)
        error = uv_timer_start(&s->beat, serve_on_beat, 0, HEART_BEAT_MS);
    if (error == 0)
        error = uv_poll_start(&s->channel, UV_READABLE, serve_on_channel);
    if (error == 0)
        error = serve_publish_policy(s->settings);
    if (error == 0) {
        s->notifier = notifier_new(&s->loop);
        s->keeper = keeper_new(&s->loop, s->descriptors.channel);
        s->zones = s->notifier != NULL && s->keeper != NULL ? zone_reload_new(&s->loop, s->up) : NULL;
        if (s->zones != NULL)
            serve_inherit_images(s);
        error =
            s->zones != NULL ? zone_reload_run(s->zones, s->settings, NULL, mode, serve_loaded, s) : -ENOMEM;
    }
    if (error < 0)
        log_error("can't start: %s", uv_strerror(error));
    return error == 0;
}

static int serve_run(struct serve *s)
{
    struct keep keep;
    int error = uv_loop_init(&s->loop);
    if (error < 0) {
        log_error("can't start: %s", uv_strerror(error));
        return SERVE_EXIT_FAILED;
    }
    if (!serve_start(s))
        return SERVE_EXIT_FAILED;
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    atomic_store_explicit(&s->up->serving, 0, memory_order_release);
    http_stop(s->http);
    if (s->workers != NULL)
        serve_empty_taps(s);
    if (s->resolver != NULL)
        resolver_stop(s->resolver);
    bool kept = s->clerk != NULL && s->status == 0 && serve_keep(s, &keep);
    workers_stop(s->workers, kept ? &keep : NULL);
    clerk_free(s->clerk);
    if (s->resolver != NULL)
        resolver_free(s->resolver);
    dnstap_close(s->dnstap);
    serve_reloads_forget(s);
    (void)uv_loop_close(&s->loop);
    return s->status;
}

/* What is large comes and goes with one zone's loading, and is to go back to the system then: left to
 * itself, malloc() keeps more of it each time. */
static void serve_keep_little(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, SERVE_LARGE_OCTETS);
    (void)mallopt(M_TRIM_THRESHOLD, SERVE_LARGE_OCTETS);
}

/* Before any other thread is there, and after the last thing that only the beginning needs. */
static bool serve_confine(const struct serve *s)
{
    struct sandbox sandbox;
    int error = sandbox_enter_server(s->settings, &sandbox);
    if (error < 0)
        log_error("can't be confined: %s", strerror(-error));
    else if (sandbox.landlock == 0 || !sandbox.filter)
        log_debug("not confined by %s%s: this kernel or this build has none",
                  sandbox.landlock == 0 ? "Landlock " : "", sandbox.filter ? "" : "a system call filter");
    return error == 0;
}

int serve_main(const char *descriptors, const char *settings_path)
{
    static struct serve serve;
    struct serve *s = &serve;
    serve_keep_little();
    log_open("server", LOG_LEVEL_INFO);
    (void)prctl(PR_SET_NAME, "hither-server", 0, 0, 0);
    s->settings_path = settings_path;
    if (!spawn_descriptors_read(descriptors, &s->descriptors)) {
        log_error(SPAWN_VARIABLE " is for hitherd's own use; unset it");
        return SERVE_EXIT_FAILED;
    }
    if (!serve_map(s) || !serve_bind_fate(s))
        return SERVE_EXIT_FAILED;
    atomic_store_explicit(&s->up->beat_ns, s->started.ns, memory_order_relaxed);
    if (!serve_settings(s))
        return SERVE_EXIT_REFUSED;
    if (!serve_confine(s))
        return SERVE_EXIT_FAILED;
    int status = serve_run(s);
    settings_free(s->settings);
    return status;
}
