/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/engine.h"

#include <stdio.h>

bool engine_is_built(void)
{
    return false;
}

struct engine *engine_new(uv_loop_t *loop, const char *recipe, char why[ENGINE_WHY_OCTETS])
{
    (void)loop;
    (void)recipe;
    (void)snprintf(why, ENGINE_WHY_OCTETS, "hitherd was built without libunbound");
    return NULL;
}

bool engine_ask(struct engine *engine, const uint8_t *name, uint16_t type, uint16_t class,
                engine_callback callback, void *arg)
{
    (void)engine;
    (void)name;
    (void)type;
    (void)class;
    (void)callback;
    (void)arg;
    return false;
}

void engine_close(struct engine *engine)
{
    (void)engine;
}
