/* SPDX-License-Identifier: BSD-2-Clause */
#include "privilege.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Who owns what we make. */
struct privilege_owner {
    uid_t uid;
    gid_t gid;
    bool change; /* we are somebody else now */
};

/* Makes one directory; what is there already is left as it is, for its owner knows why. */
static int privilege_make_one(const char *path, const struct privilege_owner *owner)
{
    if (mkdir(path, 0755) < 0)
        return errno == EEXIST ? 0 : -errno;
    if (owner->change && lchown(path, owner->uid, owner->gid) < 0)
        return -errno;
    return 0;
}

/* Makes the directory at `path` and those above it. */
static int privilege_make_directory(const char *path, const struct privilege_owner *owner)
{
    char part[PATH_MAX];
    size_t octets = strlen(path);
    int error = 0;
    if (octets >= sizeof part)
        return -ENAMETOOLONG;
    for (size_t i = 1; error == 0 && i <= octets; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        error = privilege_make_one(part, owner);
    }
    struct stat st;
    if (error == 0 && (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)))
        error = -ENOTDIR;
    return error;
}

static int privilege_make_directories(const struct settings_server *settings,
                                      const struct privilege_owner *owner, char *why, size_t why_octets)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof parent, "%s", settings->control != NULL ? settings->control : "");
    char *slash = strrchr(parent, '/');
    if (slash != NULL)
        *slash = '\0';
    const char *wanted[][2] = {{settings->state_dir, "server.state-dir"}, {parent, "server.control"}};
    for (size_t i = 0; i < 2; i++) {
        if (wanted[i][0] == NULL || wanted[i][0][0] == '\0')
            continue;
        int error = privilege_make_directory(wanted[i][0], owner);
        if (error < 0) {
            (void)snprintf(why, why_octets, "can't make the directory %s: %s; make it, or change %s",
                           wanted[i][0], strerror(-error), wanted[i][1]);
            return error;
        }
    }
    return 0;
}

/* Of all that root may do, this alone: in force, and not for programs that we start. */
static int privilege_keep_net_admin(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct kept[_LINUX_CAPABILITY_U32S_3] = {
        {.effective = 1U << CAP_NET_ADMIN, .permitted = 1U << CAP_NET_ADMIN}};
    return syscall(SYS_capset, &header, kept) < 0 ? -errno : 0;
}

static int privilege_become(const struct passwd *user, bool net_admin, char *why, size_t why_octets)
{
    if (net_admin)
        (void)prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (initgroups(user->pw_name, user->pw_gid) < 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0) {
        int error = -errno;
        (void)snprintf(why, why_octets, "can't become user %s: %s", user->pw_name, strerror(-error));
        return error;
    }
    int error = net_admin ? privilege_keep_net_admin() : 0;
    if (error < 0)
        (void)snprintf(why, why_octets, "can't keep CAP_NET_ADMIN for announce.tun-device: %s",
                       strerror(-error));
    return error;
}

int privilege_drop(const struct settings_server *settings, bool net_admin, char *why, size_t why_octets)
{
    struct privilege_owner owner = {geteuid(), getegid(), false};
    const struct passwd *user = NULL;
    if (settings->user != NULL && geteuid() == 0) {
        user = getpwnam(settings->user);
        if (user == NULL) {
            (void)snprintf(why, why_octets,
                           "there is no user %s; make it (adduser --system --group %s) or change server.user",
                           settings->user, settings->user);
            return -ENOENT;
        }
        owner = (struct privilege_owner){user->pw_uid, user->pw_gid, user->pw_uid != 0};
    }
    int error = privilege_make_directories(settings, &owner, why, why_octets);
    if (error == 0 && owner.change)
        error = privilege_become(user, net_admin, why, why_octets);
    return error;
}

static uint64_t privilege_ambient(void)
{
    uint64_t set = 0;
    for (unsigned long i = 0; i <= CAP_LAST_CAP; i++)
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1)
            set |= UINT64_C(1) << i;
    return set;
}

/* Ambient is what is inherited and raised; what we may not do is passed over by the kernel. */
static void privilege_set_bequest(uint64_t inheritable, uint64_t ambient)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capget, &header, sets) < 0)
        return;
    sets[0].inheritable = (uint32_t)inheritable;
    sets[1].inheritable = (uint32_t)(inheritable >> 32);
    (void)syscall(SYS_capset, &header, sets);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (unsigned long i = 0; i <= CAP_LAST_CAP; i++)
        if ((ambient >> i & 1) != 0)
            (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
}

struct privilege_bequest privilege_bequeath_all(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};
    struct privilege_bequest before = {.ambient = privilege_ambient()};
    if (syscall(SYS_capget, &header, sets) < 0)
        return before;
    before.inheritable = sets[0].inheritable | (uint64_t)sets[1].inheritable << 32;
    uint64_t permitted = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
    privilege_set_bequest(before.inheritable | permitted, permitted);
    return before;
}

void privilege_bequeath_again(const struct privilege_bequest *before)
{
    privilege_set_bequest(before->inheritable, before->ambient);
}

int privilege_forsake(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

void privilege_raise_descriptors(size_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    const struct rlimit more = {.rlim_cur = wanted, .rlim_max = wanted};
    /* Only root may go beyond the limit that it was started with. */
    if (limit.rlim_max < wanted && setrlimit(RLIMIT_NOFILE, &more) == 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}
