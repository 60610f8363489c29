r"""Published parameter names of SEVC, as rules from theirs to ours."""

from nvczoo.interfaces import Rules
from nvczoo.layers.published_keys import BLOCKS, CONTEXTS, CONTEXTUAL, DENSITIES, UNETS, four_part, gains

BASE = "BL_codec"
UNUSED = (
    (r"^EL_codec\.bit_estimator_z\..*", r""),
    (r"^latent_ILP\.fusion\.conv_first(_feat)?\..*", r""),
    (r"^latent_ILP\..*\.relative_position_index$", r""),  # a table that is computed
)
INTER_LAYER = (
    (r"^ILP\.texture_adaptor\.", r"contexts.enter."),
    (r"^ILP\.up2\.", r"contexts.grow.1."),
    (r"^ILP\.up1\.", r"contexts.grow.0."),
    *((rf"^ILP\.mre{number}\.", rf"contexts.refine.{number - 1}.") for number in (1, 2, 3)),
    (r"\.(motion|texture)_layers\.", r".\1."),
    (r"^(contexts\.refine\.\d\.\w+\.\d)\.conv(\d)\.", r"\1.halve.\2."),
    (r"^(contexts\.refine\.\d\.\w+\.\d)\.up2\.", r"\1.grow.1."),
    (r"^(contexts\.refine\.\d\.\w+\.\d)\.up1\.", r"\1.grow.0."),
    (r"^(contexts\.refine\.\d\.\w+\.\d)\.up0\.", r"\1.leave."),
    (r"^ILP\.align\.conv_offset\.", r"contexts.align.offsets."),
    (r"^ILP\.align\.fusion\.", r"contexts.align.merge."),
    *((rf"^ILP\.fuse{number}\.", rf"contexts.join.{number - 1}.") for number in (1, 2, 3)),
    (r"^feature_adaptor_I\.", r"contexts.from_image."),
    (r"^feature_adaptor\.", r"contexts.from_feature."),
)
PREDICTION = (
    (r"^latent_ILP\.upsampler\.0\.", r"prediction.grow.0."),
    (r"^latent_ILP\.upsampler\.2\.", r"prediction.grow.1."),
    (r"^latent_ILP\.fusion\.patch_embed\.norm\.", r"prediction.enter."),
    (r"^latent_ILP\.fusion\.layers\.(\d)\.conv\.", r"prediction.stages.\1.leave."),
    (r"^latent_ILP\.fusion\.layers\.(\d)\.residual_group\.", r"prediction.stages.\1."),
    (r"^latent_ILP\.fusion\.conv_after_body\.", r"prediction.leave."),
    (r"^latent_ILP\.fusion\.norm\.", r"prediction.norm."),
    (r"\.norm1\.", r".norms.0."),
    (r"\.norm2\.", r".norms.1."),
    (r"\.attn\.relative_position_bias_table$", r".attention.bias"),
    (r"\.attn\.qkv\.", r".attention.qkv."),
    (r"\.attn\.proj\.", r".attention.leave."),
    (r"\.mlp\.fc1\.", r".mlp.0."),
    (r"\.mlp\.fc2\.", r".mlp.2."),
)
ENHANCEMENT = (
    (r"^ILP\.", r""),  # what is left of it has the names of the shared blocks
    (r"^EL_codec\.", r""),
    *(
        (rf"^temporal_prior_encoder\.enc{number + 1}\.", rf"temporal_prior.convs.{number}.")
        for number in range(4)
    ),
    (r"^y_prior_fusion_adaptor_(\d)\.", r"by_count.\1."),
    *CONTEXTS,
    (r"^context_fuser\.", r"contexts."),
    *CONTEXTUAL,
    *four_part("y", "entropy_model"),
    *gains("y_", ""),
)
BLOCKS_OF_ALL = (*UNETS, *BLOCKS, *DENSITIES)  # after the codecs' own: they take names of any place


def inter_rules(base: Rules) -> Rules:
    """Return the rules of the whole codec, given those of the codec that is its base layer."""
    own = (*UNUSED, *INTER_LAYER, *PREDICTION, *ENHANCEMENT)
    return (*own, *_within(BASE, base), *BLOCKS_OF_ALL, (rf"^{BASE}\.", r"base."))


def _within(prefix: str, rules: Rules) -> Rules:
    """Return rules for names that have ``prefix`` before them; those for any place stay as they are."""
    return tuple(
        (rf"^{prefix}\.{theirs[1:]}", f"{prefix}.{ours}") if theirs[0] == "^" else (theirs, ours)
        for theirs, ours in rules
    )
