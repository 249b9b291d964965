/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>

#define ARENA_BLOCK_OCTETS (1024 * 1024)

struct arena_block {
    struct arena_block *before;
    size_t size;
    size_t used;
    max_align_t data[];
};

static struct arena_block *arena_grow(struct arena *arena, size_t octets)
{
    size_t size = octets > ARENA_BLOCK_OCTETS ? octets : ARENA_BLOCK_OCTETS;
    if (octets > SIZE_MAX - sizeof(struct arena_block))
        return NULL;
    struct arena_block *block = malloc(sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->before = arena->last;
    block->size = size;
    block->used = 0;
    arena->last = block;
    arena->taken += sizeof *block + size;
    return block;
}

void *arena_take(struct arena *arena, size_t octets, size_t align)
{
    struct arena_block *block = arena->last;
    size_t start = block != NULL ? (block->used + align - 1) & ~(align - 1) : 0;
    if (block == NULL || start > block->size || octets > block->size - start) {
        block = arena_grow(arena, octets);
        if (block == NULL)
            return NULL;
        start = 0;
    }
    block->used = start + octets;
    arena->used += octets;
    return (uint8_t *)block->data + start;
}

void arena_free(struct arena *arena)
{
    while (arena->last != NULL) {
        struct arena_block *block = arena->last;
        arena->last = block->before;
        free(block);
    }
    *arena = (struct arena){0};
}
