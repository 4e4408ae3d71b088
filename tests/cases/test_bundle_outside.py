# SPDX-License-Identifier: Apache-2.0
"""Bundles as the program writes them, read by tools that are not ours: the commands of README.txt
in two shells and a bare folder of programs, sha256sum, jq, sqlite3's CSV import, and verify.py."""
import csv
import functools
import json
import os
import re
import shutil
import subprocess
import sys

import harness
import readme
from authority import TimeStampAuthority
from bundle_maker import sums
from witness import Witness

CHECKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'journal',
                       'verify.py')
ENTRIES = 'entries.jsonl'
HISTORY = ('time,org,run,name,op,batch,item,attempt,verdict,evidence,http,archived_at,duration_ms,operator,'
           'claimed,identity,reason,ticket,token,request_seq,response_seq,settled_seq').split(',')
ITEMS = 'batch,item,line,run,name,state,verdict,evidence,attempts,archived_at,reason,ticket,last_seq'.split(',')
NAMES = ('plain', 'with, comma', 'with "quotes"', '=SUM(A1)', 'J\u00fcrgen \u4e2d', "it's; fine")


class World(harness.World):
    def __init__(self, *args):
        super().__init__(*args)
        path = os.path.join(self.folder, 'key')
        with open(path, 'wb') as file:
            file.write(os.urandom(48))
        os.chmod(path, 0o600)
        self.env['MUNIMENT_KEY_FILE'] = path
        self.bundles = 0
        self.expect(0, 'checkpoint')  # makes the signing key

    def run(self, op='archive', status=0, reason='a case of the tests', options=()):
        plan = self.plan(op, reason=reason)
        got, _, err = self.call('run', plan, '--rate', 'none', '--settle', '0s', *options)
        assert got == status, 'exit %d, not %d: %s' % (got, status, err)
        return [e['batch'] for e in self.lines('log') if e['kind'] == 'batch.started'][-1]

    def named(self):
        """A batch whose manifest has names that no format may stumble over."""
        path = os.path.join(self.folder, 'manifest.csv')
        with open(path, 'w', encoding='utf-8', newline='') as file:
            rows = csv.writer(file)
            rows.writerow(['id', 'name', 'ticket'])
            rows.writerows([run, name, 'T-%d,"x"' % n] for n,
                           (run, name) in enumerate(zip(self.sandbox.ids, NAMES)))
        self.expect(0, 'archive', '--org', harness.ORG, '--base-url', self.sandbox.url, '--from',
                    path, '--reason',
                    'names, with "quotes"', '--yes', '--rate', 'none')

    def vkey(self):
        return self.expect(0, 'checkpoint', '--public-key').split('\n')[0]

    def bundle(self, *args):
        self.bundles += 1
        path = os.path.join(self.folder, 'bundle-%d' % self.bundles)
        self.expect(0, 'export', *args, '--out', path)
        return path


def check(status, folder, vkey, *options):
    done = subprocess.run([sys.executable, CHECKER, folder, vkey, *options], check=False,
                          timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == status, 'exit %d, not %d: %s' % (done.returncode, status,
            done.stdout.decode())
    return done.stdout.decode()


def text_of(*path):
    with open(os.path.join(*path), encoding='utf-8', newline='') as file:
        return file.read()


def tool(*args, **options):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, **options).stdout.decode()


def jq_reads(folder):
    """jq takes each line of each .jsonl as one value, and the .json file."""
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            if name.endswith('.jsonl'):
                lines = text_of(path).count('\n')
                assert tool('jq', '-c', 'type', path) == '"object"\n' * lines, name
                assert lines or name != ENTRIES
            elif name.endswith('.json'):
                assert tool('jq', 'type', path) == '"object"\n', name


def imported(path):
    """Header and rows of a CSV file as sqlite3 has them."""
    said = tool('sqlite3', ':memory:', '-cmd', '.mode csv', '-cmd', '.import %s t' % path, '-cmd',
                '.mode json',
                "SELECT name FROM pragma_table_info('t'); SELECT * FROM t;")
    tables = [json.loads(part) for part in re.findall(r'^\[.*?\]$', said, re.S | re.M)]
    return [row['name'] for row in tables[0]], tables[1] if len(tables) > 1 else []


def cell(value):
    value = '' if value is None else str(value)
    return "'" + value if value[:1] in ('=', '+', '-', '@', '\t', '\r') else value


def sqlite_reads(folder, rows, items, more=()):
    """Columns and rows of the tables; the rows of history are those of its other form."""
    names, found = imported(os.path.join(folder, 'history.csv'))
    assert names == HISTORY, names
    lines = [json.loads(line) for line in text_of(folder, 'history.jsonl').splitlines()]
    assert [list(line) for line in lines] == [HISTORY] * rows and len(found) == rows, (len(lines),
            len(found), rows)
    for row, line in zip(found, lines):
        assert row == {name: cell(value) for name, value in line.items()}, (row, line)
    names, found = imported(os.path.join(folder, 'items.csv'))
    assert names == ITEMS + list(more) and len(found) == items, (names, len(found))
    with open(os.path.join(folder, 'items.csv'), encoding='utf-8', newline='') as file:
        assert found == list(csv.DictReader(file))
    return found


def read_by_all(w, folder, rows, items, ca=None, status=3, more=()):
    tool('sha256sum', '--strict', '--quiet', '-c', 'SHA256SUMS', cwd=folder)
    jq_reads(folder)
    found = sqlite_reads(folder, rows, items, more)
    for shell in ('dash', 'bash'):
        copy = shutil.copytree(folder, '%s-%s' % (folder, shell))
        readme.run(copy, shell, ca, (status,))
        check(status, copy, w.vkey())  # and nothing is left behind
    assert text_of(folder, 'verify.py') == text_of(CHECKER)
    return found


def whole():
    with World('--runs', '6') as w:
        w.run()
        w.run('restore')
        folder = w.bundle()
        found = read_by_all(w, folder, 12, 12)
        assert {row['name'] for row in found} == {''}
        text = check(3, folder, w.vkey())
        assert 'finding: nothing anchored' in text and 'doubt' not in text, text
        assert 'bodies that are withheld' in text
        entries = text_of(folder, ENTRIES)
        assert w.expect(0, 'log', '-o', 'jsonl').startswith(entries)


def with_bodies():
    with World('--runs', '6') as w:
        w.named()
        folder = w.bundle('--bodies')
        found = read_by_all(w, folder, 6, 6, more=('columns',))
        assert [row['ticket'] for row in found] == ['T-%d,"x"' % n for n in range(6)]
        assert all(row['name'] for row in found), found
        columns = [json.loads(row['columns']) for row in found]
        assert [row['name'] for row in columns] == list(NAMES), columns
        text = check(3, folder, w.vkey())
        assert re.search(r'conservation, [1-9][0-9]* bodies', text) and 'withheld' not in text, text
        path = os.path.join(folder, 'bodies.jsonl')
        rows = text_of(path).splitlines()
        row = json.loads(rows[1])
        row['bytes'] = 'AAAA' + row['bytes'][4:]
        rows[1] = json.dumps(row, sort_keys=True, separators=(',', ':'))
        with open(path, 'w', encoding='utf-8') as file:
            file.write('\n'.join(rows) + '\n')
        assert 'bodies.jsonl: altered' in check(1, folder, w.vkey())


def filtered():
    with World('--runs', '6') as w:
        first = w.run()
        second = w.run('restore')
        w.run(reason='another one of the tests')
        for batch in (first, second):
            folder = w.bundle('--batch', batch)
            read_by_all(w, folder, 6, 6)
            text = check(3, folder, w.vkey())
            assert text.splitlines()[-1] == 'verified with findings (a selection: sound, not complete)', text
            assert re.search('NOT checked: completeness: [1-9][0-9]* of [0-9]+ entries withheld',
                             text)
        folder = w.bundle('--run', w.sandbox.ids[2], '--bodies')
        read_by_all(w, folder, 3, 3, more=('columns',))
        os.remove(os.path.join(folder, 'withheld'))
        check(1, folder, w.vkey())


def anchored():
    with World('--runs', '4') as w, TimeStampAuthority() as tsa, Witness() as one:
        one.trust(w.vkey())
        anchors = ('--timestamp', tsa.url, '--witness', one.url, '--witness-key', one.vkey)
        w.run(options=anchors)
        early = w.bundle()
        w.run('restore', options=anchors)
        w.expect(0, 'checkpoint', *anchors)
        folder = w.bundle()
        asked = ('--tsa-ca', tsa.ca, '--witness', one.vkey)
        text = check(0, folder, w.vkey(), *asked)
        assert 'anchored by --tsa-ca' in text and text.splitlines()[-1] == 'verified', text
        read_by_all(w, folder, 8, 8, tsa.ca, 0)
        tools = {'sha256sum', 'sed', 'grep', 'head', 'cut', 'base64', 'tail', 'tr', 'rm', 'openssl',
                 'python3', 'sh'}
        bare = os.path.join(w.folder, 'bin')
        os.mkdir(bare)
        for name in tools:
            os.symlink(sys.executable if name == 'python3' else shutil.which(name),
                       os.path.join(bare, name))
        readme.run(shutil.copytree(folder, folder + '-bare'), shutil.which('dash'), tsa.ca, (0,),
                   path=bare)
        # The auditor's own copies of what he was handed before.
        kept = os.path.join(early, 'checkpoint')
        check(0, folder, w.vkey(), '--since-checkpoint', kept)
        proof = os.path.join(w.folder, 'proof')
        with open(proof, 'w', encoding='utf-8') as file:
            file.write(w.expect(0, 'prove', '--since-checkpoint', kept))
        check(0, folder, w.vkey(), '--since-checkpoint', proof)
        assert 'older, or cut off' in check(1, early, w.vkey(), '--since-checkpoint', proof)
        with open(proof, 'w', encoding='utf-8') as file:
            file.write(w.expect(0, 'prove', '#3'))
        check(0, folder, w.vkey(), '--since-checkpoint', proof)
        with TimeStampAuthority('other') as other:
            check(1, folder, w.vkey(), '--tsa-ca', other.ca)
        path = next(os.path.join(folder, name) for name in sorted(os.listdir(folder))
                    if name.endswith('.tsr'))
        with open(path, 'ab') as file:
            file.write(b'\0')
        assert '.tsr: altered' in check(1, folder, w.vkey())


def key_change():
    with World('--runs', '3') as w:
        w.run()
        old = w.vkey()
        w.expect(0, 'checkpoint', '--new-key', '--reason', 'a new key of the tests')
        w.run('restore')
        folder = w.bundle()
        assert old != w.vkey()
        assert 'successor' not in check(3, folder, w.vkey())
        check(3, folder, old)
        read_by_all(w, folder, 6, 6)


def flip(data):
    at = data.index(b'"duration_ms":') + 14
    return data[:at] + (b'8' if data[at:at + 1] != b'8' else b'7') + data[at + 1:]


def lines(change):
    def edit(data):
        rows = data.splitlines(True)
        change(rows)
        return b''.join(rows)
    return edit


def swap(rows):
    rows[5], rows[6] = rows[6], rows[5]


ALTERED = {  # file of a bundle, what is done to it; its sum is written anew
    'byte flipped': (ENTRIES, flip),
    'entry dropped': (ENTRIES, lines(lambda rows: rows.pop(6))),
    'two dropped': (ENTRIES, lines(lambda rows: rows.__delitem__(slice(6, 8)))),
    'entry twice': (ENTRIES, lines(lambda rows: rows.insert(6, rows[6]))),
    'entries swapped': (ENTRIES, lines(swap)),
    'tail cut': (ENTRIES, lines(lambda rows: rows.pop())),
    'bytes behind': (ENTRIES, lambda data: data + b'x'),
    'line behind': (ENTRIES, lambda data: data + b'{}\n'),
    'body edited': ('bodies.jsonl', lambda data: data.replace(b'"bytes":"', b'"bytes":"AAAA', 1)),
    'list edited': ('plan',
                    lambda data: data[:5] + (b'a' if data[5:6] != b'a' else b'b') + data[6:]),
    'list longer': ('plan', lambda data: data + b'f' * 32 + b'\n'),
    'signature stripped': ('checkpoint*', lambda data: data.split(b'\n\n')[0] + b'\n\n'),
    'signature altered': ('checkpoint*', lambda data: data[:-12] + b'AAAAA' + data[-7:]),
    'size altered': ('checkpoint*', lambda data: data.replace(b'\n', b'\n1', 1)),
    'key altered': ('public-key.txt', lambda data: data[:-50] + b'AAAA' + data[-46:]),
    'bytes behind a stamp': ('checkpoint.1.tsr', lambda data: data + b'\0'),
    'stamp cut': ('checkpoint.1.tsr', lambda data: data[:-1]),
    'file added': ('more.txt', lambda data: b'x'),
    'list added': ('plan/p-0123456789abcdef0123.ids', lambda data: b'f' * 32 + b'\n'),
    'table altered': ('history.csv', lambda data: data.replace(b',archived,', b',restored,', 1)),
    'summary altered': ('summary.json', lambda data: data.replace(b'"total":4', b'"total":5', 1)),
    'cell altered': ('items.csv', lambda data: data.replace(b',archived,', b',failed,', 1)),
    'own name for a file': ('checkpoint.2.tsr', lambda data: b'x'),
}
DERIVED = ('table altered', 'summary altered', 'cell altered')  # verify.py only has their sums


def altered():
    """Both checkers refuse what the other one refuses."""
    passed = []
    with World('--runs', '4') as w, TimeStampAuthority() as tsa:
        w.run()
        w.expect(0, 'checkpoint', '--timestamp', tsa.url)
        folder = w.bundle('--bodies')
        check(0, folder, w.vkey(), '--tsa-ca', tsa.ca)
        w.expect(0, 'verify', folder, '--log-key', w.vkey(), '--tsa-ca', tsa.ca)
        for name, (where, change) in ALTERED.items():
            copy = shutil.copytree(folder,
                                   os.path.join(w.folder, 'altered-' + name.replace(' ', '-')))
            names = {'plan': [os.path.join('plan',
                                           n) for n in os.listdir(os.path.join(copy, 'plan'))],
                     'checkpoint*': ['checkpoint', 'checkpoint.signed']}.get(where, [where])
            for path in [os.path.join(copy, n) for n in names]:
                data = b''
                if os.path.exists(path):
                    with open(path, 'rb') as file:
                        data = file.read()
                with open(path, 'wb') as file:
                    file.write(change(data))
            sums(copy)
            text = check(0 if name in DERIVED else 1, copy, w.vkey(), '--tsa-ca', tsa.ca)
            got, _, _ = w.call('verify', copy, '--log-key', w.vkey(), '--tsa-ca', tsa.ca)
            if got != 15:
                passed.append('%s: exit %d; verify.py: %s' % (name, got, text.splitlines()[-2]))
        assert not passed, 'muniment verify lets pass: ' + '; '.join(passed)


FAULTS = {  # what the server does to the third request, exit of the run, is an item left in doubt?
    'other-id@n=3': (14, True),
    'close-after@n=3': (0, False),
    'html200@n=3': (0, False),
    '404-resource@n=3': (9, False),
    '503@n=3': (0, False),
    '302@n=3': (14, True),
    '401@n=3+': (3, False),
    '429:1@n=3': (0, False),
    'cut-body@n=3,effect=yes': (0, False),
}


def faulty(fault):
    status, doubt = FAULTS[fault]
    with World('--runs', '5', '--fault', fault) as w:
        batch = w.run(status=status)
        text = check(3, w.bundle(), w.vkey())
        assert ('in doubt' in text) == doubt, text
        check(3, w.bundle('--run', w.sandbox.ids[2]), w.vkey())
        if doubt:
            w.call('resolve', batch, '--assume', 'not-archived', '--reason', 'looked at by hand')
        w.call('cancel', batch, '--reason', 'the tests are over')
        text = check(3, w.bundle(), w.vkey())
        assert 'in doubt' not in text, text
        check(3, w.bundle('--batch', batch), w.vkey())


CASES = [('whole', whole), ('with bodies', with_bodies), ('filtered', filtered),
         ('anchored', anchored), ('key change', key_change),
         ('altered', altered)]
CASES += [('after ' + fault, functools.partial(faulty, fault)) for fault in FAULTS]

if __name__ == '__main__':
    harness.main(CASES)
