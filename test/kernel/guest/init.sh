#!/bin/busybox sh
# The guest's first process: what a kernel with Bluetooth needs, then our program, then the end.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t debugfs debugfs /sys/kernel/debug
/bin/busybox mount -t tmpfs tmpfs /tmp
export PATH=/bin:/usr/bin HOME=/tmp
/bin/busybox modprobe -a hci_vhci ecb cmac
/usr/bin/node /package/test/kernel/guest/main.js
/bin/busybox poweroff -f
