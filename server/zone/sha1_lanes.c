/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One source for each width: SHA1_LANES lanes, by the vector extension of GCC and Clang. All steps of RFC
 * 3174 6.1 are taken lane by lane; of the eighty words only the last sixteen are kept, as in 6.2.
 */
#include "zone/sha1_lanes.h"

#include <string.h>

typedef uint32_t lanes __attribute__((vector_size(4 * SHA1_LANES)));

#define ROTATED(x, n) ((x) << (n) | (x) >> (32 - (n)))

/* Word i of all blocks; they are kept with the first octet in the highest place. */
static inline lanes word_of(const uint8_t (*blocks)[SHA1_BLOCK_OCTETS], unsigned i)
{
    lanes v;
    for (unsigned lane = 0; lane < SHA1_LANES; lane++) {
        uint32_t word;
        memcpy(&word, blocks[lane] + 4 * (size_t)i, sizeof word);
        v[lane] = word;
    }
    v = (v << 8 & 0xff00ff00) | (v >> 8 & 0x00ff00ff);
    return ROTATED(v, 16);
}

static inline lanes in_all(uint32_t value)
{
    return (lanes){0} + value;
}

struct state {
    lanes a, b, c, d, e;
};

static inline void step(struct state *s, lanes f, uint32_t constant, lanes word)
{
    lanes a = ROTATED(s->a, 5) + f + s->e + word + constant;
    s->e = s->d;
    s->d = s->c;
    s->c = ROTATED(s->b, 30);
    s->b = s->a;
    s->a = a;
}

/* The word of step t, t >= 16, which takes the place of the one sixteen before. */
static inline lanes next_word(lanes w[16], unsigned t)
{
    lanes v = w[(t + 13) % 16] ^ w[(t + 8) % 16] ^ w[(t + 2) % 16] ^ w[t % 16];
    w[t % 16] = ROTATED(v, 1);
    return w[t % 16];
}

static inline void steps(struct state *s, lanes w[16])
{
#pragma GCC unroll 80
    for (unsigned t = 0; t < 80; t++) {
        lanes word = t < 16 ? w[t] : next_word(w, t);
        if (t < 20)
            step(s, s->d ^ (s->b & (s->c ^ s->d)), 0x5a827999, word);
        else if (t < 40)
            step(s, s->b ^ s->c ^ s->d, 0x6ed9eba1, word);
        else if (t < 60)
            step(s, (s->b & s->c) | (s->d & (s->b | s->c)), 0x8f1bbcdc, word);
        else
            step(s, s->b ^ s->c ^ s->d, 0xca62c1d6, word);
    }
}

static inline void put_word(uint8_t *at, uint32_t word)
{
    at[0] = (uint8_t)(word >> 24);
    at[1] = (uint8_t)(word >> 16);
    at[2] = (uint8_t)(word >> 8);
    at[3] = (uint8_t)word;
}

void SHA1_NAME(uint8_t (*digests)[SHA1_OCTETS], const uint8_t (*blocks)[SHA1_BLOCK_OCTETS])
{
    static const uint32_t start[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    struct state s = {in_all(start[0]), in_all(start[1]), in_all(start[2]), in_all(start[3]),
                      in_all(start[4])};
    lanes w[16];
    for (unsigned i = 0; i < 16; i++)
        w[i] = word_of(blocks, i);
    steps(&s, w);
    const lanes sums[5] = {s.a + start[0], s.b + start[1], s.c + start[2], s.d + start[3], s.e + start[4]};
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned lane = 0; lane < SHA1_LANES; lane++)
            put_word(digests[lane] + 4 * (size_t)i, sums[i][lane]);
    }
}
