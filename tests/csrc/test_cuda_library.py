"""The library for CUDA compiles for every GPU it names, wherever nvcc is; loading it needs none of them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from nvczoo.entropy.cuda_library import NAME, CudaLibrary
from nvczoo.errors import NvczooError

ROOT = Path(__file__).parents[2]
CUDA = Path(os.environ.get("CUDA_HOME", "/usr/local/cuda")) / "bin"
TARGETS = ("sm_80", "sm_90", "sm_100")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is needed to build the library"),
    pytest.mark.skipif(
        shutil.which("nvcc") is None and shutil.which("nvcc", path=str(CUDA)) is None,
        reason="nvcc, of the CUDA toolkit, is needed to compile for GPUs",
    ),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cuda")
    options = ("-DNVCZOO_PYTHON=OFF", "-DNVCZOO_CUDA=ON", "-DNVCZOO_WERROR=ON", "-DCMAKE_BUILD_TYPE=Release")
    subprocess.run(["cmake", "-S", ROOT, "-B", folder, *options], check=True, capture_output=True)
    command = ["cmake", "--build", folder, "-j", "2", "--target", "nvczoo_cuda"]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "warning" not in made.stdout + made.stderr
    return folder / "csrc" / NAME


def test_it_holds_machine_code_for_every_target_and_ptx_for_others(built: Path) -> None:
    code = built.read_bytes()
    for target in TARGETS:
        assert target.encode() in code
    assert b".target sm_100" in code or b"compute_100" in code


def test_it_loads_without_torch_or_a_gpu(built: Path) -> None:
    library = CudaLibrary(str(built))
    if torch.cuda.is_available():
        assert library.devices() > 0
    else:  # no driver, or nothing to drive
        with pytest.raises(NvczooError, match="CUDA"):
            library.devices()


@pytest.mark.skipif(shutil.which("ldd") is None, reason="ldd is needed to list libraries")
def test_it_is_linked_to_no_other_library_of_cuda_or_torch(built: Path) -> None:
    linked = subprocess.run(["ldd", built], check=True, capture_output=True, text=True).stdout
    assert not any(name in linked for name in ("torch", "cudart", "libcuda"))
