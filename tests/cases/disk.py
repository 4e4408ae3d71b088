# SPDX-License-Identifier: Apache-2.0
"""
File systems of their own for the tests, made with the mount calls of Linux 5.2 and later: they
are attached nowhere, so they need no mount program, work inside a chroot, where unshare(1)
fails, and are gone with the descriptor or the process, however it ends.
"""
import ctypes
import fcntl
import os
import struct
import subprocess

LIBC = ctypes.CDLL(None, use_errno=True)
FSOPEN, FSCONFIG, FSMOUNT, FSPICK, MOUNT_SETATTR = 430, 431, 432, 433, 442
SET_FLAG, SET_STRING, CREATE, RECONFIGURE = 0, 1, 6, 7
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
AT_FDCWD, AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, CLOEXEC, EMPTY_PATH = -100, 0x1000, 1, 1, 8
PAGE = 4096


def syscall(number, *args):
    values = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    got = LIBC.syscall(ctypes.c_long(number), *values)
    if got < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return got


def configure(context, **options):
    for name, value in options.items():
        if value is True:
            syscall(FSCONFIG, context, SET_FLAG, name.encode(), None, 0)
        else:
            syscall(FSCONFIG, context, SET_STRING, name.encode(), str(value).encode(), 0)


class Disk:
    """One mounted file system; path leads to its top from any process of this user."""

    def __init__(self, kind='tmpfs', **options):
        context = syscall(FSOPEN, kind.encode(), CLOEXEC)
        try:
            configure(context, **options)
            syscall(FSCONFIG, context, CREATE, None, None, 0)
            self.fd = syscall(FSMOUNT, context, CLOEXEC, 0)
        finally:
            os.close(context)
        self.path = '/proc/%d/fd/%d' % (os.getpid(), self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def free_pages(self):
        return os.statvfs(self.path).f_bavail * os.statvfs(self.path).f_frsize // PAGE

    def fill(self, leave=0):
        """Leave that many pages free."""
        self.clear()
        with open(self.path + '/filler', 'wb', buffering=0) as file:
            try:
                for _ in range(max(self.free_pages() - leave, 0)):
                    file.write(b'\0' * PAGE)
            except OSError:
                pass

    def clear(self):
        if os.path.exists(self.path + '/filler'):
            os.unlink(self.path + '/filler')

    def mount_read_only(self, on=True):
        """This mount, not the file system: refused while a file is open for writing."""
        value = ctypes.c_uint64 * 4
        attr = value(MOUNT_ATTR_RDONLY, 0, 0, 0) if on else value(0, MOUNT_ATTR_RDONLY, 0, 0)
        syscall(MOUNT_SETATTR, self.fd, b'', AT_EMPTY_PATH, ctypes.byref(attr), 32)


def may_mount():
    """Root may; others in a user namespace of their own, where the kernel lets them have one."""
    try:
        with Disk():
            return True
    except OSError:
        pass
    user, group = os.geteuid(), os.getegid()
    if user == 0 or LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
        return False
    try:
        for name, text in (('setgroups', 'deny'), ('uid_map', '0 %d 1' % user),
                           ('gid_map', '0 %d 1' % group)):
            with open('/proc/self/' + name, 'w', encoding='ascii') as file:
                file.write(text)
        with Disk():
            return True
    except OSError:
        return False


class Ext4:
    """A small ext4 in a file of folder, mounted through a loop device that frees itself."""

    def __init__(self, folder, megabytes=48):
        image = os.path.join(folder, 'image')
        with open(image, 'wb') as file:
            file.truncate(megabytes << 20)
        path = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
        subprocess.run(['mkfs.ext4', '-q', '-F', image], check=True, stdin=subprocess.DEVNULL,
                       env=dict(os.environ, PATH=path), stderr=subprocess.DEVNULL)
        self.name, device = attach_loop(image)
        try:
            self.disk = Disk('ext4', source='/dev/' + self.name, errors='remount-ro')
        finally:
            os.close(device)  # the mount holds it now; what nobody holds is freed
        self.path = self.disk.path

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.disk.__exit__(*args)

    def fail(self):
        """What ext4 does after an error of the disk: from now on it can only be read."""
        with Disk('sysfs') as sysfs:
            with open('%s/fs/ext4/%s/trigger_fs_error' % (sysfs.path, self.name), 'w',
                      encoding='ascii') as file:
                file.write('1')


def attach_loop(image):
    get_free, configure_it, autoclear = 0x4C82, 0x4C0A, 4
    control = os.open('/dev/loop-control', os.O_RDWR)
    file = os.open(image, os.O_RDWR)
    try:
        name = 'loop%d' % fcntl.ioctl(control, get_free)
        device = os.open('/dev/' + name, os.O_RDWR)
        info = struct.pack('<5Q4I', 0, 0, 0, 0, 0, 0, 0, 0, autoclear).ljust(232, b'\0')
        fcntl.ioctl(device, configure_it, struct.pack('<II', file, 0) + info + bytes(64))
        return name, device
    finally:
        os.close(file)
        os.close(control)
