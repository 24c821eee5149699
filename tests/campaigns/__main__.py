"""Run campaigns, or go on with them: ``python -m campaigns [--place DIR] [NAME[=CASES] ...]``."""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

NAMES = ("readers_and_writers", "kills", "damaged_models", "hostile_files", "odd_tables")


def main():
    """Run what is named, by default all; end with 1 where a case failed."""
    parser = argparse.ArgumentParser(prog="campaigns", description=__doc__)
    parser.add_argument("campaigns", nargs="*", metavar="NAME[=CASES]", default=NAMES)
    parser.add_argument("--place", type=Path, default=Path(".campaign"), help="keeps the state")
    arguments = parser.parse_args()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("RUST_BACKTRACE", "0")
    arguments.place.mkdir(exist_ok=True)
    # Many shapes are compiled; the user's own programs are not to be pushed out by them.
    os.environ["DAGMM_CACHE_DIR"] = str(arguments.place.resolve())
    from campaigns.campaign import run

    n_failed = 0
    for wanted in arguments.campaigns:
        name, _, cases = wanted.partition("=")
        if name not in NAMES:
            parser.error(f"there is no campaign {name!r}; there are {', '.join(NAMES)}")
        campaign = import_module(f"campaigns.{name}").CAMPAIGN
        n_failed += run(campaign, int(cases or campaign.n_cases), arguments.place)
    sys.exit(n_failed > 0)


if __name__ == "__main__":
    main()
