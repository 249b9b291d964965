/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Configuration bytes -> settings or findings: never both, never neither, and every finding is one line.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings findings = {0};
    struct settings *settings = settings_parse((const char *)data, size, "/fuzz/hither.yaml", &findings);
    if ((settings != NULL) == (findings.errors > 0))
        abort();
    for (size_t i = 0; i < findings.count; i++) {
        if (strchr(findings.list[i].text, '\n') != NULL)
            abort();
    }
    if (settings != NULL && (settings->server.listen_count == 0 || settings->server.workers == 0 ||
                             settings->server.identity == NULL || settings->server.control == NULL))
        abort();
    settings_free(settings);
    findings_free(&findings);
    return 0;
}
