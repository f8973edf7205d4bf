"""Reading a picture of the user's, from a file in any of the usual formats."""

import numpy as np
from PIL import Image, ImageOps

LARGEST = 2048  # pixels: larger pictures are reduced, which spares memory


def read_picture(path):
    """A picture, upright and in color, with white behind what is transparent.

    Args:
        path: Of a file that Pillow reads: JPEG, PNG, WebP, TIFF, GIF (its first frame) …

    Returns:
        Array (height, width, 3), uint8; the longer side has at most 2,048 pixels.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no readable picture, or too large to be decoded.
    """
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened)  # upright, by the camera's orientation
        if image.mode.startswith("I"):
            # 16 bits: Pillow would cut off all that is above 255.
            image = Image.fromarray((np.asarray(image) // 257).astype("uint8"))
        image = image.convert("RGBA")
    except FileNotFoundError:
        raise
    except Exception as error:  # for damaged bytes, Pillow's decoders can raise anything
        raise ValueError(f"{path} is no readable picture: {error}") from error
    image.thumbnail((LARGEST, LARGEST))
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("RGB"))
