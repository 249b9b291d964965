/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The resolver's settings -> libunbound's configuration, as its own text. Pure. What clients are given is
 * ours to decide (answer cache, limits, stale answers), so libunbound is told only what concerns the search:
 * whom to ask, what to believe, how much to remember.
 *
 * RFCs: 5011 (trust anchors), 6147 (DNS64), 6303 and 6761 (names answered here), 7646 (negative trust
 * anchors), 8198 (aggressive NSEC), 8806 (the root here), 9156 (minimal names).
 */
#ifndef HITHER_RESOLVE_RECIPE_H
#define HITHER_RESOLVE_RECIPE_H

#include "resolve/settings.h"

/* Which of the engines it is for, and where it may keep its state. */
struct recipe_place {
    const char *state_dir;
    unsigned engine;
    unsigned engines;
    int64_t now_s; /* Unix time: exemptions that have ended are left out */
};

/* The file in `state_dir` where that engine keeps the root's trust anchor up to date. Caller frees. */
char *recipe_anchor_file(const struct recipe_place *place);

/* The text, from malloc; NULL when memory is short. */
char *recipe_write(const struct settings_resolve *resolve, const struct recipe_place *place);

#endif
