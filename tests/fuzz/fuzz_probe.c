/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What comes back to the self-check -> its judgement. A good one has our NSID in it, whatever else; and a bad
 * one says why.
 */
#include "health/probe_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool contains(const uint8_t *data, size_t size, const char *text)
{
    return memmem(data, size, text, strlen(text)) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct probe_question soa = {.kind = PROBE_SOA, .id = 0x1234};
    struct probe_question identity = probe_identity_question(0x1234);
    const struct probe_question *questions[] = {&soa, &identity};
    if (name_from_text(soa.name, "example.com.") == 0)
        abort();
    for (size_t i = 0; i < 2; i++) {
        const char *why = NULL;
        enum probe_outcome outcome = probe_judge_answer(questions[i], "pop1", data, size, &why);
        if (outcome == PROBE_GOOD && (!contains(data, size, "pop1") || size < 50))
            abort();
        if ((outcome == PROBE_BAD || outcome == PROBE_REFUSED) && why == NULL)
            abort();
    }
    return 0;
}
