/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The last good zones: what stood the trial of being served is kept beside the cache, as further names for
 * the same files, with the configuration that they belong to. When what is newer fails, this is gone back to.
 *
 *     STATE-DIR/zones/NAME.image        the newest that was sound (zone/cache.h)
 *     STATE-DIR/good/zones/NAME.image   the last that was good
 *     STATE-DIR/good/hither.yaml        the configuration; without it the rest isn't whole
 */
#ifndef HITHER_ZONE_GOOD_H
#define HITHER_ZONE_GOOD_H

#include <stddef.h>
#include <stdint.h>

/* Where they lie: itself a state directory for zone/cache.h. To be freed; NULL when memory is short. */
char *zone_good_directory(const char *state_dir);

/* The configuration's path. To be freed; NULL when memory is short. */
char *zone_good_text_path(const char *state_dir);

/* Makes what is in the cache the last good zones, but for images that are newer than `until_unix_s`, and
 * `text` (of `octets`) their configuration. Blocking. 0 or -errno. */
int zone_good_settle(const char *state_dir, int64_t until_unix_s, const char *text, size_t octets);

#endif
