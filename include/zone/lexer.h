/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Zone text -> entries: a record or a directive with everything that its parentheses hold, cut into words,
 * with the line on which it begins. Comments, line ends and parentheses are gone; quotes became a mark on the
 * word; escapes are left to whoever knows what the word means.
 *
 * RFCs: 1035 5.1. A quoted string ends on the line where it begins; parentheses don't nest.
 */
#ifndef HITHER_ZONE_LEXER_H
#define HITHER_ZONE_LEXER_H

#include "zone/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_ENTRY_MAX_OCTETS (1024 * 1024)

struct zone_entry {
    struct zone_token *tokens; /* valid until the next entry is read */
    size_t count;              /* at least 1 */
    uint32_t line;
    bool blank_owner; /* it begins with a blank: the owner is that of the record before */
};

struct zone_lexer {
    const char *at;
    const char *end;
    uint32_t line;
    struct zone_token *tokens; /* owned */
    size_t capacity;
    const char *reason; /* why the last entry is bad */
    uint32_t bad_line;  /* and where */
};

enum zone_lexer_step {
    ZONE_LEXER_ENTRY,
    ZONE_LEXER_BAD, /* `reason` and `bad_line` say why; what follows the bad line can still be read */
    ZONE_LEXER_END,
    ZONE_LEXER_NO_MEMORY,
};

/* Reads `octets` of `text`, which must outlive the lexer. */
void zone_lexer_init(struct zone_lexer *lexer, const char *text, size_t octets);

enum zone_lexer_step zone_lexer_next(struct zone_lexer *lexer, struct zone_entry *entry);

void zone_lexer_free(struct zone_lexer *lexer);

#endif
