# SPDX-License-Identifier: Apache-2.0
"""Signed checkpoints and proofs: the life of the signing key, what is asked and when, what is
printed, and that the key never leaves the vault. What comes out is checked by notes.py."""
import base64
import ctypes
import ctypes.util
import hashlib
import json
import os
import pty
import select
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import notes
from harness import MUNIMENT, ORG, World as Harness, main

REASON = 'a case of the tests'
NEW = ('--new-key', '--reason', 'the laptop was stolen')


class World(Harness):
    """With a key file, which the environment names, and a vault of its own."""

    def __init__(self, *sandbox_args):
        super().__init__(*(sandbox_args or ('--runs', '4')))
        self.vault = os.path.join(self.folder, 'data/muniment/vault')
        self.env['MUNIMENT_KEY_FILE'] = self.write('key', os.urandom(48))

    def write(self, name, data, mode=0o600):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        os.chmod(path, mode)
        return path

    def other(self):
        """A second operator: another vault, with a key of its own."""
        return {**self.env, 'MUNIMENT_VAULT': os.path.join(self.folder, 'other'),
                'MUNIMENT_KEY_FILE': self.write('other-key', os.urandom(48))}

    def call(self, *args, env=None, **options):
        """No terminal: a session of its own."""
        done = subprocess.run([MUNIMENT, *args], stdin=subprocess.DEVNULL, capture_output=True,
                              env=env or self.env, timeout=60, check=False,
                              start_new_session=True, **options)
        return (done.returncode, done.stdout.decode(), done.stderr.decode())

    def refuse(self, status, *args, says=(), **options):
        got, out, err = self.call(*args, **options)
        assert got == status, '%s: exit %d, not %d: %s' % (' '.join(args), got, status, err)
        for word in (says,) if isinstance(says, str) else says:
            assert word in err, '%s: no "%s" in: %s' % (' '.join(args), word, err)
        return out

    def checkpoint(self, *args, **options):
        return notes.Note(self.expect(0, 'checkpoint', *args, **options))

    def key(self):
        """The key in force, from checkpoint --public-key."""
        vkey, digest = self.expect(0, 'checkpoint', '--public-key').splitlines()
        assert digest == 'sha256 ' + hashlib.sha256(vkey.encode()).hexdigest(), digest
        return notes.Key(vkey)

    def entries(self, kind=None):
        lines = self.expect(0, 'log', '-o', 'jsonl').splitlines()
        return [line.encode() for line in lines if kind is None or json.loads(line)['kind'] == kind]

    def keys_added(self):
        return [json.loads(line) for line in self.entries('key.added')]

    def run_all(self):
        self.expect(0, 'run', self.plan(), '--rate', 'none', '--progress', 'none')

    def prove(self, *args):
        return self.expect(0, 'prove', *args)


def test_the_first_checkpoint_makes_the_key():
    with World() as w:
        plan = w.plan()
        assert not w.keys_added()
        nobody = {name: value for name, value in w.env.items() if name != 'MUNIMENT_KEY_FILE'}
        w.refuse(3, 'checkpoint', env=nobody, says=('nobody can be asked', '--key-file'))
        assert not os.path.exists(w.vault) and not w.keys_added(), 'made without a key source'
        w.refuse(3, 'checkpoint', '--public-key', says=('no signing key yet', 'muniment checkpoint'))
        note = w.checkpoint()
        key, entries = w.key(), w.entries()
        assert os.stat(w.vault).st_mode & 0o777 == 0o700
        assert key.type == 1 and key.name == note.origin and note.origin.startswith('muniment/')
        assert note.keys() == [(key.name, key.hash)] and note.signed_by(key)
        assert note.root == notes.tree_root(entries[:note.size]) and note.size == len(entries)
        added = w.keys_added()
        assert len(added) == 1 and added[0]['vkey'] == key.text and added[0]['previous'] is None
        assert added[0]['seq'] == note.size - 1, 'the entry stands below what it signs'
        assert added[0]['operator']['uid'] == os.getuid() and len(added[0]['reason']) >= 8
        created = json.loads(entries[0])
        assert note.origin == created['origin'] and note.origin.endswith(created['journal'][:8])
        assert w.status(plan)['items'] == 4


def test_the_same_head_is_not_signed_twice():
    with World() as w:
        w.plan()
        first = w.expect(0, 'checkpoint')
        assert w.expect(0, 'checkpoint') == first and len(w.entries()) == notes.Note(first).size
        w.plan(reason='another list of the tests')
        last = w.expect(0, 'checkpoint')
        old, new = notes.Note(first), notes.Note(last)
        assert new.size > old.size and new.signed_by(w.key())
        rows = json.loads(w.expect(0, 'checkpoint', '--list', '-o', 'json'))
        assert [row['size'] for row in rows][0] == old.size and rows[-1]['size'] == new.size
        assert all(row['key'] == w.key().hash and row['anchors'] is None for row in rows), rows
        assert rows[-1]['root'] == new.root.hex()
        assert len(w.expect(0, 'checkpoint', '--list').splitlines()) == len(rows) + 1
        assert w.expect(0, 'checkpoint', '--list', '-o', 'csv').startswith('size,root,key,anchors')
        assert len(w.expect(0, 'checkpoint', '--list', '-o', 'jsonl').splitlines()) == len(rows)


def test_the_object_says_what_the_note_says():
    with World() as w:
        w.plan()
        document = json.loads(w.expect(0, 'checkpoint', '-o', 'json'))
        assert list(document) == ['size', 'root', 'origin', 'key', 'note', 'anchors'], document
        note = notes.Note(document['note'])
        assert document['note'] == w.expect(0, 'checkpoint')
        assert (document['size'], document['root'], document['origin'], document['key']) == (
            note.size, note.root.hex(), note.origin, w.key().text)
        assert document['anchors'] == []
        assert json.loads(w.expect(0, 'checkpoint', '-o', 'json', '--fields', 'size')) == {
            'size': note.size}
        before = len(w.entries())
        w.plan(reason='another list of the tests')
        for args in (('--fields', 'nothing', '-o', 'json'), ('-o', 'csv'), ('-o', 'jsonl'),
                     ('--public-key', '--list'), ('--list', '--add', 'x'), ('--reason', 'too'),
                     ('--reason', 'a reason without a new key'), ('--new-key',),
                     ('--new-key', '--reason', 'short'), ('--public-key', '-o', 'json')):
            w.refuse(2, 'checkpoint', *args)
        assert len(w.entries('key.added')) == 1 and len(w.entries()) >= before
        with open('/dev/full', 'w', encoding='utf-8') as full:
            done = subprocess.run([MUNIMENT, 'checkpoint'], stdout=full, stderr=subprocess.PIPE,
                                  env=w.env, check=False, timeout=60)
        assert done.returncode == 1, done


def test_a_new_key_is_brought_in_by_the_old_one():
    with World() as w:
        w.plan()
        old = w.checkpoint()
        old_key = w.key()
        note = w.checkpoint(*NEW)
        key = w.key()
        assert key.text != old_key.text and key.name == old_key.name
        added = w.keys_added()
        assert len(added) == 2 and added[1]['previous'] == old_key.text
        assert added[1]['vkey'] == key.text and added[1]['reason'] == NEW[-1]
        assert note.size == added[1]['seq'] + 1 and note.size > old.size
        assert note.keys() == [(key.name, key.hash), (old_key.name, old_key.hash)], note.note
        assert note.signed_by(key) and note.signed_by(old_key)
        w.plan(reason='another list of the tests')
        later = w.checkpoint()
        assert later.keys() == [(key.name, key.hash)] and later.signed_by(key)
        row = [row for row in json.loads(w.expect(0, 'checkpoint', '--list', '-o', 'json'))
               if row['size'] == note.size]
        assert row[0]['key'] == '%s %s' % (key.hash, old_key.hash), row


def test_a_second_operator_does_not_make_a_key_by_himself():
    with World() as w:
        w.plan()
        w.checkpoint()
        first, other = w.key(), w.other()
        for made in (False, True):  # without a vault, and with one that holds other things
            if made:
                w.expect(0, 'cosign', '--public-key', env=other)
            w.refuse(3, 'checkpoint', env=other, says=('--new-key', '--reason'))
            assert len(w.keys_added()) == 1 and w.key().text == first.text
            assert os.path.exists(other['MUNIMENT_VAULT']) == made
        w.refuse(3, 'checkpoint', env=other, says=(os.uname().nodename, other['MUNIMENT_VAULT']))
        w.plan(reason='another list of the tests')
        note = notes.Note(w.expect(0, 'checkpoint', *NEW, env=other))
        second = w.key()
        assert note.keys() == [(second.name, second.hash)] and note.signed_by(second)
        assert w.keys_added()[1]['previous'] == first.text
        w.refuse(3, 'checkpoint', says='--new-key')
        assert w.key().text == second.text


def test_without_its_vault_everything_but_signing_goes_on():
    with World() as w:
        w.run_all()
        note = w.checkpoint()
        shutil.rmtree(w.vault)
        w.expect(0, 'history')
        w.expect(0, 'verify')
        w.prove('#1')
        w.prove('--since-checkpoint', '0')
        w.expect(0, 'checkpoint', '--list')
        assert w.key().name == note.origin
        w.refuse(3, 'checkpoint', says=('there is no vault', '--new-key'))
        assert not os.path.exists(w.vault), 'a vault was made'
        got, out, err = w.call('plan', '--org', ORG, '--base-url', w.sandbox.url, '--from',
                               w.sandbox.ids_file, '--reason', 'a list without a vault')
        assert got == 0 and 'p-' in out, err
        assert 'no signed checkpoint covers' in err and '1 entry' in err, err
        new = w.checkpoint(*NEW)
        assert new.keys() == [(w.key().name, w.key().hash)] and new.signed_by(w.key())


def test_a_plan_is_signed_without_a_question():
    with World() as w:
        plan = w.plan()
        w.checkpoint()
        w.plan(reason='signed as soon as it is stored')
        rows = json.loads(w.expect(0, 'checkpoint', '--list', '-o', 'json'))
        assert rows[-1]['size'] == len(w.entries()), rows
        w.expect(0, 'run', plan, '--rate', 'none', '--progress', 'none')
        rows = json.loads(w.expect(0, 'checkpoint', '--list', '-o', 'json'))
        assert rows[-1]['size'] == len(w.entries()), 'the end of a batch is signed'
        assert len(w.keys_added()) == 1
        w.expect(0, 'verify')


class Terminal:
    """The program with a terminal of its own as standard streams; typed answers prompts."""

    def __init__(self, world, *args, env, typed=()):
        typed = list(typed)
        child, fd = pty.fork()
        if child == 0:
            os.execve(MUNIMENT, [MUNIMENT, *args], env)
        self.shown = ''
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if not select.select([fd], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            self.shown += data.decode('utf-8', 'replace')
            if typed and self.shown.rstrip(' ').endswith(':'):
                os.write(fd, typed.pop(0).encode() + b'\n')
                self.shown += '\n'
        else:
            os.kill(child, 9)
        self.status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(fd)


def test_a_passphrase_is_asked_for_by_checkpoint_alone():
    with World() as w:
        env = {name: value for name, value in w.env.items() if name != 'MUNIMENT_KEY_FILE'}
        w.plan()
        made = Terminal(w, 'checkpoint', env=env, typed=('phrase of the tests',) * 2)
        assert made.status == 0 and made.shown.count('New passphrase') == 1, made.shown
        key = w.key()
        plan = ('plan', '--org', ORG, '--base-url', w.sandbox.url, '--from', w.sandbox.ids_file,
                '--reason')
        quiet = Terminal(w, *plan, 'a list at a terminal', env=env)
        assert quiet.status == 0 and 'assphrase of' not in quiet.shown, quiet.shown
        assert 'no signed checkpoint covers' in quiet.shown, quiet.shown
        stored = json.loads(w.entries('plan.stored')[-1])['plan']
        run = Terminal(w, 'run', stored, '--rate', 'none', '--progress', 'none', env=env)
        assert run.status == 0 and 'assphrase of' not in run.shown, run.shown
        asked = Terminal(w, 'checkpoint', env=env, typed=('phrase of the tests',))
        assert asked.status == 0 and 'Passphrase of the vault' in asked.shown, asked.shown
        assert Terminal(w, 'checkpoint', env=env, typed=('another phrase',)).status == 3
        w.refuse(3, 'checkpoint', env=env, says='nobody can be asked')
        phrase = {**env, 'MUNIMENT_PASSPHRASE_FILE': w.write('phrase', 'phrase of the tests\n')}
        got, _, err = w.call(*plan, 'a list with its passphrase file', env=phrase)
        assert got == 0 and 'no signed checkpoint' not in err, err
        rows = json.loads(w.expect(0, 'checkpoint', '--list', '-o', 'json'))
        assert rows[-1]['size'] == len(w.entries()) and w.key().text == key.text


def test_one_key_is_made_by_many():
    with World() as w:
        w.plan()
        with ThreadPoolExecutor(6) as pool:
            ended = list(pool.map(lambda _: w.call('checkpoint'), range(6)))
        assert all(status in (0, 11) for status, _, _ in ended), ended
        assert any(status == 0 for status, _, _ in ended), ended
        assert len(w.keys_added()) == 1
        for status, out, _ in ended:
            assert status != 0 or notes.Note(out).signed_by(w.key())


def test_a_new_vault_key_keeps_the_signing_key():
    with World() as w:
        w.plan()
        w.checkpoint()
        key, other = w.key(), w.write('new-key', os.urandom(40))
        assert json.loads(w.expect(0, 'token', 'list', '-o', 'json')) == [], 'it is no token'
        w.expect(0, 'token', 'rekey', '--new-key-file', other)
        w.env['MUNIMENT_KEY_FILE'], old = other, w.env['MUNIMENT_KEY_FILE']
        w.plan(reason='another list of the tests')
        assert w.checkpoint().signed_by(key) and w.key().text == key.text
        w.refuse(3, 'checkpoint', env={**w.env, 'MUNIMENT_KEY_FILE': old}, says='wrong key file')


def unsealed(world):
    """The signing keys of a vault, opened as its format is described: (verifier key, seed)."""
    sodium = ctypes.CDLL(ctypes.util.find_library('sodium') or 'libsodium.so.23')
    with open(world.env['MUNIMENT_KEY_FILE'], 'rb') as file:
        vault_key = hashlib.sha256(file.read()).digest()
    with open(os.path.join(world.vault, 'data.mdb'), 'rb') as file:
        data = file.read()
    found, at = {}, data.find(b'MVS1')
    while at >= 0:
        bound_len = int.from_bytes(data[at + 4:at + 8], 'big')
        bound = data[at + 8:at + 8 + bound_len]
        nonce = data[at + 8 + bound_len:at + 32 + bound_len]
        sealed = data[at + 36 + bound_len:at + 36 + bound_len + 80]
        plain = ctypes.create_string_buffer(64)
        if bound_len < 400 and sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
                plain, None, None, sealed, ctypes.c_ulonglong(80), bound,
                ctypes.c_ulonglong(bound_len), nonce, vault_key) == 0:
            found[bound.decode()] = plain.raw[:32]
        at = data.find(b'MVS1', at + 4)
    return found


def forms(secret):
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for before in range(3):
        text = base64.b64encode(b'x' * before + secret).rstrip(b'=')
        yield text[4 if before else 0:-3]


def test_the_signing_key_stays_sealed():
    with World() as w:
        said = []

        def call(*args):
            got, out, err = w.call(*args)
            said.append(out + err)
            assert got == 0, (args, got, err)
            return out

        call('plan', '--org', ORG, '--base-url', w.sandbox.url, '--from', w.sandbox.ids_file,
             '--reason', REASON)
        call('checkpoint', '-v')
        call('checkpoint', '-v', *NEW)
        call('checkpoint', '-o', 'json')
        call('checkpoint', '--public-key')
        call('prove', '#1', '--out', os.path.join(w.folder, 'proof'))
        growth, state = os.path.join(w.folder, 'growth'), os.path.join(w.folder, 'state-file')
        call('prove', '--since-checkpoint', '0', '--out', growth)
        call('cosign', growth, os.path.join(w.folder, 'cosigned'), '--state', state, '--log-key',
             w.key().text)
        call('journal', 'backup', os.path.join(w.folder, 'backup'))
        call('doctor', '--org', ORG, '--base-url', w.sandbox.url)
        secrets = unsealed(w)
        assert len(secrets) == 3 and w.key().text in secrets, list(secrets)
        shown = ''.join(said).encode()
        for seed in secrets.values():
            for form in forms(seed):
                assert form not in shown, 'printed'
        for folder, _, names in os.walk(w.folder):
            for name in names:
                with open(os.path.join(folder, name), 'rb') as file:
                    data = file.read()
                for seed in secrets.values():
                    for form in forms(seed):
                        assert form not in data, '%s holds a signing key' % name


def test_a_proof_shows_its_entry():
    with World() as w:
        w.run_all()
        w.refuse(3, 'prove', '#0', says=('no signed checkpoint', 'muniment checkpoint'))
        w.refuse(3, 'prove', '--since-checkpoint', '0', says='muniment checkpoint')
        note, entries, key = w.checkpoint(), w.entries(), w.key()
        for seq in (0, 1, note.size // 2, note.size - 1):
            entry, index, hashes, of = notes.read_proof(w.prove('#%d' % seq))
            assert entry == entries[seq] and index == seq and of.note == note.note
            assert of.signed_by(key) and notes.included(hashes, index, of.size, entry, of.root)
            assert not notes.included(hashes, index, of.size, entry + b' ', of.root)
        before = len(entries)
        w.refuse(5, 'prove', '#%d' % before, says='no entry #%d' % before)
        w.refuse(5, 'prove', 'f' * 32, says='no entry of that run')
        for args in (('#x',), ('#1', '#2'), (), ('nothing',), ('#1', '--since-checkpoint', '0'),
                     ('--since-checkpoint', '0', '--since-checkpoint', '0'), ('#-1',)):
            w.refuse(2, 'prove', *args)
        assert len(w.entries()) == before, 'prove wrote'
        path = os.path.join(w.folder, 'proof')
        w.expect(0, 'prove', '#1', '--out', path)
        with open(path, encoding='utf-8') as file:
            assert file.read() == w.prove('#1')
        w.expect(0, 'journal', 'rebuild')
        w.plan(reason='another list of the tests')


def test_what_no_checkpoint_covers_is_not_proven():
    with World() as w:
        w.run_all()
        note = w.checkpoint()
        shutil.rmtree(w.vault)
        w.plan(reason='a list that nobody signs')
        w.prove('#%d' % (note.size - 1))
        w.refuse(3, 'prove', '#%d' % note.size,
                 says=('above the newest checkpoint', 'muniment checkpoint'))


def test_a_run_is_proven_entry_by_entry():
    with World('--runs', '3') as w:
        w.run_all()
        note, entries = w.checkpoint(), w.entries()
        run = w.sandbox.ids[1]
        mine = [seq for seq, line in enumerate(entries) if json.loads(line).get('run') == run]
        assert len(mine) >= 2
        w.refuse(2, 'prove', run, says=('%d entries' % len(mine), '--out DIR'))
        folder = os.path.join(w.folder, 'proofs')
        for word in (run, 'https://go.tallyfy.com/%s/processes/%s' % (ORG, run)):
            w.expect(0, 'prove', word, '--out', folder)
            assert sorted(os.listdir(folder)) == sorted('%d.tlog-proof' % seq for seq in mine)
            for seq in mine:
                with open(os.path.join(folder, '%d.tlog-proof' % seq), encoding='utf-8') as file:
                    entry, index, hashes, of = notes.read_proof(file.read())
                assert entry == entries[seq] and index == seq and of.root == note.root
                assert notes.included(hashes, seq, of.size, entry, of.root)
            shutil.rmtree(folder)
        # Of a run that is sent again, what is above the newest checkpoint is told, the rest proven.
        shutil.rmtree(w.vault)
        w.expect(0, 'restore', run, '--org', ORG, '--base-url', w.sandbox.url, '--reason', REASON,
                 '--yes', '--rate', 'none', '--progress', 'none')
        w.refuse(3, 'prove', run, '--out', folder, says='above the newest checkpoint')
        assert sorted(os.listdir(folder)) == sorted('%d.tlog-proof' % seq for seq in mine)
        w.checkpoint(*NEW)
        w.expect(0, 'prove', run, '--out', folder)
        mine = [seq for seq, line in enumerate(w.entries()) if json.loads(line).get('run') == run]
        assert sorted(os.listdir(folder)) == sorted('%d.tlog-proof' % seq for seq in mine)


def test_a_run_that_an_answer_to_others_settles():
    """The answer that settled it names no run of its own: it is an entry of the run all the same."""
    with World('--runs', '6', '--get-archived', '404', '--latency', '50', '--fault',
               'close-after@n=3-6') as w:
        w.call('run', w.plan(), '--rate', 'none', '--settle', '200ms', '--progress', 'none',
               '--concurrency', '6')
        w.checkpoint()
        entries = [json.loads(line) for line in w.entries()]
        for run in w.sandbox.ids:
            mine = {entry['seq'] for entry in entries if entry.get('run') == run}
            item = {entry['item'] for entry in entries if entry.get('run') == run}
            mine |= {entry['seq'] for entry in entries for s in entry.get('settles') or ()
                     if s['item'] in item}
            folder = os.path.join(w.folder, run)
            w.expect(0, 'prove', run, '--out', folder)
            got = {int(name.split('.')[0]) for name in os.listdir(folder)}
            assert got == mine, (got, mine)


def test_growth_since_an_older_checkpoint():
    with World() as w:
        w.plan()
        first = w.checkpoint()
        w.run_all()
        last, entries = w.checkpoint(), w.entries()
        old, hashes, note = notes.read_growth(w.prove('--since-checkpoint', '0'))
        assert old == 0 and not hashes and note.note == last.note
        forms_of_old = {
            'a note': first.note,
            'a proof': None,
            'an earlier request': 'old 0\n\n' + first.note,
        }
        for what, text in forms_of_old.items():
            if text is None:  # made when the first checkpoint was the newest
                continue
            path = w.write('old', text)
            old, hashes, note = notes.read_growth(w.prove('--since-checkpoint', path))
            assert old == first.size and note.note == last.note, what
            assert notes.consistent(hashes, old, note.size, first.root, note.root), what
        same = w.write('same', last.note)
        old, hashes, note = notes.read_growth(w.prove('--since-checkpoint', same))
        assert old == last.size and not hashes and note.note == last.note
        proof = w.write('proof', w.prove('#1'))
        assert notes.read_growth(w.prove('--since-checkpoint', proof))[0] == last.size
        path = os.path.join(w.folder, 'growth')
        w.expect(0, 'prove', '--since-checkpoint', proof, '--out', path)
        with open(path, encoding='utf-8') as file:
            assert file.read() == w.prove('--since-checkpoint', proof)
        assert len(w.entries()) == len(entries), 'prove wrote'


def test_a_checkpoint_of_another_past_is_refused():
    with World() as w, World() as stranger:
        w.plan()
        note = w.checkpoint()
        stranger.plan()
        other = w.write('other', stranger.checkpoint().note)
        w.refuse(15, 'prove', '--since-checkpoint', other, says=(other, 'of another log'))
        root = base64.b64encode(note.root).decode()
        forged = base64.b64encode(bytes(32)).decode()
        bad = w.write('bad', note.note.replace(root, forged))
        w.refuse(15, 'prove', '--since-checkpoint', bad,
                 says=(bad, "not in this journal's past", bytes(32).hex()))
        ahead = w.write('ahead', note.note.replace('\n%d\n' % note.size, '\n%d\n' % (note.size + 9)))
        w.refuse(15, 'prove', '--since-checkpoint', ahead,
                 says=(ahead, 'fewer entries', 'size is %d' % (note.size + 9)))
        for name, text in (('empty', ''), ('words', 'these are words\n'), ('old', 'old x\n\n'),
                           ('cut', note.note[:-20]), ('proof', 'c2sp.org/tlog-proof@v1\nindex 1\n'),
                           ('zeros', '\0' * 500), ('large', note.note + 'x' * 400000)):
            path = w.write(name, text)
            w.refuse(7, 'prove', '--since-checkpoint', path, says=path)
        w.refuse(7, 'prove', '--since-checkpoint', os.path.join(w.folder, 'none'))


def test_a_copy_proves_and_signs_nothing():
    with World() as w:
        w.run_all()
        note = w.checkpoint()
        backup = os.path.join(w.folder, 'backup')
        w.expect(0, 'journal', 'backup', backup)
        _, index, hashes, of = notes.read_proof(w.prove('#1', '--journal', backup))
        assert index == 1 and of.note == note.note and hashes
        w.expect(0, 'checkpoint', '--list', '--journal', backup)
        w.refuse(12, 'checkpoint', '--journal', backup)
        w.refuse(12, 'checkpoint', *NEW, '--journal', backup)
        w.refuse(12, 'prove', '#1', '--journal', os.path.join(w.folder, 'nowhere'))


def test_an_anchor_that_fails_leaves_the_checkpoint():
    with World() as w:
        w.plan()
        got, out, err = w.call('checkpoint', '--timestamp', 'http://127.0.0.1:9/')
        note = notes.Note(out)
        assert got == 14 and note.signed_by(w.key()) and '127.0.0.1:9' in err, err
        assert w.expect(0, 'checkpoint') == out, 'it is kept'
        w.plan(reason='another list of the tests')
        before = len(w.entries())
        for args in (('--timestamp', 'ftp://127.0.0.1/'), ('--timestamp', 'nothing'),
                     ('--witness', 'http://127.0.0.1:9/')):
            w.refuse(2, 'checkpoint', *args)
        assert len(w.entries()) == before


def test_after_an_alarm_nothing_is_signed():
    with World() as w:
        w.plan()
        note = w.checkpoint()
        folder = os.path.join(w.env['XDG_STATE_HOME'], 'muniment')
        mark = [os.path.join(folder, name) for name in os.listdir(folder) if len(name) == 32]
        with open(mark[0], encoding='ascii') as file:
            lines = [line for line in file if not line.startswith('alarm')]
        with open(mark[0], 'w', encoding='ascii') as file:
            file.write(''.join(lines) + 'alarm a%20witness%20says%20so\n')
        before = len(w.entries())
        for args in ((), NEW, ('--timestamp', 'http://127.0.0.1:9/')):
            w.refuse(12, 'checkpoint', *args, says='a witness says so')
        assert len(w.entries()) == before and len(w.keys_added()) == 1
        rows = json.loads(w.expect(0, 'checkpoint', '--list', '-o', 'json'))
        assert rows[-1]['size'] == note.size
        w.prove('#1')


main([(name[5:].replace('_', ' '), function) for name, function in list(globals().items())
      if name.startswith('test_')])
