/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A peer's bytes, and what happens besides, -> reader and state machine, the way bgp_peer drives them. The
 * input is a list of steps: an octet that says what happens and, for bytes from the peer, how many follow.
 * Checks what must hold whatever comes: never established without a checked OPEN, whatever is wrong is
 * answered and closed, something always wakes us again.
 */
#include "announce/bgp_fsm.h"
#include "announce/bgp_write.h"
#include "wire/reader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IN_OCTETS (2 * BGP_MESSAGE_OCTETS)

struct walk {
    struct bgp_session session;
    struct mono now;
    bool connected;
    uint32_t random;
    uint8_t in[IN_OCTETS];
    size_t in_octets;
};

static const struct bgp_demand demand = {64512, 64500, 0x0a000002, BGP_IPV4 | BGP_IPV6, ROLE_CUSTOMER};

static void insist(bool holds)
{
    if (!holds)
        abort();
}

/* What we would send is a whole message that our own reader takes. */
static void check_notification(const struct bgp_error *error)
{
    uint8_t bytes[BGP_MESSAGE_OCTETS];
    char text[64];
    struct bgp_message message;
    struct writer to = writer_to(bytes, sizeof bytes);
    bgp_write_notification(&to, error);
    insist(!to.failed && error->code != 0);
    insist(bgp_read(bytes, writer_offset(&to), &message) == BGP_READ_MESSAGE);
    insist(message.error.code == error->code && message.error.data_octets == error->data_octets);
    insist(strlen(bgp_error_to_text(error, text, sizeof text)) < sizeof text);
}

static void walk_step(struct walk *w, struct bgp_event event)
{
    enum bgp_state before = w->session.state;
    event.random = w->random = w->random * 1664525u + 1013904223u;
    struct bgp_actions actions = bgp_fsm_step(&w->session, &event, w->now);
    const struct bgp_session *s = &w->session;
    if (actions.send_notification)
        check_notification(&actions.error);
    insist(!actions.send_notification || actions.close);
    insist(event.kind != BGP_EVENT_BAD_MESSAGE || actions.send_notification);
    if (actions.close)
        w->connected = false;
    if (actions.connect) {
        insist(!w->connected);
        w->connected = true;
        w->in_octets = 0;
    }
    insist(s->state < BGP_OPEN_CONFIRM || (s->open_checked && s->peer.as == demand.remote_as));
    insist(s->state < BGP_OPEN_CONFIRM || (s->agreed_hold_s >= 3 && s->hold_at.ns != 0));
    insist(s->state < BGP_CONNECT || s->state == BGP_ACTIVE || w->connected);
    insist(bgp_fsm_deadline(s).ns != 0 || (s->state == BGP_IDLE && event.kind == BGP_EVENT_STOP) ||
           (s->state == BGP_IDLE && before == BGP_IDLE));
    insist(actions.up == (before != BGP_ESTABLISHED && s->state == BGP_ESTABLISHED));
}

static void walk_take_messages(struct walk *w)
{
    size_t at = 0;
    while (w->connected) {
        struct bgp_message message;
        struct bgp_error error = {0};
        enum bgp_read_result result = bgp_read(w->in + at, w->in_octets - at, &message);
        if (result == BGP_READ_MORE)
            break;
        at += result == BGP_READ_MESSAGE ? message.octets : 0;
        insist(at <= w->in_octets);
        walk_step(w, bgp_fsm_event_of(result, &message, &demand, &error));
    }
    w->in_octets = w->connected ? w->in_octets - at : 0;
    memmove(w->in, w->in + at, w->in_octets);
    insist(w->in_octets < BGP_MESSAGE_OCTETS); /* there is always room to read more */
}

/* With the header's marker written for it, so that the fuzzer needn't guess sixteen octets. */
static void walk_receive(struct walk *w, struct reader *from, bool marked)
{
    size_t octets = reader_u16(from) % 1024;
    octets = octets < reader_left(from) ? octets : reader_left(from);
    const uint8_t *bytes = reader_bytes(from, octets);
    if (bytes == NULL || w->session.state < BGP_OPEN_SENT)
        return;
    if (marked) {
        memset(w->in + w->in_octets, 0xff, 16);
        w->in_octets += 16;
    }
    memcpy(w->in + w->in_octets, bytes, octets);
    w->in_octets += octets;
    walk_take_messages(w);
}

static void walk_wait(struct walk *w)
{
    enum bgp_event_kind kind;
    struct mono deadline = bgp_fsm_deadline(&w->session);
    if (deadline.ns == 0)
        return;
    if (deadline.ns > w->now.ns)
        w->now = deadline;
    if (bgp_fsm_expired(&w->session, w->now, &kind))
        walk_step(w, (struct bgp_event){.kind = kind});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct walk w;
    struct reader from = reader_of(data, size);
    w = (struct walk){.now = {1000000000}};
    bgp_fsm_init(&w.session, 9, w.now);
    walk_step(&w, (struct bgp_event){.kind = BGP_EVENT_START});
    while (reader_left(&from) > 0 && !from.failed) {
        switch (reader_u8(&from)) {
        case 0:
            walk_wait(&w);
            break;
        case 1:
            if (w.connected && w.session.state == BGP_CONNECT)
                walk_step(&w, (struct bgp_event){.kind = BGP_EVENT_CONNECTED});
            break;
        case 2:
            if (w.connected)
                walk_step(&w, (struct bgp_event){.kind = BGP_EVENT_CONNECTION_FAILED});
            break;
        case 3:
            walk_step(&w, (struct bgp_event){.kind = BGP_EVENT_SENT});
            break;
        case 4:
            walk_step(&w, (struct bgp_event){.kind = BGP_EVENT_START});
            break;
        case 5:
            walk_receive(&w, &from, false);
            break;
        default:
            walk_receive(&w, &from, true);
            break;
        }
    }
    return 0;
}
