"""Before a portable network computes: what has to be shown of its numbers, and which paths are quick here."""

from torch import nn

from nvczoo.errors import SettingError
from nvczoo.portable.transform import portable_modules


def make_ready(network: nn.Module) -> None:
    """Prove the bounds of all portable modules, and take what is quick and right on this machine.

    Raises SettingError with the name of a module whose numbers have no proof.
    """
    for name, module in portable_modules(network):
        try:
            module.check()
        except SettingError as error:
            raise SettingError(f"'{name}': {error}") from error
        module.keep_to_the_reference()
        module.hurry()


def keep_to_the_reference(network: nn.Module) -> None:
    """Take operations of torch, and sums of float64, everywhere."""
    for _, module in portable_modules(network):
        module.keep_to_the_reference()
