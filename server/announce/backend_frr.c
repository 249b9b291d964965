/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/backend_frr.h"

#include "announce/child.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct frr {
    struct backend *backend;
    uv_loop_t *loop;
    struct settings_backend settings;
    bool announced; /* what is looked for */
};

/* --- words
 * --------------------------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 2, 3))) script_add(struct frr_script *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(s->lines[s->count++], FRR_LINE_OCTETS, format, args);
    va_end(args);
}

static const char *family_of(const struct backend_route *route)
{
    return route->is.family == AF_INET6 ? "ipv6" : "ipv4";
}

struct frr_script frr_change_script(const struct settings_backend *settings,
                                    const struct backend_route *route)
{
    struct frr_script s = {.count = 0};
    const char *map = route->lesser && settings->frr_lesser_route_map[0] != '\0'
                          ? settings->frr_lesser_route_map
                          : settings->frr_route_map;
    script_add(&s, "configure terminal");
    script_add(&s, "router bgp %u", settings->local_as);
    script_add(&s, "address-family %s unicast", family_of(route));
    if (!route->announced)
        script_add(&s, "no network %s", route->text);
    else
        script_add(&s, "network %s%s%s", route->text, map[0] != '\0' ? " route-map " : "", map);
    return s;
}

struct frr_script frr_look_script(const struct backend_route *route)
{
    struct frr_script s = {.count = 0};
    script_add(&s, "show bgp %s unicast %s json", family_of(route), route->text);
    return s;
}

int frr_has_route(const char *reply)
{
    size_t i;
    json_t *path;
    int found = 0;
    json_t *table = json_loads(reply, 0, NULL);
    if (!json_is_object(table)) {
        json_decref(table);
        return -1;
    }
    json_array_foreach(json_object_get(table, "paths"), i, path)
    {
        if (json_is_true(json_object_get(path, "sourced")) && json_is_true(json_object_get(path, "valid")))
            found = 1;
    }
    json_decref(table);
    return found;
}

/* --- operations
 * ---------------------------------------------------------------------------------------------- */

static int frr_run(struct frr *f, const struct frr_script *script, child_callback done)
{
    static const char *const variables[] = {"VTYSH_PAGER=cat", NULL};
    const char *more[2 * FRR_LINES + 1] = {NULL};
    const char *words[SETTINGS_MAX_WORDS + 2 * FRR_LINES + 1];
    for (size_t i = 0; i < script->count; i++) {
        more[2 * i] = "-c";
        more[2 * i + 1] = script->lines[i];
    }
    if (!child_words(&f->settings.vtysh, more, words, sizeof words / sizeof words[0]))
        return -E2BIG;
    return child_run(f->loop, words, variables, f->settings.command_timeout_ms, done, f);
}

static void on_changed(void *arg, const struct child_end *end)
{
    struct frr *f = arg;
    char trouble[BACKEND_WHY_OCTETS];
    char why[BACKEND_WHY_OCTETS + 8];
    child_trouble(end, f->settings.command_timeout_ms, trouble, sizeof trouble);
    (void)snprintf(why, sizeof why, "vtysh: %s", trouble);
    backend_changed(f->backend, trouble[0] != '\0' ? why : NULL);
}

static void on_seen(void *arg, const struct child_end *end)
{
    struct frr *f = arg;
    char trouble[BACKEND_WHY_OCTETS];
    char why[BACKEND_WHY_OCTETS + 8];
    child_trouble(end, f->settings.command_timeout_ms, trouble, sizeof trouble);
    (void)snprintf(why, sizeof why, "vtysh: %s", trouble);
    int there = trouble[0] == '\0' ? frr_has_route(end->output) : -1;
    if (there < 0)
        backend_seen(f->backend, BACKEND_UNSEEN,
                     trouble[0] != '\0' ? why : "vtysh says what can't be understood");
    else
        backend_seen(f->backend, (there == 1) == f->announced ? BACKEND_AS_WANTED : BACKEND_OTHERWISE,
                     there == 1 ? "bgpd originates the route" : "bgpd doesn't originate the route");
}

static void frr_change(void *driver, const struct backend_route *route)
{
    struct frr *f = driver;
    struct frr_script script = frr_change_script(&f->settings, route);
    int error = frr_run(f, &script, on_changed);
    if (error < 0)
        backend_changed(f->backend, strerror(-error));
}

static void frr_look(void *driver, const struct backend_route *route)
{
    struct frr *f = driver;
    struct frr_script script = frr_look_script(route);
    f->announced = route->announced;
    int error = frr_run(f, &script, on_seen);
    if (error < 0)
        backend_seen(f->backend, BACKEND_UNSEEN, strerror(-error));
}

static void *frr_open(struct backend *backend, uv_loop_t *loop, const struct settings_backend *settings)
{
    struct frr *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->backend = backend;
    f->loop = loop;
    memcpy(&f->settings, settings, sizeof f->settings);
    return f;
}

static void frr_close(void *driver)
{
    struct frr *f = driver;
    struct backend *backend = f->backend;
    free(f);
    backend_closed(backend);
}

const struct backend_driver backend_frr = {
    .open = frr_open,
    .change = frr_change,
    .look = frr_look,
    .close = frr_close,
};
