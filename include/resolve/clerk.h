/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the main thread does about the caches of all workers: an operator's commands, and forgetting what new
 * settings make wrong.
 *
 *     command -- clerk_command() --> an errand for each desk, or for one after the other --> reply
 *
 * The request is the control socket's (control/control.h), the reply has:
 *
 *     {"action": "flush", "name", "type"?, "suffix"?}     {"ok", "flushed", "message"}
 *     {"action": "show", "name", "type"?, "suffix"?}      {"ok", "entries": [...], "walk"?}
 *     {"action": "dump", "type"?}                         the same
 *     {"action": "more", "walk"}                          the same; there is more as long as "walk" is there
 */
#ifndef HITHER_RESOLVE_CLERK_H
#define HITHER_RESOLVE_CLERK_H

#include "resolve/desk.h"
#include "resolve/keep.h"
#include "resolve/resolver.h"
#include "resolve/settings.h"

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

#define CLERK_WALKS 8 /* dumps at a time; one more ends the one that is idle longest */

struct clerk;

struct clerk_setup {
    struct desk *const *desks; /* stays, as they do until clerk_close() */
    size_t count;
    struct resolver *resolver;
    void (*reply)(void *arg, uint32_t id, json_t *reply); /* takes `reply` over */
    void *arg;
};

/* NULL when memory is short. */
struct clerk *clerk_new(uv_loop_t *loop, const struct clerk_setup *setup);

/* Does what `request` says; the reply comes later, or at once when it is refused. */
void clerk_command(struct clerk *clerk, uint32_t id, const char *request,
                   const struct settings_resolve *resolve);

/* Forgets, without a reply, what is at or below the name in presentation form. */
void clerk_forget(struct clerk *clerk, const char *name);

/* Takes in what the server before kept, and removes it: now, and again with each call when there is more:
 * the file of one worker at a time. */
void clerk_take_kept(struct clerk *clerk, const struct keep *keep, uint32_t stale_s);

/* Sends nothing any more. The loop then closes its handle. */
void clerk_close(struct clerk *clerk);

/* After clerk_close(), when the loop and the desks' threads have ended. NULL is allowed. */
void clerk_free(struct clerk *clerk);

#endif
