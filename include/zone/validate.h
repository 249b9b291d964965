/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether bytes are a zone image (zone/format.h) that can be walked without looking where one goes. A digest
 * tells that the bytes are those which were written; this, that whoever wrote them knew how.
 */
#ifndef HITHER_ZONE_VALIDATE_H
#define HITHER_ZONE_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether every reference and count in `octets` bytes stays inside, so that whoever walks the image can't
 * leave it, whatever it holds. False, and `why` says in a few words what is wrong. Large images are judged on
 * all cores. */
bool image_validate(const uint8_t *image, size_t octets, const char **why);

#endif
