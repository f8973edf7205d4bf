"""U-Net: why 572 × 572 pixels give 388 × 388, and what skips cost.

Slides: 001 «UNet (Ronneberger, Fischer y Brox 2015)».
Recipe: unet.

The paper's convolutions have no padding, so each 3 × 3 one reduces height and width by two pixels.
The contracting path has two convolutions and a pooling, four times, and two convolutions at the
bottom. Each step of the expanding path doubles the map's size, concatenates the cropped map of the
same step of the contracting path, and has two convolutions.

Pooling requires an even size, at each of the four steps, so not every image fits. And the copied
maps double the input channels of the first convolution of each step. Compute the sizes.
"""

from recipes.common.exercise import check, finish


def down(size, steps=4):
    """Sizes of the maps that are copied, the first step first, and of the map at the bottom.

    Returns:
        A list of steps + 1 numbers; of None if a size cannot be halved.
    """
    # Your code: in each step two convolutions; note the size; halve it, or return [None] if that is
    # not possible. At the end two more convolutions.
    raise NotImplementedError


def output_size(size, steps=4):
    """Height and width of the output for an image of size × size."""
    # Your code: from the bottom, in each step doubled, and two convolutions.
    raise NotImplementedError


def cut(size, steps=4):
    """Pixels that the copied maps lose on each side, the first step first."""
    *copied, up = down(size, steps)
    # Your code: the last copy first. It loses half of its difference to the doubled map from below
    # on each side; then two convolutions.
    raise NotImplementedError


def fitting(size, steps=4):
    """The smallest size, at least the given one, that can be halved at each step."""
    # Your code: try one after the other.
    raise NotImplementedError


def weights_of_step(channels, skips):
    """Weights, without biases, of the two 3 × 3 convolutions of a step on the way up.

    Args:
        channels: Of the doubled map from below, and of each convolution's output.
        skips: Whether a copied map with equally many channels is concatenated.
    """
    # Your code: the first convolution has `channels` inputs, or twice as many.
    raise NotImplementedError


def main():
    return [
        check("the paper's way down", lambda: down(572), [568, 280, 136, 64, 28]),
        check("572 × 572 pixels", lambda: output_size(572), 388),
        check("cut on each side", lambda: cut(572), [88, 40, 16, 4]),
        check("512 × 512 does not fit", lambda: fitting(512), 524),
        check("… and gives", lambda: output_size(fitting(512)), 340),
        check("64 channels, with skips", lambda: weights_of_step(64, skips=True), 110_592),
        check("… without", lambda: weights_of_step(64, skips=False), 73_728),
    ]


if __name__ == "__main__":
    finish(main())
