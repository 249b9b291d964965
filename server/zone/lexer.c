/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/lexer.h"

#include <stdlib.h>
#include <string.h>

void zone_lexer_init(struct zone_lexer *lexer, const char *text, size_t octets)
{
    *lexer = (struct zone_lexer){.at = text, .end = text + octets, .line = 1};
    if (octets >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        lexer->at += 3; /* A byte order mark says only that an editor was there. */
}

void zone_lexer_free(struct zone_lexer *lexer)
{
    free(lexer->tokens);
    lexer->tokens = NULL;
}

static bool token_add(struct zone_lexer *lexer, struct zone_entry *entry, const char *from, const char *to,
                      bool quoted)
{
    if (entry->count == lexer->capacity) {
        size_t capacity = lexer->capacity > 0 ? lexer->capacity * 2 : 64;
        struct zone_token *tokens = realloc(lexer->tokens, capacity * sizeof *tokens);
        if (tokens == NULL)
            return false;
        lexer->tokens = tokens;
        lexer->capacity = capacity;
    }
    lexer->tokens[entry->count++] = (struct zone_token){from, (uint32_t)(to - from), quoted};
    return true;
}

/* Leaves the rest of the line behind, its end too. */
static void line_skip(struct zone_lexer *lexer)
{
    const char *newline = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
    lexer->at = newline != NULL ? newline + 1 : lexer->end;
    if (newline != NULL)
        lexer->line++;
}

/* Leaves the bad line behind; inside parentheses also what follows up to the closing one, or else every line
 * of a long record would be one more finding. */
static enum zone_lexer_step entry_bad(struct zone_lexer *lexer, uint32_t line, const char *reason, bool open)
{
    const char *start = lexer->at;
    lexer->reason = reason;
    lexer->bad_line = line;
    while (open && lexer->at < lexer->end && lexer->at - start < ZONE_ENTRY_MAX_OCTETS) {
        const char *from = lexer->at;
        line_skip(lexer);
        open = memchr(from, ')', (size_t)(lexer->at - from)) == NULL;
    }
    if (lexer->at == start)
        line_skip(lexer);
    return ZONE_LEXER_BAD;
}

static const char quote_open[] = "a quoted string has no closing quote on its line";
static const char nul_octet[] = "a NUL octet: the file isn't zone text (a NUL in data is written \\000)";

/* Behind the closing quote of the string whose text begins at `at`; NULL and a reason when the line ends
 * before it. */
static const char *quoted_end(const char *at, const char *end, const char **reason)
{
    while (at < end && *at != '\n' && *at != '\0') {
        if (*at == '"')
            return at + 1;
        if (*at == '\\' && at + 1 < end && at[1] != '\n')
            at++;
        at++;
    }
    *reason = at < end && *at == '\0' ? nul_octet : quote_open;
    return NULL;
}

/* Where the word that begins at `at` ends. A quote after an equals sign opens a part of the same word, as in
 * alpn="h2,h3" (RFC 9460 2.1). NULL and a reason when it can't end. */
static const char *word_end(const char *at, const char *end, const char **reason)
{
    static const bool stops[256] = {['\t'] = true, ['\n'] = true, ['\r'] = true, [' '] = true,
                                    ['('] = true,  [')'] = true,  [';'] = true,  ['\0'] = true};
    for (; at < end && !stops[(unsigned char)*at]; at++) {
        if (*at == '\\') {
            if (at + 1 >= end || at[1] == '\n' || at[1] == '\0') {
                *reason = "a backslash at the end of the line";
                return NULL;
            }
            at++;
        } else if (*at == '"' && at[-1] == '=') {
            const char *behind = quoted_end(at + 1, end, reason);
            if (behind == NULL)
                return NULL;
            at = behind - 1;
        }
    }
    return at;
}

/* Reads the word or quoted string at the lexer, and adds it. NULL, or the reason. */
static const char *token_read(struct zone_lexer *lexer, struct zone_entry *entry, bool *no_memory)
{
    const char *from = lexer->at;
    const char *reason = NULL;
    bool quoted = *from == '"';
    const char *to = quoted ? quoted_end(from + 1, lexer->end, &reason) : word_end(from, lexer->end, &reason);
    if (to == NULL)
        return reason;
    lexer->at = to;
    *no_memory =
        quoted ? !token_add(lexer, entry, from + 1, to - 1, true) : !token_add(lexer, entry, from, to, false);
    return NULL;
}

struct entry_state {
    const char *start;
    bool open; /* inside parentheses */
};

enum octet_kind {
    OCTET_WORD,
    OCTET_BLANK,
    OCTET_END_OF_LINE,
    OCTET_COMMENT,
    OCTET_OPEN,
    OCTET_CLOSE,
    OCTET_NUL,
};

static enum octet_kind octet_kind(char c)
{
    switch (c) {
    case ' ':
    case '\t':
    case '\r':
        return OCTET_BLANK;
    case '\n':
        return OCTET_END_OF_LINE;
    case ';':
        return OCTET_COMMENT;
    case '(':
        return OCTET_OPEN;
    case ')':
        return OCTET_CLOSE;
    case '\0':
        return OCTET_NUL;
    default:
        return OCTET_WORD;
    }
}

/* A parenthesis: NULL, or the reason why it can't stand here. */
static const char *parenthesis(struct entry_state *state, bool open)
{
    if (open == state->open)
        return open ? "parentheses don't nest" : "a closing parenthesis that was never opened";
    state->open = open;
    return NULL;
}

/* Takes one octet, word or comment of the entry. True when the line, and with it the entry, has ended. */
static bool entry_advance(struct zone_lexer *lexer, struct zone_entry *entry, struct entry_state *state,
                          const char **reason, bool *no_memory)
{
    enum octet_kind kind = octet_kind(*lexer->at);
    const char *newline;
    switch (kind) {
    case OCTET_BLANK:
        lexer->at++;
        return false;
    case OCTET_END_OF_LINE:
        if (!state->open)
            return true;
        lexer->at++;
        lexer->line++;
        return false;
    case OCTET_COMMENT:
        newline = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
        lexer->at = newline != NULL ? newline : lexer->end;
        return false;
    case OCTET_OPEN:
    case OCTET_CLOSE:
        *reason = parenthesis(state, kind == OCTET_OPEN);
        if (*reason == NULL)
            lexer->at++;
        return false;
    case OCTET_NUL:
        *reason = nul_octet;
        return false;
    case OCTET_WORD:
    default:
        *reason = token_read(lexer, entry, no_memory);
        return false;
    }
}

enum zone_lexer_step zone_lexer_next(struct zone_lexer *lexer, struct zone_entry *entry)
{
    for (;;) {
        struct entry_state state = {lexer->at, false};
        const char *reason = NULL;
        bool no_memory = false;
        *entry = (struct zone_entry){.line = lexer->line};
        if (lexer->at == lexer->end)
            return ZONE_LEXER_END;
        entry->blank_owner = *lexer->at == ' ' || *lexer->at == '\t';
        while (lexer->at < lexer->end) {
            bool ended = entry_advance(lexer, entry, &state, &reason, &no_memory);
            if (no_memory)
                return ZONE_LEXER_NO_MEMORY;
            if (reason != NULL)
                return entry_bad(lexer, lexer->line, reason, state.open);
            if (lexer->at - state.start > ZONE_ENTRY_MAX_OCTETS)
                return entry_bad(lexer, entry->line,
                                 "the record has more than a megabyte of text: is a parenthesis left open?",
                                 state.open);
            if (ended)
                break;
        }
        if (state.open)
            return entry_bad(lexer, entry->line, "a parenthesis opened here is never closed", false);
        line_skip(lexer);
        if (entry->count > 0) {
            entry->tokens = lexer->tokens;
            return ZONE_LEXER_ENTRY;
        }
    }
}
