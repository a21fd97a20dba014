"""Whom PostgreSQL runs as: it refuses root, so for root it runs as a user without privileges.

That user has to reach the programs and the data wherever the checkout lies, also below a folder such as /root that
only its owner may enter. We do not open such a folder to everybody: PostgreSQL's process joins the folder's group,
and the group (for /root: only root) may pass through.
"""

import os
import pwd
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from local.errors import LocalError

CANDIDATES = ("postgres", "nobody")
_PASS = 0o1
_READ_AND_PASS = 0o5


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine, and the groups that a process of theirs is in."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    def may(self, bits: int, path: Path) -> bool:
        """Say whether the file's mode grants this account `bits` (4 read, 1 pass)."""
        status = path.stat()
        if status.st_uid == self.uid:
            granted = status.st_mode >> 6
        elif status.st_gid in (self.gid, *self.groups):
            granted = status.st_mode >> 3
        else:
            granted = status.st_mode
        return granted & bits == bits


@dataclass(slots=True)
class Passage:
    """How an account gets to its files: as a member of which groups, and through which folders opened to those."""

    account: Account
    groups: set[int] = field(default_factory=set)
    opened: list[Path] = field(default_factory=list)

    @property
    def member(self) -> Account:
        """The account, in the groups it needs."""
        return replace(self.account, groups=tuple(sorted(self.groups)))

    def grant(self, bits: int, path: Path) -> None:
        """Let the file's group do what its owner may, as far as `bits`, unless the account may do so anyway."""
        status = path.stat()
        bits &= status.st_mode >> 6
        if self.account.may(bits, path):
            return
        self.groups.add(status.st_gid)
        mode = stat.S_IMODE(status.st_mode)
        if mode | bits << 3 != mode:
            path.chmod(mode | bits << 3)
            if bits == _PASS:
                self.opened.append(path)


def server_account(data: Path) -> Account | None:
    """Return whom a server that refuses root runs as; None: as ourselves.

    Raises:
        LocalError: this machine has no user for it.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return _account(pwd.getpwuid(data.stat().st_uid))
    for name in CANDIDATES:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise LocalError(f"PostgreSQL refuses to run as root, and there is no user {' or '.join(CANDIDATES)} to run it as.")


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def let_reach(account: Account, programs: Sequence[Path], folder: Path) -> Passage:
    """Let the account read the trees of `programs` and pass to `folder`.

    Raises:
        LocalError: something is in the way and its mode cannot be changed.
    """
    passage = Passage(account)
    try:
        for tree in programs:
            for path in _tree(tree):
                passage.grant(_READ_AND_PASS, path)
        for path in {parent for tree in (*programs, folder / "data") for parent in tree.parents}:
            passage.grant(_PASS, path)
    except OSError as fault:
        raise LocalError(
            f"PostgreSQL refuses to run as root, and user {account.name} cannot be let through to {fault.filename}"
            f" ({fault.strerror}): run as another user, or from another folder."
        ) from None
    return passage


def _tree(folder: Path) -> Iterable[Path]:
    yield folder
    yield from (path for path in folder.rglob("*") if not path.is_symlink())
