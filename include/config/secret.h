/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A password in a file of its own, so that the configuration can be shown around. One line; the line's end
 * isn't part of it.
 */
#ifndef HITHER_CONFIG_SECRET_H
#define HITHER_CONFIG_SECRET_H

#include "config/value.h"

/* The password in the regular file at `path`, of at most `most` characters. Caller frees; NULL when refused.
 * `open_to_all` says that any user of the host may read it. */
char *secret_read(const char *path, size_t most, bool *open_to_all, struct value_why *why);

#endif
