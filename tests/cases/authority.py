# SPDX-License-Identifier: Apache-2.0
"""A time stamp authority (RFC 3161) on loopback, made of the openssl command.

    with TimeStampAuthority() as tsa:
        muniment('checkpoint', '--timestamp', tsa.url)          # over HTTP
        muniment('verify', DIR, '--tsa-ca', tsa.ca)             # PEM file of its root
        reply = tsa.stamp(data)                                 # the raw reply over data, no HTTP
        reply = tsa.stamp(data, at='20200601120000Z')           # as made at that time

`start` and `end` are the life of its certificate (ASN.1 times; service.stamp_now(+3) is in three
seconds); stamps with `at` are signed whatever they are. expire() waits until its end.
`fault` (service.py): HANG DROP GARBAGE LARGE REDIRECT NOTHING or a status, and
NONCE (of another request), IMPRINT (of other data, same nonce), TRAILING (a byte behind the reply),
REJECTION (by the authority), FORGED (another key than the certificate's), LATE (made in 2020).
"""
import hashlib
import os
import shutil
import subprocess
import tempfile
import time

from service import Service

NONCE, IMPRINT, TRAILING, REJECTION = 'nonce', 'imprint', 'trailing', 'rejection'
FORGED, LATE = 'forged', 'late'
TST_INFO = '1.2.840.113549.1.9.16.1.4'
CONFIG = '''
[tsa]
default_policy=1.2.3.4.1
digests=sha256
signer_digest=sha256
ess_cert_id_alg=sha256
serial=%(folder)s/serial
[ca]
new_certs_dir=%(folder)s
database=%(folder)s/index
default_md=sha256
policy=any
rand_serial=yes
unique_subject=no
[any]
organizationName=optional
commonName=supplied
[root]
basicConstraints=critical,CA:TRUE
[stamp]
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
[req]
distinguished_name=dn
[dn]
'''


class TimeStampAuthority(Service):
    def __init__(self, name='TSA', start='20150101000000Z', end='20990101000000Z', context=None):
        self.folder = tempfile.mkdtemp(prefix='muniment-tsa-')
        self.ca = self.path('ca.pem')
        self.end = end
        self.write('config', (CONFIG % {'folder': self.folder}).encode())
        self.write('serial', b'01\n')
        self.write('index', b'')
        self.new_key('ca', '/CN=root of ' + name)
        self.issue('ca', 'root', '20150101000000Z', '20990101000000Z', '-selfsign')
        self.new_key('tsa', '/O=Test/CN=' + name)
        self.issue('tsa', 'stamp', start, end, '-cert', self.ca)
        self.new_key('other', '/CN=other')
        super().__init__(context)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), 'wb') as file:
            file.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), 'rb') as file:
            return file.read()

    def openssl(self, *args):
        done = subprocess.run(['openssl', *args], check=False, cwd=self.folder,
                              stdin=subprocess.DEVNULL, capture_output=True)
        assert done.returncode == 0, 'openssl %s: %s' % (args[0], done.stderr.decode()[-400:])

    def new_key(self, name, subject):
        self.openssl('req', '-config', 'config', '-newkey', 'ec', '-pkeyopt',
                     'ec_paramgen_curve:P-256', '-nodes', '-keyout', name + '.key', '-out',
                     name + '.csr', '-subj', subject)

    def issue(self, name, extensions, start, end, *how):
        self.openssl('ca', '-batch', '-notext', '-config', 'config', '-name', 'ca', '-extensions',
                     extensions, '-in', name + '.csr', '-keyfile', 'ca.key', '-startdate', start,
                     '-enddate', end, '-out', name + '.pem', *how)

    def reply(self, query):
        """The raw reply to a raw query."""
        self.write('query', query)
        self.openssl('ts', '-reply', '-config', 'config', '-section', 'tsa', '-queryfile', 'query',
                     '-signer', 'tsa.pem', '-inkey', 'tsa.key', '-out', 'reply')
        return self.read('reply')

    def query(self, digest):
        self.openssl('ts', '-query', '-sha256', '-digest', digest.hex(), '-cert', '-out', 'asked')
        return self.read('asked')

    def dated(self, reply, at, key='tsa'):
        """The same stamp with another time, signed anew; the CMS command asks for no dates."""
        self.write('reply', reply)
        self.openssl('ts', '-reply', '-config', 'config', '-in', 'reply', '-token_out', '-out',
                     'token')
        self.openssl('cms', '-verify', '-noverify', '-inform', 'DER', '-in', 'token', '-out', 'tst')
        info = self.read('tst')
        where = info.index(b'\x18\x0f20') + 2
        self.write('tst', info[:where] + at.encode() + info[where + 15:])
        self.openssl('cms', '-sign', '-binary', '-nodetach', '-econtent_type', TST_INFO, '-cades',
                     '-md', 'sha256', '-signer', key + '.pem', '-inkey', key + '.key', '-in',
                     'tst', '-outform', 'DER', '-out', 'token')
        self.openssl('ts', '-reply', '-config', 'config', '-in', 'token', '-token_in', '-out',
                     'reply')
        return self.read('reply')

    def stamp(self, data, at=None):
        with self.lock:
            reply = self.reply(self.query(hashlib.sha256(data).digest()))
            return reply if at is None else self.dated(reply, at)

    def answer(self, path, body):
        reply = self.misbehave(body) if self.fault else self.reply(body)
        return 200, 'application/timestamp-reply', reply

    def misbehave(self, query):
        at = query.index(b'\x04\x20') + 2  # the imprint
        if self.fault == NONCE:
            return self.reply(self.query(query[at:at + 32]))
        if self.fault == IMPRINT:
            return self.reply(query[:at] + bytes(32) + query[at + 32:])
        if self.fault == REJECTION:
            self.openssl('ts', '-query', '-sha512', '-data', 'config', '-out', 'asked')
            return self.reply(self.read('asked'))
        reply = self.reply(query)
        if self.fault == TRAILING:
            return reply + b'\0'
        if self.fault == LATE:
            return self.dated(reply, '20200601120000Z')
        assert self.fault == FORGED
        self.openssl('ca', '-batch', '-notext', '-config', 'config', '-name', 'ca', '-extensions',
                     'root', '-in', 'other.csr', '-keyfile', 'other.key', '-selfsign', '-startdate',
                     '20150101000000Z', '-enddate', '20990101000000Z', '-out', 'other.pem')
        return self.dated(reply, time.strftime('%Y%m%d%H%M%SZ', time.gmtime()), key='other')

    def expire(self):
        while time.strftime('%Y%m%d%H%M%SZ', time.gmtime()) <= self.end:
            time.sleep(0.1)

    def close(self):
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)
