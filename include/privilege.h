/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Giving up what isn't needed. The announcer starts as root, perhaps, to bind low ports; then it becomes
 * `server.user`. The server, which reads what strangers send, keeps no privilege at all.
 */
#ifndef HITHER_PRIVILEGE_H
#define HITHER_PRIVILEGE_H

#include "config.h"

#include <stddef.h>

/* Makes the directories that the settings name (state-dir, and the control socket's), owned by whom we will
 * be, and, as root with `user` set, becomes that user for good, with CAP_NET_ADMIN when
 * `net_admin`, for a device of our own. 0; or -errno, and `why` says what to do. */
int privilege_drop(const struct settings_server *settings, bool net_admin, char *why, size_t why_octets);

/* The server's part: no capabilities, and none to be had by exec(2). 0 or -errno. */
int privilege_forsake(void);

/* `wanted` descriptors, or as many as the system lets us have. */
void privilege_raise_descriptors(size_t wanted);

#endif
