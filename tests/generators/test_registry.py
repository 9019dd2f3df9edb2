"""The registry finds plugins without importing them, and keeps broken ones from doing harm."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from generators.fake_plugins import install, plugin
from generators.toy import ClassMean, TinyDecoder
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError, CheckpointError, PluginError
from augsynth.generators import (
    create_generator,
    list_generators,
    load_generator,
    refresh,
    register_generator,
    registry,
)
from augsynth.generators.registry import discovery
from augsynth.generators.registry.discovery import SWITCH


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path of imports, and a registry that knows nothing else of this process."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(registry, "_REGISTRY", registry.Registry())
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def _info(name: str) -> registry.GeneratorInfo:
    return next(info for info in list_generators() if info.name == name)


def test_listing_imports_nothing(site: Path) -> None:
    install(site, "augsynth-fake", [("fake", "fake_one:Fake")], {"fake_one": plugin("fake")}, version="2.5")
    info = _info("fake")
    assert (info.distribution, info.version, info.value) == ("augsynth-fake", "2.5", "fake_one:Fake")
    assert info.capabilities is None
    assert info.status == "not loaded yet"
    assert "fake_one" not in sys.modules


def test_a_plugin_is_loaded_by_name_and_by_full_name(site: Path) -> None:
    install(site, "augsynth-fake", [("fake", "fake_one:Fake")], {"fake_one": plugin("fake")})
    assert create_generator("fake", sigma=0.5).config.sigma == 0.5
    assert type(create_generator("Augsynth_Fake:fake")) is type(create_generator("fake"))
    assert _info("fake").capabilities == {"conditional"}
    assert _info("fake").status == "ready"


@pytest.mark.parametrize("call", [create_generator, lambda name: create_generator(f"augsynth-fake:{name}")])
def test_a_misspelt_name_is_answered_with_the_nearest(site: Path, call: Callable[[str], object]) -> None:
    install(site, "augsynth-fake", [("diffusion", "fake_one:Fake")], {"fake_one": plugin("diffusion")})
    with pytest.raises(
        PluginError, match=r"no generator .*did you mean '(augsynth-fake:)?diffusion'.*installed: .*diffusion"
    ):
        call("difusion")


def test_a_misspelt_option_is_answered_with_the_nearest(site: Path) -> None:
    install(site, "augsynth-fake", [("fake", "fake_one:Fake")], {"fake_one": plugin("fake")})
    with pytest.raises(ArgumentError, match=r"no option 'sigmma' \(did you mean 'sigma'\?\); it has: sigma"):
        create_generator("fake", sigmma=1.0)


BROKEN_MODULES = {
    "missing library": ("import no_such_library_at_all\n", "No module named 'no_such_library_at_all'"),
    "syntax error": ("def f(:\n", "SyntaxError"),
    "no such class": ("", "AttributeError"),
    "fails when run": ("1 / 0\n", "ZeroDivisionError"),
    "wrong type": ("Fake = 7\n", "is 7; expected a subclass of augsynth.generators.Generator"),
    "abstract": (
        "from augsynth.generators import Generator\nclass Fake(Generator):\n    name = 'broken'\n    api_version = 1\n",
        "does not define generate",
    ),
    "an abstract network": (
        "from augsynth.generators import NetworkGenerator\nclass Fake(NetworkGenerator):\n    name = 'broken'\n",
        "does not define build, generate, optimizers, training_step",
    ),
    "networks on the first floor": (
        "from augsynth.generators import Generator\nclass Fake(Generator):\n    name = 'broken'\n"
        "    def training_step(self, *of_it): ...\n    def generate(self, *of_it): ...\n",
        "defines training_step, which is for networks: derive it from augsynth.generators.NetworkGenerator",
    ),
    "other version": (plugin("broken", version=99), "made for API version 99; this augsynth offers API version 1"),
    "no version": (plugin("broken").replace("api_version = 1", "api_version = None"), "states no api_version"),
    "exits": ("import sys\nsys.exit('needs a licence file')\n", "SystemExit: needs a licence file"),
    "exits in silence": ("raise SystemExit\n", "cannot be loaded: SystemExit"),
    "closed": ("raise GeneratorExit('closed')\n", "GeneratorExit: closed"),
    "cancelled": ("import asyncio\nraise asyncio.CancelledError('gone')\n", "CancelledError: gone"),
    "failed": ("import pytest\npytest.fail('a test inside')\n", "Failed: a test inside"),
    "mute": (
        "class Mute(Exception):\n    def __str__(self): raise SystemExit(3)\n    __repr__ = __str__\nraise Mute\n",
        "Mute: <its message cannot be read: SystemExit>",
    ),
    "unprintable": ("raise ValueError('\\ud800')\n", r"ValueError: \ud800"),
    "a class that raises": (
        "from generators.toy import ClassMean\nclass Meta(type(ClassMean)):\n    @property\n"
        "    def api_version(cls): raise SystemExit('no version')\n"
        "class Fake(ClassMean, metaclass=Meta): name = 'broken'\n",
        "SystemExit: no version",
    ),
    "an object that raises": (
        "class Kind:\n    @property\n    def __class__(self): raise RuntimeError('no class')\nFake = Kind()\n",
        "RuntimeError: no class",
    ),
    "a repr that raises": (
        "class Kind:\n    def __repr__(self): raise RuntimeError('no repr')\nFake = Kind()\n",
        "expected a subclass of augsynth.generators.Generator",
    ),
    "a version of another type": (plugin("broken").replace("= 1\n", "= True\n"), "for API version True"),
    "a name of another type": (plugin("broken").replace("'broken'", "7"), "calls itself 7"),
    "capabilities of another type": (plugin("broken", body="capabilities = 'guide'"), "expected a frozenset of names"),
    "a tile of another type": (plugin("broken", body="tile = 0"), "the tile of fake_broken:Fake is 0"),
    "no Config": (plugin("broken", body="Config = None"), "the Config of fake_broken:Fake is None"),
    "a Config that is no dataclass": (plugin("broken", body="Config = dict"), "expected a frozen dataclass"),
    "a Config without defaults": (
        "import dataclasses\n" + plugin("broken", body="Config = dataclasses.make_dataclass('C', ['width', 'depth'])"),
        "gives no default for width, depth",
    ),
    "asks for itself": (
        "from augsynth.generators import create_generator\ncreate_generator('broken')\n",
        "partially initialized module",
    ),
    "other name": (plugin("somebody"), "calls itself 'somebody', but is listed as 'broken'"),
}


@pytest.mark.parametrize("case", BROKEN_MODULES)
def test_a_broken_plugin_is_contained_and_remembered(site: Path, case: str) -> None:
    source, message = BROKEN_MODULES[case]
    install(site, "augsynth-broken", [("broken", "fake_broken:Fake")], {"fake_broken": source})
    install(site, "augsynth-fake", [("fake", "fake_one:Fake")], {"fake_one": plugin("fake")})
    with pytest.raises(PluginError, match=r"'broken' of augsynth-broken 1\.0 cannot be loaded") as first:
        create_generator("broken")
    assert message in str(first.value)
    assert first.value.__cause__ is not None
    (site / "fake_broken.py").write_text(plugin("broken"))
    with pytest.raises(PluginError) as second:
        create_generator("broken")
    assert second.value.__cause__ is first.value.__cause__
    assert _info("broken").status.startswith("failed: ")
    assert create_generator("fake").name == "fake"


def test_a_plugin_may_import_and_use_augsynth_itself(site: Path) -> None:
    source = (
        "import warnings\nfrom augsynth.generators import create_generator, list_generators\n"
        "print('hello')\nwarnings.warn('take care')\nlist_generators()\n"
        "try:\n    create_generator('fake')\nexcept Exception:\n    pass\n"
    )
    install(site, "augsynth-fake", [("fake", "fake_one:Fake")], {"fake_one": source + plugin("fake")})
    with pytest.warns(UserWarning, match="take care"):
        assert create_generator("fake").name == "fake"
    assert _info("fake").status == "ready"


MALFORMED_POINTS = {
    "acme = acme-gen:Acme": ("acme", "its entry point is 'acme' = 'acme-gen:Acme'; expected module:class"),
    "acme =": ("acme", "expected module:class"),
    "acme": ("acme", "expected module:class"),
    "acme = acme_gen": ("acme", "expected module:class"),
    "acme = acme gen:Acme": ("acme", "expected module:class"),
    "acme = acme_gen:Acme [extra": ("acme", "expected module:class"),
    "acme = :Acme": ("acme", "expected module:class"),
    "acme = 1st:Acme": ("acme", "expected module:class"),
    "= acme_gen:Acme": ("", "expected a name without colon and comma"),
    "ac:me = acme_gen:Acme": ("ac:me", "expected a name without colon and comma"),
}


def _claim_beside_others(site: Path, points: str | bytes, metadata: str | bytes | None) -> None:
    """A distribution `acme-gen` with these files, and a sound plugin `fake` beside it."""
    install(site, "augsynth-fake", [("fake", "fake_one:Fake")], {"fake_one": plugin("fake")})
    install(site, "acme-gen", [], {"acme_gen": plugin("acme")})
    info = site / "acme_gen-1.0.dist-info"
    (info / "entry_points.txt").write_bytes(points.encode() if isinstance(points, str) else points)
    (info / "METADATA").unlink()
    if metadata is not None:
        (info / "METADATA").write_bytes(metadata.encode() if isinstance(metadata, str) else metadata)


def _is_listed_with(name: str, fault: str) -> None:
    info = _info(name)
    assert fault in info.error
    assert info.status == f"failed: {info.error}"
    assert create_generator("fake").name == "fake"
    results = {result.info.name: result for result in registry.check()}
    assert fault in results[name].traceback
    assert results["fake"].traceback == ""


HEAD = "Metadata-Version: 2.1\nName: acme-gen\nVersion: 1.0\n"
POINTS = "[augsynth.generators]\nacme = acme_gen:Acme\n"


@pytest.mark.parametrize("line", MALFORMED_POINTS)
def test_a_malformed_entry_point_is_listed_and_disturbs_nobody(site: Path, line: str) -> None:
    name, fault = MALFORMED_POINTS[line]
    _claim_beside_others(site, f"[console_scripts]\nx = y\n\n[augsynth.generators]\n# ours\n{line}\n", HEAD)
    _is_listed_with(name, fault)


DAMAGED_METADATA: dict[str, tuple[str | bytes, str | bytes | None, str]] = {
    "not UTF-8": (POINTS, HEAD.encode() + b"Author: J\xfcrgen\n", "its METADATA is not UTF-8"),
    "entry points not UTF-8": (POINTS.encode() + b"j\xfcrgen = a:b\n", HEAD, "its entry_points.txt is not UTF-8"),
    "no METADATA": (POINTS, None, "its METADATA is missing or cannot be read"),
    "no Name": (POINTS, "Version: 1.0\n\nName: in the text\n", "its METADATA states no Name"),
    "no Version": (POINTS, "Name: acme-gen\n", "its METADATA states no Version"),
    "empty": (POINTS, "", "its METADATA states no Name"),
}


@pytest.mark.parametrize("case", DAMAGED_METADATA)
def test_a_damaged_distribution_is_listed_and_disturbs_nobody(site: Path, case: str) -> None:
    points, metadata, fault = DAMAGED_METADATA[case]
    _claim_beside_others(site, points, metadata)
    _is_listed_with("acme", fault)
    assert _info("acme").distribution.replace("_", "-") == "acme-gen"


def test_two_versions_in_one_folder_are_listed(site: Path) -> None:
    _claim_beside_others(site, POINTS, HEAD)
    install(site, "acme-gen", [("acme", "acme_gen:Acme")], {}, version="2.0")
    _is_listed_with("acme", "its versions 1.0 and 2.0 are installed in one folder")


@pytest.mark.parametrize("points", ["fake = fake_one:Fake", "fake = fake-one:Fake", "fake = gone:Fake"])
def test_a_damaged_claim_takes_no_name_from_a_sound_one(site: Path, points: str) -> None:
    install(site, "augsynth-fake", [("fake", "fake_one:Fake")], {"fake_one": plugin("fake")})
    for removed in ("augsynth-fake", "acme-gen"):
        install(site, removed, [], {}, version="0.9")
        info = site / f"{removed.replace('-', '_')}-0.9.dist-info"
        (info / "METADATA").unlink()
        (info / "entry_points.txt").write_text(f"[augsynth.generators]\n{points}\n")
    assert create_generator("fake").name == "fake"
    rows = [info for info in list_generators() if info.name == "fake"]
    assert [info.version for info in rows if info.status == "ready"] == ["1.0"]
    assert all(info.status == "ready" or "METADATA is missing" in info.error for info in rows)


def test_what_pip_set_aside_and_what_is_shadowed_is_not_there(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "augsynth-fake", [("fake", "fake_one:Fake")], {"fake_one": plugin("fake")})
    install(site, "augsynth-fake", [("fake", "fake_old:Fake")], {}, version="0.9")
    (site / "augsynth_fake-0.9.dist-info").rename(site / "~ugsynth_fake-0.9.dist-info")
    (site / "later").mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(site / "later")])
    install(site / "later", "augsynth-fake", [("fake", "fake_older:Fake")], {}, version="0.8")
    assert [info.version for info in list_generators() if info.name == "fake"] == ["1.0"]
    assert create_generator("fake").name == "fake"


def test_refresh_gives_a_mended_plugin_another_chance(site: Path) -> None:
    install(site, "augsynth-broken", [("broken", "fake_broken:Fake")], {"fake_broken": "1 / 0\n"})
    with pytest.raises(PluginError):
        create_generator("broken")
    (site / "fake_broken.py").write_text(plugin("broken"))
    refresh()
    assert create_generator("broken").name == "broken"


def test_refresh_finds_what_was_installed_meanwhile(site: Path) -> None:
    list_generators()
    install(site, "augsynth-fake", [("fake", "fake_one:Fake")], {"fake_one": plugin("fake")})
    assert "fake" not in [info.name for info in list_generators()]
    refresh()
    assert "fake" in [info.name for info in list_generators()]


def test_a_missing_requirement_names_the_extra(site: Path) -> None:
    source = "import no_such_library_at_all\n"
    install(site, "augsynth-broken", [("broken", "fake_broken:Fake [torchy]")], {"fake_broken": source})
    with pytest.raises(PluginError, match=r'pip install "augsynth-broken\[torchy\]"'):
        create_generator("broken")


def test_ctrl_c_passes_through(site: Path) -> None:
    install(site, "augsynth-broken", [("broken", "fake_broken:Fake")], {"fake_broken": "raise KeyboardInterrupt\n"})
    with pytest.raises(KeyboardInterrupt):
        create_generator("broken")
    (site / "fake_broken.py").write_text(plugin("broken"))
    assert create_generator("broken").name == "broken"


def _install_rivals(site: Path) -> None:
    # "between" sorts between the two claims to "fake" by distribution: duplicates need not be neighbours.
    modules = {"fake_one": plugin("fake"), "fake_two": plugin("fake"), "fake_mid": plugin("between")}
    install(site, "aaa-plugin", [("fake", "fake_one:Fake")], modules)
    install(site, "mmm-plugin", [("between", "fake_mid:Fake")], {})
    install(site, "zzz-plugin", [("other", "fake_mid:Fake"), ("fake", "fake_two:Fake")], {})


def test_a_name_claimed_twice_is_refused_on_use_and_names_both(site: Path) -> None:
    _install_rivals(site)
    with pytest.raises(PluginError, match=r"claimed by aaa-plugin .* and zzz-plugin .*write 'aaa-plugin:fake'"):
        create_generator("fake")
    assert type(create_generator("zzz-plugin:fake")).__module__ == "fake_two"
    assert type(create_generator("aaa-plugin:fake")).__module__ == "fake_one"
    assert _info("fake").rivals == ("zzz-plugin",)
    assert _info("between").rivals == ()


def test_one_class_claimed_twice_is_one_generator(site: Path) -> None:
    install(site, "augsynth-fake", [("fake", "fake_one:Fake")], {"fake_one": plugin("fake")})
    install(site, "augsynth-fake-copy", [("fake", "fake_one:Fake")], {})
    assert [info.distribution for info in list_generators() if info.name == "fake"] == ["augsynth-fake"]
    assert create_generator("fake").name == "fake"


@pytest.mark.parametrize(("switch", "loads"), [("off", False), ("other", False), ("other, fake", True), ("", True)])
def test_the_environment_restricts_what_is_loaded(
    site: Path, monkeypatch: pytest.MonkeyPatch, switch: str, loads: bool
) -> None:
    install(site, "augsynth-fake", [("fake", "fake_one:Fake")], {"fake_one": plugin("fake")})
    monkeypatch.setenv(SWITCH, switch)
    assert (_info("fake").status == "switched off") is not loads
    if loads:
        assert create_generator("fake").name == "fake"
    else:
        with pytest.raises(PluginError, match="switched off by the environment variable AUGSYNTH_PLUGINS"):
            create_generator("fake")
        assert "fake_one" not in sys.modules


def test_the_environment_can_settle_a_conflict(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install_rivals(site)
    monkeypatch.setenv(SWITCH, "zzz-plugin:fake")
    assert type(create_generator("fake")).__module__ == "fake_two"


def test_check_loads_all_and_keeps_tracebacks(site: Path) -> None:
    install(site, "augsynth-broken", [("broken", "fake_broken:Fake")], {"fake_broken": "1 / 0\n"})
    install(site, "augsynth-fake", [("fake", "fake_one:Fake")], {"fake_one": plugin("fake")})
    results = {result.info.name: result for result in registry.check()}
    assert "fake_broken.py" in results["broken"].traceback
    assert "ZeroDivisionError" in results["broken"].traceback
    assert results["broken"].info.status == "failed: ZeroDivisionError: division by zero"
    assert results["fake"].traceback == ""
    assert results["fake"].info.status == "ready"
    rows = {row["name"]: row for row in registry.describe()}
    assert rows["fake"]["version"] == "1.0"
    assert rows["broken"]["status"].startswith("failed")


def test_a_registered_class_is_found_and_may_be_registered_again(site: Path) -> None:
    register_generator("class-mean")(ClassMean)
    register_generator("class-mean")(ClassMean)
    assert isinstance(create_generator("class-mean"), ClassMean)
    assert _info("class-mean").distribution == "local"
    with pytest.raises(PluginError, match="calls itself 'tiny-decoder', but is listed as 'other'"):
        register_generator("other")(TinyDecoder)


def test_a_registered_name_is_not_taken_over(site: Path) -> None:
    register_generator("class-mean")(ClassMean)
    with pytest.raises(ArgumentError, match=r"already registered for generators.toy:ClassMean"):
        register_generator("class-mean")(type("Other", (ClassMean,), {}))


def test_a_saved_generator_finds_its_plugin_among_rivals(site: Path, images: TensorDataset) -> None:
    _install_rivals(site)
    generator = create_generator("zzz-plugin:fake")
    generator.fit(images, steps=1, progress=False)
    generator.save(site / "saved")
    assert type(load_generator(site / "saved")) is type(generator)


def test_a_saved_generator_whose_plugin_is_gone_says_so(site: Path, images: TensorDataset) -> None:
    generator = ClassMean()
    generator.fit(images, steps=1, progress=False)
    generator.save(site / "saved")
    with pytest.raises(PluginError, match="no generator 'class-mean'"):
        load_generator(site / "saved")
    with pytest.raises(CheckpointError, match="no saved generator"):
        load_generator(site / "nowhere")


def test_the_order_does_not_depend_on_hashing(site: Path) -> None:
    _install_rivals(site)
    # Run as a file, which spares the second and third process the import of torch.
    code = f"import runpy; found = runpy.run_path({discovery.__file__!r})['installed_claims'](); "
    code += "print([claim.full_name for claim in found])"
    path = os.pathsep.join([str(site), *sys.path])
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert "aaa-plugin:fake" in outputs.pop()
