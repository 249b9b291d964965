/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Landlock by its system calls, for which there is no library (landlock(7)). Kernels know more or less of it,
 * so what isn't known to this one isn't asked for.
 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of newer headers than may be there. */
#define ACCESS_REFER        (UINT64_C(1) << 13) /* version 2 */
#define ACCESS_TRUNCATE     (UINT64_C(1) << 14) /* 3 */
#define ACCESS_IOCTL_DEV    (UINT64_C(1) << 15) /* 5 */
#define SCOPE_ABSTRACT_UNIX (UINT64_C(1) << 0)  /* 6 */

#define ACCESS_READ_FILE  (UINT64_C(1) << 2)
#define ACCESS_READ       (ACCESS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE_FILE (LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)
#define ACCESS_WRITE                                                                                         \
    (ACCESS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |                         \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR)
#define ACCESS_OF_FILES (ACCESS_READ_FILE | ACCESS_WRITE_FILE)

/* The kernel's layout, of version 6; an older one takes a shorter one. */
struct ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

/* All that is governed by each version. */
static uint64_t landlock_known(int version)
{
    uint64_t known = ACCESS_REFER - 1;
    known |= version >= 2 ? ACCESS_REFER : 0;
    known |= version >= 3 ? ACCESS_TRUNCATE : 0;
    known |= version >= 5 ? ACCESS_IOCTL_DEV : 0;
    return known;
}

static size_t ruleset_octets(int version)
{
    if (version >= 6)
        return sizeof(struct ruleset);
    return version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

static int landlock_allow(int rules, const struct sandbox_path *path, uint64_t known)
{
    struct stat st;
    int fd = open(path->path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return 0; /* nothing is there to be allowed */
    uint64_t access = path->writable ? ACCESS_READ | ACCESS_WRITE : ACCESS_READ;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        access &= ACCESS_OF_FILES;
    const struct landlock_path_beneath_attr rule = {.allowed_access = access & known, .parent_fd = fd};
    int error = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
    close(fd);
    return error;
}

int sandbox_restrict_paths(const struct sandbox_path *paths, size_t count)
{
    int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return 0;
    const struct ruleset wanted = {.handled_access_fs = landlock_known(version),
                                   .scoped = SCOPE_ABSTRACT_UNIX};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &wanted, ruleset_octets(version), 0);
    int error = rules < 0 ? -errno : 0;
    for (size_t i = 0; error == 0 && i < count; i++)
        error = landlock_allow(rules, &paths[i], wanted.handled_access_fs);
    if (error == 0 && syscall(SYS_landlock_restrict_self, rules, 0) < 0)
        error = -errno;
    if (rules >= 0)
        close(rules);
    return error < 0 ? error : version;
}
