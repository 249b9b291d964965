/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/svcb.h"

#include "wire/reader.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SVCB_VALUE_MAX 65535

enum svcb_key {
    SVCB_MANDATORY = 0,
    SVCB_ALPN = 1,
    SVCB_NO_DEFAULT_ALPN = 2,
    SVCB_PORT = 3,
    SVCB_IPV4HINT = 4,
    SVCB_ECH = 5,
    SVCB_IPV6HINT = 6,
    SVCB_DOHPATH = 7,
    SVCB_OHTTP = 8,
};

static const char *const key_names[] = {"mandatory", "alpn",     "no-default-alpn", "port", "ipv4hint",
                                        "ech",       "ipv6hint", "dohpath",         "ohttp"};

#define KEYS_NAMED    (sizeof key_names / sizeof key_names[0])
#define SVCB_KEY_LAST 65535 /* reserved as invalid */

/* The key of `octets` of text; -1 when it is none. */
static int key_read(const char *text, size_t octets)
{
    struct zone_token digits = {text + 3, (uint32_t)(octets - 3), false};
    uint32_t number = 0;
    for (size_t i = 0; i < KEYS_NAMED; i++) {
        if (strlen(key_names[i]) == octets && strncasecmp(key_names[i], text, octets) == 0)
            return (int)i;
    }
    if (octets < 4 || strncasecmp(text, "key", 3) != 0 || (text[3] == '0' && octets > 4) ||
        zone_token_number(&digits, SVCB_KEY_LAST - 1, &number) != NULL)
        return -1;
    return (int)number;
}

/* A value while it is read: what the word spells, and what becomes of it. */
struct svcb_value {
    const uint8_t *text;
    size_t octets;
    size_t at;
};

/* The next item of a list between commas, `\,` and `\\` resolved (RFC 9460 A.1), into `item`; its octets, or
 * -1 when it is empty or too long. */
static int item_next(struct svcb_value *value, uint8_t item[256])
{
    size_t octets = 0;
    while (value->at < value->octets && value->text[value->at] != ',') {
        uint8_t c = value->text[value->at++];
        if (c == '\\') {
            if (value->at == value->octets)
                return -1;
            c = value->text[value->at++];
        }
        if (octets == 255)
            return -1;
        item[octets++] = c;
    }
    item[octets] = '\0';
    return octets > 0 ? (int)octets : -1;
}

/* Steps over the comma. Whether another item has to follow. */
static bool item_more(struct svcb_value *value)
{
    if (value->at == value->octets)
        return false;
    value->at++;
    return true;
}

static const char *alpn_item(const uint8_t *item, int octets, struct writer *to)
{
    writer_u8(to, (uint8_t)octets);
    writer_bytes(to, item, (size_t)octets);
    return NULL;
}

static const char *ipv4_item(const uint8_t *item, struct writer *to)
{
    uint8_t address[4];
    if (inet_pton(AF_INET, (const char *)item, address) != 1)
        return "ipv4hint is a list of IPv4 addresses";
    writer_bytes(to, address, sizeof address);
    return NULL;
}

static const char *ipv6_item(const uint8_t *item, struct writer *to)
{
    uint8_t address[16];
    if (inet_pton(AF_INET6, (const char *)item, address) != 1)
        return "ipv6hint is a list of IPv6 addresses";
    writer_bytes(to, address, sizeof address);
    return NULL;
}

static const char *item_write(int key, const uint8_t *item, int octets, struct writer *to)
{
    /* An octet 0 inside would cut the text short. */
    if (key != SVCB_ALPN && strlen((const char *)item) != (size_t)octets)
        return "a NUL octet";
    switch (key) {
    case SVCB_ALPN:
        return alpn_item(item, octets, to);
    case SVCB_IPV4HINT:
        return ipv4_item(item, to);
    default:
        return ipv6_item(item, to);
    }
}

static const char *list_write(int key, struct svcb_value *value, struct writer *to)
{
    uint8_t item[256];
    do {
        int octets = item_next(value, item);
        if (octets < 0)
            return "an item of the list is empty or too long";
        const char *reason = item_write(key, item, octets, to);
        if (reason != NULL)
            return reason;
    } while (item_more(value));
    return NULL;
}

static int compare_keys(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* The keys that a client has to know, in ascending order on the wire whatever their order here. */
static const char *mandatory_write(struct svcb_value *value, struct writer *to)
{
    uint16_t keys[256];
    size_t count = 0;
    uint8_t item[256];
    do {
        int octets = item_next(value, item);
        int key = octets > 0 ? key_read((const char *)item, (size_t)octets) : -1;
        if (key < 0 || count == sizeof keys / sizeof keys[0])
            return "mandatory is a list of keys";
        keys[count++] = (uint16_t)key;
    } while (item_more(value));
    qsort(keys, count, sizeof keys[0], compare_keys);
    for (size_t i = 0; i < count; i++)
        writer_u16(to, keys[i]);
    return NULL;
}

static const char *port_write(const struct svcb_value *value, struct writer *to)
{
    struct zone_token digits = {(const char *)value->text, (uint32_t)value->octets, false};
    uint32_t port = 0;
    if (zone_token_number(&digits, UINT16_MAX, &port) != NULL)
        return "port is a number of at most 65535";
    writer_u16(to, (uint16_t)port);
    return NULL;
}

static const char *ech_write(const struct svcb_value *value, struct writer *to)
{
    size_t octets = 0;
    uint8_t *room = malloc(value->octets + 1);
    if (room == NULL)
        return "memory is short";
    int error = sodium_base642bin(room, value->octets, (const char *)value->text, value->octets, NULL,
                                  &octets, NULL, sodium_base64_VARIANT_ORIGINAL);
    if (error == 0)
        writer_bytes(to, room, octets);
    free(room);
    return error == 0 ? NULL : "ech is base64 (RFC 4648 4)";
}

static const char *value_write(int key, bool generic, struct svcb_value *value, struct writer *to)
{
    if (generic || key == SVCB_DOHPATH || key == SVCB_NO_DEFAULT_ALPN || key == SVCB_OHTTP) {
        writer_bytes(to, value->text, value->octets);
        return NULL;
    }
    switch (key) {
    case SVCB_MANDATORY:
        return mandatory_write(value, to);
    case SVCB_PORT:
        return port_write(value, to);
    case SVCB_ECH:
        return ech_write(value, to);
    default:
        return list_write(key, value, to);
    }
}

/* One word: key, key=value or key="value"; appended as key, length, value. */
static const char *param_read(const struct zone_token *token, uint8_t *room, struct writer *to)
{
    const char *equals = memchr(token->text, '=', token->octets);
    size_t key_octets = equals != NULL ? (size_t)(equals - token->text) : token->octets;
    struct zone_token word = {token->text + token->octets, 0, false};
    struct writer text = writer_to(room, SVCB_VALUE_MAX);
    int key = token->quoted ? -1 : key_read(token->text, key_octets);
    if (key < 0)
        return "a service parameter that isn't known here: write it as keyNNNNN=\"value\" with its number "
               "(RFC "
               "9460 2.1), or the whole record as TYPE64 or TYPE65 \\# LENGTH HEX";
    if (equals != NULL)
        word = (struct zone_token){equals + 1, (uint32_t)(token->octets - key_octets - 1), false};
    if (word.octets >= 2 && word.text[0] == '"' && word.text[word.octets - 1] == '"')
        word = (struct zone_token){word.text + 1, word.octets - 2, true};
    const char *reason = zone_token_string(&word, SVCB_VALUE_MAX, &text);
    if (reason != NULL)
        return reason;
    struct svcb_value value = {room, writer_offset(&text), 0};
    writer_u16(to, (uint16_t)key);
    size_t length_at = writer_offset(to);
    writer_u16(to, 0);
    reason = value_write(key, strncasecmp(token->text, "key", 3) == 0, &value, to);
    size_t octets = writer_offset(to) - length_at - 2;
    if (reason == NULL && octets > UINT16_MAX)
        reason = "the value has more than 65535 octets";
    if (reason == NULL)
        writer_set_u16(to, length_at, (uint16_t)octets);
    return reason;
}

/* A parameter in wire form. */
struct svcb_param {
    const uint8_t *octets;
    size_t count;
    uint16_t key;
};

static int compare_params(const void *a, const void *b)
{
    const struct svcb_param *left = a;
    const struct svcb_param *right = b;
    return left->key - right->key;
}

static const char *params_write_sorted(struct svcb_param *params, size_t count, struct writer *to)
{
    size_t start = writer_offset(to);
    qsort(params, count, sizeof *params, compare_params);
    for (size_t i = 0; i < count; i++)
        writer_bytes(to, params[i].octets, params[i].count);
    if (to->failed)
        return "the record's data has more than 65535 octets";
    return svcb_params_judge(to->start + start, writer_offset(to) - start);
}

static const char *params_read(const struct zone_token *tokens, size_t count, size_t *at, uint8_t *room,
                               struct svcb_param *params, struct writer *unsorted)
{
    for (*at = 0; *at < count; ++*at) {
        const uint8_t *start = unsorted->at;
        const char *reason = param_read(&tokens[*at], room, unsorted);
        if (reason != NULL)
            return reason;
        if (unsorted->failed)
            return "the record's data has more than 65535 octets";
        params[*at] =
            (struct svcb_param){start, (size_t)(unsorted->at - start), (uint16_t)(start[0] << 8 | start[1])};
    }
    return NULL;
}

const char *svcb_params_read(const struct zone_token *tokens, size_t count, size_t *at, struct writer *to)
{
    enum { UNSORTED_OCTETS = SVCB_VALUE_MAX + 4 };
    uint8_t *room = malloc(SVCB_VALUE_MAX + UNSORTED_OCTETS);
    struct svcb_param *params = calloc(count > 0 ? count : 1, sizeof *params);
    const char *reason = "memory is short";
    if (room != NULL && params != NULL) {
        struct writer unsorted = writer_to(room + SVCB_VALUE_MAX, UNSORTED_OCTETS);
        reason = params_read(tokens, count, at, room, params, &unsorted);
        if (reason == NULL)
            reason = params_write_sorted(params, count, to);
    }
    free(room);
    free(params);
    return reason;
}

/* --- the wire form */

static const char *alpn_judge(struct reader value)
{
    if (reader_left(&value) == 0)
        return "alpn is a list of protocols";
    while (reader_left(&value) > 0) {
        uint8_t octets = reader_u8(&value);
        reader_bytes(&value, octets);
        if (octets == 0 || value.failed)
            return "alpn is a list of protocols";
    }
    return NULL;
}

static const char *addresses_judge(struct reader value, size_t each)
{
    return reader_left(&value) > 0 && reader_left(&value) % each == 0 ? NULL
                                                                      : "a hint is a list of addresses";
}

static const char *value_judge(uint16_t key, struct reader value)
{
    size_t octets = reader_left(&value);
    switch (key) {
    case SVCB_MANDATORY:
        return octets > 0 && octets % 2 == 0 ? NULL : "mandatory is a list of keys";
    case SVCB_ALPN:
        return alpn_judge(value);
    case SVCB_NO_DEFAULT_ALPN:
    case SVCB_OHTTP:
        return octets == 0 ? NULL : "this parameter has no value";
    case SVCB_PORT:
        return octets == 2 ? NULL : "port is a number of at most 65535";
    case SVCB_IPV4HINT:
        return addresses_judge(value, 4);
    case SVCB_IPV6HINT:
        return addresses_judge(value, 16);
    case SVCB_ECH:
    case SVCB_DOHPATH:
        return octets > 0 ? NULL : "this parameter needs a value";
    default:
        return NULL;
    }
}

/* Whether the parameters have the key. */
static bool params_have(struct reader params, uint16_t key)
{
    while (reader_left(&params) > 0 && !params.failed) {
        uint16_t found = reader_u16(&params);
        reader_bytes(&params, reader_u16(&params));
        if (found == key && !params.failed)
            return true;
    }
    return false;
}

static const char *mandatory_judge(struct reader keys, struct reader params)
{
    int before = SVCB_MANDATORY; /* which may not name itself */
    while (reader_left(&keys) > 0) {
        uint16_t key = reader_u16(&keys);
        if (key <= before)
            return "mandatory names each key once, and not itself (RFC 9460 8)";
        if (!params_have(params, key))
            return "mandatory names a key that isn't there (RFC 9460 8)";
        before = key;
    }
    return NULL;
}

const char *svcb_params_judge(const uint8_t *params, size_t octets)
{
    const struct reader whole = reader_of(params, octets);
    struct reader r = whole;
    int before = -1;
    while (reader_left(&r) > 0) {
        uint16_t key = reader_u16(&r);
        struct reader value = reader_part(&r, reader_u16(&r));
        if (r.failed || key == SVCB_KEY_LAST)
            return "these aren't service parameters";
        if (key == before)
            return "a key is given twice";
        if (key < before)
            return "the keys aren't in ascending order (RFC 9460 2.2)";
        const char *reason = value_judge(key, value);
        if (reason == NULL && key == SVCB_MANDATORY)
            reason = mandatory_judge(value, whole);
        if (reason == NULL && key == SVCB_NO_DEFAULT_ALPN && !params_have(whole, SVCB_ALPN))
            reason = "no-default-alpn needs alpn beside it (RFC 9460 7.1.1)";
        if (reason != NULL)
            return reason;
        before = key;
    }
    return NULL;
}
