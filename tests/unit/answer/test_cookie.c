/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/cookie.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* The worked examples of RFC 9018 appendix A. */
static const struct {
    const char *secret;
    const char *client;
    const char *address;
    uint32_t now_s;
    const char *server;
} vectors[] = {
    {"e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100", 1559731985,
     "010000005cf79f111f8130c3eee29480"},
    {"e5e973e5a6b2a43f48e7dc849e37bfcf", "fc93fc62807ddb86", "203.0.113.203", 1559734700,
     "010000005cf7a9acf73a7810aca2381e"},
    {"dd3bdf9344b678b185a6f5cb60fca715", "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741817,
     "010000005cf7c57926556bd0934c72f8"},
    {"445536bcd2513298075a5d379663c962", "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961,
     "010000005cf7c609a6bb79d16625507a"},
};

static socklen_t address_of(const char *text, struct sockaddr_in6 *address)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)(void *)address;
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET6, text, &address->sin6_addr) == 1) {
        address->sin6_family = AF_INET6;
        return sizeof *address;
    }
    ck_assert_int_eq(inet_pton(AF_INET, text, &in4->sin_addr), 1);
    in4->sin_family = AF_INET;
    return sizeof *in4;
}

START_TEST(vectors_of_the_rfc)
{
    struct cookie_secrets secrets;
    struct sockaddr_in6 address;
    char why[KEY_FILE_WHY_OCTETS] = "";
    uint8_t client[8];
    uint8_t server[COOKIE_SERVER_OCTETS];
    char hex[2 * COOKIE_SERVER_OCTETS + 1];
    ck_assert(cookie_secrets_parse(&secrets, vectors[_i].secret, why));
    sodium_hex2bin(client, sizeof client, vectors[_i].client, 16, NULL, NULL, NULL);
    (void)address_of(vectors[_i].address, &address);
    const struct sockaddr *from = (const struct sockaddr *)(const void *)&address;
    cookie_make(server, &secrets, vectors[_i].now_s, client, from);
    ck_assert_str_eq(sodium_bin2hex(hex, sizeof hex, server, sizeof server), vectors[_i].server);
    ck_assert(cookie_holds(&secrets, vectors[_i].now_s, client, server, sizeof server, from));
    ck_assert(cookie_holds(&secrets, vectors[_i].now_s + 3600, client, server, sizeof server, from));
    ck_assert(!cookie_holds(&secrets, vectors[_i].now_s + 3601, client, server, sizeof server, from));
    ck_assert(!cookie_holds(&secrets, vectors[_i].now_s - 301, client, server, sizeof server, from));
    ck_assert(!cookie_holds(&secrets, vectors[_i].now_s, client, server, 15, from));
    server[12] ^= 1;
    ck_assert(!cookie_holds(&secrets, vectors[_i].now_s, client, server, sizeof server, from));
}
END_TEST

START_TEST(staged_secret_checks_but_does_not_make)
{
    struct cookie_secrets old;
    struct cookie_secrets both;
    struct sockaddr_in6 address;
    char why[KEY_FILE_WHY_OCTETS] = "";
    const uint8_t client[8] = {1, 2, 3};
    uint8_t server[COOKIE_SERVER_OCTETS];
    uint8_t again[COOKIE_SERVER_OCTETS];
    (void)address_of("192.0.2.1", &address);
    const struct sockaddr *from = (const struct sockaddr *)(const void *)&address;
    ck_assert(cookie_secrets_parse(&old, "000102030405060708090a0b0c0d0e0f\n", why));
    ck_assert(cookie_secrets_parse(&both,
                                   "# active\nf00102030405060708090a0b0c0d0e0f\n\n"
                                   "000102030405060708090a0b0c0d0e0f # staged\n",
                                   why));
    cookie_make(server, &old, 1000, client, from);
    cookie_make(again, &both, 1000, client, from);
    ck_assert(cookie_holds(&both, 1000, client, server, sizeof server, from));
    ck_assert(!cookie_holds(&old, 1000, client, again, sizeof again, from));
}
END_TEST

static const char *const broken[] = {"", "# nothing\n", "00", "zz0102030405060708090a0b0c0d0e0f",
                                     "000102030405060708090a0b0c0d0e0f00"};

START_TEST(broken_secrets_are_refused)
{
    struct cookie_secrets secrets;
    char why[KEY_FILE_WHY_OCTETS] = "";
    ck_assert(!cookie_secrets_parse(&secrets, broken[_i], why));
    ck_assert_str_ne(why, "");
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("answer/cookie");
    TCase *tests = tcase_create("cookie");
    tcase_add_loop_test(tests, vectors_of_the_rfc, 0, sizeof vectors / sizeof vectors[0]);
    tcase_add_test(tests, staged_secret_checks_but_does_not_make);
    tcase_add_loop_test(tests, broken_secrets_are_refused, 0, sizeof broken / sizeof broken[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
