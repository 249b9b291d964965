/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the service manager is told, in the protocol of sd_notify(3): datagrams of VARIABLE=VALUE lines to the
 * socket that NOTIFY_SOCKET names. Without a manager nothing happens. For the announcer's one thread.
 *
 *     starting --READY=1--> running <--RELOADING=1, READY=1--> reloading        any --STOPPING=1--> stopping
 *     WATCHDOG=1 from the announcer's loop while no heart stands still
 */
#ifndef HITHER_BASE_MANAGER_H
#define HITHER_BASE_MANAGER_H

#include "base/clock.h"

#include <stdint.h>

/* Reads the environment, which is left as it is. 0; or -errno when there is a manager who can't be told. */
int manager_open(void);

void manager_close(void);

/* How often the watchdog is to be fed: half the time after which it would bite; 0: nobody watches. */
int64_t manager_watchdog_ms(void);

void manager_feed_watchdog(void);

/* The service serves. Once is enough: repeating it does nothing. */
void manager_ready(void);

/* Each begin has its end; they may overlap. Before the service is ready they say nothing. */
void manager_reload_begins(struct mono now);
void manager_reload_ends(void);

void manager_stopping(void);

/* One line for people, cut to what fits. The same one again isn't sent. */
void manager_status(const char *line);

#endif
