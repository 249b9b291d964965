/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The line that shows how far long work is: a bar, rate, time left.
 */
#ifndef HITHER_CLI_PROGRESS_H
#define HITHER_CLI_PROGRESS_H

#include "zone/load.h"

#include <stddef.h>
#include <stdint.h>

/* The line after `elapsed_ms` of work, without a line end, into `text`. Returns `text`. */
char *progress_to_text(const struct zone_progress *progress, int64_t elapsed_ms, char *text, size_t size);

/* zone_load() with such a line on standard error, when that is a terminal and the work is long. */
struct zone_image *progress_load(const uint8_t *apex, const char *path, struct findings *findings);

/* The same of zone_load_check_all(). */
void progress_check_all(const struct settings *settings, struct findings *findings,
                        struct zone_load_summary *summary);

#endif
