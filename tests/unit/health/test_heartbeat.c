/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Heartbeats: what is written is read, what was changed on the way isn't, and keys change without a gap.
 */
#include "health/heartbeat.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static struct heartbeat_keys keys_of(const char *letters)
{
    struct heartbeat_keys keys = {.count = (uint8_t)strlen(letters)};
    for (size_t i = 0; i < keys.count; i++)
        memset(keys.octets[i], letters[i], sizeof keys.octets[i]);
    return keys;
}

static struct heartbeat message_of(size_t identity_octets, uint8_t scopes, uint8_t echoes)
{
    struct heartbeat m = {
        .boot = 0x0123456789abcdef, .counter = 7, .zone_count = 70000, .known = 300, .by_choice = echoes > 0};
    memset(m.identity, 'p', identity_octets);
    memset(m.zones_digest, 9, sizeof m.zones_digest);
    m.scope_count = scopes;
    m.echo_count = echoes;
    for (uint8_t i = 0; i < scopes; i++)
        m.scopes[i] = (struct heartbeat_scope){UINT64_MAX - i, (enum heartbeat_state)(i % HEARTBEAT_STATES)};
    for (uint8_t i = 0; i < echoes; i++)
        m.echoes[i] = (struct heartbeat_echo){1000U + i, 50U + i};
    return m;
}

static size_t write(uint8_t bytes[HEARTBEAT_OCTETS], const struct heartbeat *m, const char *letters)
{
    struct heartbeat_keys keys = keys_of(letters);
    struct writer to = writer_to(bytes, HEARTBEAT_OCTETS);
    heartbeat_write(&to, m, &keys);
    ck_assert(!to.failed);
    return writer_offset(&to);
}

static bool reads(struct heartbeat *m, const uint8_t *bytes, size_t octets, const char *letters)
{
    struct heartbeat_keys keys = keys_of(letters);
    return heartbeat_read(m, bytes, octets, &keys);
}

static const struct {
    size_t identity;
    uint8_t scopes;
    uint8_t echoes;
    uint8_t echoes_read;
} shapes[] = {{1, 0, 0, 0}, {7, 2, 3, 3}, {7, 2, 32, 32}, {255, 64, 32, 26}, {1, 64, 32, 32}};

START_TEST(what_is_written_is_read)
{
    uint8_t bytes[HEARTBEAT_OCTETS];
    struct heartbeat m = message_of(shapes[_i].identity, shapes[_i].scopes, shapes[_i].echoes);
    struct heartbeat got;
    memset(&got, 0xff, sizeof got);
    size_t octets = write(bytes, &m, "a");
    ck_assert(reads(&got, bytes, octets, "a"));
    ck_assert_uint_eq(got.boot, m.boot);
    ck_assert_uint_eq(got.counter, m.counter);
    ck_assert_str_eq(got.identity, m.identity);
    ck_assert_mem_eq(got.zones_digest, m.zones_digest, sizeof m.zones_digest);
    ck_assert_uint_eq(got.zone_count, 70000);
    ck_assert_uint_eq(got.known, 300);
    ck_assert_int_eq(got.by_choice, m.by_choice);
    ck_assert_uint_eq(got.scope_count, m.scope_count);
    ck_assert_uint_eq(got.echo_count, shapes[_i].echoes_read);
    for (size_t i = 0; i < got.scope_count; i++) {
        ck_assert_uint_eq(got.scopes[i].key, m.scopes[i].key);
        ck_assert_uint_eq(got.scopes[i].state, m.scopes[i].state);
    }
    for (size_t i = 0; i < got.echo_count; i++) {
        ck_assert_uint_eq(got.echoes[i].boot, m.echoes[i].boot);
        ck_assert_uint_eq(got.echoes[i].counter, m.echoes[i].counter);
    }
}
END_TEST

START_TEST(no_bit_may_change_and_no_octet_may_lack)
{
    uint8_t bytes[HEARTBEAT_OCTETS];
    struct heartbeat m = message_of(7, 2, 3);
    struct heartbeat got;
    size_t octets = write(bytes, &m, "a");
    for (size_t i = 0; i < octets; i++) {
        bytes[i] ^= 0x10;
        ck_assert(!reads(&got, bytes, octets, "a"));
        bytes[i] ^= 0x10;
        ck_assert(!reads(&got, bytes, i, "a"));
    }
    ck_assert(reads(&got, bytes, octets, "a"));
}
END_TEST

/* A new key is staged behind the active one, takes its place, and the old one goes: read at each step. */
START_TEST(keys_change_without_a_gap)
{
    static const char *const steps[] = {"a", "ab", "ba", "b"};
    uint8_t bytes[HEARTBEAT_OCTETS];
    struct heartbeat m = message_of(7, 1, 1);
    struct heartbeat got;
    for (int from = 0; from < 4; from++) {
        size_t octets = write(bytes, &m, steps[from]);
        for (int to = 0; to < 4; to++)
            ck_assert_int_eq(reads(&got, bytes, octets, steps[to]),
                             strchr(steps[to], steps[from][0]) != NULL);
        ck_assert(!reads(&got, bytes, octets, "c"));
        ck_assert(!reads(&got, bytes, octets, ""));
    }
}
END_TEST

/* Signed well, and nonsense: by somebody who has the key and another version of this program. */
static void sign(uint8_t *bytes, size_t octets)
{
    struct heartbeat_keys keys = keys_of("a");
    (void)crypto_generichash(bytes + octets - 16, 16, bytes, octets - 16, keys.octets[0],
                             HEARTBEAT_KEY_OCTETS);
}

#define AT_VERSION  2
#define AT_IDENTITY 16 /* its length; one octet of it follows */
#define AT_SCOPES   (AT_IDENTITY + 2 + 16 + 4 + 2)
#define AT_STATE    (AT_SCOPES + 9)
#define AT_ECHOES   (AT_SCOPES + 10)

static const struct {
    size_t at;
    uint8_t value;
} wrongs[] = {
    {0, 'X'},
    {AT_VERSION, 2},
    {AT_IDENTITY, 0},
    {AT_IDENTITY, 200},
    {AT_IDENTITY + 1, '\n'},
    {AT_IDENTITY + 1, 0x80},
    {AT_SCOPES, 65},
    {AT_SCOPES, 2},
    {AT_SCOPES, 0},
    {AT_STATE, HEARTBEAT_STATES},
    {AT_ECHOES, 33},
    {AT_ECHOES, 0},
    {AT_ECHOES, 2},
};

START_TEST(signed_nonsense_is_refused)
{
    uint8_t bytes[HEARTBEAT_OCTETS];
    struct heartbeat m = message_of(1, 1, 1);
    struct heartbeat got;
    size_t octets = write(bytes, &m, "a");
    sign(bytes, octets);
    ck_assert(reads(&got, bytes, octets, "a"));
    bytes[wrongs[_i].at] = wrongs[_i].value;
    sign(bytes, octets);
    ck_assert(!reads(&got, bytes, octets, "a"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health/heartbeat");
    TCase *tests = tcase_create("heartbeat");
    tcase_add_loop_test(tests, what_is_written_is_read, 0, sizeof shapes / sizeof *shapes);
    tcase_add_test(tests, no_bit_may_change_and_no_octet_may_lack);
    tcase_add_test(tests, keys_change_without_a_gap);
    tcase_add_loop_test(tests, signed_nonsense_is_refused, 0, sizeof wrongs / sizeof *wrongs);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
