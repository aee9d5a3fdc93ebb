"""ResNet-50 (He et al., 2016, table 1) with the stride in the 3×3 convolutions, out of torch's own modules."""

from torch import Tensor, nn


class Bottleneck(nn.Module):
    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        out_channels = 4 * channels
        self.residual = nn.Sequential(
            *(nn.Conv2d(in_channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)),
            *(nn.Conv2d(channels, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)),
            *(nn.Conv2d(channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)),
        )
        projection = (nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels))
        self.shortcut = nn.Sequential(*(projection if stride > 1 or in_channels != out_channels else ()))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.relu(self.residual(x) + self.shortcut(x))
        return output


def resnet50(*, num_classes: int = 1000) -> nn.Sequential:
    """25,557,032 parameters for 1000 classes."""
    layers: list[nn.Module] = [
        nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)),
        nn.MaxPool2d(3, 2, 1),
    ]
    in_channels = 64
    for channels, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        stage = [Bottleneck(in_channels, channels, stride)]
        in_channels = 4 * channels
        stage += [Bottleneck(in_channels, channels, 1) for _ in range(blocks - 1)]
        layers.append(nn.Sequential(*stage))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(in_channels, num_classes))
