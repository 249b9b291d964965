/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A TUN device that lives exactly as long as this process: not persistent, its one descriptor open here
 * alone, so the kernel removes it, its addresses and the routes over it however we end, SIGKILL included.
 * Nothing is ever read from it. With addresses it is an announcement by itself (announce/backend_tun.h);
 * without, it is the interface that another program's route leads to, which goes with us.
 */
#ifndef HITHER_ANNOUNCE_TUN_DEVICE_H
#define HITHER_ANNOUNCE_TUN_DEVICE_H

#include "config.h"

#include <jansson.h>

struct tun_device;

/* Makes no device yet. NULL when memory is short. */
struct tun_device *tun_device_new(const char *name);

/* Sees to it that the device is there, and up: makes it, or makes it anew when somebody removed it. 0 or
 * -errno, which is logged when it is news. Needs CAP_NET_ADMIN. */
int tun_device_keep(struct tun_device *device);

/* Adds or removes the address, with the length of the prefix. Done already counts as done. 0 or -errno. */
int tun_device_set(struct tun_device *device, const union settings_address *address, uint8_t bits,
                   bool there);

/* Whether the device has the address with that length of prefix, and is up. 1, 0 or -errno. */
int tun_device_has(const struct tun_device *device, const union settings_address *address, uint8_t bits);

/* Leaves the device to another program, its descriptor in `fds`; and takes it over, if there is one. */
json_t *tun_device_hand_over(const struct tun_device *device, int *fds, size_t *count);
void tun_device_take_over(struct tun_device *device, const json_t *heritage);

/* Removes it and frees; NULL is fine. */
void tun_device_close(struct tun_device *device);

#endif
