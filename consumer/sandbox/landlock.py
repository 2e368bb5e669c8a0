"""Landlock: restrict the files that a process may open to an allow-list. Needs no privilege.

Linux 5.13 has files, 6.7 TCP, 6.12 keeps signals and abstract Unix sockets inside. Sources: the kernel's
Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h.
"""

import os
import struct
from collections.abc import Iterable

from consumer.sandbox.kernel import check, libc

_SYS_LANDLOCK_CREATE_RULESET, _SYS_LANDLOCK_ADD_RULE, _SYS_LANDLOCK_RESTRICT_SELF = 444, 445, 446
_LANDLOCK_CREATE_RULESET_VERSION = 1
_LANDLOCK_RULE_PATH_BENEATH = 1

_TRUNCATE = 1 << 14
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FILE, _MAKE_REG = 1 << 5, 1 << 8
_PLAIN_FILES = _WRITE_FILE | _READ_FILE | _READ_DIR | _REMOVE_FILE | _MAKE_REG | _TRUNCATE
"""Make and remove plain files. No links, which could redirect a reader of the results, no devices, and no directories."""
_ALL_FILE_RIGHTS = ((1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1, (1 << 15) - 1, (1 << 16) - 1)
"""All rights on files that the ABIs 1 to 5 know: 13 first, then REFER, TRUNCATE, nothing new, IOCTL_DEV."""
_ONLY_DIRECTORIES = _READ_DIR | ((1 << 14) - (1 << 4))
"""Rights that mean nothing for a single file: the kernel refuses a rule that gives them to one."""
_TCP_RIGHTS = 0b11
_SCOPES = 0b11
"""Abstract Unix sockets and signals do not leave the sandbox."""


def abi() -> int:
    """The version that this kernel has; 0 without Landlock."""
    return max(int(libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)), 0)


def restrict_files(abi: int, writable: str, readable: Iterable[str]) -> None:
    """Landlock: nothing outside of these paths can be opened from now on, and nothing but `writable` changed."""
    handled = _ALL_FILE_RIGHTS[min(abi, len(_ALL_FILE_RIGHTS)) - 1]
    attributes = struct.pack("=QQQ", handled, _TCP_RIGHTS if abi >= 4 else 0, _SCOPES if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = check(libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, attributes, size, 0))
    try:
        for path in readable:
            _allow(ruleset, path, (_READ_FILE | _READ_DIR | _EXECUTE) & handled)
        _allow(ruleset, "/dev/null", (_READ_FILE | _WRITE_FILE | _TRUNCATE) & handled)
        _allow(ruleset, writable, handled & _PLAIN_FILES)
        check(libc.syscall(_SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112 - what the descriptor is, not what the path is now
            rights &= ~_ONLY_DIRECTORIES
        rule = struct.pack("=Qi", rights, descriptor)
        check(libc.syscall(_SYS_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_RULE_PATH_BENEATH, rule, 0))
    finally:
        os.close(descriptor)
