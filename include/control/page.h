/* SPDX-License-Identifier: BSD-2-Clause
 *
 * server/control/page.html as bytes; the build makes them (server/control/embed.py).
 */
#ifndef HITHER_CONTROL_PAGE_H
#define HITHER_CONTROL_PAGE_H

#include <stddef.h>

extern const unsigned char control_page[];
extern const size_t control_page_octets;

#endif
