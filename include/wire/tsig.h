/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Messages signed with a shared secret: a TSIG record at the end of the message, with an HMAC over the
 * message and what it answers. Pure: octets, keys and the time in, octets and a verdict out.
 *
 *     a query       tsig_verify() -> the answer is written -> tsig_sign(), and again for each further message
 *     our own       tsig_start() -> tsig_sign() -> the answer comes -> tsig_verify_answer()
 *
 * ldns speaks TSIG too, but about messages that it has decoded, and takes them apart and builds them anew for
 * each signature; it also asks the clock itself and doesn't judge the time signed. Here messages are signed
 * where they lie, which a transfer of thousands of them needs, and HMAC is nettle's.
 *
 * RFCs: 8945; algorithms: those that it doesn't discourage, HMAC-SHA256 and up.
 */
#ifndef HITHER_WIRE_TSIG_H
#define HITHER_WIRE_TSIG_H

#include "wire/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TSIG_MAC_MOST    64
#define TSIG_SECRET_MOST 256 /* octets */
#define TSIG_KEYS_MOST   32
#define TSIG_FUDGE_S     300

enum tsig_algorithm {
    TSIG_UNKNOWN,
    TSIG_HMAC_SHA256,
    TSIG_HMAC_SHA384,
    TSIG_HMAC_SHA512,
};

enum tsig_error {
    TSIG_NO_ERROR = 0,
    TSIG_BADSIG = 16,
    TSIG_BADKEY = 17,
    TSIG_BADTIME = 18,
    TSIG_BADTRUNC = 22,
};

enum tsig_verdict {
    TSIG_HOLDS,
    TSIG_MALFORMED, /* FORMERR */
    TSIG_REFUSED,   /* NOTAUTH, and `error` says why */
};

struct tsig_key {
    uint8_t name[NAME_MAX_OCTETS]; /* folded */
    uint8_t algorithm;             /* enum tsig_algorithm */
    uint16_t secret_octets;
    uint8_t secret[TSIG_SECRET_MOST];
};

struct tsig_keys {
    size_t count;
    struct tsig_key list[TSIG_KEYS_MOST];
};

/* One exchange of messages. */
struct tsig {
    const struct tsig_key *key;         /* borrowed; NULL: answers are told the error, but not signed */
    uint8_t name[NAME_MAX_OCTETS];      /* of the key, folded */
    uint8_t algorithm[NAME_MAX_OCTETS]; /* wire name, folded */
    uint64_t time_s;                    /* at which the other side signed */
    uint16_t fudge_s;
    uint16_t original_id;
    uint16_t error; /* enum tsig_error */
    uint8_t mac_octets;
    uint8_t mac[TSIG_MAC_MOST]; /* of the message before */
};

/* The algorithm called so in a configuration ("hmac-sha256"). */
enum tsig_algorithm tsig_algorithm_of(const char *text);

/* The key with this folded name, or NULL. */
const struct tsig_key *tsig_find_key(const struct tsig_keys *keys, const uint8_t *name);

/* Judges the query in `message`, whose last record is a TSIG that begins at octet `at`. Unless it is
 * malformed, `tsig` is then ready to sign the answers. `now_s` is Unix time. RFC 8945 5.2. */
enum tsig_verdict tsig_verify(struct tsig *tsig, const struct tsig_keys *keys, const uint8_t *message,
                              size_t octets, size_t at, uint64_t now_s);

/* Makes `tsig` ready to sign a message of our own with `key`, which must outlive it. */
void tsig_start(struct tsig *tsig, const struct tsig_key *key);

/* Judges the answer to the message that was signed last; `at` as above. */
enum tsig_verdict tsig_verify_answer(struct tsig *tsig, const uint8_t *message, size_t octets, size_t at,
                                     uint64_t now_s);

/* Octets that tsig_sign() may append. */
size_t tsig_octets(const struct tsig *tsig);

/* Appends a TSIG to the message of `octets` in a buffer of `capacity`. `first`: the first message of an
 * exchange in this direction, else one that follows. The octets of the message now, or 0 when it doesn't fit.
 * RFC 8945 5.3. */
size_t tsig_sign(struct tsig *tsig, uint8_t *message, size_t octets, size_t capacity, uint64_t now_s,
                 bool first);

#endif
