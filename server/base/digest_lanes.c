/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One source for each width: DIGEST_LANES lanes, by the vector extension of GCC and Clang. The state is
 * sixteen vectors, word i of all lanes in the i-th of them, and all steps of BLAKE2b are taken lane by lane.
 */
#include "base/digest_lanes.h"

#include <string.h>

#define BLOCK_OCTETS 128
#define ROUNDS       12

typedef uint64_t lanes __attribute__((vector_size(8 * DIGEST_LANES)));

static const uint64_t iv[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

/* RFC 7693 2.7; the eleventh and twelfth round begin again. */
static const uint8_t sigma[ROUNDS][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

static inline __attribute__((always_inline)) lanes rotated(lanes x, unsigned bits)
{
    return x >> bits | x << (64 - bits);
}

/* RFC 7693 3.1: the mixing function G. */
static inline __attribute__((always_inline)) void mix(lanes *v, size_t a, size_t b, size_t c, size_t d,
                                                      lanes x, lanes y)
{
    v[a] += v[b] + x;
    v[d] = rotated(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotated(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 63);
}

/* Word `word` of the block at `at` octets into each leaf. */
static inline lanes word_of(const uint8_t *leaves, size_t at, unsigned word)
{
    lanes taken;
    for (unsigned lane = 0; lane < DIGEST_LANES; lane++) {
        uint64_t value;
        memcpy(&value, leaves + lane * DIGEST_LEAF_OCTETS + at + 8 * (size_t)word, sizeof value);
        taken[lane] = value;
    }
    return taken;
}

static inline lanes in_all(uint64_t value)
{
    return (lanes){0} + value;
}

/* RFC 7693 3.2: the compression function F. */
static inline void compress(lanes h[8], const uint8_t *leaves, size_t at)
{
    lanes m[16];
    lanes v[16];
    for (unsigned i = 0; i < 16; i++)
        m[i] = word_of(leaves, at, i);
    for (unsigned i = 0; i < 8; i++) {
        v[i] = h[i];
        v[i + 8] = in_all(iv[i]);
    }
    v[12] ^= in_all(at + BLOCK_OCTETS);
    if (at + BLOCK_OCTETS == DIGEST_LEAF_OCTETS)
        v[14] = ~v[14];
#pragma GCC unroll 12
    for (unsigned round = 0; round < ROUNDS; round++) {
        const uint8_t *s = sigma[round];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (unsigned i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[i + 8];
}

void DIGEST_NAME(uint8_t (*digests)[DIGEST_OCTETS], const uint8_t *leaves)
{
    lanes h[8];
    for (unsigned i = 0; i < 8; i++)
        h[i] = in_all(iv[i]);
    h[0] ^= in_all(0x01010000 ^ DIGEST_OCTETS); /* no key, one leaf, one level */
    for (size_t at = 0; at < DIGEST_LEAF_OCTETS; at += BLOCK_OCTETS)
        compress(h, leaves, at);
    for (unsigned lane = 0; lane < DIGEST_LANES; lane++) {
        for (unsigned i = 0; i < DIGEST_OCTETS / 8; i++) {
            uint64_t word = h[i][lane];
            memcpy(digests[lane] + 8 * (size_t)i, &word, sizeof word);
        }
    }
}
