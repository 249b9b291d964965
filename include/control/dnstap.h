/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Queries and answers as dnstap: protocol buffers in Frame Streams, to a file and to a socket that a
 * collector listens on. libfstrm's threads write; what they can't take is dropped and counted. With the meson
 * feature `dnstap` off, dnstap_none.c stands here, and the configuration refuses `dnstap`.
 */
#ifndef HITHER_CONTROL_DNSTAP_H
#define HITHER_CONTROL_DNSTAP_H

#include "answer/tap.h"
#include "config.h"

struct dnstap;

/* Whether this build can. */
extern const bool dnstap_is_built;

/* NULL, and `why` (of `why_octets`) says what is wrong. `identity` becomes each message's. A collector that
 * isn't there yet is tried again. */
struct dnstap *dnstap_open(const struct settings_dnstap *settings, const char *identity, char *why,
                           size_t why_octets);

/* One message with query and answer. */
void dnstap_put(struct dnstap *dnstap, const struct tap_record *record);

/* That libfstrm's queue had no room for. */
uint64_t dnstap_dropped(const struct dnstap *dnstap);

/* Writes out what waits. NULL is allowed. */
void dnstap_close(struct dnstap *dnstap);

#endif
