/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The TCP socket of a session with everything that the session wants of it, before it connects: close-on-exec
 * (a copy in a child would keep the route alive), source address, TTL security (RFC 5082), MD5 (RFC 2385),
 * user timeout (RFC 5482), network control precedence.
 */
#ifndef HITHER_ANNOUNCE_BGP_SOCKET_H
#define HITHER_ANNOUNCE_BGP_SOCKET_H

#include "announce/bgp_peer.h"

/* A socket that isn't connected yet to reach `remote`; or -errno, and then `failed` names what went wrong. */
int bgp_socket_open(const struct bgp_peer_settings *settings, const union settings_address *remote,
                    const char **failed);

#endif
