"""What is trained: the codecs of a model, and which of their parameters a stage moves."""

from dataclasses import dataclass

import torch
from torch import nn

from nvczoo.codec.video_codec import VideoCodec
from nvczoo.components import suggest
from nvczoo.errors import SettingError
from nvczoo.interfaces import GopStructure, InterCodec, IntraCodec, RateSampler
from nvczoo.overrides import WEIGHTED
from nvczoo.train.stages import Stage


@dataclass(frozen=True)
class Networks:
    """The codecs of a model, and the order in which it codes frames."""

    intra: IntraCodec
    inter: InterCodec | None
    rate_sampler: RateSampler
    gop: GopStructure

    @classmethod
    def of(cls, codec: VideoCodec) -> "Networks":
        """Return what of a codec is trained; raises SettingError where no rates are known to train for."""
        if codec.rate_sampler is None:
            raise SettingError(f"{codec.name} has no rate sampler, so nothing says which rates to train for")
        return cls(codec.intra, codec.inter, codec.rate_sampler, codec.gop)

    def modules(self) -> nn.ModuleDict:
        """Return all that has weights, under the names that files of weights have."""
        found = {name: getattr(self, name) for name in WEIGHTED}
        return nn.ModuleDict({name: module for name, module in found.items() if module is not None})

    def to(self, device: torch.device) -> None:
        """Move all to a device, convolutions channels last: several times as fast, measured on CPUs."""
        self.modules().to(device=device, memory_format=torch.channels_last)  # pyright: ignore


def choose(networks: Networks, stage: Stage) -> list[nn.Parameter]:
    """Let gradients reach what the stage trains, and nothing else; return those parameters."""
    modules = networks.modules()
    modules.requires_grad_(False)
    told = f"Stage {stage.name!r}"
    for path in stage.trains:
        _module(modules, path, told).requires_grad_(True)
    for path in stage.freezes:
        _module(modules, path, told).requires_grad_(False)
    found = [one for one in modules.parameters() if one.requires_grad]
    if not found:
        raise SettingError(f"Stage {stage.name!r} freezes all that it trains")
    return found


def take_over(networks: Networks, source: Networks, paths: tuple[str, ...]) -> list[str]:
    """Copy the weights of the modules at ``paths`` from another model; return the names left as they were.

    These are the ones whose shape follows a part that is another here, or that the source does not have.
    """
    left = []
    for path in paths:
        own = _module(networks.modules(), path, "[start]").state_dict()
        given = _module(source.modules(), path, "[start]").state_dict()
        for name, tensor in own.items():
            if name in given and given[name].shape == tensor.shape:
                tensor.copy_(given[name])
            else:
                left.append(f"{path}.{name}")
    return left


def _module(modules: nn.Module, path: str, told: str) -> nn.Module:
    """Return the module at a path such as ``inter.motion_estimator``, which ``told`` has named."""
    found = modules
    for name in path.split("."):
        known = dict(found.named_children())
        if name not in known:
            raise SettingError(f"{told}: no {path!r} in the model. {suggest(name, list(known))}")
        found = known[name]
    return found
