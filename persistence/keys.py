"""The secrets a deployment holds, and where it gets them from: a file, the environment, the host.

A ring has master keys, which wrap the households' own keys (one of them is active, the others only still open), the
index key for searching by identity number, and the key that signs checkpoints. `vault` and `checkpoints` use them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..foundation.errors import InputError, NotFoundError
from ..foundation.messages import fault
from .canonical import canonical_json

if TYPE_CHECKING:
    from .signing import SigningKey

__all__ = [
    "KEYRING_VARIABLE",
    "KEY_BYTES",
    "DevelopmentKeys",
    "Entropy",
    "EnvironmentKeys",
    "FileKeys",
    "HostKeys",
    "KeyProvider",
    "KeyRing",
    "create_key_file",
    "generate_ring",
    "key_provider",
    "ring_from_json",
    "ring_to_json",
    "save_ring",
    "with_new_master",
    "with_new_signer",
    "without_master",
]

Entropy = Callable[[int], bytes]
"""Gives that many unpredictable bytes."""

KEY_BYTES: Final = 32
KEYRING_VARIABLE: Final = "RASOAT_KEYRING"

_FORM: Final = "rasoat.keyring/1"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEX_KEY: Final = re.compile(r"[0-9a-f]{64}")
_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every secret of a deployment. None of them shows in `repr`."""

    masters: Mapping[str, bytes] = field(repr=False)
    active: str
    index_key: bytes = field(repr=False)
    signing_seed: bytes = field(repr=False)
    former_signers: Mapping[str, bytes] = field(default_factory=dict)
    """Public keys that signed earlier checkpoints, by key id."""

    def __post_init__(self) -> None:
        secrets = [*self.masters.values(), self.index_key, self.signing_seed]
        if any(type(key) is not bytes or len(key) != KEY_BYTES for key in (*secrets, *self.former_signers.values())):
            raise fault(InputError, "keys.bytes", count=KEY_BYTES)
        if len(set(secrets)) != len(secrets):
            raise fault(InputError, "keys.same")
        for name in self.masters:
            if not _NAME.fullmatch(name):
                raise fault(InputError, "keys.name", name=name)
        if self.active not in self.masters:
            raise fault(InputError, "keys.active", active=self.active, known=sorted(self.masters))

    def signer(self) -> SigningKey:
        """Return the key pair that signs checkpoints."""
        from .signing import SigningKey  # noqa: PLC0415  only who signs loads the cryptography

        return SigningKey(self.signing_seed)

    def public_keys(self) -> dict[str, bytes]:
        """Return the public keys, by id, of everyone who signs or has signed."""
        signer = self.signer()
        return {**self.former_signers, signer.id: signer.public}


class KeyProvider(Protocol):
    """Hands out the ring. Asked once when a process starts, and again to learn of a rotation."""

    def ring(self) -> KeyRing:
        """Return the keys; `NotFoundError` if there are none, `InputError` if they are faulty or badly kept."""
        ...


class FileKeys:
    """Keys in a file that nobody but its owner may read (mode 0600, checked on the opened file)."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def ring(self) -> KeyRing:
        """Read the file; it must belong to this process's user or to root."""
        try:
            with self.path.open(encoding="utf-8") as file:
                _require_private(self.path, os.fstat(file.fileno()))
                return ring_from_json(file.read())
        except FileNotFoundError:
            raise fault(NotFoundError, "keys.no_file", path=self.path) from None


class EnvironmentKeys:
    """Keys in an environment variable, in the form of the key file."""

    def __init__(self, variable: str = KEYRING_VARIABLE, environ: Mapping[str, str] | None = None) -> None:
        self._variable = variable
        self._environ = os.environ if environ is None else environ

    def ring(self) -> KeyRing:
        """Read the variable."""
        try:
            return ring_from_json(self._environ[self._variable])
        except KeyError:
            raise fault(NotFoundError, "keys.no_variable", variable=self._variable) from None


class HostKeys:
    """Keys from the embedding host's own key service; `fetch` is called each time the ring is asked for."""

    def __init__(self, fetch: Callable[[], KeyRing]) -> None:
        self._fetch = fetch

    def ring(self) -> KeyRing:
        """Ask the host."""
        return self._fetch()


class DevelopmentKeys:
    """Keys that everyone knows, for demonstrations on generated households. They protect nothing.

    Refused for any database but SQLite, unless `anywhere` says in so many words that no real person is in it.
    """

    MASTER: Final = "development"

    def __init__(self, database_url: str, *, anywhere: bool = False) -> None:
        if not anywhere and not database_url.startswith("sqlite"):
            scheme = database_url.partition(":")[0]
            raise fault(InputError, "keys.development", scheme=scheme)

    def ring(self) -> KeyRing:
        """Return the well-known ring."""
        master, index, seed = (sha256(f"rasoat development key: {use}".encode()).digest() for use in "mis")
        return KeyRing({self.MASTER: master}, self.MASTER, index, seed)


def key_provider(spec: str, database_url: str, environ: Mapping[str, str] | None = None) -> KeyProvider:
    """Return the provider a setting names.

    ``file:PATH``, ``env`` or ``env:VARIABLE``, ``development`` (SQLite only), ``development-anywhere``.
    """
    kind, _, rest = spec.partition(":")
    if kind == "file" and rest:
        return FileKeys(rest)
    if kind == "env":
        return EnvironmentKeys(rest or KEYRING_VARIABLE, environ)
    if spec in ("development", "development-anywhere"):
        return DevelopmentKeys(database_url, anywhere=spec == "development-anywhere")
    raise fault(InputError, "keys.source", kind=kind)


def generate_ring(entropy: Entropy = os.urandom) -> KeyRing:
    """Return a ring of new keys, with one master key."""
    master = entropy(KEY_BYTES)
    name = _master_id(master)
    return KeyRing({name: master}, name, index_key=entropy(KEY_BYTES), signing_seed=entropy(KEY_BYTES))


def create_key_file(path: Path | str, entropy: Entropy = os.urandom) -> KeyRing:
    """Generate a ring, write it to the new file `path` (mode 0600) and return it; `InputError` if the file exists."""
    ring = generate_ring(entropy)
    save_ring(ring, path)
    return ring


def with_new_master(ring: KeyRing, entropy: Entropy = os.urandom) -> KeyRing:
    """Return the ring with a new active master key; the old ones still open what they wrapped (`Vault.rewrap`)."""
    master = entropy(KEY_BYTES)
    name = _master_id(master)
    return replace(ring, masters={**ring.masters, name: master}, active=name)


def without_master(ring: KeyRing, master_key_id: str) -> KeyRing:
    """Return the ring without a master key. What it wrapped is lost, so rewrap first."""
    if master_key_id not in ring.masters or master_key_id == ring.active:
        raise fault(InputError, "keys.not_retired", key=master_key_id, known=sorted(ring.masters))
    return replace(ring, masters={name: key for name, key in ring.masters.items() if name != master_key_id})


def with_new_signer(ring: KeyRing, entropy: Entropy = os.urandom) -> KeyRing:
    """Return the ring with a new signing key; the old public key stays, to verify what it signed."""
    return replace(ring, signing_seed=entropy(KEY_BYTES), former_signers=ring.public_keys())


def ring_to_json(ring: KeyRing) -> str:
    """Return the ring as the text of a key file. It holds every secret in the clear."""
    return canonical_json(
        {
            "active": ring.active,
            "form": _FORM,
            "former_signers": {name: key.hex() for name, key in ring.former_signers.items()},
            "index_key": ring.index_key.hex(),
            "masters": {name: key.hex() for name, key in ring.masters.items()},
            "signing_seed": ring.signing_seed.hex(),
        }
    ).decode()


def ring_from_json(text: str) -> KeyRing:
    """Read what `ring_to_json` wrote; `InputError` names a faulty member, never its content."""
    try:
        members = json.loads(text)
    except ValueError:
        members = None
    expected = {"active", "form", "former_signers", "index_key", "masters", "signing_seed"}
    if not isinstance(members, dict) or set(members) != expected or members["form"] != _FORM:
        raise fault(InputError, "keys.no_key_file", form=_FORM, members=sorted(expected))
    return KeyRing(
        masters=_hex_keys("masters", members["masters"]),
        active=str(members["active"]),
        index_key=_hex_key("index_key", members["index_key"]),
        signing_seed=_hex_key("signing_seed", members["signing_seed"]),
        former_signers=_hex_keys("former_signers", members["former_signers"]),
    )


def save_ring(ring: KeyRing, path: Path | str, *, replace_old: bool = False) -> None:
    """Write the ring to `path`, readable by its owner only, whole or not at all.

    `InputError` if the file exists and is not to be replaced: an overwritten key file loses what its keys wrapped.
    """
    target = Path(path)
    if not replace_old:
        _write_new(target, ring_to_json(ring))
        return
    beside = target.with_name(f".{target.name}.new")
    beside.unlink(missing_ok=True)
    _write_new(beside, ring_to_json(ring))
    beside.replace(target)


def _write_new(path: Path, content: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise fault(InputError, "keys.exists", path=path) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _require_private(path: Path, status: os.stat_result) -> None:
    if os.name != "posix":
        return
    if status.st_mode & _OTHERS:
        raise fault(InputError, "keys.open", path=path, mode=status.st_mode & 511)
    if status.st_uid not in (0, os.geteuid()):
        raise fault(InputError, "keys.owner", path=path, owner=status.st_uid)


def _master_id(master: bytes) -> str:
    return f"master-{sha256(b'rasoat.master-id/1' + master).hexdigest()[:12]}"


def _hex_keys(member: str, value: Any) -> dict[str, bytes]:
    if not isinstance(value, dict):
        raise fault(InputError, "keys.member", member=member)
    return {name: _hex_key(f"{member}.{name}", key) for name, key in value.items()}


def _hex_key(member: str, value: Any) -> bytes:
    if not isinstance(value, str) or not _HEX_KEY.fullmatch(value):
        raise fault(InputError, "keys.digits", member=member, count=2 * KEY_BYTES)
    return bytes.fromhex(value)
