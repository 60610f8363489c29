from nvczoo.plugins.dcvc.published_keys import PUBLISHED

from nvczoo.published import renamed


def test_names_of_blocks_and_gains_are_told_apart() -> None:
    rules = PUBLISHED["dcvc-dc"]["inter"]
    prior, unet = "motion.entropy_model", "reconstruction.unets.1"
    expected = {
        "mv_y_q_basic_enc": "motion.encoder_gain.basic",
        "y_q_scale_dec": "decoder_gain.scale",
        "bit_estimator_z_mv.f2.a": f"{prior}.hyper.density.bends.1",
        "bit_estimator_z.f4.h": "entropy_model.hyper.density.slopes.3",
        "mv_y_spatial_prior_adaptor_3.bias": f"{prior}.adaptors.2.bias",
        "y_spatial_prior.0.block.1.conv.2.bias": "entropy_model.spatial.0.1.conv2.bias",
        "optic_flow.moduleBasic.3.conv5.weight": "motion_estimator.levels.3.8.weight",
        "recon_generation_net.unet_2.conv1.block.0.adaptor.bias": f"{unet}.enter.0.0.shortcut.bias",
    }
    assert {key: renamed(key, rules) for key in expected} == expected


def test_the_two_networks_have_rules_of_their_own() -> None:
    key = "enc.enc_2.1.block.0.conv1.0.weight"
    assert renamed(key, PUBLISHED["dcvc-dc"]["intra"]) == "analysis_coarse.1.0.conv1.weight"
    assert renamed(key, PUBLISHED["dcvc-dc"]["inter"]).startswith("enc.")
