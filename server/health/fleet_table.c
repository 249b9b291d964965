/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/fleet_table.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* Serial arithmetic isn't needed: at a thousand messages a second a counter lasts seven weeks of storm, and a
 * boot that ran out would only fall silent. */

static uint64_t rank_of(const char *identity)
{
    uint64_t rank = 0;
    (void)crypto_generichash((uint8_t *)&rank, sizeof rank, (const uint8_t *)identity, strlen(identity), NULL,
                             0);
    return rank;
}

void fleet_table_init(struct fleet_table *table, const char *identity, uint64_t boot)
{
    table->boot = boot;
    (void)snprintf(table->identity, sizeof table->identity, "%s", identity);
    table->rank = rank_of(table->identity);
}

uint32_t fleet_table_send(struct fleet_table *table, struct mono now)
{
    table->counter++;
    table->sent[table->counter % FLEET_SENT_MOST] = now;
    return table->counter;
}

/* When our message `counter` was sent; zero when it never was, or too long ago to know. */
static struct mono table_sent_at(const struct fleet_table *table, uint32_t counter)
{
    if (counter == 0 || counter > table->counter || table->counter - counter >= FLEET_SENT_MOST)
        return (struct mono){0};
    return table->sent[counter % FLEET_SENT_MOST];
}

/* A place for one more: a new one, or that of somebody who has been silent for long. NULL: the table is full
 * of the living. */
static struct fleet_member *table_place(struct fleet_table *table, struct mono now)
{
    struct fleet_member *oldest = NULL;
    if (table->count < FLEET_MEMBERS_MOST)
        return &table->members[table->count++];
    for (size_t i = 0; i < table->count; i++)
        if (oldest == NULL || table->members[i].heard.ns < oldest->heard.ns)
            oldest = &table->members[i];
    return mono_ms_between(oldest->heard, now) > FLEET_MEMORY_MS ? oldest : NULL;
}

static struct fleet_member *table_member(struct fleet_table *table, struct mono now, const char *identity)
{
    uint64_t rank = rank_of(identity);
    for (size_t i = 0; i < table->count; i++)
        if (table->members[i].rank == rank && strcmp(table->members[i].identity, identity) == 0)
            return &table->members[i];
    struct fleet_member *member = table_place(table, now);
    if (member == NULL)
        return NULL;
    *member = (struct fleet_member){.rank = rank, .origin = FLEET_NOWHERE};
    (void)snprintf(member->identity, sizeof member->identity, "%s", identity);
    return member;
}

static bool message_asks(const struct heartbeat *message)
{
    for (size_t i = 0; i < message->scope_count; i++)
        if (message->scopes[i].state == HEARTBEAT_ASKS)
            return true;
    return false;
}

/* The newest message of ours that the sender had heard; 0: none of this boot. */
static uint32_t message_echo_of(const struct heartbeat *message, uint64_t boot)
{
    uint32_t newest = 0;
    for (size_t i = 0; i < message->echo_count; i++)
        if (message->echoes[i].boot == boot && message->echoes[i].counter > newest)
            newest = message->echoes[i].counter;
    return newest;
}

/* Takes what the message says, if it proves that it is no older than what is known already. */
static bool member_take(const struct fleet_table *table, struct fleet_member *m,
                        const struct heartbeat *message)
{
    uint32_t echoed = message_echo_of(message, table->boot);
    struct mono as_of = table_sent_at(table, echoed);
    if (as_of.ns == 0)
        return false;
    if (m->proven && echoed < m->echoed)
        return false;
    if (m->proven && m->proven_boot == message->boot && message->counter <= m->proven_counter)
        return false;
    m->proven = true;
    m->proven_boot = message->boot;
    m->proven_counter = message->counter;
    m->echoed = echoed;
    m->as_of = as_of;
    m->scope_count = message->scope_count;
    memcpy(m->scopes, message->scopes, message->scope_count * sizeof message->scopes[0]);
    memcpy(m->zones_digest, message->zones_digest, sizeof m->zones_digest);
    m->zone_count = message->zone_count;
    m->known = message->known;
    m->by_choice = message->by_choice;
    return true;
}

bool fleet_table_take(struct fleet_table *table, struct mono now, const struct heartbeat *message,
                      uint32_t origin)
{
    if (message->boot == table->boot)
        return false; /* ours: the list of peers has us in it, and a group sends back what it gets */
    if (strcmp(message->identity, table->identity) == 0) {
        table->namesake = now;
        return false;
    }
    struct fleet_member *m = table_member(table, now, message->identity);
    if (m == NULL || (m->boot == message->boot && message->counter <= m->counter))
        return false;
    bool asks = message_asks(message);
    m->owed |= asks && (!m->asks || m->boot != message->boot);
    m->asks = asks;
    m->boot = message->boot;
    m->counter = message->counter;
    m->heard = now;
    m->origin = origin != FLEET_NOWHERE ? origin : m->origin;
    return member_take(table, m, message);
}

bool fleet_member_is_fresh(const struct fleet_table *table, const struct fleet_member *member,
                           struct mono now)
{
    return member->proven && mono_ms_between(member->as_of, now) <= table->fresh_ms;
}

bool fleet_member_state(const struct fleet_member *member, uint64_t key, enum heartbeat_state *state)
{
    for (size_t i = 0; i < member->scope_count; i++) {
        if (member->scopes[i].key != key)
            continue;
        *state = member->scopes[i].state;
        return true;
    }
    return false;
}

static bool goes_before(const struct fleet_member *member, const struct fleet_table *table)
{
    if (member->by_choice != table->by_choice)
        return table->by_choice;
    if (member->rank != table->rank)
        return member->rank < table->rank;
    return strcmp(member->identity, table->identity) < 0;
}

static void count_add(struct fleet_count *count, const struct fleet_table *table,
                      const struct fleet_member *m, enum heartbeat_state state, uint32_t since)
{
    bool asks = state == HEARTBEAT_ASKS;
    bool first = asks && goes_before(m, table);
    bool stays = (state == HEARTBEAT_WELL || state == HEARTBEAT_ILL) && m->echoed >= since;
    count->asking += asks;
    count->asking_well += asks && m->by_choice;
    count->first += first;
    count->first_well += first && m->by_choice;
    count->staying += stays;
    count->well += stays && state == HEARTBEAT_WELL;
    if (first)
        count->rival = m;
    if (state == HEARTBEAT_OUT || state == HEARTBEAT_LEAVES)
        count->gone = m;
}

struct fleet_count fleet_table_count(const struct fleet_table *table, struct mono now, uint64_t key,
                                     uint32_t since)
{
    struct fleet_count count = {.size = 1};
    for (size_t i = 0; i < table->count; i++) {
        const struct fleet_member *m = &table->members[i];
        enum heartbeat_state state;
        if (!m->proven || mono_ms_between(m->as_of, now) > FLEET_MEMORY_MS ||
            !fleet_member_state(m, key, &state))
            continue;
        count.size++;
        if (fleet_member_is_fresh(table, m, now))
            count_add(&count, table, m, state, since);
    }
    return count;
}

static void echo_add(struct heartbeat *message, const struct fleet_member *member)
{
    if (message->echo_count < HEARTBEAT_ECHOES_MOST)
        message->echoes[message->echo_count++] = (struct heartbeat_echo){member->boot, member->counter};
}

void fleet_table_echo(const struct fleet_table *table, uint32_t to, struct heartbeat *message)
{
    message->echo_count = 0;
    for (size_t i = 0; i < table->count && to != FLEET_NOWHERE; i++)
        if (table->members[i].origin == to)
            echo_add(message, &table->members[i]);
    /* A large fleet's echoes don't fit into one message: begin with others each time. */
    size_t start = table->count > HEARTBEAT_ECHOES_MOST ? table->counter * 16 % table->count : 0;
    for (size_t i = 0; i < table->count && message->echo_count < HEARTBEAT_ECHOES_MOST; i++) {
        const struct fleet_member *m = &table->members[(start + i) % table->count];
        if (to == FLEET_NOWHERE || m->origin != to)
            echo_add(message, m);
    }
}

size_t fleet_table_known(const struct fleet_table *table, struct mono now)
{
    size_t known = 0;
    for (size_t i = 0; i < table->count; i++)
        known += fleet_member_is_fresh(table, &table->members[i], now);
    return known;
}
