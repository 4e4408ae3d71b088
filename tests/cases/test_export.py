# SPDX-License-Identifier: Apache-2.0
"""Exports: the same bytes each time, all or nothing, what is selected and what is withheld, older
sizes, copies, disks that are full, and beside a running batch."""
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time

import disk
import harness

CHECKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'journal',
                       'verify.py')
FAST = ('--rate', 'none', '--settle', '200ms', '--progress', 'none')
MARK = '.muniment-export-'


class World(harness.World):
    def __init__(self, *args, key=True):
        super().__init__(*args)
        path = os.path.join(self.folder, 'key')
        with open(path, 'wb') as file:
            file.write(os.urandom(48))
        os.chmod(path, 0o600)
        self.key = path
        if key:
            self.unlock()
            self.expect(0, 'checkpoint')

    def unlock(self):
        self.env['MUNIMENT_KEY_FILE'] = self.key

    def lock(self):
        self.env.pop('MUNIMENT_KEY_FILE', None)

    def run(self, op='archive', reason='a case of the tests', options=(), status=0):
        plan = self.plan(op, reason=reason)
        self.expect(status, 'run', plan, *FAST, *options)
        return [e['batch'] for e in self.lines('log') if e['kind'] == 'batch.started'][-1]

    def path(self, name):
        return os.path.join(self.folder, name)

    def export(self, name, *args, status=0):
        out = self.expect(status, 'export', *args, '--out', self.path(name), '-o', 'json')
        return json.loads(out) if out else None

    def vkey(self):
        return self.expect(0, 'checkpoint', '--public-key').split('\n')[0]

    def check(self, name, status=3):
        done = subprocess.run([sys.executable, CHECKER, self.path(name), self.vkey()],
                              check=False, timeout=60, capture_output=True)
        assert done.returncode == status, done.stdout.decode()
        self.expect(0, 'verify', self.path(name), '--log-key', self.vkey())


def files(folder):
    found = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            with open(path, 'rb') as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def summary(folder):
    with open(os.path.join(folder, 'summary.json'), encoding='utf-8') as file:
        return json.load(file)


def entries(folder):
    with open(os.path.join(folder, 'entries.jsonl'), encoding='utf-8') as file:
        return [json.loads(line) for line in file]


def rest(folder):
    """What export leaves behind beside its result."""
    return [name for name in os.listdir(folder) if name.startswith(MARK)]


def same_bytes():
    with World('--runs', '5') as w:
        w.run()
        first = w.export('first')
        before = w.lines('log')
        assert before[-1]['kind'] == 'export.made' and first['recorded'] == before[-1]['seq']
        os.mkdir(w.path('elsewhere'))
        w.env['TZ'] = 'Asia/Tokyo'
        w.export('elsewhere/second')
        one, two = files(w.path('first')), files(w.path('elsewhere/second'))
        assert one == two, [name for name in one if one[name] != two.get(name)]
        sums = hashlib.sha256(one['SHA256SUMS']).hexdigest()
        entry = before[-1]
        assert (entry['sums_sha256'], entry['filter'], entry['bodies'], entry['size'],
                entry['root']) == (sums, None, False, first['size'], first['root'])
        assert first['sums_sha256'] == sums and len(one['entries.jsonl'].splitlines()) == \
            first['size'] == summary(w.path('first'))['size']
        assert [line.split('  ')[1] for line in one['SHA256SUMS'].decode().splitlines()] == \
            sorted(set(one) - {'SHA256SUMS'})
        for text in one.values():
            assert w.folder.encode() not in text and w.key.encode() not in text
        log = w.expect(0, 'log', '-o', 'jsonl').encode()
        assert log.startswith(one['entries.jsonl'])
        w.check('first')
        assert not rest(w.folder)


def one_tar():
    with World('--runs', '3') as w:
        w.run()
        w.export('folder', '--bodies')
        w.export('bundle.tar', '--bodies')
        w.export('again.tar', '--bodies')
        assert open(w.path('bundle.tar'), 'rb').read() == open(w.path('again.tar'), 'rb').read()
        wanted = files(w.path('folder'))
        newest = entries(w.path('folder'))[-1]['time']
        with tarfile.open(w.path('bundle.tar')) as tar:
            members = tar.getmembers()
            assert [m.name for m in members] == sorted(wanted)
            for m in members:
                assert tar.extractfile(m).read() == wanted[m.name], m.name
                assert (m.uid, m.gid, m.uname, m.gname, m.mode) == (0, 0, '', '', 0o644)
                assert time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(m.mtime)) == newest[:19]
        assert subprocess.run(['tar', '-tf', w.path('bundle.tar')], check=False,
                              capture_output=True).returncode == 0


def rows_of_queries():
    with World('--runs', '6', '--archived', '2') as w:
        w.run()
        w.run('restore', reason='=HYPERLINK("x"), "quoted"')
        w.export('plain')
        w.export('named', '--bodies')
        named, plain = files(w.path('named')), files(w.path('plain'))
        assert named['history.jsonl'].decode() == w.expect(0, 'history', '-o', 'jsonl')
        with subprocess.Popen([harness.MUNIMENT, 'history', '-o', 'csv'], env=w.env,
                              stdout=subprocess.PIPE) as query:  # with its CR LF
            assert named['history.csv'] == query.communicate()[0]
        queried = w.lines('history')
        for row, other in zip(map(json.loads, plain['history.jsonl'].splitlines()), queried):
            assert other['name'] and row == dict(other, name=None)
        items = []
        for batch in [e['batch'] for e in w.lines('log') if e['kind'] == 'batch.started']:
            items += w.lines('items', batch)
        head, *rows = plain['items.csv'].decode().replace('\r\n', '\n').splitlines()
        assert head == ','.join(items[0]) and len(rows) == len(items) == 12


def older_size():
    with World('--runs', '4') as w:
        w.run()
        early = w.export('early')
        w.run('restore')
        late = w.export('late')
        assert late['size'] > early['size']
        at = w.export('at', '--at', str(early['size']))
        assert at['size'] == early['size'] and at['left_out'] is None
        old, new = files(w.path('early')), files(w.path('at'))
        assert {n for n in old if old[n] != new.get(n)} <= {'summary.json', 'SHA256SUMS'}
        w.check('at')
        w.export('again', '--at', str(early['size']))
        assert files(w.path('again')) == new
        _, _, err = w.call('export', '--at', str(early['size'] + 1), '--out', w.path('x'))
        assert 'near it: %d, ' % early['size'] in err, err
        for size in (str(early['size'] + 1), '0', '1x', '-3'):
            w.export('x', '--at', size, status=2)
        assert not os.path.exists(w.path('x'))


def without_key():
    with World('--runs', '3', key=False) as w:
        w.run()
        status, _, err = w.call('export', '--out', w.path('x'))
        assert status == 3 and 'hint: muniment checkpoint' in err, err
        w.unlock()
        w.expect(0, 'checkpoint')
        w.lock()
        w.run('restore')
        newest = w.lines('log')[-1]['seq']
        status, out, err = w.call('export', '--out', w.path('some'), '-o', 'json')
        made = json.loads(out)
        assert status == 0 and made['recorded'] is None
        assert made['left_out'] == newest + 1 - made['size'] > 5
        assert '%d entries are left out' % made['left_out'] in err, err
        assert summary(w.path('some'))['entries']['left_out'] == made['left_out']
        assert w.lines('log')[-1]['seq'] == newest
        w.unlock()
        w.check('some')
        shutil.rmtree(os.path.join(w.env['XDG_DATA_HOME'], 'muniment', 'vault'))
        assert w.export('lost')['left_out'] == made['left_out']
        assert files(w.path('lost')) == files(w.path('some'))
        assert w.lines('log')[-1]['seq'] == newest


def copies():
    with World('--runs', '3') as w:
        w.run()
        w.expect(0, 'checkpoint')
        w.expect(0, 'journal', 'backup', w.path('backup'))
        shutil.copytree(w.journal, w.path('copy'))
        marks = files(w.env['XDG_STATE_HOME'])
        for name in ('backup', 'copy'):
            before = files(w.path(name))['data.mdb']
            made = w.export(name + '-bundle', '--journal', w.path(name))
            assert made['recorded'] is None and made['left_out'] == 0
            assert files(w.path(name))['data.mdb'] == before
            w.export(name + '-again', '--journal', w.path(name))  # nor is it the journal now
            assert files(w.path(name))['data.mdb'] == before
        assert files(w.env['XDG_STATE_HOME']) == marks
        w.export('own')
        for name in ('backup', 'copy'):
            assert files(w.path(name + '-bundle')) == files(w.path('own'))
        if not disk.may_mount():
            return
        with disk.Disk(size='64m') as medium:
            shutil.copytree(w.path('backup'), medium.path + '/journal')
            medium.mount_read_only()
            w.export('medium', '--journal', medium.path + '/journal')
            assert files(w.path('medium')) == files(w.path('own'))


def already_there():
    """A probe settles items for which nothing was ever sent."""
    with World('--runs', '2') as w:
        w.run('restore')
        w.run('restore', reason='once more, of what is active')
        assert any(s['request'] is None for e in w.lines('log') for s in e.get('settles') or ())
        w.export('bundle')
        w.check('bundle')


def refusals():
    with World('--runs', '2') as w:
        w.run()
        os.mkdir(w.path('there'))
        os.symlink('nowhere', w.path('link'))
        size = w.lines('log')[-1]['seq']
        for args in (('--out', w.path('there')), ('--out', w.path('link')), ('--out', ''), (),
                     ('--out', w.path('no/such/folder')), ('--out', '-'),
                     ('b-123456', 'b-123457', '--out', w.path('x')),
                     ('b-123456', '--batch', 'b-123457', '--out', w.path('x')),
                     ('--http', 'many', '--out', w.path('x')),
                     ('--fields', 'nothing', '-o', 'json', '--out', w.path('x'))):
            w.expect(2, 'export', *args)
        w.expect(5, 'export', 'b-00000000000000000000', '--out', w.path('x'))
        assert os.listdir(w.path('there')) == [] and not os.path.exists(w.path('x'))
        assert w.lines('log')[-1]['seq'] == size and not rest(w.folder)


def filters():
    with World('--runs', '8', '--archived', '2') as w:
        first = w.run(reason='the first of them')
        w.run('restore', reason='and back again')
        runs = w.sandbox.ids
        log = {e['seq']: e for e in w.lines('log')}
        made = w.export('run', '--run', runs[3], '--op', 'archive')
        got = entries(w.path('run'))
        assert made['attempts'] == 1 and made['entries'] + made['withheld'] == made['size']
        assert made['filter'] == '--run=%s --op=archive' % runs[3]
        assert w.lines('log')[-1]['filter'] == made['filter'] == summary(w.path('run'))['filter']
        wanted = {s for s, e in log.items() if e['kind'] in ('journal.created', 'key.added')}
        wanted |= {s for s, e in log.items() if e.get('batch') == first and
                   (e['kind'].startswith('batch.') or e.get('run') == runs[3])}
        plan = next(e['plan'] for e in log.values() if e.get('batch') == first)
        wanted |= {s for s, e in log.items() if e['kind'] == 'plan.stored' and e['plan'] == plan}
        assert {e['seq'] for e in got} == wanted and all(log[e['seq']] == e for e in got)
        assert not os.path.exists(w.path('run/plan')), 'the list of a batch that is not whole'
        said = summary(w.path('run'))
        assert [b['whole'] for b in said['batches']] == [False]
        assert 'sound, not complete' in said['verify']['says']
        assert any(text.startswith('completeness: %d of %d' % (made['withheld'], made['size']))
                   for text in said['verify']['not_checked'])
        w.check('run')
        w.export('batch', first)
        assert os.listdir(w.path('batch/plan')) == [plan + '.ids']
        assert {e['seq'] for e in entries(w.path('batch'))} >= \
            {s for s, e in log.items() if e.get('batch') == first}
        w.check('batch')
        for name, args, attempts in (
                ('state', ('--state', 'already_archived'), 2), ('limit', ('--limit', '3'), 3),
                ('last', ('--limit', '1', '--reverse'), 1), ('none', ('--http', '404'), 0),
                ('op', ('--op', 'restore'), 8), ('verdict', ('--verdict', 'archived'), 6),
                ('since', ('--since', '2000-01-01'), 16), ('reason', ('--reason', 'back'), 8)):
            made = w.export('by-' + name, *args)
            assert made['attempts'] == attempts, (name, made)
            w.check('by-' + name)
        rows = files(w.path('by-last'))['history.jsonl'].splitlines()
        assert [json.loads(row)['op'] for row in rows] == ['restore'] * 1
        w.export('twice', '--op', 'restore')
        assert files(w.path('twice')) == files(w.path('by-op'))


def full_disk():
    if not disk.may_mount():
        return
    with World('--runs', '40') as w, disk.Disk(size='1m') as small:
        w.run()
        w.expect(0, 'checkpoint')
        newest = w.lines('log')[-1]['seq']
        refused = 0
        for leave in range(0, 60, 3):
            for out in (small.path + '/bundle', small.path + '/bundle.tar'):
                small.fill(leave)
                status, _, err = w.call('export', '--out', out)
                small.clear()
                if status == 0:
                    (shutil.rmtree if os.path.isdir(out) else os.unlink)(out)
                    newest += 1
                    continue
                refused += 1
                assert status == 1, (status, err)
                assert os.listdir(small.path) == [], os.listdir(small.path)
        assert refused > 5 and w.lines('log')[-1]['seq'] == newest
        w.env['TMPDIR'] = small.path
        small.fill(4)
        status, _, err = w.call('export', '--out', w.path('x'))
        assert status == 1 and not os.path.exists(w.path('x')) and not rest(w.folder), err


def leftovers():
    with World('--runs', '2') as w:
        w.run()
        for name in ('dead', 'alive'):
            os.makedirs(w.path(MARK + name + '/bundle/plan'))
            with open(w.path(MARK + name + '/bundle/plan/x'), 'w', encoding='ascii') as file:
                file.write('half\n')
        fd = os.open(w.path(MARK + 'alive'), os.O_RDONLY)
        fcntl.flock(fd, fcntl.LOCK_EX)
        w.export('bundle')
        assert rest(w.folder) == [MARK + 'alive']
        os.close(fd)
        w.export('bundle.tar')
        assert rest(w.folder) == []


def killed():
    """Whenever it dies, there is a whole bundle or none under the final name."""
    with World('--runs', '60') as w:
        w.run()
        w.run('restore')
        w.export('whole')
        wanted = files(w.path('whole'))
        for n in range(20):
            with w.start('export', '--out', w.path('next')) as process:
                time.sleep(0.004 * n)
                process.send_signal(signal.SIGKILL)
                process.communicate()
            if os.path.exists(w.path('next')):
                assert files(w.path('next')) == wanted
                shutil.rmtree(w.path('next'))
        w.export('next')
        assert files(w.path('next')) == wanted and not rest(w.folder)
        w.expect(0, 'verify')


def while_running():
    with World('--runs', '60', '--latency', '15') as w:
        plan = w.plan()
        with w.start('run', plan, *FAST) as process:
            sizes = []
            for n in range(60):
                if process.poll() is not None:
                    break
                made = w.export('while-%d' % n)
                sizes.append((made['size'], n))
                for batch in summary(w.path('while-%d' % n))['batches']:
                    assert batch['conserved'] and batch['whole']
            _, err = process.communicate()
            assert process.returncode == 0, err
        assert len({size for size, _ in sizes}) > 2, sizes
        for _, n in sizes[::4]:
            w.check('while-%d' % n)
        w.compare()


CASES = [same_bytes, one_tar, rows_of_queries, older_size, without_key, copies, already_there,
         refusals, filters,
         full_disk, leftovers, killed, while_running]

if __name__ == '__main__':
    harness.main([(case.__name__, case) for case in CASES], workers=3)
