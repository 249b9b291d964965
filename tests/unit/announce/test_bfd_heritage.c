/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Two machines talk; one of them goes through text and back, and its peer sees no other session.
 */
#include "announce/bfd_heritage.h"

#include <check.h>
#include <stdlib.h>

#define INTERVAL_US 100000

static struct mono at_ms(int64_t ms)
{
    return mono_add_ms((struct mono){1}, ms);
}

/* What `from` has to say at `now`, if anything, is heard by `to`. True: `to` has lost the session. */
static bool say(struct bfd_fsm *from, struct bfd_fsm *to, struct mono now)
{
    const struct bfd_event timer = {.kind = BFD_EVENT_TIMER, .random = 7};
    struct bfd_actions said = bfd_fsm_step(from, &timer, now);
    bool down = said.down;
    while (said.send) {
        const struct bfd_event packet = {.kind = BFD_EVENT_PACKET, .random = 7, .packet = &said.packet};
        const struct bfd_actions heard = bfd_fsm_step(to, &packet, now);
        down |= heard.down;
        struct bfd_fsm *speaker = from;
        from = to;
        to = speaker;
        said = heard;
    }
    return down;
}

static void begin(struct bfd_fsm *a, struct bfd_fsm *b)
{
    bfd_fsm_init(a, 11, INTERVAL_US, 3, at_ms(0));
    bfd_fsm_init(b, 22, INTERVAL_US, 3, at_ms(0));
    for (int64_t ms = 0; ms < 5000; ms++) {
        (void)say(a, b, at_ms(ms));
        (void)say(b, a, at_ms(ms));
    }
    ck_assert_int_eq(a->state, BFD_UP);
    ck_assert_int_eq(b->state, BFD_UP);
    ck_assert_uint_eq(bfd_fsm_detection_us(b), 3 * INTERVAL_US);
}

START_TEST(the_peer_sees_one_session)
{
    struct bfd_fsm a;
    struct bfd_fsm b;
    struct bfd_fsm heir;
    bool down = false;
    begin(&a, &b);
    json_t *left = bfd_fsm_to_json(&a);
    /* For as long as nobody is there the peer goes on talking, into a socket that stays. */
    ck_assert(bfd_fsm_from_json(&heir, left, at_ms(5150)));
    ck_assert_int_eq(bfd_fsm_deadline(&heir).ns, at_ms(5150).ns);
    for (int64_t ms = 5150; ms < 8000; ms++) {
        down |= say(&heir, &b, at_ms(ms));
        down |= say(&b, &heir, at_ms(ms));
    }
    ck_assert(!down);
    ck_assert_int_eq(heir.state, BFD_UP);
    ck_assert_int_eq(heir.since.ns, a.since.ns);
    ck_assert_uint_eq(b.your_discriminator, 11);
    /* And it finds out when the peer is gone, no sooner and no later than before. */
    int64_t ms = 8000;
    while (heir.state == BFD_UP && ms < 9000)
        (void)bfd_fsm_step(&heir, &(struct bfd_event){.kind = BFD_EVENT_TIMER, .random = 7}, at_ms(++ms));
    ck_assert_int_gt(ms, 8000 + INTERVAL_US / 1000);
    ck_assert_int_le(ms, 8000 + 3 * INTERVAL_US / 1000);
    json_decref(left);
}
END_TEST

static const struct {
    const char *key;
    json_int_t value;
} nonsense[] = {
    {"state", 4},
    {"state", 0},
    {"state", -1},
    {"remote_state", 4},
    {"muted", 2},
    {"my_discriminator", 0},
    {"my_discriminator", (json_int_t)1 << 32},
    {"interval_us", 0},
    {"multiplier", 0},
    {"multiplier", 256},
    {"detect_at", -1},
    {"diagnostic", 32},
    {"tx_us", 0},
    {"remote_rx_us", -5},
};

START_TEST(nonsense_is_no_machine)
{
    struct bfd_fsm a;
    struct bfd_fsm b;
    struct bfd_fsm heir = {.my_discriminator = 5};
    begin(&a, &b);
    json_t *left = bfd_fsm_to_json(&a);
    (void)json_object_set_new(left, nonsense[_i].key, json_integer(nonsense[_i].value));
    ck_assert(!bfd_fsm_from_json(&heir, left, at_ms(6000)));
    (void)json_object_del(left, nonsense[_i].key);
    ck_assert(!bfd_fsm_from_json(&heir, left, at_ms(6000)));
    ck_assert(!bfd_fsm_from_json(&heir, NULL, at_ms(6000)));
    ck_assert_uint_eq(heir.my_discriminator, 5);
    json_decref(left);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bfd_heritage");
    TCase *tests = tcase_create("bfd_heritage");
    tcase_add_test(tests, the_peer_sees_one_session);
    tcase_add_loop_test(tests, nonsense_is_no_machine, 0, (int)(sizeof nonsense / sizeof *nonsense));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
