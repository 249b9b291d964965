/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Backend `frr`: a `network` statement for each prefix under FRR's `router bgp`, put there and taken away by
 * vtysh, which is run anew for each operation. A look asks bgpd's table for a path of its own making.
 */
#ifndef HITHER_ANNOUNCE_BACKEND_FRR_H
#define HITHER_ANNOUNCE_BACKEND_FRR_H

#include "announce/backend.h"

#include <stddef.h>

#define FRR_LINES       4
#define FRR_LINE_OCTETS 192

/* What vtysh is told with "-c", line by line. */
struct frr_script {
    char lines[FRR_LINES][FRR_LINE_OCTETS];
    size_t count;
};

struct frr_script frr_change_script(const struct settings_backend *settings,
                                    const struct backend_route *route);
struct frr_script frr_look_script(const struct backend_route *route);

/* Whether the reply to frr_look_script() has a path that bgpd originates itself: 1, 0, or -1 when it can't be
 * understood. */
int frr_has_route(const char *reply);

extern const struct backend_driver backend_frr;

#endif
