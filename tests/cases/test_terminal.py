# SPDX-License-Identifier: Apache-2.0
"""Progress and foreign text: narrow, wide, dumb, stopped and dead terminals, files, JSON."""
import fcntl
import json
import os
import re
import signal
import termios
import time

from harness import MUNIMENT, ORG, World, main
from terminal import Screen, Terminal

HOSTILE = ('\x1b]52;c;ZWNobyBwd25lZA==\x07',  # puts text into the clipboard of the reader
           'a\u202eb\u2066c\u200fd', 'line\nbreak\rand\ttab', '\ufeff\u2028\x7f\x9b31m',
           '漢字仮名交じり文 한국어', 'e\u0301\u0323 Zo\u0308e', '=HYPERLINK("x")', '{"a":"b"}')


def slow(world, columns, *args, env=None, **options):
    return Terminal([MUNIMENT, 'run', world.plan(), '--rate', '6/2s,100/m', *args],
                    dict(world.env, **(env or {})), columns, **options)


def frames(terminal):
    """What stood in the two lines, one pair for each drawing."""
    return re.findall(r'\r\x1b\[K([^\r\x1b]*)\r+\n\r\x1b\[K([^\r\x1b]*)', terminal.text())


def narrow_and_wide():
    for columns in (20, 80, 500):
        with World('--runs', '12', '--latency', '50') as world, \
                slow(world, columns, '-o', 'json') as terminal:
            assert terminal.finish() == 0, terminal.text()
            drawn = frames(terminal)
            assert len(drawn) > 3
            assert all(len(line) < columns for pair in drawn for line in pair)
            if columns == 500:
                assert any(re.search(r'waiting for quota until [0-9:]{8}Z \(.*\); used \d+ of 6/2s,'
                                     r' \d+ of 100/m', pair[1]) for pair in drawn), drawn
                assert any('ETA' in pair[0] for pair in drawn)
            assert all(re.match(r'\d+/12 done', pair[0]) for pair in drawn)


def resized():
    with World('--runs', '15', '--latency', '50') as world, slow(world, 100) as terminal:
        terminal.wait_for(r'[1-9]/15 done')
        terminal.resize(30)
        terminal.read(0.5)
        at = len(terminal.text())
        assert terminal.finish() == 0
        later = frames(terminal)[-3:]
        assert all(len(line) < 30 for pair in later for line in pair), later
        assert at < len(terminal.text())


def at_most_five_a_second():
    with World('--runs', '30', '--latency', '40') as world:
        plan = world.plan()
        with Terminal([MUNIMENT, 'run', plan, '--rate', 'none'], world.env) as terminal:
            began = time.monotonic()
            assert terminal.finish() == 0
            took = time.monotonic() - began
        drawn = len(frames(terminal))
        assert 2 <= drawn <= 5 * took + 2, '%d in %.1f s' % (drawn, took)
        shown = terminal.screen().lines
        assert not any('ETA' in line or 'used' in line for line in shown), shown


def plain(env=None, on_terminal=True):
    with World('--runs', '8', '--latency', '100') as world:
        if on_terminal:
            with slow(world, 80, env=env) as terminal:
                assert terminal.finish() == 0
                err = terminal.text().replace('\r\n', '\n')
        else:
            status, _, err = world.call('run', world.plan(), '--rate', '6/2s,100/m')
            assert status == 0
        assert '\r' not in err and '\x1b' not in err, repr(err)
        full = re.findall(r'(?m)^\d+/8 done, .*; used \d+ of 6/2s, \d+ of 100/m', err)
        assert len(full) == 1, err


def json_lines():
    with World('--runs', '8', '--latency', '100', '--fault', '500@n=2') as world:
        args = ('--rate', '6/2s,100/m', '--settle', '300ms', '--progress', 'json', '-q')
        status, _, err = world.call('run', world.plan(), *args)
        assert status == 0, err
        lines = [json.loads(line) for line in err.splitlines()]
        assert len(lines) > 3
        assert [line['type'] for line in lines] == ['progress'] * (len(lines) - 1) + ['summary']
        assert lines[-1]['done'] == lines[-1]['total'] == 8 and lines[-1]['state'] == 'done'
        names = ('total', 'done', 'failed', 'in_doubt', 'windows', 'waiting_for', 'until', 'eta_ms')
        assert all(name in line for name in names for line in lines[:-1])
        assert any(line['waiting_for'] == 'quota' and line['until'] for line in lines[:-1])
        windows = lines[-2]['windows']
        assert [window['limit'] for window in windows] == [6, 100]
        assert windows[1]['used'] > 8, 'what was used is not counted'
        assert lines[-2]['answers_5xx'] == 1 and lines[-2]['answers'] > 8


def share_of_errors():
    with World('--runs', '6', '--latency', '100', '--fault', '500@n=2') as world, \
            slow(world, 200, '--settle', '300ms') as terminal:
        assert terminal.finish() == 0
        assert re.search(r'5xx: 1 of \d+ answers \(\d+ %\)', terminal.text()), terminal.text()


def stopped_terminal(stop):
    """Nobody reads, or Ctrl-S was typed: the run goes on; its report waits for the reader."""
    with World('--runs', '20', '--latency', '50') as world:
        plan = world.plan()
        with Terminal(['sh', '-c', 'sleep 0.5; exec "$0" run %s --rate none' % plan, MUNIMENT],
                      world.env) as terminal:
            stop(terminal)
            end = time.monotonic() + 20
            while len(world.sandbox.mutations()) < 20:
                assert time.monotonic() < end, 'the run waits for its terminal'
                time.sleep(0.05)
            time.sleep(0.3)
            assert world.status(world.lines('history')[0]['batch'])['state'] == 'done'
            termios.tcflow(terminal.slave, termios.TCOON)
            assert terminal.finish() == 0


def typed_stop(terminal):
    termios.tcflow(terminal.slave, termios.TCOOFF)


def full_buffer(terminal):
    """The terminal takes nothing more, then a little less than one line."""
    blocking = fcntl.fcntl(terminal.slave, fcntl.F_GETFL)
    other = os.open(os.ttyname(terminal.slave), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        while True:
            os.write(other, b'x' * 1000)
    except BlockingIOError:
        pass
    finally:
        os.close(other)
    assert fcntl.fcntl(terminal.slave, fcntl.F_GETFL) == blocking
    time.sleep(1)
    os.read(terminal.master, 300)


def suspended():
    """The shell writes while we are stopped; afterwards nothing of it is overwritten."""
    with World('--runs', '15', '--latency', '50') as world, slow(world, 80) as terminal:
        terminal.wait_for(r'[1-9]/15 done')
        os.kill(terminal.process.pid, signal.SIGSTOP)
        terminal.read(0.3)
        os.write(terminal.slave, b'\n[1]+  Stopped\n$ ls\none\ntwo\n')
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.wait_for(r'two\r\n.*/15 done')
        assert terminal.finish() == 0
        shown = terminal.screen().lines
        at = shown.index('[1]+  Stopped')
        assert shown[at:at + 4] == ['[1]+  Stopped', '$ ls', 'one', 'two'], shown
        assert not any('used' in line for line in shown[at:]), shown


def in_the_background():
    """Another job has the terminal: nothing is drawn over it, and nothing stops the run."""
    with World('--runs', '10', '--latency', '50') as world:
        script = 'stty tostop; set -m; "$0" run %s --rate none & wait $!; echo status $?' % \
            world.plan()
        with Terminal(['bash', '-c', script, MUNIMENT], world.env) as terminal:
            end = time.monotonic() + 20
            while len(world.sandbox.mutations()) < 10:
                assert time.monotonic() < end, 'the run is stopped'
                terminal.read(0.05)
            assert not frames(terminal), terminal.text()


def named(world, names):
    """A plan of all runs, with names that the manifest gives them."""
    path = os.path.join(world.folder, 'list')
    with open(path, 'w', encoding='utf-8') as file:
        for run, name in zip(world.sandbox.ids, names):
            file.write(json.dumps({'id': run, 'name': name}) + '\n')
    return world.expect(0, 'plan', '-q', '--org', ORG, '--base-url', world.sandbox.url, '--from',
                        path, '--reason', 'names of a manifest').strip()


def rows(world, *args):
    """As harness lines(), which would also cut at U+2028 within a record."""
    return [json.loads(line) for line in world.expect(0, *args, '-o', 'jsonl').split('\n')[:-1]]


def foreign_text():
    runs = len(HOSTILE)
    with World('--runs', str(runs)) as world:
        plan = named(world, HOSTILE)
        world.expect(0, 'run', plan, '--rate', 'none', '--progress', 'none', '--bodies', 'none')
        batch = rows(world, 'history')[0]['batch']
        assert [row['name'] for row in rows(world, 'items', batch)] == list(HOSTILE)
        assert [row['name'] for row in rows(world, 'history')] == list(HOSTILE)
        for locale in ('C', 'C.UTF-8'):
            world.env['LC_ALL'] = locale
            for args in (('items', batch, '--fields', 'line,name'), ('history', '--fields',
                                                                     'run,name')):
                out = world.expect(0, *args)
                assert len(out.split('\n')) == runs + 2, 'a record is more than a line: ' + out
                for char in out:
                    assert char == '\n' or char.isprintable() or ord(char) in range(0x300, 0x370)
                    assert locale != 'C' or ord(char) < 0x7f, repr(out)
                assert '\\u{1b}]52;c;' in out and '\\u{202e}' in out and '\\n' in out
                if locale != 'C':
                    Screen(200).show(out.replace('\n', '\r\n'))
                    assert '漢字' in out
            world.expect(0, 'show', world.sandbox.ids[0])
            out = world.expect(0, 'items', batch, '-o', 'json')
            assert [row['name'] for row in json.loads(out)] == list(HOSTILE)
            out = world.expect(0, 'items', batch, '-o', 'csv', '--fields', 'name')
            assert "'=HYPERLINK" in out


def columns_line_up():
    with World('--runs', '3') as world:
        plan = named(world, ('漢字', 'abcd', 'e\u0301fgh'))
        world.expect(0, 'run', plan, '--rate', 'none', '--progress', 'none', '--bodies', 'none')
        world.env['LC_ALL'] = 'C.UTF-8'
        batch = world.lines('history')[0]['batch']
        out = world.expect(0, 'items', batch, '--fields', 'name,state')
        starts = [Screen(200).show(line[:line.index('archived')]).column
                  for line in out.splitlines()[1:]]
        assert len(set(starts)) == 1, out


if __name__ == '__main__':
    main([('narrow and wide', narrow_and_wide), ('resized', resized),
          ('at most five a second', at_most_five_a_second),
          ('dumb terminal', lambda: plain({'TERM': 'dumb'})),
          ('no terminal', lambda: plain(on_terminal=False)), ('json lines', json_lines),
          ('share of errors', share_of_errors),
          ('typed stop', lambda: stopped_terminal(typed_stop)),
          ('full buffer', lambda: stopped_terminal(full_buffer)), ('suspended', suspended),
          ('in the background', in_the_background), ('foreign text', foreign_text),
          ('columns line up', columns_line_up)], workers=5)
