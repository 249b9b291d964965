/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/manager.h"

#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int manager_fd = -1;

/* A manager in the abstract name space, of this test's own. */
static void listens(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[64];
    int octets = snprintf(name, sizeof name, "@hither-test-manager-%d", (int)getpid());
    ck_assert_int_gt(octets, 0);
    memcpy(address.sun_path, name, (size_t)octets);
    address.sun_path[0] = '\0';
    manager_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(manager_fd, 0);
    ck_assert_int_eq(bind(manager_fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)octets)),
                     0);
    (void)setenv("NOTIFY_SOCKET", name, 1);
}

static void leaves(void)
{
    manager_close();
    close(manager_fd);
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

/* All that it was told since the last time, a datagram to a line. */
static const char *heard(void)
{
    static char text[4096];
    size_t at = 0;
    for (;;) {
        ssize_t octets = recv(manager_fd, text + at, sizeof text - at - 2, MSG_DONTWAIT);
        if (octets < 0)
            break;
        at += (size_t)octets;
        text[at++] = ';';
    }
    text[at] = '\0';
    return text;
}

START_TEST(without_a_manager_nothing_happens)
{
    (void)unsetenv("NOTIFY_SOCKET");
    ck_assert_int_eq(manager_open(), 0);
    manager_ready();
    manager_feed_watchdog();
    ck_assert_int_eq(manager_watchdog_ms(), 0);
}
END_TEST

START_TEST(a_life)
{
    listens();
    ck_assert_int_eq(manager_open(), 0);
    manager_reload_begins((struct mono){1});
    manager_reload_ends();
    ck_assert_str_eq(heard(), "");
    manager_ready();
    manager_ready();
    ck_assert_str_eq(heard(), "READY=1;");
    manager_reload_begins((struct mono){1234567890});
    manager_reload_begins((struct mono){2234567890});
    ck_assert_str_eq(heard(), "RELOADING=1\nMONOTONIC_USEC=1234567;");
    manager_reload_ends();
    ck_assert_str_eq(heard(), "");
    manager_reload_ends();
    manager_reload_ends();
    ck_assert_str_eq(heard(), "READY=1;");
    manager_status("route: up");
    manager_status("route: up");
    ck_assert_str_eq(heard(), "STATUS=route: up;");
    manager_stopping();
    manager_stopping();
    manager_reload_begins((struct mono){1});
    manager_reload_ends();
    ck_assert_str_eq(heard(), "STOPPING=1;");
    leaves();
}
END_TEST

START_TEST(the_watchdog_is_fed_twice_as_often_as_it_asks)
{
    listens();
    (void)setenv("WATCHDOG_USEC", "3000000", 1);
    ck_assert_int_eq(manager_open(), 0);
    ck_assert_int_eq(manager_watchdog_ms(), 1500);
    manager_feed_watchdog();
    ck_assert_str_eq(heard(), "WATCHDOG=1;");
    manager_close();

    (void)setenv("WATCHDOG_PID", "1", 1); /* somebody else's */
    ck_assert_int_eq(manager_open(), 0);
    ck_assert_int_eq(manager_watchdog_ms(), 0);
    manager_close();

    (void)unsetenv("WATCHDOG_PID");
    (void)setenv("WATCHDOG_USEC", "soon", 1);
    ck_assert_int_eq(manager_open(), 0);
    ck_assert_int_eq(manager_watchdog_ms(), 0);
    leaves();
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    const char *names[] = {"relative", "@", "/", "vsock:2:1234", longer};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)setenv("NOTIFY_SOCKET", names[i], 1);
        ck_assert_int_eq(manager_open(), -EAFNOSUPPORT);
    }
    (void)setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
    ck_assert_int_eq(manager_open(), -ENOENT);
    manager_ready();
    (void)unsetenv("NOTIFY_SOCKET");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/manager");
    TCase *tests = tcase_create("manager");
    tcase_add_test(tests, without_a_manager_nothing_happens);
    tcase_add_test(tests, a_life);
    tcase_add_test(tests, the_watchdog_is_fed_twice_as_often_as_it_asks);
    tcase_add_test(tests, what_is_no_address_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
