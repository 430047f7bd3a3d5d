"""Opens an archive with nothing but its backup and this folder: python open_archive.py BACKUP ARCHIVE [-o DIR]

It writes the intact files into a new folder and lists the others. The recovery key or passphrase is asked for on the
terminal, or is the first line of standard input or of the file descriptor that --secret-fd names.
Ends with 0 if every file is intact and the list of them signed, 2 if not, 1 if the archive or the backup is refused.
"""

import argparse
import getpass
import pathlib
import sys

from archive import *

PART = ".part"  # no path of an archive begins with a dot

def read_secret(purpose, descriptor):
    if descriptor is None and sys.stdin.isatty():
        return getpass.getpass("Recovery key: " if purpose == RECOVERY_KEY else "Passphrase: ")
    with os.fdopen(0 if descriptor is None else descriptor, encoding="utf-8", newline="\n", closefd=False) as stream:
        return stream.readline().removesuffix("\n").removesuffix("\r")

def open_keyring(backup_text, descriptor):
    purpose = parse_backup(backup_text)[0].purpose
    secret = read_secret(purpose, descriptor)
    return open_backup(backup_text, **{"recovery_key" if purpose == RECOVERY_KEY else "passphrase": secret})

class Folder:
    """A new folder: everything in it was made here, so that nothing is replaced and no link is followed."""

    def __init__(self, root):
        root.mkdir(mode=0o700)
        self.root, self.made = root, set()

    def write(self, file, pieces):
        """Under its name only once the last piece was right."""
        part = self.root / PART
        try:
            with open(part, "xb") as out:
                for piece in pieces:
                    out.write(piece)
            os.utime(part, (file.modified, file.modified))
            target = self.root.joinpath(*file.path.split("/"))
            for folder in reversed(target.relative_to(self.root).parents[:-1]):
                if folder not in self.made:
                    (self.root / folder).mkdir(mode=0o700)
                    self.made.add(folder)
            if os.path.lexists(target):
                raise FileExistsError(target)
            part.rename(target)
        finally:
            part.unlink(missing_ok=True)

def extract(archive, folder):
    """The paths of the files that are damaged."""
    damaged = []
    for file in archive.files:
        try:
            folder.write(file, archive.content(file))
        except Refused:
            damaged.append(file.path)
    return damaged

def main(arguments=None):
    parser = argparse.ArgumentParser(description="Opens a Blindtally archive.")
    parser.add_argument("backup", type=pathlib.Path)
    parser.add_argument("archive", type=pathlib.Path)
    parser.add_argument("-o", dest="folder", type=pathlib.Path, help="a folder that is not there yet; default: the archive's name and .files")
    parser.add_argument("--secret-fd", type=int, help="where to read the recovery key or passphrase")
    given = parser.parse_args(arguments)
    folder = given.folder or given.archive.with_name(given.archive.name + ".files")
    try:
        keyring = open_keyring(given.backup.read_text(encoding="utf-8"), given.secret_fd)
        with open(given.archive, "rb") as file:
            archive = Archive(keyring, file)
            damaged = extract(archive, Folder(folder))
    except Refused as refusal:
        print(f"refused: {refusal.code}", file=sys.stderr)
        return 1
    except (OSError, UnicodeDecodeError) as error:
        print(f"cannot open it: {error}", file=sys.stderr)
        return 1
    for path in damaged:
        print(f"damaged: {path}")
    print(f"{len(archive.files) - len(damaged)} files written to {ascii(str(folder))}, {len(damaged)} damaged")
    if archive.made is None:
        print("The archive's own list of files is lost: others may be missing, and a file may be a part of another one.")
    return 2 if damaged or archive.made is None else 0

if __name__ == "__main__":
    sys.exit(main())
