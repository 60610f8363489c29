"""Which operator of each family keeps it from being portable: the first that has no rule is named."""

import pytest
import torch
from narrow_models import NARROW

import nvczoo
from nvczoo.errors import SettingError
from nvczoo.quantizing import QuantizeOptions, quantize

FIRST_WITHOUT_A_RULE = {
    "brhvc": r"No example reached 'inter\.motion\.entropy_model\.adapt\.blocks\.earlier",
    "dcvc": r"'inter\.motion\.entropy_model\.hyper\.synthesis\.0' is a ConvTranspose2d",
    "dcvc-hem": r"'intra\.refine\.0\.enter\.0\.gate\.0' is a Linear",
    "dcvc-tcm": r"'inter\.motion\.entropy_model\.hyper\.synthesis\.0' is a ConvTranspose2d",
    "sevc": r"'inter\.prediction\.enter' is a LayerNorm",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FIRST_WITHOUT_A_RULE)
def test_a_family_that_is_not_portable_yet_is_refused_by_the_name_of_a_layer(name: str) -> None:
    codec = nvczoo.create(name, parts=NARROW[name]).requires_grad_(False)
    channels = 6 if codec.layout == "packed420" else 3
    clip = torch.rand(1, 3, channels, 128, 128, generator=torch.Generator().manual_seed(0))
    with pytest.raises(SettingError, match=FIRST_WITHOUT_A_RULE[name]):
        quantize(codec, [clip], QuantizeOptions(qualities=(63.0,)))
