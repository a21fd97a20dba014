"""The user that PostgreSQL runs as. It refuses to run as root, so root starts it as a user without privileges.

That user must reach the programs and the data, even below a folder that only its owner may enter, such as /root. Such a
folder is not opened to every user: PostgreSQL's process joins the folder's group, and the group may pass through.
"""

import os
import pwd
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from local.errors import LocalError
from local.processes import Account

CANDIDATES = ("postgres", "nobody")
_PASS = 0o1
_READ_AND_PASS = 0o5


@dataclass(slots=True)
class Passage:
    """How an account reaches its files: the groups it joins, and the folders opened to those groups."""

    account: Account
    groups: set[int] = field(default_factory=set)
    opened: list[Path] = field(default_factory=list)

    @property
    def member(self) -> Account:
        """The account, in the groups it needs."""
        return replace(self.account, groups=tuple(sorted(self.groups)))

    def grant(self, bits: int, path: Path) -> None:
        """Give the file's group those of `bits` (4 read, 1 pass) that its owner has, if the account lacks them."""
        status = path.stat()
        bits &= status.st_mode >> 6
        if may(self.account, bits, path):
            return
        self.groups.add(status.st_gid)
        mode = stat.S_IMODE(status.st_mode)
        if mode | bits << 3 != mode:
            path.chmod(mode | bits << 3)
            if bits == _PASS:
                self.opened.append(path)


def server_account(data: Path) -> Account | None:
    """Return the user for a server that refuses root; None: the current user.

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


def may(account: Account, bits: int, path: Path) -> bool:
    """Return whether the file's mode grants the account `bits` (4 read, 1 pass)."""
    status = path.stat()
    if status.st_uid == account.uid:
        granted = status.st_mode >> 6
    elif status.st_gid in (account.gid, *account.groups):
        granted = status.st_mode >> 3
    else:
        granted = status.st_mode
    return granted & bits == bits


def let_reach(account: Account, programs: Sequence[Path], folder: Path) -> Passage:
    """Let the account read the trees of `programs` and pass to `folder`.

    Raises:
        LocalError: the mode of a file in the way cannot be changed.
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
