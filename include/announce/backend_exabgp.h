/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Backend `exabgp`: commands of ExaBGP's process API in text, written to one named pipe; acknowledgements and
 * what `show adj-rib out` lists come back through another. deploy/exabgp-pipe is the process that ExaBGP runs
 * at the other end: it withdraws by itself when our end closes, so the route goes when we are killed.
 */
#ifndef HITHER_ANNOUNCE_BACKEND_EXABGP_H
#define HITHER_ANNOUNCE_BACKEND_EXABGP_H

#include "announce/backend.h"

#include <stddef.h>

#define EXABGP_COMMAND_OCTETS 2048

/* The command, with its line end, that makes the route so. Returns `text`. */
char *exabgp_command(const struct backend_route *route, char text[EXABGP_COMMAND_OCTETS]);

enum exabgp_line {
    EXABGP_DONE,
    EXABGP_ERROR,
    EXABGP_ROUTE, /* to some neighbour, of the prefix asked for */
    EXABGP_OTHER,
};

/* What a line (of `octets`, without its end) from ExaBGP says. */
enum exabgp_line exabgp_line_read(const char *line, size_t octets, const char *prefix);

extern const struct backend_driver backend_exabgp;

#endif
