/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory for what holds secrets: on pages of its own, which a core dump leaves out (madvise(2),
 * MADV_DONTDUMP), and wiped when it is freed. The process as a whole stays dumpable: its two halves look at
 * each other's state in /proc, which the kernel hides from an equal when the unit says ProtectProc=invisible
 * and a process isn't.
 */
#ifndef HITHER_BASE_SECRET_H
#define HITHER_BASE_SECRET_H

#include <stddef.h>

/* Zeros. NULL when memory is short. */
void *secret_new(size_t octets);

/* `octets` as it was made with; NULL is nothing. */
void secret_free(void *memory, size_t octets);

#endif
