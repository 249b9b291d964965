/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory that is taken piece by piece and given back all at once: what a zone is built from, and then
 * forgotten.
 */
#ifndef HITHER_BASE_ARENA_H
#define HITHER_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

/* Zero-initialised is empty and ready. One thread at a time. */
struct arena {
    struct arena_block *last;
    size_t used;  /* octets handed out */
    size_t taken; /* octets asked of the system */
};

/* `octets` of memory, uninitialised, aligned to `align` (a power of two, at most 16).
 * Lives until arena_free(). NULL when the system has none left. */
void *arena_take(struct arena *arena, size_t octets, size_t align);

void arena_free(struct arena *arena);

#endif
