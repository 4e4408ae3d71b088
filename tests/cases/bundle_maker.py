# SPDX-License-Identifier: Apache-2.0
"""Makes evidence bundles from the description of their format alone: a small journal in memory, its
RFC 6962 tree, notes signed by the openssl command, withheld subtrees, time stamps by `openssl ts`.
Shares no code with what it is used to test."""
import base64
import hashlib
import json
import os
import shutil
import subprocess

ORG = '5f0c2d9e7b1a4c36a8e4d1f09b72c35e'
FILLER = {'history.csv': 'time\n', 'history.jsonl': '', 'items.csv': 'batch\n',
          'summary.json': '{}\n'}


def sha(data):
    return hashlib.sha256(data).digest()


def b64(data):
    return base64.b64encode(data).decode()


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(',', ':')).encode()


def run(*args, **options):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **options).stdout


def tree_hash(leaves):
    """MTH of RFC 6962, section 2.1, as it is written there."""
    if not leaves:
        return sha(b'')
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha(b'\1' + tree_hash(leaves[:k]) + tree_hash(leaves[k:]))


class Signer:
    """An Ed25519 key of the openssl command; kind 1 signs notes, 4 cosigns them."""

    def __init__(self, folder, name, kind=1):
        self.name, self.kind = name, kind
        self.file = os.path.join(folder, 'key-%s' % os.urandom(6).hex())
        run('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', self.file)
        self.pem = run('openssl', 'pkey', '-in', self.file, '-pubout').decode()
        raw = run('openssl', 'pkey', '-in', self.file, '-pubout', '-outform', 'DER')[-32:]
        key = bytes([kind]) + raw
        self.hash = sha(name.encode() + b'\n' + key)[:4]
        self.vkey = '%s+%s+%s' % (name, self.hash.hex(), b64(key))

    def line(self, text, when=0):
        head = b'' if self.kind == 1 else when.to_bytes(8, 'big')
        signed = text.encode() if self.kind == 1 else b'cosignature/v1\ntime %d\n' % when + text.encode()
        with open(self.file + '.text', 'wb') as file:
            file.write(signed)
        signature = run('openssl', 'pkeyutl', '-sign', '-inkey', self.file, '-rawin', '-in',
                        self.file + '.text')
        return '\u2014 %s %s\n' % (self.name, b64(self.hash + head + signature))


class Authority:
    """An RFC 3161 authority: a root, and a certificate for time stamps that it issued."""

    def __init__(self, folder, days=30):
        self.folder = os.path.join(folder, 'authority-%s' % os.urandom(6).hex())
        os.mkdir(self.folder)
        self.path = lambda name: os.path.join(self.folder, name)
        with open(self.path('config'), 'w', encoding='ascii') as file:
            file.write('[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:TRUE\n'
                       '[stamp]\nextendedKeyUsage=critical,timeStamping\n[tsa]\ndefault_tsa=t\n[t]\n'
                       'serial=%s\nsigner_cert=%s\ncerts=%s\nsigner_key=%s\nsigner_digest=sha256\n'
                       'default_policy=1.2.3.4\ndigests=sha256\nordering=no\ntsa_name=yes\n'
                       'ess_cert_id_chain=no\n'
                       % tuple(map(self.path, ('serial', 'tsa.pem', 'ca.pem', 'tsa.key'))))
        for name in ('ca', 'tsa'):
            run('openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256',
                '-out', self.path(name + '.key'))
        run('openssl', 'req', '-x509', '-new', '-key', self.path('ca.key'), '-subj',
            '/CN=Test root',
            '-days', str(days), '-config', self.path('config'), '-extensions', 'ca', '-out',
            self.path('ca.pem'))
        run('openssl', 'req', '-new', '-key', self.path('tsa.key'), '-subj', '/CN=Test authority',
            '-config', self.path('config'), '-out', self.path('tsa.csr'))
        run('openssl', 'x509', '-req', '-in', self.path('tsa.csr'), '-CA', self.path('ca.pem'),
            '-CAkey', self.path('ca.key'), '-CAcreateserial', '-days', str(days), '-extfile',
            self.path('config'), '-extensions', 'stamp', '-out', self.path('tsa.pem'))
        self.ca = self.path('ca.pem')

    def reply(self, data, clock=()):
        """clock: a prefix of the command that sets its time, such as ('faketime', '2020-01-01')."""
        with open(self.path('data'), 'wb') as file:
            file.write(data)
        run('openssl', 'ts', '-query', '-data', self.path('data'), '-sha256', '-cert', '-out',
            self.path('request'))
        run(*clock, 'openssl', 'ts', '-reply', '-config', self.path('config'), '-queryfile',
            self.path('request'), '-out', self.path('reply'))
        with open(self.path('reply'), 'rb') as file:
            return file.read()


class Journal:
    """Entries in memory, and the checkpoints that were made of them."""

    def __init__(self, folder, slug='auditor-test'):
        self.folder, self.entries, self.lines, self.bodies = folder, [], [], {}
        self.lists, self.own, self.notes, self.keys, self.second = {}, {}, {}, [], 0
        self.origin = 'muniment/%s-0011aabb' % slug
        operator = {'claimed': None, 'host': 'h', 'sudo_user': None, 'tty': None, 'uid': 1,
                    'user': 'u'}
        self.operator = operator
        self.add('journal.created', journal='0011aabb' * 4, origin=self.origin, previous=None,
                 tool={'sha256': '0' * 64, 'version': '1'})
        self.new_key()

    def add(self, kind, **fields):
        seq = len(self.entries)
        entry = {'v': 1, 'seq': seq, 'kind': kind, 'boot': '001122334455', 'uptime_ms': 1000 + seq,
                 'time': '2026-11-23T%02d:%02d:%02d.%06dZ' % (self.second // 3600 % 24,
                         self.second // 60 % 60,
                                                             self.second % 60, seq % 1000000)}
        self.second += 1
        entry.update(fields)
        self.entries.append(entry)
        self.lines.append(canonical(entry))
        return seq

    def edit(self, seq, change):
        """Rewrites an entry as its keeper could."""
        change(self.entries[seq])
        self.lines[seq] = canonical(self.entries[seq])

    def new_key(self):
        signer = Signer(self.folder, self.origin)
        self.add('key.added', vkey=signer.vkey, operator=self.operator, reason='a key of the tests',
                 previous=self.keys[-1].vkey if self.keys else None)
        self.keys.append(signer)

    def commit(self, seq, data):
        salt = os.urandom(32)
        self.bodies[seq] = (salt, data)
        return {'bytes': len(data), 'commit': sha(salt + data).hex()}

    def plan(self, number, runs, op='archive', own=''):
        """own: lines `run TAB reason TAB ticket` of the items with their own."""
        plan = 'p-%020x' % number
        self.lists[plan], self.own[plan] = runs, own
        source = self.commit(len(self.entries), b'manifest %d' % number)
        self.add('plan.stored', plan=plan, op=op, org=ORG, base_url='https://api.tallyfy.com',
                 items=len(runs), duplicates=1, source=source, adopted=None,
                 overrides_sha256=sha(own.encode()).hex() if own else None,
                 list_sha256=sha(''.join(run + '\n' for run in runs).encode()).hex(),
                 reason='a reason of the tests', ticket=None, labels={'case': 'J\u00fcrgen'},
                 operator=self.operator)
        return plan

    def start(self, number, plan):
        batch = 'b-%020x' % number
        self.add('batch.started', batch=batch, plan=plan, purpose='run', epoch=1,
                 machine='aabbccddeeff',
                 all_in_doubt=False, reason=None, token='00' * 16, identity=None,
                 host='api.tallyfy.com',
                 proxy=None, limits='10/5s', options={}, operator=self.operator,
                 tool={'sha256': '0' * 64, 'version': '1'})
        return batch

    def request(self, place, purpose='archive', **changes):
        run = place['run']
        method, end = {'archive': ('DELETE', ''), 'restore': ('PUT', '/activate')}.get(purpose,
                ('GET', ''))
        fields = dict(place, purpose=purpose, method=method, attempt=1, epoch=1,
                      host='api.tallyfy.com',
                      path='/organizations/%s/runs/%s%s' % (ORG, run, end), reason=None,
                      ticket=None,
                      headers={'authorization': '00' * 16})
        fields.update(changes)
        return self.add('request', **fields)

    def response(self, place, request, verdict='archived', **changes):
        body = self.commit(len(self.entries), b'{"data":{"id":"%s"}}' % place['run'].encode())
        fields = dict(place, request=request, verdict=verdict, sent=True, http=200, headers={},
                      curl={'code': 0, 'name': 'OK'}, body=body, duration_ms=3,
                      remote_ip='127.0.0.1',
                      tls=None, archived_at=None, settles=None, retry_at=None)
        fields.update(changes)
        return self.add('response', **fields)

    def end(self, batch, kind='batch.ended', state='done', **counts):
        names = ('already', 'cancelled', 'done', 'failed', 'in_doubt', 'pending', 'skipped')
        counts = {name: counts.get(name, 0) for name in names}
        counts['total'] = sum(counts.values())
        return self.add(kind, batch=batch, counts=counts, state=state, why=None)

    def batch(self, number, items=3, doubtful=(), op='archive', seed=None, own=''):
        """A whole batch: a probe and an attempt for each item; those in doubtful get no answer."""
        runs = ['%032x' % ((seed or number) * 1000 + n) for n in range(items)]
        plan = self.plan(number, runs, op, own)
        batch = self.start(number, plan)
        done = 'archived' if op == 'archive' else 'restored'
        for item, name in enumerate(runs):
            place = {'batch': batch, 'item': item, 'org': ORG, 'run': name}
            probe = self.request(place, 'probe')
            self.response(place, probe, 'is_active')
            attempt = self.request(place, op)
            if item not in doubtful:
                self.response(place, attempt, done)
        self.end(batch, state='done_in_doubt' if doubtful else 'done', skipped=1,
                 done=items - len(doubtful), in_doubt=len(doubtful))
        return batch

    def leaves(self, size=None):
        return [sha(b'\0' + line) for line in self.lines[:size]]

    def sign(self, signers=None, size=None):
        """A checkpoint of the head (or of size), by the newest key unless told otherwise."""
        size = len(self.lines) if size is None else size
        text = '%s\n%d\n%s\n' % (self.origin, size, b64(tree_hash(self.leaves(size))))
        lines = ''.join(signer.line(text) for signer in signers or [self.keys[-1]])
        self.notes[size] = {'text': text, 'signed': text + '\n' + lines, 'witness': '',
                            'stamps': []}
        return size

    def anchored(self, size, kind, by, receipt):
        root = base64.b64decode(self.notes[size]['text'].split('\n')[2]).hex()
        self.add('checkpoint.anchored', size=size, root=root, anchor=kind, by=by,
                 receipt=sha(receipt).hex())

    def cosign(self, size, witness, when=2000000000):
        line = witness.line(self.notes[size]['text'], when)
        self.notes[size]['witness'] += line
        self.anchored(size, 'witness', witness.name, line[:-1].encode())

    def stamp(self, size, authority, clock=()):
        reply = authority.reply(self.notes[size]['signed'].encode(), clock)
        self.notes[size]['stamps'].append(reply)
        self.anchored(size, 'timestamp', '/CN=Test authority', reply)


def subtrees(leaves, selected, cuts):
    """(start, height, hash) of the maximal aligned subtrees without a selected leaf, none of which
    crosses one of the sizes in cuts."""
    found, at = [], 0
    while at < len(leaves):
        if at in selected:
            at += 1
            continue
        height = 0
        while at % (2 << height) == 0 and not any(at < cut < at + (2 << height) for cut in cuts) and (
                at + (2 << height) <= len(leaves)) and not any(
                    n in selected for n in range(at, at + (2 << height))):
            height += 1
        found.append((at, height, tree_hash(leaves[at:at + (1 << height)])))
        at += 1 << height
    return found


def write(folder, name, data):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def sums(folder):
    """Writes SHA256SUMS over what is there."""
    names = sorted(os.path.relpath(os.path.join(at, name), folder)
                   for at, _, files in os.walk(folder) for name in files)
    text = ''
    for name in names:
        if name != 'SHA256SUMS':
            with open(os.path.join(folder, name), 'rb') as file:
                text += '%s  %s\n' % (sha(file.read()).hex(), name)
    write(folder, 'SHA256SUMS', text)


def bundle(journal, folder, size=None, keep=None, shipped=(), bodies=False, checker=None, erased=(),
           lists=None):
    """Writes the bundle of the first `size` entries; keep: the entries of a filtered one."""
    size = size or max(journal.notes)
    shipped = sorted(set(shipped) - {size})
    os.mkdir(folder)
    for at in shipped + [size]:
        note = journal.notes[at]
        name = 'checkpoint' if at == size else 'checkpoints/%d' % at
        write(folder, name, note['signed'] + note['witness'])
        write(folder, name + '.signed', note['signed'])
        for number, stamp in enumerate(note['stamps'], 1):
            write(folder, '%s.%d.tsr' % (name, number), stamp)
    chosen = set(range(size)) if keep is None else set(keep)
    write(folder, 'entries.jsonl', b''.join(journal.lines[n] + b'\n' for n in sorted(chosen)))
    if keep is not None:
        write(folder, 'withheld',
              ''.join('%d %d %s\n' % (start, height, b64(node)) for start, height, node in
                                          subtrees(journal.leaves(size), chosen, shipped + [size])))
    key = [k for k in journal.keys if any(
        e['kind'] == 'key.added' and e['vkey'] == k.vkey for e in journal.entries[:size])][-1]
    write(folder, 'public-key.txt',
          '%s\nsha256 %s\n%s' % (key.vkey, sha(key.vkey.encode()).hex(), key.pem))
    for entry in journal.entries[:size]:
        if entry['kind'] == 'plan.stored' and (lists is None or entry['plan'] in lists):
            write(folder, 'plan/%s.ids' % entry['plan'],
                  ''.join(run + '\n' for run in journal.lists[entry['plan']]))
            if journal.own[entry['plan']]:
                write(folder, 'plan/%s.overrides' % entry['plan'], journal.own[entry['plan']])
    if bodies:
        rows = [{'seq': seq, 'commit': sha(salt + data).hex(), 'salt': b64(salt),
                 'bytes': b64(data)}
                for seq, (salt, data) in sorted(journal.bodies.items()) if seq in chosen
                and seq not in erased]
        write(folder, 'bodies.jsonl', b''.join(canonical(row) + b'\n' for row in rows))
    for name, text in FILLER.items():
        write(folder, name, text)
    write(folder, 'README.txt', 'made by a test\n')
    if checker:
        shutil.copyfile(checker, os.path.join(folder, 'verify.py'))
    sums(folder)
    return key.vkey
