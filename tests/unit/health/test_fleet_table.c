/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who is known, by messages in any order: echoes prove their age, recordings and repetitions prove nothing.
 */
#include "health/fleet_table.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY 77

static struct fleet_table *table;

static struct mono at_ms(int64_t ms)
{
    return (struct mono){(100000 + ms) * 1000000};
}

static void begin(void)
{
    table = calloc(1, sizeof *table);
    ck_assert_ptr_nonnull(table);
    fleet_table_init(table, "us", 1);
    table->fresh_ms = 1000;
}

static void end(void)
{
    free(table);
}

static bool take(int64_t ms, const char *identity, uint64_t boot, uint32_t counter, uint64_t echo_boot,
                 uint32_t echo, enum heartbeat_state state)
{
    struct heartbeat m = {.boot = boot, .counter = counter, .scope_count = 1, .echo_count = 1};
    (void)snprintf(m.identity, sizeof m.identity, "%s", identity);
    m.scopes[0] = (struct heartbeat_scope){KEY, state};
    m.echoes[0] = (struct heartbeat_echo){echo_boot, echo};
    return fleet_table_take(table, at_ms(ms), &m, FLEET_NOWHERE);
}

static size_t well(int64_t ms, uint32_t since)
{
    return fleet_table_count(table, at_ms(ms), KEY, since).well;
}

START_TEST(an_echo_proves_the_age)
{
    uint32_t sent = fleet_table_send(table, at_ms(0));
    ck_assert(!take(10, "a", 5, 1, 1, 0, HEARTBEAT_WELL));        /* it heard nothing yet */
    ck_assert(!take(10, "a", 5, 2, 9, sent, HEARTBEAT_WELL));     /* of another life of ours */
    ck_assert(!take(10, "a", 5, 3, 1, sent + 1, HEARTBEAT_WELL)); /* what we never sent */
    ck_assert_uint_eq(fleet_table_count(table, at_ms(10), KEY, 0).size, 1);
    ck_assert(take(10, "a", 5, 4, 1, sent, HEARTBEAT_WELL));
    ck_assert_uint_eq(well(10, 0), 1);
    ck_assert_uint_eq(well(1000, 0), 1); /* of when ours was sent, not of when its came */
    ck_assert_uint_eq(well(1001, 0), 0);
    ck_assert_uint_eq(fleet_table_count(table, at_ms(FLEET_MEMORY_MS), KEY, 0).size, 2);
    ck_assert_uint_eq(fleet_table_count(table, at_ms(FLEET_MEMORY_MS + 1), KEY, 0).size, 1);
}
END_TEST

START_TEST(only_answers_to_a_message_count_since_it)
{
    uint32_t first = fleet_table_send(table, at_ms(0));
    uint32_t asked = fleet_table_send(table, at_ms(1));
    ck_assert(take(10, "a", 5, 1, 1, first, HEARTBEAT_WELL));
    ck_assert_uint_eq(well(10, first), 1);
    ck_assert_uint_eq(well(10, asked), 0);
    ck_assert(take(11, "a", 5, 2, 1, asked, HEARTBEAT_WELL));
    ck_assert_uint_eq(well(11, asked), 1);
}
END_TEST

START_TEST(repetitions_and_ours_are_nothing_new)
{
    uint32_t sent = fleet_table_send(table, at_ms(0));
    ck_assert(take(10, "a", 5, 8, 1, sent, HEARTBEAT_WELL));
    ck_assert(!take(11, "a", 5, 8, 1, sent, HEARTBEAT_OUT));
    ck_assert(!take(11, "a", 5, 7, 1, sent, HEARTBEAT_OUT));
    ck_assert(!take(11, "b", 1, 9, 1, sent, HEARTBEAT_OUT));
    ck_assert_uint_eq(well(11, 0), 1);
    ck_assert_uint_eq(table->count, 1);
    ck_assert_int_eq(table->namesake.ns, 0);
    ck_assert(!take(12, "us", 6, 1, 1, sent, HEARTBEAT_WELL)); /* another one with our name */
    ck_assert_int_eq(table->namesake.ns, at_ms(12).ns);
    ck_assert_uint_eq(table->count, 1);
}
END_TEST

/* It starts again and asks; what it said before is played back by somebody, in between. */
START_TEST(a_former_life_does_not_come_back)
{
    uint32_t old = fleet_table_send(table, at_ms(0));
    ck_assert(take(10, "a", 5, 100, 1, old, HEARTBEAT_WELL));
    uint32_t new = fleet_table_send(table, at_ms(200));
    ck_assert(take(210, "a", 6, 1, 1, new, HEARTBEAT_ASKS));
    ck_assert(!take(220, "a", 5, 101, 1, old, HEARTBEAT_WELL));
    ck_assert_uint_eq(well(220, 0), 0);
    ck_assert_uint_eq(fleet_table_count(table, at_ms(220), KEY, 0).asking, 1);
    ck_assert(!take(230, "a", 6, 1, 1, new, HEARTBEAT_WELL)); /* of this life, after one of the former */
    ck_assert_uint_eq(fleet_table_count(table, at_ms(230), KEY, 0).asking, 1);
    ck_assert(take(240, "a", 6, 2, 1, new, HEARTBEAT_OUT));
    ck_assert_uint_eq(fleet_table_count(table, at_ms(240), KEY, 0).asking, 0);
}
END_TEST

START_TEST(who_asks_is_owed_an_answer_once)
{
    ck_assert(!take(10, "a", 5, 1, 0, 0, HEARTBEAT_ASKS));
    ck_assert(table->members[0].owed);
    table->members[0].owed = false;
    (void)take(11, "a", 5, 2, 0, 0, HEARTBEAT_ASKS);
    ck_assert(!table->members[0].owed);
    (void)take(12, "a", 5, 3, 0, 0, HEARTBEAT_ILL);
    (void)take(13, "a", 5, 4, 0, 0, HEARTBEAT_ASKS);
    ck_assert(table->members[0].owed);
}
END_TEST

START_TEST(a_full_table_keeps_the_living)
{
    char identity[16];
    for (uint32_t i = 0; i < FLEET_MEMBERS_MOST + 10; i++) {
        (void)snprintf(identity, sizeof identity, "pop%u", i);
        (void)take(i, identity, 1000 + i, 1, 0, 0, HEARTBEAT_WELL);
    }
    ck_assert_uint_eq(table->count, FLEET_MEMBERS_MOST);
    ck_assert_str_eq(table->members[0].identity, "pop0");
    (void)take(FLEET_MEMORY_MS + 1, "late", 9, 1, 0, 0, HEARTBEAT_WELL); /* in the place of the first */
    ck_assert_str_eq(table->members[0].identity, "late");
}
END_TEST

/* In a large fleet each is echoed in its turn; whoever lives at the address that is sent to, always. */
START_TEST(all_are_echoed_in_turn)
{
    char identity[16];
    bool echoed[100] = {false};
    struct heartbeat m = {.counter = 1, .scope_count = 0};
    for (uint32_t i = 0; i < 100; i++) {
        (void)snprintf(identity, sizeof identity, "pop%u", i);
        memcpy(m.identity, identity, sizeof identity);
        m.boot = 1000 + i;
        (void)fleet_table_take(table, at_ms(0), &m, i);
    }
    for (int round = 0; round < 40; round++) {
        struct heartbeat to = {0};
        (void)fleet_table_send(table, at_ms(round));
        fleet_table_echo(table, 42, &to);
        ck_assert_uint_eq(to.echo_count, HEARTBEAT_ECHOES_MOST);
        ck_assert_uint_eq(to.echoes[0].boot, 1042);
        for (size_t i = 0; i < to.echo_count; i++)
            echoed[to.echoes[i].boot - 1000] = true;
    }
    for (int i = 0; i < 100; i++)
        ck_assert_msg(echoed[i], "%d", i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health/fleet_table");
    TCase *tests = tcase_create("fleet_table");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, an_echo_proves_the_age);
    tcase_add_test(tests, only_answers_to_a_message_count_since_it);
    tcase_add_test(tests, repetitions_and_ours_are_nothing_new);
    tcase_add_test(tests, a_former_life_does_not_come_back);
    tcase_add_test(tests, who_asks_is_owed_an_answer_once);
    tcase_add_test(tests, a_full_table_keeps_the_living);
    tcase_add_test(tests, all_are_echoed_in_turn);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
