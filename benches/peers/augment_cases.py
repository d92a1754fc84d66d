"""What `augment.py` measures: every operation in our words and in those of Pillow, torchvision v2 and Albumentations + OpenCV.

A peer may have several ways of doing it; the fastest counts. Functions take one picture (a PIL image, a uint8 CHW tensor, an
HWC array) and return a new one. Parameters are fixed. Where a peer computes something else than the others, the note says so.
"""

import io
import math
from dataclasses import dataclass, field

import albumentations as A
import cv2
import numpy as np
import torch
from albumentations.augmentations.pixel import functional as AF
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

HEIGHT, WIDTH = 375, 500
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
BILINEAR, NEAREST = v2.InterpolationMode.BILINEAR, v2.InterpolationMode.NEAREST


@dataclass
class Case:
    name: str
    ours: str
    pillow: list = field(default_factory=list)
    torchvision: list = field(default_factory=list)
    albumentations: list = field(default_factory=list)
    bar: float = 1.0
    note: str = ""

    def __post_init__(self):
        if self.ours != "normalize":
            self.ours += "\np = 1.0"


def alb(transform):
    return lambda image: transform(image=image)["image"]


def table(function):
    """A 256-entry table for every channel, as Pillow wants it."""
    return [min(max(int(function(value)), 0), 255) for value in range(256)] * 3


def lut(function):
    return np.array(table(function)[:256], np.uint8)


def matrix(degrees, translate=(0, 0), scale=1.0, shear=0.0):
    """Output to source, around the centre, pixel coordinates with whole numbers at centres."""
    turn, lean = math.radians(degrees), math.radians(shear)
    forward = np.array([[math.cos(turn), -math.cos(turn) * math.tan(lean) - math.sin(turn)],
                        [math.sin(turn), -math.sin(turn) * math.tan(lean) + math.cos(turn)]]) * scale
    back = np.linalg.inv(forward)
    centre = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    shift = centre - back @ (centre + np.array(translate))
    return np.hstack([back, shift[:, None]])


def pillow_affine(map_, how):
    # Pillow's pixels have their centres at one half.
    moved = map_.copy()
    moved[:, 2] += 0.5 - map_[:, :2] @ np.array([0.5, 0.5])
    data = moved.flatten().tolist()
    return lambda image: image.transform(image.size, Image.Transform.AFFINE, data, how)


def cv_affine(map_, how):
    return lambda image: cv2.warpAffine(image, map_, (WIDTH, HEIGHT), flags=how | cv2.WARP_INVERSE_MAP)


def tv_affine(degrees, translate, scale, shear, how):
    return lambda image: F.affine(image, degrees, list(translate), scale, list(shear), how)


def affine_case(name, ours, degrees=0.0, translate=(0, 0), scale=1.0, shear=0.0, bilinear=True, bar=1.0):
    map_ = matrix(degrees, translate, scale, shear)
    p, t, c = (Image.Resampling.BILINEAR, BILINEAR, cv2.INTER_LINEAR) if bilinear else (Image.Resampling.NEAREST, NEAREST, cv2.INTER_NEAREST)
    return Case(
        name, ours, [pillow_affine(map_, p)], [tv_affine(degrees, translate, scale, (shear, 0.0), t)],
        [cv_affine(map_, c), alb(A.Affine(rotate=degrees, translate_px={"x": translate[0], "y": translate[1]}, scale=scale,
                                          shear={"x": shear, "y": 0}, interpolation=c, p=1))], bar,
        note="OpenCV: places in steps of 1/32 pixel" if bilinear else "",
    )


def jpeg_pillow(image):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=50)
    made = Image.open(buffer)
    made.load()
    return made


def jpeg_cv(image):
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def erased(image):
    made = image.copy()
    made[100:220, 150:310] = 0
    return made


def erased_pillow(image):
    made = image.copy()
    made.paste((0, 0, 0), (150, 100, 310, 220))
    return made


def shuffled_pillow(image):
    red, green, blue = image.split()
    return Image.merge("RGB", (blue, red, green))


def grey_three(image):
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def noisy_cv(image):
    noise = np.empty(image.shape, np.int16)
    cv2.randn(noise, 0, 0.05 * 255)
    return cv2.add(image, noise, dtype=cv2.CV_8U)


def normal_tensor(image):
    return F.normalize(F.to_dtype(image, torch.float32, scale=True), MEAN, STD, inplace=True)


FUSED = [torch.tensor([1 / (255 * s) for s in STD]).view(3, 1, 1), torch.tensor([m / s for m, s in zip(MEAN, STD)]).view(3, 1, 1)]


def fused_tensor(image):
    return image.to(torch.float32).mul_(FUSED[0]).sub_(FUSED[1])


def resized(size, box=(0, 0, HEIGHT, WIDTH)):
    """Bilinear, in each peer's words: with antialias (Pillow, torchvision), without (torchvision, OpenCV)."""
    top, left, height, width = box
    whole = box == (0, 0, HEIGHT, WIDTH)
    # A crop in Pillow is free where the resize takes a box; its weights may then reach over the border of the box.
    pillow = lambda image: image.resize((size, size), Image.Resampling.BILINEAR, box=None if whole else (left, top, left + width, top + height))
    tv = lambda antialias: lambda image: F.resize(image[:, top:top + height, left:left + width], [size, size], BILINEAR, antialias=antialias)
    cv = lambda image: cv2.resize(image[top:top + height, left:left + width], (size, size), interpolation=cv2.INTER_LINEAR)
    return pillow, tv(True), tv(False), cv


def cases():
    pillow_224, tv_224, tv_224_plain, cv_224 = resized(224)
    pillow_512, tv_512, tv_512_plain, cv_512 = resized(512)
    box = (55, 73, 265, 354)
    pillow_crop, tv_crop, tv_crop_plain, cv_crop = resized(224, box)
    corners = [[0, 0], [WIDTH - 1, 0], [WIDTH - 1, HEIGHT - 1], [0, HEIGHT - 1]]
    ends = [[40, 30], [WIDTH - 31, 22], [WIDTH - 51, HEIGHT - 36], [25, HEIGHT - 41]]
    view = cv2.getPerspectiveTransform(np.float32(corners), np.float32(ends))
    back = np.linalg.inv(view)
    back = (back / back[2, 2]).flatten().tolist()[:8]
    jitter = dict(brightness=(1.4, 1.4), contrast=(0.7, 0.7), saturation=(1.4, 1.4), hue=(0.1, 0.1))
    jitter_ours = "brightness = [1.4, 1.4]\ncontrast = [0.7, 0.7]\nsaturation = [1.4, 1.4]\nhue = [0.1, 0.1]"
    both = lambda transform: dict(pillow=[transform], torchvision=[transform])
    yield Case("brightness", "op = 'brightness'\nfactor = [1.4, 1.4]",
               [lambda i: ImageEnhance.Brightness(i).enhance(1.4), lambda i, t=table(lambda v: v * 1.4): i.point(t)],
               [lambda i: F.adjust_brightness(i, 1.4)], [lambda i: AF.adjust_brightness_torchvision(i, 1.4), lambda i: cv2.convertScaleAbs(i, alpha=1.4)])
    yield Case("contrast", "op = 'contrast'\nfactor = [1.4, 1.4]", [lambda i: ImageEnhance.Contrast(i).enhance(1.4)],
               [lambda i: F.adjust_contrast(i, 1.4)], [lambda i: AF.adjust_contrast_torchvision(i, 1.4)])
    yield Case("saturation", "op = 'saturation'\nfactor = [1.4, 1.4]", [lambda i: ImageEnhance.Color(i).enhance(1.4)],
               [lambda i: F.adjust_saturation(i, 1.4)], [lambda i: AF.adjust_saturation_torchvision(i, 1.4)])
    yield Case("hue", "op = 'hue'\nshift = [0.1, 0.1]", [lambda i: F.adjust_hue(i, 0.1)], [lambda i: F.adjust_hue(i, 0.1)],
               [lambda i: AF.adjust_hue_torchvision(i, 0.1)], 3.0, "Pillow by torchvision; Pillow and OpenCV: HSV in 8 bits")
    yield Case("color_jitter", "op = 'color_jitter'\n" + jitter_ours, **both(v2.ColorJitter(**jitter)),
               albumentations=[alb(A.ColorJitter(**jitter, p=1))], bar=3.0, note="Pillow by torchvision; Pillow and OpenCV: HSV in 8 bits")
    yield Case("photometric_distort", "op = 'photometric_distort'", **both(v2.RandomPhotometricDistort(p=0.5)), note="Pillow by torchvision")
    yield Case("grayscale", "op = 'grayscale'", [lambda i: i.convert("L").convert("RGB")], [lambda i: F.rgb_to_grayscale(i, 3)], [grey_three])
    yield Case("invert", "op = 'invert'", [ImageOps.invert], [F.invert], [AF.invert, cv2.bitwise_not])
    yield Case("posterize", "op = 'posterize'\nbits = 4", [lambda i: ImageOps.posterize(i, 4)], [lambda i: F.posterize(i, 4)],
               [lambda i: AF.posterize(i, 4), lambda i: np.bitwise_and(i, 0xF0)])
    yield Case("solarize", "op = 'solarize'\nthreshold = 128", [lambda i: ImageOps.solarize(i, 128)], [lambda i: F.solarize(i, 128)],
               [lambda i: AF.solarize(i, 128 / 255), lambda i, t=lut(lambda v: v if v < 128 else 255 - v): cv2.LUT(i, t)])
    yield Case("equalize", "op = 'equalize'", [ImageOps.equalize], [F.equalize], [lambda i: AF.equalize(i, mode="pil"), lambda i: AF.equalize(i, mode="cv")],
               note="Albumentations: the faster of its Pillow and its OpenCV mode")
    yield Case("autocontrast", "op = 'autocontrast'", [ImageOps.autocontrast], [F.autocontrast], [lambda i: AF.auto_contrast(i, 0, None, "pil")])
    yield Case("gamma", "op = 'gamma'\ngamma = [0.7, 0.7]", [lambda i, t=table(lambda v: 255.999 * (v / 255) ** 0.7): i.point(t)], [lambda i: F.adjust_gamma(i, 0.7)],
               [lambda i: AF.gamma_transform(i, 0.7)])
    yield Case("channel_shuffle", "op = 'channel_shuffle'", [shuffled_pillow], [lambda i: F.permute_channels(i, [2, 0, 1])],
               [lambda i: AF.channel_shuffle(i, [2, 0, 1]), lambda i: cv2.mixChannels([i], [np.empty_like(i)], [0, 1, 1, 2, 2, 0])[0]])
    yield Case("sharpness", "op = 'sharpness'\nfactor = [1.9, 1.9]", [lambda i: ImageEnhance.Sharpness(i).enhance(1.9)],
               [lambda i: F.adjust_sharpness(i, 1.9)],
               [lambda i, k=sharpening(1.9): cv2.filter2D(i, -1, k)], note="OpenCV: one 3x3 filter, the border filtered too")
    yield Case("gaussian_blur 5", "op = 'gaussian_blur'\nkernel_size = 5\nsigma = [1, 1]", [lambda i: i.filter(ImageFilter.GaussianBlur(1.0))],
               [lambda i: F.gaussian_blur(i, [5, 5], [1.0, 1.0])], [lambda i: cv2.GaussianBlur(i, (5, 5), 1.0)],
               note="Pillow: box blurs")
    yield Case("gaussian_noise", "op = 'gaussian_noise'\nsigma = [0.05, 0.05]", [], [lambda i: F.gaussian_noise(i, 0.0, 0.05)],
               [alb(A.GaussNoise(std_range=(0.05, 0.05), p=1)), noisy_cv], 3.0, "OpenCV: rounded")
    yield Case("salt_and_pepper", "op = 'salt_and_pepper'\namount = [0.02, 0.02]\nsalt_vs_pepper = [0.5, 0.5]", [], [],
               [alb(A.SaltAndPepper(amount=(0.02, 0.02), salt_vs_pepper=(0.5, 0.5), p=1))])
    yield Case("shot_noise", "op = 'shot_noise'\nphotons = [10, 10]", [], [], [alb(A.ShotNoise(scale_range=(0.1, 0.1), p=1))], note="Albumentations: in linear light")
    yield Case("multiplicative_noise", "op = 'multiplicative_noise'\nmultiplier = [0.9, 1.1]\nper_channel = true\nelementwise = true", [], [],
               [alb(A.MultiplicativeNoise(multiplier=(0.9, 1.1), per_channel=True, elementwise=True, p=1))])
    yield Case("erase", "op = 'erase'\nscale = [0.1, 0.1]\nratio = [1, 1]", [erased_pillow], [lambda i: F.erase(i, 100, 150, 120, 160, torch.zeros(3, 1, 1, dtype=torch.uint8))],
               [erased], note="Albumentations: by NumPy")
    yield Case("cutout", "op = 'cutout'\nsize = 138", [erased_pillow], [lambda i: F.erase(i, 100, 150, 120, 160, torch.zeros(3, 1, 1, dtype=torch.uint8))], [erased],
               note="Albumentations: by NumPy")
    yield Case("jpeg_artifacts 50", "op = 'jpeg_artifacts'\nquality = 50", [jpeg_pillow], [lambda i: F.jpeg(i, 50)],
               [jpeg_cv], note="OpenCV: channels not swapped")
    yield Case("normalize", "normalize", [], [normal_tensor], [alb(A.Normalize(MEAN, STD, p=1))], 3.0,
               "u8 to f32 in a new tensor; Albumentations: HWC")
    yield Case("normalize, by hand", "normalize", [], [fused_tensor], [], note="torchvision: two in-place steps in plain torch")
    yield Case("resize 224", "op = 'resize'\nsize = 224", [pillow_224], [tv_224], [], note="with antialias, which OpenCV has not")
    yield Case("resize 224, no antialias", "op = 'resize'\nsize = 224\nantialias = false", [], [tv_224_plain], [cv_224])
    yield Case("resize 512", "op = 'resize'\nsize = 512", [pillow_512], [tv_512, tv_512_plain], [cv_512])
    yield Case("resized_crop 224", "op = 'resized_crop'\nsize = 224\nscale = [0.5, 0.5]\nratio = [1.3333, 1.3333]", [pillow_crop], [tv_crop], [],
               note="with antialias, which OpenCV has not")
    yield Case("resized_crop 224, no antialias", "op = 'resized_crop'\nsize = 224\nscale = [0.5, 0.5]\nratio = [1.3333, 1.3333]\nantialias = false", [], [tv_crop_plain],
               [cv_crop])
    yield Case("crop 128", "op = 'crop'\nsize = 128", [lambda i: i.crop((150, 100, 278, 228))], [lambda i: F.crop(i, 100, 150, 128, 128).contiguous()],
               [lambda i: i[100:228, 150:278].copy()], note="all: the cut-out copied")
    yield Case("pad 16 reflect", "op = 'pad'\npadding = 16\npadding_mode = 'reflect'", [],
               [lambda i: F.pad(i, [16] * 4, padding_mode="reflect")], [lambda i: cv2.copyMakeBorder(i, 16, 16, 16, 16, cv2.BORDER_REFLECT_101)])
    yield Case("pad 16", "op = 'pad'\npadding = 16", [lambda i: ImageOps.expand(i, 16)], [lambda i: F.pad(i, [16] * 4)],
               [lambda i: cv2.copyMakeBorder(i, 16, 16, 16, 16, cv2.BORDER_CONSTANT, value=(0, 0, 0))])
    yield Case("horizontal_flip", "op = 'horizontal_flip'", [ImageOps.mirror], [F.horizontal_flip], [lambda i: cv2.flip(i, 1)])
    yield Case("vertical_flip", "op = 'vertical_flip'", [ImageOps.flip], [F.vertical_flip], [lambda i: cv2.flip(i, 0)])
    yield Case("rotate90", "op = 'rotate90'\nturns = 1", [lambda i: i.transpose(Image.Transpose.ROTATE_90)], [lambda i: torch.rot90(i, 1, [1, 2]).contiguous()],
               [lambda i: cv2.rotate(i, cv2.ROTATE_90_COUNTERCLOCKWISE)])
    yield rotation("rotate 15 nearest", False, 1.0)
    yield rotation("rotate 15 bilinear", True, 3.0)
    yield affine_case("affine nearest", "op = 'affine'\ndegrees = [15, 15]\nscale = [1.1, 1.1]\nshear = [5, 5]", 15.0, (0, 0), 1.1, 5.0, False)
    yield affine_case("affine bilinear", "op = 'affine'\ndegrees = [15, 15]\nscale = [1.1, 1.1]\nshear = [5, 5]\ninterpolation = 'bilinear'",
                      15.0, (0, 0), 1.1, 5.0, bar=3.0)
    yield affine_case("shear bilinear", "op = 'shear'\nx = [10, 10]\ninterpolation = 'bilinear'", shear=10.0)
    yield affine_case("translate", "op = 'translate'\ntranslate = [0.1, 0.1]", translate=(37, -21), bilinear=False)
    yield Case("perspective bilinear", "op = 'perspective'\ninterpolation = 'bilinear'",
               [lambda i: i.transform(i.size, Image.Transform.PERSPECTIVE, back, Image.Resampling.BILINEAR)],
               [lambda i: F.perspective(i, corners, ends, BILINEAR)], [lambda i: cv2.warpPerspective(i, view, (WIDTH, HEIGHT))],
               note="OpenCV: places in steps of 1/32 pixel")
    yield Case("elastic", "op = 'elastic'\nalpha = [50, 50]\nsigma = [5, 5]\ninterpolation = 'bilinear'", [], [v2.ElasticTransform(50.0, 5.0)],
               [alb(A.ElasticTransform(alpha=50, sigma=5, interpolation=cv2.INTER_LINEAR, p=1))], note="displacements differ in scale")
    policy = "Pillow by torchvision; nearest; the same draws in every round, others than the peers'"
    yield Case("rand_augment", "op = 'rand_augment'", **both(v2.RandAugment()), note=policy)
    yield Case("trivial_augment", "op = 'trivial_augment'", **both(v2.TrivialAugmentWide()), note=policy)
    yield Case("auto_augment", "op = 'auto_augment'", **both(v2.AutoAugment()), note=policy)
    yield Case("aug_mix", "op = 'aug_mix'", **both(v2.AugMix()), note=policy.replace("nearest", "bilinear"))


def rotation(name, bilinear, bar):
    map_ = matrix(-15.0)
    p, t, c = (Image.Resampling.BILINEAR, BILINEAR, cv2.INTER_LINEAR) if bilinear else (Image.Resampling.NEAREST, NEAREST, cv2.INTER_NEAREST)
    how = "bilinear" if bilinear else "nearest"
    return Case(name, f"op = 'rotate'\ndegrees = [15, 15]\ninterpolation = '{how}'", [lambda i: i.rotate(15, p)], [lambda i: F.rotate(i, 15.0, t)],
                [cv_affine(map_, c), alb(A.Rotate((15, 15), interpolation=c, border_mode=cv2.BORDER_CONSTANT, p=1))], bar,
                "OpenCV: places in steps of 1/32 pixel" if bilinear else "")


def sharpening(factor):
    blur = np.full((3, 3), 1 / 13, np.float32)
    blur[1, 1] = 5 / 13
    kernel = (1 - factor) * blur
    kernel[1, 1] += factor
    return kernel
