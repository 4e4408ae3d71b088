# SPDX-License-Identifier: Apache-2.0
"""A witness in a file: what it cosigns and what it refuses, what it remembers, and the way of a
checkpoint from the operator to the auditor and back."""
import json
import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import notes
from harness import MUNIMENT, World, main

OTHER_ROOT = bytes(32)


class Auditor:
    """A machine of his own, without a journal: HOME, key file, state."""

    def __init__(self, folder=None):
        self.folder = folder or tempfile.mkdtemp(prefix='muniment-case-')
        self.state = os.path.join(self.folder, 'state')
        self.out = os.path.join(self.folder, 'out')
        self.env = {'PATH': os.environ.get('PATH', ''), 'HOME': self.folder, 'LC_ALL': 'C.UTF-8',
                    'MUNIMENT_KEY_FILE': self.write('key', os.urandom(48))}
        for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LD_LIBRARY_PATH'):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        os.chmod(path, 0o600)
        return path

    def read(self, path):
        with open(path, encoding='utf-8') as file:
            return file.read()

    def call(self, *args, env=None):
        done = subprocess.run([MUNIMENT, 'cosign', *args], stdin=subprocess.DEVNULL,
                              capture_output=True, env=env or self.env, timeout=60, check=False,
                              start_new_session=True)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def ask(self, growth, *more, status=0, says=(), env=None):
        """Cosign a request; *says must stand in the message. Yields OUT, or None."""
        if os.path.exists(self.out):
            os.unlink(self.out)
        got, out, err = self.call(self.write('in', growth), self.out, '--state', self.state, *more,
                                  env=env)
        assert got == status and not out, 'exit %d, not %d: %s' % (got, status, err)
        for word in (says,) if isinstance(says, str) else says:
            assert word in err, 'no "%s" in: %s' % (word, err)
        if got != 0:
            assert not os.path.exists(self.out), 'refused, and written'
            return None
        assert os.stat(self.state).st_mode & 0o777 == 0o600
        return self.read(self.out)

    def refuse(self, number, growth, *more, says=()):
        before = self.read(self.state) if os.path.exists(self.state) else None
        self.ask(growth, *more, status=15,
                 says=('not cosigned: %d' % number, *((says,) if isinstance(says, str) else says)))
        after = self.read(self.state) if os.path.exists(self.state) else None
        assert before == after, 'refused, and remembered'

    def key(self):
        got, out, err = self.call('--public-key')
        assert got == 0, err
        vkey, digest = out.splitlines()
        assert digest == 'sha256 ' + notes.sha256(vkey.encode()).hex()
        key = notes.Key(vkey)
        assert key.type == 4
        return key


def entries(count, what='entry'):
    return [b'%s %d' % (what.encode(), number) for number in range(count)]


def test_what_grows_is_cosigned():
    with Auditor() as a:
        log = notes.Log(a.folder, entries=entries(40))
        key, began = a.key(), int(time.time())
        a.refuse(404, log.growth(0, 7), says='--log-key')
        old = 0
        for size in (7, 8, 8, 13, 32, 33, 40):
            log_key = ('--log-key', log.vkey) if old == 0 else ()
            line = a.ask(log.growth(old, size), *log_key)
            note = notes.Note(log.checkpoint(size) + line)
            assert line.count('\n') == 1 and len(note.lines) == 2
            assert began <= note.signed_by(key) <= time.time() + 1, 'a time that is now'
            rows = [json.loads(row) for row in a.read(a.state).splitlines()]
            assert rows == [{'vkey': log.vkey, 'size': size,
                             'root': notes.tree_root(log.entries[:size]).hex()}], rows
            old = size
        assert a.key().text == key.text, 'a second key'
        nobody = {name: value for name, value in a.env.items() if name != 'MUNIMENT_KEY_FILE'}
        assert key.text in a.call('--public-key', env=nobody)[1], 'shown without being opened'
        empty = {**nobody, 'MUNIMENT_VAULT': os.path.join(a.folder, 'empty')}
        got, _, err = a.call('--public-key', env=empty)
        assert got == 3 and '--key-file opens it' in err and '--token' not in err, err
        assert not os.path.exists(empty['MUNIMENT_VAULT'])
        assert not os.path.exists(a.state + '.lock')
        assert not os.path.exists(os.path.join(a.folder, '.local/share/muniment/journal'))
        assert not os.path.exists(os.path.join(a.folder, '.local/state')), 'no journal, no mark'


def test_each_refusal_has_the_status_of_the_protocol():
    with Auditor() as a:
        log = notes.Log(a.folder, entries=entries(20))
        fork = notes.Log(a.folder, entries=entries(5) + entries(15, 'other'))
        stranger = notes.Log(a.folder, 'example.com/stranger', entries(20))
        key = ('--log-key', log.vkey)
        a.refuse(404, stranger.growth(0, 5), *key, says='not known')
        forged = log.checkpoint(5).replace('\n5\n', '\n6\n')
        a.refuse(403, log.growth(0, note=forged), *key, says='has not signed')
        same_name = notes.Log(tempfile.mkdtemp(dir=a.folder), entries=entries(20))
        a.refuse(403, same_name.growth(0, 5), *key, says='has not signed')
        a.refuse(400, log.growth(9, 5, []), *key, says='above the checkpoint')
        a.refuse(422, log.growth(0, 5, [OTHER_ROOT]), *key, says='proof')
        a.ask(log.growth(0, 10), *key)
        a.refuse(409, log.growth(0, 12), says='size 10')
        a.refuse(409, log.growth(5, 12), says='size 10')
        a.refuse(409, log.growth(12, 15), says='size 10')
        a.refuse(409, log.growth(5, 5), says='size 10')
        a.refuse(409, fork.growth(10, 10), says=('another root', 'size 10'))
        a.refuse(422, fork.growth(10, 20), says='proof')
        a.refuse(422, log.growth(10, 20, []), says='proof')
        proof = notes.growth_proof(log.entries, 10)
        for at in range(len(proof)):
            bad = proof[:at] + [OTHER_ROOT] + proof[at + 1:]
            a.refuse(422, log.growth(10, 20, bad), says='proof')
        a.refuse(422, log.growth(10, 20, proof + [OTHER_ROOT]))
        a.refuse(422, log.growth(10, 20, proof[:-1]))
        a.refuse(403, log.growth(10, 20), '--log-key', same_name.vkey, says='another key')
        a.ask(log.growth(10, 20))


def test_what_is_malformed_is_400():
    with Auditor() as a:
        log = notes.Log(a.folder, entries=entries(6))
        good = log.growth(0, 6)
        for text in ('', '\n', 'old\n\n', good[4:], good.replace('old 0', 'old 00'),
                     good.replace('old 0', 'old -1'), good.replace('old 0', 'old  0'),
                     good.replace('old 0', 'OLD 0'), good.replace('old 0\n', 'old 0\nxx\n'),
                     good.replace('\n6\n', '\n06\n'), good.replace('\n6\n', '\nsix\n'), 'old 0\n\n' + 'x' * 100000,
                     good.replace('old 0', 'old 99999999999999999999'),
                     log.growth(0, 6, [OTHER_ROOT] * 64), good.replace('\n6\n', '\n6\n\n'),
                     good.replace('example', 'exam\1ple')):
            a.refuse(400, text, '--log-key', log.vkey)
        for text in (good[:-1], good + 'x', good.split('\u2014')[0], good + '\u2014 x y\n'):
            a.refuse(403, text, '--log-key', log.vkey)
            a.refuse(404, text)
        large = notes.Log(a.folder)
        note = large.checkpoint(1 << 60, OTHER_ROOT)
        a.refuse(400, 'old 0\n\n' + note, '--log-key', large.vkey, says='size')
        a.ask(good + 'x' * 400000, status=7, says='')
        for data in (b'old 0\n\n\xff\xfe\n', b'\0' * 100):
            got, _, err = a.call(a.write('in', data), a.out, '--state', a.state)
            assert got == 15 and 'not cosigned: 400' in err, err


def test_a_state_that_is_none_is_refused():
    with Auditor() as a:
        log = notes.Log(a.folder, entries=entries(6))
        a.ask(log.growth(0, 4), '--log-key', log.vkey)
        good = a.read(a.state)
        row = json.loads(good)
        bad = [good[:-1], good + good, '{}\n', '[]\n', 'x\n', '\n', good.replace('"size":4', '"size":-4'),
               good.replace('"size":4', '"size":"4"'), good.replace('"size":4', '"size":4.5'),
               json.dumps({**row, 'more': 1}) + '\n', json.dumps({**row, 'root': '00'}) + '\n',
               json.dumps({**row, 'vkey': row['vkey'][:-4] + 'AAAA'}) + '\n',
               json.dumps({**row, 'vkey': a.key().text}) + '\n',
               good[:-2] + ',"size":4}\n', good + 'x' * 5000 + '\n', '\0' * 50 + '\n']
        for text in bad:
            a.write('state', text)
            a.ask(log.growth(4, 6), status=7, says=a.state)
            assert a.read(a.state) == text, 'changed'
        a.write('state', good)
        a.ask(log.growth(4, 6))


def test_the_state_is_there_before_the_signature():
    with Auditor() as a:
        log = notes.Log(a.folder, entries=entries(6))
        first = log.growth(0, 4)
        nobody = {name: value for name, value in a.env.items() if name != 'MUNIMENT_KEY_FILE'}
        a.ask(first, '--log-key', log.vkey, status=3, env=nobody)
        assert not os.path.exists(a.state), 'remembered what could not be signed'
        os.mkdir(a.out)  # OUT cannot be written
        got, _, _ = a.call(a.write('in', first), a.out, '--state', a.state, '--log-key', log.vkey)
        assert got == 1 and json.loads(a.read(a.state))['size'] == 4
        os.rmdir(a.out)
        a.refuse(409, first, says='size 4')
        again = a.ask(log.growth(4, 4))  # so the same is cosigned once more
        assert notes.Note(log.checkpoint(4) + again).signed_by(a.key())
        got, out, err = a.call(a.write('in', log.growth(4, 6)), '-', '--state', a.state)
        assert got == 0 and notes.Note(log.checkpoint(6) + out).signed_by(a.key()), err
        for args in ((), ('in',), ('in', 'out'), ('in', 'out', 'more', '--state', a.state),
                     ('in', 'out', '--public-key')):
            assert a.call(*args)[0] == 2, args
        assert a.call(os.path.join(a.folder, 'none'), a.out, '--state', a.state)[0] == 7
        for vkey in ('nothing', log.vkey[:-1], a.key().text, log.vkey + 'x'):
            a.ask(log.growth(6, 6), '--log-key', vkey, status=2, says='--log-key')


def test_many_logs_and_many_at_once():
    with Auditor() as a:
        logs = [notes.Log(a.folder, 'example.com/log%d' % number, entries(9)) for number in range(5)]
        a.ask(logs[0].growth(0, 3), '--log-key', a.write('public-key.txt', logs[0].vkey + '\nsha256'))

        def one(number):
            log = logs[number % 5]
            more = ('--log-key', log.vkey) if number % 5 else ()
            old = 0 if number % 5 else 3
            request = a.write('in%d' % number, log.growth(old, 9))
            return a.call(request, a.out + str(number), '--state', a.state, *more)

        with ThreadPoolExecutor(5) as pool:
            ended = list(pool.map(one, range(20)))
        for number in range(5):
            for _ in range(50):  # whoever was kept out tries again
                if any(status == 0 for status, _, _ in ended[number::5]):
                    break
                ended.append(one(number))
                if ended[-1][0] in (0, 15):
                    break
        rows = [json.loads(row) for row in a.read(a.state).splitlines()]
        assert sorted(row['vkey'] for row in rows) == sorted(log.vkey for log in logs), rows
        assert all(row['size'] == 9 for row in rows), rows
        assert all(status in (0, 11, 15) for status, _, _ in ended), ended
        for number in range(5):
            signed = [n for n in range(number, 20, 5) if os.path.exists(a.out + str(n))]
            assert len(signed) <= 1, 'the same step was cosigned twice'


def test_from_the_operator_to_the_auditor_and_back():
    with World('--runs', '4') as w, Auditor() as a:
        with open(os.path.join(w.folder, 'key'), 'wb') as file:
            file.write(os.urandom(48))
        os.chmod(file.name, 0o600)
        w.env['MUNIMENT_KEY_FILE'] = file.name
        w.plan()
        first = notes.Note(w.expect(0, 'checkpoint'))
        vkey = w.expect(0, 'checkpoint', '--public-key').splitlines()[0]
        line = a.ask(w.expect(0, 'prove', '--since-checkpoint', '0'), '--log-key', vkey)
        got, _, err = w.call('checkpoint', '--add', a.out)
        assert got == 2 and '--witness-key' in err, err
        witness = ('--witness-key', a.key().text)
        for key, says in ((vkey, 'of a log'), ('nothing', 'no file'), (a.key().text[:-3], 'witness')):
            got, _, err = w.call('checkpoint', '--add', a.out, '--witness-key', key)
            assert got == 2 and says in err, err
        # Work went on meanwhile: the line finds its checkpoint.
        w.expect(0, 'run', w.plan(), '--rate', 'none', '--progress', 'none')
        second = notes.Note(w.expect(0, 'checkpoint'))
        added = notes.Note(w.expect(0, 'checkpoint', '--add', a.out, *witness))
        assert added.note == first.note + line and added.signed_by(a.key())
        anchored = [entry for entry in w.lines('log') if entry['kind'] == 'checkpoint.anchored']
        assert [entry['size'] for entry in anchored] == [first.size]
        assert anchored[0]['by'] == a.key().name and anchored[0]['root'] == first.root.hex()
        assert anchored[0]['receipt'] == notes.sha256(line.rstrip('\n').encode()).hex()
        w.expect(0, 'checkpoint', '--add', a.out, *witness)
        assert len([1 for entry in w.lines('log') if entry['kind'] == 'checkpoint.anchored']) == 1
        assert w.expect(0, 'checkpoint') == second.note, 'an anchor asks for no new signature'
        # The second step, from what the auditor holds: his own request, then with a whole note.
        old = a.write('old', w.expect(0, 'prove', '--since-checkpoint',
                                      a.write('first', first.note)))
        line = a.ask(a.read(old))
        note = a.write('note', second.note + line)
        document = json.loads(w.expect(0, 'checkpoint', '--add', note, *witness, '-o', 'json'))
        assert document['size'] == second.size and document['note'] == second.note + line
        assert [(x['kind'], x['by']) for x in document['anchors']] == [('witness', a.key().name)]
        assert document['anchors'][0]['time'].startswith('20')
        rows = json.loads(w.expect(0, 'checkpoint', '--list', '-o', 'json'))
        named = {row['size']: row['anchors'] for row in rows}
        assert named[first.size] == named[second.size] == 'witness ' + a.key().name, rows
        # What nobody of them signed, and what is no line at all.
        before = len(w.lines('log'))
        with Auditor() as stranger:
            foreign = ('--witness-key', stranger.key().text)
            got, _, err = w.call('checkpoint', '--add', note, *foreign)
            assert got == 7 and 'no line of' in err, err
        flipped = line[:-10] + ('A' if line[-10] != 'A' else 'B') + line[-9:]
        for name, text in (('flipped', flipped), ('words', 'words\n'), ('empty', ''), ('cut', line[:-1])):
            assert w.call('checkpoint', '--add', a.write(name, text), *witness)[0] == 7, name
        missing = os.path.join(w.folder, 'missing')
        for args in (('checkpoint', '--add', missing, *witness),
                     ('prove', '--since-checkpoint', missing),
                     ('cosign', missing, a.out, '--state', a.state)):
            assert w.call(*args)[0] == 7, args
        assert len(w.lines('log')) == before
        # A journal that was rolled back and went another way is not cosigned.
        w.expect(0, 'verify')


def test_a_forked_journal_is_not_cosigned():
    with World('--runs', '4') as w, Auditor() as a:
        w.env['MUNIMENT_KEY_FILE'] = a.write('operators-key', os.urandom(48))
        w.plan()
        copy = os.path.join(w.folder, 'copy')
        w.expect(0, 'checkpoint')
        shutil.copytree(w.journal, copy)
        w.plan(reason='what the auditor saw')
        w.expect(0, 'checkpoint')
        vkey = w.expect(0, 'checkpoint', '--public-key').splitlines()[0]
        a.ask(w.expect(0, 'prove', '--since-checkpoint', '0'), '--log-key', vkey)
        seen = a.read(os.path.join(a.folder, 'in'))
        # On a machine that has no mark of it, the copy goes on by itself.
        w.env['XDG_STATE_HOME'] = os.path.join(w.folder, 'elsewhere')
        w.env['MUNIMENT_JOURNAL'] = copy
        w.plan(reason='what he should not see')
        w.plan(reason='and one more of it')
        w.expect(0, 'checkpoint')
        got, _, err = w.call('prove', '--since-checkpoint', a.write('seen', seen))
        assert got == 15 and 'past' in err, err
        a.refuse(409, w.expect(0, 'prove', '--since-checkpoint', '0'))


main([(name[5:].replace('_', ' '), function) for name, function in list(globals().items())
      if name.startswith('test_')])
