"""Section ``training`` of this task: the general keys, and those of its losses."""

from __future__ import annotations

from dataclasses import dataclass

from trigger.config.check import in_range
from trigger.config.sections import TrainingSection
from trigger.errors import UserError

__all__ = ["VertexTraining"]


@dataclass(frozen=True, kw_only=True)
class VertexTraining(TrainingSection):
    """How a finder is trained: keys of every task, and these. ``batch_size`` counts events.

    Parameters
    ----------
    efficiency_loss : float
        Factor of minus the probability, by the soft arg-max, of a bin within ``window_cm`` of the true vertex.
    likelihood_loss : float
        Factor of minus its logarithm.
    huber_loss : float
        Factor of the pseudo-Huber loss of the soft position in cm (published: 1).
    huber_delta_cm, huber_trim : float
        Its width, and the fraction of the worst events that is left out (published: 0.05 and 0.1).
    association_loss : float
        Factor of the binary cross-entropy of the association (published: 0.001).
    weight_loss : float
        Factor of ``|q90(weight) - 1|`` (published: 0.001).
    ttbar_weight : float
        Weight of a ttbar event in the first two losses, where one of Z has 1.
    z_flip : bool
        Whether losses are averaged over an event and its mirror image (published).
    window_cm : float
        What counts as found.
    association_tracks : int
        Tracks of a batch, drawn at random, on which the association is trained.
    association_rate : float
        Learning rate of the association network, as a multiple of ``learning_rate``.

    Raises
    ------
    UserError
    """

    epochs: int = 6
    batch_size: int = 128
    learning_rate: float = 0.01
    final_learning_rate: float = 0.0001
    final_epochs: int | None = 20
    efficiency_loss: float = 1.0
    likelihood_loss: float = 0.0
    huber_loss: float = 0.0
    huber_delta_cm: float = 0.05
    huber_trim: float = 0.1
    association_loss: float = 0.001
    weight_loss: float = 0.001
    ttbar_weight: float = 1.0
    z_flip: bool = True
    window_cm: float = 0.15
    association_tracks: int = 2048
    association_rate: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("efficiency_loss", "likelihood_loss", "huber_loss", "association_loss", "weight_loss"):
            in_range(name, getattr(self, name), 0, 1000)
        if not self.efficiency_loss + self.likelihood_loss + self.huber_loss > 0:
            raise UserError(
                "one of efficiency_loss, likelihood_loss and huber_loss must be above 0, to train the vertex; not all 0"
            )
        if not self.association_loss > 0:
            raise UserError(
                "association_loss must be above 0, or nothing trains the association, not 0; published: 0.001"
            )
        in_range("ttbar_weight", self.ttbar_weight, 0.01, 100)
        in_range("huber_delta_cm", self.huber_delta_cm, 1e-4, 20)
        in_range("huber_trim", self.huber_trim, 0, 0.9)
        in_range("window_cm", self.window_cm, 0.01, 5)
        in_range("association_tracks", self.association_tracks, 16, 1_000_000)
        in_range("association_rate", self.association_rate, 0.01, 100)
