"""Commands as a user types them: what they write and print, and one line on stderr for what can be mended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augsynth.cli import main
from augsynth.data import SyntheticPool
from augsynth.generators import Generator, register_generator, registry
from augsynth.generators.registry.discovery import Claim
from augsynth.progress import progress_bar
from augsynth.transforms import Compose, Normalize, RandomCrop, RandomHorizontalFlip

COMMANDS = (
    "demo",
    "audit",
    "evaluate",
    "report",
    "sweep",
    "fit",
    "sample",
    "preview",
    "info",
    "plugins list",
    "plugins check",
    "plugins new",
    "pool verify",
    "pool export",
    "pool import",
)


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line on stderr of a command that must end with status 2."""
    assert run(*arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.fixture
def model(class_mean, tmp_path, capsys) -> Path:
    assert run("fit", "--data", "digits", "--generator", class_mean, "--steps", 3, "--out", tmp_path / "model") == 0
    capsys.readouterr()
    return tmp_path / "model"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command, capsys):
    assert run(*command.split(), "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"Example: augsynth {command}" in text


def test_help_lists_the_commands_that_are_there(capsys):
    assert run("--help") == 0
    text = capsys.readouterr().out
    assert all(command.split()[0] in text for command in COMMANDS)
    assert " bench " not in text


def run_installed(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own, away from the source tree, which has no compiled extension."""
    command = [sys.executable, "-c", f"import sys; from augsynth.cli import main; {code}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_help_needs_neither_torch_nor_numpy(tmp_path):
    done = run_installed(tmp_path, "main(['--help']); print({'torch', 'numpy'} & set(sys.modules))")
    assert done.stdout.splitlines()[-1] == "set()"


def test_a_mistake_ends_the_process_with_status_2_and_one_line(tmp_path):
    done = run_installed(tmp_path, "sys.exit(main(['preview', '--data', 'nowhere']))")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: no data at 'nowhere'")
    assert done.stderr.count("\n") == 1


def test_a_fault_of_ours_ends_the_process_with_status_1_and_a_traceback(tmp_path):
    fault = "import augsynth.cli.info as m; m._collect = lambda: 1 / 0; sys.exit(main(['info']))"
    done = run_installed(tmp_path, fault)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_fit_then_sample_makes_a_pool(model, tmp_path, capsys):
    assert run("sample", model, "--n", 25, "--seed", 3, "--out", tmp_path / "pool") == 0
    pool = SyntheticPool.open(tmp_path / "pool")
    assert len(pool) == 25
    assert pool.labels.tolist() == [i % 10 for i in range(25)]
    pool.verify()
    assert str(tmp_path / "pool") in capsys.readouterr().out


def test_sample_of_one_class(model, tmp_path):
    assert run("sample", model, "--n", 4, "--label", 7, "--out", tmp_path / "pool") == 0
    assert SyntheticPool.open(tmp_path / "pool").labels.tolist() == [7] * 4


def test_sample_draws_a_picture(model, tmp_path):
    assert run("sample", model, "--n", 20, "--out", tmp_path / "new" / "look.png") == 0
    picture = Image.open(tmp_path / "new" / "look.png")
    assert picture.size == (10 * 72 + 9 * 4, 2 * 72 + 4)
    assert len(np.unique(np.asarray(picture))) > 10


def test_more_images_than_a_disk_or_a_picture_holds_are_refused(model, tmp_path, capsys):
    for out, message in (("pool", "GB left"), ("look.png", "at most 10000 images")):
        assert message in refusal(capsys, "sample", model, "--n", 10**15, "--out", tmp_path / out)
        assert not (tmp_path / out).exists()


def test_fit_goes_on_only_when_asked(model, class_mean, tmp_path, capsys):
    again = ("fit", "--data", "digits", "--generator", class_mean, "--steps", 3, "--out", model)
    assert "checkpoint" in refusal(capsys, *again)
    assert run(*again, "--resume") == 0


def test_fit_balances_classes_and_writes_curves(class_mean, tmp_path, capsys):
    pytest.importorskip("tensorboard")
    fit = ("fit", "--data", "digits", "--generator", class_mean, "--steps", 3, "--out", tmp_path / "model")
    assert run(*fit, "--balance", "classes", "--log-dir", tmp_path / "logs") == 0
    assert list((tmp_path / "logs").glob("events*"))
    assert "another balance: 'classes', now None" in refusal(capsys, *fit, "--resume")


class Blank(Generator):
    """A generator that has nothing to learn."""

    name = "blank"

    def __init__(self, config=None):
        super().__init__(config)
        self.describe((1, 4, 4))

    def generate(self, noise, labels, guidance):
        return noise.normal(1, 4, 4)


class Dimmed(Blank):
    """A generator that is shown the images once."""

    name = "dimmed"

    def learn(self, images, labels, *, seed, progress):
        self.level = images.float().mean() / 255

    def state(self):
        return {"level": self.level}

    def restore(self, state):
        self.level = state["level"]

    def generate(self, noise, labels, guidance):
        return self.level * noise.normal(*self.image_shape)


@pytest.mark.parametrize(("kind", "said"), [(Blank, "nothing to learn"), (Dimmed, "1797 images on cpu")])
def test_generators_without_networks_are_fitted_as_far_as_they_can_be(class_mean, kind, said, tmp_path, capsys):
    register_generator(kind.name)(kind)
    fit = ("fit", "--data", "digits", "--generator", kind.name, "--device", "cpu", "--out", tmp_path / "model")
    assert run(*fit) == 0
    assert said in capsys.readouterr().out
    assert "already holds a checkpoint" in refusal(capsys, *fit)
    assert run("sample", tmp_path / "model", "--n", 5, "--out", tmp_path / "pool") == 0
    assert len(SyntheticPool.open(tmp_path / "pool")) == 5


def test_generator_options_are_checked(class_mean, tmp_path, capsys):
    options = ("fit", "--data", "digits", "--generator", class_mean, "--steps", 1, "--out", tmp_path / "m")
    assert "'sigm'" in refusal(capsys, *options, "--set", "sigm=0.5")
    assert "KEY=VALUE" in refusal(capsys, *options, "--set", "sigma")
    assert run(*options, "--set", "sigma=0.5") == 0
    assert json.loads((tmp_path / "m" / "config.json").read_text())["config"]["sigma"] == 0.5


def test_preview_draws_rows_of_variants(tmp_path, capsys):
    picture = tmp_path / "p.png"
    assert run("preview", "--images", 3, "--variants", 2, "--out", picture) == 0
    sheet = np.asarray(Image.open(picture))
    assert sheet.shape == (3 * 72 + 8 + 16, 3 * 72 + 8, 4), "captions stand above the columns"
    assert all(sheet[:16, 76 * i : 76 * i + 72, 3].any() for i in range(3))
    cells = [sheet[16:88, 76 * i : 76 * i + 72] for i in range(3)]
    assert not any(np.array_equal(a, b) for a, b in [(cells[0], cells[1]), (cells[1], cells[2])])
    assert "1 pass" in capsys.readouterr().out


def test_preview_of_a_pipeline_file_that_crops_and_normalises(tmp_path, capsys):
    pipeline = Compose([RandomHorizontalFlip(), RandomCrop(6), Normalize([0.5], [0.5])])
    (tmp_path / "p.json").write_text(json.dumps(pipeline.to_dict()))
    assert run("preview", "--pipeline", tmp_path / "p.json", "--out", tmp_path / "p.png") == 0
    assert "shown stretched" in capsys.readouterr().out
    assert Image.open(tmp_path / "p.png").size == (9 * 72 + 8 * 4, 8 * 72 + 7 * 4 + 16)


def test_demo_writes_a_report_and_prints_the_table(class_mean, tmp_path, capsys):
    small = ("--per-class", 5, "--seeds", 2, "--fit-steps", 3, "--train-steps", 2, "--max-per-class", 30)
    small += ("--workers", 1)
    assert run("demo", "--generator", class_mean, *small, "--ratios", "0.5", "--out", tmp_path) == 0
    printed = " ".join(capsys.readouterr().out.split())
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["headline"] in printed
    assert "300 of 1797 images used, at most 30 a class" in printed
    assert str(tmp_path / "report.html") in printed
    assert results["headline"].split(":")[0] in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(results["arms"]) == 3
    (shared,) = results["other settings"]
    assert [arm["ratio"] for arm in shared["arms"]] == [0, 0, 0.5, 0.8]
    assert "A classifier trained on the colleague's" in printed
    assert "The answer depends on what the generator has seen" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_demo_takes_a_ready_generator(model, tmp_path, capsys):
    small = ("--per-class", 5, "--seeds", 2, "--train-steps", 2, "--max-per-class", 30, "--workers", 1)
    assert run("demo", "--generator-from", model, *small, "--ratios", "0.5", "--out", tmp_path / "demo") == 0
    results = json.loads((tmp_path / "demo" / "results.json").read_text())
    assert results["settings"]["synthetic images from"] == f"the generator in {model}"
    assert results["other settings"] == []


def test_sweep_prints_controls_arms_and_a_verdict(class_mean, tmp_path, capsys):
    small = ("--per-class", 3, "--seeds", 2, "--confirm-seeds", 2, "--fit-steps", 2, "--train-steps", 2)
    more = ("--policies", "none, gentle", "--ratios", "0.5", "--workers", 1, "--max-per-class", 20)
    assert run("sweep", "--generator", class_mean, *small, *more, "--out", tmp_path) == 0
    printed = " ".join(capsys.readouterr().out.split())
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["verdict"]["sentence"] in printed
    assert {row["arm"] for row in results["controls"]} == {"none", "gentle"}
    assert "The verdict rests on 2 repetitions" in printed


def test_a_sweep_within_a_budget_leaves_trials_out_or_says_what_it_takes(class_mean, tmp_path, capsys):
    options = ("sweep", "--generator", class_mean, "--fit-steps", 1, "--train-steps", 1, "--per-class", 2)
    options += ("--workers", 1, "--max-per-class", 10, "--policies", "none,gentle", "--ratios", "0.5")
    assert run(*options, "--budget", "1h", "--out", tmp_path / "hour") == 0
    capsys.readouterr()
    assert "too small" in refusal(capsys, *options, "--budget", "0.001s", "--out", tmp_path / "second")


def test_info_is_complete_as_json(capsys):
    assert run("info", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {"augsynth", "torch", "compiler", "instruction sets", "threads", "CUDA", "plugins"} <= set(found)


def test_plugins_are_listed_and_checked(class_mean, monkeypatch, capsys):
    monkeypatch.setattr(registry._REGISTRY, "_installed", [])
    assert run("plugins", "list") == 0
    assert "class-mean" in capsys.readouterr().out
    assert run("plugins", "check") == 0
    assert "local:class-mean" in capsys.readouterr().out


def test_checking_a_broken_plugin_prints_its_traceback_and_ends_with_status_2(class_mean, monkeypatch, capsys):
    broken = Claim("broken", "some-plugin", "1.0", "module:Class", (), lambda: 1 / 0)
    monkeypatch.setattr(registry._REGISTRY, "_installed", [broken])
    assert run("plugins", "check") == 2
    printed = capsys.readouterr().out
    assert "ZeroDivisionError" in printed
    assert "2 generators, 1 with problems" in printed


def test_checking_goes_on_behind_a_plugin_that_exits(class_mean, monkeypatch, capsys):
    exits = Claim("aaa", "some-plugin", "1.0", "module:Class", (), lambda: sys.exit("needs a licence file"))
    malformed = Claim("bbb", "some-plugin", "1.0", "[red]module", (), lambda: None, fault="it is [bold]malformed")
    monkeypatch.setattr(registry._REGISTRY, "_installed", [exits, malformed])
    assert run("plugins", "check") == 2
    printed = " ".join(capsys.readouterr().out.split())
    assert "some-plugin:aaa 1.0: failed: SystemExit: needs a licence file" in printed
    assert "some-plugin:bbb 1.0: failed: it is [bold]malformed" in printed
    assert "local:class-mean : ready" in printed
    assert "3 generators, 2 with problems" in printed
    assert run("plugins", "list") == 0
    assert "[red]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--data", "nowhere"], "no data at 'nowhere'"),
        (["demo", "--ratios", "0.5,x"], "--ratios expects numbers"),
        (["demo", "--ratios", "1.5"], "ratios must lie above 0"),
        (["demo", "--seeds", "1"], "--seeds"),
        (["demo", "--generator", "cvea"], "there is no generator 'cvea'"),
        (["demo", "--test-fraction", "0"], "no test part"),
        (["demo", "--out", "file"], "--out file is a file"),
        (["demo", "--generator-from", "nowhere"], "--generator-from nowhere is no folder"),
        (["sweep", "--data", "nowhere"], "no data at 'nowhere'"),
        (["sweep", "--budget", "soon"], "--budget expects a duration"),
        (["sweep", "--policies", "none,tender"], "there is no policy 'tender'"),
        (["sweep", "--recipes", "soup"], "there is no recipe 'soup'"),
        (["sweep", "--generator", "cvea"], "there is no generator 'cvea'"),
        (["sweep", "--ratios", "half"], "--ratios expects numbers"),
        (["sweep", "--out", "file"], "--out file is a file"),
        (["demo", "--pipeline", "nowhere.json"], "cannot read the pipeline"),
        (["preview", "--seed", "many"], "--seed"),
        (["preview", "--seed", "-1"], "--seed"),
        (["preview", "--out", "file/preview.png"], "file"),
        (["sample", "nowhere"], "nowhere"),
        (["preview", "--data", ""], "cannot read ''"),
        (["paint"], "paint"),
        (["fit"], "--data"),
    ],
)
def test_mistakes_are_answered_in_one_line(class_mean, capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert message in refusal(capsys, *arguments)


def test_a_pipeline_file_with_a_mistake_is_named(tmp_path, capsys):
    for text, message in (("{", "is no JSON"), ('{"type": "RandomFlop"}', "unknown transform 'RandomFlop'")):
        (tmp_path / "p.json").write_text(text)
        line = refusal(capsys, "preview", "--pipeline", tmp_path / "p.json", "--out", tmp_path / "p.png")
        assert "p.json" in line
        assert message in line


# Names and data as they come ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["plugins"]])
def test_a_command_without_arguments_prints_its_help(capsys, arguments):
    assert run(*arguments) == 0
    printed = capsys.readouterr()
    assert "Usage: " in printed.out
    assert "COMMAND" in printed.out
    assert "error" not in printed.err


def image_folder(root: Path, *classes: str, count: int = 8) -> Path:
    for label, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for i in range(count):
            Image.fromarray(np.full((8, 8), 90 * label + i, np.uint8)).save(root / name / f"{i}.png")
    return root


def test_brackets_are_no_markup(class_mean, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = image_folder(tmp_path / "data[bold]:smile:", "cat[red]", "dog[")
    Image.new("L", (8, 8)).save(root / "stray[blue].png")
    assert run("fit", "--data", root, "--generator", class_mean, "--steps", 1, "--out", "run[seed0]") == 0
    assert run("sample", "run[seed0]", "--n", 4, "--out", "pool[a]") == 0
    assert run("preview", "--data", root, "--out", "look[b].png") == 0
    printed = capsys.readouterr().out
    for name in ("data[bold]:smile:", "stray[blue].png", "wrote run[seed0];", "wrote pool[a]", "wrote look[b].png"):
        assert name in printed
    with progress_bar("reading [/] and [red]", 1) as advance:
        advance(1, "loss [/x]")
    printed = capsys.readouterr().out
    assert "reading [/] and [red]" in printed
    assert "loss [/x]" in printed
    for mistake in (
        ("--data", "none[x]"),
        ("--data", "digits", "--generator", "a[b]"),
        ("--data", root, "--set", "[/]"),
    ):
        assert mistake[-1] in refusal(capsys, "fit", *mistake, "--out", "m")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names there are Unicode")
def test_names_that_are_not_utf_8_do_not_end_a_demo(class_mean, tmp_path, capsys):
    root, out = tmp_path / os.fsdecode(b"caf\xe9"), tmp_path / os.fsdecode(b"\xff")
    image_folder(root, os.fsdecode(b"a\xfe"), "b")
    small = ("--per-class", 3, "--seeds", 2, "--fit-steps", 1, "--train-steps", 1, "--workers", 1)
    assert run("demo", "--data", root, "--generator", class_mean, *small, "--out", out) == 0
    assert "caf\\udce9: 12 images" in capsys.readouterr().out
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "on caf\\udce9?" in report
    assert "a\\xfe</span>" in report
    assert json.loads((out / "results.json").read_bytes())["data"] == root.name


def test_what_the_terminal_cannot_show_is_escaped(tmp_path):
    command = [sys.executable, "-c", "from augsynth.cli import main; main(['preview', '--out', 'caf\u00e9.png'])"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "wrote caf\\xe9.png" in done.stdout, done.stderr


def test_one_class_and_unlabelled_images_can_be_fitted_but_not_compared(class_mean, tmp_path, capsys):
    image_folder(tmp_path / "one", "cat")
    image_folder(tmp_path / "flat", ".")
    np.savez(tmp_path / "scans.npz", images=np.arange(512, dtype=np.uint8).reshape(8, 8, 8))
    for data in ("one", "flat", "scans.npz"):
        options = ("--data", tmp_path / data, "--generator", class_mean)
        assert run("fit", *options, "--steps", 1, "--out", tmp_path / "models" / data) == 0
        assert "8 images of 1 class," in capsys.readouterr().out
        assert run("sample", tmp_path / "models" / data, "--n", 3, "--out", tmp_path / "pools" / data) == 0
        assert SyntheticPool.open(tmp_path / "pools" / data).labels.tolist() == [0, 0, 0]
        capsys.readouterr()
        assert "only one class" in refusal(capsys, "demo", *options, "--out", tmp_path / "demo")
        assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", "[" * 100_000, '{"a": 1, "a": 2}'])
def test_options_that_are_no_sound_json_are_text(class_mean, tmp_path, capsys, value):
    options = ("--data", "digits", "--generator", class_mean, "--steps", 1, "--out", tmp_path / "m")
    assert "must be float" in refusal(capsys, "fit", *options, "--set", f"sigma={value}")
    (tmp_path / "p.json").write_text(f'{{"type": "RandomRotation", "degrees": {value}}}')
    assert "p.json" in refusal(capsys, "preview", "--pipeline", tmp_path / "p.json", "--out", tmp_path / "p.png")
