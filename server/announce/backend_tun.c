/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/backend_tun.h"

#include "announce/tun_device.h"

#include <stdlib.h>
#include <string.h>

struct tun {
    struct backend *backend;
    struct tun_device *device;
};

static void *tun_open(struct backend *backend, uv_loop_t *loop, const struct settings_backend *settings)
{
    struct tun *t = calloc(1, sizeof *t);
    (void)loop;
    if (t == NULL)
        return NULL;
    t->backend = backend;
    t->device = tun_device_new(settings->tun_device);
    if (t->device != NULL)
        return t;
    free(t);
    return NULL;
}

static void tun_change(void *driver, const struct backend_route *route)
{
    struct tun *t = driver;
    int error = tun_device_keep(t->device);
    if (error == 0)
        error = tun_device_set(t->device, &route->address, route->is.bits, route->announced);
    backend_changed(t->backend, error < 0 ? strerror(-error) : NULL);
}

static void tun_look(void *driver, const struct backend_route *route)
{
    struct tun *t = driver;
    int there = tun_device_has(t->device, &route->address, route->is.bits);
    if (there < 0)
        backend_seen(t->backend, BACKEND_UNSEEN, strerror(-there));
    else
        backend_seen(t->backend, (there == 1) == route->announced ? BACKEND_AS_WANTED : BACKEND_OTHERWISE,
                     there == 1 ? "the device has the address" : "the device doesn't have the address");
}

static void tun_close(void *driver)
{
    struct tun *t = driver;
    struct backend *backend = t->backend;
    tun_device_close(t->device);
    free(t);
    backend_closed(backend);
}

static json_t *tun_hand_over(void *driver, int *fds, size_t *count)
{
    const struct tun *t = driver;
    return tun_device_hand_over(t->device, fds, count);
}

static void tun_take_over(void *driver, const json_t *heritage)
{
    const struct tun *t = driver;
    tun_device_take_over(t->device, heritage);
}

const struct backend_driver backend_tun = {
    .open = tun_open,
    .change = tun_change,
    .look = tun_look,
    .close = tun_close,
    .hand_over = tun_hand_over,
    .take_over = tun_take_over,
};
