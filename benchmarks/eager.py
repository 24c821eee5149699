"""The same model as a user would write it in PyTorch, eager or under ``torch.compile``."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import nn


def _stack(sizes: tuple[int, ...], dropout: float = 0.0) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        layers.append(nn.Linear(n_in, n_out))
        if i < len(sizes) - 2:
            layers.append(nn.Tanh())
            if dropout:
                layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)


class Model(nn.Module):
    """Compression network, estimation network and the paper's objective."""

    def __init__(self, features: int, code: tuple[int, ...], components: tuple[int, ...]) -> None:
        super().__init__()
        sizes = (features, *code)
        self.encoder, self.decoder = _stack(sizes), _stack(sizes[::-1])
        self.estimation = _stack((code[-1] + 2, *components), dropout=0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Loss of a minibatch of shape (n_rows, n_features)."""
        code = self.encoder(x)
        x_hat = self.decoder(code)
        distance = (x - x_hat).norm(dim=1) / x.norm(dim=1)
        cosine = torch.cosine_similarity(x, x_hat, dim=1)
        z = torch.cat([code, distance[:, None], cosine[:, None]], dim=1)
        gamma = torch.softmax(self.estimation(z), dim=1)
        weight = gamma.sum(dim=0)
        mu = gamma.T @ z / weight[:, None]
        centred = z - mu[:, None, :]
        cov = (gamma.T[:, :, None] * centred).mT @ centred / weight[:, None, None]
        cov = cov + 1e-6 * torch.eye(z.shape[1])
        chol = torch.linalg.cholesky(cov)
        white = torch.linalg.solve_triangular(chol, centred.mT, upper=False)
        log_det = chol.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        joint = (weight / len(x)).log() - log_det - 0.5 * (white * white).sum(dim=1).T
        energy = -torch.logsumexp(joint, dim=1).mean()
        penalty = (1.0 / cov.diagonal(dim1=1, dim2=2)).sum()
        return ((x - x_hat) ** 2).sum(dim=1).mean() + 0.1 * energy + 0.005 * penalty


def training(
    features: int,
    code: tuple[int, ...],
    components: tuple[int, ...],
    batch: int,
    steps: int,
    threads: int,
    *,
    compiled: bool = False,
) -> Callable[[], Any]:
    """Return a function that trains one network for some steps."""
    torch.manual_seed(0)
    rows = torch.randn(50_000, features)
    model = Model(features, code, components)
    adam = torch.optim.Adam(model.parameters(), lr=1e-4)
    loss_of: Any = torch.compile(model) if compiled else model
    update: Any = torch.compile(adam.step) if compiled else adam.step

    def go() -> None:
        torch.set_num_threads(threads)
        order = torch.randperm(len(rows))
        for i in range(steps):
            start = i * batch % (len(rows) - batch)
            adam.zero_grad()
            loss_of(rows[order[start : start + batch]]).backward()
            update()

    return go
