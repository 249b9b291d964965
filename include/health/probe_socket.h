/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The sockets that the self-check asks from: where there are lanes, from a port that leads to one worker.
 */
#ifndef HITHER_HEALTH_PROBE_SOCKET_H
#define HITHER_HEALTH_PROBE_SOCKET_H

#include "config.h"

/* A nonblocking socket to ask `to` from; `type` SOCK_DGRAM: it is connected. With `workers` above 0 its port
 * leads to `worker` of so many. Below 0: errno says why. */
int probe_socket_open(const union settings_address *to, int type, unsigned worker, unsigned workers);

/* What `error` means, for who can mend it; `otherwise` when it tells nothing. A string that lives on. */
const char *probe_socket_error(int error, const char *otherwise);

#endif
