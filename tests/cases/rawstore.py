# SPDX-License-Identifier: Apache-2.0
"""The tables of a journal, written as somebody could who has the file: LMDB through ctypes, and the
RFC 6962 tree by the index scheme of its format. Only for journals that nobody has open."""
import ctypes
import ctypes.util
import hashlib
import struct

CREATE = 0x40000
NOTFOUND = -30798


class Val(ctypes.Structure):
    _fields_ = [('size', ctypes.c_size_t), ('data', ctypes.c_void_p)]


def val(data):
    return Val(len(data), ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p))


class Store:
    """with Store(directory) as s: s.put('log', key(3), line); committed at the end."""

    def __init__(self, folder):
        self.lib = ctypes.CDLL(ctypes.util.find_library('lmdb') or 'liblmdb.so.0')
        self.env, self.txn, self.tables = ctypes.c_void_p(), ctypes.c_void_p(), {}
        self.do('mdb_env_create', ctypes.byref(self.env))
        self.do('mdb_env_set_maxdbs', self.env, ctypes.c_uint(32))
        self.do('mdb_env_set_mapsize', self.env, ctypes.c_size_t(1 << 28))
        self.do('mdb_env_open', self.env, folder.encode(), ctypes.c_uint(0), ctypes.c_uint(0o600))
        self.do('mdb_txn_begin', self.env, None, ctypes.c_uint(0), ctypes.byref(self.txn))

    def do(self, name, *args):
        code = getattr(self.lib, name)(*args)
        assert code == 0, '%s: %d' % (name, code)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.do('mdb_txn_commit', self.txn)
        self.lib.mdb_env_close(self.env)

    def table(self, name):
        if name not in self.tables:
            dbi = ctypes.c_uint()
            self.do('mdb_dbi_open', self.txn, name.encode(), ctypes.c_uint(0), ctypes.byref(dbi))
            self.tables[name] = dbi
        return self.tables[name]

    def get(self, table, key):
        found = Val()
        code = self.lib.mdb_get(self.txn, self.table(table), ctypes.byref(val(key)), ctypes.byref(found))
        assert code in (0, NOTFOUND), code
        return ctypes.string_at(found.data, found.size) if code == 0 else None

    def put(self, table, key, data):
        self.do('mdb_put', self.txn, self.table(table), ctypes.byref(val(key)),
                ctypes.byref(val(data)), ctypes.c_uint(0))

    def delete(self, table, key):
        self.do('mdb_del', self.txn, self.table(table), ctypes.byref(val(key)), None)


def key(number):
    return struct.pack('>Q', number)


def stored(size):
    """Stored hashes of a tree of that size."""
    return 2 * size - bin(size).count('1')


def make_tree(store, size):
    """Leaves, nodes and head of the first entries as they stand; the root."""
    edge = []  # (height, hash)
    for seq in range(size):
        made = [hashlib.sha256(b'\0' + store.get('log', key(seq))).digest()]
        height = 0
        while edge and edge[-1][0] == height:
            made.append(hashlib.sha256(b'\1' + edge.pop()[1] + made[-1]).digest())
            height += 1
        edge.append((height, made[-1]))
        for n, node in enumerate(made):
            store.put('tree', key(stored(seq) + n), node)
    store.put('head', b'head', struct.pack('>Q', size) + b''.join(node for _, node in edge))
    root = edge[-1][1]
    for _, node in reversed(edge[:-1]):
        root = hashlib.sha256(b'\1' + node + root).digest()
    return root
