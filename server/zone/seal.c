/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/seal.h"

#include "base/parallel.h"
#include "zone/format.h"

#include <errno.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* A part of the work: a huge page, so that each thread makes its own, and digests what it has just read
 * while the cache holds it. */
#define PIECE_OCTETS (32 * DIGEST_LEAF_OCTETS)
#define PIECE_LEAVES (PIECE_OCTETS / DIGEST_LEAF_OCTETS)

struct sealing {
    uint8_t *read_into; /* NULL: it is there already */
    const uint8_t *image;
    size_t octets;
    int fd;
    uint8_t (*leaves)[DIGEST_OCTETS];
    atomic_bool failed;
};

static bool piece_read(int fd, uint8_t *to, size_t at, size_t octets)
{
    while (octets > 0) {
        ssize_t got = pread(fd, to + at, octets, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += (size_t)got;
        octets -= (size_t)got;
    }
    return true;
}

static void first_leaf(uint8_t digest[DIGEST_OCTETS], const uint8_t *image, size_t octets)
{
    static const uint8_t zeros[DIGEST_OCTETS];
    const size_t before = offsetof(struct image_header, digest);
    const size_t after = before + sizeof zeros;
    size_t leaf = octets < DIGEST_LEAF_OCTETS ? octets : DIGEST_LEAF_OCTETS;
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, DIGEST_OCTETS);
    crypto_generichash_update(&state, image, before);
    crypto_generichash_update(&state, zeros, sizeof zeros);
    crypto_generichash_update(&state, image + after, leaf - after);
    crypto_generichash_final(&state, digest, DIGEST_OCTETS);
}

static void piece_seal(size_t piece, void *arg)
{
    struct sealing *s = arg;
    size_t at = piece * PIECE_OCTETS;
    size_t octets = s->octets - at < PIECE_OCTETS ? s->octets - at : PIECE_OCTETS;
    if (s->read_into != NULL && !piece_read(s->fd, s->read_into, at, octets)) {
        atomic_store_explicit(&s->failed, true, memory_order_relaxed);
        return;
    }
    if (octets > DIGEST_LEAF_OCTETS || piece > 0)
        digest_leaves(s->leaves + piece * PIECE_LEAVES, s->image + at, octets);
    if (piece == 0)
        first_leaf(s->leaves[0], s->image, s->octets);
}

static bool seal(uint8_t digest[DIGEST_OCTETS], struct sealing *s)
{
    uint8_t only[1][DIGEST_OCTETS];
    size_t leaves = digest_leaf_count(s->octets);
    s->leaves = leaves > 1 ? malloc(leaves * DIGEST_OCTETS) : only;
    if (s->leaves == NULL)
        return false;
    parallel_run((leaves + PIECE_LEAVES - 1) / PIECE_LEAVES, piece_seal, s);
    bool whole = !atomic_load_explicit(&s->failed, memory_order_relaxed);
    if (whole)
        digest_root(digest, (const uint8_t(*)[DIGEST_OCTETS])s->leaves, leaves);
    if (leaves > 1)
        free(s->leaves);
    return whole;
}

bool seal_digest(uint8_t digest[DIGEST_OCTETS], const uint8_t *image, size_t octets)
{
    struct sealing s = {.image = image, .octets = octets};
    return seal(digest, &s);
}

bool seal_read(uint8_t digest[DIGEST_OCTETS], int fd, uint8_t *image, size_t octets)
{
    struct sealing s = {.read_into = image, .image = image, .octets = octets, .fd = fd};
    return seal(digest, &s);
}
