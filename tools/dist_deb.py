"""The Debian package: the program, its manual page, completions, and the unit of `sluice serve`. What it depends on is
told by dpkg-shlibdeps; there is no conffile."""

from __future__ import annotations

import datetime
import email.utils
import gzip
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from dist_wheel import Program, compiled_in

COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/sluice",
    "zsh": "usr/share/zsh/vendor-completions/_sluice",
    "fish": "usr/share/fish/vendor_completions.d/sluice.fish",
}
# Beneath packaging/, and where they land.
FILES = {
    "sluice.service": "lib/systemd/system/sluice.service",
    "sysusers.conf": "usr/lib/sysusers.d/sluice.conf",
    "tmpfiles.conf": "usr/lib/tmpfiles.d/sluice.conf",
    "lintian-overrides": "usr/share/lintian/overrides/sluice",
}
SCRIPTS = ("postinst", "prerm", "postrm")


def make(root: Path, program: Program, folder: Path) -> Path:
    """The package's path, beneath `folder`."""
    tree = folder / "deb"
    _put(tree / "usr/bin/sluice", program.binary.read_bytes(), 0o755)
    _put(tree / "usr/share/man/man1/sluice.1.gz", _zipped(_told(program, "man")))
    for shell, path in COMPLETIONS.items():
        _put(tree / path, _told(program, "completion", shell))
    for name, path in FILES.items():
        _put(tree / path, (root / "packaging" / name).read_bytes())
    _put(tree / "usr/share/doc/sluice/changelog.gz", _zipped(_changelog(program).encode()))
    _put(tree / "usr/share/doc/sluice/copyright", _copyright(root).encode())
    _control(root, program, tree, folder)
    _set_times(tree, program.epoch)
    package = folder / f"sluice_{program.version}_{_architecture()}.deb"
    # One thread: blocks of several would depend on how many there are.
    how = ["-Zgzip", "-z1"] if program.fast else ["-Zxz", "--threads-max=1"]
    command = ["dpkg-deb", "--root-owner-group", *how, "--build", str(tree), str(package)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return package


def _put(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def _told(program: Program, *words: str) -> bytes:
    return subprocess.run([str(program.binary), *words], capture_output=True, check=True).stdout


def _zipped(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def _architecture() -> str:
    return subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()


def _changelog(program: Program) -> str:
    when = email.utils.format_datetime(datetime.datetime.fromtimestamp(program.epoch, datetime.UTC))
    maintainer = "Sluice <sluice@example.org>"
    told = "  * What is new: CHANGELOG.md of the sources."
    return f"sluice ({program.version}) unstable; urgency=medium\n\n{told}\n\n -- {maintainer}  {when}\n"


def _copyright(root: Path) -> str:
    parts = [(root / "packaging/copyright").read_text()]
    parts += [f"\n== {name}\n\n{file.read_text()}" for name, file in compiled_in(root).items()]
    return "".join(parts)


def _depends(program: Program, folder: Path) -> str:
    """dpkg-shlibdeps wants the folder of a source package."""
    source = folder / "shlibdeps"
    (source / "debian").mkdir(parents=True)
    (source / "debian/control").write_text("Source: sluice\n\nPackage: sluice\nArchitecture: any\n")
    command = ["dpkg-shlibdeps", "-O", "-e", str(program.binary)]
    told = subprocess.run(command, cwd=source, capture_output=True, text=True, check=True).stdout
    shutil.rmtree(source)
    return told.strip().removeprefix("shlibs:Depends=")


def _control(root: Path, program: Program, tree: Path, folder: Path) -> None:
    files = sorted(one for one in tree.rglob("*") if one.is_file())
    sums = "".join(f"{hashlib.md5(one.read_bytes()).hexdigest()}  {one.relative_to(tree)}\n" for one in files)
    values = {
        "VERSION": program.version,
        "ARCHITECTURE": _architecture(),
        "INSTALLED_SIZE": str(sum(-(-one.stat().st_size // 1024) for one in files)),
        "DEPENDS": _depends(program, folder),
    }
    text = (root / "packaging/control.in").read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    _put(tree / "DEBIAN/control", text.encode())
    _put(tree / "DEBIAN/md5sums", sums.encode())
    for name in SCRIPTS:
        _put(tree / "DEBIAN" / name, (root / "packaging" / name).read_bytes(), 0o755)


def _set_times(tree: Path, epoch: int) -> None:
    for one in (tree, *tree.rglob("*")):
        if one.is_dir():
            one.chmod(0o755)
        os.utime(one, (epoch, epoch))
