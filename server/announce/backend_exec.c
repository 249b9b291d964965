/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/backend_exec.h"

#include "announce/child.h"
#include "announce/route.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct exec {
    struct backend *backend;
    uv_loop_t *loop;
    struct settings_backend settings;
    struct backend_route done; /* what the last command made, when there is nothing to verify with */
    char why[BACKEND_WHY_OCTETS];
};

const char *exec_state(const struct backend_route *route)
{
    switch (route->state) {
    case ROUTE_UP:
        return "announced";
    case ROUTE_DEGRADED:
        return "degraded";
    case ROUTE_DRAINING:
        return "draining";
    case ROUTE_INIT:
    case ROUTE_WITHDRAWN:
        break;
    }
    return "withdrawn";
}

struct exec_variables exec_variables_of(const struct backend_route *route)
{
    struct exec_variables v;
    const struct settings_policy policy = route_policy(&route->policy, route->state);
    (void)snprintf(v.text[0], EXEC_VARIABLE_OCTETS, "PREFIX=%s", route->text);
    (void)snprintf(v.text[1], EXEC_VARIABLE_OCTETS, "STATE=%s", exec_state(route));
    (void)snprintf(v.text[2], EXEC_VARIABLE_OCTETS, "FAMILY=%d", route->is.family == AF_INET6 ? 6 : 4);
    (void)snprintf(v.text[3], EXEC_VARIABLE_OCTETS, "MED=%u", policy.med_set ? policy.med : 0);
    return v;
}

static int exec_run(struct exec *e, const struct settings_command *command, const struct backend_route *route,
                    child_callback done)
{
    const struct exec_variables v = exec_variables_of(route);
    const char *const variables[] = {v.text[0], v.text[1], v.text[2], v.text[3], NULL};
    const char *const more[] = {route->text, exec_state(route), NULL};
    const char *words[SETTINGS_MAX_WORDS + 3];
    if (!child_words(command, more, words, sizeof words / sizeof words[0]))
        return -E2BIG;
    return child_run(e->loop, words, variables, e->settings.command_timeout_ms, done, e);
}

static void on_changed(void *arg, const struct child_end *end)
{
    struct exec *e = arg;
    child_trouble(end, e->settings.command_timeout_ms, e->why, sizeof e->why);
    backend_changed(e->backend, e->why[0] != '\0' ? e->why : NULL);
}

static void on_verified(void *arg, const struct child_end *end)
{
    struct exec *e = arg;
    char why[BACKEND_WHY_OCTETS];
    child_trouble(end, e->settings.command_timeout_ms, why, sizeof why);
    bool ran = end->error == 0 && !end->timed_out && end->signal == 0;
    backend_seen(e->backend,
                 why[0] == '\0' ? BACKEND_AS_WANTED
                 : ran          ? BACKEND_OTHERWISE
                                : BACKEND_UNSEEN,
                 why);
}

static void exec_change(void *driver, const struct backend_route *route)
{
    struct exec *e = driver;
    e->done = *route;
    int error = exec_run(e, &e->settings.command, route, on_changed);
    if (error < 0)
        backend_changed(e->backend, strerror(-error));
}

/* Nobody can tell what is: right is what a command has just made without complaint. */
static void exec_believe(struct exec *e, const struct backend_route *route)
{
    bool just_done = strcmp(e->done.text, route->text) == 0 && e->done.state == route->state;
    e->done.text[0] = '\0';
    if (!just_done)
        backend_seen(e->backend, BACKEND_OTHERWISE, "it isn't known what is announced");
    else
        backend_seen(e->backend, e->why[0] == '\0' ? BACKEND_AS_WANTED : BACKEND_UNSEEN, e->why);
}

static void exec_look(void *driver, const struct backend_route *route)
{
    struct exec *e = driver;
    if (e->settings.verify_command.count == 0) {
        exec_believe(e, route);
        return;
    }
    int error = exec_run(e, &e->settings.verify_command, route, on_verified);
    if (error < 0)
        backend_seen(e->backend, BACKEND_UNSEEN, strerror(-error));
}

static void *exec_open(struct backend *backend, uv_loop_t *loop, const struct settings_backend *settings)
{
    struct exec *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->backend = backend;
    e->loop = loop;
    memcpy(&e->settings, settings, sizeof e->settings);
    return e;
}

static void exec_close(void *driver)
{
    struct exec *e = driver;
    struct backend *backend = e->backend;
    free(e);
    backend_closed(backend);
}

const struct backend_driver backend_exec = {
    .open = exec_open,
    .change = exec_change,
    .look = exec_look,
    .close = exec_close,
};
