/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Zones and settings that are new stand a trial (health.trial). When all went well they are the last good
 * ones, and the server keeps them as such; when probes fail that didn't before, or the server dies twice,
 * what was good before is in force again, until the next reload.
 *
 *     reload, start --> trial --well--> "good" to the server, which keeps it (zone/good.h)
 *                         |
 *                         +--fails--> the good text in force, shared_down.last_good, "back" to the server
 */
#include "base/log.h"
#include "steer.h"
#include "zone/good.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GOOD_DEATHS_MOST 2 /* soon after their start: it isn't chance */

static bool good_is_known(const struct steer *s)
{
    return s->good.text.text != NULL;
}

static void good_set_last(struct steer *s, bool last_good)
{
    atomic_store_explicit(&s->down->last_good, last_good ? 1 : 0, memory_order_release);
    if (s->health != NULL)
        health_set_back(s->health, last_good ? s->good.why : NULL);
}

static void good_on_trial_again(struct steer *s, struct mono now)
{
    struct steer_good *g = &s->good;
    g->on_trial = s->settings->health.trial_ms > 0 && s->settings->server.state_dir != NULL;
    g->ends = mono_add_ms(now, s->settings->health.trial_ms);
    (void)health_zones(s->health, g->tried);
}

void steer_good_trial(struct steer *s)
{
    struct steer_good *g = &s->good;
    if (g->back)
        log_info("zones and settings are tried anew");
    g->back = false;
    g->failed_before = s->report.failing;
    good_set_last(s, false);
    good_on_trial_again(s, mono_now());
}

/* What was good before this start, if anything was. */
void steer_good_start(struct steer *s)
{
    char *path =
        s->settings->server.state_dir != NULL ? zone_good_text_path(s->settings->server.state_dir) : NULL;
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd >= 0 && settings_text_take(fd, &s->good.text) < 0)
        settings_text_free(&s->good.text);
    if (fd >= 0)
        close(fd);
    free(path);
    steer_good_trial(s);
}

/* --- it went well */

static void good_on_kept(void *arg, const char *json, size_t octets)
{
    struct steer *s = arg;
    struct steer_good *g = &s->good;
    json_t *reply = json != NULL ? json_loadb(json, octets, 0, NULL) : NULL;
    bool kept = json_is_true(json_object_get(reply, "ok"));
    json_decref(reply);
    g->asked = false;
    if (!kept || g->back || !g->on_trial)
        return;
    struct settings_text text = {0};
    if (settings_text_take(s->text_fd, &text) < 0) {
        settings_text_free(&text);
        return;
    }
    settings_text_free(&g->text);
    g->text = text;
    g->on_trial = false;
    memcpy(g->digest, g->tried, sizeof g->digest);
    log_debug("what is served has stood its trial");
}

static void good_keep(struct steer *s, struct mono now)
{
    struct steer_good *g = &s->good;
    if (good_is_known(s) && memcmp(g->tried, g->digest, sizeof g->digest) == 0 &&
        settings_text_is(s->text_fd, &g->text)) {
        g->on_trial = false;
        return;
    }
    g->asked = guard_ask(s->guard, "good", good_on_kept, s) == 0;
    g->ends = mono_add_ms(now, s->settings->health.trial_ms); /* should it be refused */
}

/* --- it failed */

static void good_on_back(void *arg, const char *json, size_t octets)
{
    (void)arg;
    (void)json;
    (void)octets; /* the server has logged what came of it */
}

static int good_restore_settings(struct steer *s)
{
    struct findings findings = {0};
    struct settings *wanted = settings_text_judge(&s->good.text, s->path, &findings);
    int error = wanted != NULL ? settings_text_put(s->text_fd, &s->good.text) : -EINVAL;
    if (error == 0)
        error = steer_apply(s, wanted);
    vault_empty(&s->good.text.vault);
    settings_free(wanted);
    findings_log(&findings);
    findings_free(&findings);
    return error;
}

static void good_go_back(struct steer *s)
{
    struct steer_good *g = &s->good;
    if (s->leaving != STEER_STAYS || g->back)
        return;
    g->on_trial = false;
    int error = settings_text_is(s->text_fd, &g->text) ? 0 : good_restore_settings(s);
    if (error < 0) {
        log_error("the last good settings can't be put in force: %s", strerror(-error));
        return;
    }
    g->back = true;
    log_error("%s", g->why);
    steer_note(s, EVENT_SERVER, false, "%s", g->why);
    good_set_last(s, true);
    (void)guard_ask(s->guard, "back", good_on_back, s); /* a server that is down starts with them */
}

static void good_on_timer(uv_timer_t *timer)
{
    good_go_back(timer->data);
}

/* True: there is something to go back to, and it is to be done. */
static bool good_must_go_back(struct steer *s, const char *why)
{
    struct steer_good *g = &s->good;
    uint8_t digest[sizeof g->digest];
    (void)health_zones(s->health, digest);
    if (!g->on_trial || !good_is_known(s))
        return false;
    if (memcmp(digest, g->digest, sizeof digest) == 0 && settings_text_is(s->text_fd, &g->text))
        return false; /* it isn't what is new */
    (void)snprintf(
        g->why, sizeof g->why,
        "back to the last good zones and settings until the next reload, because with the new ones: "
        "%s",
        why);
    return true;
}

void steer_good_look(struct steer *s)
{
    struct steer_good *g = &s->good;
    struct mono now = mono_now();
    uint8_t digest[sizeof g->tried];
    if (!g->on_trial || s->guard == NULL)
        return;
    (void)health_zones(s->health, digest);
    if (memcmp(digest, g->tried, sizeof digest) != 0)
        good_on_trial_again(s, now); /* they took their time to compile */
    g->failed_before &= s->report.failing;
    bool fails = s->report.failing && !g->failed_before;
    if (fails && good_must_go_back(s, s->health_why))
        (void)uv_timer_start(&g->timer, good_on_timer, 0, 0); /* not inside of health's callback */
    else if (mono_reached(now, g->ends) && !g->asked && !s->report.failing && guard_is_serving(s->guard))
        good_keep(s, now);
}

void steer_good_died(struct steer *s, const struct guard_death *death)
{
    if (death->row >= GOOD_DEATHS_MOST && good_must_go_back(s, death->why))
        good_go_back(s); /* before the next one starts */
}

json_t *steer_good_describe(const struct steer *s)
{
    const struct steer_good *g = &s->good;
    return json_pack("{s:b, s:b, s:b, s:s}", "known", (int)good_is_known(s), "on_trial", (int)g->on_trial,
                     "in_force", (int)g->back, "why", g->back ? g->why : "");
}
