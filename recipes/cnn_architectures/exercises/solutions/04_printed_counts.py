"""Printed sizes of VGG and ResNet: which of them cannot be right?

Slides: 001 «Número de capas: VGG-19», 002 «ResNet 152 capas (3.57 %, 11.3B flops)».
Recipes: vgg, resnet.

VGG has five blocks of 3 × 3 convolutions with 64, 128, 256, 512 and 512 filters, each block
followed by pooling, so that 224 × 224 × 3 become 7 × 7 × 512; then fully connected layers of 4096,
4096 and 1000 units. VGG-11 has 1, 1, 2, 2, 2 convolutions in its blocks, VGG-16 has 2, 2, 3, 3, 3,
VGG-19 has 2, 2, 4, 4, 4. The slide prints 144 million parameters for VGG-16 and 138 million for
VGG-19.

ResNet-152 has a first convolution, then 3, 8, 36 and 3 blocks of three convolutions, and one fully
connected layer from 2048 to 1000 units. Another slide gives it 2.3 million parameters. Count, and
correct both slides.
"""

from recipes.common.exercise import check, finish

FILTERS = [64, 128, 256, 512, 512]


def vgg_parameters(convolutions):
    """Parameters of the VGG with these numbers of convolutions in its five blocks."""
    total, channels = 0, 3
    # Your code: add up the blocks, then the three fully connected layers; all have biases.
    for filters, repeats in zip(FILTERS, convolutions, strict=True):
        for _ in range(repeats):
            total += (3 * 3 * channels + 1) * filters
            channels = filters
    for inputs, units in [(7 * 7 * 512, 4096), (4096, 4096), (4096, 1000)]:
        total += (inputs + 1) * units
    return total


def dense_share():
    """The share of VGG-16's parameters, from 0 to 1, in its three fully connected layers."""
    # Your code: count the layers by hand, and divide by vgg_parameters(…).
    dense = (7 * 7 * 512 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 1000
    return dense / vgg_parameters([2, 2, 3, 3, 3])


def millions():
    """The correct numbers of parameters of VGG-16 and VGG-19, rounded to millions."""
    # Your code: return two whole numbers.
    return [138, 144]


def resnet_layers(blocks):
    """Convolutional and fully connected layers of a ResNet with these numbers of blocks."""
    # Your code: shortcuts do not count.
    return 1 + 3 * sum(blocks) + 1


def last_layer_of_resnet():
    """Parameters of its last layer alone, to compare with 2.3 million."""
    # Your code: 2048 inputs, 1000 units, biases.
    return (2048 + 1) * 1000


def main():
    return [
        check("VGG-11", lambda: vgg_parameters([1, 1, 2, 2, 2]), 132_863_336),
        check("VGG-16", lambda: vgg_parameters([2, 2, 3, 3, 3]), 138_357_544),
        check("VGG-19", lambda: vgg_parameters([2, 2, 4, 4, 4]), 143_667_240),
        check("share of its dense layers", dense_share, 0.893647),
        check("VGG-16 and VGG-19 in millions", millions, [138, 144]),
        check("layers of ResNet-152", lambda: resnet_layers([3, 8, 36, 3]), 152),
        check("layers of ResNet-50", lambda: resnet_layers([3, 4, 6, 3]), 50),
        check("ResNet's last layer", last_layer_of_resnet, 2_049_000),
    ]


if __name__ == "__main__":
    finish(main())
