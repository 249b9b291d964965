/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The service manager's part in the common fate: its watchdog ends all of hither when neither process is able
 * to end the other, so it is fed only while no heart stands still. A pause before the next server is no
 * standstill: the announcer is well, has taken the route back, and says why.
 */
#include "base/log.h"
#include "base/manager.h"
#include "steer.h"

#include <stdio.h>
#include <string.h>

#define MANAGER_LINE_OCTETS (STEER_WHY_OCTETS + 64)

static void manager_on_watchdog(uv_timer_t *timer)
{
    const struct steer *s = timer->data;
    if (s->guard == NULL || guard_is_well(s->guard))
        manager_feed_watchdog();
}

void steer_manager_start(struct steer *s)
{
    int error = manager_open();
    if (error < 0)
        log_warn("the service manager can't be told anything: NOTIFY_SOCKET: %s", strerror(-error));
    (void)uv_timer_init(&s->loop, &s->watchdog);
    s->watchdog.data = s;
    /* It is no reason to go on with a loop that has nothing else to do. */
    uv_unref((uv_handle_t *)&s->watchdog);
    uint64_t interval_ms = (uint64_t)manager_watchdog_ms();
    if (interval_ms > 0)
        (void)uv_timer_start(&s->watchdog, manager_on_watchdog, interval_ms, interval_ms);
}

void steer_manager_tell(const struct steer *s)
{
    char line[MANAGER_LINE_OCTETS];
    (void)snprintf(line, sizeof line, "route: %s (%s)", route_state_name(s->route), s->why);
    manager_status(line);
}
