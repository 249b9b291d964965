/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What stands behind an image in the cache. What is read is written again, octet for octet.
 */
#include "zone/stamp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
    struct zone_stamps stamps;
    struct reader r = reader_of(data, octets);
    if (!zone_stamps_read(&stamps, &r))
        return 0;
    size_t taken = octets - reader_left(&r);
    uint8_t *again = malloc(taken);
    if (again == NULL)
        abort();
    struct writer w = writer_to(again, taken);
    zone_stamps_write(&stamps, &w);
    /* A path ends at its first zero octet, so that what is behind it is lost. */
    if (writer_offset(&w) == taken &&
        (w.failed || memcmp(again, data, taken) != 0 || zone_stamps_octets(&stamps) != taken))
        abort();
    (void)zone_stamps_hold(&stamps);
    free(again);
    zone_stamps_free(&stamps);
    return 0;
}
