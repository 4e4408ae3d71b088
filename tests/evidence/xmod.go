// SPDX-License-Identifier: Apache-2.0

// Checks evidence with golang.org/x/mod/sumdb (note, tlog), which knows nothing of muniment.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run xmod.go DIR
//
// DIR holds public-key.txt (a verifier key, and what may follow it in a bundle) and checkpoint;
// and, each where it is there, entries.jsonl, witness-keys.txt (a key a line, all of which must
// have cosigned), old.checkpoint, *.tlog-proof and *.add-checkpoint (growth from old.checkpoint),
// and the other checkpoints of a bundle.
// Exit status: 0 all good, 1 not, 2 usage.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	typeEd25519  = 0x01
	typeCosigner = 0x04
	timeLen      = 8
)

// cosigner is what x/mod lacks: a key of type 0x04, which signs a time too.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(text, sig []byte) bool {
	if len(sig) != timeLen+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(c.key, append([]byte(head), text...), sig[timeLen:])
}

// splitKey takes NAME+HASH+BASE64 apart, without a look at the hash.
func splitKey(vkey string) (name string, hash uint32, kind byte, key []byte, err error) {
	part := strings.SplitN(vkey, "+", 3)
	if len(part) != 3 {
		return "", 0, 0, nil, errors.New("not a verifier key")
	}
	n, err := strconv.ParseUint(part[1], 16, 32)
	if err != nil || len(part[1]) != 8 {
		return "", 0, 0, nil, errors.New("not the hash of a verifier key")
	}
	data, err := base64.StdEncoding.Strict().DecodeString(part[2])
	if err != nil || len(data) != 1+ed25519.PublicKeySize {
		return "", 0, 0, nil, errors.New("not the key of a verifier key")
	}
	return part[0], uint32(n), data[0], data[1:], nil
}

func newCosigner(vkey string) (note.Verifier, error) {
	name, hash, kind, key, err := splitKey(vkey)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), append([]byte{kind}, key...)...))
	if kind != typeCosigner || binary.BigEndian.Uint32(sum[:]) != hash {
		return nil, errors.New("not the key of a cosigner")
	}
	return &cosigner{name, hash, key}, nil
}

// readLogKey reads public-key.txt; each of its parts says the same.
func readLogKey(path string) (note.Verifier, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	vkey, rest, ended := strings.Cut(string(data), "\n")
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	_, _, kind, key, err := splitKey(vkey)
	if err != nil || kind != typeEd25519 || !ended {
		return nil, errors.New("not an Ed25519 key on a line")
	}
	if rest == "" {
		return verifier, nil
	}
	digest, rest, ended := strings.Cut(rest, "\n")
	sum := sha256.Sum256([]byte(vkey))
	if digest != "sha256 "+hex.EncodeToString(sum[:]) || !ended {
		return nil, errors.New("the digest is not of the key")
	}
	der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(key))
	if err != nil {
		return nil, err
	}
	want := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	if rest != "" && rest != want {
		return nil, errors.New("the PEM is not of the key")
	}
	return verifier, nil
}

// checker holds whose signatures are expected on every checkpoint, and on the newest.
type checker struct {
	dir       string
	log       note.Verifier
	witnesses []note.Verifier
	entries   [][]byte
	hashes    []tlog.Hash // stored, by tlog.StoredHashIndex
}

type checkpoint struct {
	size int64
	root tlog.Hash
	note *note.Note
}

func decodeHash(text string) (hash tlog.Hash, err error) {
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(data) != len(hash) {
		return hash, fmt.Errorf("not a hash: %q", text)
	}
	copy(hash[:], data)
	return hash, nil
}

func decodeNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, fmt.Errorf("not a number: %q", text)
	}
	return n, nil
}

// open opens a checkpoint: signed by the log, if all by every witness too, and by nobody else.
func (c *checker) open(data []byte, all bool) (*checkpoint, error) {
	opened, err := note.Open(data, note.VerifierList(append(c.witnesses, c.log)...))
	if err != nil {
		return nil, err
	}
	want := 1
	if all {
		want += len(c.witnesses)
	}
	seen := map[string]bool{}
	for _, sig := range opened.Sigs {
		// note.Open takes unused bits in base64
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return nil, err
		}
		seen[sig.Name] = true
	}
	if len(opened.UnverifiedSigs) > 0 {
		return nil, errors.New("a line of a key that is not known")
	}
	if !seen[c.log.Name()] || len(seen) < want {
		return nil, fmt.Errorf("signed by %d of %d keys", len(seen), want)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != c.log.Name() {
		return nil, errors.New("not a checkpoint of the key's log")
	}
	size, err := decodeNumber(lines[1])
	if err != nil {
		return nil, err
	}
	root, err := decodeHash(lines[2])
	if err != nil {
		return nil, err
	}
	return &checkpoint{size, root, opened}, nil
}

func (c *checker) openFile(name string, all bool) (*checkpoint, error) {
	data, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		return nil, err
	}
	return c.open(data, all)
}

func (c *checker) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		list := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			if at >= int64(len(c.hashes)) {
				return nil, errors.New("no such node")
			}
			list[i] = c.hashes[at]
		}
		return list, nil
	})
}

// readEntries builds the tree of all entries.
func (c *checker) readEntries() error {
	data, err := os.ReadFile(filepath.Join(c.dir, "entries.jsonl"))
	if err != nil {
		return err
	}
	if len(data) == 0 || data[len(data)-1] != '\n' {
		return errors.New("entries.jsonl: the last line has no newline")
	}
	c.entries = bytes.Split(data[:len(data)-1], []byte("\n"))
	for i, entry := range c.entries {
		hashes, err := tlog.StoredHashes(int64(i), entry, c.reader())
		if err != nil {
			return err
		}
		c.hashes = append(c.hashes, hashes...)
	}
	return nil
}

// checkRoot compares a checkpoint with the tree of the entries.
func (c *checker) checkRoot(cp *checkpoint) error {
	if cp.size > int64(len(c.entries)) {
		return fmt.Errorf("%d entries, the checkpoint has %d", len(c.entries), cp.size)
	}
	root, err := tlog.TreeHash(cp.size, c.reader())
	if err != nil {
		return err
	}
	if root != cp.root {
		return fmt.Errorf("the root of %d entries is %v, not %v", cp.size, root, cp.root)
	}
	return nil
}

// splitProof gives the lines before the first empty one, and what stands behind it.
func splitProof(data []byte) ([]string, []byte, error) {
	at := bytes.Index(data, []byte("\n\n"))
	if at < 0 {
		return nil, nil, errors.New("no empty line")
	}
	return strings.Split(string(data[:at]), "\n"), data[at+2:], nil
}

func decodeHashes(lines []string) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(lines))
	for _, line := range lines {
		hash, err := decodeHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

func sameHashes(a, b []tlog.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// checkRecord checks a *.tlog-proof: alone, and against the tree where that is known.
func (c *checker) checkRecord(data []byte) error {
	lines, rest, err := splitProof(data)
	if err != nil {
		return err
	}
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" ||
		!strings.HasPrefix(lines[1], "extra ") || !strings.HasPrefix(lines[2], "index ") {
		return errors.New("not a proof with an entry")
	}
	entry, err := base64.StdEncoding.Strict().DecodeString(lines[1][len("extra "):])
	if err != nil {
		return err
	}
	index, err := decodeNumber(lines[2][len("index "):])
	if err != nil {
		return err
	}
	hashes, err := decodeHashes(lines[3:])
	if err != nil {
		return err
	}
	cp, err := c.open(rest, false)
	if err != nil {
		return err
	}
	err = tlog.CheckRecord(hashes, cp.size, cp.root, index, tlog.RecordHash(entry))
	if err != nil || c.entries == nil {
		return err
	}
	if err := c.checkRoot(cp); err != nil {
		return err
	}
	if !bytes.Equal(c.entries[index], entry) {
		return errors.New("another entry than in entries.jsonl")
	}
	own, err := tlog.ProveRecord(cp.size, index, c.reader())
	if err == nil && !sameHashes(own, hashes) {
		err = errors.New("another proof than that of x/mod")
	}
	return err
}

// checkGrowth checks an *.add-checkpoint from old, which may be nil: nothing was kept.
func (c *checker) checkGrowth(data []byte, old *checkpoint) error {
	lines, rest, err := splitProof(data)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(lines[0], "old ") {
		return errors.New("not a request to a witness")
	}
	from, err := decodeNumber(lines[0][len("old "):])
	if err != nil {
		return err
	}
	hashes, err := decodeHashes(lines[1:])
	if err != nil {
		return err
	}
	cp, err := c.open(rest, false)
	if err != nil {
		return err
	}
	if from == 0 {
		if len(hashes) != 0 {
			return errors.New("a proof from nothing is not empty")
		}
		return nil
	}
	if old == nil || from != old.size {
		return fmt.Errorf("a step from %d, which is not the size that was kept", from)
	}
	if err := tlog.CheckTree(hashes, cp.size, cp.root, old.size, old.root); err != nil {
		return err
	}
	if c.entries == nil {
		return nil
	}
	if err := c.checkRoot(cp); err != nil {
		return err
	}
	own, err := tlog.ProveTree(cp.size, old.size, c.reader())
	if err == nil && !sameHashes(own, hashes) {
		err = errors.New("another proof than that of x/mod")
	}
	return err
}

func (c *checker) readKeys() (err error) {
	c.log, err = readLogKey(filepath.Join(c.dir, "public-key.txt"))
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(c.dir, "witness-keys.txt"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	lines := strings.Split(string(data), "\n")
	if lines[len(lines)-1] != "" {
		return errors.New("the last key has no newline")
	}
	for _, line := range lines[:len(lines)-1] {
		verifier, err := newCosigner(line)
		if err != nil {
			return err
		}
		c.witnesses = append(c.witnesses, verifier)
	}
	return nil
}

func (c *checker) exists(name string) bool {
	_, err := os.Stat(filepath.Join(c.dir, name))
	return err == nil
}

// checkEarlier checks a checkpoint that is not the newest.
func (c *checker) checkEarlier(data []byte) error {
	cp, err := c.open(data, false)
	if err != nil || c.entries == nil {
		return err
	}
	return c.checkRoot(cp)
}

// each runs check over the files of a pattern, raw time stamps left out.
func (c *checker) each(pattern string, check func([]byte) error) (int, error) {
	paths, err := filepath.Glob(filepath.Join(c.dir, pattern))
	if err != nil {
		return 0, err
	}
	count := 0
	for _, path := range paths {
		if strings.HasSuffix(path, ".tsr") {
			continue
		}
		data, err := os.ReadFile(path)
		if err == nil {
			err = check(data)
		}
		if err != nil {
			return 0, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		count++
	}
	return count, nil
}

func (c *checker) run() error {
	if err := c.readKeys(); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	head, err := c.openFile("checkpoint", true)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if c.exists("entries.jsonl") {
		if err := c.readEntries(); err != nil {
			return err
		}
		if int64(len(c.entries)) != head.size {
			return fmt.Errorf("%d entries, not %d", len(c.entries), head.size)
		}
		if err := c.checkRoot(head); err != nil {
			return err
		}
	}
	var old *checkpoint
	if c.exists("old.checkpoint") {
		if old, err = c.openFile("old.checkpoint", false); err != nil {
			return fmt.Errorf("old.checkpoint: %w", err)
		}
		if c.entries != nil {
			if err := c.checkRoot(old); err != nil {
				return fmt.Errorf("old.checkpoint: %w", err)
			}
		}
	}
	earlier := 0
	for _, pattern := range []string{"checkpoint.signed", "checkpoints/*"} {
		n, err := c.each(pattern, c.checkEarlier)
		if err != nil {
			return err
		}
		earlier += n
	}
	proofs, err := c.each("*.tlog-proof", c.checkRecord)
	if err != nil {
		return err
	}
	steps, err := c.each("*.add-checkpoint", func(data []byte) error {
		return c.checkGrowth(data, old)
	})
	if err != nil {
		return err
	}
	fmt.Printf("size %d, %d entries, %d signatures, %d other checkpoints, %d proofs, %d steps\n",
		head.size, len(c.entries), len(head.note.Sigs), earlier, proofs, steps)
	return nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: xmod DIR")
		os.Exit(2)
	}
	c := &checker{dir: os.Args[1]}
	if err := c.run(); err != nil {
		fmt.Fprintln(os.Stderr, "xmod:", err)
		os.Exit(1)
	}
}
