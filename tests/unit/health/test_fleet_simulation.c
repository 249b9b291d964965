/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whole fleets in virtual time: PoPs that fail or are drained, alone and all at once, on networks that lose,
 * delay and part. What must hold whatever the network does: no more than a third (of two, one) are out, for
 * health or drained, and whoever goes leaves `min-announcers` others behind that it can reach; and what is
 * worth having when it behaves: who is ill alone goes, and soon.
 */
#include "base/log.h"
#include "health/fleet.h"

#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POPS_MOST   200
#define STEP_MS     5
#define MAIL_OCTETS HEARTBEAT_OCTETS

struct mail {
    struct mail *next;
    struct mono at;
    uint16_t from;
    uint16_t to;
    uint16_t octets;
    uint8_t bytes[];
};

#define SLOTS 512 /* of the calendar: STEP_MS each */

struct world {
    size_t count;
    struct fleet *pops[POPS_MOST];
    enum verdict verdicts[POPS_MOST];
    int side[POPS_MOST]; /* PoPs on other sides can't be reached; below 0: dead */
    unsigned changes[POPS_MOST];
    enum fleet_decision decisions[POPS_MOST];
    bool deaf[POPS_MOST]; /* sends, and hears nothing */
    bool drained[POPS_MOST];
    unsigned refused[POPS_MOST]; /* drains */
    struct mono parted; /* when somebody was cut off or died last: what was heard before may have counted */
    struct settings_fleet settings;
    struct settings_announce announce;
    struct mono now;
    unsigned loss_percent;
    unsigned delay_ms; /* the least; up to twice of it */
    uint64_t random;
    struct mail *calendar[SLOTS];
    size_t may_be_out;
};

static unsigned dice(struct world *w, unsigned sides)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (unsigned)(w->random >> 33) % sides;
}

static struct world *world_of(size_t count, size_t min_announcers, uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    ck_assert_ptr_nonnull(w);
    w->count = count;
    w->random = seed * 0x9e3779b97f4a7c15U + 1;
    w->now.ns = 1000000000;
    w->delay_ms = 10;
    w->settings = (struct settings_fleet){
        .enabled = true, .peer_count = count, .interval_ms = 200, .min_announcers = (unsigned)min_announcers};
    w->settings.keys.count = 1;
    w->announce.prefix_count = 1;
    w->announce.prefixes[0] =
        (struct settings_prefix){.family = AF_INET, .bits = 24, .octets = {203, 0, 113}};
    w->may_be_out = count < 6 ? 1 : count / 3;
    for (size_t i = 0; i < count; i++) {
        char identity[16];
        (void)snprintf(identity, sizeof identity, "pop%zu", i);
        w->pops[i] = fleet_new(identity, 1000 + i);
        fleet_configure(w->pops[i], w->now, &w->settings, &w->announce);
        fleet_set_heard(w->pops[i], 0, true);
        w->verdicts[i] = VERDICT_GOOD;
    }
    return w;
}

static void world_end(struct world *w)
{
    for (size_t i = 0; i < w->count; i++)
        fleet_free(w->pops[i]);
    for (size_t i = 0; i < SLOTS; i++)
        while (w->calendar[i] != NULL) {
            struct mail *mail = w->calendar[i];
            w->calendar[i] = mail->next;
            free(mail);
        }
    free(w);
}

static void post(struct world *w, size_t from, size_t to, const uint8_t *bytes, size_t octets)
{
    if (w->side[from] != w->side[to] || w->deaf[to] || dice(w, 100) < w->loss_percent)
        return;
    unsigned ms = w->delay_ms + dice(w, w->delay_ms + 1);
    struct mail *mail = malloc(sizeof *mail + octets);
    ck_assert_ptr_nonnull(mail);
    mail->at = mono_add_ms(w->now, ms);
    mail->from = (uint16_t)from;
    mail->to = (uint16_t)to;
    mail->octets = (uint16_t)octets;
    memcpy(mail->bytes, bytes, octets);
    size_t slot = (size_t)(mail->at.ns / (STEP_MS * 1000000)) % SLOTS;
    mail->next = w->calendar[slot];
    w->calendar[slot] = mail;
}

static void pop_sends(struct world *w, size_t i)
{
    enum fleet_send send = fleet_begin(w->pops[i], w->now);
    for (size_t to = 0; to < w->count && send != FLEET_SEND_NOTHING; to++) {
        uint8_t bytes[MAIL_OCTETS];
        struct writer writer = writer_to(bytes, sizeof bytes);
        if (send == FLEET_SEND_ANSWERS && !fleet_owes(w->pops[i], (uint32_t)to))
            continue;
        fleet_write(w->pops[i], w->now, (uint32_t)to, &writer);
        ck_assert(!writer.failed);
        post(w, i, to, bytes, writer_offset(&writer));
    }
    if (send != FLEET_SEND_NOTHING)
        fleet_end(w->pops[i]);
}

static void deliver(struct world *w)
{
    size_t slot = (size_t)(w->now.ns / (STEP_MS * 1000000)) % SLOTS;
    struct mail *mail = w->calendar[slot];
    w->calendar[slot] = NULL;
    while (mail != NULL) {
        struct mail *next = mail->next;
        if (w->side[mail->to] >= 0)
            (void)fleet_take(w->pops[mail->to], w->now, mail->bytes, mail->octets, mail->from);
        free(mail);
        mail = next;
    }
}

static bool is_out(const struct world *w, size_t i)
{
    return w->drained[i] || fleet_decision_of(w->pops[i], 0) == FLEET_OUT;
}

static size_t world_out(const struct world *w)
{
    size_t out = 0;
    for (size_t i = 0; i < w->count; i++)
        out += w->side[i] >= 0 && is_out(w, i);
    return out;
}

static size_t world_refused(const struct world *w)
{
    size_t refused = 0;
    for (size_t i = 0; i < w->count; i++)
        refused += w->refused[i];
    return refused;
}

/* PoP `i` has gone: who is left of those that it can reach? */
static void world_check_left(const struct world *w, size_t i)
{
    size_t left = 0;
    for (size_t j = 0; j < w->count; j++)
        left += j != i && w->side[j] == w->side[i] && !is_out(w, j);
    if (mono_ms_between(w->parted, w->now) > w->settings.interval_ms * 8)
        ck_assert_msg(left >= w->settings.min_announcers, "pop%zu left %zu behind", i, left);
}

static void drain(struct world *w, size_t i)
{
    if (!w->drained[i] && fleet_wish_of(w->pops[i]) == FLEET_WISH_NONE)
        (void)fleet_wish_drain(w->pops[i], w->now);
}

static void resume(struct world *w, size_t i)
{
    w->drained[i] = false;
    fleet_set_leaving(w->pops[i], false);
}

/* As hitherd does: it goes when it may, and tells the operator when it may not. */
static void pop_settles(struct world *w, size_t i)
{
    enum fleet_wish wish = fleet_wish_of(w->pops[i]);
    if (wish != FLEET_WISH_GRANTED && wish != FLEET_WISH_REFUSED)
        return;
    bool was = is_out(w, i);
    w->drained[i] = wish == FLEET_WISH_GRANTED;
    w->refused[i] += wish == FLEET_WISH_REFUSED;
    fleet_wish_end(w->pops[i]);
    fleet_set_leaving(w->pops[i], w->drained[i]);
    if (!was && w->drained[i])
        world_check_left(w, i);
}

static void world_check(struct world *w)
{
    size_t out = world_out(w);
    ck_assert_msg(out <= w->may_be_out, "%zu of %zu are out", out, w->count);
    for (size_t i = 0; i < w->count; i++) {
        enum fleet_decision is = fleet_decision_of(w->pops[i], 0);
        w->changes[i] += (is == FLEET_OUT) != (w->decisions[i] == FLEET_OUT);
        if (is == FLEET_OUT && w->decisions[i] != FLEET_OUT && w->side[i] >= 0)
            world_check_left(w, i);
        w->decisions[i] = is;
    }
}

static void world_step(struct world *w)
{
    w->now = mono_add_ms(w->now, STEP_MS);
    deliver(w);
    for (size_t i = 0; i < w->count; i++) {
        struct verdict_report report = {.overall = w->verdicts[i], .count = 1};
        if (w->side[i] < 0)
            continue;
        report.prefixes[0] = (struct verdict_of_prefix){AF_INET, 24, {203, 0, 113}, w->verdicts[i]};
        (void)fleet_set_verdicts(w->pops[i], w->now, &report);
        pop_settles(w, i);
        pop_sends(w, i);
    }
    world_check(w);
}

static void world_run(struct world *w, int64_t ms)
{
    for (int64_t t = 0; t < ms; t += STEP_MS)
        world_step(w);
}

/* Until PoP `i` is out; the time it took, or -1 after `most_ms`. */
static int64_t world_run_until_out(struct world *w, size_t i, int64_t most_ms)
{
    for (int64_t t = 0; t < most_ms; t += STEP_MS) {
        if (fleet_decision_of(w->pops[i], 0) == FLEET_OUT)
            return t;
        world_step(w);
    }
    return -1;
}

static enum verdict guarded(struct world *w, size_t i)
{
    struct verdict_report report = {.overall = w->verdicts[i], .count = 1};
    report.prefixes[0] = (struct verdict_of_prefix){AF_INET, 24, {203, 0, 113}, w->verdicts[i]};
    return fleet_guard(w->pops[i], &report).prefixes[0].verdict;
}

static const size_t sizes[] = {2, 3, 4, 5, 6, 9, 30};

START_TEST(who_is_ill_alone_goes_and_comes_back)
{
    struct world *w = world_of(sizes[_i], 1, 1 + (uint64_t)_i);
    world_run(w, 2000);
    w->verdicts[1] = VERDICT_BAD;
    int64_t took_ms = world_run_until_out(w, 1, 2000);
    ck_assert_int_ge(took_ms, 2 * w->delay_ms - STEP_MS);
    ck_assert_int_le(took_ms, 100);
    ck_assert_int_eq(guarded(w, 1), VERDICT_BAD);
    world_run(w, 5000);
    ck_assert_uint_eq(world_out(w), 1);
    w->verdicts[1] = VERDICT_GOOD;
    world_step(w);
    ck_assert_uint_eq(world_out(w), 0);
    ck_assert_int_eq(guarded(w, 1), VERDICT_GOOD);
    world_end(w);
}
END_TEST

/* A server that has died is given a moment to come back; meanwhile the others are asked. */
START_TEST(doubt_asks_beforehand)
{
    struct world *w = world_of(sizes[_i], 1, 50 + (uint64_t)_i);
    world_run(w, 2000);
    fleet_set_doubt(w->pops[1], true);
    world_run(w, 50);
    ck_assert_int_eq(fleet_decision_of(w->pops[1], 0), FLEET_ASKS);
    ck_assert_int_eq(guarded(w, 1), VERDICT_GOOD);
    fleet_set_doubt(w->pops[1], false); /* it is back in time */
    world_run(w, 2000);
    ck_assert_int_eq(fleet_decision_of(w->pops[1], 0), FLEET_IN);
    fleet_set_doubt(w->pops[1], true);
    world_run(w, 50);
    w->verdicts[1] = VERDICT_BAD;
    world_step(w);
    ck_assert_int_eq(guarded(w, 1), VERDICT_BAD);
    world_end(w);
}
END_TEST

START_TEST(a_common_cause_takes_nobody_away)
{
    struct world *w = world_of(sizes[_i], 1, 100 + (uint64_t)_i);
    world_run(w, 2000);
    for (size_t i = 0; i < w->count; i++)
        w->verdicts[i] = VERDICT_BAD;
    world_run(w, 10000);
    ck_assert_uint_eq(world_out(w), 0);
    for (size_t i = 0; i < w->count; i++) {
        ck_assert_int_eq(guarded(w, i), VERDICT_DEGRADED);
        ck_assert_ptr_nonnull(fleet_why(w->pops[i]));
    }
    world_end(w);
}
END_TEST

/* Each at its own moment within a second, in an order by chance, over a network that loses one in ten. */
START_TEST(a_creeping_cause_takes_a_third_at_most)
{
    struct world *w = world_of(sizes[_i], 1, 200 + (uint64_t)_i);
    w->loss_percent = 10;
    world_run(w, 2000);
    for (size_t left = w->count; left > 0; left--) {
        size_t i = dice(w, (unsigned)w->count);
        while (w->verdicts[i] == VERDICT_BAD)
            i = (i + 1) % w->count;
        w->verdicts[i] = VERDICT_BAD;
        world_run(w, dice(w, 200) + 1);
    }
    world_run(w, 10000);
    ck_assert_uint_eq(world_out(w), 0); /* nobody is well: nobody could take over */
    for (size_t i = 0; i < w->count; i++)
        w->verdicts[i] = VERDICT_GOOD;
    world_run(w, 3000);
    for (size_t i = 0; i < w->count; i++)
        ck_assert_int_eq(guarded(w, i), VERDICT_GOOD);
    world_end(w);
}
END_TEST

/* Four of nine at the same moment: three go, the fourth stays, and takes the place of one that recovers. */
START_TEST(of_too_many_a_third_goes)
{
    struct world *w = world_of(9, 1, 300 + (uint64_t)_i);
    world_run(w, 2000);
    for (size_t i = 0; i < 4; i++)
        w->verdicts[i] = VERDICT_BAD;
    world_run(w, 1000);
    ck_assert_uint_eq(world_out(w), 3);
    for (size_t i = 0; i < 4; i++)
        if (fleet_decision_of(w->pops[i], 0) == FLEET_OUT) {
            w->verdicts[i] = VERDICT_GOOD;
            break;
        }
    world_run(w, 3000);
    ck_assert_uint_eq(world_out(w), 3);
    world_end(w);
}
END_TEST

START_TEST(who_is_cut_off_stays_and_healing_lets_it_go)
{
    struct world *w = world_of(5, 2, 400 + (uint64_t)_i);
    world_run(w, 2000);
    w->side[2] = 1;
    world_run(w, 3000);
    w->verdicts[2] = VERDICT_BAD;
    world_run(w, 20000);
    ck_assert_int_eq(guarded(w, 2), VERDICT_DEGRADED);
    w->side[2] = 0;
    ck_assert_int_ge(world_run_until_out(w, 2, 5000), 0);
    w->side[2] = 1; /* what allowed it isn't known any more */
    world_run(w, 3000);
    ck_assert_int_eq(guarded(w, 2), VERDICT_DEGRADED);
    world_end(w);
}
END_TEST

/* A PoP that hears the others, and isn't heard by one of them, or the other way round. */
START_TEST(one_way_losses_only_make_it_stay)
{
    struct world *w = world_of(3, 1, 500 + (uint64_t)_i);
    world_run(w, 2000);
    w->deaf[1] = true;
    world_run(w, 3000);
    w->verdicts[0] = VERDICT_BAD;
    world_run(w, 5000);
    ck_assert_int_eq(guarded(w, 0), VERDICT_DEGRADED); /* PoP 1 doesn't know that it would be one of two */
    world_end(w);
}
END_TEST

START_TEST(too_few_announcers_are_not_left)
{
    struct world *w = world_of(9, 8, 600);
    world_run(w, 2000);
    w->verdicts[0] = w->verdicts[1] = VERDICT_BAD;
    world_run(w, 5000);
    ck_assert_uint_eq(world_out(w), 0);
    w->verdicts[1] = VERDICT_GOOD;
    world_run(w, 5000);
    ck_assert_uint_eq(world_out(w), 1);
    world_end(w);
}
END_TEST

START_TEST(the_dead_count_as_gone)
{
    struct world *w = world_of(3, 1, 700);
    world_run(w, 2000);
    w->side[2] = -1;
    world_run(w, 3000);
    w->verdicts[0] = VERDICT_BAD;
    world_run(w, 5000);
    ck_assert_uint_eq(world_out(w), 0);
    world_end(w);
}
END_TEST

/* Everything at random for a while: loss up to a half, delays, sides, deafness, deaths, verdicts. */
START_TEST(no_chaos_breaks_the_third)
{
    struct world *w = world_of(3 + (size_t)_i % 10, 1 + (size_t)_i % 2, 800 + (uint64_t)_i);
    size_t drained = 0;
    size_t outs = 0;
    for (int i = 0; i < 250; i++) {
        size_t pop = dice(w, (unsigned)w->count);
        switch (dice(w, 10)) {
        case 0:
            w->loss_percent = dice(w, 50);
            break;
        case 1:
            w->delay_ms = 1 + dice(w, 300);
            break;
        case 2:
            w->side[pop] = (int)dice(w, 2);
            w->parted = w->now;
            break;
        case 3:
            w->deaf[pop] = dice(w, 3) == 0;
            break;
        case 4:
            memset(w->side, 0, sizeof w->side);
            memset(w->deaf, 0, sizeof w->deaf);
            w->loss_percent = 0;
            w->delay_ms = 10;
            w->parted = w->now;
            break;
        case 5: /* all over, at the same moment */
            for (size_t k = 0; k < w->count; k++)
                drain(w, k);
            break;
        case 6:
            drain(w, pop);
            drain(w, (pop + 1) % w->count);
            break;
        case 7:
            for (size_t k = 0; k < w->count; k++)
                if (dice(w, 2) == 0)
                    resume(w, k);
            break;
        default:
            w->verdicts[pop] = dice(w, 2) == 0 ? VERDICT_BAD : VERDICT_GOOD;
        }
        world_run(w, 10 + dice(w, 400));
        outs += world_out(w);
        for (size_t k = 0; k < w->count; k++)
            drained += w->drained[k];
    }
    ck_assert_uint_gt(outs, 0); /* else nothing was tested */
    ck_assert_uint_gt(drained, 0);
    ck_assert_uint_gt(world_refused(w), 0);
    world_end(w);
}
END_TEST

/* A bad link for an hour: who is ill doesn't come and go with each message that is lost. Pauses of 2 s, 4 s
 * and so on up to ten minutes leave room for 14 times in an hour. */
START_TEST(no_storm_of_flaps)
{
    struct world *w = world_of(3, 1, 900);
    w->loss_percent = 45;
    w->verdicts[0] = VERDICT_GOOD;
    world_run(w, 2000);
    w->verdicts[0] = VERDICT_BAD;
    world_run(w, 3600000);
    ck_assert_uint_le(w->changes[0], 2 * 14);
    ck_assert_uint_gt(w->changes[0], 2);
    world_end(w);
}
END_TEST

START_TEST(two_hundred_pops)
{
    struct world *w = world_of(200, 2, 1000);
    size_t most = 0;
    w->settings.interval_ms = 500;
    for (size_t i = 0; i < w->count; i++)
        fleet_configure(w->pops[i], w->now, &w->settings, &w->announce);
    w->delay_ms = 60;
    w->loss_percent = 2;
    world_run(w, 1500);
    w->verdicts[7] = VERDICT_BAD;
    ck_assert_int_ge(world_run_until_out(w, 7, 2000), 0);
    for (size_t i = 0; i < 100; i++)
        w->verdicts[i] = VERDICT_BAD;
    for (int i = 0; i < 20; i++) {
        world_run(w, 100);
        most = world_out(w) > most ? world_out(w) : most;
    }
    ck_assert_uint_gt(most, 40);
    world_end(w);
}
END_TEST

/* What was recorded once proves nothing later: not in the same life, and not after a restart. */
START_TEST(recordings_prove_nothing)
{
    struct world *w = world_of(3, 1, 1100);
    uint8_t recorded[2][MAIL_OCTETS];
    size_t octets[2];
    world_run(w, 2000);
    for (size_t i = 1; i < 3; i++) {
        struct writer writer = writer_to(recorded[i - 1], MAIL_OCTETS);
        world_run(w, 200);
        (void)fleet_begin(w->pops[i], mono_add_ms(w->now, 1000));
        fleet_write(w->pops[i], w->now, 0, &writer);
        octets[i - 1] = writer_offset(&writer);
    }
    w->side[1] = w->side[2] = 1;
    world_run(w, 1000);
    w->verdicts[0] = VERDICT_BAD;
    for (int i = 0; i < 500; i++) {
        for (uint32_t k = 0; k < 2; k++)
            (void)fleet_take(w->pops[0], w->now, recorded[k], octets[k], k + 1);
        world_run(w, 10);
        if (i > 100)
            ck_assert_int_eq(guarded(w, 0), VERDICT_DEGRADED);
    }
    fleet_free(w->pops[0]);
    w->pops[0] = fleet_new("pop0", 99);
    fleet_configure(w->pops[0], w->now, &w->settings, &w->announce);
    fleet_set_heard(w->pops[0], 0, true);
    w->verdicts[0] = VERDICT_GOOD;
    world_run(w, 100);
    w->verdicts[0] = VERDICT_BAD;
    for (int i = 0; i < 100; i++) {
        for (uint32_t k = 0; k < 2; k++)
            (void)fleet_take(w->pops[0], w->now, recorded[k], octets[k], k + 1);
        world_run(w, 10);
        ck_assert_int_eq(guarded(w, 0), VERDICT_DEGRADED);
    }
    world_end(w);
}
END_TEST

START_TEST(a_drain_asks_the_same)
{
    struct world *w = world_of(3, 1, 1200);
    ck_assert_int_eq(fleet_wish_drain(w->pops[0], w->now), FLEET_WISH_REFUSED); /* nobody was heard yet */
    world_run(w, 2000);
    drain(w, 0);
    world_run(w, 100);
    ck_assert(w->drained[0]);
    world_run(w, 200);
    ck_assert_int_eq(fleet_wish_drain(w->pops[1], w->now), FLEET_WISH_REFUSED);
    ck_assert_ptr_nonnull(strstr(fleet_wish_why(w->pops[1]), "pop0 has gone"));
    w->verdicts[1] = VERDICT_BAD;
    world_run(w, 2000);
    ck_assert_int_eq(guarded(w, 1), VERDICT_DEGRADED);
    resume(w, 0);
    ck_assert_int_ge(world_run_until_out(w, 1, 5000), 0);
    world_end(w);
}
END_TEST

/* Everywhere at the same moment: as many go as may, at once, and the others are told. A drain changes nothing
 * for the route before it is granted. */
START_TEST(of_all_drains_a_third_goes)
{
    struct world *w = world_of(sizes[_i], 1, 1400 + (uint64_t)_i);
    world_run(w, 2000);
    for (size_t i = 0; i < w->count; i++) {
        drain(w, i);
        ck_assert_int_eq(fleet_wish_of(w->pops[i]), FLEET_WISH_ASKS);
        ck_assert_int_eq(guarded(w, i), VERDICT_GOOD);
    }
    world_run(w, 900); /* before anybody gives up */
    ck_assert_uint_eq(world_out(w), w->may_be_out);
    ck_assert_uint_eq(world_refused(w), w->count - w->may_be_out);
    for (size_t i = 0; i < w->count; i++)
        if (!w->drained[i])
            ck_assert_int_eq(guarded(w, i), VERDICT_GOOD);
    world_end(w);
}
END_TEST

/* Whichever of the two comes first in the order: the ill one goes, and the operator hears in whose favour. */
START_TEST(a_drain_yields_to_the_ill)
{
    struct world *w = world_of(3, 1, 1500);
    size_t ill = (size_t)_i;
    size_t well = (ill + 1) % 3;
    char rival[16];
    (void)snprintf(rival, sizeof rival, "yields to pop%zu,", ill);
    world_run(w, 2000);
    w->verdicts[ill] = VERDICT_BAD;
    drain(w, well);
    ck_assert_int_le(world_run_until_out(w, ill, 1000), 100);
    ck_assert(!w->drained[well]);
    ck_assert_uint_eq(w->refused[well], 1);
    ck_assert_msg(strstr(fleet_wish_why(w->pops[well]), rival) != NULL, "%s", fleet_wish_why(w->pops[well]));
    world_end(w);
}
END_TEST

/* Who is out already isn't called back by the wish of the last one that is well. */
START_TEST(a_refused_drain_brings_nobody_back)
{
    struct world *w = world_of(2, 1, 1600);
    world_run(w, 2000);
    w->verdicts[0] = VERDICT_BAD;
    world_run(w, 1000);
    ck_assert_uint_eq(world_out(w), 1);
    unsigned changes = w->changes[0];
    drain(w, 1);
    world_run(w, 2000);
    ck_assert_uint_eq(w->refused[1], 1);
    ck_assert_uint_eq(w->changes[0], changes);
    world_end(w);
}
END_TEST

/* No answer comes: it stays, and the operator is told within a second or so, and may ask again at once. */
START_TEST(an_unheard_drain_stays)
{
    struct world *w = world_of(3, 1, 1700);
    world_run(w, 2000);
    w->loss_percent = 100;
    drain(w, 0);
    world_run(w, 1500);
    ck_assert_uint_eq(w->refused[0], 1);
    w->loss_percent = 0;
    world_run(w, 500);
    drain(w, 0);
    world_run(w, 200);
    ck_assert(w->drained[0]);
    world_end(w);
}
END_TEST

/* Two hundred, half of them ill and half of them drained in the same instant, over a lossy network. */
START_TEST(two_hundred_go_at_once)
{
    struct world *w = world_of(200, 130, 1800);
    w->delay_ms = 60;
    w->loss_percent = 2;
    world_run(w, 1500);
    for (size_t i = 0; i < w->count; i++) {
        if (i % 2 == 0)
            w->verdicts[i] = VERDICT_BAD;
        else
            drain(w, i);
    }
    world_run(w, 1500);
    ck_assert_uint_eq(world_refused(w), 100);
    for (size_t i = 0; i < w->count; i++)
        w->verdicts[i] = VERDICT_GOOD;
    world_run(w, 1000);
    for (size_t i = 0; i < w->count; i++)
        drain(w, i);
    world_run(w, 2000);
    ck_assert_uint_gt(world_out(w), 30);
    ck_assert_uint_le(world_out(w), 66);
    world_end(w);
}
END_TEST

/* It was never announced: the guard doesn't make it so. */
START_TEST(who_never_was_well_is_not_announced)
{
    struct world *w = world_of(3, 1, 1300);
    w->verdicts[0] = VERDICT_NONE;
    world_run(w, 1000);
    w->verdicts[0] = VERDICT_BAD;
    world_run(w, 1000);
    ck_assert_int_eq(guarded(w, 0), VERDICT_BAD);
    ck_assert_int_eq(fleet_decision_of(w->pops[0], 0), FLEET_IN);
    world_end(w);
}
END_TEST

int main(void)
{
    log_open("test", LOG_LEVEL_ERROR);
    const int all = sizeof sizes / sizeof *sizes;
    TCase *fleets = tcase_create("fleets");
    tcase_set_timeout(fleets, 100);
    tcase_add_loop_test(fleets, who_is_ill_alone_goes_and_comes_back, 0, all);
    tcase_add_loop_test(fleets, doubt_asks_beforehand, 0, all);
    tcase_add_loop_test(fleets, a_common_cause_takes_nobody_away, 0, all);
    tcase_add_loop_test(fleets, a_creeping_cause_takes_a_third_at_most, 0, all);
    tcase_add_loop_test(fleets, of_too_many_a_third_goes, 0, 5);
    tcase_add_loop_test(fleets, who_is_cut_off_stays_and_healing_lets_it_go, 0, 3);
    tcase_add_test(fleets, one_way_losses_only_make_it_stay);
    tcase_add_test(fleets, too_few_announcers_are_not_left);
    tcase_add_test(fleets, the_dead_count_as_gone);
    tcase_add_loop_test(fleets, no_chaos_breaks_the_third, 0, 40);
    tcase_add_test(fleets, no_storm_of_flaps);
    tcase_add_test(fleets, two_hundred_pops);
    tcase_add_test(fleets, recordings_prove_nothing);
    tcase_add_test(fleets, a_drain_asks_the_same);
    tcase_add_loop_test(fleets, of_all_drains_a_third_goes, 0, all);
    tcase_add_loop_test(fleets, a_drain_yields_to_the_ill, 0, 3);
    tcase_add_test(fleets, a_refused_drain_brings_nobody_back);
    tcase_add_test(fleets, an_unheard_drain_stays);
    tcase_add_test(fleets, two_hundred_go_at_once);
    tcase_add_test(fleets, who_never_was_well_is_not_announced);
    Suite *suite = suite_create("health/fleet");
    suite_add_tcase(suite, fleets);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
