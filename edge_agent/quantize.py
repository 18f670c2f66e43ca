"""``edge-agent models quantize``: an INT8 landmarker from a site's own clips, kept only if it passes the gate.

Some clips calibrate, the others judge: both forms watch them as ``analyze`` does, and every lift counts.
"""

import random
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import openvino as ov
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edge_agent import __version__, registry
from edge_agent.agent import Watch
from edge_agent.analyze import analyze
from edge_agent.core.crop import Crop
from edge_agent.core.figures import Share
from edge_agent.core.gate import same_technique, together, too_dear, too_different
from edge_agent.core.records import Image, Lift, Pose
from edge_agent.errors import InputError, RunError
from edge_agent.evaluation import percent
from edge_agent.pose import int8
from edge_agent.pose.devices import open_first
from edge_agent.pose.eyes import FINDER, Eyes, graphs_of, marker_of
from edge_agent.pose.landmarker import cut
from edge_agent.pose.network import cores, new_core
from edge_agent.pose.pace import cost_ratio
from edge_agent.pose.quantizer import RUNGS, Cells, check_nncf, quantize, save
from edge_agent.pose.selftest import SelfTestError
from edge_agent.settings import CameraSettings, PoseSettings, Settings
from edge_agent.video import video_info

_ONE_CALIBRATES_OF = 5
_CALIBRATION_CROPS = 240  # what the figures in docs/benchmarks.md were made with; NNCF's own default is 300
_TIMED_CROPS = 20
_ASKED = ("landmarks", "landmarks and outline")
_KEEP_FP32 = "keep pose.precision: fp32, or try again with other clips"


class CollectingEyes(Eyes):
    """Eyes that keep a fair sample of the crops they look at, (256, 256, 3) uint8 BGR each."""

    def __init__(self, settings: PoseSettings) -> None:
        super().__init__(settings)
        self.crops: list[Image] = []
        self._seen, self._chance = 0, random.Random(0)  # noqa: S311 - a sample, the same each time

    def locate(self, image: Image, crops: Sequence[Crop], outlined: Sequence[bool]) -> list[Pose]:
        """As Eyes do; every crop so far is kept with the same chance (reservoir sampling)."""
        for crop in crops:
            self._seen += 1
            place = len(self.crops) if len(self.crops) < _CALIBRATION_CROPS else self._chance.randrange(self._seen)
            if place < _CALIBRATION_CROPS:
                self.crops[place : place + 1] = [cut(image, crop, self.crop_px)]
        return super().locate(image, crops, outlined)


@dataclass(frozen=True, slots=True)
class Exam:
    """What every form is judged by. ``reference``: each clip's lifts in FP32. ``folder``: where the candidate is."""

    settings: Settings
    folder: Path
    crops: Sequence[Image]
    clips: Sequence[Path]
    reference: Sequence[Sequence[Lift]]

    @property
    def candidate(self) -> Settings:
        """The settings of a box that uses the candidate."""
        changed = {"precision": "int8", "models_dir": self.folder, "cache_dir": self.folder / "compiled"}
        return self.settings.model_copy(update={"pose": self.settings.pose.model_copy(update=changed)})


@dataclass(frozen=True, slots=True)
class Trial:
    """One form's figures. ``cost_ratios``: by what is asked; ``agreement`` None: not watched, for it is wrong."""

    cells: Cells
    cost_ratios: dict[str, float]
    agreement: Share | None
    objections: Sequence[str]


def quantize_files(clips: Sequence[Path], settings: Settings) -> None:
    """Make the landmarker in use INT8, and keep it if it passes; figures go to the terminal.

    Raises InputError for too few or unreadable clips and where NNCF is missing, RunError where no form passes.
    """
    check_nncf()
    if len(clips) < 2:
        raise InputError("one clip cannot both calibrate and judge", "give two clips or more")
    for clip in clips:
        video_info(clip)
    fp32 = settings.model_copy(update={"pose": settings.pose.model_copy(update={"precision": "fp32"})})
    console, folder, model = Console(stderr=True), fp32.pose.models_dir, marker_of(fp32.pose)
    judging = [clip for i, clip in enumerate(clips) if i % _ONE_CALIBRATES_OF]
    with _beside(folder) as scratch:
        shutil.copy(registry.load(FINDER, folder), scratch)
        crops = _calibration(clips[::_ONE_CALIBRATES_OF], fp32, console)
        reference = _watch(judging, Eyes(fp32.pose), fp32, console)
        _climb(Exam(fp32, Path(scratch), crops, judging, reference), console)
        for made, target in zip(int8.parts(model, Path(scratch)), int8.parts(model, folder), strict=True):
            made.replace(target)
    console.print(f"wrote {int8.graph_path(model, folder)}", markup=False, highlight=False, soft_wrap=True)
    console.print("to use it, set pose.precision to int8")


def _beside(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """Beside the target, so that the final moves are atomic. Raises InputError where nothing can be written."""
    try:
        return tempfile.TemporaryDirectory(dir=folder, prefix=".quantize-")
    except OSError as error:
        raise InputError(f"cannot write models to {folder}: {error.strerror}", "check pose.models_dir") from error


def _calibration(clips: Sequence[Path], settings: Settings, console: Console) -> list[Image]:
    eyes = CollectingEyes(settings.pose)
    _watch(clips, eyes, settings, console, side_by_side=1)  # in order: the same clips make the same model
    if not eyes.crops:
        raise InputError("nobody is seen in the clips that calibrate", "put a clip with people in it first")
    return eyes.crops


def _watch(
    clips: Sequence[Path], eyes: Eyes, settings: Settings, console: Console, side_by_side: int = cores()
) -> list[list[Lift]]:
    """Each clip's lifts, in the clips' order."""
    columns = TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bar, ThreadPoolExecutor(side_by_side, "clip") as pool:
        task = bar.add_task(f"watching in {settings.pose.precision}", total=len(clips))

        def lifts(clip: Path) -> list[Lift]:
            watch = Watch(CameraSettings(name="clip", source=str(clip)), eyes, settings.technique.thresholds)
            found = analyze(clip, video_info(clip), watch, lambda *_: None).lifts
            bar.advance(task)
            return found

        return list(pool.map(lifts, clips))


def _climb(exam: Exam, console: Console) -> None:
    """Down the rungs until one passes; its files are then in the exam's folder. Raises RunError where none does."""
    trials: list[Trial] = []
    for cells in RUNGS:
        trials.append(_try(cells, exam, console))
        if not trials[-1].objections:
            break
    console.print(_table(trials))
    if trials[-1].objections:
        raise RunError(f"not shipped: {'; '.join(trials[-1].objections)}", _KEEP_FP32)


def _try(cells: Cells, exam: Exam, console: Console) -> Trial:
    """Make one form, and judge it as a box would run it. What errs at the self-test is not watched."""
    pose, core = exam.settings.pose, new_core()
    model = marker_of(pose)
    *_, outlined = graphs_of(model, pose)
    save(quantize(core, outlined, cells, exam.crops), int8.graph_path(model, exam.folder))
    trial = Trial(cells, {}, Share(0, 0), ())
    _note(trial, exam)
    try:
        ratios = _cost_ratios(exam, core)
    except SelfTestError as error:
        return replace(trial, agreement=None, objections=[error.what])
    told = _watch(exam.clips, Eyes(exam.candidate.pose), exam.candidate, console)
    agreement = together(map(same_technique, exam.reference, told))
    objections = too_different(agreement) + too_dear(ratios)
    trial = Trial(cells, ratios, agreement, objections)
    _note(trial, exam)
    return trial


def _cost_ratios(exam: Exam, core: ov.Core) -> dict[str, float]:
    """Raises SelfTestError where the candidate's answers are wrong."""
    model, device = marker_of(exam.settings.pose), exam.settings.pose.device
    forms = zip(_ASKED, graphs_of(model, exam.candidate.pose), graphs_of(model, exam.settings.pose), strict=True)
    return {
        asked: cost_ratio(
            open_first(core, quick, device).network,
            open_first(core, known, device).network,
            exam.crops[:_TIMED_CROPS],
        )
        for asked, quick, known in forms
    }


def _note(trial: Trial, exam: Exam) -> None:
    """Write the record beside the candidate, without which it is not opened."""
    model, share = marker_of(exam.settings.pose), trial.agreement or Share(0, 0)
    record = int8.Record(
        source_sha256=registry.entry(model).sha256,
        sha256=int8.digest(model, exam.folder),
        cells=(trial.cells.least, trial.cells.most),
        same=share.part,
        lifts=share.whole,
        cost_ratios={asked: round(ratio, 3) for asked, ratio in trial.cost_ratios.items()},
        machine=new_core().get_property("CPU", "FULL_DEVICE_NAME"),
        versions={"hingewatch": __version__} | {name: version(name) for name in ("nncf", "openvino")},
    )
    int8.parts(model, exam.folder)[2].write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _table(trials: Sequence[Trial]) -> Table:
    table = Table("INT8 where cells a side are", title="Against FP32", box=None)
    for column in *(f"{asked}, CPU time" for asked in _ASKED), "lifts told the same", "passes":
        table.add_column(column, justify="right")
    for trial in trials:
        ratios = [f"{trial.cost_ratios[asked]:.2f}" if trial.cost_ratios else "-" for asked in _ASKED]
        share = trial.agreement
        same = "-" if share is None else f"{share.part} of {share.whole} ({percent(share.value)})"
        cells = f"{trial.cells.least} to {trial.cells.most}"
        table.add_row(cells, *ratios, same, "no" if trial.objections else "yes")
    return table
