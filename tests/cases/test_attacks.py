# SPDX-License-Identifier: Apache-2.0
"""What somebody can do to a journal or a bundle, and what verify says: verdict, named cause, exit."""
import json
import os
import shutil
import struct
import time

import bundle_maker
import service
from authority import TimeStampAuthority
from harness import ORG, World as Harness, main
from rawstore import Store, key, make_tree
from witness import Witness

RUN = ('--rate', 'none', '--settle', '300ms', '--progress', 'none')


class World(Harness):
    """A journal of one batch, signed; `note` is the checkpoint that somebody kept."""

    def __init__(self, *anchors, sandbox=('--runs', '3')):
        super().__init__(*sandbox)
        path = os.path.join(self.folder, 'key')
        with open(path, 'wb') as file:
            file.write(os.urandom(48))
        os.chmod(path, 0o600)
        self.env['MUNIMENT_KEY_FILE'] = path
        self.expect(0, 'checkpoint')
        self.vkey = self.expect(0, 'checkpoint', '--public-key').split('\n')[0]
        for one in anchors:
            if isinstance(one, Witness):
                one.trust(self.vkey)
        self.batches = 0
        self.archive(*asked(*anchors))
        self.note = self.keep('kept', self.expect(0, 'checkpoint'))
        self.kept = int(self.read(self.note).split('\n')[1])

    def archive(self, *options):
        self.batches += 1
        plan = self.plan(reason='batch number %d of the tests' % self.batches)
        self.expect(0, 'run', plan, *RUN, *options)

    def keep(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def read(self, path):
        with open(path, encoding='utf-8') as file:
            return file.read()

    def copy(self):
        self.copies = getattr(self, 'copies', 0) + 1
        return shutil.copytree(self.journal, os.path.join(self.folder, 'copy-%d' % self.copies))

    def head(self):
        return json.loads(self.expect(0, 'journal', 'info', '-o', 'json'))['size']

    def bundle(self, *args):
        path = os.path.join(self.folder, 'bundle-%d' % time.monotonic_ns())
        self.expect(0, 'export', '--out', path, *args)
        return path

    def verify(self, status, result, *args, says=(), first_bad=Ellipsis, not_checked=()):
        """The report; every text of says stands in a finding."""
        got, out, err = self.call('verify', *args, '-o', 'json')
        assert got == status, 'verify %s: exit %d, not %d: %s' % (' '.join(args), got, status, out + err)
        report = json.loads(out)
        assert report['result'] == result, report
        whats = [finding['what'] for finding in report['findings']]
        for text in (says,) if isinstance(says, str) else says:
            assert any(text in what for what in whats), 'no "%s" in %s' % (text, whats)
        for text in (not_checked,) if isinstance(not_checked, str) else not_checked:
            assert any(text in what for what in report['not_checked']), report['not_checked']
        assert first_bad is Ellipsis or report['first_bad'] == first_bad, report
        return report


def asked(*anchors):
    args = []
    for one in anchors:
        args += ['--witness', one.url, '--witness-key', one.vkey] if isinstance(one, Witness) else \
                ['--timestamp', one.url]
    return args


def edit(store, seq):
    """A digit of the boot's hash: in no table, and decodes."""
    line = store.get('log', key(seq))
    at = line.index(b'"boot":"') + 8
    store.put('log', key(seq), line[:at] + (b'1' if line[at:at + 1] == b'0' else b'0') + line[at + 1:])


def checkpoint_sizes(world):
    return [row['size'] for row in json.loads(world.expect(0, 'checkpoint', '--list', '-o', 'json'))]


def sound():
    with World() as w:
        report = w.verify(0, 'findings', '--log-key', w.vkey, '--since-checkpoint', w.note,
                          says='nothing anchored',
                          not_checked=('revocation', 'what the operator did not record',
                                       'its own keeper has rewritten'))
        assert list(report) == ['result', 'size', 'root', 'key', 'signed', 'anchored', 'unanchored',
                                'withheld', 'first_bad', 'bad', 'checked', 'not_checked', 'findings']
        assert report['key'] == w.vkey and report['signed'] == {'size': w.kept}, report
        assert report['anchored'] == [] and report['unanchored'] == {
            'from': 0, 'count': report['size'], 'longest_delay_s': None}, report
        w.verify(15, 'findings', '--strict')
        w.verify(0, 'findings', not_checked='whose key this is')
        out = w.expect(0, 'verify')
        assert 'no local file can prove' in out and 'NOT checked' in out, out


def raw_entry():
    """Stored hashes are left as they were."""
    with World() as w:
        copy = w.copy()
        with Store(copy) as s:
            edit(s, 4)
        w.verify(15, 'failed', copy, says='does not hash to its leaf', first_bad=4)


def newest_cut():
    with World() as w:
        copy, size = w.copy(), w.head()
        with Store(copy) as s:
            s.delete('log', key(size - 1))
            s.delete('log', key(size - 2))
        report = w.verify(15, 'failed', copy, first_bad=size - 2,
                          says='2 entries are missing: #%d to #%d' % (size - 2, size - 1))
        assert report['bad'] == 2, report


def adjacent_gone():
    with World() as w:
        copy = w.copy()
        with Store(copy) as s:
            s.delete('log', key(5))
            s.delete('log', key(6))
        report = w.verify(15, 'failed', copy, says='2 entries are missing: #5 to #6', first_bad=5)
        assert report['bad'] == 2, report


def swapped():
    with World() as w:
        copy = w.copy()
        with Store(copy) as s:
            five, six = s.get('log', key(5)), s.get('log', key(6))
            s.put('log', key(5), six)
            s.put('log', key(6), five)
        w.verify(15, 'failed', copy, says=('says it is #6', 'says it is #5'), first_bad=5)


def put_back(w, saved):
    shutil.rmtree(w.journal)
    shutil.copytree(saved, w.journal)


def cut_back():
    """An older copy that is whole in itself: at its own path, elsewhere, and by what was kept."""
    with World() as w:
        saved, was = w.copy(), w.head()
        w.archive()
        note = w.keep('later', w.expect(0, 'checkpoint'))
        w.verify(0, 'findings', saved, says='older copy: %d of %d entries' % (was, w.head()))
        w.verify(15, 'failed', saved, '--since-checkpoint', note, says='cut off')
        bundle = w.bundle()
        put_back(w, saved)
        w.verify(15, 'failed', says='rolled back', first_bad=was)
        w.verify(0, 'findings', bundle, '--since-checkpoint', note)


def rewritten(w):
    """Everything anew by its keeper: an entry, the tree, the checkpoints, no mark."""
    sizes = checkpoint_sizes(w)
    size = w.head()
    with Store(w.journal) as s:
        edit(s, 4)
        make_tree(s, size)
        for at in sizes:
            s.delete('checkpoint', key(at))
    shutil.rmtree(w.env['XDG_STATE_HOME'])
    w.expect(0, 'checkpoint')


def keeper_signs_again():
    with World() as w, TimeStampAuthority() as tsa:
        saved = os.path.join(w.folder, 'saved')
        w.expect(0, 'journal', 'backup', saved)
        bundle = w.bundle('--journal', saved)
        rewritten(w)
        w.verify(0, 'findings', '--log-key', w.vkey, says='nothing anchored',
                 not_checked='its own keeper has rewritten')
        w.verify(15, 'failed', '--since-checkpoint', w.note, says='are not those of')
        w.verify(15, 'failed', w.bundle(), '--since-checkpoint', w.note, says='are not those of')
        w.verify(0, 'findings', bundle, '--since-checkpoint', w.note, '--log-key', w.vkey)
        # a fresh stamp verifies, and comes too late
        time.sleep(2)
        w.expect(0, 'checkpoint', '--timestamp', tsa.url)
        trusting = ('--tsa-ca', tsa.ca, '--require-timestamp')
        report = w.verify(0, 'verified', *trusting, '--log-key', w.vkey)
        assert report['unanchored']['longest_delay_s'] >= 1, report
        w.verify(15, 'failed', *trusting, '--anchor-within', '1s', says='only after')
        w.verify(0, 'verified', *trusting, '--anchor-within', '1h')


def witness_knows_better():
    with Witness() as one, World(one) as w:
        rewritten(w)
        got, _, err = w.call('checkpoint', '--witness', one.url, '--witness-key', one.vkey)
        assert got != 0 and 'ALARM' in err, err
        w.verify(15, 'failed', says='alarm in the high-water mark')


def own_key_of_that_name():
    """Only the key that came by another channel tells."""
    with World() as w:
        forged, real = bundle_maker.Journal(w.folder), bundle_maker.Journal(w.folder)
        for journal in (forged, real):
            journal.batch(1)
            journal.sign()
        path = os.path.join(w.folder, 'forged')
        vkey = bundle_maker.bundle(forged, path)
        said = 'no checkpoint is signed by the key that was given'
        got, out, _ = w.call('verify', path, '--log-key', real.keys[0].vkey, '-o', 'json')
        assert got == 15 and said in out, out
        _, out, _ = w.call('verify', path, '-o', 'json')
        assert said not in out and 'whose key this is' in out and vkey in out, out


def signatures():
    with World() as w:
        for change, said in ((lambda note: note.split(b'\n\n')[0] + b'\n\n', 'there is no signature'),
                             (lambda note: note[:-20] + b'AAAA' + note[-16:], 'checkpoint of')):
            copy = w.copy()
            with Store(copy) as s:
                row = s.get('checkpoint', key(w.kept))
                note_len, _ = struct.unpack('>II', row[:8])
                note = change(row[8:8 + note_len])
                s.put('checkpoint', key(w.kept), struct.pack('>II', len(note), len(note)) + note)
            w.verify(15, 'failed', copy, says=said)
        other = bundle_maker.Signer(w.folder, w.vkey.split('+')[0])
        w.verify(15, 'failed', '--log-key', other.vkey, says='no checkpoint is signed by the key')
        copy = w.copy()
        with Store(copy) as s:  # an older head, validly signed, in place of the newer
            s.put('checkpoint', key(w.kept), s.get('checkpoint', key(checkpoint_sizes(w)[0])))
        w.verify(15, 'failed', copy, says='its text speaks of')


def anchored_checkpoint_is_gone():
    with TimeStampAuthority() as tsa, World(tsa) as w:
        copy = w.copy()
        entry = [e for e in w.lines('log') if e['kind'] == 'checkpoint.anchored'][0]
        with Store(copy) as s:
            s.delete('checkpoint', key(entry['size']))
        w.verify(15, 'failed', copy, says='names the checkpoint of %d entries, which is gone' % entry['size'])


def new_key():
    with World() as w:
        w.expect(0, 'checkpoint', '--new-key', '--reason', 'the laptop was stolen')
        w.verify(0, 'findings', '--log-key', w.vkey)
        w.env['MUNIMENT_VAULT'] = os.path.join(w.folder, 'other')
        w.expect(0, 'checkpoint', '--new-key', '--reason', 'the vault was lost')
        seq = [e['seq'] for e in w.lines('log') if e['kind'] == 'key.added'][-1]
        w.verify(0, 'findings', says='the old key has not signed the change')
        w.verify(15, 'failed', '--log-key', w.vkey, says='does not lead', first_bad=seq)
        newest = w.expect(0, 'checkpoint', '--public-key').split('\n')[0]
        w.verify(0, 'findings', '--log-key', newest)


def anchors():
    with Witness() as one, Witness('witness.example/w2') as two, TimeStampAuthority() as tsa, \
            World(one, two, tsa) as w:
        keys = ('--witness-key', one.vkey, '--witness-key', two.vkey)
        report = w.verify(0, 'verified', '--tsa-ca', tsa.ca, *keys, '--log-key', w.vkey,
                          '--require-timestamp', '--require-witness', '2', '--anchor-within', '1h')
        assert {(a['kind'], a['by']) for a in report['anchored']} == {
            ('timestamp', 'CN=TSA,O=Test'), ('witness', one.vkey.split('+')[0]),
            ('witness', two.vkey.split('+')[0])}, report
        bundle = w.bundle()
        w.verify(0, 'verified', bundle, '--tsa-ca', tsa.ca, *keys, '--log-key', w.vkey,
                 '--require-timestamp', '--require-witness', '2')
        w.verify(0, 'findings', says='nothing anchored', not_checked=('time stamp(s)', 'cosignature(s)'))
        with TimeStampAuthority('other') as other:
            w.verify(15, 'failed', '--tsa-ca', other.ca, says='time stamp 1 of')
        w.archive()  # not anchored
        w.verify(15, 'failed', '--tsa-ca', tsa.ca, '--require-timestamp', says='covered by no time stamp')
        w.verify(15, 'failed', *keys, '--require-witness', '2', says='sufficient number of witnesses')


def split_view():
    """An operator and one witness: two are asked for, one came."""
    with Witness() as one, Witness('witness.example/w2') as two, World(one) as w:
        keys = ('--witness-key', one.vkey, '--witness-key', two.vkey)
        w.verify(0, 'verified', *keys, '--require-witness', '1')
        w.verify(15, 'failed', *keys, '--require-witness', '2', says='sufficient number of witnesses')


def false_time():
    with TimeStampAuthority() as tsa, World() as w:
        with Store(w.journal) as s:
            row = s.get('checkpoint', key(w.kept))
            stamp = tsa.stamp(row[8:], at='20200601120000Z')
            s.put('checkpoint', key(w.kept), row + struct.pack('>I', len(stamp)) + stamp)
        w.verify(15, 'failed', '--tsa-ca', tsa.ca, says='after an anchor that covers it', first_bad=0)
        with Store(w.journal) as s:  # one byte behind the reply
            s.put('checkpoint', key(w.kept), row + struct.pack('>I', len(stamp) + 1) + stamp + b'x')
        w.verify(15, 'failed', says='time stamp 1 of the checkpoint')


def authority_expired():
    with TimeStampAuthority(end=service.stamp_now(4)) as tsa, World(tsa) as w:
        bundle = w.bundle()
        tsa.expire()
        for place in ((), (bundle,)):
            w.verify(0, 'verified', *place, '--tsa-ca', tsa.ca, '--require-timestamp', '--log-key', w.vkey)


def beside_a_batch():
    """Requests in flight are findings, not failures."""
    with World(sandbox=('--runs', '3', '--latency', '150')) as w:
        plan = w.plan('restore', reason='a batch that goes on meanwhile')
        runner = w.start('run', plan, *RUN)
        seen = 0
        while runner.poll() is None:
            report = w.verify(0, 'findings')
            seen += any('in doubt' in finding['what'] for finding in report['findings'])
        assert runner.wait() == 0 and seen > 0, seen
        runner.communicate()
        w.verify(0, 'findings')


def unsigned_tail():
    with World() as w:
        del w.env['MUNIMENT_KEY_FILE']
        w.archive()
        w.verify(0, 'findings', says=('unsigned tail', 'nothing anchored'))
        w.verify(15, 'findings', '--strict')


def never_signed():
    with Harness('--runs', '2') as w:
        w.expect(0, 'run', w.plan(), *RUN)
        out = w.expect(0, 'verify')
        assert 'unsigned: no key has signed' in out, out


def another_line():
    """Two copies that went on: each is refused by the other's checkpoint."""
    with World() as w:
        copy = w.copy()
        w.archive()
        ours = w.keep('ours', w.expect(0, 'checkpoint'))
        with Store(copy) as s:
            for n in range(40):  # something else where ours went on
                line = s.get('log', key(4)).replace(b'"seq":4,', b'"seq":%d,' % (w.kept + n))
                s.put('log', key(w.kept + n), line)
            make_tree(s, w.kept + 40)
        got, out, _ = w.call('verify', copy, '--since-checkpoint', ours)
        assert got == 15 and 'are not those of' in out, out


def previous():
    with World() as w:
        w.verify(15, 'failed', '--previous', w.copy(), says='does not say that it follows')
        w.expect(0, 'journal', 'adopt', '--reason', 'a backup was restored')
        old = [n for n in os.listdir(w.folder) if n.startswith('journal-')][0]
        old = os.path.join(w.folder, old)
        w.verify(0, 'findings', not_checked='--previous')
        w.verify(0, 'findings', '--previous', old)
        with Store(old) as s:
            edit(s, 4)
        w.verify(15, 'failed', '--previous', old, says='follows another journal')


def proofs():
    with World() as w:
        path = os.path.join(w.folder, 'proof')
        w.expect(0, 'prove', '#4', '--out', path)
        text = w.read(path)
        home = dict(w.env)
        w.env['MUNIMENT_JOURNAL'] = os.path.join(w.folder, 'nowhere')
        report = w.verify(0, 'verified', '--proof', path, '--log-key', w.vkey)
        assert json.loads(report['entry'])['seq'] == 4 and report['size'] == w.kept, report
        w.verify(0, 'findings', '--proof', path, says='signature was not checked')
        extra = text.split('\n')[1]
        for change, said in ((text.replace(extra, extra[:-12] + 'AAAA' + extra[-8:]), 'not in the tree'),
                             (text.replace('index 4', 'index 5'), 'not in the tree'),
                             (text + 'x\n', 'no proof'), (text[:-2], 'no proof'), ('', 'no proof')):
            w.verify(15, 'failed', '--proof', w.keep('changed', change), '--log-key', w.vkey, says=said)
        other = bundle_maker.Signer(w.folder, w.vkey.split('+')[0])
        w.verify(15, 'failed', '--proof', path, '--log-key', other.vkey, says="not signed by the log's key")
        w.env = home


def usage():
    with World() as w:
        one = bundle_maker.Signer(w.folder, 'witness.example/1', 4)
        for args in (('--require-timestamp',), ('--require-witness', '1'),
                     ('--require-witness', '2', '--witness-key', one.vkey, '--witness-key', one.vkey),
                     ('--require-witness', '0', '--witness-key', one.vkey), ('--anchor-within', 'soon'),
                     ('--log-key', 'nothing'), ('--witness-key', w.vkey), ('--drill', w.journal),
                     ('--proof', w.note, w.journal), (w.note,)):
            got, out, err = w.call('verify', *args)
            assert (got, out) == (2, ''), (args, got, out, err)
        w.expect(7, 'verify', '--since-checkpoint', w.env['MUNIMENT_KEY_FILE'])
        tar = w.bundle() + '.tar'
        w.expect(0, 'export', '--out', tar)
        got, _, err = w.call('verify', tar)
        assert got == 2 and 'tar -xf' in err, err


def filtered():
    with World() as w:
        run = w.sandbox.ids[0]
        bundle = w.bundle('--run', run)
        report = w.verify(0, 'findings', bundle, '--log-key', w.vkey, '--since-checkpoint', w.note,
                          not_checked='completeness: ')
        assert report['withheld'] > 0, report
        out = w.expect(0, 'verify', bundle)
        assert 'sound, not complete' in out, out
        path = os.path.join(bundle, 'withheld')
        text = w.read(path)
        for change in (text.split('\n', 1)[1], text[:-6] + 'AAA' + text[-3:], text + text):
            with open(path, 'w', encoding='utf-8') as file:
                file.write(change)
            bundle_maker.sums(bundle)
            w.verify(15, 'failed', bundle)


def bundle_lines():
    """Which, and how many."""
    with World() as w:
        bundle = w.bundle()
        path = os.path.join(bundle, 'entries.jsonl')
        with open(path, 'rb') as file:
            lines = file.read().splitlines(True)
        for change, said, bad in (
                (lines[:6] + lines[8:], '2 entries are missing: #6 to #7', 6),
                (lines[:-2], '2 entries are missing', len(lines) - 2),
                (lines[:6] + [lines[7], lines[6]] + lines[8:], 'in its place stands #7', 6),
                (lines[:6] + [lines[5]] + lines[6:], 'stands twice', 5),
                (lines[:6] + [lines[6].replace(b'"uptime_ms":', b'"uptime_ms":1', 1)] + lines[7:],
                 'changed: one of the entries', Ellipsis),
                (lines + [b'{}'], 'no newline', Ellipsis)):
            with open(path, 'wb') as file:
                file.write(b''.join(change))
            bundle_maker.sums(bundle)
            w.verify(15, 'failed', bundle, says=said, first_bad=bad)


def more_than_entries_say():
    """Lines and files that no entry stands for, and others than the bundle's own form."""
    with World() as w:
        bundle = w.bundle('--bodies')
        w.verify(0, 'findings', bundle)
        older = 'checkpoints/%d' % checkpoint_sizes(w)[0]
        body = b'{"bytes":"AAAA","commit":"%064d","salt":"%s=","seq":999}\n' % (0, b'A' * 43)
        for name, change, said in (
                ('bodies.jsonl', lambda old: old + body, 'belong to an entry'),
                ('bodies.jsonl', lambda old: old + b'x', 'belong to an entry'),
                ('bodies.jsonl', lambda old: old.replace(b'"commit":"', b'"commit":"0', 1), 'not what its bytes make'),
                ('bodies.jsonl', lambda old: old.replace(b'","commit"', b'", "commit"', 1), 'not what its bytes make'),
                ('checkpoints/99999', lambda _: b'anything', 'checkpoints/99999 is no file of this bundle'),
                (older + '.signed', lambda _: b'', older + '.signed is no signed checkpoint'),
                (older + '.signed', lambda old: old[:-1], older + '.signed is no signed checkpoint'),
                ('README.txt', None, 'README.txt is missing'),
                ('SHA256SUMS', lambda old: old.replace(b'README.txt', b'README.txt\0x'), 'malformed line')):
            copy = shutil.copytree(bundle, bundle + '-altered')
            path = os.path.join(copy, name)
            old = b''
            if os.path.exists(path):
                with open(path, 'rb') as file:
                    old = file.read()
                os.unlink(path)
            if change:
                with open(path, 'wb') as file:
                    file.write(change(old))
            if name != 'SHA256SUMS':
                bundle_maker.sums(copy)
            w.verify(15, 'failed', copy, says=said)
            shutil.rmtree(copy)


def large_list():
    """The raw list of a plan is a body that may be too large to be read at once: told, no failure."""
    with World() as w:
        path = os.path.join(w.folder, 'large.ids')
        with open(path, 'w', encoding='ascii') as file:
            for _ in range(66000):
                file.write('#%s\n' % ('x' * 1022))
            file.write(w.sandbox.ids[0] + '\n')
        w.expect(0, 'plan', '--org', ORG, '--base-url', w.sandbox.url, '--from', path, '--reason', 'a large list')
        w.verify(0, 'findings', not_checked='1 bodies: too large')
        w.verify(0, 'findings', w.bundle('--bodies'), not_checked='1 bodies: too large')


def links():
    with World() as w:
        bundle = w.bundle()
        os.rename(os.path.join(bundle, 'items.csv'), os.path.join(w.folder, 'items.csv'))
        os.symlink(os.path.join(w.folder, 'items.csv'), os.path.join(bundle, 'items.csv'))
        w.verify(15, 'failed', bundle, says=('items.csv is missing', 'is no file of a bundle'))
        os.unlink(os.path.join(bundle, 'items.csv'))
        os.mkfifo(os.path.join(bundle, 'items.csv'))
        w.verify(15, 'failed', bundle, says='items.csv is missing')


def drill():
    with TimeStampAuthority() as tsa, World(tsa) as w:
        w.env['TMPDIR'] = os.path.join(w.folder, 'tmp')
        os.mkdir(w.env['TMPDIR'])
        shutil.rmtree(os.path.join(w.folder, 'data'))  # no vault
        report = json.loads(w.expect(0, 'verify', '--drill', '-o', 'json'))
        assert report['caught'] == len(report['steps']) >= 12, report
        assert 'were caught' in w.expect(0, 'verify', '--drill')
        assert not os.listdir(w.env['TMPDIR'])
        w.verify(0, 'findings')


CASES = (sound, raw_entry, newest_cut, adjacent_gone, swapped, cut_back, keeper_signs_again,
         witness_knows_better, own_key_of_that_name, signatures, anchored_checkpoint_is_gone, new_key,
         anchors, split_view, false_time, authority_expired, beside_a_batch, unsigned_tail, never_signed, another_line,
         previous, proofs, usage, filtered, bundle_lines, more_than_entries_say, large_list, links,
         drill)

if __name__ == '__main__':
    main([(case.__name__.replace('_', ' '), case) for case in CASES])
