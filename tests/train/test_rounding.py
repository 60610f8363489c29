from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from nvczoo.errors import SettingError
from nvczoo.layers import conv3
from nvczoo.portable import Grid, PortableConv2d
from nvczoo.train.networks import Networks
from nvczoo.train.rounding import rounded, settled
from nvczoo.train.run import train
from nvczoo.train.schedule import Budget
from nvczoo.train.stages import Recipe

BITS = (6, 9)
STEPS = 200


@torch.no_grad()
def test_a_rounded_layer_computes_what_its_portable_form_does(networks: Networks) -> None:
    assert networks.inter is not None
    layer = networks.inter.get_submodule("exit")
    assert isinstance(layer, nn.Conv2d)
    x = torch.rand(1, layer.in_channels, 16, 16, generator=torch.Generator().manual_seed(0)) - 0.5
    plain = layer(x)
    with rounded(networks, BITS):
        found = layer(x)
    reach = Grid.holding(2.0 * float(x.abs().max()), BITS[1])
    portable = PortableConv2d.of(layer, reach, Grid.holding(float(plain.abs().max()), 16), BITS[0])
    assert torch.equal(layer(x), plain)  # afterwards
    assert float((found - portable(x)).abs().max()) < 2e-4 < float((found - plain).abs().max())


def test_networks_of_the_encoder_are_left_alone(networks: Networks) -> None:
    assert networks.inter is not None
    layer = networks.inter.get_submodule("analysis.enter")
    x = torch.rand(1, layer.in_channels, 8, 8)  # pyright: ignore[reportArgumentType]
    expected = layer(x)
    with rounded(networks, BITS):
        assert torch.equal(layer(x), expected)


def test_gradients_pass() -> None:
    x = torch.linspace(-1, 1, 9, requires_grad=True)
    settled(x, torch.tensor(1.0), 4).square().sum().backward()
    assert x.grad is not None
    assert torch.allclose(x.grad, 2 * settled(x.detach(), torch.tensor(1.0), 4))


def test_training_with_rounding_finds_weights_that_lose_less_by_it() -> None:
    """Networks that imitate others, with weights of three bits: against theirs, simply rounded."""
    ratios = []
    for seed in range(3):
        torch.manual_seed(seed)
        student, teacher = (nn.Sequential(conv3(2, 16), nn.ReLU(), conv3(16, 2)) for _ in range(2))
        student.load_state_dict(teacher.state_dict())
        before = error(student, teacher)
        optimizer = torch.optim.Adam(student.parameters(), lr=1e-3)
        for step in range(STEPS):
            loss = error(student, teacher, step)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        ratios.append(float((error(student, teacher) / before).detach()))
    assert sum(ratios) / len(ratios) < 0.7


def error(student: nn.Sequential, teacher: nn.Sequential, seed: int = STEPS) -> torch.Tensor:
    """Return how far the student with its weights rounded is from the teacher, on pictures of a seed."""
    x = expected = torch.rand(4, 2, 8, 8, generator=torch.Generator().manual_seed(seed))
    for layer, other in zip(student, teacher, strict=True):
        expected = other(expected)
        if isinstance(layer, nn.Conv2d):
            reach = layer.weight.detach().abs().flatten(1).amax(1).view(-1, 1, 1, 1)
            x = nn.functional.conv2d(x, settled(layer.weight, reach, 3), layer.bias, padding=1)
        else:
            x = layer(x)
    return (x - expected).square().mean()


def test_a_stage_with_rounding_trains(recipe: Recipe, clips_folder: Path, tmp_path: Path) -> None:
    stages = tuple(replace(one, rounding=BITS, precision="float32") for one in recipe.stages)
    assert train(
        replace(recipe, stages=stages), [clips_folder], tmp_path, Budget(steps=3), tmp_path / "c"
    ).is_file()


@pytest.mark.parametrize("change", [{"rounding": (8,)}, {"rounding": (8, 20)}, {"precision": "bfloat16"}])
def test_rounding_that_makes_no_sense_is_refused(recipe: Recipe, change: dict[str, object]) -> None:
    good = replace(recipe.stages[0], rounding=BITS, precision="float32")
    with pytest.raises(SettingError, match="rounding"):
        replace(good, **change)  # pyright: ignore[reportArgumentType]
