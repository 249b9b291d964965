/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/engine.h"

#include "resolve/events.h"
#include "wire/name.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unbound.h>

#include <unbound-event.h>
#include <unistd.h>

struct engine {
    struct events *events;
    struct ub_ctx *context;
    struct engine_question *questions; /* without an answer yet */
};

/* Freed when it is answered. */
struct engine_question {
    struct engine *engine;
    struct engine_question *older;
    struct engine_question *newer;
    engine_callback callback;
    void *arg;
};

bool engine_is_built(void)
{
    return true;
}

/* libunbound reads its configuration from a file only: this one has no name. */
static bool engine_configure(struct ub_ctx *context, const char *text, char why[ENGINE_WHY_OCTETS])
{
    char path[64];
    int fd = memfd_create("recipe", MFD_CLOEXEC);
    size_t octets = strlen(text);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int error =
        fd >= 0 && write(fd, text, octets) == (ssize_t)octets ? ub_ctx_config(context, path) : UB_NOMEM;
    if (fd >= 0)
        close(fd);
    if (error != 0)
        (void)snprintf(why, ENGINE_WHY_OCTETS, "libunbound doesn't take the settings of `resolve`: %s",
                       ub_strerror(error));
    return error == 0;
}

static void engine_ready(void *arg, int rcode, void *packet, int octets, int trust, char *why_bogus,
                         int was_limited)
{
    bool *ready = arg;
    (void)rcode;
    (void)packet;
    (void)octets;
    (void)trust;
    (void)why_bogus;
    (void)was_limited;
    *ready = true;
}

/* The first question completes the set-up, and may fail for it: so the first one is ours, of a name that is
 * answered at once. */
static bool engine_complete(struct ub_ctx *context, char why[ENGINE_WHY_OCTETS])
{
    bool ready = false;
    int error = ub_resolve_event(context, "localhost.", 1, 1, &ready, engine_ready, NULL);
    if (error == 0 && ready)
        return true;
    (void)snprintf(why, ENGINE_WHY_OCTETS,
                   "libunbound doesn't start with these settings: %s; what it says is above",
                   error != 0 ? ub_strerror(error) : "no answer to a first question");
    return false;
}

static struct ub_ctx *engine_context(struct events *events, const char *recipe, char why[ENGINE_WHY_OCTETS])
{
    struct ub_ctx *context = ub_ctx_create_ub_event(events_base(events));
    if (context != NULL && (!engine_configure(context, recipe, why) || !engine_complete(context, why))) {
        ub_ctx_delete(context);
        context = NULL;
    }
    return context;
}

struct engine *engine_new(uv_loop_t *loop, const char *recipe, char why[ENGINE_WHY_OCTETS])
{
    /* The parser of libunbound's configuration has state that all contexts share. */
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    (void)snprintf(why, ENGINE_WHY_OCTETS, "libunbound doesn't start: memory or descriptors are short");
    struct engine *engine = calloc(1, sizeof *engine);
    struct events *events = engine != NULL ? events_new(loop) : NULL;
    pthread_mutex_lock(&one_at_a_time);
    struct ub_ctx *context = events != NULL ? engine_context(events, recipe, why) : NULL;
    pthread_mutex_unlock(&one_at_a_time);
    if (context != NULL) {
        engine->events = events;
        engine->context = context;
        return engine;
    }
    if (events != NULL)
        events_close(events);
    free(engine);
    return NULL;
}

static void question_unlink(struct engine_question *question)
{
    *(question->newer != NULL ? &question->newer->older : &question->engine->questions) = question->older;
    if (question->older != NULL)
        question->older->newer = question->newer;
}

static void engine_answered(void *arg, int rcode, void *packet, int octets, int trust, char *why_bogus,
                            int was_limited)
{
    static const enum engine_trust trusts[] = {ENGINE_INSECURE, ENGINE_BOGUS, ENGINE_SECURE};
    struct engine_question *question = arg;
    const struct engine_answer answer = {
        .rcode = (uint16_t)rcode,
        .packet = packet,
        .octets = octets > 0 ? (size_t)octets : 0,
        .trust = trust >= 0 && trust <= 2 ? trusts[trust] : ENGINE_INSECURE,
        .why_bogus = why_bogus,
    };
    (void)was_limited;
    question_unlink(question);
    question->callback(question->arg, &answer);
    free(question);
}

bool engine_ask(struct engine *engine, const uint8_t *name, uint16_t type, uint16_t class,
                engine_callback callback, void *arg)
{
    char text[NAME_TEXT_MAX];
    struct engine_question *question = malloc(sizeof *question);
    if (question == NULL)
        return false;
    *question = (struct engine_question){engine, engine->questions, NULL, callback, arg};
    if (engine->questions != NULL)
        engine->questions->newer = question;
    engine->questions = question;
    /* It may be answered, and freed, before this returns. */
    int error = ub_resolve_event(engine->context, name_to_text(name, text), type, class, question,
                                 engine_answered, NULL);
    if (error == 0)
        return true;
    question_unlink(question);
    free(question);
    return false;
}

void engine_close(struct engine *engine)
{
    if (engine == NULL)
        return;
    ub_ctx_delete(engine->context);
    struct engine_question *older = NULL;
    for (struct engine_question *question = engine->questions; question != NULL; question = older) {
        older = question->older;
        free(question);
    }
    events_close(engine->events);
    free(engine);
}
