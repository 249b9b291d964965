/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The self-check in words: one line for what is worst, and the tree that `hither why` shows (health_why()).
 */
#ifndef HITHER_HEALTH_WHY_H
#define HITHER_HEALTH_WHY_H

#include "health/state.h"

/* Puts one line for what is worst into `why`. */
void health_say_why(struct health *health);

/* The scope that its zones do most to; NULL: they do nothing to any. */
const struct scope *health_zones_worst(const struct health *health);

/* The verdict of the prefix that is best off. */
enum verdict health_overall(const struct health *health);

/* "203.0.113.0/24", or "everything". Returns `name`. */
char *health_scope_name(const struct scope *scope, char name[SCOPE_NAME_OCTETS]);

/* Why the scope's verdict is what it is. */
const char *health_scope_why(const struct health *health, const struct scope *scope);

#endif
