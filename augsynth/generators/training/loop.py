"""The training loop of networks: steps, checkpoints, resuming and the report.

Every random number of step i comes from (seed, i). The loop therefore stores no state of random generators, and a run
that was stopped and resumed takes the same steps as a run that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

from augsynth.core.torch_settings import usual_thread
from augsynth.generators.samples import FitReport
from augsynth.generators.training.interrupts import deferred_interrupt
from augsynth.generators.training.pace import Pace
from augsynth.generators.training.run import Run, Trainee
from augsynth.generators.training.state import Training
from augsynth.generators.training.steps import Callback
from augsynth.generators.training.tensorboard import scalar_log
from augsynth.progress import progress_bar

_CHECKS = 4
"""Looks for a failure during a run, beside those at checkpoints."""
_AGREE_EVERY = 10
"""Steps after which several processes ask each other whether Ctrl-C was pressed."""


def train(generator: Trainee, run: Run) -> FitReport:
    """Run the loop to its end. On Ctrl-C the current step is finished and saved, then KeyboardInterrupt is raised.

    Args:
        generator: the generator whose networks are trained.
        run: the fit.
    """
    start, folder = time.perf_counter(), run.request.checkpoint_dir
    with usual_thread(run.device), deferred_interrupt() as interrupted:
        try:
            training = Training(generator, run)
            if folder is not None and run.request.resumes:
                training.restore(folder)
            resumed_at = training.step
            with ExitStack() as stack:
                if run.request.log_dir is not None:
                    training.history.listeners.append(stack.enter_context(scalar_log(run.request.log_dir, resumed_at)))
                with training.naming_what_is_kept():
                    stopped = _take_steps(training, interrupted)
            training.finish()
        except BaseException:
            generator.forget()
            raise
        if stopped:
            kept = "" if folder is None else f"; {folder} holds them, and resume=True continues"
            raise KeyboardInterrupt(f"stopped after {training.step} of {run.steps} steps{kept}")
    watch = training.watch
    if watch is not None:
        watch.warn(generator.name, training.history.entries)
    return FitReport(
        steps=training.step,
        resumed_at=resumed_at,
        images=len(run.images),
        batch_size=run.request.batch_size,
        seconds=time.perf_counter() - start,
        device=str(run.device),
        seed=run.seed,
        history=training.history.entries,
        checkpoint=folder,
        copying_since=None if watch is None else watch.since,
        kept_step=None if watch is None or watch.kept is None else watch.kept.step,
    )


def _take_steps(training: Training, interrupted: Callable[[], bool]) -> bool:
    """Take all steps that are left; return True if Ctrl-C has stopped them."""
    request, total, ranks = training.run.request, training.run.steps, training.run.ranks
    what = f"fitting {training.generator.name}"
    callbacks: tuple[Callback, ...] = request.callbacks
    if request.progress:
        callbacks = (*callbacks, Pace(what, str(training.run.device)))
    training.generator.networks.train()
    with progress_bar(what, total, request.progress) as advance:
        advance(min(training.step, total))
        stopped = ranks.any(interrupted())
        while training.step < total and not stopped:
            report = training.take_step()
            advance(1, training.history.note)
            if training.step < total:
                _look(training)
            for callback in callbacks:
                callback(report)
            if ranks.count == 1 or training.step % _AGREE_EVERY == 0:
                stopped = ranks.any(interrupted())
    if stopped:
        training.save()
    else:
        training.reach_checkpoint()
    return stopped


def _look(training: Training) -> None:
    """Write a checkpoint if it is time for one, and else look for a failure if it is time for that."""
    if training.step % training.run.request.checkpoint_every == 0:
        training.reach_checkpoint()
    elif training.step % max(1, training.run.steps // _CHECKS) == 0:
        training.require_sound()
