"""The secrets a deployment holds, and where it gets them from: a file, the environment, the host.

A ring has master keys, which wrap the households' own keys (one of them is active, the others only still open), the
index key for searching by identity number, and the key that signs checkpoints. `vault` and `checkpoints` use them.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..foundation.errors import InputError, NotFoundError
from .canonical import canonical_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "KEYRING_VARIABLE",
    "KEY_BYTES",
    "DevelopmentKeys",
    "EnvironmentKeys",
    "FileKeys",
    "HostKeys",
    "KeyProvider",
    "KeyRing",
    "SigningKey",
    "create_key_file",
    "generate_ring",
    "key_provider",
    "public_key_id",
    "public_key_pem",
    "ring_from_json",
    "ring_to_json",
    "save_ring",
    "with_new_master",
    "with_new_signer",
    "without_master",
]

KEY_BYTES: Final = 32
KEYRING_VARIABLE: Final = "RASOAT_KEYRING"

_FORM: Final = "rasoat.keyring/1"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEX_KEY: Final = re.compile(r"[0-9a-f]{64}")
_SUBJECT_PUBLIC_KEY_INFO: Final = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: an Ed25519 key follows
