"""A recipe: the stages of a training run, as data."""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

from nvczoo.components import suggest
from nvczoo.errors import SettingError
from nvczoo.evaluate.metrics import MS_SSIM_MIN_SIDE
from nvczoo.interfaces import Q_MAX, Q_MIN

Distortion = Literal["mse", "psnr", "ms-ssim"]
Colour = Literal["yuv", "rgb"]
Precision = Literal["bfloat16", "float32"]
References = Literal["decoded", "original"]
Source = Literal["all", "synthetic"]
SAMPLED = "sampled"  # q as the model's rate sampler draws it
CHOICES = {
    "distortion": get_args(Distortion),
    "colour": get_args(Colour),
    "precision": get_args(Precision),
    "references": get_args(References),
    "source": get_args(Source),
}
ROUNDED_BITS = 16  # at most, of what is rounded
POSITIVE = ("share", "frames", "side", "batch", "slices", "learning_rate")


@dataclass(frozen=True)
class Terms:
    """What is minimised: weights of rates (bits per luma sample) and of distortions times the Lagrangian."""

    distortion: float = 0.0  # of the decoded frame
    rate: float = 0.0  # of all parts but motion
    motion_rate: float = 0.0
    prediction: float = 0.0  # distortion of the reference moved by the decoded flow
    warp: float = 0.0  # distortion of the reference moved by the estimated flow
    endpoint: float = 0.0  # pixels between the estimated flow and the true one, where that is known


RATE_DISTORTION = Terms(distortion=1.0, rate=1.0, motion_rate=1.0)


@dataclass(frozen=True)
class Stage:
    """One stretch of training: what is trained, on what, how fast, for how long."""

    name: str
    trains: tuple[str, ...]  # paths of modules: "intra", "inter", "inter.motion_estimator"
    share: float  # of the run's budget, relative to the other stages'
    freezes: tuple[str, ...] = ()  # paths below those in ``trains``
    terms: Terms = RATE_DISTORTION
    distortion: Distortion = "mse"
    colour: Colour = "yuv"  # weighed 6:1:1, or rgb
    frames: int = 1  # per sample; 1 trains an intra codec
    frame_weights: tuple[float, ...] = (1.0,)  # of the distortion of P frames in turn
    cascaded: bool = True  # the gradient of a frame reaches those before it
    references: References = "decoded"
    q: str | float | tuple[float, float] = SAMPLED  # or one q, or a range of it, drawn evenly
    intra_q: tuple[float, float] | None = None  # least and most added to q of first frames; else the GOP's
    source: Source = "all"
    side: int = 128  # of the crop, luma samples
    batch: int = 8  # clips per step, over all processes
    slices: int = 1  # of a batch, whose gradients are added up: less memory
    learning_rate: float = 4e-4  # at the start
    final_rate: float = 0.25  # the learning rate at the end, as a part of the start's
    precision: Precision = "bfloat16"
    recompute: bool = False  # activations when they are needed again, rather than keeping them
    rounding: tuple[int, int] | None = None  # bits of weights and inputs of what decodes, as if portable

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                self._refuse(f"{name} is {getattr(self, name)!r}; it is one of {', '.join(known)}")
        for name in POSITIVE:
            if not getattr(self, name) > 0:
                self._refuse(f"{name} is {getattr(self, name)!r}; it must be more than 0")
        if self.batch % self.slices:
            self._refuse(f"a batch of {self.batch} has no {self.slices} equal slices")
        if self.distortion == "psnr" and self.colour != "yuv":
            self._refuse('distortion = "psnr" weighs Y, U and V: colour = "yuv"')
        if self.distortion == "ms-ssim" and self.side < MS_SSIM_MIN_SIDE:
            self._refuse(f"the five scales of MS-SSIM need side = {MS_SSIM_MIN_SIDE} or more")
        if self.terms.endpoint and self.source != "synthetic":
            self._refuse('the term endpoint needs source = "synthetic", the only one whose flow is known')
        if self.rounding is not None:
            self._check_rounding(self.rounding)
        if self.intra_q is not None and not (len(self.intra_q) == 2 and self.intra_q[0] <= self.intra_q[1]):
            self._refuse(f"intra_q is {self.intra_q!r}; it is the least and the most to add to q")
        if not self._q_is_known:
            self._refuse(
                f"q is {self.q!r}; it is {SAMPLED!r}, a number from {Q_MIN:g} to {Q_MAX:g}, or two of them"
            )
        if not self.trains or not self.frame_weights or not any(asdict(self.terms).values()):
            self._refuse("it needs something to train, a weight for frames, and a term to minimise")

    @property
    def _q_is_known(self) -> bool:
        if isinstance(self.q, str):
            return self.q == SAMPLED
        ends = self.q if isinstance(self.q, tuple) else (self.q, self.q)
        return len(ends) == 2 and Q_MIN <= ends[0] <= ends[1] <= Q_MAX

    def _check_rounding(self, bits: tuple[int, ...]) -> None:
        if len(bits) != 2 or not all(2 <= one <= ROUNDED_BITS for one in bits):
            self._refuse(f"rounding is {bits!r}; it is the bits of weights and inputs, 2 to {ROUNDED_BITS}")
        if self.precision != "float32":
            self._refuse('rounding needs precision = "float32": bfloat16 itself has eight bits')

    def _refuse(self, problem: str) -> None:
        raise SettingError(f"Stage {self.name!r}: {problem}")


@dataclass(frozen=True)
class Start:
    """Modules that do not begin anew: they take the weights of a trained model, where the shapes agree."""

    model: str
    modules: tuple[str, ...]  # paths: "intra", "inter.motion_estimator"


@dataclass(frozen=True)
class Recipe:
    """The model to train and its stages."""

    model: str
    stages: tuple[Stage, ...]
    seed: int = 0
    exclude: tuple[str, ...] = ()  # words in the names of files that must not be trained on
    average: float = 0.999  # decay per step of the averaged weights, which are those that ship
    parts: dict[str, Any] = field(default_factory=dict)  # swapped in the model, by path
    start: Start | None = None

    @classmethod
    def read(cls, path: Path) -> "Recipe":
        """Return the recipe in a TOML file; raises SettingError."""
        try:
            table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SettingError(f"{path} cannot be read as a recipe: {error}") from error
        _known(path, table, {one.name for one in fields(cls)} - {"stages"} | {"stage"})
        stages = tuple(_stage(path, entry) for entry in table.pop("stage", []))
        if not stages or "model" not in table:
            raise SettingError(f"{path}: a recipe has 'model' and [[stage]] tables")
        start = _start(path, table.pop("start")) if "start" in table else None
        return cls(stages=stages, start=start, **{key: _plain(value) for key, value in table.items()})

    @property
    def digest(self) -> str:
        """SHA-256 of all that the recipe says: a run goes on only with the recipe it began with."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def _stage(path: Path, entry: dict[str, Any]) -> Stage:
    _known(path, entry, {one.name for one in fields(Stage)})
    missing = {"name", "trains", "share"} - entry.keys()
    if missing:
        raise SettingError(f"{path}: a stage has name, trains and share; missing: {', '.join(missing)}")
    entry = dict(entry)
    if "terms" in entry:
        _known(path, entry["terms"], {one.name for one in fields(Terms)})
        entry["terms"] = Terms(**entry["terms"])
    return Stage(**{key: _plain(value) for key, value in entry.items()})


def _start(path: Path, table: dict[str, Any]) -> Start:
    keys = {one.name for one in fields(Start)}
    _known(path, table, keys)
    if table.keys() != keys:
        raise SettingError(f"{path}: [start] has model and modules")
    return Start(**{key: _plain(value) for key, value in table.items()})


def _known(path: Path, table: dict[str, Any], keys: set[str]) -> None:
    for key in table.keys() - keys:
        raise SettingError(f"{path}: unknown key {key!r}. {suggest(key, sorted(keys))}")


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def recipe_path(name: str) -> Path:
    """Return the file of a recipe: ``name`` itself, or one that ships with nvczoo; raises SettingError."""
    shipped = Path(str(files("nvczoo.registry") / "recipes"))
    for path in (Path(name), shipped / f"{name}.toml"):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in shipped.glob("*.toml")))
    raise SettingError(f"There is no recipe {name!r}: give a TOML file, or one of {known}")
