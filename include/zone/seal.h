/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The digest in an image's header: base/digest.h's tree over the whole image, as if the digest itself were
 * zeros. Equal digests mean equal images, and so equal answers. Large images are worked at on all cores.
 */
#ifndef HITHER_ZONE_SEAL_H
#define HITHER_ZONE_SEAL_H

#include "base/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The digest of `octets` of `image`, no less than a header. False when memory is short. */
bool seal_digest(uint8_t digest[DIGEST_OCTETS], const uint8_t *image, size_t octets);

/* Reads the first `octets` of the file into `image`, and finds the digest as they come. False when they can't
 * be read or memory is short. */
bool seal_read(uint8_t digest[DIGEST_OCTETS], int fd, uint8_t *image, size_t octets);

#endif
