# SPDX-License-Identifier: Apache-2.0
"""Evidence of a real journal, checked by xmod.go with Go's golang.org/x/mod/sumdb, and cosignatures
by the openssl command. One changed byte anywhere, and it is refused. Skipped where there is no Go."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cases'))
import notes  # noqa: E402
from harness import SKIPPED, World as Harness, main  # noqa: E402

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'xmod.go')
GOPATH = '/usr/share/gocode'  # Debian's golang-golang-x-mod-dev
PLACES = 50  # changed bytes of a file, at most


class World(Harness):
    """A journal that has run, with a signing key, and an auditor beside it."""

    def __init__(self):
        super().__init__('--runs', '12')
        self.env['MUNIMENT_KEY_FILE'] = self.write('key', os.urandom(48).hex())
        self.auditor = {**self.env, 'MUNIMENT_VAULT': os.path.join(self.folder, 'auditor'),
                        'MUNIMENT_KEY_FILE': self.write('auditor-key', os.urandom(48).hex())}

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(path, 0o600)
        return path

    def path(self, name):
        return os.path.join(self.folder, name)

    def as_auditor(self, *args):
        own, self.env = self.env, self.auditor
        try:
            return self.expect(0, *args)
        finally:
            self.env = own

    def run_all(self, op):
        self.expect(0, 'run', self.plan(op), '--rate', 'none', '--progress', 'none')

    def cosign(self, step, vkey):
        """The auditor cosigns a step; the operator takes the line."""
        line = self.path('cosigned')
        self.as_auditor('cosign', step, line, '--state', self.path('state-file'), '--log-key', vkey)
        witness = self.as_auditor('cosign', '--public-key').splitlines()[0]
        self.expect(0, 'checkpoint', '--add', line, '--witness-key', witness)
        return witness


    def bundle(self, folder):
        self.expect(0, 'export', '--out', folder)


def build(folder):
    """The checker, from source."""
    program = os.path.join(folder, 'xmod')
    env = {'PATH': os.environ.get('PATH', ''), 'HOME': folder, 'GO111MODULE': 'off',
           'GOPATH': GOPATH, 'GOCACHE': os.path.join(folder, 'cache'), 'CGO_ENABLED': '0'}
    done = subprocess.run(['go', 'build', '-o', program, SOURCE], env=env, cwd=folder,
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, 'go build, with golang-golang-x-mod-dev: ' + done.stderr
    return program


def check(folder):
    done = subprocess.run([XMOD, folder], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def accept(folder, said):
    status, out = check(folder)
    assert (status, out.strip()) == (0, said), (status, out, said)


def refuse(folder, what):
    status, out = check(folder)
    assert status == 1 and out.startswith('xmod: '), '%s: %d, %s' % (what, status, out)


def read(folder, name):
    with open(os.path.join(folder, name), 'rb') as file:
        return file.read()


def write(folder, name, data):
    with open(os.path.join(folder, name), 'wb') as file:
        file.write(data if isinstance(data, bytes) else data.encode())


class Changed:
    """A copy of the evidence with other bytes in one file."""

    def __init__(self, folder, name, data):
        self.folder, self.name, self.data = folder, name, data

    def __enter__(self):
        self.kept = read(self.folder, self.name)
        assert self.kept != self.data, 'nothing is changed in ' + self.name
        write(self.folder, self.name, self.data)
        return self.folder

    def __exit__(self, *_):
        write(self.folder, self.name, self.kept)


def evidence(w, folder):
    """Two runs, a checkpoint kept between them, both cosigned; then all that leaves the journal.
    How many entries each checkpoint has."""
    w.run_all('archive')
    old = w.expect(0, 'checkpoint')
    vkey = w.expect(0, 'checkpoint', '--public-key').splitlines()[0]
    first = w.path('first.add-checkpoint')
    w.expect(0, 'prove', '--since-checkpoint', '0', '--out', first)
    witness = w.cosign(first, vkey)
    w.run_all('restore')
    w.expect(0, 'checkpoint')
    kept = w.write('kept', old)
    step = w.path('step.add-checkpoint')
    w.expect(0, 'prove', '--since-checkpoint', kept, '--out', step)
    assert w.cosign(step, vkey) == witness
    w.bundle(folder)
    write(folder, 'witness-keys.txt', witness + '\n')
    write(folder, 'old.checkpoint', old)
    for path in (first, step):
        shutil.copy(path, folder)
    size = notes.Note(read(folder, 'checkpoint').decode()).size
    for seq in (0, 1, size // 2, size - 2, size - 1):
        w.expect(0, 'prove', '#%d' % seq, '--out', os.path.join(folder, '%d.tlog-proof' % seq))
    runs = w.path('runs')
    w.expect(0, 'prove', w.sandbox.ids[3], '--out', runs)
    for path in glob.glob(os.path.join(runs, '*')):
        shutil.copy(path, os.path.join(folder, 'run-%s' % os.path.basename(path)))
    assert len(glob.glob(os.path.join(folder, 'run-*.tlog-proof'))) >= 4, os.listdir(runs)
    return notes.Note(old).size, size


def test_all_of_it():
    """The tree of every entry, both checkpoints, each proof and each step."""
    with World() as w:
        folder = w.path('evidence')
        old, size = evidence(w, folder)
        assert 0 < old < size
        proofs = len(glob.glob(os.path.join(folder, '*.tlog-proof')))
        others = 1 + len(os.listdir(os.path.join(folder, 'checkpoints')))
        assert others >= 3 and os.path.exists(os.path.join(folder, 'checkpoint.signed'))
        rest = '2 signatures, %d other checkpoints, %d proofs, 2 steps' % (others, proofs)
        whole = 'size %d, %d entries, %s' % (size, size, rest)
        accept(folder, whole)
        alone(folder, 'size %d, 0 entries, %s' % (size, rest))
        cosignatures(folder)
        tampered(folder)
        forged(folder)
        accept(folder, whole)


def alone(folder, said):
    """Proofs need nothing but the key."""
    entries = read(folder, 'entries.jsonl')
    os.remove(os.path.join(folder, 'entries.jsonl'))
    accept(folder, said)
    for name in ('1.tlog-proof', 'step.add-checkpoint'):
        lines = read(folder, name).split(b'\n')
        lines[3], lines[4] = lines[4], lines[3]
        with Changed(folder, name, b'\n'.join(lines)):
            refuse(folder, 'two hashes of %s changed places' % name)
    write(folder, 'entries.jsonl', entries)


def cosignatures(folder):
    """By the openssl command: the log's line and the witness's, and each only over this text."""
    note = notes.Note(read(folder, 'checkpoint').decode())
    old = notes.Note(read(folder, 'old.checkpoint').decode())
    log = notes.Key(read(folder, 'public-key.txt').decode().split('\n')[0])
    witness = notes.Key(read(folder, 'witness-keys.txt').decode().strip())
    assert (log.type, witness.type) == (1, 4) and len(note.lines) == 2
    assert note.signed_by(log) is True and note.signed_by(witness) > 1600000000
    assert old.signed_by(log) is True
    other = notes.Note(note.note.replace(note.text, old.text))
    assert other.signed_by(log) is False and other.signed_by(witness) is False


def tampered(folder):
    """One byte, anywhere."""
    # of the proofs of a kind, and of earlier checkpoints, a few are enough
    names = ['entries.jsonl', 'checkpoint', 'checkpoint.signed', 'old.checkpoint',
             'public-key.txt', 'witness-keys.txt', '0.tlog-proof', '1.tlog-proof',
             'first.add-checkpoint', 'step.add-checkpoint',
             os.path.join('checkpoints', min(os.listdir(os.path.join(folder, 'checkpoints'))))]
    for name in names:
        data = read(folder, name)
        for at in range(0, len(data), len(data) // PLACES + 1):
            with Changed(folder, name, data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]):
                refuse(folder, 'byte %d of %s' % (at, name))
        for end in (0, len(data) // 2, len(data) - 1):
            with Changed(folder, name, data[:end]):
                refuse(folder, '%s cut at %d' % (name, end))


def forged(folder):
    """What is well-formed, and not what was signed."""
    lines = read(folder, 'entries.jsonl').splitlines(keepends=True)
    for what, forgery in (
            ('the last entry is gone', lines[:-1]), ('the first entry is gone', lines[1:]),
            ('two entries are gone', lines[:5] + lines[7:]),
            ('two entries changed places', lines[:5] + [lines[6], lines[5]] + lines[7:]),
            ('an entry stands twice', lines[:5] + [lines[5]] + lines[5:]),
            ('an entry is added', lines + [lines[-1]])):
        with Changed(folder, 'entries.jsonl', b''.join(forgery)):
            refuse(folder, what)
    note = read(folder, 'checkpoint')
    with Changed(folder, 'checkpoint', read(folder, 'old.checkpoint')):
        refuse(folder, 'an older checkpoint')
    with Changed(folder, 'checkpoint', b''.join(note.splitlines(keepends=True)[:-1])):
        refuse(folder, 'the cosignature is gone')
    with Changed(folder, 'old.checkpoint', note):
        refuse(folder, 'a step from another size')
    with Changed(folder, '1.tlog-proof', read(folder, '1.tlog-proof').replace(
            b'\nindex 1\n', b'\nindex 0\n')):
        refuse(folder, 'another index')


if shutil.which('go') is None:
    print('skipped: go is not installed')
    sys.exit(SKIPPED)
with tempfile.TemporaryDirectory(prefix='muniment-go-') as made:
    XMOD = build(made)
    main([('evidence of a journal holds for x/mod', test_all_of_it)])
