"""The training loop: stages in turn, resumable from the last checkpoint."""

import csv
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from nvczoo.entropy.streams import BitCounter
from nvczoo.interfaces import InterCodec, IntraCodec, RateSampler, Reference, Setting
from nvczoo.layers import LAYOUTS
from nvczoo.train.clips import ClipSampler, Crop
from nvczoo.train.objective import FrameLoss, frame_loss, mean_psnr, mse_611
from nvczoo.train.stages import Stage

LONG_TERM = 4  # frames back to the long-term reference
GRADIENT_NORM = 1.0
SAVE_SECONDS = 120.0
REPORT_STEPS = 50
WARM_UP_STEPS = 100
START_BATCH = 64  # clips to look at before the first step


@dataclass(frozen=True)
class Networks:
    """What is trained."""

    intra: IntraCodec
    inter: InterCodec | None
    rate_sampler: RateSampler


def code_intra(networks: Networks, frame: Tensor, q: Tensor) -> tuple[Reference, FrameLoss]:
    """Return an intra frame [B, 6, h, w] as decoded, and its cost."""
    stream = BitCounter(training=True)
    size = (2 * frame.shape[-2], 2 * frame.shape[-1])
    decoded = networks.intra.code(frame, (), Setting(q, size), stream)
    return decoded, frame_loss(decoded.frame, frame, stream.total)


def intra_loss(networks: Networks, clip: Tensor, q: Tensor) -> tuple[Tensor, list[FrameLoss]]:
    """Return the loss of coding the first frame of each clip on its own."""
    _, cost = code_intra(networks, clip[:, 0], q)
    return cost.balanced(networks.rate_sampler.lagrangian(q)), [cost]


def inter_loss(
    networks: Networks, clip: Tensor, q: Tensor, motion_only: bool = False
) -> tuple[Tensor, list[FrameLoss]]:
    """Return the loss of coding all frames but the first as P frames, the gradient running through all.

    With ``motion_only`` the warped reference stands for the decoded frame, and nothing follows it.
    """
    inter = networks.inter
    assert inter is not None
    with torch.no_grad():
        first, _ = code_intra(networks, clip[:, 0], q)
    decoded, costs = [first], []
    size = (2 * clip.shape[-2], 2 * clip.shape[-1])
    lagrangian = networks.rate_sampler.lagrangian(q)
    total = torch.zeros(())
    for number in range(1, clip.shape[1]):
        frame, stream = clip[:, number], BitCounter(training=True)
        references = (decoded[-1], decoded[max(0, number - LONG_TERM)])
        result = inter.code(frame, references, Setting(q, size), stream)
        if motion_only:
            motion_bits = torch.stack([b for n, b in stream.bits.items() if n.startswith("motion")]).sum(0)
            cost = frame_loss(stream.notes["prediction"], frame, motion_bits)
            estimated = LAYOUTS[inter.layout].warp(references[0].frame, stream.notes["flow"])
            free = FrameLoss(torch.zeros_like(cost.bpp), mse_611(estimated, frame))
            total = total + free.balanced(lagrangian)
            result = Reference(frame)
        else:
            cost = frame_loss(result.frame, frame, stream.total)
        decoded.append(result)
        costs.append(cost)
        total = total + cost.balanced(lagrangian)
    return total / len(costs), costs


def stage_loss(networks: Networks, stage: Stage, clip: Tensor, q: Tensor) -> tuple[Tensor, list[FrameLoss]]:
    """Return a stage's loss and the cost of each frame, for a clip [B, T, 6, h, w]."""
    if stage.goal == "intra":
        return intra_loss(networks, clip, q)
    return inter_loss(networks, clip, q, motion_only=stage.goal == "motion")


def trained(networks: Networks, stage: Stage) -> list[nn.Parameter]:
    """Return the parameters a stage moves."""
    module = networks.intra if stage.goal == "intra" else networks.inter
    assert module is not None
    return list(module.parameters())


class Run:
    """One run in one folder: networks, optimizer and place, saved together."""

    def __init__(self, networks: Networks, sampler: ClipSampler, folder: Path) -> None:
        self.networks = networks
        self.sampler = sampler
        self.folder = folder
        self.stage_index = 0
        self.progress = 0.0  # of the stage, 0..1
        self.step = 0
        self.skipped = 0  # steps whose loss or gradient was not finite
        self.optimizer: torch.optim.Optimizer | None = None

    def modules(self) -> nn.ModuleDict:
        """Return all that is trained, by name."""
        found = {"intra": self.networks.intra, "inter": self.networks.inter}
        return nn.ModuleDict({name: module for name, module in found.items() if module is not None})

    def save(self) -> None:
        """Write the checkpoint: whole under its name, or not at all."""
        assert self.optimizer is not None
        state = {
            "weights": self.modules().state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "stage": self.stage_index,
            "progress": self.progress,
            "step": self.step,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / "checkpoint.pt.part"
        torch.save(state, partial)
        partial.replace(self.folder / "checkpoint.pt")

    def train(self, stages: Sequence[Stage], seconds: float) -> None:
        """Go through the stages, each for its share of ``seconds``, from where a checkpoint stands."""
        saved = self.folder / "checkpoint.pt"
        state = torch.load(saved, weights_only=True) if saved.exists() else None
        if state is not None:
            self.modules().load_state_dict(state["weights"])
            self.stage_index, self.progress, self.step = state["stage"], state["progress"], state["step"]
        else:
            crop = Crop(1 if self.networks.inter is None else 2, stages[0].side)
            for codec in (self.networks.intra, self.networks.inter):
                if codec is not None:
                    codec.start_from(self.sampler.batch(START_BATCH, crop))
        for index, stage in enumerate(stages):
            if index < self.stage_index:
                continue
            if index > self.stage_index:
                self.stage_index, self.progress = index, 0.0
            self.optimizer = torch.optim.Adam(trained(self.networks, stage), lr=stage.learning_rate)
            if state is not None:
                self.optimizer.load_state_dict(state["optimizer"])
                state = None
            with tqdm(total=100, desc=stage.name, unit="%", disable=None) as bar:
                self._stage(stage, seconds * stage.share, bar)
            self.save()

    def _stage(self, stage: Stage, seconds: float, bar: tqdm) -> None:
        last = saved = time.monotonic()
        crop = Crop(stage.frames, stage.side)
        self.networks.intra.train()
        stage_step = 0
        while self.progress < 1:
            clip = self.sampler.batch(stage.batch, crop)
            q = self.networks.rate_sampler.draw(stage.batch)
            loss, costs = self._step(stage, clip, q, min(1.0, (stage_step + 1) / WARM_UP_STEPS))
            self.step += 1
            stage_step += 1
            now = time.monotonic()
            self.progress += (now - last) / max(seconds, 1e-9)
            last = now
            bar.update(min(100, round(100 * self.progress)) - bar.n)
            bar.set_postfix(step=self.step, loss=f"{loss:.3f}", refresh=False)
            if self.step % REPORT_STEPS == 0:
                self._report(stage, loss, costs)
            if now - saved > SAVE_SECONDS:
                self.save()
                saved = now

    def _step(self, stage: Stage, clip: Tensor, q: Tensor, warm: float) -> tuple[float, list[FrameLoss]]:
        """Take one optimizer step; a step that is not finite is left out and counted."""
        assert self.optimizer is not None
        cosine = 0.5 * (1 + math.cos(math.pi * min(self.progress, 1.0)))
        rate = stage.learning_rate * (stage.final_rate + (1 - stage.final_rate) * cosine)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * warm
        with torch.autocast("cpu", torch.bfloat16, enabled=stage.precision == "bfloat16"):
            loss, costs = stage_loss(self.networks, stage, clip, q)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(trained(self.networks, stage), GRADIENT_NORM)
        if torch.isfinite(loss) and torch.isfinite(norm):
            self.optimizer.step()
        else:
            self.skipped += 1
        return float(loss.detach()), costs

    def _report(self, stage: Stage, loss: float, costs: list[FrameLoss]) -> None:
        """Append one line to the run's log."""
        bpp = float(torch.stack([cost.bpp for cost in costs]).mean().detach())
        psnr = mean_psnr(torch.stack([cost.mse for cost in costs]))
        row = [stage.name, self.step, f"{self.progress:.4f}", f"{loss:.4f}", f"{bpp:.4f}", f"{psnr:.2f}"]
        log = self.folder / "log.csv"
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = not log.exists()
        with log.open("a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(["stage", "step", "progress", "loss", "bpp", "psnr", "skipped"])
            writer.writerow([*row, self.skipped])
