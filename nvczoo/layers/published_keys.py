"""How the authors of the DCVC family and its heirs name the shared blocks, as rules from theirs to ours.

Each rule is a regular expression and what to put in its place; a codec applies those of its blocks, in order,
among its own.
"""

# Blocks that several models have.
BLOCKS = (
    (r"\.block\.0\.conv1\.0\.", r".0.conv1."),
    (r"\.block\.0\.depth_conv\.", r".0.depthwise."),
    (r"\.block\.0\.conv2\.", r".0.conv2."),
    (r"\.block\.0\.adaptor\.", r".0.shortcut."),
    (r"\.block\.1\.conv\.0\.", r".1.conv1."),
    (r"\.block\.1\.conv\.2\.", r".1.conv2."),
    (r"\.block\.1\.conv\.", r".1.conv1."),
    (r"\.block\.1\.conv_out\.", r".1.conv2."),
    (r"\.downsample\.", r".shortcut."),
    (r"\.upsample\.", r".shortcut."),
    (r"\.subpel_conv\.", r".enlarge."),
)
UNETS = (
    (r"\.context_refine\.", r".refine."),
    (r"\.up_conv3\.", r".merge.1."),
    (r"\.up_conv2\.", r".merge.0."),
    (r"\.up3\.0\.", r".grow.1.0."),
    (r"\.up2\.0\.", r".grow.0.0."),
)
DENSITIES = tuple(
    rule
    for step in range(4)
    for rule in (
        (rf"\.f{step + 1}\.h$", rf".density.slopes.{step}"),
        (rf"\.f{step + 1}\.b$", rf".density.offsets.{step}"),
        (rf"\.f{step + 1}\.a$", rf".density.bends.{step}"),
    )
)
SPYNET = tuple(
    (rf"^optic_flow\.moduleBasic\.(\d)\.conv{layer + 1}\.", rf"motion_estimator.levels.\1.{2 * layer}.")
    for layer in range(5)
)
CONTEXTS = (
    (r"^feature_extractor\.conv1\.", r"context_fuser.extract.convs.0."),
    (r"^feature_extractor\.conv2\.", r"context_fuser.extract.convs.1."),
    (r"^feature_extractor\.conv3\.", r"context_fuser.extract.convs.2."),
    (r"^feature_extractor\.res_block1\.", r"context_fuser.extract.blocks.0."),
    (r"^feature_extractor\.res_block2\.", r"context_fuser.extract.blocks.1."),
    (r"^feature_extractor\.res_block3\.", r"context_fuser.extract.blocks.2."),
    (r"^context_fusion_net\.conv3_up\.", r"context_fuser.fuse.grow.1.0."),
    (r"^context_fusion_net\.conv2_up\.", r"context_fuser.fuse.grow.0.0."),
    (r"^context_fusion_net\.res_block3_up\.", r"context_fuser.fuse.grow.1.1."),
    (r"^context_fusion_net\.res_block2_up\.", r"context_fuser.fuse.grow.0.1."),
    (r"^context_fusion_net\.conv1_out\.", r"context_fuser.fuse.mend.0.0."),
    (r"^context_fusion_net\.conv2_out\.", r"context_fuser.fuse.mend.1.0."),
    (r"^context_fusion_net\.conv3_out\.", r"context_fuser.fuse.mend.2.0."),
    (r"^context_fusion_net\.res_block1_out\.", r"context_fuser.fuse.mend.0.1."),
    (r"^context_fusion_net\.res_block2_out\.", r"context_fuser.fuse.mend.1.1."),
    (r"^context_fusion_net\.res_block3_out\.", r"context_fuser.fuse.mend.2.1."),
)
CONTEXTUAL = (
    (r"^contextual_encoder\.conv1\.", r"analysis.enter."),
    (r"^contextual_encoder\.res1\.", r"analysis.block_middle."),
    (r"^contextual_encoder\.conv2\.", r"analysis.halve."),
    (r"^contextual_encoder\.res2\.", r"analysis.block_coarse."),
    (r"^contextual_encoder\.conv3\.", r"analysis.leave.0."),
    (r"^contextual_encoder\.conv4\.", r"analysis.leave.1."),
    (r"^contextual_decoder\.up1\.", r"synthesis.enter.0."),
    (r"^contextual_decoder\.up2\.", r"synthesis.enter.1."),
    (r"^contextual_decoder\.res1\.", r"synthesis.block_coarse."),
    (r"^contextual_decoder\.up3\.", r"synthesis.grow."),
    (r"^contextual_decoder\.res2\.", r"synthesis.block_middle."),
    (r"^contextual_decoder\.up4\.", r"synthesis.leave."),
    (r"^recon_generation_net\.first_conv\.", r"reconstruction.enter."),
    (r"^recon_generation_net\.unet_1\.conv(\d)\.", r"recon_generation_net.unet_1.enter.\1."),
    (r"^recon_generation_net\.unet_2\.conv(\d)\.", r"recon_generation_net.unet_2.enter.\1."),
    (r"^recon_generation_net\.unet_1\.", r"reconstruction.unets.0."),
    (r"^recon_generation_net\.unet_2\.", r"reconstruction.unets.1."),
    (r"^recon_generation_net\.recon_conv\.", r"reconstruction.leave."),
    *((rf"^(reconstruction\.unets\.\d\.enter)\.{number}\.", rf"\1.{number - 1}.") for number in (1, 2, 3)),
)
TEMPORAL = (
    (r"^temporal_prior_encoder\.", r"temporal_prior."),
    (r"^contextual_hyper_prior_encoder\.", r"entropy_model.hyper.analysis."),
    (r"^contextual_hyper_prior_decoder\.", r"entropy_model.hyper.synthesis."),
    (r"^mv_hyper_prior_encoder\.", r"motion.entropy_model.hyper.analysis."),
    (r"^mv_hyper_prior_decoder\.", r"motion.entropy_model.hyper.synthesis."),
    (r"^bit_estimator_z\.", r"entropy_model.hyper."),
    (r"^bit_estimator_z_mv\.", r"motion.entropy_model.hyper."),
)


def four_part(published: str, ours: str) -> tuple[tuple[str, str], ...]:
    """Return the rules of a four-part prior, given what its names begin with on both sides."""
    return (
        (rf"^{published}_prior_fusion_adaptor_0\.", rf"{ours}.enter_without_previous."),
        (rf"^{published}_prior_fusion_adaptor_1\.", rf"{ours}.enter."),
        (rf"^{published}_prior_fusion\.", rf"{ours}.fusion."),
        (rf"^{published}_spatial_prior_adaptor_1\.", rf"{ours}.adaptors.0."),
        (rf"^{published}_spatial_prior_adaptor_2\.", rf"{ours}.adaptors.1."),
        (rf"^{published}_spatial_prior_adaptor_3\.", rf"{ours}.adaptors.2."),
        (rf"^{published}_spatial_prior\.", rf"{ours}.spatial."),
    )


def gains(published: str, ours: str) -> tuple[tuple[str, str], ...]:
    """Return the rules of the gains on both sides, given what their names begin with."""
    return tuple(
        (rf"^{published}q_{kind}_{side[:3]}$", rf"{ours}{side}_gain.{kind}")
        for kind in ("basic", "scale")
        for side in ("encoder", "decoder")
    )
