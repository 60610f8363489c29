"""How much an encoder may spend on what makes its streams smaller."""

from nvczoo.errors import SettingError
from nvczoo.interfaces import QUICK, THOROUGH, USUAL

EFFORTS = (QUICK, USUAL, THOROUGH)


def checked_effort(effort: int) -> int:
    """Return it; raises SettingError unless there is such an effort."""
    if effort not in EFFORTS:
        raise SettingError(f"effort={effort!r}: choose {', '.join(map(str, EFFORTS))}; more takes longer")
    return effort
