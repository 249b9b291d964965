/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/rdata.h"

#include "wire/name.h"
#include "wire/reader.h"
#include "zone/svcb.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ldns/ldns.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Types that ldns 1.8.3 lacks, made of character strings as TXT is: NINFO, AVC, RESINFO, WALLET, CLA. */
static bool type_is_like_txt(uint16_t type)
{
    return type == 56 || type == 258 || type == 261 || type == 262 || type == 263;
}

static const ldns_rr_descriptor *descriptor_find(uint16_t type)
{
    const ldns_rr_descriptor *found = ldns_rr_descript(type_is_like_txt(type) ? LDNS_RR_TYPE_TXT : type);
    if (found == NULL || (found->_type != (ldns_rr_type)type && !type_is_like_txt(type)))
        return NULL;
    return found;
}

bool zone_rdata_has_text_form(uint16_t type)
{
    const ldns_rr_descriptor *found = descriptor_find(type);
    return found != NULL &&
           (found->_maximum == 0 || ldns_rr_descriptor_field_type(found, 0) != LDNS_RDF_TYPE_UNKNOWN);
}

/* The next word; there is one, fields_read() has made sure. */
static const struct zone_token *word_next(const struct zone_rdata_source *source)
{
    return &source->tokens[source->at];
}

static const char *field_name(const struct zone_token *token, const uint8_t *origin, struct writer *to)
{
    uint8_t name[NAME_MAX_OCTETS];
    const char *reason = zone_token_name(token, origin, name);
    if (reason == NULL)
        writer_bytes(to, name, name_octets(name));
    return reason;
}

static const char *field_number(const struct zone_token *token, unsigned octets, struct writer *to)
{
    static const uint32_t most[5] = {0, UINT8_MAX, UINT16_MAX, 0, UINT32_MAX};
    uint32_t value = 0;
    const char *reason = zone_token_number(token, most[octets], &value);
    if (reason != NULL)
        return reason;
    for (unsigned left = octets; left-- > 0;)
        writer_u8(to, (uint8_t)(value >> (8 * left)));
    return NULL;
}

static const char *field_address(const struct zone_token *token, int family, struct writer *to)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t octets[16];
    const char *reason = family == AF_INET ? "an IPv4 address belongs here, as in 192.0.2.1"
                                           : "an IPv6 address belongs here, as in 2001:db8::1";
    if (token->octets >= sizeof text || token->quoted)
        return reason;
    memcpy(text, token->text, token->octets);
    text[token->octets] = '\0';
    if (inet_pton(family, text, octets) != 1)
        return reason;
    writer_bytes(to, octets, family == AF_INET ? 4 : 16);
    return NULL;
}

static const char *field_string(const struct zone_token *token, struct writer *to)
{
    size_t length_at = writer_offset(to);
    writer_u8(to, 0);
    const char *reason = zone_token_string(token, 255, to);
    if (reason == NULL && !to->failed)
        to->start[length_at] = (uint8_t)(writer_offset(to) - length_at - 1);
    return reason;
}

/* CAA's tag (RFC 8659 4.1): letters and digits, its length before it. */
static const char *field_tag(const struct zone_token *token, struct writer *to)
{
    if (token->octets == 0 || token->octets > 255)
        return "a tag has 1 to 255 letters and digits";
    for (uint32_t i = 0; i < token->octets; i++) {
        char c = token->text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return "a tag is made of letters and digits";
    }
    writer_u8(to, (uint8_t)token->octets);
    writer_bytes(to, token->text, token->octets);
    return NULL;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Digits of several bits each, which may be cut into words anywhere. */
struct digits {
    uint32_t bits;
    unsigned held; /* bits in `bits` not yet written */
    unsigned padding;
    size_t count;
};

static void digits_push(struct digits *digits, unsigned value, unsigned width, struct writer *to)
{
    digits->bits = digits->bits << width | value;
    digits->held += width;
    digits->count++;
    if (digits->held >= 8) {
        digits->held -= 8;
        writer_u8(to, (uint8_t)(digits->bits >> digits->held));
    }
}

static const char *word_hex(const struct zone_token *token, struct digits *digits, struct writer *to)
{
    if (token->quoted)
        return "hexadecimal digits belong here, without quotes";
    for (uint32_t i = 0; i < token->octets; i++) {
        int value = hex_value(token->text[i]);
        if (value < 0)
            return "hexadecimal digits belong here";
        digits_push(digits, (unsigned)value, 4, to);
    }
    return NULL;
}

/* All the words that are left, as hexadecimal. */
static const char *field_hex(struct zone_rdata_source *source, struct writer *to)
{
    struct digits digits = {0};
    for (; source->at < source->count; source->at++) {
        const char *reason = word_hex(&source->tokens[source->at], &digits, to);
        if (reason != NULL)
            return reason;
    }
    return digits.held == 0 ? NULL : "an odd number of hexadecimal digits";
}

/* RFC 8078 4 wrote the digest of the CDS that asks for no DS as a single 0. */
static const char *field_digest(uint16_t type, struct zone_rdata_source *source, struct writer *to)
{
    const struct zone_token *token = word_next(source);
    if (type == LDNS_RR_TYPE_CDS && source->at + 1 == source->count && zone_token_is(token, "0")) {
        source->at++;
        writer_u8(to, 0);
        return NULL;
    }
    return field_hex(source, to);
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

static const char bad_base64[] = "base64 belongs here (RFC 4648 4)";

static const char *word_base64(const struct zone_token *token, struct digits *digits, struct writer *to)
{
    for (uint32_t i = 0; i < token->octets; i++) {
        int value = base64_value(token->text[i]);
        if (token->text[i] == '=') {
            digits->padding++;
            continue;
        }
        if (value < 0 || digits->padding > 0)
            return bad_base64;
        digits_push(digits, (unsigned)value, 6, to);
    }
    return NULL;
}

/* All the words that are left, as base64. */
static const char *field_base64(struct zone_rdata_source *source, struct writer *to)
{
    struct digits digits = {0};
    for (; source->at < source->count; source->at++) {
        const char *reason = word_base64(&source->tokens[source->at], &digits, to);
        if (reason != NULL)
            return reason;
    }
    bool whole = (digits.count + digits.padding) % 4 == 0 && digits.padding <= 2 && digits.held < 6;
    return whole ? NULL : "the base64 is cut off: its length isn't a multiple of four";
}

static const char *field_salt(const struct zone_token *token, struct writer *to)
{
    struct digits digits = {0};
    if (zone_token_is(token, "-")) {
        writer_u8(to, 0);
        return NULL;
    }
    if (token->octets == 0 || token->octets > 510 || token->octets % 2 != 0)
        return "a salt is - or up to 255 octets in hexadecimal";
    writer_u8(to, (uint8_t)(token->octets / 2));
    return word_hex(token, &digits, to);
}

static int base32_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'v')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'V' ? c - 'A' + 10 : -1;
}

/* NSEC3's next hashed owner (RFC 5155 3.3): base32hex without padding, its octets counted before it. */
static const char *field_hashed_owner(const struct zone_token *token, struct writer *to)
{
    static const char reason[] = "a hash in base32hex belongs here (RFC 4648 7), without padding";
    struct digits digits = {0};
    size_t octets = (size_t)token->octets * 5 / 8;
    if (octets == 0 || octets > 255 || token->quoted)
        return reason;
    writer_u8(to, (uint8_t)octets);
    for (uint32_t i = 0; i < token->octets; i++) {
        int value = base32_value(token->text[i]);
        if (value < 0)
            return reason;
        digits_push(&digits, (unsigned)value, 5, to);
    }
    return digits.held < 5 ? NULL : reason;
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
static int64_t days_from_date(int64_t year, unsigned month, unsigned day)
{
    static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int64_t y = year - 1;
    int64_t days = y * 365 + y / 4 - y / 100 + y / 400 + before[month - 1] + day - 1;
    return days + (leap && month > 2 ? 1 : 0) - 719162;
}

static unsigned two_digits(const char *text)
{
    return (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
}

/* YYYYMMDDHHmmSS, or seconds since 1970 (RFC 4034 3.2), modulo 2^32 either way. */
static const char *field_time(const struct zone_token *token, struct writer *to)
{
    const char *t = token->text;
    uint32_t value = 0;
    if (token->octets != 14)
        return field_number(token, 4, to);
    for (unsigned i = 0; i < 14; i++) {
        if (t[i] < '0' || t[i] > '9')
            return "a time belongs here, as in 20260821170000";
    }
    unsigned month = two_digits(t + 4);
    unsigned day = two_digits(t + 6);
    unsigned hour = two_digits(t + 8);
    unsigned minute = two_digits(t + 10);
    unsigned second = two_digits(t + 12);
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return "there is no such time; it is written as in 20260821170000";
    int64_t days = days_from_date((int64_t)two_digits(t) * 100 + two_digits(t + 2), month, day);
    value = (uint32_t)(days * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second);
    writer_u32(to, value);
    return NULL;
}

static int compare_types(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* The windows of a type bitmap (RFC 4034 4.1.2) for `count` sorted types. */
static void bitmap_write(const uint16_t *types, size_t count, struct writer *to)
{
    size_t i = 0;
    while (i < count) {
        uint8_t bits[32] = {0};
        uint8_t window = (uint8_t)(types[i] >> 8);
        unsigned last = 0;
        for (; i < count && types[i] >> 8 == window; i++) {
            last = (types[i] & 0xff) / 8;
            bits[last] |= (uint8_t)(0x80 >> (types[i] & 7));
        }
        writer_u8(to, window);
        writer_u8(to, (uint8_t)(last + 1));
        writer_bytes(to, bits, last + 1);
    }
}

static const char no_memory[] = "memory is short";

/* All the words that are left, as the types of a bitmap; none of them is an empty bitmap. */
static const char *field_bitmap(struct zone_rdata_source *source, struct writer *to)
{
    size_t count = source->count - source->at;
    uint16_t few[64];
    uint16_t *types = few;
    const char *reason = NULL;
    if (count > sizeof few / sizeof few[0])
        types = malloc(count * sizeof *types);
    if (types == NULL)
        return no_memory;
    for (size_t i = 0; i < count && reason == NULL; i++) {
        int type = zone_token_type(&source->tokens[source->at]);
        types[i] = (uint16_t)type;
        if (type < 0)
            reason = "a record type belongs here";
        else
            source->at++;
    }
    if (reason == NULL && count > 0) {
        qsort(types, count, sizeof *types, compare_types);
        bitmap_write(types, count, to);
    }
    if (types != few)
        free(types);
    return reason;
}

static const char *field_type(const struct zone_token *token, struct writer *to)
{
    int type = zone_token_type(token);
    if (type < 0)
        return "a record type belongs here";
    writer_u16(to, (uint16_t)type);
    return NULL;
}

/* The words from the reader's on, as one zero-terminated text with single blanks; to be freed. */
static char *words_join(const struct zone_rdata_source *source, size_t count)
{
    size_t octets = 1;
    for (size_t i = 0; i < count; i++)
        octets += source->tokens[source->at + i].octets + 3U;
    char *text = malloc(octets);
    if (text == NULL)
        return NULL;
    struct writer w = writer_to((uint8_t *)text, octets);
    for (size_t i = 0; i < count; i++) {
        const struct zone_token *token = &source->tokens[source->at + i];
        if (i > 0)
            writer_u8(&w, ' ');
        if (token->quoted)
            writer_u8(&w, '"');
        writer_bytes(&w, token->text, token->octets);
        if (token->quoted)
            writer_u8(&w, '"');
    }
    writer_u8(&w, '\0');
    return text;
}

/* WKS asks the C library for protocols and services, which isn't safe in two threads. */
static pthread_mutex_t services_lock = PTHREAD_MUTEX_INITIALIZER;

/* A field that ldns reads: one word, or all that are left. */
static const char *field_by_ldns(ldns_rdf_type kind, struct zone_rdata_source *source, size_t words,
                                 struct writer *to)
{
    ldns_rdf *field = NULL;
    char *text = words_join(source, words);
    if (text == NULL)
        return no_memory;
    if (kind == LDNS_RDF_TYPE_WKS)
        pthread_mutex_lock(&services_lock);
    field = ldns_rdf_new_frm_str(kind, text);
    if (kind == LDNS_RDF_TYPE_WKS)
        pthread_mutex_unlock(&services_lock);
    free(text);
    /* ldns takes an address of no octets, as in NSAP 0x. */
    if (field == NULL || ldns_rdf_size(field) == 0) {
        ldns_rdf_deep_free(field);
        return "it can't be read as the type's data; the wire form can be written as \\# LENGTH HEX";
    }
    writer_bytes(to, ldns_rdf_data(field), ldns_rdf_size(field));
    ldns_rdf_deep_free(field);
    source->at += words;
    return NULL;
}

static const char *field_params(struct zone_rdata_source *source, struct writer *to)
{
    size_t at = 0;
    const char *reason = svcb_params_read(source->tokens + source->at, source->count - source->at, &at, to);
    source->at += at;
    return reason;
}

/* A number, or a mnemonic that ldns knows. */
static const char *field_mnemonic(ldns_rdf_type kind, struct zone_rdata_source *source, struct writer *to)
{
    const struct zone_token *token = word_next(source);
    char first = token->octets > 0 ? token->text[0] : '\0';
    if (isalpha((unsigned char)first))
        return field_by_ldns(kind, source, 1, to);
    /* Not for ldns, which leaks what it makes of a CERT's "-0". */
    if (first < '0' || first > '9')
        return "it is neither a number nor a mnemonic";
    const char *reason = field_number(token, kind == LDNS_RDF_TYPE_CERT_ALG ? 2 : 1, to);
    if (reason == NULL)
        source->at++;
    return reason;
}

static const char *field_period(const struct zone_token *token, struct writer *to)
{
    uint32_t seconds = 0;
    const char *reason = zone_token_period(token, UINT32_MAX, &seconds);
    writer_u32(to, seconds);
    return reason;
}

/* A field of one word that is read here; `known` tells whether it is one. */
static const char *field_of_word(ldns_rdf_type kind, const struct zone_token *token, const uint8_t *origin,
                                 struct writer *to, bool *known)
{
    switch (kind) {
    case LDNS_RDF_TYPE_DNAME:
        return field_name(token, origin, to);
    case LDNS_RDF_TYPE_INT8:
        return field_number(token, 1, to);
    case LDNS_RDF_TYPE_INT16:
        return field_number(token, 2, to);
    case LDNS_RDF_TYPE_INT32:
        return field_number(token, 4, to);
    case LDNS_RDF_TYPE_A:
        return field_address(token, AF_INET, to);
    case LDNS_RDF_TYPE_AAAA:
        return field_address(token, AF_INET6, to);
    case LDNS_RDF_TYPE_STR:
        return field_string(token, to);
    case LDNS_RDF_TYPE_LONG_STR:
        return zone_token_string(token, RDATA_MAX_OCTETS, to);
    case LDNS_RDF_TYPE_TAG:
        return field_tag(token, to);
    case LDNS_RDF_TYPE_TYPE:
        return field_type(token, to);
    case LDNS_RDF_TYPE_TIME:
        return field_time(token, to);
    case LDNS_RDF_TYPE_PERIOD:
        return field_period(token, to);
    case LDNS_RDF_TYPE_NSEC3_SALT:
        return field_salt(token, to);
    case LDNS_RDF_TYPE_NSEC3_NEXT_OWNER:
        return field_hashed_owner(token, to);
    default:
        *known = false;
        return NULL;
    }
}

/* Takes one word by `kind`, when there is one. */
static const char *word_take(ldns_rdf_type kind, struct zone_rdata_source *source, struct writer *to)
{
    bool known = true;
    if (source->at == source->count)
        return "data is missing at the end";
    const char *reason = field_of_word(kind, word_next(source), source->origin, to, &known);
    if (reason == NULL)
        source->at++;
    return reason;
}

/* The gateway by its type: none, an address or a name. */
static const char *ipseckey_gateway(uint8_t type, struct zone_rdata_source *source, struct writer *to)
{
    static const ldns_rdf_type kinds[] = {LDNS_RDF_TYPE_NONE, LDNS_RDF_TYPE_A, LDNS_RDF_TYPE_AAAA,
                                          LDNS_RDF_TYPE_DNAME};
    if (type >= sizeof kinds / sizeof kinds[0])
        return "a gateway type is 0 (none), 1 (IPv4), 2 (IPv6) or 3 (a name)";
    if (type > 0)
        return word_take(kinds[type], source, to);
    if (source->at == source->count || !zone_token_is(word_next(source), "."))
        return "no gateway is written as a dot";
    source->at++;
    return NULL;
}

/* All of IPSECKEY (RFC 4025 2 and 3). */
static const char *field_ipseckey(struct zone_rdata_source *source, struct writer *to)
{
    size_t start = writer_offset(to);
    const char *reason = word_take(LDNS_RDF_TYPE_INT8, source, to);
    for (int i = 0; i < 2 && reason == NULL; i++)
        reason = word_take(LDNS_RDF_TYPE_INT8, source, to);
    if (reason == NULL && !to->failed)
        reason = ipseckey_gateway(to->start[start + 1], source, to);
    return reason != NULL ? reason : field_base64(source, to);
}

static const char *word_missing(const struct zone_rdata_source *source, size_t words)
{
    return source->count - source->at < words ? "data is missing at the end" : NULL;
}

/* HIP up to its rendezvous servers (RFC 8005 5 and 6): the lengths come first, before what they count. */
static const char *field_hip(struct zone_rdata_source *source, struct writer *to)
{
    struct digits hit = {0};
    struct digits key = {0};
    size_t start = writer_offset(to);
    const char *reason = word_missing(source, 3);
    writer_u8(to, 0);
    if (reason == NULL)
        reason = word_take(LDNS_RDF_TYPE_INT8, source, to);
    writer_u16(to, 0);
    if (reason == NULL)
        reason = word_hex(word_next(source), &hit, to);
    if (reason == NULL && (hit.held > 0 || hit.count > 510))
        reason = "a host identity tag is up to 255 octets in hexadecimal";
    if (reason != NULL)
        return reason;
    source->at++;
    size_t key_start = writer_offset(to);
    reason = word_base64(word_next(source), &key, to);
    if (reason == NULL && (key.count + key.padding) % 4 != 0)
        reason = bad_base64;
    if (reason != NULL || to->failed)
        return reason;
    source->at++;
    to->start[start] = (uint8_t)(hit.count / 2);
    writer_set_u16(to, start + 2, (uint16_t)(writer_offset(to) - key_start));
    return NULL;
}

static const char *field_read(uint16_t type, ldns_rdf_type kind, struct zone_rdata_source *source,
                              struct writer *to)
{
    size_t left = source->count - source->at;
    bool known = true;
    switch (kind) {
    case LDNS_RDF_TYPE_B64:
        return field_base64(source, to);
    case LDNS_RDF_TYPE_HEX:
        return field_digest(type, source, to);
    case LDNS_RDF_TYPE_NSEC:
        return field_bitmap(source, to);
    case LDNS_RDF_TYPE_CERT_ALG:
    case LDNS_RDF_TYPE_ALG:
    case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
    case LDNS_RDF_TYPE_SELECTOR:
    case LDNS_RDF_TYPE_MATCHING_TYPE:
        return field_mnemonic(kind, source, to);
    case LDNS_RDF_TYPE_LOC:
    case LDNS_RDF_TYPE_WKS:
        return field_by_ldns(kind, source, left, to);
    case LDNS_RDF_TYPE_IPSECKEY:
        return field_ipseckey(source, to);
    case LDNS_RDF_TYPE_HIP:
        return field_hip(source, to);
    case LDNS_RDF_TYPE_SVCPARAMS:
        return field_params(source, to);
    case LDNS_RDF_TYPE_LONG_STR:
        if (type == LDNS_RR_TYPE_URI && word_next(source)->octets == 0)
            return "a URI isn't empty (RFC 7553 4.4)";
        break;
    default:
        break;
    }
    const char *reason = field_of_word(kind, word_next(source), source->origin, to, &known);
    if (!known)
        return field_by_ldns(kind, source, 1, to);
    if (reason == NULL)
        source->at++;
    return reason;
}

/* Whether a field may be left out when nothing follows: an empty bitmap, no parameters, a key's empty data.
 */
static bool field_may_be_empty(uint16_t type, ldns_rdf_type kind)
{
    return kind == LDNS_RDF_TYPE_NSEC || kind == LDNS_RDF_TYPE_SVCPARAMS ||
           (kind == LDNS_RDF_TYPE_B64 && type == LDNS_RR_TYPE_KEY);
}

static const char *fields_read(uint16_t type, const ldns_rr_descriptor *fields,
                               struct zone_rdata_source *source, struct writer *to)
{
    size_t least = ldns_rr_descriptor_minimum(fields);
    size_t most = ldns_rr_descriptor_maximum(fields);
    for (size_t i = 0; i < most; i++) {
        ldns_rdf_type kind = ldns_rr_descriptor_field_type(fields, i);
        if (source->at == source->count) {
            if (i < least && !field_may_be_empty(type, kind))
                return "data is missing at the end";
            break;
        }
        const char *reason = field_read(type, kind, source, to);
        if (reason != NULL)
            return reason;
    }
    return source->at == source->count ? NULL : "there is more data than the type has";
}

/* \# LENGTH HEX (RFC 3597 5). */
static const char *generic_read(uint16_t type, struct zone_rdata_source *source, struct writer *to)
{
    size_t start = writer_offset(to);
    uint32_t octets = 0;
    source->at++;
    if (source->at == source->count)
        return "after \\# the length in octets belongs";
    const char *reason = zone_token_number(&source->tokens[source->at], RDATA_MAX_OCTETS, &octets);
    if (reason != NULL)
        return reason;
    source->at++;
    reason = field_hex(source, to);
    if (reason != NULL)
        return reason;
    if (!to->failed && writer_offset(to) - start != octets)
        return "the length after \\# isn't the number of octets that follow";
    if (!to->failed && !zone_rdata_is_sound(type, to->start + start, octets))
        return "these octets aren't the wire form of the type";
    return NULL;
}

const char *zone_rdata_read(uint16_t type, struct zone_rdata_source *source, struct writer *to)
{
    size_t start = writer_offset(to);
    const char *reason;
    const ldns_rr_descriptor *fields = descriptor_find(type);
    if (source->count > 0 && zone_token_is(&source->tokens[0], "\\#"))
        reason = generic_read(type, source, to);
    else if (fields == NULL || !zone_rdata_has_text_form(type))
        return "the type's data can only be written as \\# LENGTH HEX (RFC 3597)";
    else
        reason = fields_read(type, fields, source, to);
    if (reason == NULL && (to->failed || writer_offset(to) - start > RDATA_MAX_OCTETS))
        reason = "the record's data has more than 65535 octets";
    return reason;
}

/* Whether the rdata that ldns took apart is, put together again, what it was: nothing left over, and no name
 * that was compressed. */
static bool rdata_is_same(const ldns_rr *rr, const uint8_t *rdata, size_t octets)
{
    struct reader r = reader_of(rdata, octets);
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *field = ldns_rr_rdf(rr, i);
        const uint8_t *same = reader_bytes(&r, ldns_rdf_size(field));
        if (same == NULL || memcmp(same, ldns_rdf_data(field), ldns_rdf_size(field)) != 0)
            return false;
    }
    return reader_left(&r) == 0;
}

/* Whether so many fields are all that the type needs; what is left out at the end may be empty. */
static bool fields_suffice(uint16_t type, const ldns_rr_descriptor *fields, size_t count)
{
    size_t least = ldns_rr_descriptor_minimum(fields);
    while (count < least && ((type == LDNS_RR_TYPE_CAA && count == 2) ||
                             field_may_be_empty(type, ldns_rr_descriptor_field_type(fields, count))))
        count++;
    return count >= least;
}

/* SVCB's parameters, which ldns takes as they come. */
static bool params_are_sound(uint16_t type, const uint8_t *rdata, size_t octets)
{
    if (type != LDNS_RR_TYPE_SVCB && type != LDNS_RR_TYPE_HTTPS)
        return true;
    size_t before = 2 + (octets > 2 ? name_check(rdata + 2, octets - 2) : 0);
    return before > 2 && svcb_params_judge(rdata + before, octets - before) == NULL;
}

bool zone_rdata_is_sound(uint16_t type, const uint8_t *rdata, size_t octets)
{
    const ldns_rr_descriptor *fields = descriptor_find(type);
    size_t at = 0;
    if (fields == NULL || !zone_rdata_has_text_form(type))
        return true;
    if (octets == 0)
        return ldns_rr_descriptor_minimum(fields) == 0;
    uint8_t *wire = malloc(octets + 2);
    ldns_rr *rr = ldns_rr_new();
    bool sound = false;
    if (wire != NULL && rr != NULL) {
        wire[0] = (uint8_t)(octets >> 8);
        wire[1] = (uint8_t)octets;
        memcpy(wire + 2, rdata, octets);
        ldns_rr_set_type(rr, fields->_type);
        sound = ldns_wire2rdf(rr, wire, octets + 2, &at) == LDNS_STATUS_OK &&
                rdata_is_same(rr, rdata, octets) && fields_suffice(type, fields, ldns_rr_rd_count(rr)) &&
                params_are_sound(type, rdata, octets);
    }
    free(wire);
    ldns_rr_free(rr);
    return sound;
}

/* Octets before the names of the types whose rdata holds only names from there on; -1 for other types. */
static int names_start(uint16_t type)
{
    switch (type) {
    case LDNS_RR_TYPE_NS:
    case LDNS_RR_TYPE_MD:
    case LDNS_RR_TYPE_MF:
    case LDNS_RR_TYPE_CNAME:
    case LDNS_RR_TYPE_MB:
    case LDNS_RR_TYPE_MG:
    case LDNS_RR_TYPE_MR:
    case LDNS_RR_TYPE_PTR:
    case LDNS_RR_TYPE_DNAME:
    case LDNS_RR_TYPE_MINFO:
    case LDNS_RR_TYPE_RP:
        return 0;
    case LDNS_RR_TYPE_MX:
    case LDNS_RR_TYPE_AFSDB:
    case LDNS_RR_TYPE_RT:
    case LDNS_RR_TYPE_KX:
    case LDNS_RR_TYPE_PX:
        return 2;
    case LDNS_RR_TYPE_SRV:
        return 6;
    default:
        return -1;
    }
}

static inline uint8_t fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

int zone_rdata_compare(uint16_t type, const uint8_t *a, size_t a_octets, const uint8_t *b, size_t b_octets)
{
    size_t shorter = a_octets < b_octets ? a_octets : b_octets;
    int start = names_start(type);
    size_t plain = start < 0 || (size_t)start > shorter ? shorter : (size_t)start;
    int difference = plain > 0 ? memcmp(a, b, plain) : 0;
    for (size_t i = plain; i < shorter && difference == 0; i++)
        difference = fold(a[i]) - fold(b[i]);
    if (difference != 0)
        return difference;
    return a_octets < b_octets ? -1 : a_octets > b_octets;
}

const uint8_t *zone_rdata_target(uint16_t type, const uint8_t *rdata)
{
    int start = type == LDNS_RR_TYPE_MINFO || type == LDNS_RR_TYPE_RP ? -1 : names_start(type);
    return start >= 0 ? rdata + start : NULL;
}
