/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/set.h"

#include "zone/format.h"

#include <stdlib.h>
#include <urcu-qsbr.h>

static struct zone_set *set_in_force;

static int by_apex(const void *a, const void *b)
{
    struct zone_image *const *left = a;
    struct zone_image *const *right = b;
    return name_compare((*left)->header->apex, (*right)->header->apex);
}

/* False when an apex is there twice. */
static bool set_fill(struct zone_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct image_header *header = set->images[i]->header;
        if (i > 0 && by_apex(&set->images[i - 1], &set->images[i]) == 0)
            return false;
        uint64_t hash = name_hash(header->apex);
        size_t slot = hash & set->mask;
        while (set->slots[slot].image != NULL)
            slot = (slot + 1) & set->mask;
        set->slots[slot] = (struct zone_set_slot){hash, set->images[i], NULL};
        set->depths[header->apex_labels] = true;
        if (header->apex_labels > set->deepest)
            set->deepest = header->apex_labels;
    }
    return true;
}

static void set_free(struct zone_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; set->images != NULL && i < set->count; i++)
        zone_image_release(set->images[i]);
    for (size_t i = 0; set->peers != NULL && i < set->count; i++)
        zone_peers_release(set->peers[i]);
    for (size_t i = 0; set->slots != NULL && i <= set->mask; i++)
        zone_access_release(set->slots[i].access);
    free(set->images);
    free(set->peers);
    free(set->slots);
    free(set);
}

struct zone_set *zone_set_new(struct zone_image *const *images, size_t count)
{
    struct zone_set *set = calloc(1, sizeof *set);
    size_t size = 16;
    while (size < count * 2)
        size *= 2;
    if (set == NULL)
        return NULL;
    set->mask = size - 1;
    set->slots = calloc(size, sizeof *set->slots);
    set->images = malloc((count + 1) * sizeof(struct zone_image *));
    set->peers = calloc(count + 1, sizeof(struct zone_peers *));
    if (set->slots == NULL || set->images == NULL || set->peers == NULL) {
        set_free(set);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        set->images[i] = zone_image_hold(images[i]);
    set->count = count;
    qsort(set->images, count, sizeof(struct zone_image *), by_apex);
    if (!set_fill(set)) {
        set_free(set);
        return NULL;
    }
    return set;
}

void zone_set_give(struct zone_set *set, const struct zone_image *image, struct zone_peers *peers)
{
    long at = zone_set_find(set, image->header->apex);
    if (at < 0)
        return;
    zone_peers_release(set->peers[at]);
    set->peers[at] = zone_peers_hold(peers);
}

static struct zone_set_slot *set_slot(const struct zone_set *set, const struct zone_image *image)
{
    size_t slot = name_hash(image->header->apex) & set->mask;
    while (set->slots[slot].image != image && set->slots[slot].image != NULL)
        slot = (slot + 1) & set->mask;
    return &set->slots[slot];
}

void zone_set_restrict(struct zone_set *set, const struct zone_image *image, struct zone_access *access)
{
    struct zone_set_slot *slot = set_slot(set, image);
    if (slot->image == NULL || access == NULL)
        return;
    zone_access_release(slot->access);
    slot->access = zone_access_hold(access);
    set->restricted = true;
}

struct zone_access *zone_set_access(const struct zone_set *set, const struct zone_image *image)
{
    return set_slot(set, image)->access;
}

void zone_set_publish(struct zone_set *set)
{
    struct zone_set *before = rcu_xchg_pointer(&set_in_force, set);
    if (before == NULL)
        return;
    synchronize_rcu();
    set_free(before);
}

const struct zone_set *zone_set_current(void)
{
    return rcu_dereference(set_in_force);
}

long zone_set_find(const struct zone_set *set, const uint8_t *apex)
{
    size_t low = 0;
    size_t high = zone_set_count(set);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = name_compare(set->images[middle]->header->apex, apex);
        if (order == 0)
            return (long)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

size_t zone_set_count(const struct zone_set *set)
{
    return set != NULL ? set->count : 0;
}

struct zone_image *zone_set_at(const struct zone_set *set, size_t i)
{
    return set->images[i];
}

const struct zone_peers *zone_set_peers(const struct zone_set *set, size_t i)
{
    return set->peers[i];
}
