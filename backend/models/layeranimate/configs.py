"""Sizes and variants of every LayerAnimate module as frozen data; read by modules and loader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.errors import AcetateError

OfficialConfig = Mapping[str, Any]
"""A released config.json, or the part of one that belongs to a component."""

_UNSUPPORTED_WHEN: Mapping[str, tuple[object, ...]] = {
    "use_scale_shift_norm": (True,),
    "resblock_updown": (True,),
    "use_relative_position": (True,),
    "use_causal_attention": (True,),
    "tempspatial_aware": (True,),
    "use_linear": (False,),
    "temporal_conv": (False,),
    "temporal_attention": (False,),
    "temporal_selfatt_only": (False,),
    "image_cross_attention": (False,),
}
"""Settings of the official constructor that no released checkpoint uses (spec 1.1)."""


def _refuse_unsupported(official: OfficialConfig, component: str) -> None:
    for key, refused in _UNSUPPORTED_WHEN.items():
        if key in official and official[key] in refused:
            raise AcetateError(
                "model_corrupt",
                detail=f"{component}: {key}={official[key]!r} is not supported",
                model=component,
            )


@dataclass(frozen=True)
class TrunkConfig:
    """The encoder half that the UNet and the layer control branch share (spec 5.1 to 5.5).

    `attention_scales` are the down-sampling factors (1, 2, 4, ...) at which blocks attend.
    """

    in_channels: int
    model_channels: int = 320
    num_res_blocks: int = 2
    channel_mult: tuple[int, ...] = (1, 2, 4, 4)
    attention_scales: tuple[int, ...] = (4, 2, 1)
    head_channels: int = 64
    context_dim: int = 1024
    transformer_depth: int = 1
    dropout: float = 0.1
    default_fps: float = 24.0
    fps_condition: bool = True
    first_temporal_attention: bool = True
    learned_image_scale: bool = False

    @property
    def embedding_channels(self) -> int:
        """Width of the time and frame-rate embedding."""
        return 4 * self.model_channels

    def width(self, level: int) -> int:
        """Channels of resolution level `level` (0 = finest)."""
        return self.model_channels * self.channel_mult[level]

    def attends(self, level: int) -> bool:
        """Whether blocks of this level hold transformers."""
        return 2**level in self.attention_scales

    @staticmethod
    def from_official(official: OfficialConfig, in_channels: int | None = None) -> TrunkConfig:
        """The trunk part of a released UNet or control configuration."""
        _refuse_unsupported(official, "trunk")
        return TrunkConfig(
            in_channels=int(official.get("in_channels", 8) if in_channels is None else in_channels),
            model_channels=int(official.get("model_channels", 320)),
            num_res_blocks=int(official.get("num_res_blocks", 2)),
            channel_mult=tuple(int(m) for m in official.get("channel_mult", (1, 2, 4, 4))),
            attention_scales=tuple(
                int(s) for s in official.get("attention_resolutions", (4, 2, 1))
            ),
            head_channels=int(official.get("num_head_channels", 64)),
            context_dim=int(official.get("context_dim", 1024)),
            transformer_depth=int(official.get("transformer_depth", 1)),
            dropout=float(official.get("dropout", 0.1)),
            default_fps=float(official.get("default_fps", 24)),
            fps_condition=bool(official.get("fps_condition", True)),
            first_temporal_attention=bool(official.get("addition_attention", True)),
            learned_image_scale=bool(official.get("image_cross_attention_scale_learnable", False)),
        )


@dataclass(frozen=True)
class BuiltInGuidance:
    """Classifier-free guidance that a student learned from its teacher, at this scale for good."""

    scale: float
    rescale: float

    @staticmethod
    def from_official(official: OfficialConfig) -> BuiltInGuidance | None:
        """What `unet/config.json` says of it; released ones say nothing."""
        told = official.get("built_in_guidance")
        if told is None:
            return None
        given = [told.get(name) for name in ("scale", "rescale")] if isinstance(told, dict) else []
        numbers = [float(n) for n in given if isinstance(n, int | float)]
        if len(numbers) != 2:
            detail = f"built_in_guidance={told!r} is no scale and rescale"[:200]
            raise AcetateError("model_corrupt", detail=detail, model="unet")
        return BuiltInGuidance(*numbers)


@dataclass(frozen=True)
class UNetConfig:
    """The denoising network.

    `uniform_when_all_invalid` repeats the official treatment of a row without any valid layer (the
    mean over all slots); the default leaves such a row unfused. `built_in_guidance`: predictions
    are guided already, so that sampling runs the prompted half only.
    """

    trunk: TrunkConfig = TrunkConfig(in_channels=8)
    out_channels: int = 4
    layer_fusion: bool = True
    uniform_when_all_invalid: bool = False
    built_in_guidance: BuiltInGuidance | None = None

    @staticmethod
    def from_official(official: OfficialConfig) -> UNetConfig:
        """A released `unet/config.json`."""
        return UNetConfig(
            trunk=TrunkConfig.from_official(official),
            out_channels=int(official.get("out_channels", 4)),
            layer_fusion=bool(official.get("masked_layer_fusion", True)),
            built_in_guidance=BuiltInGuidance.from_official(official),
        )


@dataclass(frozen=True)
class ControlConfig:
    """The layer control branch (spec 5.7).

    `concatenate` selects where the control embeddings join: False adds them to the first feature
    map (released mode "add"), True stacks them before the first convolution ("concat").
    `fixed_timestep`: the branch was trained with this one time step and gets no other, so that its
    features hold for a whole clip; None, as released: it follows the sampler.
    """

    trunk: TrunkConfig = TrunkConfig(in_channels=5)
    concatenate: bool = False
    uses_noisy_latents: bool = False
    trajectory_in_pixels: bool = True
    motion_channels: int = 2
    sketch_channels: int = 4
    trajectory_channels: int = 3
    fixed_timestep: int | None = None

    @property
    def control_channels(self) -> int:
        """Channels of the three control inputs together."""
        return self.motion_channels + self.sketch_channels + self.trajectory_channels

    @staticmethod
    def from_official(official: OfficialConfig) -> ControlConfig:
        """A released `layer_controlnet/config.json`."""
        mode = official.get("control_injection_mode", "add")
        if mode not in ("add", "concat"):
            raise AcetateError(
                "model_corrupt",
                detail=f"control_injection_mode={mode!r} is unknown",
                model="layer_controlnet",
            )
        channels = official.get("condition_channels", {})
        return ControlConfig(
            trunk=TrunkConfig.from_official(official, int(official.get("in_channels", 5))),
            concatenate=mode == "concat",
            uses_noisy_latents=not official.get("ignore_noisy_latents", True),
            trajectory_in_pixels=not official.get("use_vae_for_trajectory", False),
            motion_channels=int(channels.get("motion_score", 2)),
            sketch_channels=int(channels.get("sketch", 4)),
            trajectory_channels=int(channels.get("trajectory", 3)),
            fixed_timestep=fixed_timestep(official),
        )


def fixed_timestep(official: OfficialConfig) -> int | None:
    """What `layer_controlnet/config.json` says of it; released ones say nothing."""
    told = official.get("fixed_timestep")
    if told is None:
        return None
    if not isinstance(told, int) or not 0 <= told < MAX_TRAIN_STEPS:
        detail = f"fixed_timestep={told!r} is no time step"[:200]
        raise AcetateError("model_corrupt", detail=detail, model="layer_controlnet")
    return told


@dataclass(frozen=True)
class ResamplerConfig:
    """The image token resampler (spec 5.8); `video_length` is the model's clip length."""

    dim: int = 1024
    depth: int = 4
    head_channels: int = 64
    heads: int = 12
    queries_per_frame: int = 16
    image_dim: int = 1280
    output_dim: int = 1024
    ff_mult: int = 4
    video_length: int = 16

    @staticmethod
    def from_official(official: OfficialConfig) -> ResamplerConfig:
        """A released `image_projector/config.json`."""
        return ResamplerConfig(
            dim=int(official.get("dim", 1024)),
            depth=int(official.get("depth", 4)),
            head_channels=int(official.get("dim_head", 64)),
            heads=int(official.get("heads", 12)),
            queries_per_frame=int(official.get("num_queries", 16)),
            image_dim=int(official.get("embedding_dim", 1280)),
            output_dim=int(official.get("output_dim", 1024)),
            ff_mult=int(official.get("ff_mult", 4)),
            video_length=int(official.get("video_length", 16)),
        )


@dataclass(frozen=True)
class AutoencoderConfig:
    """The KL autoencoder, plain or with two reference frames (spec 5.9 and 5.10)."""

    channels: int = 128
    channel_mult: tuple[int, ...] = (1, 2, 4, 4)
    num_res_blocks: int = 2
    latent_channels: int = 4
    picture_channels: int = 3

    @property
    def scale(self) -> int:
        """Pixels per latent pixel, in each direction."""
        return 2 ** (len(self.channel_mult) - 1)

    def width(self, level: int) -> int:
        """Channels of resolution level `level` (0 = full resolution)."""
        return self.channels * self.channel_mult[level]

    @staticmethod
    def from_official(official: OfficialConfig) -> AutoencoderConfig:
        """A released `vae/config.json` or `vae_dualref/config.json`."""
        inner: OfficialConfig = official.get("ddconfig", {})
        attention: Sequence[int] = inner.get("attn_resolutions", ())
        if len(attention) > 0:
            raise AcetateError(
                "model_corrupt", detail="attention inside VAE levels is not supported", model="vae"
            )
        return AutoencoderConfig(
            channels=int(inner.get("ch", 128)),
            channel_mult=tuple(int(m) for m in inner.get("ch_mult", (1, 2, 4, 4))),
            num_res_blocks=int(inner.get("num_res_blocks", 2)),
            latent_channels=int(official.get("embed_dim", inner.get("z_channels", 4))),
            picture_channels=int(inner.get("in_channels", 3)),
        )


MAX_TRAIN_STEPS = 100_000


@dataclass(frozen=True)
class SchedulerConfig:
    """The noise schedule and how it is sampled (spec 1.1 and 3.3).

    `student_steps`: the model learned to sample in just so many steps, without fresh noise.
    """

    train_steps: int = 1000
    beta_start: float = 0.00085
    beta_end: float = 0.012
    zero_terminal_snr: bool = True
    student_steps: int | None = None

    @staticmethod
    def from_official(official: OfficialConfig) -> SchedulerConfig:
        """A released `scheduler/scheduler_config.json`; refuses kinds the sampler does not know."""
        expected = {
            "beta_schedule": "scaled_linear",
            "prediction_type": "v_prediction",
            "timestep_spacing": "trailing",
            "clip_sample": False,
            "set_alpha_to_one": False,
            "thresholding": False,
        }
        for key, value in expected.items():
            if official.get(key, value) != value:
                raise AcetateError(
                    "model_corrupt",
                    detail=f"{key}={official[key]!r} is not supported",
                    model="scheduler",
                )
        config = SchedulerConfig(
            train_steps=int(official.get("num_train_timesteps", 1000)),
            beta_start=float(official.get("beta_start", 0.00085)),
            beta_end=float(official.get("beta_end", 0.012)),
            zero_terminal_snr=bool(official.get("rescale_betas_zero_snr", True)),
            student_steps=official.get("student_steps"),
        )
        steps_fit = 1 <= config.train_steps <= MAX_TRAIN_STEPS
        few = config.student_steps
        if few is not None and not (isinstance(few, int) and 1 <= few <= config.train_steps):
            detail = f"student_steps={few!r} is no number of steps"[:200]
            raise AcetateError("model_corrupt", detail=detail, model="scheduler")
        if not (steps_fit and 0 < config.beta_start <= config.beta_end < 1):
            detail = f"{config.train_steps} steps, beta {config.beta_start} to {config.beta_end}"
            raise AcetateError("model_corrupt", detail=f"no schedule: {detail}", model="scheduler")
        return config


@dataclass(frozen=True)
class LayerAnimateConfig:
    """All components of one model; `dual` None means that no two-key decoder is there."""

    unet: UNetConfig = UNetConfig()
    control: ControlConfig = ControlConfig()
    resampler: ResamplerConfig = ResamplerConfig()
    autoencoder: AutoencoderConfig = AutoencoderConfig()
    dual: AutoencoderConfig | None = AutoencoderConfig()
    scheduler: SchedulerConfig = SchedulerConfig()
    latent_scale: float = 0.18215

    @property
    def size_multiple_px(self) -> int:
        """Width and height must be multiples of this (64 for the released sizes)."""
        return self.autoencoder.scale * 2 ** (len(self.unet.trunk.channel_mult) - 1)
