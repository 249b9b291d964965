/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The texts of the configuration -> numbers, addresses, prefixes, durations. Pure. Whatever is refused comes
 * with a reason that says what to write instead.
 */
#ifndef HITHER_CONFIG_VALUE_H
#define HITHER_CONFIG_VALUE_H

#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a parser says why it refuses, ready to follow the key's name: "is not a number: write 1 to 64". */
struct value_why {
    char text[320];
};

/* A whole decimal number from `least` to `most`. */
bool value_number(const char *text, uint64_t least, uint64_t most, uint64_t *number, struct value_why *why);

/* "500ms", "2s", "1m" or "1h", from `least_ms` to `most_ms`. A bare number is refused, 0 apart: its unit
 * would be a guess. */
bool value_duration(const char *text, uint64_t least_ms, uint64_t most_ms, uint64_t *ms,
                    struct value_why *why);

/* "64M": octets in units of 1024 (K), its square (M) or cube (G), from `least` to `most`. */
bool value_octets(const char *text, uint64_t least, uint64_t most, uint64_t *octets, struct value_why *why);

/* Writes a duration as value_duration() reads it. Returns `text`. */
char *value_duration_to_text(uint64_t ms, char text[32]);

/* "ADDR@PORT" or "ADDR", an IPv4 or IPv6 address without brackets. */
bool value_address(const char *text, uint16_t default_port, union settings_address *address,
                   struct value_why *why);

/* "203.0.113.0/24", without host bits. `prefix->text` is left alone. */
bool value_prefix(const char *text, struct settings_prefix *prefix, struct value_why *why);

/* "192.0.2.1" -> network order. Not 0.0.0.0. */
bool value_router_id(const char *text, uint32_t *id, struct value_why *why);

/* An AS number that may be used in a session (RFC 7300, 7607, 6793). */
bool value_as_number(const char *text, uint32_t *number, struct value_why *why);

/* true, yes, on; false, no, off. */
bool value_switch(const char *text, bool *on, struct value_why *why);

/* "64512:100" (RFC 1997) -> 64512 << 16 | 100. */
bool value_community(const char *text, uint32_t *community, struct value_why *why);

/* "64512:1:2" (RFC 8092). */
bool value_large_community(const char *text, struct settings_large_community *community,
                           struct value_why *why);

/* Replaces %h by `host` and %% by a percent sign: at most 255 printable octets, what fits in a TXT string.
 * Caller frees; NULL when refused. */
char *value_identity(const char *text, const char *host, struct value_why *why);

/* The path, joined to `directory` when it is relative. Caller frees; NULL when refused. */
char *value_path(const char *text, const char *directory, struct value_why *why);

/* Whether the address lies in the prefix. */
bool value_prefix_covers(const struct settings_prefix *prefix, const union settings_address *address);

#endif
