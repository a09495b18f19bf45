"""Our configurations in the words of the released config.json files; called on saving a model."""

from __future__ import annotations

from typing import Any

from backend.models.layeranimate.configs import (
    AutoencoderConfig,
    ControlConfig,
    LayerAnimateConfig,
    ResamplerConfig,
    SchedulerConfig,
    TrunkConfig,
    UNetConfig,
)

Document = dict[str, Any]


def official_configs(config: LayerAnimateConfig) -> dict[str, Document]:
    """One document per component folder of the released layout, and `scheduler`."""
    documents = {
        "unet": _unet(config.unet),
        "layer_controlnet": _control(config.control),
        "image_projector": _resampler(config.resampler),
        "vae": {**_autoencoder(config.autoencoder), "scaling_factor": config.latent_scale},
        "scheduler": _scheduler(config.scheduler),
    }
    if config.dual is not None:
        documents["vae_dualref"] = _autoencoder(config.dual)
    return documents


def _trunk(config: TrunkConfig) -> Document:
    return {
        "in_channels": config.in_channels,
        "model_channels": config.model_channels,
        "num_res_blocks": config.num_res_blocks,
        "channel_mult": list(config.channel_mult),
        "attention_resolutions": list(config.attention_scales),
        "num_head_channels": config.head_channels,
        "context_dim": config.context_dim,
        "transformer_depth": config.transformer_depth,
        "dropout": config.dropout,
        "default_fps": config.default_fps,
        "fps_condition": config.fps_condition,
        "addition_attention": config.first_temporal_attention,
        "image_cross_attention_scale_learnable": config.learned_image_scale,
    }


def _unet(config: UNetConfig) -> Document:
    guidance = config.built_in_guidance
    return {
        **_trunk(config.trunk),
        "out_channels": config.out_channels,
        "masked_layer_fusion": config.layer_fusion,
        **({"built_in_guidance": vars(guidance)} if guidance is not None else {}),
    }


def _control(config: ControlConfig) -> Document:
    return {
        **_trunk(config.trunk),
        "control_injection_mode": "concat" if config.concatenate else "add",
        "ignore_noisy_latents": not config.uses_noisy_latents,
        "use_vae_for_trajectory": not config.trajectory_in_pixels,
        "condition_channels": {
            "motion_score": config.motion_channels,
            "sketch": config.sketch_channels,
            "trajectory": config.trajectory_channels,
        },
        **({"fixed_timestep": config.fixed_timestep} if config.fixed_timestep is not None else {}),
    }


def _resampler(config: ResamplerConfig) -> Document:
    return {
        "dim": config.dim,
        "depth": config.depth,
        "dim_head": config.head_channels,
        "heads": config.heads,
        "num_queries": config.queries_per_frame,
        "embedding_dim": config.image_dim,
        "output_dim": config.output_dim,
        "ff_mult": config.ff_mult,
        "video_length": config.video_length,
    }


def _autoencoder(config: AutoencoderConfig) -> Document:
    return {
        "embed_dim": config.latent_channels,
        "ddconfig": {
            "double_z": True,
            "z_channels": config.latent_channels,
            "in_channels": config.picture_channels,
            "out_ch": config.picture_channels,
            "ch": config.channels,
            "ch_mult": list(config.channel_mult),
            "num_res_blocks": config.num_res_blocks,
            "attn_resolutions": [],
            "dropout": 0.0,
        },
    }


def _scheduler(config: SchedulerConfig) -> Document:
    return {
        "num_train_timesteps": config.train_steps,
        "beta_start": config.beta_start,
        "beta_end": config.beta_end,
        "beta_schedule": "scaled_linear",
        "prediction_type": "v_prediction",
        "timestep_spacing": "trailing",
        "rescale_betas_zero_snr": config.zero_terminal_snr,
        "clip_sample": False,
        "set_alpha_to_one": False,
        **({"student_steps": config.student_steps} if config.student_steps is not None else {}),
    }
