"""The same watch under a Lightning ``Trainer``."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, TensorDataset

import shinso
from shinso.lens import lightning_callback

lightning = pytest.importorskip("lightning.pytorch")
# Of Lightning's own making.
pytestmark = pytest.mark.filterwarnings("ignore")


class Classifier(lightning.LightningModule):
    """A perceptron with dropout, trained by Lightning's automatic optimization."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Linear(8, 3))
        self.losses: list[float] = []

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        inputs, targets = batch
        loss = F.cross_entropy(self.net(inputs), targets)
        self.losses.append(loss.item())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=0.01)


def fit(callbacks: list[Any], model: Classifier | None = None, **arguments: Any) -> Classifier:
    lightning.seed_everything(0, verbose=False)
    inputs, targets = torch.randn(40, 4), torch.randint(3, (40,))
    model = model or Classifier()
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **arguments,
    )
    trainer.fit(model, DataLoader(TensorDataset(inputs, targets), batch_size=8, shuffle=True))
    return model


@pytest.mark.parametrize("accumulate", [1, 3])
def test_training_is_the_same_bit_for_bit(accumulate: int) -> None:
    callback = lightning_callback(every=1)
    watched = fit([callback], accumulate_grad_batches=accumulate)
    watched_random = torch.get_rng_state()
    alone = fit([], accumulate_grad_batches=accumulate)
    assert watched.losses == alone.losses
    assert torch.equal(torch.get_rng_state(), watched_random)
    assert all(torch.equal(tensor, alone.state_dict()[name]) for name, tensor in watched.state_dict().items())
    assert callback.watch.readings("activation/dead").steps.tolist() == list(range(1, 11))


def test_readings_come_out_and_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    callback = lightning_callback(to=tmp_path / "run", every=4)
    fit([callback])
    steps, values, labels = callback.watch.readings("gradient_norm")
    assert steps.tolist() == [1, 5, 9]
    assert labels == ("net.0.weight", "net.0.bias", "net.3.weight", "net.3.bias")

    lightning.seed_everything(0, verbose=False)
    data = TensorDataset(torch.randn(40, 4), torch.randint(3, (40,)))
    model = Classifier()
    loader, optimizer = DataLoader(data, batch_size=8, shuffle=True), model.configure_optimizers()
    with shinso.watch(model, optimizer, every=4) as watch:
        for _ in range(2):
            for inputs, targets in loader:
                with watch.step(inputs, targets):
                    optimizer.zero_grad()
                    F.cross_entropy(model.net(inputs), targets).backward()
                    optimizer.step()
    np.testing.assert_array_equal(values, watch.readings("gradient_norm").values)
    run = shinso.load_run(tmp_path / "run")
    for name in ("update_ratio", "activation/mean", "activation/net.1/dead"):
        np.testing.assert_array_equal(run.readings(name).values, watch.readings(name).values)


class Failing(Classifier):
    """Fails at its fourth batch."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        if batch_idx == 3:
            raise KeyError("from the training step")
        return super().training_step(batch, batch_idx)


def test_an_error_in_training_passes_and_leaves_readings_and_no_hooks() -> None:
    model, callback = Failing(), lightning_callback(every=3)
    with pytest.raises(KeyError, match="from the training step"):
        fit([callback], model)
    # The fourth step was due.
    assert callback.watch.readings("gradient_norm").steps.tolist() == [1]
    assert not any(module._forward_hooks for module in model.modules())


class OfMappings(Classifier):
    """Is given batches by name."""

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader([{"x": torch.randn(4), "y": torch.tensor(1)} for _ in range(16)], batch_size=8)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return F.cross_entropy(self.net(batch["x"]), batch["y"])


def test_with_a_loss_batches_are_pairs() -> None:
    callback = lightning_callback("standard", loss=F.cross_entropy)
    trainer = lightning.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, callbacks=[callback], enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"need batches of two, \(inputs, targets\); got a dict"):
        trainer.fit(OfMappings())
