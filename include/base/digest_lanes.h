/* SPDX-License-Identifier: BSD-2-Clause
 *
 * BLAKE2b-256 (RFC 7693) of several whole leaves at once, one in each lane of a vector register. Built for
 * the processors that have such registers, and chosen when the program runs on one.
 */
#ifndef HITHER_BASE_DIGEST_LANES_H
#define HITHER_BASE_DIGEST_LANES_H

#include "base/digest.h"

#include <stddef.h>
#include <stdint.h>

/* So many leaves of DIGEST_LEAF_OCTETS that lie one behind the other. */
struct digest_lanes {
    void (*run)(uint8_t (*digests)[DIGEST_OCTETS], const uint8_t *leaves);
    size_t count;
};

/* What this processor has; `count` 0: nothing that would be quicker than one leaf after the other. */
struct digest_lanes digest_lanes_here(void);

void digest_four(uint8_t (*digests)[DIGEST_OCTETS], const uint8_t *leaves);
void digest_eight(uint8_t (*digests)[DIGEST_OCTETS], const uint8_t *leaves);

#endif
