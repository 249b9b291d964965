/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/name.h"

#include <string.h>

size_t name_check(const uint8_t *name, size_t octets)
{
    size_t limit = octets < NAME_MAX_OCTETS ? octets : NAME_MAX_OCTETS;
    size_t at = 0;
    while (at < limit) {
        uint8_t label = name[at];
        if (label == 0)
            return at + 1;
        if (label > NAME_MAX_LABEL)
            return 0;
        at += 1 + (size_t)label;
    }
    return 0;
}

size_t name_octets(const uint8_t *name)
{
    const uint8_t *at = name;
    while (*at != 0)
        at += 1 + *at;
    return (size_t)(at - name) + 1;
}

unsigned name_labels(const uint8_t *name)
{
    unsigned labels = 0;
    for (; *name != 0; name += 1 + *name)
        labels++;
    return labels;
}

static inline uint8_t fold_octet(uint8_t c)
{
    return (uint8_t)(c - 'A') < 26 ? (uint8_t)(c | 0x20) : c;
}

void name_fold_short(uint8_t *to, const uint8_t *from, size_t octets)
{
    if (octets >= 8) {
        name_fold_eight(to, from);
        name_fold_eight(to + octets - 8, from + octets - 8);
        return;
    }
    for (size_t i = 0; i < octets; i++)
        to[i] = fold_octet(from[i]);
}

static bool octets_equal_folded(const uint8_t *a, const uint8_t *b, size_t octets)
{
    for (size_t i = 0; i < octets; i++) {
        if (fold_octet(a[i]) != fold_octet(b[i]))
            return false;
    }
    return true;
}

bool name_equal(const uint8_t *a, const uint8_t *b)
{
    size_t octets = name_octets(a);
    return octets == name_octets(b) && octets_equal_folded(a, b, octets);
}

/* Where each label of `name` starts, first to last; how many. */
static unsigned label_starts(const uint8_t *name, uint8_t starts[NAME_MAX_LABELS])
{
    unsigned labels = 0;
    for (size_t at = 0; name[at] != 0 && labels < NAME_MAX_LABELS; at += 1 + (size_t)name[at])
        starts[labels++] = (uint8_t)at;
    return labels;
}

uint64_t name_hash(const uint8_t *name)
{
    uint8_t folded[NAME_MAX_OCTETS + NAME_PADDING];
    uint8_t starts[NAME_MAX_LABELS];
    uint64_t hash = NAME_HASH_ROOT;
    name_fold(folded, name, name_octets(name));
    for (unsigned labels = label_starts(name, starts); labels > 0; labels--)
        hash = name_hash_label(hash, folded + starts[labels - 1]);
    return hash;
}

static int label_compare(const uint8_t *a, const uint8_t *b)
{
    uint8_t shorter = a[0] < b[0] ? a[0] : b[0];
    for (unsigned i = 1; i <= shorter; i++) {
        int difference = fold_octet(a[i]) - fold_octet(b[i]);
        if (difference != 0)
            return difference;
    }
    return a[0] - b[0];
}

int name_compare(const uint8_t *a, const uint8_t *b)
{
    uint8_t starts_a[NAME_MAX_LABELS];
    uint8_t starts_b[NAME_MAX_LABELS];
    unsigned left_a = label_starts(a, starts_a);
    unsigned left_b = label_starts(b, starts_b);
    while (left_a > 0 && left_b > 0) {
        int difference = label_compare(a + starts_a[--left_a], b + starts_b[--left_b]);
        if (difference != 0)
            return difference;
    }
    return (int)left_a - (int)left_b;
}

bool name_is_at_or_below(const uint8_t *name, const uint8_t *ancestor)
{
    size_t octets = name_octets(name);
    size_t ancestor_octets = name_octets(ancestor);
    while (octets > ancestor_octets) {
        octets -= 1 + (size_t)name[0];
        name = name_parent(name);
    }
    return octets == ancestor_octets && octets_equal_folded(name, ancestor, octets);
}

static char *octet_to_text(char *text, uint8_t c)
{
    if (c <= ' ' || c >= 0x7f) {
        *text++ = '\\';
        *text++ = (char)('0' + c / 100);
        *text++ = (char)('0' + c / 10 % 10);
        *text++ = (char)('0' + c % 10);
        return text;
    }
    if (strchr(".\\\"();@$", c) != NULL)
        *text++ = '\\';
    *text++ = (char)c;
    return text;
}

char *name_to_text(const uint8_t *name, char text[NAME_TEXT_MAX])
{
    char *at = text;
    if (*name == 0)
        *at++ = '.';
    for (; *name != 0; name += 1 + *name) {
        for (unsigned i = 1; i <= *name; i++)
            at = octet_to_text(at, name[i]);
        *at++ = '.';
    }
    *at = '\0';
    return text;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads one possibly escaped character; moves `*text` behind it. -1: an escape that is none. */
static int octet_from_text(const char **text)
{
    const char *at = *text;
    if (*at != '\\') {
        *text = at + 1;
        return (uint8_t)*at;
    }
    if (at[1] == '\0')
        return -1;
    if (!is_digit(at[1])) {
        *text = at + 2;
        return (uint8_t)at[1];
    }
    if (!is_digit(at[2]) || !is_digit(at[3]))
        return -1;
    int value = (at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0');
    *text = at + 4;
    return value <= 255 ? value : -1;
}

size_t name_from_text(uint8_t name[NAME_MAX_OCTETS], const char *text)
{
    size_t length_at = 0;
    size_t at = 1;
    if (strcmp(text, ".") == 0) {
        name[0] = 0;
        return 1;
    }
    while (*text != '\0') {
        if (*text == '.') {
            if (at - length_at < 2 || at >= NAME_MAX_OCTETS)
                return 0;
            name[length_at] = (uint8_t)(at - length_at - 1);
            length_at = at++;
            text++;
            continue;
        }
        int octet = octet_from_text(&text);
        if (octet < 0 || at - length_at > NAME_MAX_LABEL || at >= NAME_MAX_OCTETS)
            return 0;
        name[at++] = (uint8_t)octet;
    }
    if (at - length_at > 1) {
        name[length_at] = (uint8_t)(at - length_at - 1);
        if (at >= NAME_MAX_OCTETS)
            return 0;
        length_at = at;
    }
    if (length_at == 0)
        return 0;
    name[length_at] = 0;
    return length_at + 1;
}

size_t name_unpack(uint8_t name[NAME_MAX_OCTETS], const uint8_t *message, size_t octets, size_t at,
                   size_t *after)
{
    size_t length = 0;
    size_t behind = 0;
    size_t limit = at; /* each pointer leads before what led to it, so this ends */
    while (at < octets) {
        uint8_t label = message[at];
        if (label >= 0xc0) {
            size_t to = at + 1 < octets ? (size_t)(label & 0x3f) << 8 | message[at + 1] : octets;
            if (to >= limit)
                return 0;
            behind = behind != 0 ? behind : at + 2;
            at = limit = to;
            continue;
        }
        if (label > NAME_MAX_LABEL || label >= octets - at || length + 1 + label > NAME_MAX_OCTETS)
            return 0;
        memcpy(name + length, message + at, 1U + label);
        length += 1U + label;
        at += 1U + label;
        if (label == 0) {
            *after = behind != 0 ? behind : at;
            return length;
        }
    }
    return 0;
}
