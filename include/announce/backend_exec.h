/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Backend `exec`: commands of the operator's. `command` makes the route so, `verify-command` says by its exit
 * status 0 that it is so; both get two arguments more, prefix and state, and the same in the environment:
 *
 *     PREFIX  203.0.113.0/24       STATE  announced, degraded, draining or withdrawn
 *     FAMILY  4 or 6               MED    what should go with the route, as a number
 *
 * Without a verify-command, `command` is believed when its exit status is 0.
 */
#ifndef HITHER_ANNOUNCE_BACKEND_EXEC_H
#define HITHER_ANNOUNCE_BACKEND_EXEC_H

#include "announce/backend.h"

#define EXEC_VARIABLES       4
#define EXEC_VARIABLE_OCTETS 80

struct exec_variables {
    char text[EXEC_VARIABLES][EXEC_VARIABLE_OCTETS];
};

/* The state's word for commands. */
const char *exec_state(const struct backend_route *route);

struct exec_variables exec_variables_of(const struct backend_route *route);

extern const struct backend_driver backend_exec;

#endif
