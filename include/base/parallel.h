/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Work that falls into parts which need nothing of each other, done on all cores that this process may use.
 */
#ifndef HITHER_BASE_PARALLEL_H
#define HITHER_BASE_PARALLEL_H

#include <stddef.h>

#define PARALLEL_MOST 8 /* threads, the caller's counted */

typedef void (*parallel_part)(size_t part, void *arg);

/* Calls `run` once for each part 0 .. parts - 1, in no order, some of them at the same time, on this thread
 * and on others that live as long as the call. When none can be had, this one does it all. */
void parallel_run(size_t parts, parallel_part run, void *arg);

#endif
