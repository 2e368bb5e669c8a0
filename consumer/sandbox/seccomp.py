"""seccomp: which system calls a process can make no more. Needs no privilege once it has given up gaining any.

A list of what is refused, not of what is allowed: what numpy, FFmpeg and MediaPipe call changes with each release, what leads
out of a sandbox hardly ever. Sources: the kernel's Documentation/userspace-api/seccomp_filter.rst, its tables of system calls.
"""

import ctypes
import errno
import os
import platform
import struct
from pathlib import Path

from consumer.sandbox.kernel import check, libc

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2

# Classic BPF over struct seccomp_data {int nr; u32 arch; u64 ip; u64 args[6]}.
_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_REFUSE = _ERRNO | errno.EPERM
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x10000

# Audit architecture, then system call numbers: (x86_64, aarch64). None where the architecture has no such call.
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_CLONE, _CLONE3, _KILL_CALL, _TGKILL, _PRLIMIT64 = (56, 220), (435, 435), (62, 129), (234, 131), (302, 261)
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # The network, and other processes' sockets. A pair of connected ones can still be made.
    "socket": (41, 198),
    "connect": (42, 203),
    # Other processes: a second one would have limits of its own, and might outlive its group.
    "fork": (57, None),
    "vfork": (58, None),
    "setsid": (112, 157),
    "setpgid": (109, 154),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    # What Landlock leaves to the owner of a file, wherever it lies.
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "quotactl": (179, 60),
    "acct": (163, 89),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "sethostname": (170, 161),
    "personality": (135, 92),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
}


def available() -> bool:
    """Whether this kernel takes filters, and whether there is one for its architecture."""
    return Path("/proc/sys/kernel/seccomp/actions_avail").exists() and platform.machine() in _ARCHITECTURES


def restrict_calls() -> None:
    """Install the seccomp filter. A refused call fails with EPERM, so that a library that only tries goes on."""
    program = build_filter(platform.machine(), os.getpid())
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    check(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0))


def build_filter(machine: str, own_pid: int) -> bytes:
    """The BPF program for a process of an architecture; 8 bytes an instruction."""
    column, arch = _ARCHITECTURES[machine]
    program = [
        _instruction(_LOAD, _ARCH),
        _instruction(_JUMP_EQUAL, arch, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":
        program += [_instruction(_JUMP_GREATER_EQUAL, _X32_BIT, 0, 1), _instruction(_RETURN, _KILL)]
    for numbers in _REFUSED.values():
        number = numbers[column]
        if number is not None:
            program += [_instruction(_JUMP_EQUAL, number, 0, 1), _instruction(_RETURN, _REFUSE)]
    program += [
        # Its flags lie in memory, where a filter cannot look: glibc falls back to clone.
        _instruction(_JUMP_EQUAL, _CLONE3[column], 0, 1),
        _instruction(_RETURN, _ERRNO | errno.ENOSYS),
        *_only_if(_CLONE[column], _JUMP_ANY_BIT, _CLONE_THREAD),
        # Its own limits; signals to itself, such as abort() sends.
        *_only_if(_PRLIMIT64[column], _JUMP_EQUAL, 0),
        *_only_if(_KILL_CALL[column], _JUMP_EQUAL, own_pid),
        *_only_if(_TGKILL[column], _JUMP_EQUAL, own_pid),
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(program)


def _only_if(number: int, jump: int, value: int) -> list[bytes]:
    """A call that is allowed by its first argument alone."""
    return [
        _instruction(_JUMP_EQUAL, number, 0, 4),
        _instruction(_LOAD, _ARGUMENT),
        _instruction(jump, value, 0, 1),
        _instruction(_RETURN, _ALLOW),
        _instruction(_RETURN, _REFUSE),
    ]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
