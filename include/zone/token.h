/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One word of a zone file, as the lexer cut it out, and what it may stand for: a name, a number, a TTL, a
 * type, a character string. The text is raw: escapes are still in it.
 *
 * Each reading function gives NULL when all is well, else a short reason, which lives for ever.
 *
 * RFCs: 1035 5.1 (escapes, @), 2308 4 (TTL), 3597 5 (TYPEn, CLASSn).
 */
#ifndef HITHER_ZONE_TOKEN_H
#define HITHER_ZONE_TOKEN_H

#include "wire/name.h"
#include "wire/writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone_token {
    const char *text;
    uint32_t octets;
    bool quoted; /* the text is what stood between the quotes */
};

/* Whether it is the word `word`, in any case and unquoted. */
bool zone_token_is(const struct zone_token *token, const char *word);

/* A name; a relative one is completed with `origin`. Wire form, case as written. */
const char *zone_token_name(const struct zone_token *token, const uint8_t *origin,
                            uint8_t name[NAME_MAX_OCTETS]);

/* A decimal number of at most `most`. */
const char *zone_token_number(const struct zone_token *token, uint32_t most, uint32_t *value);

/* A time in seconds, or with units: 3600, 1h, 1w2d. At most `most`. */
const char *zone_token_period(const struct zone_token *token, uint32_t most, uint32_t *seconds);

/* The octets it stands for, escapes resolved, appended to `to`; at most `most` of them. */
const char *zone_token_string(const struct zone_token *token, size_t most, struct writer *to);

/* A record type by name or as TYPEn; -1 when it is neither. */
int zone_token_type(const struct zone_token *token);

/* A class by name or as CLASSn; -1 when it is neither. */
int zone_token_class(const struct zone_token *token);

/* For messages: a printable piece of it, cut with "..." when long, into `text`. Returns `text`. */
#define ZONE_TOKEN_SHOWN 72
char *zone_token_show(const struct zone_token *token, char text[ZONE_TOKEN_SHOWN]);

#endif
