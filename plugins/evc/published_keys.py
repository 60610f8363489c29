"""Published parameter names of EVC, as rules from theirs to ours; see ``nvczoo.interfaces.FrameCodec``."""

from nvczoo.layers.published_keys import BLOCKS, DENSITIES

EVC = (
    (r"^enc\.", r"analysis.0."),
    (r"^encs\.", r"analysis."),
    (r"^dec\.", r"synthesis."),
    (r"^q_", r"quality_step."),
    (r"^bit_estimator_z\.", r"entropy_model.hyper."),
    (r"^hyper_enc\.", r"entropy_model.hyper.analysis."),
    (r"^hyper_dec\.", r"entropy_model.hyper.synthesis."),
    (r"^y_prior_fusion\.", r"entropy_model.fusion."),
    (r"^y_spatial_prior\.", r"entropy_model.spatial."),
    (r"\.block\.0\.(depth_conv|conv2)\.0\.", r".block.0.\1."),  # those with an activation behind them
    (r"\.block\.2\.", r".2."),
    *BLOCKS,
    *DENSITIES,
)
