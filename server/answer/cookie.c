/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/cookie.h"

#include "wire/reader.h"
#include "wire/writer.h"

#include <netinet/in.h>
#include <sodium.h>
#include <string.h>

#define COOKIE_VERSION 1
#define COOKIE_HASH    8
#define COOKIE_OLD_S   3600 /* an older one is no good */
#define COOKIE_AHEAD_S 300  /* nor one from farther in the future: clocks differ */

/* What is hashed: client cookie, the server cookie's first half, the client's address (RFC 9018 4.4). */
static void cookie_hash(uint8_t hash[COOKIE_HASH], const uint8_t secret[COOKIE_SECRET_OCTETS],
                        const uint8_t client[COOKIE_CLIENT_OCTETS], const uint8_t head[8],
                        const struct sockaddr *address)
{
    uint8_t input[COOKIE_CLIENT_OCTETS + 8 + 16];
    struct writer w = writer_to(input, sizeof input);
    writer_bytes(&w, client, COOKIE_CLIENT_OCTETS);
    writer_bytes(&w, head, 8);
    if (address != NULL && address->sa_family == AF_INET)
        writer_bytes(&w, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    else if (address != NULL && address->sa_family == AF_INET6)
        writer_bytes(&w, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    crypto_shorthash(hash, input, writer_offset(&w), secret);
}

void cookie_make(uint8_t server[COOKIE_SERVER_OCTETS], const struct cookie_secrets *secrets, uint32_t now_s,
                 const uint8_t client[COOKIE_CLIENT_OCTETS], const struct sockaddr *address)
{
    struct writer w = writer_to(server, COOKIE_SERVER_OCTETS);
    writer_u32(&w, (uint32_t)COOKIE_VERSION << 24);
    writer_u32(&w, now_s);
    cookie_hash(server + 8, secrets->octets[0], client, server, address);
}

bool cookie_holds(const struct cookie_secrets *secrets, uint32_t now_s,
                  const uint8_t client[COOKIE_CLIENT_OCTETS], const uint8_t *server, size_t octets,
                  const struct sockaddr *address)
{
    struct reader r = reader_of(server, octets);
    uint8_t hash[COOKIE_HASH];
    if (octets != COOKIE_SERVER_OCTETS || reader_u8(&r) != COOKIE_VERSION)
        return false;
    (void)reader_bytes(&r, 3);
    /* Serial arithmetic (RFC 1982), as RFC 9018 4.3 wants it. */
    int32_t age_s = (int32_t)(now_s - reader_u32(&r));
    if (age_s > COOKIE_OLD_S || age_s < -COOKIE_AHEAD_S)
        return false;
    for (unsigned i = 0; i < secrets->count; i++) {
        cookie_hash(hash, secrets->octets[i], client, server, address);
        if (sodium_memcmp(hash, server + 8, COOKIE_HASH) == 0)
            return true;
    }
    return false;
}

bool cookie_secrets_parse(struct cookie_secrets *secrets, const char *text, char why[KEY_FILE_WHY_OCTETS])
{
    struct key_file file = {secrets->octets[0], COOKIE_SECRET_OCTETS, COOKIE_SECRETS_MOST, 0};
    bool ok = key_file_parse(&file, text, why);
    secrets->count = (uint8_t)file.count;
    return ok;
}

void cookie_secrets_random(struct cookie_secrets *secrets)
{
    secrets->count = 1;
    randombytes_buf(secrets->octets[0], COOKIE_SECRET_OCTETS);
}
