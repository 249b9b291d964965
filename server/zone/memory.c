/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CACHE_LINE  64
#define HUGE_OCTETS ((size_t)2 * 1024 * 1024)

static uint8_t *take_small(size_t octets)
{
    void *bytes = NULL;
    if (posix_memalign(&bytes, CACHE_LINE, octets) != 0)
        return NULL;
    memset(bytes, 0, octets);
    return bytes;
}

static uint8_t *map(size_t octets)
{
    void *bytes =
        mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return bytes != MAP_FAILED ? bytes : NULL;
}

/* A huge page has to begin at a multiple of its size: so one more is mapped, and what lies before the first
 * such place is given back. */
static uint8_t *map_huge(size_t octets)
{
    uint8_t *bytes = map(octets + HUGE_OCTETS);
    if (bytes == NULL)
        return NULL;
    size_t before = (HUGE_OCTETS - (uintptr_t)bytes % HUGE_OCTETS) % HUGE_OCTETS;
    if (before > 0)
        (void)munmap(bytes, before);
    bytes = mremap(bytes + before, octets + HUGE_OCTETS - before, octets, 0);
    if (bytes == MAP_FAILED)
        return NULL;
    (void)madvise(bytes, octets, MADV_HUGEPAGE);
    return bytes;
}

uint8_t *image_memory_take(size_t octets)
{
    if (octets < IMAGE_MEMORY_SMALL)
        return take_small(octets);
    return octets < HUGE_OCTETS ? map(octets) : map_huge(octets);
}

uint8_t *image_memory_fit(uint8_t *bytes, size_t octets, size_t needed)
{
    if (needed >= IMAGE_MEMORY_SMALL) {
        void *fitted = mremap(bytes, octets, needed, 0);
        if (fitted != MAP_FAILED)
            return fitted;
        image_memory_give(bytes, octets);
        return NULL;
    }
    uint8_t *fitted = take_small(needed);
    if (fitted != NULL)
        memcpy(fitted, bytes, needed);
    image_memory_give(bytes, octets);
    return fitted;
}

void image_memory_seal(uint8_t *bytes, size_t octets)
{
    if (octets >= IMAGE_MEMORY_SMALL)
        (void)mprotect(bytes, octets, PROT_READ);
}

void image_memory_give(uint8_t *bytes, size_t octets)
{
    if (octets >= IMAGE_MEMORY_SMALL)
        (void)munmap(bytes, octets);
    else
        free(bytes);
}
