/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/backend.h"

#include "announce/backend_bird.h"
#include "announce/backend_exabgp.h"
#include "announce/backend_exec.h"
#include "announce/backend_frr.h"
#include "announce/backend_tun.h"
#include "announce/route.h"
#include "announce/tun_device.h"
#include "base/log.h"
#include "config/value.h"
#include "heritage.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_FIRST_MS 20
#define RETRY_MOST_MS  2000
#define FAILURES_TOLD  3    /* in a row: some programs take a moment until their state shows a change */
#define PATIENCE_MS    1000 /* above the time of a change and a look */
/* Prefixes in force, and those of before that are still to be withdrawn. */
#define STANDINGS_MOST (2 * SETTINGS_MAX_PREFIXES)

enum known {
    KNOWN_NOT, /* to be looked at */
    KNOWN_RIGHT,
    KNOWN_WRONG, /* to be changed */
};

/* A prefix: what is wanted of it, and what is known. */
struct standing {
    struct backend_route route;
    enum known known;
    bool maybe_announced;
    bool leaving;        /* not configured any more */
    unsigned generation; /* counts what was wanted */
    unsigned failures;
    struct mono due; /* when it is to be changed or looked at next; zero: now */
    uint64_t changes;
    char why[BACKEND_WHY_OCTETS];
};

enum doing {
    DOING_NOTHING,
    DOING_CHANGE,
    DOING_LOOK,
};

struct backend {
    const struct backend_driver *is;
    void *driver;
    struct settings_backend settings;
    struct tun_device *device; /* which routes of other programs hang on; NULL: none */
    uv_loop_t *loop;
    uv_timer_t timer;
    struct standing standings[STANDINGS_MOST];
    size_t count;
    enum doing doing;
    size_t at;           /* with which of the standings */
    unsigned generation; /* of it, when the operation began */
    bool changing;       /* the look is to show what a change came to */
    bool stepping;       /* backend_step() is further up the stack */
    bool paused;         /* no operation is to begin: it is being handed over */
    bool closing;
    bool driver_closed;
    struct mono give_up;
    void (*changed)(void *arg);
    void *changed_arg;
    void (*gone)(void *arg);
    void *gone_arg;
};

static void backend_step(struct backend *b);

static const char *backend_name(const struct backend *b)
{
    return settings_backend_name(b->settings.kind);
}

static const struct backend_driver *driver_of(enum announce_backend kind)
{
    switch (kind) {
    case ANNOUNCE_BIRD:
        return &backend_bird;
    case ANNOUNCE_FRR:
        return &backend_frr;
    case ANNOUNCE_EXABGP:
        return &backend_exabgp;
    case ANNOUNCE_EXEC:
        return &backend_exec;
    case ANNOUNCE_TUN:
    case ANNOUNCE_BGP:
    case ANNOUNCE_NONE:
        break;
    }
    return &backend_tun;
}

/* --- what came of an operation
 * ------------------------------------------------------------------------------- */

static void standing_right(struct backend *b, struct standing *s, struct mono now)
{
    if (s->failures >= FAILURES_TOLD)
        log_info("%s: %s is %s now", backend_name(b), s->route.text,
                 s->route.announced ? "announced" : "withdrawn");
    s->known = KNOWN_RIGHT;
    s->maybe_announced = s->route.announced;
    s->failures = 0;
    s->why[0] = '\0';
    s->due = mono_add_ms(now, b->settings.verify_interval_ms);
}

static void standing_failed(struct backend *b, struct standing *s, struct mono now, const char *why)
{
    int64_t pause_ms = s->failures < 6 ? RETRY_FIRST_MS << s->failures : RETRY_MOST_MS;
    if (why[0] != '\0')
        (void)snprintf(s->why, sizeof s->why, "%s", why);
    if (++s->failures == FAILURES_TOLD)
        log_warn("%s: can't make %s %s: %s; trying again", backend_name(b), s->route.text,
                 s->route.announced ? "announced" : "withdrawn", s->why);
    s->known = KNOWN_WRONG;
    s->maybe_announced = true;
    s->due = mono_add_ms(now, pause_ms);
}

static void standing_drifted(struct backend *b, struct standing *s, const char *why)
{
    log_warn("%s: %s isn't %s, mending: %s", backend_name(b), s->route.text,
             s->route.announced ? "announced" : "withdrawn", why);
    s->known = KNOWN_WRONG;
    s->maybe_announced = true;
    s->due = (struct mono){0};
}

/* An operation has ended; whether it was for what is wanted by now. */
static bool backend_ended(struct backend *b)
{
    struct standing *s = &b->standings[b->at];
    b->doing = DOING_NOTHING;
    return s->generation == b->generation;
}

static void backend_tell(struct backend *b)
{
    if (b->changed != NULL && !b->closing)
        b->changed(b->changed_arg);
    backend_step(b);
}

static void backend_look(struct backend *b)
{
    b->doing = DOING_LOOK;
    b->is->look(b->driver, &b->standings[b->at].route);
}

void backend_changed(struct backend *b, const char *why)
{
    struct standing *s = &b->standings[b->at];
    s->changes++;
    (void)snprintf(s->why, sizeof s->why, "%s", why != NULL ? why : "");
    if (!backend_ended(b)) {
        backend_step(b);
        return;
    }
    b->changing = true;
    backend_look(b); /* whatever was said: what counts is what can be seen */
}

void backend_seen(struct backend *b, enum backend_seen seen, const char *why)
{
    struct standing *s = &b->standings[b->at];
    struct mono now = mono_now();
    bool changing = b->changing;
    bool was_right = s->known == KNOWN_RIGHT;
    b->changing = false;
    if (!backend_ended(b)) {
        backend_step(b);
        return;
    }
    if (seen == BACKEND_AS_WANTED)
        standing_right(b, s, now);
    else if (seen == BACKEND_UNSEEN || changing)
        standing_failed(b, s, now, s->why[0] == '\0' || seen == BACKEND_UNSEEN ? why : "");
    else
        standing_drifted(b, s, why);
    if (seen == BACKEND_AS_WANTED && was_right)
        backend_step(b);
    else
        backend_tell(b);
}

/* --- what to do next
 * ----------------------------------------------------------------------------------------- */

/* The first that is due, of those that are wrong with the route (not) wanted, or of those to be looked at. */
static struct standing *backend_next(struct backend *b, struct mono now)
{
    struct standing *look = NULL;
    struct standing *announce = NULL;
    for (size_t i = 0; i < b->count; i++) {
        struct standing *s = &b->standings[i];
        if (s->due.ns != 0 && !mono_reached(now, s->due))
            continue;
        if (s->known == KNOWN_WRONG && !s->route.announced)
            return s;
        if (s->known == KNOWN_WRONG && announce == NULL)
            announce = s;
        else if (s->known != KNOWN_WRONG && look == NULL)
            look = s;
    }
    return announce != NULL ? announce : look;
}

static void backend_begin(struct backend *b, struct standing *s)
{
    b->at = (size_t)(s - b->standings);
    b->generation = s->generation;
    if (s->known != KNOWN_WRONG) {
        backend_look(b);
        return;
    }
    s->maybe_announced = s->maybe_announced || s->route.announced;
    b->doing = DOING_CHANGE;
    b->is->change(b->driver, &s->route);
}

/* Those that aren't configured any more and are known to be withdrawn. */
static void backend_forget(struct backend *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->standings[i].leaving && b->standings[i].known == KNOWN_RIGHT)
            continue;
        if (kept != i)
            b->standings[kept] = b->standings[i];
        kept++;
    }
    b->count = kept;
}

static void on_due(uv_timer_t *timer)
{
    backend_step(timer->data);
}

/* Goes on from the loop: nobody is called back from inside a call. */
static void backend_wake(struct backend *b)
{
    if (b->doing == DOING_NOTHING && !b->driver_closed)
        uv_timer_start(&b->timer, on_due, 0, 0);
}

static void backend_arm(struct backend *b, struct mono now)
{
    int64_t wait_ms = b->closing ? mono_ms_between(now, b->give_up) + 1 : b->settings.verify_interval_ms;
    for (size_t i = 0; i < b->count; i++) {
        int64_t due_ms = b->standings[i].due.ns == 0 ? 0 : mono_ms_between(now, b->standings[i].due) + 1;
        wait_ms = due_ms < wait_ms ? due_ms : wait_ms;
    }
    uv_update_time(b->loop);
    uv_timer_start(&b->timer, on_due, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

/* --- the end
 * ------------------------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct backend *b = handle->data;
    void (*gone)(void *arg) = b->gone;
    void *arg = b->gone_arg;
    free(b);
    if (gone != NULL)
        gone(arg);
}

void backend_closed(struct backend *b)
{
    tun_device_close(b->device);
    b->device = NULL;
    uv_close((uv_handle_t *)&b->timer, on_timer_closed);
}

static void backend_end(struct backend *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->standings[i].maybe_announced || b->standings[i].known != KNOWN_RIGHT)
            log_error("%s: couldn't withdraw %s, which it may announce still: %s", backend_name(b),
                      b->standings[i].route.text, b->standings[i].why);
    b->driver_closed = true;
    uv_timer_stop(&b->timer);
    b->is->close(b->driver);
}

static bool backend_may_end(const struct backend *b, struct mono now)
{
    return b->closing && b->doing == DOING_NOTHING &&
           (backend_is_settled(b) || mono_reached(now, b->give_up));
}

static void backend_step(struct backend *b)
{
    if (b->stepping || b->driver_closed)
        return;
    b->stepping = true;
    struct mono now = mono_now();
    while (b->doing == DOING_NOTHING && !b->paused && !backend_may_end(b, now)) {
        backend_forget(b);
        if (b->device != NULL)
            tun_device_keep(b->device);
        struct standing *s = backend_next(b, now);
        if (s == NULL)
            break;
        backend_begin(b, s);
        now = mono_now();
    }
    b->stepping = false;
    if (backend_may_end(b, now))
        backend_end(b);
    else if (b->doing == DOING_NOTHING && !b->paused)
        backend_arm(b, now);
}

/* --- what is wanted
 * ------------------------------------------------------------------------------------------ */

/* To be changed now, whatever an operation under way comes to. */
static void standing_is_wrong(struct standing *s)
{
    s->generation++;
    s->known = KNOWN_WRONG;
    s->due = (struct mono){0};
}

static void standing_want(struct standing *s, enum route_state state)
{
    bool announced = route_is_announced(state);
    bool same = announced == s->route.announced && state == s->route.state;
    bool never = !announced && !s->route.announced; /* from not yet to not any more */
    s->route.state = state;
    s->route.announced = announced;
    s->route.lesser = announced && state != ROUTE_UP;
    if (!same && !never)
        standing_is_wrong(s);
}

static bool prefix_same(const struct settings_prefix *a, const struct settings_prefix *b)
{
    return a->family == b->family && a->bits == b->bits &&
           memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

void backend_want(struct backend *b, const struct settings_prefix *prefix, enum route_state state)
{
    if (b->closing)
        return;
    for (size_t i = 0; i < b->count; i++)
        if (!b->standings[i].leaving && prefix_same(&b->standings[i].route.is, prefix))
            standing_want(&b->standings[i], state);
    backend_wake(b);
}

static union settings_address address_in(const struct settings_server *server,
                                         const struct settings_prefix *prefix)
{
    for (size_t i = 0; i < server->listen_count; i++)
        if (value_prefix_covers(prefix, &server->listen[i]))
            return server->listen[i];
    return (union settings_address){.sa.sa_family = AF_UNSPEC};
}

static struct backend_route route_of(const struct settings *settings, size_t i)
{
    const struct settings_announce *announce = &settings->announce;
    struct backend_route route = {
        .is = announce->prefixes[i],
        .state = ROUTE_INIT,
        .policy = announce->policy,
        .bird = announce->bird[i],
        .address = address_in(&settings->server, &announce->prefixes[i]),
    };
    char address[INET6_ADDRSTRLEN] = "";
    route.is.text = NULL;
    (void)inet_ntop(route.is.family, route.is.octets, address, sizeof address);
    (void)snprintf(route.text, sizeof route.text, "%s/%u", address, route.is.bits);
    return route;
}

static bool address_is_same(const union settings_address *a, const union settings_address *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET)
        return a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
    return a->sa.sa_family != AF_INET6 || IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

/* Whether two routes are the same but for their states and what goes with them. */
static bool route_is_same(const struct backend_route *a, const struct backend_route *b)
{
    return prefix_same(&a->is, &b->is) && strcmp(a->bird.usual, b->bird.usual) == 0 &&
           strcmp(a->bird.lesser, b->bird.lesser) == 0 && address_is_same(&a->address, &b->address);
}

/* Of what the drivers here can pass on. */
static bool policy_is_same(const struct settings_policy *a, const struct settings_policy *b)
{
    return a->med_set == b->med_set && a->med == b->med && a->local_pref == b->local_pref &&
           a->community_count == b->community_count && a->large_community_count == b->large_community_count &&
           memcmp(a->communities, b->communities, sizeof a->communities) == 0 &&
           memcmp(a->large_communities, b->large_communities, sizeof a->large_communities) == 0;
}

/* The standing for a route, made where there is none. */
static void backend_adopt(struct backend *b, const struct backend_route *route)
{
    size_t i = 0;
    while (i < b->count && !route_is_same(&b->standings[i].route, route))
        i++;
    if (i == STANDINGS_MOST)
        return;
    struct standing *s = &b->standings[i];
    if (i == b->count) {
        *s = (struct standing){.route = *route, .maybe_announced = true};
        b->count++;
    } else if (!policy_is_same(&s->route.policy, &route->policy)) {
        s->route.policy = route->policy;
        standing_is_wrong(s);
    }
    s->leaving = false;
}

bool backend_reload(struct backend *b, const struct settings *settings)
{
    const struct settings_announce *announce = &settings->announce;
    if (memcmp(&b->settings, &announce->other, sizeof b->settings) != 0 ||
        b->count + announce->prefix_count > STANDINGS_MOST)
        return false;
    for (size_t i = 0; i < b->count; i++)
        b->standings[i].leaving = true;
    for (size_t i = 0; i < announce->prefix_count; i++) {
        const struct backend_route route = route_of(settings, i);
        backend_adopt(b, &route);
    }
    for (size_t i = 0; i < b->count; i++)
        if (b->standings[i].leaving)
            standing_want(&b->standings[i], ROUTE_WITHDRAWN);
    backend_wake(b);
    return true;
}

/* --- handed on to another program
 * ------------------------------------------------------------------------------- */

#define POLICY_DIGEST_OCTETS 16

/* Of what policy_is_same() compares. */
static void policy_digest(const struct settings_policy *policy, uint8_t digest[POLICY_DIGEST_OCTETS])
{
    const uint32_t numbers[] = {policy->med_set, policy->med, policy->local_pref,
                                (uint32_t)policy->community_count, (uint32_t)policy->large_community_count};
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, POLICY_DIGEST_OCTETS);
    (void)crypto_generichash_update(&state, (const uint8_t *)numbers, sizeof numbers);
    (void)crypto_generichash_update(&state, (const uint8_t *)policy->communities,
                                    policy->community_count * sizeof policy->communities[0]);
    (void)crypto_generichash_update(&state, (const uint8_t *)policy->large_communities,
                                    policy->large_community_count * sizeof policy->large_communities[0]);
    (void)crypto_generichash_final(&state, digest, POLICY_DIGEST_OCTETS);
}

static json_t *standing_hand_over(const struct standing *s)
{
    uint8_t digest[POLICY_DIGEST_OCTETS];
    policy_digest(&s->route.policy, digest);
    return json_pack("{s:s, s:i, s:b, s:o}", "prefix", s->route.text, "state", (int)s->route.state, "right",
                     (int)(s->known == KNOWN_RIGHT), "policy", heritage_octets(digest, sizeof digest));
}

json_t *backend_hand_over(struct backend *b, int *fds, size_t *count)
{
    b->paused = true;
    if (b->doing != DOING_NOTHING)
        return NULL;
    json_t *routes = json_array();
    for (size_t i = 0; i < b->count; i++)
        if (!b->standings[i].leaving)
            (void)json_array_append_new(routes, standing_hand_over(&b->standings[i]));
    json_t *left = json_pack("{s:s, s:o}", "backend", backend_name(b), "routes", routes);
    if (b->device != NULL)
        (void)json_object_set_new(left, "device", tun_device_hand_over(b->device, fds, count));
    if (b->is->hand_over != NULL)
        (void)json_object_set_new(left, "driver", b->is->hand_over(b->driver, fds, count));
    return left;
}

void backend_keep(struct backend *b)
{
    b->paused = false;
    backend_wake(b);
}

/* What was made of it stands, and is only looked at; unless it wasn't right, or another policy is wanted. */
static void standing_take_over(struct standing *s, const json_t *left)
{
    uint8_t digest[POLICY_DIGEST_OCTETS];
    uint8_t theirs[POLICY_DIGEST_OCTETS];
    json_int_t state = json_integer_value(json_object_get(left, "state"));
    policy_digest(&s->route.policy, digest);
    if (state < ROUTE_INIT || state > ROUTE_WITHDRAWN)
        return;
    standing_want(s, (enum route_state)state);
    bool same = heritage_octets_get(left, "policy", theirs, sizeof theirs) &&
                memcmp(digest, theirs, sizeof theirs) == 0;
    s->known = same && json_is_true(json_object_get(left, "right")) ? KNOWN_NOT : KNOWN_WRONG;
}

static void backend_take_over(struct backend *b, const json_t *heritage)
{
    const char *name = json_string_value(json_object_get(heritage, "backend"));
    const json_t *left;
    size_t i;
    if (name == NULL || strcmp(name, backend_name(b)) != 0)
        return;
    json_array_foreach(json_object_get(heritage, "routes"), i, left)
    {
        const char *prefix = json_string_value(json_object_get(left, "prefix"));
        for (size_t k = 0; prefix != NULL && k < b->count; k++)
            if (strcmp(b->standings[k].route.text, prefix) == 0)
                standing_take_over(&b->standings[k], left);
    }
    if (b->device != NULL)
        tun_device_take_over(b->device, json_object_get(heritage, "device"));
    if (b->is->take_over != NULL)
        b->is->take_over(b->driver, json_object_get(heritage, "driver"));
}

/* --- its life
 * ------------------------------------------------------------------------------------------------ */

struct backend *backend_open(uv_loop_t *loop, const struct settings *settings, const json_t *heritage,
                             void (*changed)(void *arg), void *arg)
{
    struct backend *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->loop = loop;
    b->changed = changed;
    b->changed_arg = arg;
    memcpy(&b->settings, &settings->announce.other, sizeof b->settings);
    b->is = driver_of(b->settings.kind);
    bool wants_device = b->settings.kind != ANNOUNCE_TUN && b->settings.tun_device[0] != '\0';
    b->device = wants_device ? tun_device_new(b->settings.tun_device) : NULL;
    b->driver = !wants_device || b->device != NULL ? b->is->open(b, loop, &b->settings) : NULL;
    if (b->driver == NULL) {
        tun_device_close(b->device);
        free(b);
        return NULL;
    }
    uv_timer_init(loop, &b->timer);
    b->timer.data = b;
    for (size_t i = 0; i < settings->announce.prefix_count; i++) {
        const struct backend_route route = route_of(settings, i);
        backend_adopt(b, &route);
    }
    backend_take_over(b, heritage);
    backend_wake(b);
    return b;
}

bool backend_is_settled(const struct backend *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->standings[i].known != KNOWN_RIGHT)
            return false;
    return true;
}

bool backend_holds_any(const struct backend *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->standings[i].maybe_announced)
            return true;
    return false;
}

int64_t backend_patience_ms(const struct backend *b)
{
    return 2 * (int64_t)b->settings.command_timeout_ms + PATIENCE_MS;
}

void backend_close(struct backend *b, void (*gone)(void *arg), void *arg)
{
    b->gone = gone;
    b->gone_arg = arg;
    b->closing = true;
    b->paused = false;
    b->give_up = mono_add_ms(mono_now(), backend_patience_ms(b));
    for (size_t i = 0; i < b->count; i++)
        standing_want(&b->standings[i], ROUTE_WITHDRAWN);
    backend_wake(b);
}

json_t *backend_status(const struct backend *b)
{
    json_t *list = json_array();
    for (size_t i = 0; i < b->count; i++) {
        const struct standing *s = &b->standings[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b, s:I, s:s}", "prefix", s->route.text,
                                              "wanted", route_state_name(s->route.state), "verified",
                                              (int)(s->known == KNOWN_RIGHT), "maybe_announced",
                                              (int)s->maybe_announced, "changes", (json_int_t)s->changes,
                                              "trouble", s->why));
    }
    return list;
}
