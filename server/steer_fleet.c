/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Between health's verdict and the announcer: the other PoPs, who have a say in whether this one may go.
 *
 *     health -> steer_fleet_verdict() -> health/fleet -> announcer
 *                     health/fleet_socket --^   (a decision has changed)
 */
#include "base/log.h"
#include "steer.h"

#include <sodium.h>
#include <string.h>

/* What the heartbeats are to say. */
static void fleet_on_refresh(void *arg)
{
    struct steer *s = arg;
    uint8_t digest[HEARTBEAT_DIGEST_OCTETS];
    const struct settings_announce *announce = &s->settings->announce;
    if (s->health != NULL) {
        size_t zones = health_zones(s->health, digest);
        fleet_set_zones(s->fleet, digest, (uint32_t)zones);
    }
    fleet_set_doubt(s->fleet, s->guard != NULL && guard_is_down(s->guard));
    fleet_set_leaving(s->fleet, s->leaving != STEER_STAYS || announcer_is_drained(s->announcer));
    for (size_t i = 0; i < announce->prefix_count; i++)
        fleet_set_heard(s->fleet, i, announcer_is_heard(s->announcer, &announce->prefixes[i]));
    if (announce->prefix_count == 0)
        fleet_set_heard(s->fleet, 0, true);
}

static void fleet_on_refresh_if_alive(void *arg)
{
    struct steer *s = arg;
    if (s->announcer != NULL)
        fleet_on_refresh(s);
}

static void fleet_on_changed(void *arg)
{
    struct steer *s = arg;
    if (s->announcer != NULL)
        steer_drain_look(s);
    if (s->health != NULL && s->announcer != NULL)
        steer_go_by_verdict(s);
}

void steer_fleet_stop(struct steer *s)
{
    steer_drain_cancel(s, "hitherd doesn't listen to the fleet any more");
    if (s->fleet_socket != NULL)
        fleet_socket_close(s->fleet_socket);
    fleet_free(s->fleet);
    s->fleet_socket = NULL;
    s->fleet = NULL;
}

bool steer_fleet_apply(struct steer *s)
{
    const struct fleet_owner owner = {fleet_on_refresh_if_alive, fleet_on_changed, s};
    uint64_t boot;
    if (s->fleet_socket != NULL)
        fleet_socket_close(s->fleet_socket);
    s->fleet_socket = NULL;
    if (!s->settings->fleet.enabled || !fleet_is_called(s->fleet, s->settings->server.identity)) {
        steer_drain_cancel(s, "the fleet's settings have changed; ask again");
        fleet_free(s->fleet);
        s->fleet = NULL;
    }
    if (!s->settings->fleet.enabled)
        return true;
    randombytes_buf(&boot, sizeof boot);
    if (s->fleet == NULL)
        s->fleet = fleet_new(s->settings->server.identity, boot);
    if (s->fleet != NULL) {
        fleet_configure(s->fleet, mono_now(), &s->settings->fleet, &s->settings->announce);
        s->fleet_socket = fleet_socket_open(&s->loop, &s->settings->fleet, s->fleet, &owner);
    }
    if (s->fleet_socket != NULL)
        return true;
    steer_fleet_stop(s);
    log_error("memory is short: no heartbeats to the fleet");
    return false;
}

struct verdict_report steer_fleet_verdict(struct steer *s)
{
    if (s->fleet == NULL)
        return s->report;
    (void)fleet_set_verdicts(s->fleet, mono_now(), &s->report);
    steer_drain_look(s);
    fleet_on_refresh(s);
    fleet_socket_flush(s->fleet_socket);
    return fleet_guard(s->fleet, &s->report);
}
