/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Backend `bird`: each prefix stands in a `protocol static` of its own in BIRD's configuration, which is
 * enabled and disabled over BIRD's control socket, as birdc does. Each operation is a connection:
 *
 *     greeting, then command -> reply, ... until all commands are through -> what the replies mean
 *
 * A look asks for the protocol's state and for the route itself: `configure` may have started a protocol
 * again that was disabled, and a protocol that is up may not have the route.
 */
#ifndef HITHER_ANNOUNCE_BACKEND_BIRD_H
#define HITHER_ANNOUNCE_BACKEND_BIRD_H

#include "announce/backend.h"

#include <stddef.h>

/* A reply's lines begin with a code of four digits and '-', the last one's with the code and a blank; those
 * that go on with a code begin with a blank. */
struct bird_reply {
    unsigned code;    /* of the last line that isn't 0000; 0 when there is none */
    const char *text; /* that line's, up to its end */
    size_t text_octets;
    size_t octets; /* of the whole reply */
};

enum bird_read {
    BIRD_READ_MORE, /* the reply isn't complete */
    BIRD_READ_DONE,
    BIRD_READ_BROKEN,
};

/* Reads one reply at the start of `text`. */
enum bird_read bird_reply_read(const char *text, size_t octets, struct bird_reply *reply);

/* The state in a reply to `show protocols NAME`: 1 up, 0 down, -1 neither (starting, flushing, or no such).
 */
int bird_protocol_state(const struct bird_reply *reply, const char *name);

/* Whether a reply to `show route` has a route: 1, 0, or -1 when it is an error. */
int bird_has_route(const struct bird_reply *reply);

extern const struct backend_driver backend_bird;

#endif
