/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Giving up what isn't needed. The announcer starts as root, perhaps, to bind low ports; then it becomes
 * `server.user`. The server, which reads what strangers send, keeps no privilege at all.
 *
 * The announcer isn't in a sandbox as the server is: Landlock and a filter would be inherited, for good, by
 * all that it starts, which is the operator's checks and backends, the next server, and in an upgrade the
 * next announcer, whose configuration may name any file. What can be said beforehand, the systemd unit says.
 */
#ifndef HITHER_PRIVILEGE_H
#define HITHER_PRIVILEGE_H

#include "config.h"

#include <stddef.h>
#include <stdint.h>

/* Makes the directories that the settings name (state-dir, and the control socket's), owned by whom we will
 * be, and, as root with `user` set, becomes that user for good, with CAP_NET_ADMIN when
 * `net_admin`, for a device of our own. 0; or -errno, and `why` says what to do. */
int privilege_drop(const struct settings_server *settings, bool net_admin, char *why, size_t why_octets);

/* What a program that we become would be given; sets of the bits 1 << CAP_*. */
struct privilege_bequest {
    uint64_t inheritable;
    uint64_t ambient;
};

/* All that we may do, the program that takes our place by execve(2) may do as well, whoever we are. How it
 * was before; for privilege_bequeath_again(), in that program or, when it came to nothing, in this. */
struct privilege_bequest privilege_bequeath_all(void);
void privilege_bequeath_again(const struct privilege_bequest *before);

/* The server's part: no capabilities, and none to be had by exec(2). 0 or -errno. */
int privilege_forsake(void);

/* `wanted` descriptors, or as many as the system lets us have. */
void privilege_raise_descriptors(size_t wanted);

#endif
