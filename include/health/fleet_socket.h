/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Heartbeats on the announcer's loop: one UDP socket, which sends to every peer or to a group, and gives what
 * comes to health/fleet. Small and bounded: so many datagrams at a turn and so many in a second, no memory
 * for any of them. A socket that can't be opened is tried again: an address may come late.
 */
#ifndef HITHER_HEALTH_FLEET_SOCKET_H
#define HITHER_HEALTH_FLEET_SOCKET_H

#include "health/fleet.h"

#include <uv.h>

struct fleet_socket;

/* Before each look at the time and the messages, `refresh` tells the fleet what is new here; after a decision
 * has changed, `changed` is called. */
struct fleet_owner {
    void (*refresh)(void *arg);
    void (*changed)(void *arg);
    void *arg;
};

/* Starts; copies `settings`. `fleet` must live until fleet_socket_close(). NULL when memory is short. */
struct fleet_socket *fleet_socket_open(uv_loop_t *loop, const struct settings_fleet *settings,
                                       struct fleet *fleet, const struct fleet_owner *owner);

/* Sends now what is due, rather than at the next turn. */
void fleet_socket_flush(struct fleet_socket *socket);

/* No callback comes any more. The memory is freed when the loop has closed what was open. */
void fleet_socket_close(struct fleet_socket *socket);

#endif
