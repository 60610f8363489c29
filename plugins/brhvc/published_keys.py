r"""Published parameter names of BRHVC, as rules from theirs to ours; spelling slips of theirs included."""

from nvczoo.layers.published_keys import (
    BLOCKS,
    CONTEXTS,
    CONTEXTUAL,
    DENSITIES,
    SPYNET,
    TEMPORAL,
    UNETS,
    four_part,
    gains,
)

MOTION = (
    (r"^mv_ref_extracter\.", r"motion.relation."),
    (r"^mv_encoder\.fusion\.conv(\d)\.", r"motion.merge.\1."),
    (r"^mv_encoder\.enc_1\.", r"motion.analysis."),
    (r"^mv_encoder\.dpb_conv\.", r"motion.recall."),
    (r"^mv_encoder\.dpb_adapter\.", r"motion.join."),
    (r"^mv_encoder\.enc_2\.", r"motion.leave."),
    (r"^mv_decoder\.dec_2\.", r"motion.synthesis."),
    (r"^mv_decoder\.ref_fusion\.", r"motion.diverge."),
    (r"^mv_decoder\.adapter_(\d)\.", r"motion.heads.\1."),
    (r"^mv_decoder\.dec_([01])\.", r"motion.grow.\1."),
    (r"^mv_temporal_prior_encoder\.", r"motion.temporal_prior."),
)
SIDES = (
    (r"^mv_y_prior_fusion_LTA\.", r"motion.entropy_model.adapt."),
    (r"^y_prior_fusion_adaptor_LTA\.", r"entropy_model.adapt."),
    (r"\.adpater_ii\.", r".blocks.neither."),
    (r"\.adpater_ib\.", r".blocks.later."),
    (r"\.adpater_bi\.", r".blocks.earlier."),
    (r"\.adpater_bb\.", r".blocks.both."),
)
FUSION = (
    (r"^fb_context_fusion_Enc\.", r"encoder_fusion."),
    (r"^fb_context_fusion_Dec\.", r"decoder_fusion."),
    (r"_fusion\.pix_w_maker\.", r"_fusion.compare."),
    (r"_fusion\.pix_to_feat\.", r"_fusion.shrink."),
    (r"_fusion\.feat_up\.", r"_fusion.grow."),
    *(
        (rf"_fusion\.{published}{number}\.", rf"_fusion.{ours}.{number - 1}.")
        for published, ours in (("pix_down", "enter"), ("pix_up", "enter"), ("fusion", "leave"))
        for number in (1, 2, 3)
    ),
    (r"encoder_fusion\.adp(\d)\.", r"encoder_fusion.weigh.-\1."),
    (r"decoder_fusion\.adp1\.", r"decoder_fusion.weigh.-1."),
    (r"decoder_fusion\.adp(\d)\.0\.", r"decoder_fusion.weigh.-\1."),
    *((rf"\.weigh\.-{number}\.", rf".weigh.{number - 1}.") for number in (1, 2, 3)),
    # Depth-wise parts that stand alone, without a feed-forward part behind them.
    (r"(_fusion\.(?:enter|shrink)\.\d)\.conv1\.0\.", r"\1.conv1."),
    (r"(_fusion\.(?:enter|shrink)\.\d)\.depth_conv\.", r"\1.depthwise."),
    (r"(_fusion\.(?:enter|shrink)\.\d)\.adaptor\.", r"\1.shortcut."),
)
INTER = (
    *SPYNET,
    *MOTION,
    *SIDES,
    *FUSION,
    (r"^feature_adaptor_I\.", r"context_fuser.from_image."),
    (r"^feature_adaptor\.", r"context_fuser.from_feature."),
    (r"^layer_feature_adaptor\.", r"context_fuser.by_layer."),
    (r"^align\.conv_offset\.", r"context_fuser.align.offsets."),
    (r"^align\.fusion\.", r"context_fuser.align.merge."),
    *CONTEXTS,
    (r"^context_fuser\.", r"contexts."),
    (r"^context3_fusion\.", r"join_coarse."),
    *CONTEXTUAL,
    *TEMPORAL,
    *four_part("mv_y", "motion.entropy_model"),
    *four_part("y", "entropy_model"),
    *gains("mv_y_", "motion."),
    *gains("y_", ""),
    *UNETS,
    *BLOCKS,
    *DENSITIES,
)
