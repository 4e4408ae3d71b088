# SPDX-License-Identifier: Apache-2.0
"""An empty FUSE file system, answered by a thread of the test; just enough to be looked at."""
import os
import struct
import threading

from disk import Disk

INIT, LOOKUP, GETATTR, STATFS, OPENDIR, ACCESS = 26, 1, 3, 17, 27, 34
FORGET, ENOENT, ENOSYS = 2, 2, 38
HEADER = '<IIQQIIII'


def attributes():
    """struct fuse_attr of a folder."""
    return struct.pack('<6Q10I', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0)


class Fuse:
    def __init__(self):
        self.device = os.open('/dev/fuse', os.O_RDWR)
        self.disk = Disk('fuse', source='test', fd=self.device, rootmode='40000', user_id=0,
                         group_id=0)
        self.path = self.disk.path
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.disk.__exit__(*args)
        self.thread.join(5)
        os.close(self.device)

    def serve(self):
        while True:
            try:
                request = os.read(self.device, 1 << 20)
            except OSError:
                return  # the file system is gone
            _, kind, unique, _, _, _, _, _ = struct.unpack_from(HEADER, request)
            if kind == FORGET:
                continue
            error, body = self.answer(kind)
            os.write(self.device, struct.pack('<IiQ', 16 + len(body), -error, unique) + body)

    @staticmethod
    def answer(kind):
        if kind == INIT:
            return 0, struct.pack('<IIIIHHIIHH8I', 7, 31, 4096, 0, 12, 9, 65536, 1, 1, 0, *[0] * 8)
        if kind == GETATTR:
            return 0, struct.pack('<QII', 1, 0, 0) + attributes()
        if kind == STATFS:
            return 0, struct.pack('<5Q10I', 1000, 1000, 1000, 0, 0, 4096, 255, *[0] * 8)
        return (0 if kind == ACCESS else ENOENT if kind == LOOKUP else ENOSYS), b''
