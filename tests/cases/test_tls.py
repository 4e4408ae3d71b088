# SPDX-License-Identifier: Apache-2.0
"""Certificates, TLS versions and proxies: what is refused, what is used, what is told."""
import os
import pty
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import warnings

from harness import MUNIMENT, ORG, SKIPPED, TOKEN, main
from wire import Api, Authority, Bench, Proxy, counts, reply

CA = None  # made in main, shared: nothing in it changes but its counter
QUICK = ('--max-wait', '2s', '--timeout', '3s')


def trusted():
    return ('--cacert', CA.file)


def refused_before(context, words, *options):
    """Nothing but a handshake reaches the server, and the plan is as it was."""
    with Bench(Api(tls=context)) as bench:
        plan = bench.plan()
        _, err = bench.run(plan, *(options or trusted()), *QUICK, status=14)
        for word in ('certificate', '127.0.0.1:%d' % bench.sandbox.port, *words):
            assert word in err, '"%s" is not in: %s' % (word, err)
        assert not bench.sandbox.received, 'a request reached a server that is not trusted'
        assert bench.status(plan)['state'] == 'stored'
        bench.expect(0, 'verify')


def self_signed():
    refused_before(CA.issue(signed=False), ['self-signed'])


def unknown_authority():
    refused_before(CA.issue(), ['issuer'], '--keep-going')


def wrong_host():
    refused_before(CA.issue(names='DNS:elsewhere.test'), ["host name '127.0.0.1'"])


def expired():
    refused_before(CA.issue(days=-1), ['expired'])


def no_flag_bypasses():
    with Bench(Api(tls=CA.issue(signed=False)), SSL_CERT_FILE='/dev/null', CURL_CA_BUNDLE='',
               MUNIMENT_INSECURE='1') as bench:
        plan = bench.plan()
        for option in ('--insecure', '-k', '--no-verify'):
            bench.expect(2, 'run', plan, option)
        bench.run(plan, *QUICK, '--keep-going', status=14)
        assert not bench.sandbox.received


def own_authority():
    with Bench(Api(tls=CA.issue())) as bench:
        result, _ = bench.run(bench.plan(), *trusted())
        assert counts(result) == {'archived': 6}
        issuers = {(entry['tls']['issuer'], entry['tls']['version'])
                   for entry in bench.lines('log') if entry['kind'] == 'response'}
        assert len(issuers) == 1, issuers
        issuer, version = issuers.pop()
        assert re.fullmatch('[0-9a-f]{64}', issuer) and version == 'TLSv1.3'
        bench.compare()


def cacert_is_the_only_one():
    """A file of another authority: the right one in the system's place does not help."""
    other = Authority('Another CA')
    try:
        refused_before(CA.issue(), ['issuer'], '--cacert', other.file)
    finally:
        other.close()


def certificate_changes():
    """In mid-run: the run stops at the handshake, the item is pending, resume goes on."""
    good, bad = CA.issue(), CA.issue(signed=False)

    def answer(api, request):
        if not request.mutate or len(api.mutations()) != 3:
            return None
        api.tls = bad
        return reply(503, None, 'Connection: close'), None

    with Bench(Api(tls=good, answer=answer)) as bench:
        plan = bench.plan()
        result, err = bench.run(plan, *trusted(), *QUICK, status=14)
        assert result['reason'] == 'certificate' and 'certificate' in err, err
        assert len(bench.sandbox.mutations()) == 3
        assert counts(result) == {'archived': 2, 'in_doubt': 1, 'pending': 3}, result
        refused = [entry for entry in bench.lines('log') if entry['kind'] == 'response'
                   and entry['curl']['code'] == 60]
        assert len(refused) == 1, 'it went on after the first refusal: %s' % refused
        bench.sandbox.tls = good
        bench.sandbox.answer = None
        got, out, err = bench.call('resume', result['batch'], '--settle', '300ms', '--rate',
                                   'none', *trusted())
        assert got == 0, err
        bench.compare()


def certificate_changes_before_a_send():
    """The refused handshake belongs to a mutating request: pending again, nothing was sent."""
    good, bad = CA.issue(), CA.issue(signed=False)

    def answer(api, request):
        if not request.mutate or len(api.mutations()) != 2:
            return None
        api.tls = bad
        api.effect(request)
        return reply(200, {'data': api.document(request.run)}, 'Connection: close'), None

    with Bench(Api(tls=good, answer=answer)) as bench:
        result, err = bench.run(bench.plan(), *trusted(), *QUICK, status=14)
        assert counts(result) == {'archived': 2, 'pending': 4}, result
        assert 'self-signed' in err and 'certificate' in err, err
        last = [entry for entry in bench.lines('log') if entry['kind'] == 'response'][-1]
        assert last['verdict'] == 'config_error' and last['sent'] is False, last
        assert last['tls'] is None, 'the issuer of another connection is shown: %s' % last
        bench.expect(0, 'verify')


def issuer_changes():
    """Between two processes: the batch goes on, and it is said."""
    other = Authority('Another CA')
    both = other.path('both.pem')
    with open(both, 'w', encoding='ascii') as file:
        for each in (CA, other):
            with open(each.file, encoding='ascii') as part:
                file.write(part.read())

    def answer(api, request):
        return reply(402, {'message': 'pay'}) if len(api.mutations()) == 3 and request.mutate \
            else None

    with Bench(Api(tls=CA.issue(), answer=answer)) as bench:
        result, err = bench.run(bench.plan(), '--cacert', both, status=4)
        assert 'issuer' not in err, err
        bench.sandbox.answer = lambda api, request: reply(402) if request.mutate else None
        got, _, err = bench.call('resume', result['batch'], '--cacert', both)
        assert got == 4 and 'issuer' not in err, err
        bench.sandbox.answer = None
        bench.sandbox.tls = other.issue()
        got, _, err = bench.call('resume', result['batch'], '--cacert', both)
        assert got == 0 and 'issuer' in err and 'changed' in err, err
        shown = {entry['tls']['issuer'] for entry in bench.lines('log')
                 if entry['kind'] == 'response'}
        assert len(shown) == 2, shown
    other.close()


def only_old_tls():
    context = CA.issue()
    with warnings.catch_warnings():  # python, too, finds it old
        warnings.simplefilter('ignore')
        context.set_ciphers('ALL:@SECLEVEL=0')
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with Bench(Api(tls=context)) as bench:
        _, err = bench.run(bench.plan(), *trusted(), *QUICK, status=14)
        assert 'cannot be reached' in err and 'nothing was sent' in err, err
        assert not bench.sandbox.received and not bench.sandbox.handshakes
        for entry in bench.lines('log'):
            assert entry['kind'] != 'response' or entry['sent'] is False


def tls_1_2_is_enough():
    context = CA.issue()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Bench(Api(tls=context)) as bench:
        bench.run(bench.plan(), *trusted())
        assert {version for _, version in bench.sandbox.handshakes} == {'TLSv1.2'}


def h2_is_not_taken():
    context = CA.issue()
    context.set_alpn_protocols(['h2', 'http/1.1'])
    with Bench(Api(tls=context)) as bench:
        bench.run(bench.plan(), *trusted())
        assert {alpn for alpn, _ in bench.sandbox.handshakes} == {'http/1.1'}
        assert {each.version for each in bench.sandbox.received} == {'HTTP/1.1'}


def only_h2_is_offered():
    """A server that knows no other protocol: the request goes as HTTP/1.1 or not at all."""
    context = CA.issue()
    context.set_alpn_protocols(['h2'])
    with Bench(Api(tls=context)) as bench:
        bench.run(bench.plan(), *trusted())
        assert all(each.version == 'HTTP/1.1' for each in bench.sandbox.received)


def no_early_data():
    """A session is taken up again, by a server that would take the request before the handshake
    is over, when it could be replayed: none comes so early."""
    with Bench(Api()) as bench:
        with socket.create_server(('127.0.0.1', 0)) as free:
            port = free.getsockname()[1]
        cert, key = CA.files()
        server = subprocess.Popen(
            ['openssl', 's_server', '-accept', '127.0.0.1:%d' % port, '-cert', cert, '-key', key,
             '-tls1_3', '-early_data'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        text = []

        def talk():
            for line in server.stdout:
                text.append(line.decode('latin-1'))
                if b' HTTP/1.1' not in line:
                    continue
                first = b'GET /me ' in line
                server.stdin.write(reply(200 if first else 302, {'data': {'id': 4711}},
                                         'Connection: close'))
                server.stdin.flush()

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        bench.run(bench.plan(url='https://127.0.0.1:%d' % port), *trusted(), status=14)
        server.kill()
        server.wait()
        thread.join()
        seen = ''.join(text)
        assert seen.count('No early data received') == 4, seen
        assert 'Early data received' not in seen and 'Reused' in seen, seen


def no_key_log():
    with Bench(Api(tls=CA.issue())) as bench:
        keys = os.path.join(bench.folder, 'keys')
        bench.env['SSLKEYLOGFILE'] = keys
        bench.run(bench.plan(), *trusted())
        assert not os.path.exists(keys), 'the keys of the TLS sessions were written'


# ---- proxies ----

def via_proxy(names, plain=False):
    """The variable is honoured, told before anything is sent, and in the first entry."""
    proxy = Proxy()
    with Bench(Api(tls=None if plain else CA.issue())) as bench:
        bench.env.update({name: proxy.url() for name in names})
        plan = bench.plan()
        result, err = bench.run(plan, *([] if plain else trusted()))
        assert counts(result) == {'archived': 6}
        assert 'proxy 127.0.0.1' in err, err
        assert proxy.received, 'the proxy was not used'
        started = [entry for entry in bench.lines('log') if entry['kind'] == 'batch.started']
        assert started[0]['proxy'] == '127.0.0.1', started
        check_hidden(bench, err)
        if not plain:
            assert all(head.startswith('CONNECT ') for head in proxy.received)
            assert TOKEN not in ''.join(proxy.received)
        bench.compare()
    proxy.close()


def check_hidden(bench, err):
    """The password of the proxy is nowhere; nor is it as the header carries it."""
    text = bench.whole() + err.encode()
    for secret in (b'hidden-password', b'hidden-user', b'aGlkZGVuLXVzZXI6'):
        assert secret not in text, '%s is kept' % secret


def proxy_before_consent():
    """On a terminal: who the requests go through is known when the question comes."""
    proxy = Proxy()
    with Bench(Api(tls=CA.issue()), https_proxy=proxy.url(), TERM='dumb') as bench:
        server = bench.sandbox
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [MUNIMENT, 'archive', server.ids[0], '--org', ORG, '--base-url', server.url,
             '--reason', 'asked on a terminal', *trusted()], env=bench.env, stdin=slave,
            stdout=subprocess.DEVNULL, stderr=slave, start_new_session=True)
        os.close(slave)
        text = ''
        while '[y/N]' not in text:
            text += os.read(master, 4096).decode()
        os.write(master, b'n\n')
        process.wait(30)
        os.close(master)
        assert process.returncode == 2 and not server.mutations()
        assert 'proxy 127.0.0.1' in text.split('[y/N]')[0], text
    proxy.close()


def not_via_proxy(plain=False, **env):
    proxy = Proxy()
    with Bench(Api(tls=None if plain else CA.issue()), **env) as bench:
        for name, value in env.items():
            bench.env[name] = proxy.url() if value == 'PROXY' else value
        _, err = bench.run(bench.plan(), *([] if plain else trusted()))
        assert 'proxy' not in err, err
        assert not proxy.received
        started = [entry for entry in bench.lines('log') if entry['kind'] == 'batch.started']
        assert started[0]['proxy'] is None
    proxy.close()


def proxy_changes():
    """Between two processes: said and recorded."""
    proxy = Proxy()

    def answer(api, request):
        return reply(402, {'message': 'pay'}) if len(api.mutations()) == 3 and request.mutate \
            else None

    with Bench(Api(tls=CA.issue(), answer=answer)) as bench:
        result, err = bench.run(bench.plan(), *trusted(), status=4)
        assert 'proxy' not in err, err
        bench.sandbox.answer = None
        bench.env['https_proxy'] = proxy.url()
        got, _, err = bench.call('resume', result['batch'], *trusted())
        assert got == 0 and 'proxy has changed' in err and '127.0.0.1' in err, err
        starts = [entry['proxy'] for entry in bench.lines('log')
                  if entry['kind'] in ('batch.started', 'batch.resumed')]
        assert starts == [None, '127.0.0.1'], starts
        check_hidden(bench, err)
    proxy.close()


def refused_by_proxy(mode, words):
    """Certainly not sent, whatever the proxy does: no attempt is used up, nothing is in doubt."""
    proxy = Proxy()

    def answer(api, request):  # the second mutation closes: the next one needs the proxy again
        if not request.mutate or len(api.mutations()) != 2:
            return None
        proxy.mode = mode
        api.effect(request)
        return reply(200, {'data': api.document(request.run)}, 'Connection: close'), None

    with Bench(Api(tls=CA.issue(), answer=answer), https_proxy=proxy.url()) as bench:
        result, err = bench.run(bench.plan(), *trusted(), '--max-wait', '1s', '--timeout', '2s',
                                status=14)
        assert counts(result) == {'archived': 2, 'pending': 4}, result
        responses = [entry for entry in bench.lines('log') if entry['kind'] == 'response'
                     and entry['verdict'] == 'not_sent']
        assert responses and all(entry['sent'] is False for entry in responses)
        assert len(bench.sandbox.mutations()) == 2
        check_hidden(bench, err)
        bench.expect(0, 'verify')
        proxy.mode = 'work'
        bench.sandbox.answer = None
        bench.expect(0, 'resume', result['batch'], '--rate', 'none', *trusted())
        bench.compare()
    proxy.close()
    first_refused_by_proxy(mode, words)


def first_refused_by_proxy(mode, words):
    proxy = Proxy(mode)
    with Bench(Api(tls=CA.issue()), https_proxy=proxy.url()) as bench:
        _, err = bench.run(bench.plan(), *trusted(), '--max-wait', '1s', '--timeout', '1s',
                           status=14)
        for word in words:
            assert word in err, '"%s" is not in: %s' % (word, err)
        assert not bench.sandbox.received
        check_hidden(bench, err)
    proxy.close()


def proxy_url_is_not_repeated():
    for url in ('http://hidden-user:hidden-password@127.0.0.1:99999',
                'gopher://hidden-user:hidden-password@127.0.0.1:9'):
        with Bench(Api(tls=CA.issue()), https_proxy=url) as bench:
            _, err = bench.run(bench.plan(), *trusted(), *QUICK, status=2)
            assert 'proxy' in err, err
            check_hidden(bench, err)
    with Bench(Api(tls=CA.issue()),
               https_proxy='http://hidden-user:hidden-password@nope.invalid:8080') as bench:
        _, err = bench.run(bench.plan(), *trusted(), *QUICK, status=14)
        assert 'nope.invalid' in err, err
        check_hidden(bench, err)


CASES = [
    ('self-signed', self_signed),
    ('unknown authority', unknown_authority),
    ('wrong host', wrong_host),
    ('expired', expired),
    ('no flag bypasses', no_flag_bypasses),
    ('own authority', own_authority),
    ('another authority', cacert_is_the_only_one),
    ('certificate changes while in doubt', certificate_changes),
    ('certificate changes before a send', certificate_changes_before_a_send),
    ('issuer changes', issuer_changes),
    ('only TLS 1.1', only_old_tls),
    ('TLS 1.2', tls_1_2_is_enough),
    ('h2 offered', h2_is_not_taken),
    ('h2 alone offered', only_h2_is_offered),
    ('early data', no_early_data),
    ('SSLKEYLOGFILE', no_key_log),
    ('https_proxy', lambda: via_proxy(['https_proxy'])),
    ('HTTPS_PROXY', lambda: via_proxy(['HTTPS_PROXY'])),
    ('all_proxy', lambda: via_proxy(['all_proxy'])),
    ('ALL_PROXY', lambda: via_proxy(['ALL_PROXY'])),
    ('http_proxy of loopback', lambda: via_proxy(['http_proxy'], plain=True)),
    ('HTTP_PROXY is not asked', lambda: not_via_proxy(True, HTTP_PROXY='PROXY')),
    ('no_proxy', lambda: not_via_proxy(https_proxy='PROXY', no_proxy='a.test,127.0.0.1')),
    ('NO_PROXY', lambda: not_via_proxy(ALL_PROXY='PROXY', NO_PROXY='*')),
    ('no_proxy network', lambda: not_via_proxy(https_proxy='PROXY', no_proxy='127.0.0.0/8')),
    ('proxy before consent', proxy_before_consent),
    ('proxy changes', proxy_changes),
    ('proxy 407', lambda: refused_by_proxy(407, ['answered 407 to CONNECT'])),
    ('proxy 502', lambda: refused_by_proxy(502, ['answered 502 to CONNECT'])),
    ('proxy closes', lambda: refused_by_proxy('close', ['cannot be reached'])),
    ('proxy hangs', lambda: refused_by_proxy('hang', ['timed out'])),
    ('proxy junk', lambda: refused_by_proxy('junk', ['SSL', 'answered 200 to CONNECT'])),
    ('proxy drops', lambda: refused_by_proxy('drop', ['answered 200 to CONNECT'])),
    ('proxy password', proxy_url_is_not_repeated),
]

if __name__ == '__main__':
    if shutil.which('openssl') is None:
        print('skipped: the openssl command makes the certificates')
        sys.exit(SKIPPED)
    CA = Authority()
    try:
        main(CASES, 6)
    finally:
        CA.close()
