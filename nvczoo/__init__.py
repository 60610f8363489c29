"""nvczoo: every neural video codec behind one interface."""

import importlib
import os
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# Large tensors in pages of 2 MB, where Linux leaves that to programs: fetching fresh memory by 4 KB takes up
# to half of the time of a large frame. PyTorch looks at this when it makes its first tensor.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

if TYPE_CHECKING:
    from nvczoo.cards import ModelCard, models
    from nvczoo.codec.video_codec import VideoCodec
    from nvczoo.components import names, register
    from nvczoo.errors import NvczooError
    from nvczoo.hub import HubAccess
    from nvczoo.importing import import_published
    from nvczoo.loading import SwappedPartWarning, create, decode, from_pretrained, load, parts
    from nvczoo.model import Model
    from nvczoo.quantizing import quantize

__all__ = [
    "HubAccess",
    "Model",
    "ModelCard",
    "NvczooError",
    "SwappedPartWarning",
    "VideoCodec",
    "__version__",
    "create",
    "decode",
    "from_pretrained",
    "import_published",
    "load",
    "models",
    "names",
    "parts",
    "quantize",
    "register",
]

_HOMES = {
    "HubAccess": "nvczoo.hub",
    "Model": "nvczoo.model",
    "ModelCard": "nvczoo.cards",
    "NvczooError": "nvczoo.errors",
    "SwappedPartWarning": "nvczoo.loading",
    "VideoCodec": "nvczoo.codec.video_codec",
    "create": "nvczoo.loading",
    "decode": "nvczoo.loading",
    "from_pretrained": "nvczoo.loading",
    "import_published": "nvczoo.importing",
    "load": "nvczoo.loading",
    "models": "nvczoo.cards",
    "names": "nvczoo.components",
    "parts": "nvczoo.loading",
    "quantize": "nvczoo.quantizing",
    "register": "nvczoo.components",
}


def __getattr__(name: str) -> object:
    """Import a public name's module when the name is first used, so that ``import nvczoo`` takes no time."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
