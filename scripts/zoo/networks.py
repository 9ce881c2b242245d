"""Networks that people segment with, small where their size is free, and single operations: name -> (module, shape of the
image, whether its sides are open in the file)."""

import torch
import torch.nn.functional as F
from torch import nn

# torchvision's own operations, which are not built here and which no network below calls.
_library = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _library.define(_name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


class First(nn.Module):
    """The first of several results."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        y = self.net(x)
        return y["out"] if isinstance(y, dict) else y[0] if isinstance(y, (list, tuple)) else y


# MONAI


def monai(name, *args, **options):
    import monai.networks.nets as nets

    return getattr(nets, name)(*args, **options)


def monai_unet(norm="INSTANCE", dims=2):
    return monai("UNet", dims, 1, 2, channels=(8, 16, 32), strides=(2, 2), num_res_units=2, norm=norm)


def monai_dynunet(dims=2):
    sizes = {"kernel_size": [3] * 3, "strides": [1, 2, 2], "upsample_kernel_size": [2, 2]}
    return monai("DynUNet", dims, 1, 3, **sizes, filters=[8, 16, 32])


def monai_segresnet(dims=2, **options):
    size = {"init_filters": 8, "blocks_down": (1, 2, 2), "blocks_up": (1, 1)} | options
    return monai("SegResNet", dims, in_channels=1, out_channels=2, **size)


def monai_unetr():
    size = {"feature_size": 8, "hidden_size": 48, "mlp_dim": 96, "num_heads": 4}
    return monai("UNETR", 1, 2, 64, spatial_dims=2, **size)


def monai_flexible():
    size = {"backbone": "efficientnet-b0", "decoder_channels": (32, 16, 8, 8, 8)}
    return monai("FlexibleUNet", 3, 2, spatial_dims=2, **size)


# nnU-Net


def nnunet(name, dims=2, **blocks):
    from dynamic_network_architectures.architectures import unet

    conv, norm = (nn.Conv2d, nn.InstanceNorm2d) if dims == 2 else (nn.Conv3d, nn.InstanceNorm3d)
    sizes = {"n_stages": 4, "features_per_stage": (8, 16, 32, 32), "kernel_sizes": 3, "strides": (1, 2, 2, 2)}
    affine = {"norm_op": norm, "norm_op_kwargs": {"eps": 1e-5, "affine": True}}
    return getattr(unet, name)(
        1, conv_op=conv, num_classes=3, conv_bias=True, nonlin=nn.LeakyReLU, nonlin_kwargs={"inplace": True},
        **sizes, **affine, **blocks,
    )  # fmt: skip


def nnunet_plain(dims=2):
    return nnunet("PlainConvUNet", dims, n_conv_per_stage=(2, 2, 2, 2), n_conv_per_stage_decoder=(2, 2, 2))


def nnunet_residual():
    return nnunet("ResidualEncoderUNet", n_blocks_per_stage=(1, 2, 2, 2), n_conv_per_stage_decoder=(1, 1, 1))


# segmentation-models-pytorch, torchvision


def smp(name, encoder="resnet18", **options):
    import segmentation_models_pytorch

    make = getattr(segmentation_models_pytorch, name)
    return make(encoder, encoder_weights=None, in_channels=3, classes=2, **options)


def torchvision(name):
    from torchvision.models import segmentation

    return First(getattr(segmentation, name)(weights=None, weights_backbone=None, num_classes=3))


# Instances


class StarDist(nn.Module):
    """As StarDist exports: a probability and distances, at half of the resolution."""

    def __init__(self, rays=32):
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.unet = monai("BasicUNet", 2, 8, 16, features=(8, 8, 16, 16, 32, 8), norm=("batch", {}))
        self.probability = nn.Conv2d(16, 1, 1)
        self.distances = nn.Conv2d(16, rays, 1)

    def forward(self, x):
        y = F.relu(self.unet(F.relu(self.first(x))))
        return torch.cat([torch.sigmoid(self.probability(y)), self.distances(y)], 1)


def normed(inputs, outputs, kernel, relu=True):
    parts = [nn.BatchNorm2d(inputs), *([nn.ReLU()] if relu else []), nn.Conv2d(inputs, outputs, kernel, padding="same")]
    return nn.Sequential(*parts)


class CellposeDown(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.project = normed(inputs, outputs, 1, relu=False)
        self.convs = nn.ModuleList([normed(inputs, outputs, 3), *(normed(outputs, outputs, 3) for _ in range(3))])

    def forward(self, x):
        x = self.project(x) + self.convs[1](self.convs[0](x))
        return x + self.convs[3](self.convs[2](x))


class CellposeStyled(nn.Module):
    def __init__(self, inputs, outputs, style):
        super().__init__()
        self.conv = normed(inputs, outputs, 3)
        self.full = nn.Linear(style, outputs)

    def forward(self, style, x, y=0):
        return self.conv(x + y + self.full(style)[:, :, None, None])


class CellposeUp(nn.Module):
    def __init__(self, inputs, outputs, style):
        super().__init__()
        self.project = normed(inputs, outputs, 1, relu=False)
        self.conv = normed(inputs, outputs, 3)
        self.styled = nn.ModuleList([CellposeStyled(outputs, outputs, style) for _ in range(3)])

    def forward(self, x, skip, style):
        x = self.project(x) + self.styled[0](style, self.conv(x), skip)
        return x + self.styled[2](style, self.styled[1](style, x))


class Cellpose(nn.Module):
    """Cellpose 1 to 3: a residual U-Net with a style; two flows and a logit."""

    def __init__(self, channels=(8, 16, 32)):
        super().__init__()
        inputs = (2, *channels[:-1])
        style = channels[-1]
        self.down = nn.ModuleList([CellposeDown(i, o) for i, o in zip(inputs, channels)])
        self.up = nn.ModuleList([CellposeUp(i, o, style) for i, o in zip((*channels[1:], style), channels)])
        self.last = normed(channels[0], 3, 1)

    def forward(self, x):
        skips = []
        for i, down in enumerate(self.down):
            x = down(F.max_pool2d(x, 2) if i > 0 else x)
            skips.append(x)
        style = x.mean((2, 3))
        style = style / torch.sum(style**2, 1, keepdim=True) ** 0.5
        for i in (2, 1, 0):
            x = F.interpolate(x, scale_factor=2.0, mode="nearest") if i < 2 else x
            x = self.up[i](x, skips[i], style)
        return self.last(x)


def sam_encoder():
    """The image encoder of Segment Anything."""
    from segment_anything.modeling import ImageEncoderViT

    size = {"img_size": 64, "patch_size": 8, "embed_dim": 48, "depth": 2, "num_heads": 4, "out_chans": 16}
    return ImageEncoderViT(**size, use_rel_pos=True, window_size=4, global_attn_indexes=(1,), qkv_bias=True)


class CellposeSam(nn.Module):
    """Cellpose 4: that encoder, and patches laid out by a transposed convolution."""

    def __init__(self):
        super().__init__()
        self.encoder = sam_encoder()
        self.out = nn.Conv2d(16, 3 * 64, 1)
        self.layout = nn.Parameter(torch.eye(3 * 64).reshape(3 * 64, 3, 8, 8), requires_grad=False)

    def forward(self, x):
        return F.conv_transpose2d(self.out(self.encoder(x)), self.layout, stride=8)


class TinyVit(nn.Module):
    """MobileSAM's encoder with a head of one layer."""

    def __init__(self):
        super().__init__()
        import timm

        self.encoder = timm.create_model("tiny_vit_5m_224", pretrained=False, num_classes=0, global_pool="")
        self.head = nn.Conv2d(320, 2, 1)

    def forward(self, x):
        return F.interpolate(self.head(self.encoder(x)), size=x.shape[-2:], mode="bilinear", align_corners=False)


class InstanSeg(nn.Module):
    """InstanSeg's U-Net in short: Mish, bilinear enlargement, three heads."""

    def __init__(self):
        super().__init__()

        def conv(inputs, outputs):
            parts = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.Mish()]
            return nn.Sequential(*parts)

        self.high, self.middle, self.low, self.up = conv(3, 8), conv(8, 16), conv(16, 16), conv(32, 8)
        self.heads = nn.ModuleList([nn.Conv2d(8, k, 1) for k in (2, 2, 1)])

    def forward(self, x):
        middle = self.middle(F.max_pool2d(self.high(x), 2))
        low = F.interpolate(self.low(F.max_pool2d(middle, 2)), scale_factor=2.0, mode="bilinear")
        y = F.interpolate(self.up(torch.cat([low, middle], 1)), scale_factor=2.0, mode="bilinear")
        return torch.cat([head(y) for head in self.heads], 1)


# Single operations, between two convolutions


class Between(nn.Module):
    def __init__(self, operation):
        super().__init__()
        self.first, self.operation, self.last = nn.Conv2d(3, 8, 3, padding=1), operation, nn.Conv2d(8, 2, 1)

    def forward(self, x):
        return self.last(self.operation(self.first(x)))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        t = x.flatten(2).transpose(1, 2)
        return self.attention(t, t, t, need_weights=False)[0].transpose(1, 2).reshape(x.shape)


class Pyramid(nn.Module):
    """A dilated convolution, and poolings that are enlarged again."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=6, dilation=6)

    def forward(self, x):
        whole = F.interpolate(F.adaptive_avg_pool2d(x, 1), x.shape[-2:], mode="bilinear", align_corners=False)
        parts = F.interpolate(F.adaptive_avg_pool2d(x, 4), x.shape[-2:], mode="bilinear", align_corners=True)
        return self.conv(x) + whole + parts


class ChannelNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(8)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def grid_sampled(mode="bilinear", padding="zeros"):
    def operation(x):
        rows, columns = (torch.linspace(-1.1, 0.9, n, dtype=x.dtype) for n in x.shape[-2:])
        y, x_ = torch.meshgrid(rows, columns, indexing="ij")
        grid = torch.stack([x_, y], -1)[None].expand(x.shape[0], -1, -1, -1)
        return F.grid_sample(x, grid, mode=mode, padding_mode=padding, align_corners=False)

    return operation


def einsum(x):
    q = x.flatten(2)
    weights = torch.softmax(torch.einsum("bci,bcj->bij", q, q) / 8, -1)
    return torch.einsum("bij,bcj->bci", weights, q).reshape(x.shape)


def assigned(x):
    y = torch.zeros_like(x)
    y[:, :, ::2, 1::2] = x[:, :, 1::2, ::2]
    return x + y


def normalised(x):
    return (x - x.mean((2, 3), keepdim=True)) / (x.std((2, 3), keepdim=True) + 1e-5)


def unpooled(x):
    return F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)


ACTIVATIONS = (nn.SELU, nn.CELU, nn.Softsign, nn.Hardtanh, nn.ReLU6, nn.Softplus, nn.LogSigmoid)

# name -> (operation, side, whether the sides are open)
OPERATIONS = {
    "gridsample": (grid_sampled(), 16, False),
    "gridsample_cubic": (grid_sampled("bicubic", "border"), 16, False),
    "gridsample_reflection": (grid_sampled("bilinear", "reflection"), 16, False),
    "einsum": (einsum, 16, False),
    "scatternd": (assigned, 16, False),
    "attention": (Attention, 16, False),
    "aspp": (Pyramid, 64, False),
    "layernorm": (ChannelNorm, 16, True),
    "groupnorm": (lambda: nn.GroupNorm(4, 8), 16, True),
    "bicubic": (lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"), 16, False),
    "nearest_exact": (lambda x: F.interpolate(x, scale_factor=1.5, mode="nearest-exact"), 16, False),
    "antialias": (lambda x: F.interpolate(x, size=(8, 8), mode="bilinear", antialias=True), 16, False),
    "pixelshuffle": (lambda x: F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2), 16, False),
    "roll": (lambda x: torch.roll(x, (3, -2), (2, 3)), 16, False),
    "gelu_tanh": (lambda: nn.GELU("tanh"), 16, True),
    "maxunpool": (unpooled, 16, False),
    "unfold": (lambda x: F.fold(F.unfold(x, 3, padding=1), x.shape[-2:], 3, padding=1), 16, False),
    "reflectpad": (lambda x: F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), 3, 1), 16, True),
    "weightnorm": (lambda: nn.utils.parametrizations.weight_norm(nn.Conv2d(8, 8, 3, padding=1)), 16, True),
    "std": (normalised, 16, True),
    "topk": (lambda x: F.normalize(x, dim=1) * torch.topk(x, 3, dim=1)[0].mean(1, keepdim=True), 16, True),
    "activations": (lambda: nn.Sequential(*(make() for make in ACTIVATIONS)), 16, True),
    "glu_silu": (lambda x: F.silu(F.glu(torch.cat([x, x], 1), 1)), 16, True),
    "cumsum": (lambda x: torch.cumsum(x, 2) / 10, 16, False),
    "where_mask": (lambda x: torch.where(x > 0.1, x, x * 0.1).masked_fill(x < -1, -1), 16, True),
}
# Those that are modules with weights of their own.
MODULES = {"attention", "aspp", "layernorm", "groupnorm", "gelu_tanh", "weightnorm", "activations"}


def between(name):
    operation = OPERATIONS[name][0]
    return lambda: Between(operation() if name in MODULES else operation)


GREY, STAIN, COLOUR, VOLUME = (1, 1, 64, 64), (1, 2, 64, 64), (1, 3, 64, 64), (1, 1, 32, 32, 32)

NETWORKS = {
    "monai_unet_in": (monai_unet, GREY, True),
    "monai_unet_bn": (lambda: monai_unet("BATCH"), GREY, True),
    "monai_dynunet": (monai_dynunet, GREY, True),
    "monai_segresnet": (monai_segresnet, GREY, True),
    "monai_segresnet_deconv": (
        lambda: monai_segresnet(blocks_down=(1, 2), blocks_up=(1,), upsample_mode="deconv"), GREY, True
    ),
    "monai_attentionunet": (lambda: monai("AttentionUnet", 2, 1, 2, (8, 16, 32), (2, 2)), GREY, True),
    "monai_swinunetr": (lambda: monai("SwinUNETR", 1, 2, feature_size=12, spatial_dims=2), GREY, False),
    "monai_unetr": (monai_unetr, GREY, False),
    "monai_basicunetpp": (
        lambda: First(monai("BasicUNetPlusPlus", 2, 1, 2, features=(8, 8, 16, 16, 32, 8))), GREY, True
    ),
    "monai_flexibleunet_effb0": (monai_flexible, COLOUR, True),
    "monai_vnet": (lambda: monai("VNet", 2, 1, 2), GREY, True),
    "nnunet_plain": (nnunet_plain, GREY, True),
    "nnunet_resenc": (nnunet_residual, GREY, True),
    "smp_unet_r18": (lambda: smp("Unet"), COLOUR, True),
    "smp_unet_mobilenetv2": (lambda: smp("Unet", "mobilenet_v2"), COLOUR, True),
    "smp_unet_effb0_scse": (lambda: smp("Unet", "efficientnet-b0", decoder_attention_type="scse"), COLOUR, True),
    "smp_unet_convnext": (lambda: smp("Unet", "tu-convnext_atto"), COLOUR, True),
    "smp_unetpp_r18": (lambda: smp("UnetPlusPlus"), COLOUR, True),
    "smp_manet_r18": (lambda: smp("MAnet"), COLOUR, False),
    "smp_deeplabv3p_r18": (lambda: smp("DeepLabV3Plus"), COLOUR, True),
    "smp_fpn_r18": (lambda: smp("FPN"), COLOUR, True),
    "smp_pan_r18": (lambda: smp("PAN"), (1, 3, 128, 128), True),
    "smp_pspnet_r18": (lambda: smp("PSPNet"), (1, 3, 96, 96), False),
    "smp_linknet_r18": (lambda: smp("Linknet"), COLOUR, True),
    "smp_segformer_mitb0": (lambda: smp("Segformer", "mit_b0"), COLOUR, True),
    "smp_upernet_convnext": (lambda: smp("UPerNet", "tu-convnext_atto"), COLOUR, False),
    "tv_fcn_r50": (lambda: torchvision("fcn_resnet50"), COLOUR, True),
    "tv_deeplabv3_mnv3": (lambda: torchvision("deeplabv3_mobilenet_v3_large"), COLOUR, True),
    "tv_lraspp": (lambda: torchvision("lraspp_mobilenet_v3_large"), COLOUR, True),
    "stardist": (StarDist, GREY, True),
    "cellpose3": (Cellpose, STAIN, True),
    "cellpose_sam": (CellposeSam, COLOUR, False),
    "sam_encoder": (sam_encoder, COLOUR, False),
    "mobilesam_tinyvit": (TinyVit, COLOUR, False),
    "instanseg": (InstanSeg, COLOUR, True),
    "volume_monai_unet": (lambda: monai_unet(dims=3), VOLUME, True),
    "volume_nnunet": (lambda: nnunet_plain(3), VOLUME, True),
    "volume_segresnet": (lambda: monai_segresnet(3), VOLUME, True),
    "volume_dynunet": (lambda: monai_dynunet(3), VOLUME, True),
    **{
        f"op_{name}": (between(name), (1, 3, side, side), is_open)
        for name, (_, side, is_open) in OPERATIONS.items()
    },
}  # fmt: skip
