"""The names of a new package, made from the name of what it brings."""

import re
from dataclasses import dataclass

from nvczoo.components import KINDS, suggest
from nvczoo.errors import SettingError

# A word may not begin with a digit: the class is named after the words, and a stream's header names a GOP
# structure after its class.
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*")
MAX_NAME = 40  # characters
CODEC = "codec"  # stands for a whole codec: intra, inter and a model made of both
PREFIX = "nvczoo-"
TAKEN = {*KINDS.values(), "Reference", "Setting", "Tensor"}  # classes that a template imports


@dataclass(frozen=True)
class Names:
    """What a package of the name ``name`` and this kind calls its things."""

    name: str  # of the part, such as "my-flow"
    kind: str

    def __post_init__(self) -> None:
        kinds = (*KINDS, CODEC)
        if self.kind not in kinds:
            raise SettingError(f"There is no kind of part {self.kind!r}. {suggest(self.kind, kinds)}")
        if not NAME.fullmatch(self.name) or len(self.name) > MAX_NAME:
            raise SettingError(
                f"{self.name!r} cannot be the name of a part: write words of small letters and digits, each "
                f"beginning with a letter, joined by hyphens, such as my-flow; {MAX_NAME} characters at most"
            )
        if self.class_name in TAKEN:
            raise SettingError(
                f"The class of {self.name!r} would be {self.class_name}, which is an interface"
            )

    @property
    def class_name(self) -> str:
        """The part's class, such as ``MyFlow``."""
        return "".join(word.capitalize() for word in self.name.split("-"))

    @property
    def distribution(self) -> str:
        """What pip installs, such as "nvczoo-my-flow"."""
        return self.name if self.name.startswith(PREFIX) else PREFIX + self.name

    @property
    def module(self) -> str:
        """What Python imports, such as ``nvczoo_my_flow``."""
        return self.distribution.replace("-", "_")

    @property
    def placeholders(self) -> dict[str, str]:
        """What stands in the templates as ``$name`` and so on."""
        return {
            "name": self.name,
            "kind": self.kind,
            "class_name": self.class_name,
            "distribution": self.distribution,
            "module": self.module,
        }
