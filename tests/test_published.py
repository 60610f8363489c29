import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from nvczoo.errors import WeightsError
from nvczoo.published import read_published, translated, unwrapped

RULES = ((r"^enc\.", "analysis."), (r"\.w$", ".weight"), (r"\.b$", ".bias"))


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.analysis = nn.Linear(2, 3)


def published() -> dict[str, torch.Tensor]:
    return {"enc.w": torch.randn(3, 2), "enc.b": torch.randn(3)}


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: {"state_dict": {"net": one}, "epoch": 3}])
def test_a_checkpoint_is_found_inside_its_wrappers(tmp_path: Path, wrap) -> None:
    state = published()
    torch.save(wrap({f"module.{key}": value for key, value in state.items()}), tmp_path / "a.pth.tar")
    found = read_published(tmp_path / "a.pth.tar")
    assert found.keys() == state.keys()
    module = Small()
    module.load_state_dict(translated(found, RULES, module))
    assert torch.equal(module.analysis.weight, state["enc.w"])


def test_unknown_missing_and_misshapen_tensors_are_named() -> None:
    module = Small()
    with pytest.raises(WeightsError, match=r"unknown keys dec\.w"):
        translated(published() | {"dec.w": torch.ones(1)}, RULES, module)
    with pytest.raises(WeightsError, match=r"none for analysis\.bias"):
        translated({"enc.w": torch.ones(3, 2)}, RULES, module)
    with pytest.raises(WeightsError, match=r"enc\.b \[4\], not \[3\]"):
        translated(published() | {"enc.b": torch.ones(4)}, RULES, module)
    with pytest.raises(WeightsError, match="both go to"):
        translated(published() | {"analysis.weight": torch.ones(3, 2)}, RULES, module)


def test_what_is_computed_and_not_learned_is_left_out() -> None:
    state, module = published(), Small()
    found = translated(state | {"enc.table": torch.ones(7)}, (*RULES, (r".*\.table$", "")), module)
    assert found.keys() == module.state_dict().keys()


class Harmful:
    def __reduce__(self) -> tuple:
        return (print, ("never",))


def test_files_that_want_to_run_code_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    torch.save({"state_dict": Harmful()}, tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(Harmful(), protocol=2))
    (tmp_path / "c.pth").write_bytes(b"no checkpoint")
    for name in ("a.pth", "b.pth", "c.pth", "missing.pth"):
        with pytest.raises(WeightsError, match="tensors alone"):
            read_published(tmp_path / name)
    assert "never" not in capsys.readouterr().out


def test_what_is_no_tensor_is_named() -> None:
    with pytest.raises(WeightsError, match="epoch"):
        unwrapped({"a": torch.ones(1), "epoch": 3})
    with pytest.raises(WeightsError, match="no tensors"):
        unwrapped([1, 2])
    with pytest.raises(WeightsError, match="twice"):
        unwrapped({"a": torch.ones(1), "module.a": torch.ones(1)})
