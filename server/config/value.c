/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/value.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define IDENTITY_MAX_OCTETS 255 /* a character-string (RFC 1035 3.3) */

/* Sets the reason and gives false, so that a parser can refuse in one line. */
static bool __attribute__((format(printf, 2, 3))) refuse(struct value_why *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return false;
}

/* Digits at the start of `text`: how many there are, and their value, which stops growing at UINT64_MAX / 2.
 */
static size_t leading_number(const char *text, uint64_t *number)
{
    size_t at = 0;
    *number = 0;
    for (; text[at] >= '0' && text[at] <= '9'; at++) {
        uint64_t digit = (uint64_t)(text[at] - '0');
        *number = *number > UINT64_MAX / 20 ? UINT64_MAX / 2 : *number * 10 + digit;
    }
    return at;
}

bool value_number(const char *text, uint64_t least, uint64_t most, uint64_t *number, struct value_why *why)
{
    size_t digits = leading_number(text, number);
    if (digits == 0 || text[digits] != '\0')
        return refuse(why, "is '%.60s', not a whole number: write %llu to %llu", text,
                      (unsigned long long)least, (unsigned long long)most);
    if (*number < least || *number > most)
        return refuse(why, "is %.40s: write %llu to %llu", text, (unsigned long long)least,
                      (unsigned long long)most);
    return true;
}

static uint64_t unit_ms(const char *unit)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(unit, units[i].name) == 0)
            return units[i].ms;
    }
    return 0;
}

bool value_octets(const char *text, uint64_t least, uint64_t most, uint64_t *octets, struct value_why *why)
{
    static const char units[] = "KMG";
    uint64_t number = 0;
    size_t digits = leading_number(text, &number);
    const char *unit = text[digits] != '\0' ? strchr(units, text[digits]) : NULL;
    unsigned shift = unit != NULL ? 10 * (unsigned)(unit - units + 1) : 0;
    if (digits == 0 || unit == NULL || unit[0] == '\0' || text[digits + 1] != '\0')
        return refuse(why, "is '%.60s', not a size: write a number and K, M or G, like %lluM", text,
                      (unsigned long long)(least >> 20));
    if (number > most >> shift || number << shift < least)
        return refuse(why, "is '%.60s': write %lluM to %lluG", text, (unsigned long long)(least >> 20),
                      (unsigned long long)(most >> 30));
    *octets = number << shift;
    return true;
}

char *value_duration_to_text(uint64_t ms, char text[32])
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    size_t i = 0;
    while (i < 3 && (ms == 0 || ms % units[i].ms != 0))
        i++;
    (void)snprintf(text, 32, "%llu%s", (unsigned long long)(ms / units[i].ms), units[i].name);
    return text;
}

bool value_duration(const char *text, uint64_t least_ms, uint64_t most_ms, uint64_t *ms,
                    struct value_why *why)
{
    char least[32];
    char most[32];
    uint64_t number = 0;
    size_t digits = leading_number(text, &number);
    uint64_t unit = unit_ms(text + digits);
    if (digits > 0 && text[digits] == '\0' && number != 0)
        return refuse(why, "is %.20s without a unit: write %.20sms or %.20ss", text, text, text);
    if (digits == 0 || (unit == 0 && number != 0))
        return refuse(why, "is '%.60s', not a duration: write it like 500ms, 2s or 1m", text);
    if (number > UINT64_MAX / 2 / 3600000)
        number = UINT64_MAX / 2 / 3600000;
    *ms = number * unit;
    if (*ms < least_ms || *ms > most_ms)
        return refuse(why, "is %.40s: write %s to %s", text, value_duration_to_text(least_ms, least),
                      value_duration_to_text(most_ms, most));
    return true;
}

/* Says what to write for an address in the other notations that people know: 127.0.0.1:53, [::1]:53, ::1#53.
 */
static bool refuse_address(const char *text, struct value_why *why)
{
    unsigned char binary[16];
    char host[INET6_ADDRSTRLEN + 1];
    bool bracket = text[0] == '[';
    const char *start = bracket ? text + 1 : text;
    size_t octets = bracket ? strcspn(start, "]") : strcspn(start, ":#/ ");
    if (!bracket && strchr(start, '#') != NULL)
        octets = strcspn(start, "#");
    if (octets < sizeof host) {
        (void)snprintf(host, sizeof host, "%.*s", (int)octets, start);
        const char *rest = start + octets + (bracket && start[octets] == ']' ? 1 : 0);
        uint64_t port;
        bool has_port = (rest[0] == ':' || rest[0] == '#') && leading_number(rest + 1, &port) > 0;
        if (inet_pton(AF_INET, host, binary) == 1 || inet_pton(AF_INET6, host, binary) == 1)
            return refuse(why, "is '%.60s': write %s%s%.5s", text, host, has_port ? "@" : "",
                          has_port ? rest + 1 : "");
    }
    return refuse(why, "is '%.60s', not an address: write it like 203.0.113.53@53 or \"2001:db8::53@53\"",
                  text);
}

bool value_address(const char *text, uint16_t default_port, union settings_address *address,
                   struct value_why *why)
{
    char host[INET6_ADDRSTRLEN + 1];
    const char *at = strchr(text, '@');
    size_t octets = at != NULL ? (size_t)(at - text) : strlen(text);
    uint64_t port = default_port;
    memset(address, 0, sizeof *address);
    if (octets >= sizeof host)
        return refuse_address(text, why);
    (void)snprintf(host, sizeof host, "%.*s", (int)octets, text);
    if (at != NULL && (leading_number(at + 1, &port) != strlen(at + 1) || port == 0 || port > UINT16_MAX))
        return refuse(why, "is '%.60s', where '%.10s' is not a port: write 1 to 65535 behind the @", text,
                      at + 1);
    if (inet_pton(AF_INET, host, &address->in4.sin_addr) == 1) {
        address->in4.sin_family = AF_INET;
        address->in4.sin_port = htons((uint16_t)port);
        return true;
    }
    if (inet_pton(AF_INET6, host, &address->in6.sin6_addr) != 1)
        return refuse_address(text, why);
    if (IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr))
        return refuse(why, "is '%.60s', an IPv4 address in IPv6 dress: write the IPv4 address itself", text);
    address->in6.sin6_family = AF_INET6;
    address->in6.sin6_port = htons((uint16_t)port);
    return true;
}

static void clear_host_bits(struct settings_prefix *prefix, unsigned octets)
{
    for (unsigned i = 0; i < octets; i++) {
        unsigned before = i * 8;
        unsigned kept = prefix->bits > before ? prefix->bits - before : 0;
        if (kept < 8)
            prefix->octets[i] = (uint8_t)(prefix->octets[i] & (0xff00U >> kept));
    }
}

bool value_prefix(const char *text, struct settings_prefix *prefix, struct value_why *why)
{
    char host[INET6_ADDRSTRLEN + 1];
    char right[INET6_ADDRSTRLEN + 1];
    uint8_t written[16] = {0};
    uint64_t bits;
    const char *slash = strchr(text, '/');
    size_t octets = slash != NULL ? (size_t)(slash - text) : strlen(text);
    if (octets >= sizeof host)
        return refuse(why, "is '%.60s', not a prefix: write it like 203.0.113.0/24", text);
    (void)snprintf(host, sizeof host, "%.*s", (int)octets, text);
    bool v4 = inet_pton(AF_INET, host, written) == 1;
    unsigned most = v4 ? 32 : 128;
    if (!v4 && inet_pton(AF_INET6, host, written) != 1)
        return refuse(why, "is '%.60s', not a prefix: write it like 203.0.113.0/24 or \"2001:db8:53::/48\"",
                      text);
    if (slash == NULL)
        return refuse(why, "is '%s', without a length: write %s/%u for this address alone", text, text, most);
    if (leading_number(slash + 1, &bits) != strlen(slash + 1) || slash[1] == '\0' || bits > most)
        return refuse(why, "is '%.60s', where '%.10s' is not a length: write 1 to %u behind the /", text,
                      slash + 1, most);
    if (bits == 0)
        return refuse(why, "is '%.60s', which draws the traffic of the whole world: write a longer prefix",
                      text);
    prefix->family = v4 ? AF_INET : AF_INET6;
    prefix->bits = (uint8_t)bits;
    memcpy(prefix->octets, written, sizeof written);
    clear_host_bits(prefix, most / 8);
    if (memcmp(prefix->octets, written, sizeof written) != 0)
        return refuse(why, "is '%.60s', which has bits behind the prefix: write %s/%u", text,
                      inet_ntop(prefix->family, prefix->octets, right, sizeof right), (unsigned)bits);
    return true;
}

bool value_prefix_covers(const struct settings_prefix *prefix, const union settings_address *address)
{
    struct settings_prefix masked = *prefix;
    bool v4 = address->sa.sa_family == AF_INET;
    if (prefix->family != address->sa.sa_family)
        return false;
    const void *from = v4 ? (const void *)&address->in4.sin_addr : (const void *)&address->in6.sin6_addr;
    memcpy(masked.octets, from, v4 ? 4 : 16);
    clear_host_bits(&masked, v4 ? 4 : 16);
    return memcmp(masked.octets, prefix->octets, v4 ? 4 : 16) == 0;
}

bool value_router_id(const char *text, uint32_t *id, struct value_why *why)
{
    struct in_addr in;
    if (inet_pton(AF_INET, text, &in) != 1 || in.s_addr == 0)
        return refuse(why, "is '%.60s': write four numbers like an IPv4 address, not all zero", text);
    *id = in.s_addr;
    return true;
}

bool value_as_number(const char *text, uint32_t *number, struct value_why *why)
{
    uint64_t wide;
    if (!value_number(text, 1, UINT32_MAX - 1, &wide, why))
        return false;
    if (wide == 23456 || wide == 65535)
        return refuse(why, "is %s, which is reserved: write the number of your AS", text);
    *number = (uint32_t)wide;
    return true;
}

bool value_switch(const char *text, bool *on, struct value_why *why)
{
    static const char *const words[] = {"true", "yes", "on", "false", "no", "off"};
    for (size_t i = 0; i < 6; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *on = i < 3;
            return true;
        }
    }
    return refuse(why, "is '%.60s': write true or false", text);
}

/* `count` numbers with colons between them, each at most `most`. */
static bool colon_numbers(const char *text, unsigned count, uint64_t most, uint64_t *numbers)
{
    for (unsigned i = 0; i < count; i++) {
        size_t digits = leading_number(text, &numbers[i]);
        if (digits == 0 || numbers[i] > most || text[digits] != (i + 1 < count ? ':' : '\0'))
            return false;
        text += digits + 1;
    }
    return true;
}

bool value_community(const char *text, uint32_t *community, struct value_why *why)
{
    uint64_t parts[2];
    if (!colon_numbers(text, 2, UINT16_MAX, parts))
        return refuse(why, "is '%.60s': write two numbers up to 65535, like 64512:100", text);
    *community = (uint32_t)(parts[0] << 16 | parts[1]);
    return true;
}

bool value_large_community(const char *text, struct settings_large_community *community,
                           struct value_why *why)
{
    uint64_t parts[3];
    if (!colon_numbers(text, 3, UINT32_MAX, parts))
        return refuse(why, "is '%.60s': write three numbers up to 4294967295, like 64512:1:2", text);
    *community =
        (struct settings_large_community){(uint32_t)parts[0], (uint32_t)parts[1], (uint32_t)parts[2]};
    return true;
}

char *value_identity(const char *text, const char *host, struct value_why *why)
{
    char identity[IDENTITY_MAX_OCTETS + 1] = "";
    size_t octets = 0;
    for (; *text != '\0'; text++) {
        char single[2] = {*text, '\0'};
        const char *part = single;
        if (*text == '%') {
            text++;
            if (*text != 'h' && *text != '%') {
                (void)refuse(why, "has '%%%.1s': write %%h for the host's name or %%%% for a percent sign",
                             text);
                return NULL;
            }
            part = *text == 'h' ? host : "%";
        } else if (*text < 0x20 || *text > 0x7e) {
            (void)refuse(why,
                         "has a character that isn't printable ASCII: it becomes the NSID and id.server");
            return NULL;
        }
        octets += (size_t)snprintf(identity + octets, sizeof identity - octets, "%s", part);
        if (octets >= sizeof identity) {
            (void)refuse(why, "has more than %d characters", IDENTITY_MAX_OCTETS);
            return NULL;
        }
    }
    if (octets == 0) {
        (void)refuse(why, "is empty: write \"%%h\" for the host's name");
        return NULL;
    }
    return strdup(identity);
}

char *value_path(const char *text, const char *directory, struct value_why *why)
{
    char *path = NULL;
    int octets = text[0] == '/' ? asprintf(&path, "%s", text)
                                : asprintf(&path, "%s%s%s", directory,
                                           directory[strlen(directory) - 1] == '/' ? "" : "/", text);
    if (octets < 0) {
        (void)refuse(why, "can't be kept: memory is short");
        return NULL;
    }
    if (octets >= PATH_MAX) {
        (void)refuse(why, "is a path of more than %d octets", PATH_MAX - 1);
        free(path);
        return NULL;
    }
    return path;
}
