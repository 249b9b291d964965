/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/exec.h"

#include "base/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define EXEC_WHY_OCTETS 160

struct exec_check {
    struct exec_checks *all;
    char *name;
    char **command; /* ends with NULL */
    enum check_class class;
    uint32_t interval_ms;
    uint32_t timeout_ms;
    uv_timer_t timer; /* the next run, or the end of the time for this one */
    uv_process_t process;
    bool running;
    bool timed_out;
    bool known;       /* there was a result */
    bool joined_late; /* others ran before it */
    bool good;
    struct mono began;
    struct mono ended;
    pid_t orphan; /* a child that the program before us began; 0: none, or buried */
    char why[EXEC_WHY_OCTETS];
};

struct exec_checks {
    uv_loop_t *loop;
    size_t count;
    struct exec_check list[SETTINGS_MAX_EXECS];
    unsigned handles;
    bool stopping;
};

static const char *class_name(enum check_class class)
{
    static const char *const names[] = {
        [CHECK_LOCAL] = "LOCAL", [CHECK_SHARED] = "SHARED", [CHECK_ADVISORY] = "ADVISORY"};
    return names[class];
}

static void exec_free(struct exec_checks *all)
{
    for (size_t i = 0; i < all->count; i++) {
        for (char **word = all->list[i].command; word != NULL && *word != NULL; word++)
            free(*word);
        free(all->list[i].command);
        free(all->list[i].name);
    }
    free(all);
}

static void exec_handle_closed(struct exec_checks *all)
{
    if (--all->handles == 0 && all->stopping)
        exec_free(all);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct exec_check *check = handle->data;
    exec_handle_closed(check->all);
}

/* Its group has its number. Whoever left the group is beyond us. */
static void exec_kill(const struct exec_check *check)
{
    if (check->process.pid > 0)
        (void)kill(-check->process.pid, SIGKILL);
}

static void on_time(uv_timer_t *timer);

static void exec_schedule(struct exec_check *check, struct mono now)
{
    int64_t left = check->interval_ms - mono_ms_between(check->began, now);
    if (!check->all->stopping)
        (void)uv_timer_start(&check->timer, on_time, left > 0 ? (uint64_t)left : 0, 0);
}

static void exec_settle(struct exec_check *check, bool good)
{
    if ((!check->known || check->good != good) && !check->all->stopping)
        log_write(good ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "check %s (%s): %s", check->name,
                  class_name(check->class), check->why);
    check->known = true;
    check->good = good;
    check->ended = mono_now();
}

static void on_process_closed(uv_handle_t *handle)
{
    struct exec_check *check = handle->data;
    check->running = false;
    check->process.pid = 0;
    exec_schedule(check, mono_now());
    exec_handle_closed(check->all);
}

static void on_exit_status(uv_process_t *process, int64_t status, int term_signal)
{
    struct exec_check *check = process->data;
    exec_kill(check);
    if (check->timed_out)
        (void)snprintf(check->why, sizeof check->why, "took longer than %u ms and was killed",
                       check->timeout_ms);
    else if (term_signal != 0)
        (void)snprintf(check->why, sizeof check->why, "was ended by signal %d", term_signal);
    else
        (void)snprintf(check->why, sizeof check->why, "exit status %d", (int)status);
    exec_settle(check, !check->timed_out && term_signal == 0 && status == 0);
    (void)uv_timer_stop(&check->timer);
    uv_close((uv_handle_t *)process, on_process_closed);
}

static void exec_run(struct exec_check *check)
{
    uv_stdio_container_t none[3] = {{.flags = UV_IGNORE}, {.flags = UV_IGNORE}, {.flags = UV_IGNORE}};
    uv_process_options_t options = {
        .file = check->command[0],
        .args = check->command,
        .exit_cb = on_exit_status,
        .flags = UV_PROCESS_DETACHED, /* a session of its own, and so a group */
        .stdio_count = 3,
        .stdio = none,
    };
    check->began = mono_now();
    check->timed_out = false;
    check->running = true;
    check->all->handles++;
    int error = uv_spawn(check->all->loop, &check->process, &options);
    check->process.data = check;
    if (error == 0) {
        (void)uv_timer_start(&check->timer, on_time, check->timeout_ms, 0);
        return;
    }
    (void)snprintf(check->why, sizeof check->why, "can't be run: %s", uv_strerror(error));
    exec_settle(check, false);
    check->process.pid = 0;
    uv_close((uv_handle_t *)&check->process, on_process_closed);
}

static void on_time(uv_timer_t *timer)
{
    struct exec_check *check = timer->data;
    if (check->orphan > 0 && waitpid(check->orphan, NULL, WNOHANG) != 0)
        check->orphan = 0;
    if (!check->running) {
        exec_run(check);
        return;
    }
    check->timed_out = true;
    exec_kill(check);
}

static bool exec_copy(struct exec_check *check, const struct settings_exec *from)
{
    size_t words = 0;
    while (from->command[words] != NULL)
        words++;
    check->class = from->class;
    check->interval_ms = from->interval_ms;
    check->timeout_ms = from->timeout_ms;
    check->name = strdup(from->name);
    check->command = calloc(words + 1, sizeof *check->command);
    bool copied = check->name != NULL && check->command != NULL;
    for (size_t i = 0; copied && i < words; i++)
        copied = (check->command[i] = strdup(from->command[i])) != NULL;
    return copied;
}

static void exec_inherit(struct exec_check *check, const struct exec_checks *before)
{
    for (size_t i = 0; before != NULL && i < before->count; i++) {
        const struct exec_check *old = &before->list[i];
        if (strcmp(old->name, check->name) != 0)
            continue;
        check->joined_late = old->joined_late;
        check->known = old->known;
        check->good = old->good;
        check->ended = old->ended;
        memcpy(check->why, old->why, sizeof check->why);
    }
}

struct exec_checks *exec_start(uv_loop_t *loop, const struct settings_health *settings,
                               const struct exec_checks *before)
{
    struct exec_checks *all = calloc(1, sizeof *all);
    if (all == NULL)
        return NULL;
    all->loop = loop;
    all->count = settings->exec_count;
    for (size_t i = 0; i < all->count; i++) {
        if (!exec_copy(&all->list[i], &settings->execs[i])) {
            exec_free(all);
            return NULL;
        }
    }
    for (size_t i = 0; i < all->count; i++) {
        struct exec_check *check = &all->list[i];
        check->all = all;
        check->joined_late = before != NULL;
        exec_inherit(check, before);
        (void)uv_timer_init(loop, &check->timer);
        check->timer.data = check;
        all->handles++;
        (void)uv_timer_start(&check->timer, on_time, 0, 0);
    }
    return all;
}

/* Before it has ended once: at the start nothing is announced without it, but one that a reload brings along
 * takes no route away that the others carry. */
static bool exec_is_good(const struct exec_check *check)
{
    return check->known ? check->good : check->class != CHECK_LOCAL || check->joined_late;
}

size_t exec_results(const struct exec_checks *all, struct exec_result *results)
{
    for (size_t i = 0; i < all->count; i++)
        results[i] = (struct exec_result){all->list[i].class, exec_is_good(&all->list[i])};
    return all->count;
}

bool exec_say_why(const struct exec_checks *all, char *why, size_t octets)
{
    const struct exec_check *worst = NULL;
    for (size_t i = 0; i < all->count; i++) {
        const struct exec_check *check = &all->list[i];
        if (!exec_is_good(check) && check->class != CHECK_ADVISORY &&
            (worst == NULL || check->class < worst->class))
            worst = check;
    }
    if (worst != NULL)
        (void)snprintf(why, octets, "check %s (%s): %s", worst->name, class_name(worst->class),
                       worst->known ? worst->why : "hasn't ended yet");
    return worst != NULL;
}

void exec_tell(const struct exec_checks *all, struct mono now, json_t *list)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct exec_check *check = &all->list[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:b, s:b, s:s, s:I}", "name", check->name, "class",
                            class_name(check->class), "good", (int)exec_is_good(check), "known",
                            (int)check->known, "why", check->why, "ended_ms_ago",
                            (json_int_t)(check->known ? mono_ms_between(check->ended, now) : -1)));
    }
}

json_t *exec_hand_over(const struct exec_checks *all)
{
    json_t *list = json_array();
    for (size_t i = 0; i < all->count; i++) {
        const struct exec_check *check = &all->list[i];
        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:b, s:b, s:s, s:I, s:i}", "name", check->name, "known",
                                              (int)check->known, "good", (int)check->good, "why", check->why,
                                              "ended_ns", (json_int_t)check->ended.ns, "pid",
                                              check->running ? (int)check->process.pid : 0));
    }
    return list;
}

static void exec_take_over_one(struct exec_check *check, const json_t *left)
{
    const char *why = json_string_value(json_object_get(left, "why"));
    json_int_t pid = json_integer_value(json_object_get(left, "pid"));
    check->known = json_is_true(json_object_get(left, "known"));
    check->good = json_is_true(json_object_get(left, "good"));
    check->ended.ns = json_integer_value(json_object_get(left, "ended_ns"));
    (void)snprintf(check->why, sizeof check->why, "%s", why != NULL ? why : "");
    if (pid <= 1 || pid > INT32_MAX)
        return;
    check->orphan = (pid_t)pid;
    (void)kill(-check->orphan, SIGKILL);
}

void exec_take_over(struct exec_checks *all, const json_t *heritage)
{
    const json_t *left;
    size_t at;
    json_array_foreach(heritage, at, left)
    {
        const char *name = json_string_value(json_object_get(left, "name"));
        for (size_t i = 0; name != NULL && i < all->count; i++)
            if (strcmp(all->list[i].name, name) == 0)
                exec_take_over_one(&all->list[i], left);
    }
}

void exec_stop(struct exec_checks *all)
{
    if (all == NULL)
        return;
    all->stopping = true;
    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i].running)
            exec_kill(&all->list[i]);
        uv_close((uv_handle_t *)&all->list[i].timer, on_timer_closed);
    }
    if (all->handles == 0)
        exec_free(all);
}
