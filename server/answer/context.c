/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/context.h"

#include "base/secret.h"

#include <errno.h>
#include <urcu-qsbr.h>

static struct answer_policy *policy_in_force;

int answer_policy_publish(const struct answer_policy *policy)
{
    struct answer_policy *copy = secret_new(sizeof *copy);
    if (copy == NULL)
        return -ENOMEM;
    *copy = *policy;
    (void)zone_access_hold(copy->limit.exempt);
    (void)zone_access_hold(copy->limit.own);
    struct answer_policy *before = rcu_xchg_pointer(&policy_in_force, copy);
    if (before != NULL) {
        synchronize_rcu();
        zone_access_release(before->limit.exempt);
        zone_access_release(before->limit.own);
        secret_free(before, sizeof *before);
    }
    return 0;
}

const struct answer_policy *answer_policy_current(void)
{
    static const struct answer_policy none = {.udp_octets = 1232};
    const struct answer_policy *policy = rcu_dereference(policy_in_force);
    return policy != NULL ? policy : &none;
}
