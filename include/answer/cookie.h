/* SPDX-License-Identifier: BSD-2-Clause
 *
 * DNS cookies: a client that shows the server cookie it was given has shown that it can be reached at its
 * address. Server cookies are the interoperable ones of RFC 9018 4 (version 1, SipHash-2-4 by libsodium), so
 * every PoP that has the fleet's secret accepts what another PoP gave out. The first secret makes cookies,
 * all of them check (RFC 9018 5: a new secret is staged everywhere before it becomes the first).
 *
 * RFCs: 7873, 9018.
 */
#ifndef HITHER_ANSWER_COOKIE_H
#define HITHER_ANSWER_COOKIE_H

#include "base/key_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define COOKIE_CLIENT_OCTETS 8
#define COOKIE_SERVER_OCTETS 16 /* those that we make */
#define COOKIE_MOST_OCTETS   40
#define COOKIE_SECRET_OCTETS 16
#define COOKIE_SECRETS_MOST  4

struct cookie_secrets {
    uint8_t count; /* 0: no cookies */
    uint8_t octets[COOKIE_SECRETS_MOST][COOKIE_SECRET_OCTETS];
};

/* The server cookie for this client at `now_s` (Unix time), by the first secret. */
void cookie_make(uint8_t server[COOKIE_SERVER_OCTETS], const struct cookie_secrets *secrets, uint32_t now_s,
                 const uint8_t client[COOKIE_CLIENT_OCTETS], const struct sockaddr *address);

/* Whether `server` of `octets` is one that we (or another PoP) gave this client within the last hour (RFC
 * 9018 4.3). */
bool cookie_holds(const struct cookie_secrets *secrets, uint32_t now_s,
                  const uint8_t client[COOKIE_CLIENT_OCTETS], const uint8_t *server, size_t octets,
                  const struct sockaddr *address);

/* Reads secrets from text in the form of a key file (base/key_file.h). */
bool cookie_secrets_parse(struct cookie_secrets *secrets, const char *text, char why[KEY_FILE_WHY_OCTETS]);

/* One random secret: cookies then hold at this PoP until it restarts. */
void cookie_secrets_random(struct cookie_secrets *secrets);

#endif
