/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The texts of the configuration -> settings, or findings that say what is wrong with which line. Judges all
 * of them, whatever it finds on the way, so that one run shows everything.
 */
#ifndef HITHER_CONFIG_JUDGE_H
#define HITHER_CONFIG_JUDGE_H

#include "config.h"
#include "config/outline.h"
#include "config/schema.h"
#include "config/vault.h"

/* Fills `settings`, whose path is set already. `host` is what %h stands for, `vault` where secrets come from
 * (NULL: their files). Errors are in `findings`. */
void judge_config(struct settings *settings, const struct raw_config *raw, const struct outline *outline,
                  const char *host, struct vault *vault, struct findings *findings);

/* The directory that the file at the absolute `path` is in. Caller frees. */
char *judge_directory_of(const char *path);

#endif
