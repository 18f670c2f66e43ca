"""Labelled clips against what is told of them: how well lifts are found and judged on a site's own footage."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edge_agent.agent import Look, Watch
from edge_agent.analyze import Outputs, analyze, watcher
from edge_agent.core.figures import TOLD, confusion
from edge_agent.core.records import Frame
from edge_agent.core.scoring import ScoredClip, ToldLift, score
from edge_agent.errors import HingewatchError, InputError, RunError
from edge_agent.evaluation import Evaluation, LeftOut, counted, duration, headlines, spelt
from edge_agent.evaluation_report import write_evaluation_report
from edge_agent.frames import CUT_OFF_S
from edge_agent.labels import LabelledClip, read_labels
from edge_agent.output import STDOUT, check_writable, write_json
from edge_agent.pose.network import cores
from edge_agent.settings import Settings
from edge_agent.video import VideoInfo, video_info


def evaluate_files(labels: Path, clips_dir: Path, settings: Settings, outputs: Outputs) -> None:
    """Evaluate every labelled clip and write what was asked for; figures go to the terminal.

    Raises InputError for labels, folder or outputs that will not do, before any work; RunError, after all other
    work is done, if any clip could not be evaluated.
    """
    if not clips_dir.is_dir():
        raise InputError(f"{clips_dir} is no folder", "name the folder in which the clips are")
    clips = read_labels(labels, clips_dir)
    check_writable((outputs.json, outputs.report), labels, *(clip.video for clip in clips))
    console = Console(stderr=True)
    scored, left_out = _watch_all(clips, watcher(settings), console)
    evaluation = Evaluation(labels.name, settings.pose.landmarker, scored, left_out)
    if outputs.json:
        write_json(evaluation.as_dict(), outputs.json)
    if outputs.report:
        write_evaluation_report(outputs.report, evaluation)
    _show(evaluation, outputs, console)
    if left_out:
        names = ", ".join(clip.clip for clip in left_out)
        raise RunError(f"{len(left_out)} of {len(clips)} clips could not be evaluated: {names}", left_out[0].fix)


def told_lifts(analysis: Mapping[str, Any]) -> list[ToldLift]:
    """The lifts of a ``hingewatch.analysis/1`` object."""
    return [
        ToldLift(
            start_s=lift["start_s"],
            peak_s=lift["peak_s"],
            end_s=lift["end_s"],
            center_x=lift["center_x"],
            technique=lift["technique"],
            confidence=lift["confidence"],
            spine_flexion_deg=lift["spine_flexion_deg"],
            spine_spread_deg=lift.get("spine_spread_deg"),
        )
        for lift in analysis["lifts"]
    ]


def _watch_all(
    clips: Sequence[LabelledClip], watch_on: Callable[[Path], Watch], console: Console
) -> tuple[list[ScoredClip], list[LeftOut]]:
    """As many clips side by side as there are cores: an answer of a network uses one. Results in the clips' order."""
    columns = TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bar, ThreadPoolExecutor(cores(), "clip") as pool:
        task = bar.add_task("", total=len(clips))

        def watched(clip: LabelledClip) -> ScoredClip | LeftOut:
            bar.update(task, description=escape(clip.truth.name))
            try:
                return _watch(clip, watch_on(clip.video), lambda share: bar.advance(task, share))
            except HingewatchError as error:
                console.print(f"left out: {clip.truth.name}: {error.what}", style="red", markup=False)
                return LeftOut(clip.truth.name, error.what, error.fix)

        results = list(pool.map(watched, clips))
    left_out = [result for result in results if isinstance(result, LeftOut)]
    return [result for result in results if isinstance(result, ScoredClip)], left_out


def _watch(clip: LabelledClip, watch: Watch, advance: Callable[[float], None]) -> ScoredClip:
    """``advance`` hears of each further share of the clip. Raises HingewatchError if it cannot be read to its end."""
    info = video_info(clip.video)
    last_s = 0.0

    def seen(frame: Frame, _look: Look) -> None:
        nonlocal last_s
        advance((frame.time_s - last_s) / max(info.duration_s, frame.time_s, 0.001))
        last_s = frame.time_s

    analysis = analyze(clip.video, info, watch, seen)
    _check_whole(clip.video, info, last_s)
    watched_s = info.duration_s or clip.duration_s or last_s
    return score(clip.truth, told_lifts(analysis.as_dict()), watched_s)


def _check_whole(video: Path, info: VideoInfo, last_s: float) -> None:
    """Lifts in a part that is not there were not missed, so a clip that was cut off proves nothing."""
    if last_s < info.duration_s - CUT_OFF_S:
        raise InputError(f"{video} was cut off at {last_s:.1f} of {info.duration_s:.1f} s", "copy the clip again")


def _show(evaluation: Evaluation, outputs: Outputs, console: Console) -> None:
    watched = f"{counted(len(evaluation.clips), 'clip')}, {duration(evaluation.watched_s)}"
    table = Table("", title=f"{evaluation.labels}: {watched}", box=None)
    for column in ("value", "of", "95% interval"):
        table.add_column(column, justify="right")
    for line in headlines(evaluation.figures):
        table.add_row(line.name, line.value, line.of, line.interval)
    console.print(table, _confusion_table(evaluation), sep="\n")
    for path in (outputs.json, outputs.report):
        if path and path != STDOUT:
            console.print(f"wrote {path}", markup=False)


def _confusion_table(evaluation: Evaluation) -> Table:
    rows = confusion(evaluation.clips)
    table = Table("done", title="\nTechnique done (rows) and told (columns)", box=None)
    for told in TOLD:
        table.add_column(spelt(told).lower(), justify="right")
    for true, counts in rows.items():
        table.add_row(escape(spelt(true).lower()), *(str(count) if count else "·" for count in counts.values()))
    return table
