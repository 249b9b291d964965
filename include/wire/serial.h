/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Serial numbers, which go round (RFC 1982).
 */
#ifndef HITHER_WIRE_SERIAL_H
#define HITHER_WIRE_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

/* Whether `serial` comes after `other`. Exactly half way round neither comes after the other. */
static inline bool serial_is_newer(uint32_t serial, uint32_t other)
{
    uint32_t forward = serial - other;
    return forward != 0 && forward < UINT32_C(0x80000000);
}

#endif
