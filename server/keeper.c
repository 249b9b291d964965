/* SPDX-License-Identifier: BSD-2-Clause */
#include "keeper.h"

#include "base/channel.h"
#include "base/log.h"
#include "zone/shelf.h"

#include <stdlib.h>
#include <string.h>

struct kept {
    size_t count;
    struct zone_image *images[SHELF_MOST_IMAGES]; /* references are held */
};

struct keeper {
    uv_loop_t *loop;
    int channel;
    uv_work_t work;
    bool working;
    bool waiting; /* `next` is to be kept when the work ends */
    bool closed;
    struct kept now;
    struct kept next;
};

static void kept_forget(struct kept *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        zone_image_release(kept->images[i]);
    kept->count = 0;
}

static void keeper_free(struct keeper *k)
{
    kept_forget(&k->now);
    kept_forget(&k->next);
    free(k);
}

static void keep(uv_work_t *work)
{
    struct keeper *k = work->data;
    int error;
    for (size_t i = 0; i < k->now.count; i++)
        if ((error = zone_shelf_put(k->now.images[i])) < 0)
            log_debug("an image isn't kept over a restart: %s", strerror(-error));
}

static void keeper_tell(const struct keeper *k)
{
    int fds[SHELF_MOST_IMAGES];
    size_t count = 0;
    for (size_t i = 0; i < k->now.count; i++)
        if (k->now.images[i]->fd >= 0)
            fds[count++] = k->now.images[i]->fd;
    int error = channel_send_fds(k->channel, CHANNEL_IMAGES, fds, count);
    if (error < 0)
        log_warn("the announcer can't keep %zu images: %s; a server after this one reads them from the disk",
                 count, strerror(-error));
}

static void keeper_start(struct keeper *k);

static void kept_all(uv_work_t *work, int status)
{
    struct keeper *k = work->data;
    (void)status; /* nothing here is ever cancelled */
    k->working = false;
    if (k->closed) {
        keeper_free(k);
        return;
    }
    keeper_tell(k);
    kept_forget(&k->now);
    if (k->waiting)
        keeper_start(k);
}

static void keeper_start(struct keeper *k)
{
    k->waiting = false;
    k->now = k->next;
    k->next.count = 0;
    k->working = true;
    k->work.data = k;
    (void)uv_queue_work(k->loop, &k->work, keep, kept_all);
}

struct keeper *keeper_new(uv_loop_t *loop, int channel)
{
    struct keeper *k = calloc(1, sizeof *k);
    if (k != NULL) {
        k->loop = loop;
        k->channel = channel;
    }
    return k;
}

void keeper_update(struct keeper *k, const struct zone_set *set)
{
    kept_forget(&k->next);
    for (size_t i = 0; set != NULL && i < zone_set_count(set) && k->next.count < SHELF_MOST_IMAGES; i++) {
        struct zone_image *image = zone_set_at(set, i);
        if (image->octets >= SHELF_LEAST_OCTETS)
            k->next.images[k->next.count++] = zone_image_hold(image);
    }
    k->waiting = true;
    if (!k->working)
        keeper_start(k);
}

void keeper_close(struct keeper *k)
{
    k->closed = true;
    if (!k->working)
        keeper_free(k);
}
