/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The search for an answer: libunbound on a loop of ours. One of two files stands behind this header, as the
 * build has it: engine.c, or engine_absent.c where libunbound isn't there.
 *
 * A question goes in and comes back by its callback, perhaps at once, with the whole answer: signatures with
 * it, and when they don't hold all the same, marked. For the loop's own thread.
 */
#ifndef HITHER_RESOLVE_ENGINE_H
#define HITHER_RESOLVE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define ENGINE_WHY_OCTETS 256

struct engine;

enum engine_trust {
    ENGINE_INSECURE, /* nothing says that it has to be signed */
    ENGINE_BOGUS,    /* it has to be, and isn't as it should */
    ENGINE_SECURE,
};

struct engine_answer {
    uint16_t rcode;        /* not 0: there is no message */
    const uint8_t *packet; /* the message, for the time of the callback */
    size_t octets;
    enum engine_trust trust;
    const char *why_bogus; /* in words; may be NULL */
};

typedef void (*engine_callback)(void *arg, const struct engine_answer *answer);

/* Whether this build has it. */
bool engine_is_built(void);

/* An engine that searches by `recipe` (resolve/recipe.h). NULL, and `why` says it. */
struct engine *engine_new(uv_loop_t *loop, const char *recipe, char why[ENGINE_WHY_OCTETS]);

/* Asks for the name, in wire form. False: it can't, and the callback isn't called. */
bool engine_ask(struct engine *engine, const uint8_t *name, uint16_t type, uint16_t class,
                engine_callback callback, void *arg);

/* Ends it; what it was asked stays without an answer, and no callback comes any more. */
void engine_close(struct engine *engine);

#endif
