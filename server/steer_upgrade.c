/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The program replaced in place: `hither upgrade`, or SIGUSR2. Nobody notices, neither the routers nor the
 * clients: the announcer becomes the new program, keeping its process, the service sockets and the BGP
 * sessions; the server of the old program answers until that of the new one does.
 *
 *     new program --check--> sound --> server told --> heritage --execve()--> steer_main()
 *
 * What stands in the way is said, and then nothing has happened.
 */
#include "base/log.h"
#include "heritage.h"
#include "privilege.h"
#include "spawn.h"
#include "steer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define UPGRADE_DELAY_MS 50 /* for the reply to reach whoever asked */
#define UPGRADE_AGAIN_MS 10 /* until what is under way is looked at again */
#define UPGRADE_MOST_MS  30000
#define UPGRADE_FDS      (SHARED_MAX_SOCKETS + ANNOUNCER_HERITAGE_FDS + GUARD_HERITAGE_FDS)

static void upgrade_refuse(struct steer *s, const char *why)
{
    log_error("not upgraded: %s", why);
    announcer_keep(s->announcer);
    if (s->upgrade.request != NULL)
        control_refuse(s->upgrade.request, NULL, "%s", why);
    s->upgrade.request = NULL;
    s->upgrade.under_way = false;
}

static json_t *upgrade_sockets(const struct steer *s, int *fds, size_t *count)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < s->down->socket_count; i++) {
        const struct shared_socket *socket = &s->down->sockets[i];
        fds[(*count)++] = socket->fd;
        (void)json_array_append_new(list, json_pack("{s:i, s:i, s:i, s:i, s:i}", "fd", socket->fd, "worker",
                                                    socket->worker, "address", socket->address, "transport",
                                                    (int)socket->transport, "lane", (int)socket->lane));
    }
    return list;
}

/* Whether the program that was judged is the one on disk still. */
static bool upgrade_is_judged(const struct steer *s)
{
    const struct stat *was = &s->upgrade.judged;
    struct stat is;
    return stat(s->executable, &is) == 0 && is.st_dev == was->st_dev && is.st_ino == was->st_ino &&
           is.st_size == was->st_size && is.st_mtim.tv_sec == was->st_mtim.tv_sec &&
           is.st_mtim.tv_nsec == was->st_mtim.tv_nsec;
}

/* Takes over `announce`. Comes back only when it failed: -errno. */
static int upgrade_leave(struct steer *s, json_t *announce, int *fds, size_t count)
{
    union { /* execv() takes char *const *, and writes to none of it */
        const char *from;
        char *to;
    } name = {s->program}, path = {s->path}, option = {"-c"};
    char *arguments[] = {name.to, option.to, path.to, NULL};
    const struct privilege_bequest before = privilege_bequeath_all();
    json_t *server = guard_hand_over(s->guard, fds, &count);
    json_t *bequest = json_pack("{s:I, s:I}", "inheritable", (json_int_t)before.inheritable, "ambient",
                                (json_int_t)before.ambient);
    json_t *text = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "sockets", upgrade_sockets(s, fds, &count),
                             "server", server, "announce", announce, "health", health_hand_over(s->health),
                             "drain", steer_drain_hand_over(s), "bequest", bequest);
    int error = text != NULL ? heritage_leave(s->executable, arguments, text, fds, count) : -ENOMEM;
    privilege_bequeath_again(&before);
    guard_keep(s->guard);
    json_decref(text);
    return error;
}

static void upgrade_on_delay(uv_timer_t *timer);

/* Comes back only when it failed, or is to be tried again: something is under way. */
static void upgrade_become(struct steer *s)
{
    char why[STEER_WHY_OCTETS];
    size_t count = 0;
    if (!upgrade_is_judged(s)) {
        upgrade_refuse(s, "the program on disk was replaced meanwhile; try again");
        return;
    }
    int *fds = calloc(UPGRADE_FDS, sizeof *fds);
    if (fds == NULL) {
        upgrade_refuse(s, "memory is short");
        return;
    }
    steer_drain_cancel(s, "an upgrade came between; ask again");
    json_t *announce = announcer_hand_over(s->announcer, fds, &count, why, sizeof why);
    if (announce != NULL) {
        log_info("becoming %s", s->executable);
        upgrade_refuse(s, strerror(-upgrade_leave(s, announce, fds, count)));
    } else if (mono_reached(mono_now(), s->upgrade.give_up)) {
        upgrade_refuse(s, why);
    } else {
        (void)uv_timer_start(&s->upgrade.delay, upgrade_on_delay, UPGRADE_AGAIN_MS, 0);
    }
    free(fds);
}

static void upgrade_on_delay(uv_timer_t *timer)
{
    struct steer *s = timer->data;
    if (s->leaving != STEER_STAYS || !guard_is_serving(s->guard))
        upgrade_refuse(s, "hitherd is leaving, or its server is down");
    else
        upgrade_become(s);
}

static void upgrade_on_checked(struct steer *s, int status)
{
    if (s->leaving != STEER_STAYS || !guard_is_serving(s->guard)) {
        upgrade_refuse(s, "hitherd is leaving, or its server is down");
        return;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != HERITAGE_TRIAL_PASSED) {
        upgrade_refuse(
            s, status == 0 ? "the program on disk can't take over from this one: drain and restart"
                           : "the program on disk finds the configuration or a zone wrong, or doesn't run; "
                             "the log says what");
        return;
    }
    if (s->upgrade.request != NULL)
        control_reply(s->upgrade.request,
                      json_pack("{s:s}", "message", "the program on disk takes over; the log says how"));
    s->upgrade.request = NULL;
    s->upgrade.give_up = mono_add_ms(mono_now(), UPGRADE_MOST_MS);
    (void)uv_timer_start(&s->upgrade.delay, upgrade_on_delay, UPGRADE_DELAY_MS, 0);
}

static void upgrade_on_child(uv_signal_t *handle, int signal_number)
{
    struct steer *s = handle->data;
    int status;
    (void)signal_number;
    if (s->upgrade.judge == 0 || waitpid(s->upgrade.judge, &status, WNOHANG) != s->upgrade.judge)
        return;
    s->upgrade.judge = 0;
    upgrade_on_checked(s, status);
}

static int upgrade_check(struct steer *s)
{
    union { /* execve() takes char *const *, and writes to none of it */
        const char *from;
        char *to;
    } path = {s->path}, c = {"-c"}, check = {"--check"};
    char *arguments[] = {s->executable, c.to, path.to, check.to, NULL};
    if (stat(s->executable, &s->upgrade.judged) < 0)
        return -errno;
    (void)setenv(HERITAGE_TRIAL, HERITAGE_TRIAL_VERSION, 1);
    pid_t pid = spawn_program(arguments);
    (void)unsetenv(HERITAGE_TRIAL);
    s->upgrade.judge = pid > 0 ? pid : 0;
    return pid > 0 ? 0 : (int)pid;
}

/* NULL: it may be tried. */
static const char *upgrade_obstacle(const struct steer *s)
{
    struct findings findings = {0};
    struct settings_text text = {0};
    const char *why = NULL;
    if (s->leaving != STEER_STAYS || !guard_is_serving(s->guard))
        return "hitherd is leaving, or its server is down";
    if (s->upgrade.under_way)
        return "an upgrade is under way";
    if (s->good.back)
        return "the last good zones are served, because newer ones failed: mend those and `hither reload`";
    struct settings *wanted = settings_text_read(s->path, &text, &findings);
    size_t before = findings.count;
    if (wanted == NULL)
        why = "the configuration has errors";
    else
        settings_text_warn_of_restart(s->settings, wanted, &findings);
    if (why == NULL && findings.count > before)
        why = "the configuration has changes that take a restart";
    if (why == NULL && !settings_text_is(s->text_fd, &text))
        why =
            "the configuration was changed since it was read: `hither reload` first, so that the routers are "
            "told of it";
    findings_log(&findings);
    settings_free(wanted);
    settings_text_free(&text);
    findings_free(&findings);
    return why;
}

void steer_upgrade(struct steer *s, struct control_request *request)
{
    const char *why = upgrade_obstacle(s);
    if (why != NULL) {
        log_error("not upgraded: %s", why);
        if (request != NULL)
            control_refuse(request, NULL, "%s", why);
        return;
    }
    s->upgrade.under_way = true;
    s->upgrade.request = request;
    log_info("asking %s whether it can take over", s->executable);
    int error = upgrade_check(s);
    if (error < 0)
        upgrade_refuse(s, uv_strerror(error));
}

void steer_upgrade_start(struct steer *s)
{
    (void)uv_timer_init(&s->loop, &s->upgrade.delay);
    (void)uv_signal_init(&s->loop, &s->upgrade.child);
    s->upgrade.delay.data = s->upgrade.child.data = s;
    (void)uv_signal_start(&s->upgrade.child, upgrade_on_child, SIGCHLD);
    uv_unref((uv_handle_t *)&s->upgrade.delay);
    uv_unref((uv_handle_t *)&s->upgrade.child);
}

bool steer_inherit(struct steer *s)
{
    size_t i;
    uint32_t lanes = 0;
    const json_t *socket;
    const json_t *bequest = json_object_get(s->heritage, "bequest");
    const struct privilege_bequest before = {
        (uint64_t)json_integer_value(json_object_get(bequest, "inheritable")),
        (uint64_t)json_integer_value(json_object_get(bequest, "ambient"))};
    privilege_bequeath_again(&before);
    json_array_foreach(json_object_get(s->heritage, "sockets"), i, socket)
    {
        int fd = heritage_fd(socket, "fd");
        if (fd < 0 || s->down->socket_count >= SHARED_MAX_SOCKETS)
            return false;
        s->down->sockets[s->down->socket_count++] =
            (struct shared_socket){fd, (uint16_t)json_integer_value(json_object_get(socket, "worker")),
                                   (uint16_t)json_integer_value(json_object_get(socket, "address")),
                                   (uint16_t)json_integer_value(json_object_get(socket, "transport")),
                                   (uint16_t)json_integer_value(json_object_get(socket, "lane"))};
        lanes += s->down->sockets[s->down->socket_count - 1].lane;
    }
    s->down->lanes = 2 * lanes == s->down->socket_count;
    return s->down->socket_count > 0;
}
