"""Tests of open_archive.py with the committed archives, and of the memory that opening takes."""

import io
import json
import shutil
import subprocess
import sys
import tempfile
import tracemalloc
import unittest

from open_archive import *
from verify import VECTORS, edited

PROGRAM = pathlib.Path(__file__).with_name("open_archive.py")

def cases(name):
    for group in json.loads((VECTORS / f"{name}.json").read_text())["testGroups"]:
        for test in group["tests"]:
            yield group, test

class OpenArchive(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.at = pathlib.Path(folder.name)

    def run_on(self, group, test, secret=None, out="out"):
        """Its end, what it printed, and the files that it wrote; nothing may stand beside them."""
        (self.at / "backup").write_text(group["backup"])
        (self.at / "archive").write_bytes(edited(group, test, "archive"))
        arguments = [sys.executable, "-B", PROGRAM, "backup", "archive", "-o", out]
        text = group["recoveryKey"] if secret is None else secret
        done = subprocess.run(arguments, cwd=self.at, input=text + "\n", capture_output=True, text=True)
        root = self.at / out
        written = {str(p.relative_to(root)): p for p in root.rglob("*") if p.is_file()} if root.is_dir() else {}
        beside = {p.name for p in self.at.iterdir()} - {"backup", "archive", out}
        self.assertEqual(beside, set())
        return done.returncode, done.stdout + done.stderr, written

    def check(self, group, test, out):
        end, said, written = self.run_on(group, test, out=out)
        if test["result"] == "invalid":
            self.assertEqual((end, written), (1, {}), said)
            self.assertIn(f"refused: {test['expect']}", said)
            self.assertFalse((self.at / out).exists())
            return
        intact = {f["path"]: f for f in test["files"] if "sha256" in f}
        self.assertEqual(set(written), set(intact))
        for path, file in intact.items():
            self.assertEqual(sha256(written[path].read_bytes()).hex(), file["sha256"])
            self.assertEqual(written[path].stat().st_mtime, file["modified"])
        damaged = [f["path"] for f in test["files"] if "expect" in f]
        self.assertEqual([line[9:] for line in said.splitlines() if line.startswith("damaged: ")], damaged)
        self.assertEqual("list of files is lost" in said, test["listing"] == "unlisted")
        self.assertEqual(end, 2 if damaged or test["listing"] == "unlisted" else 0)

    def test_archives(self):
        """Some of each kind: each one is a process."""
        wanted = {
            "archive": ("two files", "files that share folders", "no file", "modified at the last second there is", "sealed by a device", "a file: another path in its header"),
            "archive_refused": ("a path: up and out", "a path: absolute", "signed by another key", "a file, then a folder of its name"),
            "archive_damaged": ("whole", "a bit changed in chunk 1", "a bit changed in chunks 1 and 3: bytes of a file are taken for a header", "a path twice: the first is listed"),
        }
        number = 0
        for name, comments in wanted.items():
            for comment in comments:
                group, test = next((g, t) for g, t in cases(name) if t["comment"] == comment)
                with self.subTest(name=name, comment=comment):
                    number += 1
                    self.check(group, test, f"out{number}")
                    shutil.rmtree(self.at / f"out{number}", ignore_errors=True)

    def test_what_is_there_is_left_as_it_is(self):
        group, test = next(cases("archive"))
        (self.at / "out").mkdir()
        end, said, written = self.run_on(group, test)
        self.assertEqual((end, written), (1, {}), said)

    def test_a_link_is_not_followed(self):
        group, test = next(cases("archive"))
        (self.at / "out").symlink_to(self.at / "elsewhere")
        end, said, _ = self.run_on(group, test)
        self.assertEqual(end, 1, said)
        self.assertFalse((self.at / "elsewhere").exists())

    def test_a_wrong_recovery_key(self):
        group, test = next(cases("archive"))
        for secret, code in ((checked_code(bytes(16)), "unlock.wrong"), ("mistyped", "recovery-key.invalid"), ("", "recovery-key.invalid")):
            end, said, written = self.run_on(group, test, secret)
            self.assertEqual((end, written), (1, {}))
            self.assertIn(f"refused: {code}", said)

    def test_a_passphrase_from_a_file_descriptor(self):
        group, test = next(cases("archive"))
        keyring = open_backup(group["backup"], None, group["recoveryKey"])
        wrapped = Wrapped(b"K", PBKDF2, (600_000,), bytes(16), keyring.account_id, PASSPHRASE, keyring.generation, nonce=bytes(12))
        sealed = wrapped.seal(wrapped.stretched("p\u00e4ss phrase".encode()), keyring.encode())
        text = backup_file(sealed, keyring.account.code, keyring.account_id, "passphrase")
        (self.at / "backup").write_text(text)
        (self.at / "archive").write_bytes(edited(group, test, "archive"))
        read, write = os.pipe()
        os.write(write, "p\u00e4ss phrase\n".encode())
        os.close(write)
        arguments = [str(self.at / "backup"), str(self.at / "archive"), "--secret-fd", str(read)]
        done = subprocess.run([sys.executable, "-B", PROGRAM, *arguments], pass_fds=[read], capture_output=True, text=True)
        os.close(read)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.at / "archive.files").is_dir())

class Memory(unittest.TestCase):
    def test_a_blob_is_read_in_the_memory_of_some_chunks(self):
        master, length = MasterKey(bytes(16), 1, bytes(32)), 4 << 20
        for content in (bytes(length), b"\x80" + bytes(length), b"x" * length):
            blob = io.BytesIO(seal_blob(master, BlobHeader(34, 1, bytes(16), bytes(16), 0), bytes(24), content))
            hashed = hashlib.sha256()
            tracemalloc.start()
            for piece in open_blob([master], blob):
                hashed.update(piece)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            self.assertEqual(hashed.digest(), sha256(content))
            self.assertLess(peak, 20 * CHUNK)

if __name__ == "__main__":
    unittest.main()
