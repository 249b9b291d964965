/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The control socket over a real socket in a directory of its own: one loop, and clients that are plain
 * descriptors of the same thread.
 */
#include "control/control.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE 10000 /* looks of a millisecond each */

static char directory[32];
static char path[64];
static uv_loop_t loop;
static struct control *control;
static struct control_request *kept; /* by the command "keep" */
static char why[256];

static void run_echo(struct control_request *request, void *owner)
{
    ck_assert_ptr_eq(owner, directory);
    control_reply(request, json_pack("{s:s}", "said", control_text(request, "word")));
}

static void run_refuse(struct control_request *request, void *owner)
{
    (void)owner;
    control_refuse(request, json_pack("{s:i}", "number", 7), "not %s", "today");
}

static void run_keep(struct control_request *request, void *owner)
{
    (void)owner;
    kept = request;
}

static const struct control_command commands[] = {
    {"echo", run_echo}, {"refuse", run_refuse}, {"keep", run_keep}};

static void set_up(void)
{
    (void)snprintf(directory, sizeof directory, "/tmp/hither-control-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/run/socket", directory);
    kept = NULL;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    control = control_open(&loop, path, commands, 3, directory, why, sizeof why);
    ck_assert_msg(control != NULL, "%s", why);
}

static void tear_down(void)
{
    char parent[64];
    if (control != NULL)
        control_close(control);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    struct stat st;
    ck_assert_int_eq(lstat(path, &st), -1);
    (void)snprintf(parent, sizeof parent, "%s/run", directory);
    ck_assert_int_eq(rmdir(parent), 0);
    ck_assert_int_eq(rmdir(directory), 0);
}

static int client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Runs the loop until a line has come, without its line end, or the end of the stream: then false. */
static bool hear(int fd, char *line, size_t size)
{
    size_t at = 0;
    for (int looks = 0; looks < PATIENCE; looks++) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        ssize_t got = recv(fd, line + at, 1, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return false;
        if (got < 0) {
            (void)usleep(1000);
            continue;
        }
        if (line[at] == '\n') {
            line[at] = '\0';
            return true;
        }
        at++;
        ck_assert_uint_lt(at, size);
    }
    ck_abort_msg("no answer");
    return false;
}

static json_t *hear_json(int fd)
{
    char line[4096];
    ck_assert(hear(fd, line, sizeof line));
    json_t *reply = json_loads(line, 0, NULL);
    ck_assert_msg(json_is_object(reply), "%s", line);
    return reply;
}

static void expect(int fd, bool ok, const char *member, const char *part)
{
    json_t *reply = hear_json(fd);
    const char *value = json_string_value(json_object_get(reply, member));
    ck_assert(json_is_true(json_object_get(reply, "ok")) == ok);
    ck_assert_msg(value != NULL && strstr(value, part) != NULL, "%s: %s", member,
                  value != NULL ? value : "absent");
    json_decref(reply);
}

START_TEST(mode_is_for_owner_and_group)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0660);
}
END_TEST

START_TEST(answers)
{
    int fd = client();
    say(fd, "{\"command\":\"echo\",\"word\":\"hello\"}\n");
    expect(fd, true, "said", "hello");
    say(fd, "{\"command\":\"refuse\"}\n");
    expect(fd, false, "error", "not today");
    say(fd, "{\"command\":\"version\"}\n");
    expect(fd, true, "version", HITHER_VERSION);
    say(fd, "{\"command\":\"dance\"}\n");
    expect(fd, false, "error", "knows version, echo, refuse, keep");
    say(fd, "{}\n");
    expect(fd, false, "error", "has no command");
    close(fd);
}
END_TEST

START_TEST(pieces_and_several_at_once)
{
    int fd = client();
    say(fd, "{\"command\":\"ec");
    for (int i = 0; i < 10; i++)
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    say(fd, "ho\",\"word\":\"a\"}\n{\"command\":\"echo\",\"word\":\"b\"}\n{\"command\":\"echo\"");
    expect(fd, true, "said", "a");
    expect(fd, true, "said", "b");
    say(fd, ",\"word\":\"c\"}\n");
    expect(fd, true, "said", "c");
    close(fd);
}
END_TEST

START_TEST(several_clients)
{
    int a = client();
    int b = client();
    say(a, "{\"command\":\"keep\"}\n");
    while (kept == NULL)
        (void)uv_run(&loop, UV_RUN_ONCE);
    say(b, "{\"command\":\"echo\",\"word\":\"b\"}\n");
    expect(b, true, "said", "b");
    control_reply(kept, NULL);
    json_t *reply = hear_json(a);
    ck_assert(json_is_true(json_object_get(reply, "ok")));
    json_decref(reply);
    close(a);
    close(b);
}
END_TEST

START_TEST(client_leaves_before_the_answer)
{
    int fd = client();
    say(fd, "{\"command\":\"keep\",\"word\":\"still here\"}\n");
    while (kept == NULL)
        (void)uv_run(&loop, UV_RUN_ONCE);
    close(fd);
    for (int i = 0; i < 10; i++)
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_str_eq(control_text(kept, "word"), "still here");
    control_reply(kept, NULL);
}
END_TEST

START_TEST(closed_before_the_answer)
{
    int fd = client();
    say(fd, "{\"command\":\"keep\"}\n");
    while (kept == NULL)
        (void)uv_run(&loop, UV_RUN_ONCE);
    control_close(control);
    control = NULL;
    char line[16];
    ck_assert(!hear(fd, line, sizeof line));
    control_refuse(kept, NULL, "too late");
    close(fd);
}
END_TEST

START_TEST(wrong_lines)
{
    static const char *const lines[] = {
        "\n", "hello\n", "[]\n", "{\"command\":\"echo\"\n", "{\"a\":1,\"a\":2}\n", "{}{}\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char line[16];
        int fd = client();
        say(fd, lines[i]);
        expect(fd, false, "error", "isn't a JSON object");
        ck_assert(!hear(fd, line, sizeof line));
        close(fd);
    }
}
END_TEST

START_TEST(too_long)
{
    char text[CONTROL_MAX_LINE_OCTETS + 1];
    char line[16];
    memset(text, ' ', sizeof text);
    text[sizeof text - 1] = '\0';
    int fd = client();
    say(fd, text);
    expect(fd, false, "error", "too long");
    ck_assert(!hear(fd, line, sizeof line));
    close(fd);
}
END_TEST

START_TEST(too_many_clients)
{
    int fds[CONTROL_MAX_CLIENTS + 1];
    for (int i = 0; i <= CONTROL_MAX_CLIENTS; i++) {
        fds[i] = client();
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    expect(fds[CONTROL_MAX_CLIENTS], false, "error", "too many clients");
    say(fds[0], "{\"command\":\"echo\",\"word\":\"first\"}\n");
    expect(fds[0], true, "said", "first");
    for (int i = 0; i <= CONTROL_MAX_CLIENTS; i++)
        close(fds[i]);
}
END_TEST

START_TEST(taken_path)
{
    char reason[256] = "";
    ck_assert_ptr_null(control_open(&loop, path, commands, 3, directory, reason, sizeof reason));
    ck_assert_ptr_nonnull(strstr(reason, "is hitherd running already?"));
    int fd = client(); /* the first is still served */
    say(fd, "{\"command\":\"echo\",\"word\":\"x\"}\n");
    expect(fd, true, "said", "x");
    close(fd);
}
END_TEST

START_TEST(stale_socket_is_replaced)
{
    char stale[80];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(stale, sizeof stale, "%s/run/stale", directory);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", stale);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    struct control *second = control_open(&loop, stale, commands, 3, directory, why, sizeof why);
    ck_assert_msg(second != NULL, "%s", why);
    control_close(second);
}
END_TEST

START_TEST(other_files_are_left_alone)
{
    char file[80];
    struct stat st;
    (void)snprintf(file, sizeof file, "%s/run/file", directory);
    int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_ptr_null(control_open(&loop, file, commands, 3, directory, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "isn't a socket"));
    ck_assert_int_eq(stat(file, &st), 0);
    ck_assert_int_eq(unlink(file), 0);
}
END_TEST

START_TEST(findings_as_json)
{
    struct findings findings = {0};
    findings_add(&findings, FINDING_ERROR, "a.yaml", 3, "wrong: %s", "\xff\xc3");
    findings_add(&findings, FINDING_WARNING, "b.yaml", 0, "odd");
    json_t *list = control_findings(&findings);
    char *text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(text, "[{\"file\":\"a.yaml\",\"level\":\"error\",\"line\":3,\"text\":\"wrong: ??\"},"
                           "{\"file\":\"b.yaml\",\"level\":\"warning\",\"line\":0,\"text\":\"odd\"}]");
    free(text);
    json_decref(list);
    findings_free(&findings);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control/control");
    TCase *tc = tcase_create("socket");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, mode_is_for_owner_and_group);
    tcase_add_test(tc, answers);
    tcase_add_test(tc, pieces_and_several_at_once);
    tcase_add_test(tc, several_clients);
    tcase_add_test(tc, client_leaves_before_the_answer);
    tcase_add_test(tc, closed_before_the_answer);
    tcase_add_test(tc, wrong_lines);
    tcase_add_test(tc, too_long);
    tcase_add_test(tc, too_many_clients);
    tcase_add_test(tc, taken_path);
    tcase_add_test(tc, stale_socket_is_replaced);
    tcase_add_test(tc, other_files_are_left_alone);
    tcase_add_test(tc, findings_as_json);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
