"""What is handed to users works where nothing else is, and says truly where it runs."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import shutil
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from conftest import PROGRAM, ROOT, run

VERSION = re.search(r"VERSION (\d+\.\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text()).group(1)  # type: ignore[union-attr]
# Every Linux has these (PEP 600 names them); all other libraries are in the wheel.
EVERYWHERE = re.compile(r"linux-vdso|ld-linux|lib(c|m|dl|rt|pthread|resolv|gcc_s|stdc\+\+|z|expat)\.so")


def folders(tree: Path) -> set[str]:
    return {one.relative_to(tree).as_posix() for one in tree.rglob("*") if one.is_file()}


# -- the wheel


@pytest.fixture(scope="session")
def installed(made: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel and nothing else."""
    venv = tmp_path_factory.mktemp("bare") / "venv"
    run("/usr/bin/python3", "-m", "venv", venv)
    run(venv / "bin/pip", "install", "-q", "--no-index", "--disable-pip-version-check", "--no-compile", made[0])
    return venv


def test_sluice_runs_in_a_bare_environment(installed: Path) -> None:
    told = f"sluice {VERSION}\n"
    assert run(installed / "bin/sluice", "--version") == told
    assert run(installed / "bin/python", "-m", "sluice", "--version") == told
    assert "Bring streams" in run(installed / "bin/sluice", "sync", "--help")
    script = "import sluice; print(sluice.__version__, sluice.find_binary(), sluice.__file__)"
    version, program, module = run(installed / "bin/python", "-c", script).split()
    assert version == VERSION and Path(program) == Path(module).parent / "bin/sluice"
    assert str(installed) in program
    missing = "import sluice\ntry: sluice.status('none.yaml')\nexcept sluice.ConfigurationError as e: print(e.code)"
    assert run(installed / "bin/python", "-c", missing) == "invalid_config\n"


def test_its_libraries_are_its_own(installed: Path) -> None:
    (program,) = installed.glob("lib/python3*/site-packages/sluice/bin/sluice")
    told = run("ldd", program)
    own = "/site-packages/sluice/bin/../../sluice.libs/lib"
    assert not [line for line in told.splitlines() if not EVERYWHERE.search(line) and own not in line]
    assert f"{own}ssl" in told and f"{own}pq" in told


def test_the_wheel_says_where_it_runs(made: tuple[Path, Path], installed: Path) -> None:
    """Nothing in it asks for a newer glibc than its name says."""
    (minor,) = re.findall(r"-py3-none-manylinux_2_(\d+)_x86_64\.whl$|-py3-none-manylinux_2_(\d+)_aarch64", made[0].name)
    programs = installed.glob("lib/python3*/site-packages/sluice*/**/*sluice*")
    libraries = installed.glob("lib/python3*/site-packages/sluice.libs/*")
    files = [one for one in (*programs, *libraries) if one.is_file() and one.read_bytes()[:4] == b"\x7fELF"]
    asked = re.findall(r"GLIBC_2\.(\d+)", run("objdump", "-T", *files))
    assert len(files) > 10 and 30 < max(map(int, asked)) <= int("".join(minor))
    with zipfile.ZipFile(made[0]) as wheel:
        about = Parser().parsestr(wheel.read(f"sluice-{VERSION}.dist-info/METADATA").decode())
        assert (about["Name"], about["Version"], about["Requires-Python"]) == ("sluice", VERSION, ">=3.11")
        assert about["Requires-Dist"] is None
        assert "Root-Is-Purelib: false" in wheel.read(f"sluice-{VERSION}.dist-info/WHEEL").decode()


def test_the_wheel_has_what_it_records_and_a_licence_for_each_library(made: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(made[0]) as wheel:
        names = wheel.namelist()
        about = f"sluice-{VERSION}.dist-info"
        recorded = {row[0]: row[1] for row in csv.reader(io.StringIO(wheel.read(f"{about}/RECORD").decode()))}
        assert set(recorded) == set(names) and len(names) == len(set(names))
        for name in names:
            digest = base64.urlsafe_b64encode(hashlib.sha256(wheel.read(name)).digest()).rstrip(b"=").decode()
            assert recorded[name] in (f"sha256={digest}", "") and bool(recorded[name]) != name.endswith("/RECORD")
        assert {name for name in names if name.startswith("sluice/") and "/bin/" not in name} == {
            f"sluice/{one.name}" for one in (ROOT / "python/sluice").glob("*") if one.is_file()
        }
        licences = "\n".join(name for name in names if "/licenses/" in name)
        assert f"{about}/licenses/LICENSE\n" in licences
        for part in ("duckdb", "boost", "nlohmann-json3-dev", "preact", "libcurl4", "libssl3", "libpq5"):
            assert f"/third-party/{part}/copyright" in licences


# -- the Debian package


@pytest.fixture(scope="session")
def unpacked(made: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("root")
    run("dpkg-deb", "-R", made[1], tree)
    return tree


def test_the_debian_package_runs_and_says_what_it_needs(made: tuple[Path, Path], unpacked: Path) -> None:
    assert run(unpacked / "usr/bin/sluice", "--version") == f"sluice {VERSION}\n"
    assert run("dpkg-deb", "-f", made[1], "Package", "Version") == f"Package: sluice\nVersion: {VERSION}\n"
    needs = run("dpkg-deb", "-f", made[1], "Depends")
    for library in ("libc6 (>= 2.", "libcurl4 (>=", "libpq5", "libssl3 (>=", "ca-certificates", "tzdata"):
        assert library in needs
    # Each library that the program names belongs to a package that is named.
    named = set(re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", unpacked / "usr/bin/sluice")))
    assert {"libcurl.so.4", "libpq.so.5"} < named and len(named) <= len(needs.split(", ")) + 3


def test_dpkg_installs_and_removes_it(made: tuple[Path, Path], tmp_path: Path) -> None:
    """Into a folder of its own, of which dpkg knows nothing else; its scripts run there if it were a system."""
    for one in ("var/lib/dpkg/updates", "var/lib/dpkg/info", "etc"):
        (tmp_path / one).mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").touch()
    root = [f"--root={tmp_path}", "--log=/dev/null", "--force-depends", "--force-script-chrootless", "--force-not-root"]
    run("dpkg", *root, "-i", made[1])
    assert run(tmp_path / "usr/bin/sluice", "--version") == f"sluice {VERSION}\n"
    assert not (tmp_path / "var/lib/dpkg/info/sluice.conffiles").exists()
    if shutil.which("systemd-sysusers"):
        assert "sluice:x:" in (tmp_path / "etc/passwd").read_text() and (tmp_path / "etc/sluice").is_dir()
    run("dpkg", *root, "--purge", "sluice")
    assert not {one for one in folders(tmp_path) if "sluice" in one}


def test_its_files_are_what_the_program_tells(unpacked: Path) -> None:
    assert run("gzip", "-dc", unpacked / "usr/share/man/man1/sluice.1.gz") == run(PROGRAM, "man")
    for shell, path in (("bash", "bash-completion/completions/sluice"), ("zsh", "zsh/vendor-completions/_sluice"),
                        ("fish", "fish/vendor_completions.d/sluice.fish")):  # fmt: skip
        assert (unpacked / "usr/share" / path).read_text() == run(PROGRAM, "completion", shell)
    sums = dict(reversed(line.split("  ")) for line in (unpacked / "DEBIAN/md5sums").read_text().splitlines())
    assert set(sums) == {one for one in folders(unpacked) if not one.startswith("DEBIAN/")}
    for name, digest in sums.items():
        assert hashlib.md5((unpacked / name).read_bytes()).hexdigest() == digest


def test_the_unit_is_that_of_the_page(unpacked: Path) -> None:
    (told,) = re.findall(r"```ini\n(.*?)```", (ROOT / "docs/SERVE.md").read_text(), re.DOTALL)
    assert (unpacked / "lib/systemd/system/sluice.service").read_text() == told
    words = re.findall(r"--[\w-]+", " ".join(line for line in told.splitlines() if line.startswith("ExecStart=")))
    options = run(PROGRAM, "serve", "--help")
    assert words and all(word in options for word in words)
