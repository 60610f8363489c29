"""Train a model by a recipe, from its card to weights that can be loaded."""

import json
import os
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch

from nvczoo.cards import ModelCard
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.interfaces import FrameCodec
from nvczoo.loading import create, load
from nvczoo.sources import HUB_CARD, WEIGHTS_FILE, card_of
from nvczoo.train.augment import Crop
from nvczoo.train.losses import StageLoss
from nvczoo.train.networks import Networks, take_over
from nvczoo.train.objective import as_layout
from nvczoo.train.pictures import CURVES, write_curves
from nvczoo.train.processes import Processes, joined
from nvczoo.train.records import LOG, Log, note_event, write_about
from nvczoo.train.sampling import ClipSampler
from nvczoo.train.schedule import Budget
from nvczoo.train.sources import Data, load_data
from nvczoo.train.stages import Recipe, Stage
from nvczoo.train.stopping import asked_to_stop
from nvczoo.train.trainer import PLAIN, Options, Trainer
from nvczoo.train.validation import add_result, sample_strip, validate, warn_of_no_motion
from nvczoo.video.atomic import atomic_output
from nvczoo.weight_files import read_weight_files
from nvczoo.weights import listed, put_weights, save_weights

START_BATCH = 64  # clips to look at before the first step
SAMPLES = "samples"
STAGES = "stages"
SAFETENSORS = ".safetensors"


def train(
    recipe: Recipe,
    folders: Sequence[Path],
    out: Path,
    budget: Budget,
    cache: Path | None = None,
    initial: str = "",
    device: str = "cpu",
    options: Options = PLAIN,
) -> Path:
    """Train, or go on where ``out`` has a checkpoint; return the path of the weights, the averaged ones.

    ``folders`` hold videos and photographs; they are decoded once, into ``cache``. ``initial`` is a file of
    weights, or a model to go on from. Afterwards ``nvczoo.load("local-dir:OUT")`` loads what was trained.

    SIGINT and SIGTERM end the run with a checkpoint, by KeyboardInterrupt or SystemExit; a second one ends it
    at once. Raises SettingError, TrainingError, VideoError and WeightsError.
    """
    out.mkdir(parents=True, exist_ok=True)
    with joined(device) as processes, torch.random.fork_rng():
        data = _load_data(recipe, folders, cache or out / "clips", processes)
        codec = starting_codec(recipe, initial)
        networks = Networks.of(codec)
        networks.to(processes.device)
        trainer = Trainer(recipe, networks, data, out, processes, options)
        if not trainer.resume():
            if not initial:
                _start(networks, data, recipe, processes.device)
                _take_over(networks, recipe, out if processes.leads else None)
                trainer = Trainer(recipe, networks, data, out, processes, options)
            if processes.leads:
                _begin(recipe, data, budget, out, processes)
        with asked_to_stop() as trainer.asked:
            _go_through(trainer, codec, budget)
        processes.wait()
    return out / WEIGHTS_FILE


def starting_codec(recipe: Recipe, initial: str = "") -> VideoCodec:
    """Return the recipe's model: untrained, or with the weights of a file or of a model."""
    if not initial:
        return create(recipe.model, parts=recipe.parts, seed=recipe.seed)
    if not initial.endswith(SAFETENSORS):
        return load(initial, parts=recipe.parts)
    codec = create(recipe.model, parts=recipe.parts, seed=recipe.seed)
    put_weights(Networks.of(codec).modules(), read_weight_files([Path(initial)]), source=initial)  # pyright: ignore
    return codec


def _load_data(recipe: Recipe, folders: Sequence[Path], cache: Path, processes: Processes) -> Data:
    """Return the clips; one process of each machine decodes them, before the others look."""
    if int(os.environ.get("LOCAL_RANK", "0")) == 0:
        load_data(folders, cache, recipe.exclude)
    processes.wait()
    return load_data(folders, cache, recipe.exclude)


def _start(networks: Networks, data: Data, recipe: Recipe, device: torch.device) -> None:
    """Let each codec that knows a better start than random weights look at clips."""
    for codec in (networks.intra, networks.inter):
        if codec is None or type(codec).start_from is FrameCodec.start_from:
            continue
        crop = Crop(1 if codec is networks.intra else 2, recipe.stages[0].side)
        clip = (
            ClipSampler(data.train, crop, seed=(recipe.seed,)).sample(0, range(START_BATCH)).clip.to(device)
        )
        images = as_layout(clip.flatten(0, 1), codec.layout)
        codec.start_from(images.unflatten(0, clip.shape[:2]))


def _take_over(networks: Networks, recipe: Recipe, out: Path | None) -> None:
    """Give the modules that the recipe names the weights of its start; note in ``out`` what is left."""
    if recipe.start is not None:
        left = take_over(networks, Networks.of(load(recipe.start.model)), recipe.start.modules)
        if left and out is not None:
            note_event(out, f"begun anew, since {recipe.start.model} has no such weights: {listed(left)}")


def _begin(recipe: Recipe, data: Data, budget: Budget, out: Path, processes: Processes) -> None:
    """Write what the run is made of, and the card by which its weights will be loaded."""
    told = f"{budget.steps} steps" if budget.steps is not None else f"{budget.seconds:g} s"
    write_about(out, recipe, data, told, processes.count, str(processes.device))
    if not (out / HUB_CARD).exists():
        (out / HUB_CARD).write_text(json.dumps(trained_card(recipe).as_table(), indent=1), encoding="utf-8")


def trained_card(recipe: Recipe) -> ModelCard:
    """Return the card of what a recipe trains, without the results of the model that it is built as."""
    card = card_of(recipe.model).with_overrides(recipe.parts)
    return replace(card, weights=None, published={}, training={}, results={})


def _go_through(trainer: Trainer, codec: VideoCodec, budget: Budget) -> None:
    leads = trainer.processes.leads
    while trainer.stage is not None:
        # Opened anew for each stage: after a return, steps that are in it will come again.
        with Log(trainer.folder, trainer.place.step) if leads else nullcontext() as log:
            try:
                stage = trainer.train_stage(budget, log)
            finally:
                if leads and trainer.stopped:
                    _write_weights(trainer)  # what was asked to stop is a model, too
        if stage is not None:
            if leads:
                _look_back(trainer, codec, stage)
            trainer.finish_stage()
    if leads:
        _write_weights(trainer)


def _look_back(trainer: Trainer, codec: VideoCodec, stage: Stage) -> None:
    """Write down what a stage brought."""
    folder, place, device = trainer.folder, trainer.place, trainer.processes.device
    trainer.modules.eval()
    with trainer.average.in_place():
        loss = StageLoss(trainer.networks, stage)
        result = validate(loss, trainer.data, place.step, device)
        add_result(folder, result)
        warn_of_no_motion(result)
        strip = folder / SAMPLES / f"{place.stage + 1:02d}-{stage.name}.png"
        sample_strip(codec, stage, trainer.data, device, strip)
    _write_weights(trainer)
    if trainer.options.keep_stages:
        kept = folder / STAGES / strip.stem
        kept.mkdir(parents=True, exist_ok=True)
        for name in (HUB_CARD, WEIGHTS_FILE):
            shutil.copyfile(folder / name, kept / name)
    if not write_curves(folder / LOG, folder / CURVES):
        note_event(folder, f"step {place.step}: no curves drawn; matplotlib is in the extra 'train'")


def _write_weights(trainer: Trainer) -> None:
    target = trainer.folder / WEIGHTS_FILE
    with trainer.average.in_place(), atomic_output(target, overwrite=True) as temporary:
        save_weights(dict(trainer.modules.items()), temporary)
