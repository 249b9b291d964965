/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Checked records -> image bytes. The same records always give the same bytes.
 */
#ifndef HITHER_ZONE_COMPILE_H
#define HITHER_ZONE_COMPILE_H

#include "zone/image.h"
#include "zone/records.h"

/* Compiles sorted, checked records. `source_digest` (IMAGE_DIGEST_OCTETS) is kept in the image. NULL when
 * memory is short or the zone is beyond what the format holds, and `why` says which. The records may be freed
 * afterwards. */
struct zone_image *zone_compile(const struct zone_records *records, const uint8_t *source_digest,
                                const char **why);

#endif
