# SPDX-License-Identifier: Apache-2.0
"""verify.py, the checker that bundles carry: what it says of sound bundles, and that it refuses
each of the ways to alter one, with its cause. The bundles are made by bundle_maker.py."""
import base64
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

import harness
import readme
from bundle_maker import Authority, Journal, Signer, b64, bundle, sha, sums

CHECKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'journal',
                       'verify.py')
PLAN, BATCH = 'p-%020x', 'b-%020x'


class Folder:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix='muniment-case-')
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def check(folder, vkey, *options, clock=None):
    """Exit status and text of the checker."""
    env = dict(os.environ, LC_ALL='C')
    if clock:
        env.update(clock)
    done = subprocess.run([sys.executable, CHECKER, folder, vkey, *options], env=env, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode()


def expect(status, said, folder, vkey, *options, **more):
    got, text = check(folder, vkey, *options, **more)
    assert got == status, 'exit %d, not %d: %s' % (got, status, text)
    for pattern in [said] if isinstance(said, str) else said:
        assert re.search(pattern, text, re.M), '%r is not in: %s' % (pattern, text)
    last = {0: 'verified', 3: 'verified with findings', 1: 'FAILED'}.get(status)
    if last:
        assert re.fullmatch(re.escape(last) + r'( \(a selection: sound, not complete\))?',
                            text.splitlines()[-1]), 'the last line: %s' % text
    return text


def read(*path):
    with open(os.path.join(*path), 'rb') as file:
        return file.read()


def save(data, *path):
    with open(os.path.join(*path), 'wb') as file:
        file.write(data)


class Sound:
    """A journal with all that a bundle can have; each case works on copies of its bundles."""

    def __init__(self, folder):
        self.folder, self.copies = folder, 0
        self.authority = Authority(folder)
        self.witness = Signer(folder, 'witness.example/one', 4)
        journal = self.journal = Journal(folder)
        journal.batch(1, own='%032x\town reason\tT-1\n' % 1001)
        self.first = journal.sign()
        journal.stamp(self.first, self.authority)
        journal.cosign(self.first, self.witness)
        journal.new_key()
        self.changed = journal.sign([journal.keys[1], journal.keys[0]])
        journal.batch(2, op='restore')
        journal.add('body.erased', seqs=[6], disclosed=[], basis='Art. 17',
                    operator=journal.operator)
        self.size = journal.sign()
        journal.stamp(self.size, self.authority)
        journal.cosign(self.size, self.witness)
        shipped = (self.first, self.changed)
        self.whole = os.path.join(folder, 'whole')
        self.vkey = bundle(journal, self.whole, shipped=shipped, bodies=True, checker=CHECKER,
                           erased=(6,))
        self.options = ('--witness', self.witness.vkey, '--tsa-ca', self.authority.ca)
        keep = [n for n, e in enumerate(journal.entries[:self.size])
                if e.get('batch') == BATCH % 2 or
                e.get('plan') == PLAN % 2 or e['kind'] in ('journal.created', 'key.added',
                                                          'checkpoint.anchored', 'body.erased')]
        self.selection = os.path.join(folder, 'selection')
        bundle(journal, self.selection, shipped=shipped, keep=keep, lists=(PLAN % 2,),
               checker=CHECKER)

    def copy(self, of=None):
        self.copies += 1
        return shutil.copytree(of or self.whole, os.path.join(self.folder, 'copy-%d' % self.copies),
                               symlinks=True)


def sound_bundles():
    with Folder() as folder:
        s = Sound(folder)
        text = expect(0, ['%d entries, root ' % s.size, '1 bodies erased',
                          'anchored by --tsa-ca: entries below #%d' % s.size,
                          'anchored by witness.example/one.*: entries below #%d' % s.size,
                          'NOT checked: .*what the operator did not record', 'revocation'],
                      s.whole, s.vkey, *s.options)
        assert 'whose key' not in text
        expect(0, ['NOT checked: cosignatures: no --witness',
                   'NOT checked: 2 time stamps: no --tsa-ca'],
               s.whole, s.vkey)
        expect(0, 'NOT checked: whose key this is', s.whole,
               os.path.join(s.whole, 'public-key.txt'))
        expect(0, 'verified', s.whole,
               s.journal.keys[0].vkey)  # the former key agreed to the new one
        text = expect(0, 'completeness: [0-9]+ of %d entries withheld' % s.size, s.selection,
                      s.vkey, *s.options)
        assert text.splitlines()[-1] == 'verified (a selection: sound, not complete)'
        expect(1, 'no verifier key', s.whole, s.vkey[:-3] + 'AAA')
        expect(1, 'a key of the wrong type', s.whole, s.witness.vkey)
        expect(1, 'a key of the wrong type', s.whole, s.vkey, '--witness', s.vkey)
        expect(1, 'FileNotFoundError', s.whole, s.vkey, '--tsa-ca', folder + '/nothing')
        done = subprocess.run([sys.executable, CHECKER, s.whole], check=False,
                              stderr=subprocess.PIPE)
        assert done.returncode == 2 and b'usage' in done.stderr, done
        done = subprocess.run([sys.executable, CHECKER, '.', s.vkey], cwd=s.whole, check=True,
                              stdout=subprocess.PIPE)
        assert b'whose key' not in done.stdout, done.stdout  # given as text, it is not from the bundle
        done = subprocess.run(['sha256sum', '--strict', '-c', 'SHA256SUMS'], cwd=s.whole,
                              check=False,
                              stdout=subprocess.PIPE)
        assert done.returncode == 0, done.stdout


def findings():
    with Folder() as folder:
        j = Journal(folder)
        j.batch(1, doubtful=(1,))
        j.add('clock.jumped', real=None, before=None, server=None)
        j.sign()
        vkey = bundle(j, folder + '/a', checker=CHECKER)
        expect(3, ['finding: #[0-9]+: item 1 of %s is in doubt' % (BATCH % 1),
                   'finding: #[0-9]+: the clock jumped',
                   'finding: nothing anchored', 'NOT checked: [0-9]+ bodies that are withheld'],
                   folder + '/a', vkey)
        # A decision, a probe that settles, a late answer: each ends the doubt, once.
        place = {'batch': BATCH % 1, 'item': 1}
        attempt = next(e['seq'] for e in reversed(j.entries) if e['kind'] == 'request'
                       and e['item'] == 1)
        j.add('decision', **place, request=attempt, verdict='not_archived', reason='x',
              operator=j.operator)
        j.sign()
        bundle(j, folder + '/b', checker=CHECKER)
        text = expect(3, 'verified', folder + '/b', vkey)
        assert 'doubt' not in text
        where = dict(place, org=j.entries[attempt]['org'], run=j.entries[attempt]['run'])
        j.response(where, attempt, 'unknown')
        refused = j.request(where, attempt=2)
        j.response(where, refused, 'config_error', http=None, sent=False,
                   body=None)  # a certificate
        again = j.request(where, attempt=3)
        j.response(where, again, 'unknown', http=502)
        probe = j.request(where, 'probe')
        j.response(where, probe, 'is_archived',
                   settles=[dict(place, request=again, verdict='archived', archived_at=None)])
        j.end(BATCH % 1, skipped=1, done=3)
        j.sign()
        bundle(j, folder + '/c', checker=CHECKER)
        text = expect(3, 'verified', folder + '/c', vkey)
        assert 'doubt' not in text


def key_changes():
    with Folder() as folder:
        j = Journal(folder)
        j.batch(1)
        first = j.sign()
        j.new_key()
        j.batch(2)
        j.sign()
        vkey = bundle(j, folder + '/a', shipped=(first,), checker=CHECKER)
        expect(3, 'nothing shows that the former key agreed', folder + '/a', vkey)
        expect(1, 'did not agree to its successor', folder + '/a', j.keys[0].vkey)
        expect(1, 'checkpoint: signed by another key', folder + '/a', Signer(folder, j.origin).vkey)
        j.sign([j.keys[0]])  # the old key goes on signing
        bundle(j, folder + '/b', checker=CHECKER)
        expect(1, 'checkpoint: not signed by the key in force', folder + '/b', j.keys[0].vkey)


def edit_lines(change):
    def edit(folder, _):
        lines = read(folder, 'entries.jsonl').splitlines(True)
        change(lines)
        save(b''.join(lines), folder, 'entries.jsonl')
    return edit


def replace(name, old, new):
    def edit(folder, _):
        data = read(folder, name)
        assert old in data, name
        save(data.replace(old, new, 1), folder, name)
    return edit


def put(name, data):
    return lambda folder, _: save(read(folder, name) + data
                                  if os.path.exists(os.path.join(folder, name)) else data,
                                  folder, name)


def drop(*names):
    return lambda folder, _: [os.remove(os.path.join(folder, name)) for name in names]


def flip(lines):
    lines[9] = lines[9].replace(b'"uptime_ms":1009', b'"uptime_ms":1008')


def swap(lines):
    lines[5], lines[6] = lines[6], lines[5]


def strip(folder, _):
    for name in ('checkpoint', 'checkpoint.signed'):
        save(read(folder, name).split(b'\n\n')[0] + b'\n', folder, name)


def strip_ours(folder, s):
    for name in ('checkpoint', 'checkpoint.signed'):
        save(read(folder, 'checkpoint.signed').split(b'\n\n')[0] + b'\n\n' + s.witness.line('x',
                5).encode(),
             folder, name)


def resign(folder, s):
    other = Signer(folder + '/..', s.journal.origin)
    text = s.journal.notes[s.size]['text']
    for name in ('checkpoint', 'checkpoint.signed'):
        save((text + '\n' + other.line(text)).encode(), folder, name)


def older(folder, s):
    for end in ('', '.signed'):
        save(read(folder, 'checkpoints', str(s.first) + end), folder, 'checkpoint' + end)


def older_alone(folder, s):
    older(folder, s)
    shutil.rmtree(os.path.join(folder, 'checkpoints'))
    os.remove(os.path.join(folder, 'checkpoint.1.tsr'))
    save(read(s.whole, 'checkpoints', '%d.1.tsr' % s.first), folder, 'checkpoint.1.tsr')


def other_stamp(folder, s):
    save(read(folder, 'checkpoints', '%d.1.tsr' % s.first), folder, 'checkpoint.1.tsr')


def foreign_stamp(folder, s):
    save(Authority(folder + '/..').reply(read(folder, 'checkpoint.signed')), folder,
         'checkpoint.1.tsr')


def link(folder, _):
    os.rename(os.path.join(folder, 'history.csv'), folder + '-history')
    os.symlink(folder + '-history', os.path.join(folder, 'history.csv'))


def link_folder(folder, _):
    os.rename(os.path.join(folder, 'plan'), folder + '-plan')
    os.symlink(folder + '-plan', os.path.join(folder, 'plan'))


def edit_cosignature(folder, s):
    line = s.witness.line('another text', 2000000000)
    save(read(folder, 'checkpoint.signed') + line.encode(), folder, 'checkpoint')


def no_cosignatures(folder, s):
    for name in ('checkpoint', 'checkpoints/%d' % s.first):
        shutil.copyfile(os.path.join(folder, name + '.signed'), os.path.join(folder, name))


def alter_signature(folder, s):
    line = s.journal.notes[s.size]['signed'][-20:-3].encode()
    for name in ('checkpoint', 'checkpoint.signed'):
        replace(name, line, b'A' * 17)(folder, s)


def alter_root(folder, s):
    root = s.journal.notes[s.size]['text'].split('\n')[2].encode()
    for name in ('checkpoint', 'checkpoint.signed'):
        replace(name, root, b64(b'x' * 32).encode())(folder, s)


ID1 = b'%032x' % 1001
WHOLE = {  # name: what is done, cause
    'byte flipped': (edit_lines(flip),
                     'checkpoints/[0-9]+: entries #0 to #[0-9]+ do not give its root'),
    'byte of JSON': (edit_lines(lambda l: l.__setitem__(9, l[9].replace(b'{', b'[', 1))),
                     'not in RFC 8785 form'),
    'entry dropped': (edit_lines(lambda l: l.pop(7)), '#8 stands where #7 belongs'),
    'two dropped': (edit_lines(lambda l: l.__delitem__(slice(7, 9))), '#9 stands where #7 belongs'),
    'entry twice': (edit_lines(lambda l: l.insert(7, l[7])), '#7 stands where #8 belongs'),
    'entries swapped': (edit_lines(swap), '#6 stands where #5 belongs'),
    'tail cut': (edit_lines(lambda l: l.__delitem__(slice(-2, None))), 'entries.jsonl ends with #'),
    'cut in a line': (lambda f, _: save(read(f, 'entries.jsonl')[:-9], f, 'entries.jsonl'),
                      'cut off or too long'),
    'bytes behind': (put('entries.jsonl', b'x'), 'entries.jsonl: a line is cut off'),
    'line behind': (put('entries.jsonl', b'{}\n'), 'failed: '),
    'empty line behind': (put('entries.jsonl', b'\n'), 'not in RFC 8785 form'),
    'entry too long': (edit_lines(lambda l: l.insert(3, b'{"a":"' + b'x' * 65530 + b'"}\n')),
                       'too long'),
    'deep nesting': (edit_lines(lambda l: l.insert(3, b'[' * 60000 + b'\n')),
                     'not in RFC 8785 form'),
    'signatures stripped': (strip, 'checkpoint: no checkpoint'),
    'only a witness left': (strip_ours, 'checkpoint: not signed by the key in force'),
    'signed by another key': (resign, 'checkpoint: not signed by the key in force'),
    'signature altered': (alter_signature, 'is no signature of it'),
    'root altered': (alter_root, 'checkpoint: entries #[0-9]+ to #[0-9]+ do not give'),
    'older checkpoint': (older, 'has [0-9]+ entries, the bundle only [0-9]+'),
    'older checkpoint alone': (older_alone, 'entries.jsonl ends with #'),
    'text of the time stamp': (put('checkpoint.signed', b'x'), 'checkpoint: no checkpoint'),
    'other public key': (lambda f, s: replace('public-key.txt', s.vkey[-20:].encode(), b'A' * 20)(f,
            s), 'public-key.txt: not the key'),
    'key in another form': (replace('public-key.txt', b'\n', b'\r\n'), 'public-key.txt: not the key'),
    'as signed: empty': (lambda f, s: save(b'', f, 'checkpoints/%d.signed' % s.first),
                         'checkpoints/[0-9]+.signed: no checkpoint'),
    'under another size': (lambda f, s: [save(read(f, 'checkpoint' + end), f, 'checkpoints/1' + end)
                                         for end in ('', '.signed')],
                           'checkpoints/1: not the one of that size'),
    'other PEM': (lambda f, s: replace('public-key.txt', b'MCowBQ', b'MCowBR')(f, s),
                  'public-key.txt: not the key'),
    'list edited': (replace('plan/%s.ids' % (PLAN % 1), ID1, b'f' * 32),
                    'plan/.*ids is not the list of #2'),
    'list longer': (put('plan/%s.ids' % (PLAN % 1), b'f' * 32 + b'\n'),
                    'plan/.*ids is not the list of #2'),
    'list gone': (drop('plan/%s.ids' % (PLAN % 1)), 'plan/.*ids: missing'),
    'own reason edited': (replace('plan/%s.overrides' % (PLAN % 1), b'own', b'our'),
                          'plan/.*overrides are not the own reasons of #2'),
    'own reasons gone': (drop('plan/%s.overrides' % (PLAN % 1)),
                         'plan/.*overrides are not the own reasons of #2'),
    'own reasons added': (put('plan/%s.overrides' % (PLAN % 2), b'x'),
                          'plan/.*overrides are not the own reasons of #'),
    'body edited': (replace('bodies.jsonl', b64(b'{"data"')[:8].encode(),
                            b64(b'{"dota"')[:8].encode()),
                            'bodies.jsonl: #[0-9]+ is not what the line commits to'),
    'body of nobody': (replace('bodies.jsonl', b'"seq":2}', b'"seq":1}'),
                       'bodies.jsonl: #1 is not what'),
    'bytes behind a stamp': (put('checkpoint.1.tsr', b'\0'),
                             'checkpoint.1.tsr: not one time stamp and nothing else'),
    'stamp of another': (other_stamp, 'checkpoint.1.tsr: no time stamp by --tsa-ca'),
    'foreign authority': (foreign_stamp, 'checkpoint.1.tsr: no time stamp by --tsa-ca'),
    'stamp gone': (lambda f, s: drop('checkpoints/%d.1.tsr' % s.first)(f, s),
                   'its timestamp of [0-9]+ entries is missing'),
    'cosignature altered': (edit_cosignature, 'the line of witness.example/one is no signature'),
    'cosignatures gone': (no_cosignatures, 'its witness of [0-9]+ entries is missing'),
    'checkpoint gone': (lambda f, s: drop('checkpoints/%d' % s.first)(f, s),
                        'its (timestamp|witness) of [0-9]+ entries is missing'),
    'link': (link, 'history.csv: neither a file'),
    'linked folder': (link_folder, 'plan: neither a file'),
    'extra file': (put('extra.txt', b'x'), 'extra.txt: surplus'),
    'extra hidden file': (put('.hidden', b'x'), '.hidden: surplus'),
    'extra folder': (lambda f, _: os.mkdir(os.path.join(f, 'more')), 'more: neither a file'),
    'extra list': (put('plan/%s.ids' % (PLAN % 9), b'f' * 32 + b'\n'), 'plan/.*: surplus'),
    'file gone': (drop('history.csv'), 'history.csv: missing'),
    'withheld added': (put('withheld', b'0 0 AAAA\n'), 'failed: '),
}


def refused(name):
    edit, cause = WHOLE[name]
    copy = shared().copy()
    edit(copy, shared())
    expect(1, 'failed: ', copy, shared().vkey, *shared().options)
    sums(copy)  # whoever alters a file can write its sum, too
    expect(1, 'failed: .*' + cause if 'failed' not in cause else cause, copy, shared().vkey,
           *shared().options)


def shift(lines):
    start, height, node = lines[1].split()
    lines[1] = b'%d %s %s\n' % (int(start) + 1, height, node)


def lift(lines):
    start, height, node = lines[0].split()
    lines[0] = b'%s %d %s\n' % (start, int(height) + 1, node)


def edit_withheld(change):
    def edit(folder):
        lines = read(folder, 'withheld').splitlines(True)
        change(lines)
        save(b''.join(lines), folder, 'withheld')
    return edit


SELECTION = {
    'withheld altered': (edit_withheld(lambda l: l.__setitem__(0, l[0][:-9] + b'AAAAAAA=\n')),
                         'do not give its root'),
    'withheld dropped': (edit_withheld(lambda l: l.pop(1)), 'stands where #[0-9]+ belongs'),
    'withheld twice': (edit_withheld(lambda l: l.insert(1, l[1])), 'stands where #[0-9]+ belongs'),
    'withheld elsewhere': (edit_withheld(shift), 'stands where #[0-9]+ belongs|no aligned subtree'),
    'withheld higher': (edit_withheld(lift), 'stands where|no aligned|do not give'),
    'no numbers': (edit_withheld(lambda l: l.__setitem__(0, b'x y z\n')), 'failed: '),
    'very high': (edit_withheld(lambda l: l.__setitem__(0, b'1 99 %s=\n' % (b'A' * 43))),
                  'failed: #1 stands where'),
    'out of reach': (edit_withheld(lambda l: l.__setitem__(0, b'1 99999999999 AAAA\n')),
                     'withheld: a line is not in its form'),
    'carriage returns': (edit_withheld(lambda l: l.__setitem__(0, l[0][:-1] + b'\r\n')),
                         'withheld: a line is not in its form'),
    'other digits': (edit_withheld(lambda l: l.__setitem__(0, b'0' + l[0])),
                     'withheld: a line is not in its form'),
    'entry dropped': (lambda f: edit_lines(lambda l: l.pop(-3))(f, None),
                      'stands where #[0-9]+ belongs'),
    'file gone': (lambda f: os.remove(os.path.join(f, 'withheld')), 'stands where #[0-9]+ belongs'),
}


def refused_selection(name):
    edit, cause = SELECTION[name]
    copy = shared().copy(shared().selection)
    edit(copy)
    sums(copy)
    expect(1, cause, copy, shared().vkey, *shared().options)


def change(seq_of, **fields):
    """Gives the entry that seq_of finds other fields, as whoever has the key can."""
    return lambda j: j.edit(next(e['seq'] for e in j.entries if seq_of(e)),
                            lambda e: e.update(fields))


def kind(name, **more):
    return lambda e: e['kind'] == name and all(e.get(key) == value for key, value in more.items())


def answer_twice(j):
    e = next(e for e in j.entries if e['kind'] == 'response')
    j.add('response', **{key: e[key] for key in e
                         if key not in ('kind', 'seq', 'v', 'time', 'boot', 'uptime_ms')})


def send_again(j):
    e = next(e for e in j.entries if e['kind'] == 'request' and e['purpose'] == 'archive')
    j.request({key: e[key] for key in ('batch', 'item', 'org', 'run')}, attempt=2)


def send_outside(j):
    j.request({'batch': BATCH % 1, 'item': 7, 'org': 'f' * 32, 'run': 'e' * 32})


def send_unplanned(j):
    j.request({'batch': BATCH % 5, 'item': 0, 'org': 'f' * 32, 'run': 'e' * 32})


def send_in_doubt(j):
    place = {'batch': BATCH % 2, 'item': 0, 'org': 'f' * 32, 'run': '%032x' % 2000}
    j.batch(2, items=1, doubtful=(0,))
    j.request(place, attempt=2)


COUNTS = ('done', 'already', 'failed', 'in_doubt', 'skipped', 'cancelled', 'pending', 'total')
KEPT = {  # rewritten by the keeper of the key, so that tree and signatures hold
    'counts altered': (change(kind('batch.ended'), counts=dict.fromkeys(COUNTS, 9)),
                       'conservation: 4 were planned'),
    'success invented': (change(kind('batch.ended'), counts=dict(dict.fromkeys(COUNTS, 0), done=2,
                                                                 skipped=2, total=4)),
                         'other counts than the entries show'),
    'answer to another item': (change(kind('response', item=1), item=2),
                               'no open request of its item'),
    'answer to another batch': (change(kind('response', item=1), batch=BATCH % 7),
                                'no open request of its item'),
    'answer to a later one': (change(kind('response', item=1), request=900), 'answers #900'),
    'answered twice': (answer_twice, 'answers #[0-9]+, no open request'),
    'sent again': (send_again, 'item 0 was final, or in doubt'),
    'sent in doubt': (send_in_doubt, 'item 0 was final, or in doubt'),
    'sent outside of the list': (send_outside, 'after #[0-9]+: IndexError'),
    'sent without a plan': (send_unplanned, 'failed: '),
    'another run': (change(kind('request', purpose='archive', item=1), run='d' * 32),
                    'its run is not item 1 of its plan'),
    'another operation': (change(kind('request', purpose='archive', item=1), purpose='restore'),
                          'something else than its plan'),
    'success taken back': (lambda j: j.add('item.cancelled', batch=BATCH % 1, ranges=[[0, 1]],
                                           why='x', reason=None, operator=None),
                           'takes back a success in items 0 to 1'),
    'items of nobody': (lambda j: j.add('item.skipped', batch=BATCH % 1, ranges=[[2, 9]], why='x',
                                        reason=None, operator=None),
                        'speaks of items that its batch does not have'),
    'another origin': (change(kind('journal.created'), origin='muniment/x-00'),
                       '#0 begins a journal: it is'),
    'a second beginning': (lambda j: j.add('journal.created', origin=j.origin),
                           'begins a journal: it is not the first'),
    'key out of order': (change(kind('key.added'), previous='x'), 'follows another key'),
    'anchor without receipt': (lambda j: j.add('checkpoint.anchored', size=3, root='00' * 32,
                                               anchor='witness', by='w',
                                               receipt='00' * 32), 'its witness of 3 entries is missing'),
    'item unfinished': (lambda j: [j.start(3, j.plan(3, ['%032x' % n for n in range(2)])),
                                   j.end(BATCH % 3, skipped=1, failed=2)],
                        'other counts than the entries show'),
    'a float': (change(kind('batch.ended'), state=1.5), 'not in RFC 8785 form'),
    'beyond 2^53': (change(kind('batch.ended'), state=1 << 53), 'not in RFC 8785 form'),
    'not a number': (change(kind('batch.ended'), state=float('nan')), 'not in RFC 8785 form'),
    'a space': (lambda j: j.lines.__setitem__(4, j.lines[4].replace(b':', b': ', 1)),
                'not in RFC 8785 form'),
    'a key twice': (lambda j: j.lines.__setitem__(4, j.lines[4].replace(b'{', b'{"a":1,"a":1,', 1)),
                    'not in RFC 8785 form'),
    'keys unsorted': (lambda j: j.lines.__setitem__(4, j.lines[4].replace(b'{', b'{"zz":1,', 1)),
                      'not in RFC 8785 form'),
    'a field missing': (lambda j: j.edit(4, lambda e: e.pop('method')), 'after #4: KeyError'),
}


def refused_kept(name):
    edit, cause = KEPT[name]
    with Folder() as folder:
        j = Journal(folder)
        j.batch(1)
        edit(j)
        j.sign()
        expect(1, cause, folder + '/b', bundle(j, folder + '/b', checker=CHECKER))


def since():
    """What the auditor kept refuses what signatures cannot: a journal rewritten by its keeper."""
    with Folder() as folder:
        j = Journal(folder)
        j.batch(1)
        first = j.sign()
        old = j.notes[first]['signed'].encode()
        save(old, folder, 'note')
        save(b'old 0\n\n' + old, folder, 'body')
        save(b'c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n' + old, folder, 'proof')
        j.batch(2)
        last = j.sign()
        vkey = bundle(j, folder + '/sound', checker=CHECKER)
        for name in ('note', 'body', 'proof'):
            expect(3, 'verified', folder + '/sound', vkey, '--since-checkpoint',
                   os.path.join(folder, name))
        shorter = bundle(j, folder + '/older', size=first, checker=CHECKER)
        expect(3, 'verified', folder + '/older', shorter)
        save(j.notes[last]['signed'].encode(), folder, 'newer')
        expect(1, 'newer: has [0-9]+ entries, the bundle only [0-9]+: older, or cut off',
               folder + '/older', vkey,
               '--since-checkpoint', folder + '/newer')
        keep = [0, 1] + [e['seq'] for e in j.entries if BATCH % 2 == e.get('batch')
                         or e.get('plan') == PLAN % 2]
        bundle(j, folder + '/some', keep=sorted(set(keep)), checker=CHECKER, lists=(PLAN % 2,))
        middle = j.sign(size=13)
        save(j.notes[middle]['signed'].encode(), folder, 'middle')
        expect(1, 'cannot be compared, entries around #%d are withheld' % middle, folder + '/some',
               vkey,
               '--since-checkpoint', folder + '/middle')
        bundle(j, folder + '/cut', keep=sorted(set(keep)), shipped=(middle,), checker=CHECKER,
               lists=(PLAN % 2,))
        text = expect(3, 'verified', folder + '/cut', vkey, '--since-checkpoint',
                      folder + '/middle')
        assert 'cannot be compared' not in text
        j.edit(5, lambda e: e.update(duration_ms=77))
        j.sign()
        bundle(j, folder + '/forged', checker=CHECKER)
        expect(3, 'verified', folder + '/forged', vkey)
        expect(1, 'note: entries #0 to #%d do not give its root: .*rewritten or forked' % (first - 1), folder + '/forged', vkey,
               '--since-checkpoint', folder + '/note')
        other = Journal(folder)  # the same with an own key under the same name
        other.batch(1)
        other.batch(2)
        other.sign()
        bundle(other, folder + '/other', checker=CHECKER)
        expect(1, 'signed by another key than the one given', folder + '/other', vkey)
        expect(1, 'of another journal', folder + '/sound', vkey, '--since-checkpoint',
               elsewhere(folder))


def hostile_texts():
    """Nothing of a bundle reaches the terminal as it is."""
    with Folder() as folder:
        j = Journal(folder)
        j.batch(1)
        j.origin = j.origin + '\x1b[2J\u202e'
        j.keys[0].name = j.origin
        j.sign()
        bundle(j, folder + '/a', checker=CHECKER)
        text = expect(1, r'bundle: muniment/auditor-test-0011aabb\?\[2J\?,', folder + '/a',
                      j.keys[0].vkey)
        assert '\x1b' not in text and '\u202e' not in text


def elsewhere(folder):
    j = Journal(folder, 'elsewhere')
    j.sign()
    save(j.notes[2]['signed'].encode(), folder, 'elsewhere')
    return os.path.join(folder, 'elsewhere')


def no_anchor():
    with Folder() as folder:
        j = Journal(folder)
        j.batch(1)
        witness, authority = Signer(folder, 'w', 4), Authority(folder)
        size = j.sign()
        j.cosign(size, witness)
        vkey = bundle(j, folder + '/a', checker=CHECKER)
        expect(0, 'anchored by w', folder + '/a', vkey, '--witness', witness.vkey)
        expect(1, 'no checkpoint here is anchored by --tsa-ca', folder + '/a', vkey, '--tsa-ca',
               authority.ca)
        expect(1, 'no checkpoint here is anchored by w', folder + '/a', vkey, '--witness',
               Signer(folder, 'w', 4).vkey)
        early = j.sign()
        j.cosign(early, witness, when=1700000000)
        bundle(j, folder + '/early', shipped=(size,), checker=CHECKER)
        expect(1, 'over 120 s before an entry', folder + '/early', vkey, '--witness', witness.vkey)


def expired():
    """A time stamp is judged at the time it was made."""
    if not os.environ.get('MUN_CLOCK'):
        return
    with Folder() as folder:
        s = shared()
        save(b'315360000 0 -\n', folder, 'clock')
        clock = {'MUN_FAKE_CLOCK': os.path.join(folder, 'clock'),
                 'LD_PRELOAD': os.environ['MUN_CLOCK']}
        year = subprocess.run(['date', '+%Y'], env=dict(os.environ, **clock), check=True,
                              stdout=subprocess.PIPE)
        assert int(year.stdout) >= 2034, 'the clock is not set'
        expect(0, 'anchored by --tsa-ca', s.whole, s.vkey, *s.options, clock=clock)


def make_readme(folder, journal, vkey, *words):
    """README.txt of a bundle of ours, by the program's own text."""
    lines = read(folder, 'entries.jsonl').splitlines()
    line = min(5, len(lines))
    text = read(folder, 'checkpoint').decode().split('\n')
    done = subprocess.run([os.environ['MUN_README'], journal.origin, vkey, sha(vkey.encode()).hex(),
                           text[1],
                           base64.b64decode(text[2]).hex(), str(len(lines)), str(line),
                           sha(b'\0' + lines[line - 1]).hex(), *words], check=True,
                           stdout=subprocess.PIPE)
    save(done.stdout, folder, 'README.txt')
    sums(folder)


def commands():
    """The commands of README.txt work as printed, in both shells, and leave nothing behind."""
    s = shared()
    for shell in ('dash', 'bash'):
        copy = s.copy()
        make_readme(copy, s.journal, s.vkey, 'stamp', 'cosigned', 'bodies')
        done = readme.run(copy, shell, s.authority.ca)
        for piece in ('sha256sum -c SHA256SUMS',
                      "{ printf '\\000'; sed -n 5p entries.jsonl | tr -d '\\n'; } | sha256sum",
                      "sed '/^$/,$d' checkpoint > text",
                      'openssl ts -verify -data checkpoint.signed -in checkpoint.1.tsr -CAfile CA',
                      "grep -F \"\u2014 $(head -1 checkpoint) \" checkpoint | head -1 | cut -d' ' -f3 | base64 -d | tail -c 64 > sig",
                      'openssl pkeyutl -verify -pubin -inkey public-key.txt -rawin -in text -sigfile sig'):
            assert piece in done, piece
        expect(0, 'verified', copy, s.vkey, *s.options)
        copy = s.copy(s.selection)
        make_readme(copy, s.journal, s.vkey, 'filtered', 'stamp', 'cosigned')
        readme.run(copy, shell, s.authority.ca)
        assert b'SOUND, NOT COMPLETE' in read(copy, 'README.txt')
    copy = s.copy()  # what is altered does not give what is printed
    make_readme(copy, s.journal, s.vkey, 'stamp')
    resign(copy, s)
    try:
        readme.run(copy, 'dash', s.authority.ca)
    except AssertionError as error:
        assert 'sha256sum' in str(error), error
    else:
        raise AssertionError('an altered bundle passes the commands')


def embedded():
    """The checker in the program is the file that is installed, and small enough to be read."""
    done = subprocess.run([os.environ['MUN_README']], check=True, stdout=subprocess.PIPE)
    assert done.stdout == read(CHECKER)


LOCK, MADE = threading.Lock(), []


def shared():
    """One sound journal for all cases that only copy its bundles."""
    with LOCK:
        if not MADE:
            MADE.append(Sound(tempfile.mkdtemp(prefix='muniment-case-')))
        return MADE[0]


CASES = [('sound bundles', sound_bundles), ('findings', findings), ('key changes', key_changes),
         ('since', since),
         ('no anchor', no_anchor), ('hostile texts', hostile_texts),
         ('expired authority', expired), ('commands of the README', commands),
         ('embedded', embedded)]
CASES += [('whole: ' + name, functools.partial(refused, name)) for name in WHOLE]
CASES += [('selection: ' + name, functools.partial(refused_selection, name)) for name in SELECTION]
CASES += [('kept: ' + name, functools.partial(refused_kept, name)) for name in KEPT]

if __name__ == '__main__':
    status = harness.run_cases(CASES)
    if MADE:
        shutil.rmtree(MADE[0].folder, ignore_errors=True)
    sys.exit(status)
