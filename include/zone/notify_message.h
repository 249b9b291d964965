/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The octets of a NOTIFY and of what is answered to it. Pure.
 *
 * RFCs: 1996 3 (both forms), 8945 (TSIG, which is put behind it by whoever sends).
 */
#ifndef HITHER_ZONE_NOTIFY_MESSAGE_H
#define HITHER_ZONE_NOTIFY_MESSAGE_H

#include "zone/image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTIFY_MESSAGE_OCTETS 1232 /* enough for the longest names and a TSIG */

/* What came back. */
struct notify_answer {
    uint8_t rcode;
    size_t tsig_at; /* where its TSIG begins; 0: there is none */
};

/* Writes the NOTIFY that tells of the serial of `image`. Its octets, or 0 when it doesn't fit. */
size_t notify_message_write(uint8_t *message, size_t capacity, uint16_t id, const struct zone_image *image);

/* Reads `octets` that came from where a NOTIFY went. False when they don't answer one about the zone of this
 * apex. */
bool notify_message_read(struct notify_answer *answer, const uint8_t *message, size_t octets,
                         const uint8_t *apex);

#endif
