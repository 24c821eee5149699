"""A simulated table like KDD Cup 1999, of any length, written to Parquet in bounded memory.

    python benchmarks/large_table.py 1000000 connections.parquet [--sorted]

34 columns of numbers (heavy tails, counts, rates, columns that are nearly always zero), 7 of
categories (66 services among them) and a ``label``: 3 % of the rows are attacks of five kinds.
With ``--sorted`` rows come kind by kind and service by service, as no training should see them.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

#: Rows that are made at a time.
CHUNK_ROWS = 2**17

N_SERVICES = 66
PROTOCOLS = ("tcp", "udp", "icmp")
FLAGS = ("SF", "S0", "REJ", "RSTR", "RSTO", "SH", "S1", "S2", "RSTOS0", "S3", "OTH")
KINDS = ("normal", "flood", "scan", "leak", "guess", "worm")
SHARES = (0.97, 0.015, 0.008, 0.003, 0.002, 0.002)

AMOUNTS = ("duration", "src_bytes", "dst_bytes", "packets", "src_load", "dst_load")
COUNTS = ("count", "srv_count", "dst_host_count", "dst_host_srv_count", "hops", "window")
RARE = ("wrong_fragment", "urgent", "hot", "failed_logins", "compromised", "root_shell")
RARE += ("file_creations", "shells", "access_files", "outbound")
RATES = ("serror", "srv_serror", "rerror", "srv_rerror", "same_srv", "diff_srv", "srv_diff_host")
RATES += ("dst_same_srv", "dst_diff_srv", "dst_same_port", "dst_serror", "dst_rerror")


class Connections:
    """The world that rows are drawn from: what each service is like, and each kind of attack."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng([seed, 99])
        share = 1.0 / np.arange(1, N_SERVICES + 1) ** 1.2
        self.service_share = share / share.sum()
        self.services = np.array([f"service_{i:02d}" for i in range(N_SERVICES)])
        self.protocol = rng.choice(3, N_SERVICES, p=(0.7, 0.2, 0.1))
        self.flag = rng.dirichlet((60, 2, 2, *(0.5,) * (len(FLAGS) - 3)), N_SERVICES)
        self.amount = rng.normal((0, 6, 7, 2, 4, 5), 1.5, (N_SERVICES, len(AMOUNTS)))
        self.loading = rng.normal(0, 0.8, (N_SERVICES, len(AMOUNTS), 2))
        self.count = rng.normal(3.5, 0.8, (N_SERVICES, len(COUNTS)))
        self.rate = rng.normal(-2, 1.5, (N_SERVICES, len(RATES)))

    def rows(self, kind: np.ndarray, service: np.ndarray, rng: np.random.Generator) -> pa.Table:
        """Return rows of these kinds and services."""
        n = len(kind)
        cause = rng.normal(size=(n, 2))
        flood, scan, leak, guess, worm = (kind == i for i in range(1, len(KINDS)))
        amounts = self.amount[service] + np.einsum("nij,nj->ni", self.loading[service], cause)
        amounts += 0.3 * rng.standard_t(4, amounts.shape)
        amounts[flood, 1:3] = (3.0, 0.0)
        amounts[leak, 2] += 5.0
        amounts[worm] = self.amount[rng.integers(N_SERVICES, size=worm.sum())]
        amounts = np.floor(np.exp(np.clip(amounts, 0, 18)))
        amounts[:, 0] = np.where(rng.random(n) < 0.8, 0.0, amounts[:, 0])
        counts = np.exp(self.count[service] + 0.5 * cause[:, :1]) * rng.gamma(4, 0.25, (n, 1))
        counts[flood, :2] *= 8.0
        counts[scan, 2:4] *= 5.0
        counts = np.minimum(counts.round(), 511)
        rates = self.rate[service] - cause[:, 1:] + 0.3 * rng.normal(size=(n, len(RATES)))
        rates[flood, :2] += 4.0
        rates[scan, 2:4] += 4.0
        rates = np.clip(1.4 / (1.0 + np.exp(-rates)) - 0.2, 0, 1).round(2)
        rare = rng.poisson(0.004, (n, len(RARE)))
        rare[guess, 3] += rng.integers(1, 5, guess.sum())
        rare[leak, 2] += rng.poisson(1.0, leak.sum())
        flag = (rng.random((n, 1)) > self.flag[service].cumsum(axis=1)[:, :-1]).sum(axis=1)
        flag[flood | scan] = np.where(flood[flood | scan], 1, 2)
        columns = dict(zip(AMOUNTS, amounts.T, strict=True))
        columns |= dict(zip(COUNTS, counts.astype(np.int64).T, strict=True))
        columns |= dict(zip(RARE, rare.T, strict=True)) | dict(zip(RATES, rates.T, strict=True))
        columns["protocol"] = np.array(PROTOCOLS)[self.protocol[service]]
        columns["service"] = self.services[service]
        columns["flag"] = np.array(FLAGS)[flag]
        columns["land"] = np.where(rng.random(n) < 1e-4, "yes", "no")
        columns["logged_in"] = np.where(
            rng.random(n) < 1 / (1 + np.exp(-cause[:, 0])), "yes", "no"
        )
        columns["host_login"] = np.where(rng.random(n) < 1e-3, "yes", "no")
        columns["guest_login"] = np.where(rng.random(n) < 0.01, "yes", "no")
        columns["label"] = np.array(KINDS)[kind]
        return pa.table(columns)


def write(path: Path, n_rows: int, seed: int = 0, *, is_sorted: bool = False) -> None:
    """Write rows to a Parquet file.

    Parameters
    ----------
    path : Path
    n_rows, seed : int
        Each seed has rows of its own, all from one world.
    is_sorted : bool
        Whether rows come kind by kind and service by service.
    """
    world, rng = Connections(), np.random.default_rng(seed)
    share = np.outer(SHARES, world.service_share).ravel()
    ends = rng.multinomial(n_rows, share).cumsum()
    writer = None
    for start in range(0, n_rows, CHUNK_ROWS):
        n = min(CHUNK_ROWS, n_rows - start)
        if is_sorted:
            both = np.searchsorted(ends, np.arange(start, start + n), side="right")
        else:
            both = rng.choice(len(share), n, p=share)
        table = world.rows(*np.divmod(both, N_SERVICES), rng)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sorted", action="store_true")
    args = parser.parse_args()
    write(args.path, args.rows, args.seed, is_sorted=args.sorted)
