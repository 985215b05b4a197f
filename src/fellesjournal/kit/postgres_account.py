"""As whom the embedded server runs: PostgreSQL refuses uid 0."""

import json
import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from fellesjournal.kit import postgres_guard

ELSEWHERE = Path("/var/lib/fellesjournal")


@dataclass(frozen=True)
class Identity:
    """`plain`: as ourselves. `namespace`: root outside, `uid` inside. `setuid`: as `uid`."""

    way: str
    uid: int
    gid: int

    @property
    def owner(self) -> tuple[int, int]:
        """Who owns the files, seen from our own process."""
        return (self.uid, self.gid) if self.way == "setuid" else (os.geteuid(), os.getegid())


def choose_identity(*, forbid_namespaces: bool = False) -> Identity:
    """The way to run the server here. `forbid_namespaces` behaves as a container that refuses them."""
    if os.geteuid() != 0:
        return Identity("plain", os.geteuid(), os.getegid())
    account = _unprivileged_account()
    namespace = Identity("namespace", account.pw_uid, account.pw_gid)
    if not forbid_namespaces and _works(namespace):
        return namespace
    return Identity("setuid", account.pw_uid, account.pw_gid)


def place_for(data_dir: Path, identity: Identity) -> Path:
    """The server's own data folder; a link to a folder elsewhere if the account can't reach the data folder."""
    data = data_dir / "postgres"
    if identity.way != "setuid" or can_reach(data_dir, identity):
        return data.resolve()
    target = ELSEWHERE / blake2b(bytes(data_dir), digest_size=6).hexdigest()
    target.mkdir(mode=0o711, parents=True, exist_ok=True)
    ELSEWHERE.chmod(0o711)
    if not data.is_symlink():
        if data.exists():
            shutil.move(data, target / "postgres")
        data.symlink_to(target / "postgres")
    return data.resolve()


def can_reach(path: Path, identity: Identity) -> bool:
    """Whether the account of a `setuid` identity may enter every folder on the way and the folder itself."""
    folders = [path.resolve(), *path.resolve().parents]
    return all(_may_enter(folder.stat(), identity) for folder in folders)


def own(path: Path, identity: Identity) -> None:
    """Give a file or a whole folder to the account that runs the server, if it isn't its own already."""
    owner = identity.owner
    if os.geteuid() != 0 or (path.stat().st_uid, path.stat().st_gid) == owner:
        return
    # The top last: an interrupted change is then seen and done again.
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            os.lchown(Path(folder) / name, *owner)
        os.lchown(folder, *owner)
    os.lchown(path, *owner)


def _may_enter(status: os.stat_result, identity: Identity) -> bool:
    if status.st_uid == identity.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == identity.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)


def _unprivileged_account() -> pwd.struct_passwd:
    """Initdb wants an account with a name: the distribution's `postgres`, else `nobody`, else any other than root."""
    accounts = {account.pw_name: account for account in pwd.getpwall() if account.pw_uid != 0}
    for name in ("postgres", "nobody", *accounts):
        if name in accounts:
            return accounts[name]
    raise OSError("this system has no account but root's; the database server refuses to run as root")


def _works(identity: Identity) -> bool:
    spec = {"mode": "probe", "way": identity.way, "uid": identity.uid, "gid": identity.gid}
    argv = [sys.executable, "-I", "-S", postgres_guard.__file__, json.dumps(spec)]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
