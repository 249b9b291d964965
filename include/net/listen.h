/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The service sockets: for each listen address and each worker one UDP socket and one listening TCP socket,
 * and where the kernel allows it one more of each for the self-check (net/lane.h). Bound by the announcer
 * before it gives up its privileges, and inherited by every server that it starts. They outlive a server that
 * crashes: what arrives meanwhile waits in them.
 */
#ifndef HITHER_NET_LISTEN_H
#define HITHER_NET_LISTEN_H

#include "base/shared.h"
#include "config.h"

#define LISTEN_UDP_RECEIVE_OCTETS (4 * 1024 * 1024)
#define LISTEN_UDP_SEND_OCTETS    (4 * 1024 * 1024) /* answers that the other side isn't ready for yet */
#define LISTEN_TCP_BACKLOG        4096

/* Binds all of them and writes them into `down`; warns where there are no lanes. 0; or -errno, none is left
 * open, and `why` (of `why_octets`) names the address, the reason and what to do. */
int listen_open(const struct settings_server *settings, struct shared_down *down, char *why,
                size_t why_octets);

void listen_close(struct shared_down *down);

#endif
