# SPDX-License-Identifier: Apache-2.0
"""A witness (c2sp.org/tlog-witness) on loopback, of Python and the openssl command alone.

    with Witness() as w:
        w.trust(LOG_VKEY)                     # whose logs it cosigns: origin = name of the key
        muniment('checkpoint', '--witness', w.url, '--witness-key', w.vkey)
        line = w.cosign(text)                 # cosignature line over the text of a note, no HTTP
        line = w.cosign(text, at=1600000000)  # as made at that time
        w.seen[origin] = size, root           # its state; may be set, for a witness that knows more

It checks the log's signature and the consistency proof by itself. `fault` (service.py): HANG DROP
GARBAGE LARGE REDIRECT NOTHING or a status, and WRONG_KEY (signed by another key under its name),
WRONG_TIME (the time in the line is not the signed one), STRANGER (a good line of another name
only), COMPANY (lines of others around its own), LAGGING (its clock is an hour late), HIGH (409 with
a size above everything), STUBBORN (409 with another size each time).
"""
import base64
import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
import time

import notes
from service import Service

WRONG_KEY, WRONG_TIME, STRANGER, COMPANY = 'wrong key', 'wrong time', 'stranger', 'company'
LAGGING, HIGH, STUBBORN = 'lagging', 'high', 'stubborn'
COSIGNER = 4  # type of a key


class Refused(Exception):
    def __init__(self, status, text, kind='text/plain; charset=utf-8'):
        super().__init__(text)
        self.answer = status, kind, text.encode()


def openssl(*args):
    return subprocess.run(['openssl', *args], check=False, stdin=subprocess.DEVNULL,
                          capture_output=True)


def key_hash(name, kind, public):
    return hashlib.sha256(name.encode() + b'\n' + bytes([kind]) + public).digest()[:4]


def make_vkey(name, kind, public):
    return '%s+%s+%s' % (name, key_hash(name, kind, public).hex(),
                         base64.b64encode(bytes([kind]) + public).decode())


class Signer:
    """An Ed25519 key pair in a folder."""

    def __init__(self, folder, name, kind):
        self.folder, self.name, self.kind = folder, name, kind
        self.key = os.path.join(folder, os.urandom(8).hex() + '.key')
        done = openssl('genpkey', '-algorithm', 'ed25519', '-out', self.key)
        assert done.returncode == 0, done.stderr
        self.public = openssl('pkey', '-in', self.key, '-pubout', '-outform', 'DER').stdout[-32:]
        self.vkey = make_vkey(name, kind, self.public)

    def sign(self, data):
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            file.write(data)
            file.flush()
            done = openssl('pkeyutl', '-sign', '-rawin', '-inkey', self.key, '-in', file.name)
        assert done.returncode == 0 and len(done.stdout) == 64, done.stderr
        return done.stdout

    def line(self, signature, mark=None):
        blob = (mark or key_hash(self.name, self.kind, self.public)) + signature
        return '\u2014 %s %s\n' % (self.name, base64.b64encode(blob).decode())

    def cosign(self, text, at, said=None):
        message = ('cosignature/v1\ntime %d\n' % at).encode() + text
        return self.line(struct.pack('>Q', at if said is None else said) + self.sign(message))


class Witness(Service):
    def __init__(self, name='witness.example/w1', context=None):
        self.folder = tempfile.mkdtemp(prefix='muniment-witness-')
        self.signer = Signer(self.folder, name, COSIGNER)
        self.vkey = self.signer.vkey
        self.logs = {}  # origin: notes.Key
        self.seen = {}  # origin: size, root
        super().__init__(context)

    def trust(self, vkey):
        key = notes.Key(vkey)
        assert key.type == 1, vkey
        self.logs.setdefault(key.name, []).append(key)

    def cosign(self, text, at=None):
        if isinstance(text, str):
            text = text.encode()
        return self.signer.cosign(text, int(time.time()) if at is None else at)

    def answer(self, path, body):
        if path != '/add-checkpoint':
            return 404, 'text/plain', b'no such page\n'
        try:
            return 200, 'text/plain; charset=utf-8', self.add_checkpoint(body).encode()
        except Refused as refused:
            return refused.answer
        except (ValueError, AssertionError):
            return 400, 'text/plain', b'malformed request\n'

    def add_checkpoint(self, body):
        old, proof, note = notes.read_growth(body.decode())
        assert len(proof) <= 63
        origin, size, root = note.origin, note.size, note.root
        if origin not in self.logs:
            raise Refused(404, 'unknown log\n')
        if not any(note.signed_by(key) for key in self.logs[origin]):
            raise Refused(403, 'invalid signature\n')
        if old > size:
            raise Refused(400, 'old size above the size\n')
        known, known_root = self.seen.get(origin, (0, hashlib.sha256(b'').digest()))
        if self.fault == HIGH:
            known = 1 << 40
        if self.fault == STUBBORN:
            known = 1 + len(self.requests)
        if known != old or (old == size and root != known_root):
            raise Refused(409, '%d\n' % known, 'text/x.tlog.size')
        if proof if old == 0 else not notes.consistent(proof, old, size, known_root, root):
            raise Refused(422, 'consistency proof does not verify\n')
        self.seen[origin] = size, root
        return self.lines(note.text.encode())

    def lines(self, text):
        now = int(time.time())
        if self.fault == WRONG_KEY:
            other = Signer(self.folder, self.signer.name, COSIGNER)
            message = ('cosignature/v1\ntime %d\n' % now).encode() + text
            mark = key_hash(self.signer.name, COSIGNER, self.signer.public)
            return self.signer.line(struct.pack('>Q', now) + other.sign(message), mark)
        if self.fault == WRONG_TIME:
            return self.signer.cosign(text, now, said=now + 60)
        if self.fault in (STRANGER, COMPANY):
            other = Signer(self.folder, 'stranger.example', COSIGNER).cosign(text, now)
            mine = self.signer.cosign(text, now)
            return other if self.fault == STRANGER else other + mine + other
        return self.signer.cosign(text, now - 3600 if self.fault == LAGGING else now)

    def close(self):
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)
