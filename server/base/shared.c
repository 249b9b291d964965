/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int shared_create(const char *name, size_t octets)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)octets) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

void *shared_map(int fd, size_t octets, bool writable)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size < 0 || (size_t)st.st_size < octets)
        return NULL;
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void *map = mmap(NULL, octets, protection, MAP_SHARED | MAP_NORESERVE, fd, 0);
    return map != MAP_FAILED ? map : NULL;
}

void shared_text_set(struct shared_text *to, const char *text, size_t octets)
{
    uint32_t sequence = atomic_load_explicit(&to->sequence, memory_order_relaxed) | 1;
    if (octets > SHARED_TEXT_OCTETS - 1)
        octets = SHARED_TEXT_OCTETS - 1;
    atomic_store_explicit(&to->sequence, sequence, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    memcpy(to->text, text, octets);
    to->octets = (uint32_t)octets;
    atomic_store_explicit(&to->sequence, sequence + 1, memory_order_release);
}

long shared_text_get(const struct shared_text *from, char *text)
{
    _Atomic uint32_t *counter = (_Atomic uint32_t *)(uintptr_t)&from->sequence;
    for (int tries = 0; tries < 1000; tries++) {
        uint32_t before = atomic_load_explicit(counter, memory_order_acquire);
        if ((before & 1) != 0)
            continue;
        uint32_t octets = *(const volatile uint32_t *)&from->octets;
        if (octets > SHARED_TEXT_OCTETS - 1)
            continue;
        memcpy(text, from->text, octets);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(counter, memory_order_relaxed) == before) {
            text[octets] = '\0';
            return (long)octets;
        }
    }
    return -EAGAIN;
}
