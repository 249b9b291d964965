/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/token.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool zone_token_is(const struct zone_token *token, const char *word)
{
    return !token->quoted && token->octets == strlen(word) &&
           strncasecmp(token->text, word, token->octets) == 0;
}

/* The octet that the escape after the backslash at `*at` stands for; `*at` moves to behind it. -1 when it is
 * none. */
static int escape_read(const char **at, const char *end)
{
    const char *p = *at + 1;
    if (p >= end)
        return -1;
    if (!is_digit(*p)) {
        *at = p + 1;
        return (unsigned char)*p;
    }
    if (end - p < 3 || !is_digit(p[1]) || !is_digit(p[2]))
        return -1;
    int value = (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
    *at = p + 3;
    return value <= 255 ? value : -1;
}

static const char bad_escape[] = "a backslash takes one character or three digits of at most 255";

/* The label that begins at `*at`, into `label` (its length first); stops at an unescaped dot or the end. */
static const char *label_read(const char **at, const char *end, uint8_t label[NAME_MAX_LABEL + 1])
{
    unsigned octets = 0;
    while (*at < end && **at != '.') {
        int c;
        if (**at == '\\') {
            c = escape_read(at, end);
            if (c < 0)
                return bad_escape;
        } else {
            c = (unsigned char)*(*at)++;
        }
        if (octets == NAME_MAX_LABEL)
            return "a label has more than 63 octets";
        label[++octets] = (uint8_t)c;
    }
    label[0] = (uint8_t)octets;
    return octets > 0 ? NULL : "a label is empty";
}

static const char name_too_long[] = "the name has more than 255 octets";

static const char *name_finish(struct writer *w, const uint8_t *tail, size_t octets)
{
    writer_bytes(w, tail, octets);
    return w->failed ? name_too_long : NULL;
}

const char *zone_token_name(const struct zone_token *token, const uint8_t *origin,
                            uint8_t name[NAME_MAX_OCTETS])
{
    static const uint8_t root[1] = {0};
    struct writer w = writer_to(name, NAME_MAX_OCTETS);
    const char *at = token->text;
    const char *end = at + token->octets;

    if (token->octets == 0)
        return "a name belongs here";
    if (!token->quoted && token->octets == 1 && *at == '@')
        return name_finish(&w, origin, name_octets(origin));
    if (token->octets == 1 && *at == '.')
        return name_finish(&w, root, 1);
    while (at < end) {
        uint8_t label[NAME_MAX_LABEL + 1];
        const char *reason = label_read(&at, end, label);
        if (reason != NULL)
            return reason;
        writer_bytes(&w, label, (size_t)label[0] + 1);
        if (w.failed)
            return name_too_long;
        if (at == end)
            return name_finish(&w, origin, name_octets(origin));
        at++; /* the dot; a name that ends here is absolute */
    }
    return name_finish(&w, root, 1);
}

const char *zone_token_number(const struct zone_token *token, uint32_t most, uint32_t *value)
{
    uint64_t sum = 0;
    if (token->octets == 0 || token->quoted)
        return "a number belongs here";
    for (uint32_t i = 0; i < token->octets; i++) {
        if (!is_digit(token->text[i]))
            return "a number belongs here";
        sum = sum * 10 + (uint64_t)(token->text[i] - '0');
        if (sum > most)
            return "the number is too large";
    }
    *value = (uint32_t)sum;
    return NULL;
}

static uint32_t unit_seconds(char unit)
{
    switch (unit) {
    case 's':
    case 'S':
        return 1;
    case 'm':
    case 'M':
        return 60;
    case 'h':
    case 'H':
        return 3600;
    case 'd':
    case 'D':
        return 86400;
    case 'w':
    case 'W':
        return 604800;
    default:
        return 0;
    }
}

const char *zone_token_period(const struct zone_token *token, uint32_t most, uint32_t *seconds)
{
    uint64_t sum = 0;
    uint32_t i = 0;
    if (token->octets == 0 || token->quoted || !is_digit(token->text[0]))
        return "a time belongs here: seconds, or units as in 1h30m";
    while (i < token->octets) {
        uint64_t number = 0;
        if (!is_digit(token->text[i]))
            return "a time is written in seconds, or with the units w, d, h, m and s as in 1h30m";
        while (i < token->octets && is_digit(token->text[i])) {
            number = number * 10 + (uint64_t)(token->text[i++] - '0');
            if (number > UINT32_MAX)
                return "the time is too large";
        }
        uint32_t unit = i < token->octets ? unit_seconds(token->text[i++]) : 1;
        if (unit == 0)
            return "a time is written in seconds, or with the units w, d, h, m and s as in 1h30m";
        sum += number * unit;
        if (sum > most)
            return "the time is too large";
    }
    *seconds = (uint32_t)sum;
    return NULL;
}

const char *zone_token_string(const struct zone_token *token, size_t most, struct writer *to)
{
    const char *at = token->text;
    const char *end = at + token->octets;
    size_t start = writer_offset(to);
    while (at < end) {
        int c;
        if (*at == '\\') {
            c = escape_read(&at, end);
            if (c < 0)
                return bad_escape;
        } else if (*at == '"' && !token->quoted) {
            return "a quote inside a word: put the whole string in quotes, or write \\\"";
        } else {
            c = (unsigned char)*at++;
        }
        if (writer_offset(to) - start >= most)
            return "the string is too long";
        writer_u8(to, (uint8_t)c);
    }
    return to->failed ? "the record's data has more than 65535 octets" : NULL;
}

/* The number after a word of `prefix_octets` as in TYPE65; -1 when it isn't one of 16 bits. */
static int generic_number(const struct zone_token *token, uint32_t prefix_octets)
{
    struct zone_token digits = {token->text + prefix_octets, token->octets - prefix_octets, false};
    uint32_t value;
    return zone_token_number(&digits, UINT16_MAX, &value) == NULL ? (int)value : -1;
}

static bool has_prefix(const struct zone_token *token, const char *prefix, uint32_t octets)
{
    return token->octets > octets && strncasecmp(token->text, prefix, octets) == 0;
}

struct word_number {
    const char *word;
    int number;
};

static int word_find(const struct zone_token *token, const struct word_number *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (zone_token_is(token, words[i].word))
            return words[i].number;
    }
    return -1;
}

/* Most of any zone is made of these, so they come before ldns's longer table. */
static const struct word_number common_types[] = {
    {"A", 1},     {"NS", 2},    {"AAAA", 28},  {"DS", 43},     {"RRSIG", 46},
    {"NSEC", 47}, {"CNAME", 5}, {"NSEC3", 50}, {"TXT", 16},    {"MX", 15},
    {"PTR", 12},  {"SRV", 33},  {"SOA", 6},    {"DNSKEY", 48}, {"CAA", 257},
};

/* Assigned by IANA, but later than ldns 1.8.3 or left out of it. */
static const struct word_number newer_types[] = {
    {"NINFO", 56},   {"RKEY", 57}, {"DSYNC", 66}, {"HHIT", 67},      {"BRID", 68},
    {"UINFO", 100},  {"UID", 101}, {"GID", 102},  {"UNSPEC", 103},   {"NXNAME", 128},
    {"ANY", 255},    {"AVC", 258}, {"DOA", 259},  {"AMTRELAY", 260}, {"RESINFO", 261},
    {"WALLET", 262}, {"CLA", 263}, {"IPN", 264},  {"TA", 32768},
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

int zone_token_type(const struct zone_token *token)
{
    char word[16];
    if (token->quoted)
        return -1;
    int type = word_find(token, common_types, COUNT_OF(common_types));
    if (type >= 0)
        return type;
    if (has_prefix(token, "TYPE", 4))
        return generic_number(token, 4);
    type = word_find(token, newer_types, COUNT_OF(newer_types));
    if (type >= 0 || token->octets >= sizeof word)
        return type;
    memcpy(word, token->text, token->octets);
    word[token->octets] = '\0';
    type = (int)ldns_get_rr_type_by_name(word);
    return type > 0 && type <= UINT16_MAX ? type : -1;
}

int zone_token_class(const struct zone_token *token)
{
    static const struct word_number classes[] = {{"IN", 1},    {"CS", 2}, {"CH", 3},
                                                 {"CHAOS", 3}, {"HS", 4}, {"NONE", 254}};
    if (token->quoted)
        return -1;
    int class = word_find(token, classes, COUNT_OF(classes));
    if (class < 0 && has_prefix(token, "CLASS", 5))
        class = generic_number(token, 5);
    return class;
}

char *zone_token_show(const struct zone_token *token, char text[ZONE_TOKEN_SHOWN])
{
    size_t at = 0;
    for (uint32_t i = 0; i < token->octets; i++) {
        unsigned char c = (unsigned char)token->text[i];
        if (at > ZONE_TOKEN_SHOWN - 8) {
            memcpy(text + at, "...", 3);
            at += 3;
            break;
        }
        if (c < ' ' || c >= 0x7f)
            at += (size_t)snprintf(text + at, 5, "\\%03u", c);
        else
            text[at++] = (char)c;
    }
    text[at] = '\0';
    return text;
}
