/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where images live. A large one has pages of its own, huge ones where the kernel has any: a look-up among
 * millions of names then waits for the memory only and not for the tables that say where it is. Small ones
 * come from the heap: a hundred thousand zones are more than the kernel maps one by one, and a page each is
 * more than they need.
 */
#ifndef HITHER_ZONE_MEMORY_H
#define HITHER_ZONE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define IMAGE_MEMORY_SMALL ((size_t)64 * 1024) /* octets; below, it is from the heap */

/* `octets` of zeros, aligned to a cache line; what isn't written yet costs nothing when it is large. NULL
 * when memory is short. */
uint8_t *image_memory_take(size_t octets);

/* Gives back what is behind the first `needed` of `octets`. Where these lie now; NULL, and all is given back,
 * when memory is short. */
uint8_t *image_memory_fit(uint8_t *bytes, size_t octets, size_t needed);

/* Nobody writes to it any more. */
void image_memory_seal(uint8_t *bytes, size_t octets);

void image_memory_give(uint8_t *bytes, size_t octets);

#endif
