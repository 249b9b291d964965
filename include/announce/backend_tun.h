/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Backend `tun`: a prefix is announced by putting our service address, with the prefix's length, on a TUN
 * device of our own; a routing daemon that exports what is directly connected there (BIRD's `protocol
 * direct`) does the rest, and withdraws when the address goes, or the device with us.
 */
#ifndef HITHER_ANNOUNCE_BACKEND_TUN_H
#define HITHER_ANNOUNCE_BACKEND_TUN_H

#include "announce/backend.h"

extern const struct backend_driver backend_tun;

#endif
