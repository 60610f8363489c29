from pathlib import Path

import pytest
import torch
from torch import nn

from nvczoo.errors import WeightsError
from nvczoo.weight_files import read_weight_files
from nvczoo.weights import put_weights, save_weights, weights_of


def pair(widths: tuple[int, int] = (2, 3)) -> dict[str, nn.Module]:
    """Return two modules that share a part, which stands outside too."""
    shared = nn.Linear(1, 2)
    intra = nn.ModuleDict({"shared": shared, "own": nn.Linear(2, widths[0])})
    inter = nn.ModuleDict({"shared": shared, "part": nn.BatchNorm1d(widths[1])})
    return {"shared": shared, "intra": intra, "inter": inter}


def test_a_shared_tensor_has_one_name() -> None:
    assert [name for name in weights_of(pair()) if "shared" in name] == ["shared.weight", "shared.bias"]


def test_what_was_saved_as_half_precision_comes_back_as_single(tmp_path: Path) -> None:
    source, target = pair(), pair()
    save_weights(source, tmp_path / "x.safetensors")
    stored = read_weight_files([tmp_path / "x.safetensors"])
    assert stored["intra.own.weight"].dtype == torch.float16
    assert stored["inter.part.num_batches_tracked"].dtype == torch.int64
    assert put_weights(target, stored) == []
    for name, tensor in weights_of(target).items():
        assert torch.equal(tensor, weights_of(source)[name].to(stored[name].dtype).to(tensor.dtype))
        assert tensor.dtype in (torch.float32, torch.int64)


def test_any_name_of_a_shared_tensor_will_do() -> None:
    source, target = pair(), pair()
    tensors = {
        f"{top}.{name}": tensor
        for top in ("intra", "inter")
        for name, tensor in source[top].state_dict().items()
    }
    put_weights(target, tensors)
    assert torch.equal(target["shared"].weight, source["shared"].weight)


def test_missing_tensors_are_named() -> None:
    tensors = weights_of(pair())
    del tensors["intra.own.bias"]
    with pytest.raises(WeightsError, match=r"x has none for intra\.own\.bias\."):
        put_weights(pair(), tensors, source="x")


def test_unexpected_tensors_are_named() -> None:
    tensors = weights_of(pair()) | {f"intra.more{i}": torch.ones(1) for i in range(20)}
    with pytest.raises(WeightsError, match=r"unknown here: intra\.more0, .* and 12 more"):
        put_weights(pair(), tensors)


def test_tensors_of_another_shape_are_named_with_both_shapes() -> None:
    with pytest.raises(WeightsError, match=r"another shape for intra\.own\.weight \[5, 2\], not \[2, 2\]"):
        put_weights(pair(), weights_of(pair((5, 3))))


def test_nothing_is_copied_if_something_does_not_match() -> None:
    target = pair()
    before = target["shared"].weight.clone()
    with pytest.raises(WeightsError):
        put_weights(target, weights_of(pair((5, 3))))
    assert torch.equal(target["shared"].weight, before)


def test_what_lies_under_a_swapped_part_is_left_as_it_is() -> None:
    target = pair()
    target["inter"]["part"] = swapped = nn.Linear(4, 4)
    before = swapped.weight.clone()
    assert put_weights(target, weights_of(pair()), [swapped]) == []
    assert torch.equal(swapped.weight, before)


def test_a_swapped_part_is_skipped_wherever_it_stands() -> None:
    source, target = pair(), pair()
    before = target["shared"].weight.clone()
    put_weights(target, weights_of(source), [target["shared"]])
    assert torch.equal(target["shared"].weight, before)
    assert torch.equal(target["intra"]["own"].weight, source["intra"]["own"].weight)


def test_shapes_that_follow_a_swapped_part_are_left_and_returned() -> None:
    target = pair((5, 3))
    before = target["intra"]["own"].weight.clone()
    misfits = put_weights(target, weights_of(pair()), [target["inter"]["part"]])
    assert misfits == ["intra.own.weight", "intra.own.bias"]
    assert torch.equal(target["intra"]["own"].weight, before)


@pytest.mark.parametrize("data", [b"", b"\xff" * 64, b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_damaged_file_is_a_weights_error_or_empty(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="safetensors"):
        put_weights(pair(), read_weight_files([path]), source=str(path))
