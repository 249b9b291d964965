/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/notify.h"

#include "base/log.h"
#include "base/secret.h"
#include "zone/format.h"
#include "zone/notify_message.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOTIFY_TICK_MS  100
#define NOTIFY_FIRST_MS 1000 /* until the first repetition; then twice as long each time */
#define NOTIFY_ATTEMPTS 5
#define NOTIFY_BURST    200  /* sent in one tick at most */
#define NOTIFY_ACTIVE   4096 /* sent and not answered yet, at most */
#define NOTIFY_IDS      65536

/* One zone to be told to one target. */
struct notify_task {
    struct notify_task *next;
    struct zone_image *image;
    struct zone_peers *peers;
    size_t target; /* which of the peers' */
    uint64_t due_ms;
    unsigned attempts;
    uint16_t id;
    uint8_t mac_octets;
    uint8_t mac[TSIG_MAC_MOST]; /* of what was sent last */
};

/* What was told last. */
struct notify_known {
    uint32_t serial;
    uint8_t apex[NAME_MAX_OCTETS];
};

struct notify_socket {
    uv_udp_t udp;
    bool open;
};

struct notifier {
    uv_loop_t *loop;
    uv_timer_t tick;
    struct notify_socket sockets[2]; /* IPv4, IPv6 */
    struct tsig_keys keys;
    struct notify_known *known; /* canonical order */
    size_t known_count;
    struct notify_task *queue;
    struct notify_task **queue_end;
    struct notify_task *active;
    size_t active_count;
    struct notify_task **by_id; /* NOTIFY_IDS of them: the active ones */
    unsigned handles;           /* that libuv hasn't closed yet */
    uint8_t received[NOTIFY_MESSAGE_OCTETS];
};

static const struct zone_target *target_of(const struct notify_task *task)
{
    return &task->peers->targets[task->target];
}

static char *target_text(const struct notify_task *task, char text[SETTINGS_ADDRESS_TEXT])
{
    union settings_address address;
    memcpy(&address, &target_of(task)->address, sizeof address);
    return settings_address_to_text(&address, text);
}

/* Whether this is the serial that the zone's targets are to hear of, or have heard of. */
static bool is_told(const struct notifier *n, const struct image_header *header)
{
    size_t low = 0;
    size_t high = n->known_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = name_compare(n->known[middle].apex, header->apex);
        if (order == 0)
            return n->known[middle].serial == header->serial;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* --- tasks
 * ----------------------------------------------------------------------------------------------------- */

static void task_free(struct notify_task *task)
{
    zone_image_release(task->image);
    zone_peers_release(task->peers);
    free(task);
}

static void queue_add(struct notifier *n, struct zone_image *image, struct zone_peers *peers, size_t target)
{
    struct notify_task *task = calloc(1, sizeof *task);
    if (task == NULL) {
        log_warn("memory is short: a secondary isn't notified");
        return;
    }
    task->image = zone_image_hold(image);
    task->peers = zone_peers_hold(peers);
    task->target = target;
    *n->queue_end = task;
    n->queue_end = &task->next;
}

/* Takes the task at `*link` off the active ones and forgets it. */
static void task_end(struct notifier *n, struct notify_task **link)
{
    struct notify_task *task = *link;
    *link = task->next;
    n->by_id[task->id] = NULL;
    n->active_count--;
    task_free(task);
}

/* --- sending
 * --------------------------------------------------------------------------------------------------- */

static struct notify_socket *socket_for(struct notifier *n, const struct zone_target *target)
{
    return &n->sockets[target->address.sa.sa_family == AF_INET6 ? 1 : 0];
}

/* Signs `octets` of a message when the target wants that. Octets of it now, 0 when it can't be. */
static size_t task_sign(struct notifier *n, struct notify_task *task, uint8_t *message, size_t octets)
{
    const struct zone_target *target = target_of(task);
    struct tsig tsig;
    if (!target->keyed)
        return octets;
    const struct tsig_key *key = tsig_find_key(&n->keys, target->key);
    if (key == NULL)
        return 0;
    tsig_start(&tsig, key);
    octets = tsig_sign(&tsig, message, octets, NOTIFY_MESSAGE_OCTETS, (uint64_t)time(NULL), true);
    task->mac_octets = tsig.mac_octets;
    memcpy(task->mac, tsig.mac, sizeof task->mac);
    return octets;
}

static void task_send(struct notifier *n, struct notify_task *task)
{
    uint8_t message[NOTIFY_MESSAGE_OCTETS];
    char text[SETTINGS_ADDRESS_TEXT];
    size_t octets = notify_message_write(message, sizeof message, task->id, task->image);
    octets = octets > 0 ? task_sign(n, task, message, octets) : 0;
    uv_buf_t buffer = uv_buf_init((char *)message, (unsigned)octets);
    struct notify_socket *socket = socket_for(n, target_of(task));
    int error = octets > 0 && socket->open
                    ? uv_udp_try_send(&socket->udp, &buffer, 1, &target_of(task)->address.sa)
                    : UV_EADDRNOTAVAIL;
    if (error < 0 && task->attempts == 0)
        log_warn("can't send a NOTIFY to %s: %s", target_text(task, text), uv_strerror(error));
    task->due_ms = uv_now(n->loop) + ((uint64_t)NOTIFY_FIRST_MS << task->attempts);
    task->attempts++;
}

static void task_activate(struct notifier *n, struct notify_task *task)
{
    do
        task->id = (uint16_t)randombytes_uniform(NOTIFY_IDS);
    while (n->by_id[task->id] != NULL);
    n->by_id[task->id] = task;
    task->next = n->active;
    n->active = task;
    n->active_count++;
    task_send(n, task);
}

static void task_give_up(struct notifier *n, struct notify_task **link)
{
    char zone[NAME_TEXT_MAX];
    char text[SETTINGS_ADDRESS_TEXT];
    log_info("zone %s: %s didn't answer the NOTIFY of serial %u",
             name_to_text((*link)->image->header->apex_cased, zone), target_text(*link, text),
             (*link)->image->header->serial);
    task_end(n, link);
}

static void on_tick(uv_timer_t *timer)
{
    struct notifier *n = timer->data;
    uint64_t now_ms = uv_now(n->loop);
    unsigned sent = 0;
    for (struct notify_task **link = &n->active; *link != NULL && sent < NOTIFY_BURST;) {
        struct notify_task *task = *link;
        if (!is_told(n, task->image->header)) {
            task_end(n, link); /* a newer one has its own */
            continue;
        }
        if (task->due_ms <= now_ms && task->attempts == NOTIFY_ATTEMPTS) {
            task_give_up(n, link);
            continue;
        }
        if (task->due_ms <= now_ms) {
            task_send(n, task);
            sent++;
        }
        link = &task->next;
    }
    for (; n->queue != NULL && sent < NOTIFY_BURST && n->active_count < NOTIFY_ACTIVE; sent++) {
        struct notify_task *task = n->queue;
        n->queue = task->next;
        if (n->queue == NULL)
            n->queue_end = &n->queue;
        if (is_told(n, task->image->header))
            task_activate(n, task);
        else
            task_free(task);
    }
    if (n->active == NULL && n->queue == NULL)
        (void)uv_timer_stop(timer);
}

/* --- answers
 * --------------------------------------------------------------------------------------------------- */

static bool address_equal(const struct sockaddr *from, const struct zone_target *target)
{
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)from;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)from;
    if (from->sa_family != target->address.sa.sa_family)
        return false;
    if (from->sa_family == AF_INET)
        return in4->sin_port == target->address.in4.sin_port &&
               in4->sin_addr.s_addr == target->address.in4.sin_addr.s_addr;
    return in6->sin6_port == target->address.in6.sin6_port &&
           IN6_ARE_ADDR_EQUAL(&in6->sin6_addr, &target->address.in6.sin6_addr);
}

/* Whether the answer is signed as it has to be. */
static bool answer_is_genuine(const struct notifier *n, const struct notify_task *task,
                              const struct notify_answer *answer, size_t octets)
{
    const struct zone_target *target = target_of(task);
    struct tsig tsig;
    if (!target->keyed)
        return true;
    const struct tsig_key *key = tsig_find_key(&n->keys, target->key);
    if (key == NULL || answer->tsig_at == 0)
        return false;
    tsig_start(&tsig, key);
    tsig.mac_octets = task->mac_octets;
    memcpy(tsig.mac, task->mac, sizeof tsig.mac);
    return tsig_verify_answer(&tsig, n->received, octets, answer->tsig_at, (uint64_t)time(NULL)) ==
           TSIG_HOLDS;
}

static void on_answer(struct notifier *n, const struct sockaddr *from, size_t octets)
{
    struct notify_answer answer;
    char zone[NAME_TEXT_MAX];
    char text[SETTINGS_ADDRESS_TEXT];
    struct notify_task *task = octets >= 2 ? n->by_id[n->received[0] << 8 | n->received[1]] : NULL;
    if (task == NULL || !address_equal(from, target_of(task)) ||
        !notify_message_read(&answer, n->received, octets, task->image->header->apex) ||
        !answer_is_genuine(n, task, &answer, octets))
        return;
    if (answer.rcode != 0)
        log_warn("zone %s: %s refuses the NOTIFY: rcode %u",
                 name_to_text(task->image->header->apex_cased, zone), target_text(task, text), answer.rcode);
    struct notify_task **link = &n->active;
    while (*link != task)
        link = &(*link)->next;
    task_end(n, link);
}

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct notifier *n = handle->data;
    (void)suggested;
    *buffer = uv_buf_init((char *)n->received, sizeof n->received);
}

static void on_received(uv_udp_t *udp, ssize_t octets, const uv_buf_t *buffer, const struct sockaddr *from,
                        unsigned flags)
{
    struct notifier *n = udp->data;
    (void)buffer;
    if (octets > 0 && from != NULL && (flags & UV_UDP_PARTIAL) == 0)
        on_answer(n, from, (size_t)octets);
}

/* --- sockets
 * --------------------------------------------------------------------------------------------------- */

static bool is_service_address(const union settings_address *a, int family)
{
    if (a->sa.sa_family != family)
        return false;
    if (family == AF_INET)
        return a->in4.sin_addr.s_addr != INADDR_ANY && ntohl(a->in4.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET;
    return !IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr) && !IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

/* Where messages come from: the first service address of the family that others can reach, on a port of the
 * kernel's choice; else what the kernel finds. */
static void socket_bind(uv_udp_t *udp, const struct settings_server *server, int family)
{
    union settings_address any = {0};
    any.sa.sa_family = (sa_family_t)family;
    for (size_t i = 0; i < server->listen_count; i++) {
        union settings_address address = server->listen[i];
        if (!is_service_address(&address, family))
            continue;
        if (family == AF_INET)
            address.in4.sin_port = 0;
        else
            address.in6.sin6_port = 0;
        if (uv_udp_bind(udp, &address.sa, 0) == 0)
            return;
    }
    (void)uv_udp_bind(udp, &any.sa, 0);
}

static void socket_open(struct notifier *n, size_t i, const struct settings_server *server)
{
    int family = i == 0 ? AF_INET : AF_INET6;
    struct notify_socket *socket = &n->sockets[i];
    if (socket->open || uv_udp_init_ex(n->loop, &socket->udp, (unsigned)family) < 0)
        return;
    socket->open = true;
    socket->udp.data = n;
    n->handles++;
    socket_bind(&socket->udp, server, family);
    (void)uv_udp_recv_start(&socket->udp, on_buffer, on_received);
}

/* --- what is new
 * ----------------------------------------------------------------------------------------------- */

/* What is told from now on, in the order of the set, which is canonical. False when memory is short. */
static bool remember(struct notifier *n, const struct zone_set *set)
{
    struct notify_known *known = calloc(zone_set_count(set) + 1, sizeof *known);
    if (known == NULL)
        return false;
    free(n->known);
    n->known = known;
    n->known_count = 0;
    for (size_t i = 0; i < zone_set_count(set); i++) {
        const struct image_header *header = zone_set_at(set, i)->header;
        const struct zone_peers *peers = zone_set_peers(set, i);
        if (peers == NULL || peers->target_count == 0)
            continue;
        known[n->known_count].serial = header->serial;
        memcpy(known[n->known_count++].apex, header->apex, header->apex_octets);
    }
    return true;
}

static void tell(struct notifier *n, const struct zone_set *set, size_t i)
{
    struct zone_image *image = zone_set_at(set, i);
    struct zone_peers *peers = set->peers[i];
    for (size_t target = 0; target < peers->target_count; target++)
        queue_add(n, image, peers, target);
}

/* What is needed only where there is somebody to tell. */
static bool prepare(struct notifier *n, const struct settings *settings)
{
    if (n->by_id == NULL)
        n->by_id = calloc(NOTIFY_IDS, sizeof(struct notify_task *));
    socket_open(n, 0, &settings->server);
    socket_open(n, 1, &settings->server);
    return n->by_id != NULL;
}

void notifier_update(struct notifier *n, const struct zone_set *set, const struct settings *settings)
{
    n->keys = settings->keys;
    for (size_t i = 0; i < zone_set_count(set); i++) {
        const struct zone_peers *peers = zone_set_peers(set, i);
        if (peers == NULL || peers->target_count == 0 || is_told(n, zone_set_at(set, i)->header))
            continue;
        if (!prepare(n, settings)) {
            log_warn("memory is short: secondaries aren't notified");
            return;
        }
        tell(n, set, i);
    }
    if (!remember(n, set))
        log_warn("memory is short: secondaries may be notified twice");
    if (n->queue != NULL)
        (void)uv_timer_start(&n->tick, on_tick, 0, NOTIFY_TICK_MS);
}

/* --- its life
 * -------------------------------------------------------------------------------------------------- */

struct notifier *notifier_new(uv_loop_t *loop)
{
    struct notifier *n = secret_new(sizeof *n);
    if (n == NULL)
        return NULL;
    n->loop = loop;
    n->queue_end = &n->queue;
    (void)uv_timer_init(loop, &n->tick);
    n->tick.data = n;
    n->handles = 1;
    return n;
}

static void on_closed(uv_handle_t *handle)
{
    struct notifier *n = handle->data;
    if (--n->handles > 0)
        return;
    free(n->known);
    free(n->by_id);
    secret_free(n, sizeof *n);
}

void notifier_close(struct notifier *n)
{
    while (n->active != NULL)
        task_end(n, &n->active);
    while (n->queue != NULL) {
        struct notify_task *task = n->queue;
        n->queue = task->next;
        task_free(task);
    }
    uv_close((uv_handle_t *)&n->tick, on_closed);
    for (size_t i = 0; i < 2; i++) {
        if (n->sockets[i].open)
            uv_close((uv_handle_t *)&n->sockets[i].udp, on_closed);
    }
}
