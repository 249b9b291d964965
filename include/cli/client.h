/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The asking end of the control socket (control/control.h): one request, one reply.
 */
#ifndef HITHER_CLI_CLIENT_H
#define HITHER_CLI_CLIENT_H

#include <jansson.h>
#include <stddef.h>

#define CLIENT_MAX_REPLY_OCTETS (64 * 1024 * 1024)

/* Sends `request` to the socket at `path` and waits for the reply, at most `timeout_s` seconds (0: as long as
 * it takes). An object, the caller's; NULL when there was none, and `why` (of `why_octets`) says why and what
 * to do. */
json_t *client_ask(const char *path, const json_t *request, int timeout_s, char *why, size_t why_octets);

#endif
