/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The UDP sockets of BFD on a single hop: one for each address family that hears what comes to port 3784, and
 * one for each session that sends from a port of its own. A TTL (hop limit) of 255 is sent, and required of
 * what comes: so nobody who isn't on the link can take part (GTSM).
 *
 * RFCs: 5881 4 (ports), 5 (TTL), 5082.
 */
#ifndef HITHER_ANNOUNCE_BFD_SOCKET_H
#define HITHER_ANNOUNCE_BFD_SOCKET_H

#include "config.h"

#include <sys/types.h>

#define BFD_PORT           3784
#define BFD_DATAGRAM_SPACE 128 /* more than any packet without authentication needs */

/* A socket that hears port 3784 of every local address of the family. A descriptor, or -errno. */
int bfd_socket_listen(int family);

/* A socket from a free port above 49151 of `local` to port 3784 of `remote`; the ports in the two aren't
 * looked at. `random` begins the search. A descriptor, or -errno. */
int bfd_socket_connect(const union settings_address *local, const union settings_address *remote,
                       uint32_t random);

/* The next datagram and who sent it; `near` says whether its TTL was 255. Octets (cut to what fits), or
 * -errno: -EAGAIN when there is none. */
ssize_t bfd_socket_receive(int fd, uint8_t bytes[BFD_DATAGRAM_SPACE], union settings_address *from,
                           bool *near);

#endif
