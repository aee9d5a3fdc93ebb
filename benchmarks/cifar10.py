"""How accurate half an hour on CIFAR-10 can make a network on this machine.

python benchmarks/cifar10.py PARQUET_DIRECTORY [--budget 30min] [--to DIRECTORY]
"""

import argparse
import math

import torch

import shinso
from cifar10_network import SmallImageNetwork
from shinso.recipe import SGD, OneCycle, Recipe, Split
from shinso.training import load_data

WHITENED_ON = 5000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--budget", default="30min")
    parser.add_argument("--widths", type=int, nargs=3, default=[64, 256, 256])
    parser.add_argument("--to", default=None)
    arguments = parser.parse_args()
    recipe = Recipe(
        data=f"parquet:{arguments.data}",
        budget=arguments.budget,
        batch_size=128,
        # The record recipe's rates for batches of 1024 and summed losses, for means over 128.
        optimizer=SGD(learning_rate=0.19, momentum=0.85, weight_decay=1.3e-3),
        schedule=OneCycle(warmup=0.23),
        label_smoothing=0.2,
        clip_norm=math.inf,
        precision="bfloat16",
        split=Split(valid=0.02),
    )
    data = load_data(recipe)
    index = torch.arange(WHITENED_ON)
    images = (data.train.fetch(index)[0].float() - data.mean) / data.std
    torch.manual_seed(recipe.seed)
    network = SmallImageNetwork(images, len(data.classes or ()), tuple(arguments.widths))
    run = shinso.train(network, data, recipe, to=arguments.to)
    print(f"test accuracy {run.summary['test/accuracy']:.4f} after {run.summary['epochs']:.0f} epochs")


if __name__ == "__main__":
    main()
