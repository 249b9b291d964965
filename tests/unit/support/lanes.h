/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests: the same query answered the short way and at length, from the zones in force.
 */
#ifndef HITHER_TESTS_LANES_H
#define HITHER_TESTS_LANES_H

#include "answer/query.h"

#include <stddef.h>
#include <stdint.h>

enum lanes_verdict {
    LANES_AT_LENGTH, /* it isn't for the short way */
    LANES_SAME,      /* both ways gave the same octets */
    LANES_DIFFERENT,
};

enum lanes_verdict lanes_compare(const uint8_t *query, size_t octets, enum answer_transport transport);

#endif
