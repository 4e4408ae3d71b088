# SPDX-License-Identifier: Apache-2.0
"""Signed notes and proofs as a stranger would check them: RFC 6962 by hashlib, Ed25519 by the
openssl command, the file formats by the C2SP specifications; nothing of muniment's."""
import base64
import hashlib
import os
import subprocess
import tempfile

DER = bytes.fromhex('302a300506032b6570032100')  # SubjectPublicKeyInfo of an Ed25519 key


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf(entry):
    return sha256(b'\0' + entry)


def node(left, right):
    return sha256(b'\1' + left + right)


class Key:
    """A verifier key: NAME+HASH+BASE64(type, key); the hash is checked."""

    def __init__(self, vkey):
        self.text = vkey
        self.name, self.hash, encoded = vkey.split('+', 2)
        data = base64.b64decode(encoded, validate=True)
        self.type, self.key = data[0], data[1:]
        assert len(self.key) == 32, vkey
        assert sha256(self.name.encode() + b'\n' + data)[:4].hex() == self.hash, vkey

    def signed(self, text, signature):
        with tempfile.TemporaryDirectory(prefix='muniment-case-') as folder:
            paths = [os.path.join(folder, name) for name in ('key', 'text', 'signature')]
            for path, data in zip(paths, (DER + self.key, text, signature)):
                with open(path, 'wb') as file:
                    file.write(data)
            return subprocess.run(
                ['openssl', 'pkeyutl', '-verify', '-pubin', '-keyform', 'DER', '-inkey', paths[0],
                 '-rawin', '-in', paths[1], '-sigfile', paths[2]],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


class Note:
    """A checkpoint with its signature lines; origin, size and root of its text."""

    def __init__(self, note):
        self.note = note
        text, _, rest = note.partition('\n\n')
        self.text = text + '\n'
        self.lines = rest.splitlines()
        assert note == self.text + '\n' + ''.join(line + '\n' for line in self.lines), note
        self.origin, size, root = text.split('\n')
        self.size, self.root = int(size), base64.b64decode(root, validate=True)
        assert str(self.size) == size and len(self.root) == 32, note

    def keys(self):
        """(name, hash) of each line."""
        return [(line.split(' ')[1], base64.b64decode(line.split(' ')[2])[:4].hex())
                for line in self.lines]

    def signed_by(self, key):
        """Is there a line of the key, and is it good? For a cosigner: its time, else True."""
        for line in self.lines:
            dash, name, encoded = line.split(' ')
            assert dash == '\u2014', line
            data = base64.b64decode(encoded, validate=True)
            if name != key.name or data[:4].hex() != key.hash:
                continue
            if key.type == 1:
                return key.signed(self.text.encode(), data[4:])
            when = int.from_bytes(data[4:12], 'big')
            text = 'cosignature/v1\ntime %d\n%s' % (when, self.text)
            return when if key.signed(text.encode(), data[12:]) else False
        return False


def included(proof, index, size, entry, root):
    """RFC 9162 2.1.3.2."""
    fn, sn, at = index, size - 1, leaf(entry)
    if index >= size:
        return False
    for other in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            at = node(other, at)
            while fn & 1 == 0 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            at = node(at, other)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and at == root


def tree_root(entries):
    """RFC 6962 2.1, by its definition."""
    if not entries:
        return sha256(b'')
    if len(entries) == 1:
        return leaf(entries[0])
    half = 1
    while half * 2 < len(entries):
        half *= 2
    return node(tree_root(entries[:half]), tree_root(entries[half:]))


def consistent(proof, old, size, old_root, root):
    """RFC 9162 2.1.4.2, for 0 < old <= size."""
    if old == size:
        return not proof and old_root == root
    if old & (old - 1) == 0:
        proof = [old_root, *proof]
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    if not proof:
        return False
    fr = sr = proof[0]
    for other in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(other, fr), node(other, sr)
            while fn & 1 == 0 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, other)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == root


def read_proof(text):
    """c2sp.org/tlog-proof: (entry, index, hashes, note)."""
    head, _, note = text.partition('\n\n')
    lines = head.split('\n')
    assert lines[0] == 'c2sp.org/tlog-proof@v1', lines[0]
    extra = lines.pop(1)
    assert extra.startswith('extra ') and lines[1].startswith('index '), head
    return (base64.b64decode(extra[6:], validate=True), int(lines[1][6:]),
            [base64.b64decode(line, validate=True) for line in lines[2:]], Note(note))


def read_growth(text):
    """Body of add-checkpoint (c2sp.org/tlog-witness): (old, hashes, note)."""
    head, _, note = text.partition('\n\n')
    lines = head.split('\n')
    assert lines[0].startswith('old '), lines[0]
    return (int(lines[0][4:]), [base64.b64decode(line, validate=True) for line in lines[1:]],
            Note(note))


class Log:
    """A log of our own, with a key by openssl, that can be forged at will."""

    def __init__(self, folder, name='example.com/log', entries=()):
        self.path = os.path.join(folder, hashlib.sha256(name.encode()).hexdigest()[:8] + '.pem')
        self.entries = list(entries)
        if not os.path.exists(self.path):
            subprocess.run(['openssl', 'genpkey', '-algorithm', 'ed25519', '-out', self.path],
                           check=True, stderr=subprocess.DEVNULL)
        public = subprocess.run(['openssl', 'pkey', '-in', self.path, '-pubout', '-outform', 'DER'],
                                check=True, capture_output=True).stdout
        assert public[:12] == DER, public
        data = b'\1' + public[12:]
        self.name = name
        self.hash = sha256(name.encode() + b'\n' + data)[:4]
        self.vkey = '%s+%s+%s' % (name, self.hash.hex(), base64.b64encode(data).decode())

    def line(self, text):
        with tempfile.NamedTemporaryFile(prefix='muniment-case-') as file:
            file.write(text.encode())
            file.flush()
            signature = subprocess.run(
                ['openssl', 'pkeyutl', '-sign', '-inkey', self.path, '-rawin', '-in', file.name],
                check=True, capture_output=True).stdout
        return '\u2014 %s %s\n' % (self.name, base64.b64encode(self.hash + signature).decode())

    def checkpoint(self, size=None, root=None):
        size = len(self.entries) if size is None else size
        root = root or tree_root(self.entries[:size])
        text = '%s\n%d\n%s\n' % (self.name, size, base64.b64encode(root).decode())
        return text + '\n' + self.line(text)

    def growth(self, old, size=None, proof=None, note=None):
        size = len(self.entries) if size is None else size
        if proof is None:
            proof = growth_proof(self.entries[:size], old) if 0 < old < size else []
        lines = ''.join(base64.b64encode(line).decode() + '\n' for line in proof)
        return 'old %d\n%s\n%s' % (old, lines, note or self.checkpoint(size))


def growth_proof(entries, old, whole=True):
    """RFC 6962 2.1.2, by its definition."""
    if old == len(entries):
        return [] if whole else [tree_root(entries)]
    half = 1
    while half * 2 < len(entries):
        half *= 2
    if old <= half:
        return growth_proof(entries[:half], old, whole) + [tree_root(entries[half:])]
    return growth_proof(entries[half:], old - half, False) + [tree_root(entries[:half])]
