/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who may transfer: addresses, prefixes, keys, and both together.
 */
#include "zone/peers.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>

static const struct {
    const char *prefix; /* NULL: whatever the address */
    int bits;
    const char *key;
    const char *client;
    const char *signed_by;
    bool allowed;
} grants[] = {
    {"192.0.2.0", 24, NULL, "192.0.2.255", NULL, true},
    {"192.0.2.0", 24, NULL, "192.0.3.0", NULL, false},
    {"192.0.2.128", 25, NULL, "192.0.2.127", NULL, false},
    {"192.0.2.128", 25, NULL, "192.0.2.128", NULL, true},
    {"192.0.2.1", 32, NULL, "192.0.2.1", NULL, true},
    {"192.0.2.1", 32, NULL, "192.0.2.0", NULL, false},
    {"0.0.0.0", 0, NULL, "203.0.113.9", NULL, true},
    {"0.0.0.0", 0, NULL, "2001:db8::1", NULL, false},
    {"2001:db8::", 33, NULL, "2001:db8:7fff::1", NULL, true},
    {"2001:db8::", 33, NULL, "2001:db8:8000::1", NULL, false},
    {"192.0.2.0", 24, NULL, "::ffff:192.0.2.9", NULL, true},
    {"192.0.2.0", 24, NULL, "192.0.2.9", "any.key.", true},
    {NULL, 0, "a.key.", "192.0.2.9", "A.key.", true},
    {NULL, 0, "a.key.", "192.0.2.9", "b.key.", false},
    {NULL, 0, "a.key.", "192.0.2.9", NULL, false},
    {"192.0.2.0", 24, "a.key.", "192.0.2.9", "a.key.", true},
    {"192.0.2.0", 24, "a.key.", "192.0.3.9", "a.key.", false},
    {"192.0.2.0", 24, "a.key.", "192.0.2.9", NULL, false},
    {NULL, 0, NULL, "192.0.2.9", "a.key.", false},
};

START_TEST(who_may)
{
    struct zone_peers *peers = zone_peers_new(1, 0);
    union {
        struct sockaddr sa;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    } client = {0};
    uint8_t key[NAME_MAX_OCTETS];
    ck_assert_ptr_nonnull(peers);
    struct zone_grant *grant = &peers->grants[0];
    grant->bits = (uint8_t)grants[_i].bits;
    if (grants[_i].prefix != NULL) {
        grant->family = strchr(grants[_i].prefix, ':') != NULL ? AF_INET6 : AF_INET;
        ck_assert_int_eq(inet_pton(grant->family, grants[_i].prefix, grant->octets), 1);
    }
    grant->keyed = grants[_i].key != NULL && name_from_text(grant->key, grants[_i].key) > 0;
    bool v6 = strchr(grants[_i].client, ':') != NULL;
    client.sa.sa_family = v6 ? AF_INET6 : AF_INET;
    ck_assert_int_eq(inet_pton(client.sa.sa_family, grants[_i].client,
                               v6 ? (void *)&client.in6.sin6_addr : (void *)&client.in4.sin_addr),
                     1);
    if (grants[_i].signed_by != NULL)
        (void)name_from_text(key, grants[_i].signed_by);
    ck_assert(zone_peers_allow(peers, &client.sa, grants[_i].signed_by != NULL ? key : NULL) ==
              grants[_i].allowed);
    ck_assert(!zone_peers_allow(NULL, &client.sa, NULL));
    zone_peers_release(peers);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zone/peers");
    TCase *tests = tcase_create("peers");
    tcase_add_loop_test(tests, who_may, 0, sizeof grants / sizeof grants[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
