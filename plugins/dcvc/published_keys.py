r"""Published parameter names of the family, as rules from theirs to ours.

Each rule is a regular expression and what to put in its place; all are applied, in order.
"""

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

DC_INTRA = (
    (r"^enc\.enc_1\.", r"analysis_fine."),
    (r"^enc\.enc_2\.", r"analysis_coarse."),
    (r"^dec\.dec_1\.", r"synthesis_coarse."),
    (r"^dec\.dec_2\.", r"synthesis_fine."),
    *((rf"^refine\.0\.conv{number}\.", rf"refine.0.enter.{number - 1}.") for number in (1, 2, 3)),
    (r"^hyper_enc\.", r"entropy_model.hyper.analysis."),
    (r"^hyper_dec\.", r"entropy_model.hyper.synthesis."),
    (r"^bit_estimator_z\.", r"entropy_model.hyper."),
    *four_part("y", "entropy_model"),
    *gains("", ""),
    *UNETS,
    *BLOCKS,
    *DENSITIES,
)
DC_INTER = (
    *SPYNET,
    (r"^mv_encoder\.enc_1\.", r"motion.analysis_fine."),
    (r"^mv_encoder\.enc_2\.", r"motion.analysis_middle."),
    (r"^mv_encoder\.enc_3\.", r"motion.analysis_coarse."),
    (r"^mv_encoder\.adaptor_0\.", r"motion.join_without_feature."),
    (r"^mv_encoder\.adaptor_1\.", r"motion.join."),
    (r"^mv_decoder\.dec_1\.", r"motion.synthesis_coarse."),
    (r"^mv_decoder\.dec_2\.", r"motion.synthesis_middle."),
    (r"^mv_decoder\.dec_3\.", r"motion.synthesis_fine."),
    (r"^feature_adaptor_I\.", r"context_fuser.from_image."),
    (r"^feature_adaptor\.", r"context_fuser.from_feature."),
    (r"^align\.conv_offset\.", r"context_fuser.align.offsets."),
    (r"^align\.fusion\.", r"context_fuser.align.merge."),
    *CONTEXTS,
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
# The blocks of DCVC-HEM's U-Nets, and its steps.
SQUEEZED = (
    (r"\.conv\.0\.", r".conv1."),
    (r"\.conv\.2\.", r".conv2."),
    (r"\.conv\.3\.fc\.", r".gate."),
    (r"\.up_dim\.", r".shortcut."),
)
HEM_INTRA = (
    (r"^enc\.", r"analysis."),
    (r"^dec\.", r"synthesis."),
    *((rf"^refine\.0\.conv{number}\.", rf"refine.0.enter.{number - 1}.") for number in (1, 2, 3)),
    (r"^hyper_enc\.", r"entropy_model.hyper.analysis."),
    (r"^hyper_dec\.", r"entropy_model.hyper.synthesis."),
    (r"^bit_estimator_z\.", r"entropy_model.hyper."),
    *four_part("y", "entropy_model"),
    (r"^q_", r"quality_step."),
    *UNETS,
    *SQUEEZED,
    *BLOCKS,
    *DENSITIES,
)
HEM_INTER = (
    *SPYNET,
    (r"^mv_encoder\.", r"motion.analysis."),
    (r"^mv_decoder\.", r"motion.synthesis."),
    (r"^feature_adaptor_I\.", r"context_fuser.from_image."),
    (r"^feature_adaptor_P\.", r"context_fuser.from_feature."),
    *CONTEXTS,
    *CONTEXTUAL,
    *TEMPORAL,
    *four_part("mv_y", "motion.entropy_model"),
    *four_part("y", "entropy_model"),
    (r"^mv_y_q_", r"motion.quality_step."),
    (r"^y_q_", r"quality_step."),
    *UNETS,
    *SQUEEZED,
    *BLOCKS,
    *DENSITIES,
)
FM_INTRA = (
    (r"^(enc\.enc_\d\.\d)\.down\.", r"\1.shrink."),
    (r"^(enc\.enc_\d\.\d)\.conv\.0\.", r"\1.conv1."),
    (r"^(enc\.enc_\d\.\d)\.conv\.2\.", r"\1.conv2."),
    (r"\.block\.0\.conv1\.2\.", r".0.depthwise."),
    (r"\.block\.0\.out_conv\.", r".0.leave."),
    *((rf"^refine\.0\.down{number}\.", rf"refine.0.halve.{number - 1}.") for number in (1, 2)),
    (r"^y_spatial_prior_reduction\.", r"entropy_model.reduction."),
    *DC_INTRA,
)
FM_INTER = (
    *(
        (rf"^optic_flow\.me_{scale}x\.conv{layer + 1}\.", rf"motion_estimator.levels.{level}.{2 * layer}.")
        for level, scale in enumerate((8, 4, 2, 1))
        for layer in range(5)
    ),
    *(
        (rf"^{published}q_{side[:3]}$", rf"{ours}{side}_gain.scale")
        for published, ours in (("mv_y_", "motion."), ("y_", ""))
        for side in ("encoder", "decoder")
    ),
    *DC_INTER,
)
COMPUTED = ""  # what is not needed, such as tables
# CompressAI's cheng2020-anchor, with which DCVC-TCM's pictures share all but the serial prior.
CHENG2020 = (
    (r"^g_a\.", r"analysis."),
    (r"^g_s\.", r"synthesis."),
    (r"^h_a\.", r"entropy_model.hyper.analysis."),
    (r"^h_s\.", r"entropy_model.hyper.synthesis."),
    (r"^entropy_bottleneck\.quantiles$", r"entropy_model.hyper.density.quantiles"),
    (r"^entropy_bottleneck\._?(matrices|biases|factors)\.", r"entropy_model.hyper.density.\1."),
    (r"^entropy_bottleneck\._matrix(\d)$", r"entropy_model.hyper.density.matrices.\1"),
    (r"^entropy_bottleneck\._bias(\d)$", r"entropy_model.hyper.density.biases.\1"),
    (r"^entropy_bottleneck\._factor(\d)$", r"entropy_model.hyper.density.factors.\1"),
    (r"^context_prediction\.mask$", COMPUTED),
    (r"^context_prediction\.", r"entropy_model.guess.spatial."),
    (r"^entropy_parameters\.", r"entropy_model.guess.fusion."),
    (r"^.*\.i?gdn\.(beta|gamma)_reparam\..*", COMPUTED),
    (r"\.i?gdn\.", r".finish."),
    (r"\.skip\.", r".shortcut."),
    (r"^entropy_bottleneck\..*", COMPUTED),
    (r"^gaussian_conditional\..*", COMPUTED),
    *BLOCKS,
)
TCM_INTER = (
    *SPYNET,
    (r"^mv_encoder\.", r"motion.analysis."),
    (r"^mv_decoder\.", r"motion.synthesis."),
    (r"^mv_prior_encoder\.", r"motion.entropy_model.hyper.analysis."),
    (r"^mv_prior_decoder\.", r"motion.entropy_model.hyper.synthesis."),
    (r"^feature_adaptor_I\.", r"context_fuser.from_image."),
    (r"^feature_adaptor_P\.", r"context_fuser.from_feature."),
    *(
        rule
        for number in range(4)
        for rule in (
            (rf"^contextual_encoder\.gdn{number + 1}\.", rf"analysis.norms.{number}."),
            (rf"^contextual_decoder\.gdn{number + 1}\.", rf"synthesis.norms.{number}."),
            (rf"^temporal_prior_encoder\.gdn{number + 1}\.", rf"temporal_prior.norms.{number}."),
            (rf"^temporal_prior_encoder\.conv{number + 1}\.", rf"temporal_prior.convs.{number}."),
        )
    ),
    (r"^recon_generation_net\.feature_conv\.0\.", r"reconstruction.enter."),
    (r"^recon_generation_net\.feature_conv\.1\.", r"reconstruction.unets.0."),
    (r"^recon_generation_net\.feature_conv\.2\.", r"reconstruction.unets.1."),
    (r"^contextual_entropy_parameter\.", r"entropy_model.fusion."),
    *CONTEXTS,
    *CONTEXTUAL,
    *TEMPORAL,
    *DENSITIES,
)
DCVC_INTER = (
    (r"^opticFlow\.", r"optic_flow."),
    *SPYNET,
    (r"^mvEncoder\.", r"motion.analysis."),
    (r"^mvDecoder_part1\.", r"motion.synthesis."),
    (r"^mvDecoder_part2\.", r"motion.refine."),
    (r"^mvpriorEncoder\.", r"motion.entropy_model.hyper.analysis."),
    (r"^mvpriorDecoder\.", r"motion.entropy_model.hyper.synthesis."),
    (r"^bitEstimator_z_mv\.", r"motion.entropy_model.hyper."),
    (r"^auto_regressive(_mv)?\.mask$", COMPUTED),
    (r"^auto_regressive_mv\.", r"motion.entropy_model.guess.spatial."),
    (r"^entropy_parameters_mv\.", r"motion.entropy_model.guess.fusion."),
    (r"^feature_extract\.", r"context_fuser.extract."),
    (r"^context_refine\.", r"context_fuser.mend."),
    (r"^temporalPriorEncoder\.", r"temporal_prior."),
    (r"^contextualEncoder\.", r"analysis."),
    (r"^contextualDecoder_part1\.", r"synthesis."),
    (r"^contextualDecoder_part2\.", r"reconstruction."),
    (r"^priorEncoder\.", r"entropy_model.hyper.analysis."),
    (r"^priorDecoder\.", r"entropy_model.hyper.synthesis."),
    (r"^bitEstimator_z\.", r"entropy_model.hyper."),
    (r"^auto_regressive\.", r"entropy_model.guess.spatial."),
    (r"^entropy_parameters\.", r"entropy_model.guess.fusion."),
    (r"\.conv\.0\.", r".conv1."),
    (r"\.conv\.2\.", r".conv2."),
    *DENSITIES,
)
PUBLISHED = {
    "dcvc": {"intra": CHENG2020, "inter": DCVC_INTER},
    "dcvc-dc": {"intra": DC_INTRA, "inter": DC_INTER},
    "dcvc-fm": {"intra": FM_INTRA, "inter": FM_INTER},
    "dcvc-hem": {"intra": HEM_INTRA, "inter": HEM_INTER},
    "dcvc-tcm": {"intra": CHENG2020, "inter": TCM_INTER},
}
