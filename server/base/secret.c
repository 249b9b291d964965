/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Whole pages, so that nothing of anybody else's lies beside it. */
static size_t secret_span(size_t octets)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (octets + page - 1) / page * page;
}

void *secret_new(size_t octets)
{
    size_t span = secret_span(octets);
    void *memory = span >= octets && span > 0 ? aligned_alloc((size_t)sysconf(_SC_PAGESIZE), span) : NULL;
    if (memory == NULL)
        return NULL;
    /* Where the kernel doesn't know it, the limit of cores is left (LimitCORE=0 in our unit). */
    (void)madvise(memory, span, MADV_DONTDUMP);
    return memset(memory, 0, span);
}

void secret_free(void *memory, size_t octets)
{
    if (memory == NULL)
        return;
    explicit_bzero(memory, octets);
    (void)madvise(memory, secret_span(octets), MADV_DODUMP); /* it is anybody's from now on */
    free(memory);
}
