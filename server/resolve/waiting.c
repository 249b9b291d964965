/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/waiting.h"

#include "resolve/desk.h"

#include <stdlib.h>
#include <string.h>

struct cache_key search_key(const struct search *search)
{
    const struct resolve_task *task = &search->task;
    return (struct cache_key){task->name, task->name_octets, search->flags,
                              task->type, task->class,       search->hash};
}

static struct search **place_of(struct waiting *waiting, uint64_t hash)
{
    return &waiting->table[hash >> 20 & (WAITING_TABLE - 1)];
}

static bool is_for(const struct search *search, const struct cache_key *key)
{
    const struct resolve_task *task = &search->task;
    return search->hash == key->hash && task->type == key->type && task->class == key->class &&
           search->flags == key->flags && task->name_octets == key->octets &&
           memcmp(task->name, key->name, key->octets) == 0;
}

struct search *waiting_find(const struct waiting *waiting, const struct cache_key *key)
{
    struct search *search = waiting->table[key->hash >> 20 & (WAITING_TABLE - 1)];
    while (search != NULL && !is_for(search, key))
        search = search->next;
    return search;
}

struct search *waiting_begin(struct waiting *waiting, const struct cache_key *key, uint64_t suffix_hash,
                             uint64_t now_ms)
{
    uint16_t slot = (uint16_t)(name_hash_mix(waiting->secret, suffix_hash) >> 32 & (WAITING_SUFFIX - 1));
    if (waiting->searches >= DESK_SEARCHES_MOST || waiting->by_suffix[slot] >= DESK_SUFFIX_MOST)
        return NULL;
    struct search *search = calloc(1, sizeof *search);
    if (search == NULL)
        return NULL;
    search->task.type = key->type;
    search->task.class = key->class;
    search->task.name_octets = key->octets;
    memcpy(search->task.name, key->name, key->octets);
    search->flags = key->flags;
    search->hash = key->hash;
    search->since_ms = now_ms;
    search->suffix_slot = slot;
    search->last = &search->waiters;
    struct search **place = place_of(waiting, key->hash);
    search->next = *place;
    *place = search;
    search->older = waiting->newest;
    *(waiting->newest != NULL ? &waiting->newest->newer : &waiting->oldest) = search;
    waiting->newest = search;
    waiting->searches++;
    waiting->by_suffix[slot]++;
    return search;
}

void waiting_end(struct waiting *waiting, struct search *search)
{
    struct search **place = place_of(waiting, search->hash);
    while (*place != search)
        place = &(*place)->next;
    *place = search->next;
    *(search->older != NULL ? &search->older->newer : &waiting->oldest) = search->newer;
    *(search->newer != NULL ? &search->newer->older : &waiting->newest) = search->older;
    waiting->searches--;
    waiting->by_suffix[search->suffix_slot]--;
}

/* An IPv4 address, or an IPv6 network of 64 bits: what one client has. */
static uint16_t client_slot(const struct waiting *waiting, const struct sockaddr *client)
{
    uint64_t v = 0;
    if (client->sa_family == AF_INET)
        memcpy(&v, &((const struct sockaddr_in *)(const void *)client)->sin_addr, 4);
    else
        memcpy(&v, &((const struct sockaddr_in6 *)(const void *)client)->sin6_addr, 8);
    return (uint16_t)(name_hash_mix(waiting->secret, v + 1) >> 32 & (WAITING_CLIENTS - 1));
}

struct waiter *waiting_add(struct waiting *waiting, struct search *search,
                           const struct answer_message *message, enum answer_transport transport,
                           uint32_t most)
{
    uint16_t slot = client_slot(waiting, message->client);
    if (waiting->waiters >= DESK_WAITERS_MOST || waiting->by_client[slot] >= most)
        return NULL;
    struct waiter *waiter = calloc(1, sizeof *waiter + message->query_octets);
    if (waiter == NULL)
        return NULL;
    waiter->transport = transport;
    waiter->client_slot = slot;
    waiter->query_octets = (uint32_t)message->query_octets;
    waiter->capacity = (uint32_t)message->response_capacity;
    memcpy(waiter->query, message->query, message->query_octets);
    size_t octets =
        message->client->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    memcpy(&waiter->deferred.client, message->client, octets);
    *search->last = waiter;
    search->last = &waiter->next;
    waiting->waiters++;
    waiting->by_client[slot]++;
    return waiter;
}

struct waiter *waiting_take(struct waiting *waiting, struct search *search)
{
    struct waiter *waiter = search->waiters;
    if (waiter == NULL)
        return NULL;
    search->waiters = waiter->next;
    if (search->waiters == NULL)
        search->last = &search->waiters;
    waiting->waiters--;
    waiting->by_client[waiter->client_slot]--;
    return waiter;
}
